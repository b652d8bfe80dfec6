"""Three processes on one workspace, killed at random moments: is anything lost, done twice, or reported as an outage?

    python tests/benchmarks/three_processes.py --rounds 40 --seed 0

In each round three commands start at once: one run, the same run again or another one that shares clips with it, and one that lists,
reports, exports or deletes. Each is killed after a random number of clips, half of the time without its workers, unless it ends before. At
last each run is carried out undisturbed, and what it says is compared, value for value, with a workspace where nothing was disturbed.
The clips are the toy plug-in's (tests/toy), so that the time goes into what is tested here: starting, locking, writing, dying.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import select

from seedbench.store import CellRow, RunRow, SetScoreRow, Store

#: The command. Whoever is started in the background by a shell would be deaf to Ctrl-C, and so would be what it starts.
PYTHON = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from seedbench.cli import main; main()",
]
TOY = Path(__file__).parents[1] / "toy"
SUITE = "name: toy\ntitle: toy\nversion: '1'\nprompts:\n"
#: What no process may say, whatever is done to the others.
NEVER = ("UNIQUE", "database is locked", "already exists (", "Traceback", "outage", "cannot be written", "is damaged", "is gone")
BESIDE = (
    ["runs", "list"],
    ["report", "first", "--no-clips", "--out", "report"],
    ["runs", "show", "first"],
    ["runs", "delete", "second", "--yes"],
)
#: A command that neither ends nor makes a clip for so long hangs, on the slowest machine.
HANGS_S = 300.0


@dataclass
class Household:
    """A workspace, the runs that are made in it, and the output of its processes."""

    folder: Path
    prompts: int = 4
    delay_s: float = 0.05
    ends: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"  - {{id: p{number}, task: sound, text: grey, duration_s: 0.4}}\n" for number in range(self.prompts))
        (self.folder / "suite.yaml").write_text(SUITE + lines)

    @property
    def home(self) -> Path:
        """SEEDBENCH_HOME of its processes."""
        return self.folder / "home"

    @property
    def log(self) -> Path:
        """A line for each clip that was made."""
        return self.folder / "log"

    @property
    def hold(self) -> Path:
        """While this file is there, no clip is finished."""
        return self.folder / "hold"

    def n_made(self) -> int:
        """How many clips were made so far, by all processes."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def run(self, name: str) -> list[str]:
        """The command of the run ``first``, or of ``second``, which has half of the seeds and one generator in common with it."""
        command = ["run", "--suite", str(self.folder / "suite.yaml"), "--name", name, "-j", "1", "--size", "48x32", "--fps", "10"]
        command += ["-m", "toy_brightness", "-m", "toy_distance", "--reference", f"toy:level=60,delay_s={self.delay_s}"]
        command += ["-g", f"toy:level=90,delay_s={self.delay_s}"]
        if name == "first":
            return [*command, "-g", f"light=toy:level=180,delay_s={self.delay_s}", "--seeds", "0,1"]
        return [*command, "--seeds", "1,2"]

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        """Start a command, in a process group of its own."""
        environment = {**os.environ, "SEEDBENCH_HOME": str(self.home), "TOY_LOG": str(self.log), "COLUMNS": "300"}
        environment["TOY_HOLD"] = str(self.hold)
        environment["PYTHONPATH"] = os.pathsep.join([str(TOY), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        with (self.folder / f"out-{time.monotonic_ns()}").open("w+") as out:
            return subprocess.Popen(
                [*PYTHON, *arguments], env=environment, stdout=out, stderr=out, cwd=self.folder, text=True, start_new_session=True
            )

    def undisturbed(self, arguments: Sequence[str]) -> int:
        """Carry a command out; its exit code."""
        return self.start(arguments).wait(HANGS_S)

    def outputs(self) -> str:
        """The output of all processes."""
        return "\n".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("out-*")))

    def numbers(self, name: str) -> list[Any]:
        """All stored results of a run's clips and sets, without times."""
        store = Store(f"sqlite:///{self.home / 'seedbench.db'}")
        with store.session() as session:
            run = session.scalars(select(RunRow).where(RunRow.name == name)).one()
            cells = []
            for cell in session.scalars(select(CellRow).where(CellRow.run_id == run.id).order_by(CellRow.position)):
                scores = sorted((row.metric, row.measure, row.value, row.status, row.reason, row.key) for row in cell.scores)
                clip = (cell.reason, cell.scored, cell.clip_sha256, cell.truth_sha256)
                cells.append((cell.generator, cell.prompt_id, cell.seed, cell.status, *clip, *scores))
            sets = session.scalars(select(SetScoreRow).where(SetScoreRow.run_id == run.id))
            rows = [*cells, *sorted((row.generator, row.metric, row.measure, row.value, row.n_used, row.n_total) for row in sets)]
        store.close()
        return rows

    def left_over(self) -> list[str]:
        """Files that should not exist when no process works any more."""
        files = list(self.home.rglob("*"))
        scratch = [file for file in files if file.parent.name == "scratch" and file.name != "lock"]
        locks = [file for file in files if file.parent.name.endswith("locks") and file.suffix != ".lock"]
        return sorted(str(file.relative_to(self.home)) for file in [*scratch, *locks, *(file for file in files if file.suffix == ".part")])


