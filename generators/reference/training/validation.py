"""How a twin does meanwhile: clips of prompts it never saw, scored by the suite's own metrics."""

from __future__ import annotations

import copy
import csv
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from seedbench.clips.clip import Clip
from seedbench.errors import ClipError, SeedBenchError, WeightsError
from seedbench.files.atomic import atomic_write
from seedbench.files.hashing import file_sha256
from seedbench.generators.reference.flow import Sampling
from seedbench.generators.reference.generate import generate
from seedbench.generators.reference.heldout import HeldOut
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.training.averaging import Training
from seedbench.generators.simulator import Simulator
from seedbench.plugins.generator import Request
from seedbench.plugins.instances import make_metrics
from seedbench.plugins.metric import Metric, Sample, SetMetric, applies
from seedbench.runs.compare_task import CompareTask, compare
from seedbench.suites.prompt import Prompt

RATE = 16_000


@dataclass(frozen=True)
class Figure:
    """The mean of a measure over the clips that were given one, or a measure of all as a set; ``asked`` of them could have been."""

    metric: str
    measure: str
    value: float | None
    answered: int
    asked: int


class Validation(Callback):
    """Every so many steps and after the last: clips from the averaged weights, their scores to the dashboard and ``validation.csv``."""

    def __init__(
        self,
        model: ReferenceModel,
        asked: HeldOut,
        metrics: Sequence[str],
        *,
        every: int,
        steps: int,
        out: Path,
        size: tuple[int, int],
    ) -> None:
        self.model, self.asked, self.metrics = model, asked, tuple(metrics)
        self.every, self.sampling, self.out, self.size = every, Sampling(steps), out, size

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        step = trainer.global_step
        if step % self.every and step != trainer.max_steps:
            return
        assert isinstance(pl_module, Training)  # noqa: S101 - for the type checker
        weights = pl_module.averaged_weights()
        if not trainer.is_global_zero:
            return
        transformer = copy.deepcopy(self.model.transformer)
        transformer.load_state_dict(weights)
        model = ReferenceModel(
            self.model.twin, self.model.tokenizers, transformer.eval(), self.model.scale, self.model.vocabulary, self.model.trained
        )
        files = clips(model, self.asked, self.out / "samples" / model.twin / f"{step:06d}", self.sampling, size=self.size)
        figures = scored(files, self.asked.prompts, self.metrics, lambda: staged(self.asked, self.out / "samples" / "simulator", self.size))
        _show(trainer.logger.experiment, model.twin, files, figures, step)  # type: ignore[union-attr]
        append(self.out / "validation.csv", model.twin, step, figures)


def clips(model: ReferenceModel, asked: HeldOut, folder: Path, how: Sampling, *, size: tuple[int, int]) -> list[Path | None]:
    """A clip of each prompt, in its own folder below ``folder``; None where there is none."""
    root, (width, height) = asked.file.parent, size
    requests = [Request(prompt=prompt, seed=n, width=width, height=height, root=root) for n, prompt in enumerate(asked.prompts)]
    files = []
    for request in requests:
        own = folder / request.prompt.id
        own.mkdir(parents=True, exist_ok=True)
        files.append(generate(model, request, own, how).file)
    return files


def staged(asked: HeldOut, folder: Path, size: tuple[int, int]) -> list[Path | None]:
    """What the simulator makes of each prompt, None where it makes nothing of it; what lies in ``folder`` from before is not made again."""
    root, (width, height) = asked.file.parent, size
    found: list[Path | None] = []
    for number, prompt in enumerate(asked.prompts):
        file = folder / f"{prompt.id}.mp4"
        if not file.exists():
            with tempfile.TemporaryDirectory() as room:
                try:
                    made = Simulator().generate(Request(prompt=prompt, seed=number, width=width, height=height, root=root), Path(room)).file
                except SeedBenchError as error:
                    warnings.warn(f"the simulator does not stage {prompt.id}, which no distance counts ({error})", stacklevel=2)
                    made = None
                if made is not None:
                    with atomic_write(file) as place:
                        shutil.copyfile(made, place)
        found.append(file if file.exists() else None)
    return found


def scored(
    files: Sequence[Path | None], prompts: Sequence[Prompt], metrics: Sequence[str], ceiling: Callable[[], Sequence[Path | None]]
) -> list[Figure]:
    """The clips under metrics found by name: each where its prompt states what the metric needs, or all as a set beside ``ceiling``'s."""
    found = []
    for name, metric in make_metrics(tuple(metrics)).items():
        if isinstance(metric, SetMetric):
            both = [(made, real) for made, real in zip(files, ceiling(), strict=True) if made is not None and real is not None]
            found += _as_a_set(name, both, asked=sum(file is not None for file in files))
        else:
            found += _each(metric, files, prompts)
    return found


def _each(metric: Metric, files: Sequence[Path | None], prompts: Sequence[Prompt]) -> list[Figure]:
    values: dict[str, list[float]] = {}
    asked: Counter[str] = Counter()
    for file, prompt in zip(files, prompts, strict=True):
        if file is None or not applies(metric.info, prompt):
            continue
        try:
            given = metric.score(Clip.open(file), Sample(prompt=prompt, generator="reference"))
        except (ClipError, WeightsError) as error:
            given = metric.none(str(error))
        for score in given if isinstance(given, list) else [given]:
            asked[score.measure] += 1
            values.setdefault(score.measure, []).extend([] if score.value is None else [score.value])
    return [
        Figure(metric.info.name, measure, float(np.mean(those)) if those else None, len(those), asked[measure])
        for measure, those in values.items()
    ]


def _as_a_set(name: str, both: Sequence[tuple[Path, Path]], *, asked: int) -> list[Figure]:
    made, real = (tuple((pair[side], file_sha256(pair[side])) for pair in both) for side in (0, 1))
    scores = compare(CompareTask(generator="reference", metric=name, generated=made, reference=real)) if asked else []
    return [Figure(name, score.measure, score.value, len(both) if score.value is not None else 0, asked) for score in scores]


def append(file: Path, twin: str, step: int, figures: Sequence[Figure]) -> None:
    """Add a row for each figure to a CSV file."""
    fresh = not file.exists()
    with file.open("a", newline="") as opened:
        writer = csv.DictWriter(opened, ["twin", "step", "metric", "measure", "value", "answered", "asked"])
        if fresh:
            writer.writeheader()
        writer.writerows({"twin": twin, "step": step, **asdict(figure)} for figure in figures)


def _show(board: Any, twin: str, files: Sequence[Path | None], figures: Sequence[Figure], step: int) -> None:
    for figure in figures:
        name = f"{twin}/validation/{figure.metric}.{figure.measure}"
        if figure.value is not None:
            board.add_scalar(name, figure.value, step)
        board.add_scalar(f"{name}.answered", figure.answered / figure.asked, step)
    for file in [one for one in files if one is not None][:3]:
        clip = Clip.open(file)
        rgb = clip.frames(25).rgb
        strip = np.concatenate(list(rgb[np.linspace(0, len(rgb) - 1, 6).round().astype(int)]), axis=1)
        board.add_image(f"{twin}/{file.parent.name}", strip, step, dataformats="HWC")
        board.add_audio(f"{twin}/{file.parent.name}", torch.from_numpy(np.array(clip.audio(RATE).samples))[None], step, sample_rate=RATE)
