"""A run becomes a study with simulated voters, by the commands that `make demo` and the manual name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., str]
ROOT = Path(__file__).parents[2]
SUITE = """\
name: small
title: small
version: '1'
prompts:
  - id: p1
    task: talking
    text: Someone greets.
    duration_s: 1.0
    cast: [{id: a}]
    speech: [{character: a, text: Good morning.}]
  - {id: p2, task: sound, text: A bell., duration_s: 1.0}
  - {id: p3, task: sound, text: A door., duration_s: 1.0}
"""
SYSTEMS = ("dark", "middling", "bright")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Run ``seedbench`` as a process of its own, in a workspace that holds a run called ``mine``; what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    given = {**os.environ, "SEEDBENCH_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT / "tests" / "toy"), "COLUMNS": "200"}

    def run(*arguments: str) -> str:
        line = [sys.executable, "-c", "from seedbench.cli import main; main()", *arguments]
        done = subprocess.run(line, capture_output=True, text=True, check=False, env=given, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    suite = folder / "suite.yaml"
    suite.write_text(SUITE)
    systems = [f"--generator={name}=toy:level={level}" for name, level in zip(SYSTEMS, (60, 120, 180), strict=True)]
    run("run", "--suite", str(suite), *systems, "-m", "toy_brightness", "--size", "96x64", "-j", "1", "--name", "mine")
    return run


def test_ballots_of_a_run_are_prepared_whether_or_not_its_prompts_have_lines(command: Command) -> None:
    output = command("arena", "prepare", "mine", "--name", "spring")
    assert "study spring: 9 pairs of 12 clips, 3 gold pairs" in output
    assert "refused" not in output
    assert "spring" in command("arena", "studies")


def test_a_study_for_people_gets_no_simulated_votes(command: Command) -> None:
    command("arena", "prepare", "mine", "--name", "people")
    with pytest.raises(AssertionError, match="is for people"):
        command("arena", "demo", "mine", "--name", "people")


def test_the_demo_fills_a_board_with_simulated_voters_that_are_marked_and_resumes(command: Command) -> None:
    output = command("arena", "demo", "mine", "--voters", "6", "--votes", "5")
    assert "30 more votes of 6 simulated voters, who have not seen a clip" in output
    assert "simulated" in output.partition("simulated voters, who have not seen a clip")[2], "the board says whose votes it counts"
    strengths = re.findall(r"^ +(\d+) +(\w+)$", output.partition("simulated strengths")[2], re.MULTILINE)
    assert sorted(name for _, name in strengths) == sorted(SYSTEMS)
    assert "seedbench arena serve mine" in output
    again = command("arena", "demo", "mine", "--voters", "6", "--votes", "5")
    assert "0 more votes of 6 simulated voters" in again
    assert re.search(r"\b30\b.*votes|votes.*\b30\b", command("arena", "study", "mine"))


def test_what_the_demo_exports_makes_the_same_boards_again(command: Command, tmp_path: Path) -> None:
    command("arena", "demo", "mine", "--voters", "6", "--votes", "5")
    votes = tmp_path / "votes"
    command("arena", "export", "mine", "--out", str(votes))
    again = tmp_path / "again.json"
    command("arena", "board", str(votes / "votes.jsonl"), "--format", "json", "--out", str(again))
    assert again.read_bytes() == (votes / "boards.json").read_bytes()
    assert all(f'"{name}"' in again.read_text() for name in SYSTEMS)
