"""Runs workers over damaged files, watches them, and goes on after one that hangs or crashes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CLIP_READER = "tests.media_grid.fuzz_worker:read_clip"
COPY_READER = "tests.media_grid.fuzz_worker:copy_clip"
MOST_MEMORY_MB = 1000


@dataclass
class FuzzReport:
    """What came of the mutations.

    Attributes:
        answers: how many were read as a clip, and how many refused.
        faults: a sentence for each failure, with the seed and the file, which is kept.
        largest_mb: the most memory that one mutation took.
    """

    answers: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    largest_mb: int = 0

    def add(self, report: dict[str, Any], path: str) -> None:
        """Count the report of a worker."""
        self.answers[report["answer"]] = self.answers.get(report["answer"], 0) + 1
        self.largest_mb = max(self.largest_mb, report["memory_mb"])
        self.faults += [f"{path}: {fault}" for fault in report["faults"]]
        if report["memory_mb"] >= MOST_MEMORY_MB:
            self.faults.append(f"{path}: took {report['memory_mb']} MB")


def fuzz(folder: Path, count: int, *, first: int = 0, workers: int = 1, reader: str = CLIP_READER, longest_s: float = 20.0) -> FuzzReport:
    """Read ``count`` damaged files.

    Args:
        folder: with the folder ``sources``; files that lead to a fault are left in it as ``mutation-SEED``.
        count: how many, with the seeds ``first``, ``first + 1``, ...
        first: the first seed.
        workers: how many processes at a time.
        reader: the function that reads a file, as ``module:name``.
        longest_s: how long one file may take, in seconds.

    Returns:
        The report.
    """
    report = FuzzReport()
    asked = [str(folder), reader]
    threads = [
        threading.Thread(target=_watch, args=(asked, first + index, workers, first + count, longest_s, report)) for index in range(workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return report


def _watch(asked: list[str], seed: int, step: int, end: int, longest_s: float, report: FuzzReport) -> None:
    """Start workers until all seeds of this share are done; one that ends early or is silent for too long has failed on its seed."""
    while seed < end:
        command = [sys.executable, "-m", "tests.media_grid.fuzz_worker", *asked, str(seed), str(step), str(end)]
        worker = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        lines: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=_read_lines, args=(worker, lines))
        reader.start()
        begun: int | None = None
        try:
            while (line := lines.get(timeout=longest_s if begun is not None else 120)) is not None:
                if line.startswith("begin"):
                    begun = int(line.split()[1])
                elif line.startswith("{"):
                    done = json.loads(line)
                    report.add(done, f"mutation-{done['seed']}")
                    seed, begun = done["seed"] + step, None
        except queue.Empty:
            report.faults.append(f"mutation-{begun}: does not end in {longest_s:.0f} s")
        worker.kill()
        code = worker.wait()
        reader.join()
        if worker.stdout is not None:
            worker.stdout.close()
        if begun is None and seed < end:
            report.faults.append(f"a worker ended with {code} before mutation-{seed}")
            return
        if begun is not None:
            if code != -signal.SIGKILL:
                report.faults.append(f"mutation-{begun}: the process ended with {code}")
            seed = begun + step


def _read_lines(worker: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert worker.stdout is not None
    for line in worker.stdout:
        lines.put(line)
    lines.put(None)
