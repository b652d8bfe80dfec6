"""The story of a busy workspace: several commands at once, some of them killed. Nothing is lost, and their messages are true."""

from __future__ import annotations

import random
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks.three_processes import HANGS_S, Household, round_of, wrong_with

pytestmark = pytest.mark.slow


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, also on a slow machine."""
    deadline = time.monotonic() + HANGS_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_three_processes_on_one_workspace_killed_at_random(tmp_path: Path) -> None:
    household, chance = Household(tmp_path / "disturbed", prompts=2), random.Random(15)
    for number in range(2):
        round_of(household, chance, number)
    assert wrong_with(household, Household(tmp_path / "quiet", prompts=2)) == []


def test_a_second_identical_command_waits_names_the_first_and_takes_over(tmp_path: Path) -> None:
    household = Household(tmp_path, prompts=2)
    household.hold.touch()
    first = household.start(household.run("first"))
    until(lambda: "generate: 10 to do" in household.outputs())
    waiting, leaving = household.start(household.run("first")), household.start(household.run("first"))
    until(lambda: len(re.findall(rf"this run is being worked on \(process {first.pid}, since .* UTC\): waiting", household.outputs())) == 2)
    leaving.send_signal(signal.SIGINT)
    assert leaving.wait(HANGS_S) == 130
    assert "Traceback" not in household.outputs()
    first.kill()
    first.wait()
    household.hold.unlink()
    assert waiting.wait(HANGS_S) == 0
    assert "\ngoing on\n" in household.outputs()
    cells = [line for line in household.numbers("first") if len(line) > 7]
    assert {line[3] for line in cells} == {"succeeded"}
    assert household.undisturbed(["runs", "list"]) == 0  # the next command removes what the killed one left
    assert household.left_over() == []
