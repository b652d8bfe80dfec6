"""Which part of the arena may import which: imports point down, and blindness can be read off the code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "arena"
FILES = sorted(ROOT.rglob("*.py"))
#: From the lowest to the highest. A part imports itself and what is lower; parts of one level do not import each other.
LEVELS = ({"ratings"}, {"votes"}, {"settings"}, {"store"}, {"blinding", "boards"}, {"voting"}, {"study"}, {"web"}, {"cli"}, {"commands"})
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}


def part_of(module: str) -> str | None:
    """The part of the arena that a dotted name lies in; None outside of the arena."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["seedbench", "arena"] and len(parts) > 2 else None


def imports_of(tree: ast.AST) -> list[str]:
    """Absolute names of all imports: at the top, inside functions, and for type checking."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def upward(part: str, imported: str) -> bool:
    """Whether a part must not import another."""
    return part != imported and LEVEL[part] <= LEVEL[imported]


def test_every_part_has_a_level() -> None:
    parts = {path.name.removesuffix(".py") for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert parts - {"__init__"} == LEVEL.keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for name in imports_of(ast.parse(path.read_text())):
        imported = part_of(name)
        if imported is not None:
            assert not upward(part, imported), f"{path.relative_to(ROOT)} imports {name}"


def test_an_import_that_points_up_or_sideways_is_recognised() -> None:
    tree = ast.parse("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from seedbench.arena.web.server import serve\n")
    assert [part_of(name) for name in imports_of(tree)] == [None, "web"]
    assert upward("voting", "web")
    assert upward("boards", "blinding")
    assert not upward("web", "voting")


def test_only_the_assignment_of_pairs_knows_which_side_is_whose() -> None:
    """Of what runs while voters vote, no other module reads sides or makers from the database."""
    secrets = {"first_left", "generator", "broken", "source_sha256"}
    for path in [*(ROOT / "voting").glob("*.py"), *(ROOT / "web").rglob("*.py")]:
        read = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not read & secrets or path.name == "assignment.py", f"{path.relative_to(ROOT)} reads {sorted(read & secrets)}"


def test_only_simulated_voters_ask_for_hidden_facts() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in FILES
        if any(isinstance(node, ast.Attribute) and node.attr == "hidden_facts" for node in ast.walk(ast.parse(path.read_text())))
    }
    assert readers == {"voting/service.py", "study/simulated_voters.py"}
