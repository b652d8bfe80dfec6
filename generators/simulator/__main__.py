"""The simulator as a program of its own: ``python -m seedbench.generators.simulator --prompt-file prompt.json --out clip.mp4``.

What any program looks like to the ``command`` adapter: it takes a prompt and writes a file, and its exit code is 0 for a clip, 10 for a
refusal, 1 for a failure.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from seedbench.errors import SeedBenchError
from seedbench.generators.simulator import Simulator
from seedbench.plugins.generator import Request
from seedbench.suites.earlier_form import read_prompt

REFUSED = 10


def main() -> int:
    """Make one clip; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m seedbench.generators.simulator", description="Render one prompt with the simulator.")
    parser.add_argument("--prompt-file", type=Path, required=True, help="the prompt as JSON")
    parser.add_argument("--out", type=Path, required=True, help="the .mp4 to write; its truth goes beside it as .json")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=456)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--fps", type=int, default=25)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the simulator, e.g. freeze_from_s=0")
    given = parser.parse_args()
    options = {key: yaml.safe_load(value) for key, _, value in (text.partition("=") for text in given.set)}
    try:
        prompt = read_prompt(json.loads(given.prompt_file.read_text()))
        request = Request(prompt=prompt, seed=given.seed, width=given.width, height=given.height, fps=given.fps)
        with tempfile.TemporaryDirectory() as scratch:
            generation = Simulator(**options).generate(request, Path(scratch))
            if generation.status == "refused":
                print(generation.reason, file=sys.stderr)
                return REFUSED
            if generation.file is None:
                print(generation.reason, file=sys.stderr)
                return 1
            shutil.copyfile(generation.file, given.out)
            shutil.copyfile(Path(scratch) / "truth.json", given.out.with_suffix(".json"))
    except (SeedBenchError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
