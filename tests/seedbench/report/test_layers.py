"""The modules of the report lie in layers: each imports only modules below it."""

from __future__ import annotations

import ast
from pathlib import Path

from seedbench.report import write

LAYERS = (
    {"wording", "charts", "preview", "terminal"},
    {"entries", "findings", "drilldown"},
    {"html", "console", "tables"},
    {"write"},
    {"export"},
)
FOLDER = Path(write.__file__).parent


def imported(module: str) -> set[str]:
    nodes = ast.walk(ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8")))
    names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.removeprefix("seedbench.report.") for name in names if name.startswith("seedbench.report.")}


def test_every_module_is_listed_in_a_layer() -> None:
    assert set.union(*LAYERS) == {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}


def test_modules_import_only_layers_below_them() -> None:
    below: set[str] = set()
    for layer in LAYERS:
        for module in layer:
            assert imported(module) <= below, module
        below |= layer
