"""How soon a run ends that is stopped: signals at random moments, and a table of the seconds.

``python -m tests.benchmarks.signals --n 50 --seed 1`` from the checkout. On an idle machine each is to end within five seconds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.stories.disturbed_run import disturbed


def main() -> int:
    """Print a line for each signal, then how many were wrong; 1 where any was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    seconds, faults, stopped = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for ending, wrong in disturbed(Path(folder), asked.n, asked.seed):
            print(f"{ending.seconds:6.2f} s  exit code {ending.code:4d}  {ending.when}", flush=True)
            print("".join(f"        wrong: {fault}\n" for fault in wrong), end="", flush=True)
            faults += bool(wrong)
            stopped += ending.stopped
            seconds.append(ending.seconds)
    ordered = sorted(seconds)
    print(f"{asked.n} signals, {stopped} of them before the run had ended by itself; {faults} with faults")
    print(f"seconds to end: median {ordered[len(ordered) // 2]:.2f}, longest {ordered[-1]:.2f}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
