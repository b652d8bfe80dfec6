"""The same clips and votes give the same answers on other processors: other kernels of the linear algebra, other threads, other SIMD.

Bits may differ, and where values are equal by nature rounding must not choose between them. Tolerances are stated for each family of
measures in ``docs/architecture.md``, "Same bytes, same numbers".
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from seedbench.generators.simulator import Simulator
from seedbench.plugins.generator import Request
from seedbench.runs.executor import ONE_THREAD
from tests.stories.kernel_answers import PROMPTS

ROOT = Path(__file__).parents[2]
TWO_THREADS = dict.fromkeys(ONE_THREAD, "2")
KERNELS: dict[str, dict[str, str]] = {
    "two threads": TWO_THREADS,
    "skylake": {"OPENBLAS_CORETYPE": "SkylakeX", **ONE_THREAD},
    "avx2 all over, two threads": {
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR",
        "OPENCV_CPU_DISABLE": "AVX512F,AVX512-SKX",
        **TWO_THREADS,
    },
    "oldest": {
        "OPENBLAS_CORETYPE": "Prescott",
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR AVX2 FMA3",
        **ONE_THREAD,
    },
}
"""Environments that pretend to be another processor. A name that a library or this processor does not know changes nothing, and is fine."""
TOLERANCES = {"features": 1e-4, "video_distance": 1e-4, "speech": 1e-5, "physics": 1e-6}
"""Largest difference of a number, of each kind of answer, about ten times what was seen; relative where the number is larger than 1."""
DEFAULT_TOLERANCE = 1e-9


def answers(folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """The answers of a process with this environment."""
    ours = {name: value for name, value in os.environ.items() if name not in {*ONE_THREAD, "OPENBLAS_CORETYPE"}}
    run = subprocess.run(
        [sys.executable, "-m", "tests.stories.kernel_answers", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**ours, **environment},
    )
    assert run.returncode == 0, run.stderr[-3000:]
    answered: dict[str, Any] = json.loads(run.stdout)
    return answered


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that contains no other value, with its path."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, f"{path}/{name}")
    elif isinstance(value, list):
        yield f"{path}/length", len(value)
        for index, part in enumerate(value):
            yield from leaves(part, f"{path}/{index}")
    else:
        yield path, value


def apart(mine: float, theirs: float) -> float:
    """How far two numbers are apart, relative to the larger where that is more than 1; two NaNs are 0 apart."""
    if math.isnan(mine) or math.isnan(theirs) or math.isinf(mine) or math.isinf(theirs):
        return 0.0 if mine == theirs or (math.isnan(mine) and math.isnan(theirs)) else math.inf
    return abs(mine - theirs) / max(1.0, abs(mine), abs(theirs))


def differences(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What differs between the answers of two processes: anything but numbers at all, numbers beyond their tolerance."""
    values, other_values = dict(leaves(mine)), dict(leaves(theirs))
    unequal = [f"{path} only once" for path in values.keys() ^ other_values.keys()]
    for path in values.keys() & other_values.keys():
        a, b = values[path], other_values[path]
        if isinstance(a, float) and isinstance(b, float):
            tolerance = TOLERANCES.get(path.split("/")[1].split(".")[0], DEFAULT_TOLERANCE)
            if apart(a, b) > tolerance:
                unequal.append(f"{path}: {a!r} and {b!r}")
        elif a != b:
            unequal.append(f"{path}: {a!r} and {b!r}")
    return sorted(unequal)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clips that are scored."""
    folder = tmp_path_factory.mktemp("kernels")
    for prompt in PROMPTS:
        scratch = folder / f"{prompt.id}-made"
        scratch.mkdir()
        generation = Simulator().generate(Request(prompt=prompt, seed=0, width=320, height=180), scratch)
        assert generation.file is not None
        generation.file.rename(folder / f"{prompt.id}.mp4")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1800)  # five processes, each of which imports all the metrics: on a busy machine that takes its time
def test_other_kernels_and_threads_give_the_same_answers(clips: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        mine, *others = pool.map(lambda environment: answers(clips, environment), [dict(ONE_THREAD), *KERNELS.values()])
    assert mine["lipsync.talk"]["scores"][1][:2] == ["matched", "scored"]  # answers, not reasons alone
    assert {name: differences(mine, theirs) for name, theirs in zip(KERNELS, others, strict=True)} == {name: [] for name in KERNELS}
