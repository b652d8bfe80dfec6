"""Readable code: short modules, specific names, each public class name defined once."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.seedbench.test_architecture import FILES, ROOT

TEST_FILES = sorted((ROOT / "tests").rglob("*.py"))
MOST_LINES = 400
#: Names that fit any value and therefore say nothing of theirs.
FILLERS = {"one", "found", "place", "made", "told", "said"}
#: Files that still use filler names, one in a line. A file without any must leave the list, and none is added.
STILL_FILLED = Path(__file__).with_name("filler_names.txt")


def fillers_in(source: str) -> list[str]:
    """Filler names that a module assigns, loops over, catches, or takes as parameters, each with its line."""
    named: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            named.append((node.lineno, node.id))
        elif isinstance(node, ast.arg):
            named.append((node.lineno, node.arg))
        elif isinstance(node, ast.ExceptHandler) and node.name:
            named.append((node.lineno, node.name))
    return [f"{line}: {name}" for line, name in sorted(named) if name in FILLERS]


def classes_twice(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Public classes that several modules define at their top, by name; ``sources`` holds the modules' text by file name."""
    files = defaultdict(list)
    for name, source in sources.items():
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                files[node.name].append(name)
    return {name: defined for name, defined in sorted(files.items()) if len(defined) > 1}


def texts(files: Iterable[Path]) -> dict[str, str]:
    """The text of each file by its path from the root."""
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


def sources() -> dict[str, str]:
    """The text of each module of the product by its path from the root."""
    return texts(FILES)


def test_no_module_has_more_than_400_lines() -> None:
    lengths = {name: len(source.splitlines()) for name, source in sources().items()}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_names_say_what_they_hold() -> None:
    listed = set(STILL_FILLED.read_text(encoding="utf-8").split())
    filled = {name: fillers for name, source in texts([*FILES, *TEST_FILES]).items() if (fillers := fillers_in(source))}
    assert {name: fillers for name, fillers in filled.items() if name not in listed} == {}, "name each value for what it is"
    assert sorted(listed - filled.keys()) == [], f"take these lines out of {STILL_FILLED.name}"


def test_a_public_class_name_is_defined_once() -> None:
    assert classes_twice(sources()) == {}, "give each class a name that says its subject"


def test_fillers_are_detected_in_every_kind_of_assignment() -> None:
    source = """
def told_by(said, *, place=None):
    for one in said:
        made, clip = one
    try:
        return [found for found in made] + [(told := 1)]
    except ValueError as made:
        return one.found
"""
    assert fillers_in(source) == ["2: place", "2: said", "3: one", "4: made", "6: found", "6: told", "7: made"]


def test_classes_of_the_same_name_are_detected() -> None:
    tiny = {
        "a.py": "class Clip: ...\nclass _Row: ...\n",
        "b.py": "class Clip: ...\nclass _Row: ...\nclass Row: ...\n",
        "c.py": "Row = int\n",
    }
    assert classes_twice(tiny) == {"Clip": ["a.py", "b.py"]}
