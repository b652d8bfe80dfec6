"""How fast the reference model makes clips on one core, how much memory it takes, and what a warm worker saves.

python tests/benchmarks/reference_speed.py [clips]

Two ways to make the same 2 s clips, with one thread: a process for each clip (as a script would), and one process for all. Figures are wall
seconds a clip, side by side in one go.
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
from seedbench.generators.reference import Reference
from seedbench.generators.reference.prompt_sampler import sample_prompt
from seedbench.plugins.generator import Request
count = int(sys.argv[1])
prompts = [sample_prompt(770_000 + n, kind="talking").prompt for n in range(count)]
prompts = [one.model_copy(update={"duration_s": 2.0, "shots": (one.shots[0].model_copy(update={"end_s": 2.0}),)}) for one in prompts]
requests = [Request(prompt=one, seed=0) for one in prompts]
made, lasted = Reference(), []
with tempfile.TemporaryDirectory() as folder:
    for place, request in enumerate(requests):
        here = Path(folder) / str(place)
        here.mkdir()
        start = time.perf_counter()
        one = made.generate(request, here)
        lasted.append(time.perf_counter() - start)
        assert one.status == "succeeded", one.reason
print(json.dumps({"clips_s": lasted, "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def loop(count: int) -> tuple[float, dict]:
    """Wall seconds of a fresh process that makes ``count`` clips, and what it says."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", LOOP, str(count)], env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, json.loads(done.stdout.strip().splitlines()[-1])


def main(count: int) -> None:
    """Print the table."""
    fresh_s = sorted(wall for wall, _ in (loop(1) for _ in range(3)))[1]
    wall_s, figures = loop(count)
    warm_s = sum(figures["clips_s"][1:]) / max(1, count - 1)
    print(f"2 s clips at 456 x 256, one thread, {count} clips")
    print(f"a process for each clip   {fresh_s:6.2f} s a clip")
    print(f"one process for all       {wall_s / count:6.2f} s a clip ({warm_s:.2f} once warm)")
    print(f"ratio: a process for each to one for all {fresh_s / (wall_s / count):.1f}")
    print(f"peak memory: {figures['peak_bytes'] / 1e9:.2f} GB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 16)
