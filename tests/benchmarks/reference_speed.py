"""How fast the reference model makes clips on one core, how much memory it takes, and what batches and warm workers save.

python tests/benchmarks/reference_speed.py [clips]

Four ways to make the same 2 s clips, each in processes of its own with one thread: a command for each clip (as a script would), one run
with batches switched off, one run with batches, and the same on two workers. Figures are wall seconds a clip, side by side in one go.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
LOOP = """
import json, sys, tempfile, time, resource
from pathlib import Path
import torch
torch.set_num_threads(1)
from generators.reference import Reference
from generators.reference.world import draw
from seedbench.generator import Request
count, batch = int(sys.argv[1]), int(sys.argv[2])
prompts = [draw(770_000 + n, kind="talking").prompt for n in range(count)]
prompts = [one.model_copy(update={"duration_s": 2.0, "shots": (one.shots[0].model_copy(update={"end_s": 2.0}),)}) for one in prompts]
requests = [Request(prompt=one, seed=0) for one in prompts]
made, lasted = Reference(), []
with tempfile.TemporaryDirectory() as folder:
    for first in range(0, count, batch):
        here = [Path(folder) / str(first + k) for k in range(min(batch, count - first))]
        for one in here: one.mkdir()
        start = time.perf_counter()
        found = made.generate_many(requests[first:first + batch], here)
        lasted.append(time.perf_counter() - start)
        assert all(one.status == "succeeded" for one in found), [one.reason for one in found]
print(json.dumps({"batches_s": lasted, "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def loop(count: int, batch: int) -> tuple[float, dict]:
    """Wall seconds of a fresh process that makes ``count`` clips in batches, and what it says."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", LOOP, str(count), str(batch)], env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, json.loads(done.stdout.strip().splitlines()[-1])


def main(count: int) -> None:
    """Print the table."""
    single = [loop(1, 1) for _ in range(3)]
    fresh_s = sorted(wall for wall, _ in single)[1]
    wall_one, one = loop(count, 1)
    wall_many, many = loop(count, 8)
    warm_one, warm_many = sum(one["batches_s"][1:]) / max(1, count - 1), sum(many["batches_s"]) / count
    print(f"2 s clips at 456 x 256, one thread, {count} clips")
    print(f"a process for each clip          {fresh_s:6.2f} s a clip")
    print(f"one process, one after another   {wall_one / count:6.2f} s a clip ({warm_one:.2f} once warm)")
    print(f"one process, batches of 8        {wall_many / count:6.2f} s a clip ({warm_many:.2f} in its batches)")
    alone, together = fresh_s / (wall_many / count), warm_one / warm_many
    print(f"ratio: a process for each to batches {alone:.1f}; warm one after another to batches {together:.1f}")
    print(f"peak memory: {one['peak_bytes'] / 1e9:.2f} GB one at a time, {many['peak_bytes'] / 1e9:.2f} GB in batches")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 16)
