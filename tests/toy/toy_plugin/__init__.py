"""A plug-in of another package: two generators, one clip metric, one set metric, found by entry point like the built-ins."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.errors import GenerationRefusedError, GeneratorError
from seedbench.plugins.generator import Capabilities, Generation, Generator, Request
from seedbench.plugins.metric import Features, Measure, Metric, MetricInfo, Sample, Score, SetMetric
from seedbench.plugins.set_difference import SetDifference


class ToyGenerator(Generator):
    """Grey clips, ``level`` bright and a little brighter with the seed; fails, refuses or crashes on the prompts named."""

    name: ClassVar[str] = "toy"

    def __init__(
        self, *, level: int = 100, fail_on: str = "", refuse_on: str = "", crash_on: str = "", raise_on: str = "", delay_s: float = 0.0
    ) -> None:
        self.level = level
        self.fail_on, self.refuse_on, self.crash_on, self.raise_on = fail_on, refuse_on, crash_on, raise_on
        self.delay_s = delay_s

    def capabilities(self) -> Capabilities:
        return Capabilities(min_duration_s=0.1, max_duration_s=20.0, batch=int(os.environ.get("TOY_BATCH", "1")))

    def generate(self, request: Request, directory: Path) -> Generation:
        time.sleep(self.delay_s)
        while (hold := os.environ.get("TOY_HOLD")) and Path(hold).exists():  # as long as a test likes
            time.sleep(0.02)
        if request.prompt.id == self.fail_on:
            raise GeneratorError("the service is down")
        if request.prompt.id == self.refuse_on:
            raise GenerationRefusedError("not this prompt")
        if request.prompt.id == self.raise_on:
            raise ZeroDivisionError("a bug of the plug-in")
        if request.prompt.id == self.crash_on:
            os._exit(7)
        if log := os.environ.get("TOY_LOG"):
            with Path(log).open("a") as stream:
                stream.write(f"{self.level} {request.prompt.id} {request.seed}\n")
        frames = [np.full((32, 48, 3), min(255, self.level + request.seed % 10), np.uint8)] * round(request.prompt.duration_s * request.fps)
        file = write_clip(directory / "clip.mp4", frames, request.fps, np.zeros(round(48000 * request.prompt.duration_s), np.float32))
        return Generation(status="succeeded", file=file, seed_used=request.seed, truth={"level": self.level})


class ToyBatches(ToyGenerator):
    """The same clips from batches; each is a line of ``$TOY_BATCH_LOG``."""

    name: ClassVar[str] = "toy-batch"

    def generate_many(self, requests: Sequence[Request], directories: Sequence[Path]) -> list[Generation]:
        if log := os.environ.get("TOY_BATCH_LOG"):
            with Path(log).open("a") as stream:
                stream.write(" ".join(f"{request.prompt.id}/{request.seed}" for request in requests) + "\n")
        return super().generate_many(requests, directories)


class Brightness(Metric):
    """Mean brightness."""

    info = MetricInfo(
        name="toy_brightness",
        title="Brightness",
        meaning="How bright the clip is.",
        citation="none",
        version=1,
        measures=(
            Measure(name="mean", title="Mean", unit="levels", direction="up", meaning="Mean grey level.", low=0, high=255, headline=True),
            Measure(name="bright", title="Bright", unit="", direction="up", meaning="Mean above 128.", low=0, high=1, rate=True),
        ),
    )
    validation = "toy_plugin.protocol:PROTOCOL"

    def score(self, clip: Clip, sample: Sample) -> list[Score]:
        mean = float(clip.frames(5, 16).rgb.mean())
        if mean < 5:
            return self.none("the clip is black")
        return [Score.of("bright", mean > 128, backend="toy"), Score.of("mean", mean, backend="toy")]


class Shouting(Metric):
    """Needs speech; raises an error on loud prompts, for the tests."""

    info = MetricInfo(
        name="toy_speech",
        title="Speech",
        meaning="Only for prompts with speech.",
        citation="none",
        version=1,
        needs=frozenset({"audio", "speech"}),
        measures=(Measure(name="level", title="Level", unit="", direction="up", meaning="Peak.", headline=True),),
    )

    def score(self, clip: Clip, sample: Sample) -> Score:
        if sample.prompt is not None and sample.prompt.id == "loud":
            raise RuntimeError("the metric has a bug")
        return Score.of("level", float(np.abs(clip.audio().samples).max()), backend="toy")


class MeanDistance(SetMetric):
    """Distance of mean brightness."""

    info = MetricInfo(
        name="toy_distance",
        title="Distance",
        meaning="How far the sets' mean brightness lies apart.",
        citation="none",
        version=1,
        measures=(Measure(name="d", title="d", unit="levels", direction="down", meaning="|difference|", low=0, headline=True),),
    )

    def embed(self, clip: Clip) -> np.ndarray:
        return clip.frames(5, 16).rgb.mean(axis=(0, 1, 2))[None]

    def compare(self, generated: Features, reference: Features) -> Score:
        value = float(abs(generated.values.mean() - reference.values.mean()))
        return Score.of("d", value, backend="toy", details={"method": "toy"})

    def difference(self, first: Features, second: Features, reference: Features) -> list[SetDifference]:
        shared = set(first.groups) & set(second.groups)
        near, far = (abs(side.values.mean() - reference.values.mean()) for side in (first, second))
        return [SetDifference(measure="d", value=float(near - far), p=0.001, n_prompts=len(shared), backend="toy", method="toy")]