def round_of(household: Household, chance: random.Random, number: int) -> None:
    """Three commands at once, each killed after some clips or when it has ended by itself."""
    beside = chance.choice([*BESIDE, ["runs", "export", "first", f"export-{number}"]])
    commands = [household.run("first"), household.run(chance.choice(["first", "second", "second"])), beside]
    running = [household.start(command) for command in commands]
    after = [household.n_made() + chance.randrange(8) for _ in running]
    moments = [chance.uniform(0, 1.5) for _ in running]
    alone = [chance.random() < 0.5 for _ in running]
    waiting = dict(enumerate(running))
    deadline = time.monotonic() + HANGS_S
    while waiting:
        for index, process in list(waiting.items()):
            if process.poll() is not None:
                household.ends[f"{commands[index][0]}: exit code {process.returncode}"] += 1
                del waiting[index]
            elif household.n_made() >= after[index] and index < 2:
                time.sleep(moments[index])
                if alone[index]:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                household.ends[f"{commands[index][0]}: killed"] += 1
                del waiting[index]
        if time.monotonic() > deadline:
            raise TimeoutError(f"round {number} hangs: {[commands[index] for index in waiting]}")
        time.sleep(0.02)


def wrong_with(household: Household, quiet: Household) -> list[str]:
    """What differs, when all is done, from a workspace where nothing was disturbed; and unwanted messages."""
    faults = [f"said {word!r}" for word in NEVER if word in household.outputs()]
    for name in ("first", "second"):
        for where in (household, quiet):
            code = where.undisturbed(where.run(name))
            faults += [f"run {name} ended with {code}"] if code else []
        faults += [f"run {name}: other numbers"] if household.numbers(name) != quiet.numbers(name) else []
        faults += [f"run {name}: a cell is {line[3]}" for line in household.numbers(name) if len(line) > 7 and line[3] != "succeeded"]
    return faults + [f"left over: {name}" for name in household.left_over()]


def main() -> None:
    """Rounds, then the comparison; exit code 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="Work in this folder, and leave it there.")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="three-processes-"))
    household, chance = Household(folder / "disturbed"), random.Random(asked.seed)
    start = time.monotonic()
    for number in range(asked.rounds):
        round_of(household, chance, number)
        if number % 4 == 3:  # so that there is something to begin with again
            household.undisturbed(["runs", "delete", chance.choice(["first", "second"]), "--yes"])
    wrong = wrong_with(household, Household(folder / "quiet"))
    print(f"{asked.rounds} rounds of three processes in {time.monotonic() - start:.0f} s, {household.n_made()} clips made")
    for what, count in sorted(household.ends.items()):
        print(f"  {count:4d}  {what}")
    print("\n".join(wrong) or "nothing lost, nothing doubled, the numbers of an undisturbed workspace")
    if asked.keep is None:
        shutil.rmtree(folder)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
