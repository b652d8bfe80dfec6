"""Every declared dependency is imported, and everything imported is declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from seedbench.plugins.registry import OURS, Group, entries, load, package_of
from seedbench.runs.provenance import CORE_LIBRARIES
from tests.seedbench.test_architecture import FILES, FOLDERS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: Declared though nothing here imports them: the project's owner fixed these two. torchmetrics is what the tests hold FID and KID against.
FIXED = {"open-clip-torch", "torchmetrics"}
#: Commands and pytest plug-ins, which nothing imports.
TOOLS = {"mypy", "pytest-timeout", "pytest-xdist", "ruff"}
#: What a benchmark fetches by itself and never installs.
FETCHED = {"syncnet_python"}


def names_of(requirements: Iterable[str]) -> set[str]:
    """Normalised distribution names of requirements such as ``av>=15``."""
    return {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", item)[0]).lower() for item in requirements}  # type: ignore[index]


def provided_by(name: str) -> set[str]:
    """The top-level modules that an installed distribution puts on the path."""
    tops = {file.parts[0] for file in distribution(name).files or () if file.suffix in {".py", ".so", ".pyd"} and ".." not in file.parts}
    return {top.split(".")[0] for top in tops}


def outside(paths: Iterable[Path]) -> dict[str, Path]:
    """Top-level third-party modules that files import, each with a file that imports it; modules looked up by ``find_spec`` count."""
    importers: dict[str, Path] = {}
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "find_spec":
                names = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
            importers.update({name.split(".")[0]: path for name in names})
    ours = {*FOLDERS, "tests", "toy_plugin", *sys.stdlib_module_names}
    return {name: path for name, path in importers.items() if name not in ours}


def declared(*extras: str) -> set[str]:
    """The distributions that the project requires, with some of its extras."""
    return names_of([*PROJECT["dependencies"], *(item for extra in extras for item in PROJECT["optional-dependencies"][extra])])


def data_packages() -> set[str]:
    """Modules whose package is there for a file of weights in it."""
    table = tomllib.loads((ROOT / "seedbench" / "weights.toml").read_text())
    return {entry["source"]["package"] for entry in table.values() if entry["source"]["kind"] == "package"}


def test_what_is_imported_is_declared() -> None:
    known = set().union(*(provided_by(name) for name in declared("tts", "login", "train")))
    missing = {name: path.relative_to(ROOT) for name, path in outside(FILES).items() if name not in known}
    assert not missing


def test_what_tests_import_is_declared() -> None:
    known = set().union(*(provided_by(name) for name in declared("test")))
    imported = outside((ROOT / "tests").rglob("*.py"))
    assert not {name: path for name, path in imported.items() if name not in known | FETCHED}


def test_what_is_declared_is_imported() -> None:
    used = outside(FILES).keys() | data_packages()
    idle = {name for name in declared("tts", "login", "train") - FIXED if not provided_by(name) & used}
    assert not idle


def test_what_tests_ask_for_is_imported() -> None:
    used = outside(FILES).keys() | outside((ROOT / "tests").rglob("*.py")).keys()
    asked = names_of(PROJECT["optional-dependencies"]["test"]) - TOOLS
    assert not {name for name in asked if not provided_by(name) & used}


def test_a_run_writes_down_only_libraries_that_are_declared() -> None:
    kinds = [load(group, name) for group in ("metrics", "generators") for name in ours(group)]
    named = {library for kind in kinds for library in (kind.info.libraries if hasattr(kind, "info") else kind.libraries)}
    assert named
    assert names_of({*CORE_LIBRARIES, *named}) <= declared("tts")


def ours(group: Group) -> list[str]:
    """The entries of a group that come with SeedBench."""
    return [name for name, entry in entries(group).items() if package_of(entry) == OURS]


def test_the_packages_fixed_by_the_owner_stay_declared() -> None:
    assert declared() >= FIXED
