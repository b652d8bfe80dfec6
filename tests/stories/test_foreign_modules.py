"""All commands work in a folder with modules, or packages, of the user's that are named as SeedBench's own folders are: ``metrics.py``."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.terminal import ROOT, SEEDBENCH

NAMES = ("metrics", "generators", "arena", "datasets")
#: Leaves a note of who imported it, which no ``except`` can take back, and then stops the import.
RAISES = """
import pathlib, traceback
pathlib.Path({note!r}).write_text("".join(traceback.format_stack()))
raise RuntimeError("a module of the user's was imported")
"""
#: Calls ``--help`` of every command and group, found by walking the Typer app, in this one process; prints the commands as lists of words.
ALL_HELP = """
import contextlib, io, json, sys, typer
from seedbench.cli import app

def walk(command, words):
    yield words
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            _, inner, _ = command.resolve_command(context, [name])
            yield from walk(inner, [*words, name])

top = typer.main.get_command(app)
commands = list(walk(top, []))
for words in commands:
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        code = top.main([*words, "--help"], prog_name="seedbench", standalone_mode=False)
    assert not code and "Usage: " + " ".join(["seedbench", *words]) in shown.getvalue(), words
print(json.dumps(commands))
"""
BATTLE = {
    "model_a": "alpha",
    "model_b": "beta",
    "winner": "model_a",
    "judge": "arena_user_1",
    "turn": 1,
    "tstamp": 1700000000.0,
    "language": "English",
}

#: Runs a program with arguments in the folder, and gives what it printed.
Run = Callable[..., str]


def write_modules(folder: Path, kind: str) -> Path:
    """Write the user's modules or packages into a folder; returns the path of the note that an import would leave."""
    note = folder / "imported.txt"
    for name in NAMES:
        path = folder / f"{name}.py" if kind == "modules" else folder / name / "__init__.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RAISES.format(note=str(note)))
    return note


def runner(folder: Path, path: str) -> Run:
    """Runs Python in the folder, which is found by the working directory or by ``PYTHONPATH=.``, always before SeedBench's own."""

    def run(*arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SEEDBENCH_"))}
        environment |= {"SEEDBENCH_HOME": str(folder / "home"), "COLUMNS": "200"}
        environment["PYTHONPATH"] = str(ROOT) if path == "working directory" else f".{os.pathsep}{ROOT}"
        finished = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    return run


@pytest.mark.parametrize("path", ["working directory", "PYTHONPATH"])
@pytest.mark.parametrize("kind", ["modules", "packages"])
def test_a_module_of_the_user_is_what_is_imported_by_its_own_name(kind: str, path: str, tmp_path: Path) -> None:
    note = write_modules(tmp_path, kind)
    with pytest.raises(AssertionError, match="a module of the user's was imported"):
        runner(tmp_path, path)("-c", "import metrics")
    assert note.exists()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["working directory", "PYTHONPATH"])
@pytest.mark.parametrize("kind", ["modules", "packages"])
def test_every_command_shows_its_help(kind: str, path: str, tmp_path: Path) -> None:
    note = write_modules(tmp_path, kind)
    commands = [" ".join(words) for words in json.loads(runner(tmp_path, path)("-c", ALL_HELP))]
    assert not note.exists(), note.read_text()
    assert {"", "run", "weights list", "arena", "arena board", "lipsync fit", "reference train"} <= set(commands)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "path"), [("modules", "working directory"), ("packages", "PYTHONPATH")])
def test_the_main_commands_do_their_work(kind: str, path: str, tmp_path: Path) -> None:
    note = write_modules(tmp_path, kind)
    (tmp_path / "battles.jsonl").write_text(json.dumps(BATTLE) + "\n")
    run = runner(tmp_path, path)
    program = SEEDBENCH[1:]
    assert "quick" in run(*program, "suites")
    assert "lipsync" in run(*program, "metrics", "lipsync")
    assert "simulator" in run(*program, "generators", "simulator")
    run(*program, "doctor")
    run(*program, "run", "--suite", "quick", "-p", "drop-wood", "-g", "simulator", "-m", "impact", "--name", "own", "-j", "2")
    run(*program, "report", "own", "--no-clips")
    with (tmp_path / "report" / "own" / "scores.csv").open() as file:
        assert {row["status"] for row in csv.DictReader(file) if row["measure"] == "f1"} == {"scored"}
    clip = ROOT / "datasets" / "core" / "assets" / "talk.mp4"
    assert "lipsync.offset_ms" in run(*program, "score", str(clip), "-m", "lipsync", "-j", "2")
    run("-m", "seedbench.generators.simulator", "--help")
    run(*program, "arena", "import", "battles.jsonl", "--out", "votes.jsonl")
    assert json.loads(run(*program, "arena", "board", "votes.jsonl", "--format", "json"))
    assert not note.exists(), note.read_text()
