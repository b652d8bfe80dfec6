"""The core names no plug-in: what it knows of one, it learns from what the plug-in declares.

No string in the core is the name of a plug-in or of a measure, or holds one as a word; docstrings, examples, the demo and the benchmark
may. Names that are words of everyday language as well (``reference``) count only as whole strings, and rooms that mean something else by
them are listed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from seedbench.plugins.registry import load
from tests.import_graph import imports_in
from tests.seedbench.test_architecture import FILES, ROOT
from tests.seedbench.test_dependencies import PROJECT, declared, provided_by

#: Programs that are about our own plug-ins: the demo runs them, ``seedbench bench`` measures what they cost.
OURS = {"seedbench/cli/demo.py", "seedbench/cli/bench.py", "seedbench/cli/costs.py"}
#: Names of plug-ins and measures that are everyday words.
WORDS = {
    *("arena", "command", "identity", "impact", "import", "physics", "reference"),
    *("confidence", "contact", "energy", "margin", "matched", "permanence", "plausibility", "precision", "presence", "recall"),
    *("restitution", "similarity"),
}
#: Rooms of the core that mean something else by such a word. A room that no longer uses it must leave the list.
OTHER_MEANINGS = {
    "command": {"plugins", "runs"},  # a group of entry points; the line a person typed
    "confidence": {"report"},  # of an interval
    "impact": {"suites"},  # a task of a prompt
    "reference": {"results", "runs", "store", "suites"},  # a role of cells; a task of a prompt
}
#: What the core is made of. Every other dependency belongs to plug-ins.
CORE_LIBRARIES = {
    *("alembic", "av", "cv2", "filelock", "fsspec", "jinja2", "numpy", "pandas", "psutil", "pyarrow", "pydantic", "pydantic_core"),
    *("rich", "scipy", "soxr", "sqlalchemy", "typer", "yaml"),
}


def core() -> dict[str, str]:
    """The text of each module of the core, by its path from the root."""
    inside = [path for path in FILES if path.relative_to(ROOT).parts[0] == "seedbench"]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in inside}


@cache
def plugin_names() -> frozenset[str]:
    """Names of our entry points, and of the measures of our metrics."""
    names = {name for group in PROJECT["entry-points"].values() for name in group}
    metrics = [load("metrics", name) for name in PROJECT["entry-points"]["seedbench.metrics"]]
    return frozenset(names | {measure.name for metric in metrics for measure in metric.info.measures})


def is_example(node: ast.AST) -> bool:
    """Whether a part of the code gives examples to people: an assignment to a name that ends in EXAMPLES, or an argument ``epilog``."""
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) and target.id.endswith("EXAMPLES") for target in node.targets)
    return isinstance(node, ast.keyword) and node.arg == "epilog"


def strings_in(source: str) -> Iterator[str]:
    """Strings of a module's code that are neither docstrings nor examples."""
    tree = ast.parse(source)
    exempt: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            exempt.add(node.value)
        elif is_example(node):
            exempt.update(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in exempt:
            yield node.value


def named_in(source: str) -> set[str]:
    """Plug-ins and measures that a module's strings name."""
    named = set()
    for text in strings_in(source):
        named |= {text} & plugin_names()
        named |= set(re.findall(r"\w+", text)) & (plugin_names() - WORDS)
        named |= set(re.findall(r"\bseedbench\.(?:metrics|generators|arena)\.\w+", text))
    return named


@cache
def plugin_libraries() -> frozenset[str]:
    """Names of declared distributions that are not the core's, and of the modules in them."""
    modules = {name: provided_by(name) for name in declared("tts", "login", "train")}
    foreign = {name: provided for name, provided in modules.items() if not provided & CORE_LIBRARIES}
    return frozenset(foreign.keys() | {module for provided in foreign.values() for module in provided})


def libraries_in(source: str) -> set[str]:
    """Libraries of plug-ins that a module imports, or names in a string as a module or as a distribution."""
    used = {name.split(".")[0] for name in imports_in(source)}
    return (used | {text.lower() for text in strings_in(source)}) & plugin_libraries()


def test_the_core_names_no_plugin() -> None:
    wrong, needed = {}, set()
    for path, source in core().items():
        named, room = named_in(source) if path not in OURS else set(), path.split("/")[1]
        meant = {word for word in named if room in OTHER_MEANINGS.get(word, ())}
        needed |= {(word, room) for word in meant}
        if named - meant:
            wrong[path] = named - meant
    assert wrong == {}, "the core must not name a plug-in"
    assert {(word, room) for word, rooms in OTHER_MEANINGS.items() for room in rooms} - needed == set(), "take these out of OTHER_MEANINGS"


def test_the_core_uses_no_library_of_plugins() -> None:
    used = {path: libraries for path, source in core().items() if (libraries := libraries_in(source))}
    assert used == {}


def test_every_file_and_word_of_the_lists_is_there() -> None:
    assert sorted(OURS - core().keys()) == []
    assert sorted((WORDS | OTHER_MEANINGS.keys()) - plugin_names()) == []
    imported = {name.split(".")[0] for source in core().values() for name in imports_in(source)}
    assert sorted(CORE_LIBRARIES - imported) == []


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("metrics = ['lipsync']", {"lipsync"}),
        ("raise ValueError(f'the simulator made no clip of {prompt}')", {"simulator"}),
        ("if row.measure == 'offset_ms': ...", {"offset_ms"}),
        ("if name == 'reference': ...", {"reference"}),
        ("text = 'the reference set'", set()),
        ("import importlib\nimportlib.import_module('seedbench.metrics.impact')", {"seedbench.metrics.impact"}),
        ("group = 'seedbench.metrics'", set()),
        ('def score() -> None:\n    """Such as lipsync."""', set()),
        ("RUN_EXAMPLES = 'seedbench run ' '-g simulator'", set()),
        ("typer.Typer(epilog='seedbench run -g simulator')", set()),
        ("typer.Option(help='such as lipsync')", {"lipsync"}),
    ],
)
def test_a_name_of_a_plugin_is_detected(source: str, named: set[str]) -> None:
    assert named_in(source) == named


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("def score() -> None:\n    import torch.nn", {"torch"}),
        ("PACKAGES = ('torch', 'numpy', 'dlib-bin')", {"torch", "dlib-bin"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from streamlit import Page", {"streamlit"}),
        ("import numpy, json, seedbench.errors", set()),
    ],
)
def test_a_library_of_plugins_is_detected(source: str, used: set[str]) -> None:
    assert libraries_in(source) == used
