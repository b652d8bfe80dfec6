"""The structure of the code: which modules may import which, and what start-up may load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.import_graph import circles_in, imports_by_line, imports_in, module_graph

ROOT = Path(__file__).parents[2]
FOLDERS = ("seedbench", "metrics", "generators", "arena")
#: The folders that are linked into the package: plug-ins, which SeedBench's core does not import and which do not import each other.
LINKED = ("metrics", "generators", "arena")
#: The rooms of a folder, from the top down. A room may import those that stand below it, and none beside it or above it.
FLOORS = {
    "seedbench": (
        {"cli"},
        {"api"},
        {"validation"},
        {"report"},
        {"results"},
        {"runs"},
        {"plugins"},
        {"suites", "store"},
        {"clips"},
        {"files", "processes", "ties"},
        {"errors"},
    ),
    "arena": (
        {"commands"},
        {"cli"},
        {"web"},
        {"study"},
        {"voting"},
        {"store"},
        {"blinding", "boards", "settings"},
        {"votes"},
        {"ratings"},
    ),
}
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def imports_of(path: Path) -> list[str]:
    """Absolute names of the modules a file imports, wherever in the file."""
    return imports_in(path.read_text(encoding="utf-8"))


def module_of(path: Path) -> str:
    """The dotted name by which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    inside = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return inside if parts[0] == "seedbench" else f"seedbench.{inside}"


def folder_of(name: str) -> str | None:
    """Which of our top-level folders a dotted name lies in; None for what is not ours."""
    parts = name.split(".")
    if parts[0] != "seedbench":
        return None
    return parts[1] if len(parts) > 1 and parts[1] in LINKED else "seedbench"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    mine = path.relative_to(ROOT).parts[0]
    for name in imports_of(path):
        assert folder_of(name) in {None, "seedbench", mine}, f"{path.relative_to(ROOT)} imports {name}"
        assert name.split(".")[0] not in LINKED, f"{path.relative_to(ROOT)} imports {name}: it is found as seedbench.{name}"


def room_of(module: str, folder: str) -> str | None:
    """The room of a top folder that a dotted name lies in; None for the folder itself (its ``__init__``) and for what lies elsewhere."""
    parts = module.removeprefix("seedbench.").split(".") if folder != "seedbench" else module.split(".")
    room = parts[1] if parts[0] == folder and len(parts) > 1 else None
    return room if (ROOT / folder / f"{room}.py").exists() or (ROOT / folder / f"{room}").is_dir() else None


@pytest.mark.parametrize("folder", FLOORS)
def test_rooms_import_only_rooms_below_them(folder: str) -> None:
    floor = {room: number for number, rooms in enumerate(reversed(FLOORS[folder])) for room in rooms}
    wrong = []
    for path in (path for path in FILES if path.is_relative_to(ROOT / folder)):
        mine = room_of(module_of(path), folder)
        for line, name in imports_by_line(path.read_text(encoding="utf-8")):
            other = room_of(name, folder)
            if mine in floor and other in floor and other != mine and floor[other] >= floor[mine]:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("folder", FLOORS)
def test_every_room_is_listed_on_a_floor(folder: str) -> None:
    rooms = {room_of(module_of(path), folder) for path in FILES if path.is_relative_to(ROOT / folder)} - {None}
    assert rooms <= set().union(*FLOORS[folder])


def metric_of(module: str) -> str | None:
    """The metric a module belongs to; None for analyses, features and the package itself."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[1] == "metrics" and parts[2] not in {"analyses", "features"} else None


def test_no_metric_imports_another() -> None:
    for path in (ROOT / "metrics").rglob("*.py"):
        mine = metric_of(module_of(path))
        for name in imports_of(path):
            other = metric_of(name)
            if name.startswith("seedbench.metrics.") and other is not None:
                assert other == mine, f"{path.relative_to(ROOT)} imports {name}"


def generator_of(module: str) -> str | None:
    """The generator a module belongs to; None for other modules and for the package itself."""
    parts = module.split(".")
    return parts[2] if len(parts) > 2 and parts[1] == "generators" else None


@pytest.mark.parametrize("path", sorted((ROOT / "generators").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_generator_imports_another_but_the_reference_model_its_teacher(path: Path) -> None:
    mine = generator_of(module_of(path))
    others = {generator_of(name) for name in imports_of(path)} - {None, mine}
    assert others <= ({"simulator"} if mine == "reference" else set()), f"{path.relative_to(ROOT)} imports {sorted(map(str, others))}"


def test_generation_does_not_import_training() -> None:
    folder = ROOT / "generators" / "reference"
    for path in set(folder.glob("*.py")) - {folder / "commands.py"}:
        trains = [name for name in imports_of(path) if name.startswith(("seedbench.generators.reference.training", "lightning"))]
        assert not trains, f"{path.relative_to(ROOT)} imports {trains[0]}"


def test_modules_import_without_circles() -> None:
    assert circles_in(module_graph({module_of(path): path.read_text(encoding="utf-8") for path in FILES})) == []


def test_no_module_is_called_utils_or_the_like() -> None:
    forbidden = {"utils", "helpers", "common", "misc"}
    assert not [path for path in FILES if path.stem in forbidden or path.parent.name in forbidden]


def test_datasets_hold_no_code() -> None:
    assert not list((ROOT / "datasets").rglob("*.py"))


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"})
    return done.stdout


#: Libraries that take long to load.
HEAVY = ("torch", "pandas", "streamlit", "av", "cv2", "librosa", "numba", "numpy", "pyarrow", "pydantic", "scipy", "sklearn", "sqlalchemy")


def heavy_after(code: str) -> str:
    """The output of some code in a new process, followed by the heavy libraries that it loaded."""
    return run_python(f"{code}\nimport sys\nprint('LOADED', sorted(set({HEAVY!r}) & sys.modules.keys()))")


def test_help_loads_nothing_heavy() -> None:
    code = """
import sys
sys.argv = ["seedbench", "--help"]
from seedbench.cli import main
try:
    main()
except SystemExit:
    pass
"""
    out = heavy_after(code)
    assert "LOADED []" in out
    assert "score" in out


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert heavy_after("import seedbench") == "LOADED []\n"


def test_listing_metrics_does_not_import_torch() -> None:
    code = "import sys; from seedbench.plugins.registry import load_all; load_all('metrics'); print('torch' in sys.modules)"
    assert run_python(code).strip() == "False"
