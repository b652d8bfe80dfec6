"""How long SeedBench takes to start: ``import seedbench`` and ``seedbench --help``, beside Python itself.

    python tests/benchmarks/startup.py --runs 20
    python tests/benchmarks/startup.py --imports       and which imports of the help page take longest

Every run is a new process, and what is timed takes turns, so that a busy moment does not fall on one of them alone. Processor time is the
process's own, user and system together; on a busy machine it is steadier than the time on the clock. What to reach on an idle machine:
.1 s for the import, .3 s for the help page.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
HELP = "import sys; sys.argv = ['seedbench', '--help']; from seedbench.cli import main; main()"
STARTS = {"python": "pass", "import seedbench": "import seedbench", "seedbench --help": HELP}
#: A line of ``python -X importtime``: microseconds of a module alone and with all that it imports, and its name.
IMPORT_TIME = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s*(\S+)")


def start(code: str, *options: str) -> tuple[float, float, str]:
    """Run code in a new Python: seconds on the clock, seconds of the processor, and what it wrote to its standard error."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    used, began = processor_s(), time.perf_counter()
    finished = subprocess.run([sys.executable, *options, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, processor_s() - used, finished.stderr


def processor_s() -> float:
    """Processor seconds of all processes that this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def longest_imports(count: int = 12) -> list[tuple[float, str]]:
    """The modules of the help page that take longest by themselves, in milliseconds; what Python loads anyhow is left out."""
    log = start(HELP, "-X", "importtime")[2]
    own = {name: int(alone) / 1000 for alone, _, name in IMPORT_TIME.findall(log)}
    anyhow = {name for _, _, name in IMPORT_TIME.findall(start("pass", "-X", "importtime")[2])}
    return sorted(((ms, name) for name, ms in own.items() if name not in anyhow), reverse=True)[:count]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print medians, and the fastest and slowest run of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, help="runs of each (default 20)")
    parser.add_argument("--imports", action="store_true", help="print which imports of the help page take longest")
    asked = parser.parse_args(arguments)
    for code in STARTS.values():  # the first run reads files that later ones find in memory
        start(code)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in STARTS}
    for _ in range(asked.runs):
        for name, code in STARTS.items():
            times[name].append(start(code)[:2])
    print(f"{'seconds, median (fastest to slowest)':38} {'clock':>24} {'processor':>24}")
    for name, runs in times.items():
        columns = [f"{statistics.median(column):.3f} ({min(column):.3f} to {max(column):.3f})" for column in zip(*runs, strict=True)]
        print(f"{name:38} {columns[0]:>24} {columns[1]:>24}")
    if asked.imports:
        print("\nmilliseconds of a module of the help page by itself")
        for ms, module in longest_imports():
            print(f"{ms:8.1f}  {module}")


if __name__ == "__main__":
    main()
