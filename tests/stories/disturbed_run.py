"""A small run of the toy plug-in that is stopped repeatedly at random moments, and must lose nothing."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

from tests.stories.terminal import KINDS, SEEDBENCH, Ending, Terminal, interrupted

GOES_ON = ("stopped; the same command goes on from here", "stopped; nothing was begun")
LAST_LINE = "report: "
#: What is on the screen when a part of the run begins; signals are sent up to so many seconds later.
MOMENTS = ("", "workers", "generate", "compare", "compare")
LATER_S = 1.5
N_PROMPTS = 4
#: How often a run is completed after a signal, and its numbers looked at; otherwise the same run is stopped once more.
COMPLETED = 0.3


class Run:
    """The run in a folder of its own, by the same command each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        prompts = "".join(f"  - {{id: p{index}, task: sound, text: grey, duration_s: 0.4}}\n" for index in range(N_PROMPTS))
        (folder / "suite.yaml").write_text(f"name: toy\ntitle: toy\nversion: '1'\nprompts:\n{prompts}")
        self.command = [*SEEDBENCH, "run", "--suite", "suite.yaml", "--name", "run", "-j", "2", "--size", "48x32", "--out", "report"]
        self.command += ["-g", "dark=toy:level=50,delay_s=0.1", "-g", "light=toy:level=200,delay_s=0.1", "--reference", "toy:level=60"]
        self.command += ["-m", "toy_brightness", "-m", "toy_distance"]

    def start(self) -> Terminal:
        """Start the command."""
        return Terminal(self.command, self.folder / "home", cwd=self.folder)

    def complete(self) -> None:
        """Run the command to its end. AssertionError if it fails."""
        terminal = self.start()
        try:
            assert terminal.end() == 0, terminal.text
        finally:
            terminal.kill()

    def numbers(self) -> list[dict[str, str]]:
        """The values of the run's report, without times."""
        rows = []
        for name in ("scores.csv", "summary.csv"):
            with (self.folder / "report" / name).open(newline="") as stream:
                rows += [{column: value for column, value in row.items() if column != "latency_s"} for row in csv.DictReader(stream)]
        return rows


def disturbed(folder: Path, n: int, seed: int) -> Iterator[tuple[Ending, list[str]]]:
    """``n`` signals, of each kind in turn, at random moments of the run: when it has just begun to listen, makes workers, generates and
    scores, compares, or reports. Yields how each command ended, with its faults in words."""
    chance = random.Random(seed)
    quiet = Run(folder / "quiet")
    quiet.complete()
    expected = quiet.numbers()
    run: Run | None = None
    for number in range(n):
        if number % len(KINDS) == 0:
            kinds = chance.sample(KINDS, len(KINDS))
        run = run or Run(folder / f"run-{number}")
        moment = (chance.choice(MOMENTS), chance.uniform(0, LATER_S))
        ending = interrupted(run.start(), kinds[number % len(KINDS)], *moment, chance, LAST_LINE)
        wrong = ending.faults(GOES_ON)
        if chance.random() < COMPLETED or not ending.stopped or number == n - 1:
            run.complete()
            if (numbers := run.numbers()) != expected:
                rows = [f"{row}, undisturbed {other}" for row, other in zip(numbers, expected, strict=False) if row != other]
                wrong.append(f"{len(numbers)} rows for {len(expected)}; other than in an undisturbed run: {rows[:3]}")
            run = None
        yield ending, wrong
