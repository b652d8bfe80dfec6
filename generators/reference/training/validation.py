"""The validation of a twin during its training: clips of held-out prompts, scored by the suite's metrics."""

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
from seedbench.generators.reference.heldout import HeldOutSuite
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.training.ema import StageTraining
from seedbench.generators.simulator import Simulator
from seedbench.plugins.generator import Request
from seedbench.plugins.instances import make_metrics
from seedbench.plugins.metric import Metric, Sample, SetMetric, applies
from seedbench.runs.compare_task import CompareTask, compare
from seedbench.suites.prompt import Prompt

SOUND_RATE = 16_000
"""Samples a second of the sound on the dashboard."""


@dataclass(frozen=True)
class ValidationResult:
    """The mean of a measure over the ``answered`` clips that have one, of ``asked`` clips; or a measure of all clips as a set."""

    metric: str
    measure: str
    value: float | None
    answered: int
    asked: int


class ValidationCallback(Callback):
    """Every ``every`` steps and after the last: clips from the EMA weights, their scores to the dashboard and ``validation.csv``."""

    def __init__(
        self,
        model: ReferenceModel,
        held_out: HeldOutSuite,
        metrics: Sequence[str],
        *,
        every: int,
        steps: int,
        out: Path,
        size: tuple[int, int],
    ) -> None:
        self.model, self.held_out, self.metrics = model, held_out, tuple(metrics)
        self.every, self.sampling, self.out, self.size = every, Sampling(steps), out, size

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        step = trainer.global_step
        if step % self.every and step != trainer.max_steps:
            return
        assert isinstance(pl_module, StageTraining)  # noqa: S101 - for the type checker
        weights = pl_module.ema_weights()
        if not trainer.is_global_zero:
            return
        transformer = copy.deepcopy(self.model.transformer)
        transformer.load_state_dict(weights)
        model = ReferenceModel(
            self.model.twin, self.model.tokenizers, transformer.eval(), self.model.scale, self.model.vocabulary, self.model.trained
        )
        samples = self.out / "samples"
        files = generate_clips(model, self.held_out, samples / model.twin / f"{step:06d}", self.sampling, size=self.size)
        results = score_clips(
            files, self.held_out.prompts, self.metrics, lambda: simulator_clips(self.held_out, samples / "simulator", self.size)
        )
        _show(trainer.logger.experiment, model.twin, files, results, step)  # type: ignore[union-attr]
        append_results(self.out / "validation.csv", model.twin, step, results)


def generate_clips(
    model: ReferenceModel, held_out: HeldOutSuite, folder: Path, sampling: Sampling, *, size: tuple[int, int]
) -> list[Path | None]:
    """Make a clip of each prompt, in a folder of its own below ``folder``; None where generation fails."""
    root, (width, height) = held_out.file.parent, size
    requests = [Request(prompt=prompt, seed=n, width=width, height=height, root=root) for n, prompt in enumerate(held_out.prompts)]
    files = []
    for request in requests:
        own = folder / request.prompt.id
        own.mkdir(parents=True, exist_ok=True)
        files.append(generate(model, request, own, sampling).file)
    return files


def simulator_clips(held_out: HeldOutSuite, folder: Path, size: tuple[int, int]) -> list[Path | None]:
    """The simulator's clip of each prompt, None where it cannot make one. Clips that are in ``folder`` are not made again."""
    root, (width, height) = held_out.file.parent, size
    files: list[Path | None] = []
    for number, prompt in enumerate(held_out.prompts):
        file = folder / f"{prompt.id}.mp4"
        if not file.exists():
            request = Request(prompt=prompt, seed=number, width=width, height=height, root=root)
            with tempfile.TemporaryDirectory() as folder_of_clip:
                try:
                    clip_file = Simulator().generate(request, Path(folder_of_clip)).file
                except SeedBenchError as error:
                    warnings.warn(f"the simulator cannot show {prompt.id}, so distances leave it out ({error})", stacklevel=2)
                    clip_file = None
                if clip_file is not None:
                    with atomic_write(file) as partial_file:
                        shutil.copyfile(clip_file, partial_file)
        files.append(file if file.exists() else None)
    return files


def score_clips(
    files: Sequence[Path | None], prompts: Sequence[Prompt], metrics: Sequence[str], ceiling: Callable[[], Sequence[Path | None]]
) -> list[ValidationResult]:
    """The results of clips.

    Args:
        files: the clips, None where there is none.
        prompts: the prompt of each clip.
        metrics: names of registered metrics.
        ceiling: gives the simulator's clips of the same prompts; called only for metrics of sets.

    Returns:
        For a metric of clips, the mean over the clips whose prompt states what the metric needs; for a metric of sets, its measures.
    """
    results = []
    for name, metric in make_metrics(tuple(metrics)).items():
        if isinstance(metric, SetMetric):
            pairs = [(clip, real) for clip, real in zip(files, ceiling(), strict=True) if clip is not None and real is not None]
            results += _set_results(name, pairs, asked=sum(file is not None for file in files))
        else:
            results += _clip_results(metric, files, prompts)
    return results


def _clip_results(metric: Metric, files: Sequence[Path | None], prompts: Sequence[Prompt]) -> list[ValidationResult]:
    values: dict[str, list[float]] = {}
    asked: Counter[str] = Counter()
    for file, prompt in zip(files, prompts, strict=True):
        if file is None or not applies(metric.info, prompt):
            continue
        try:
            scores = metric.score(Clip.open(file), Sample(prompt=prompt, generator="reference"))
        except (ClipError, WeightsError) as error:
            scores = metric.none(str(error))
        for score in scores if isinstance(scores, list) else [scores]:
            asked[score.measure] += 1
            values.setdefault(score.measure, []).extend([] if score.value is None else [score.value])
    return [
        ValidationResult(metric.info.name, measure, float(np.mean(of_measure)) if of_measure else None, len(of_measure), asked[measure])
        for measure, of_measure in values.items()
    ]


def _set_results(name: str, pairs: Sequence[tuple[Path, Path]], *, asked: int) -> list[ValidationResult]:
    generated, real = (tuple((pair[side], file_sha256(pair[side]), str(number)) for number, pair in enumerate(pairs)) for side in (0, 1))
    scores = compare(CompareTask(generator="reference", metric=name, generated=generated, reference=real)) if asked else []
    return [ValidationResult(name, score.measure, score.value, len(pairs) if score.value is not None else 0, asked) for score in scores]


def append_results(file: Path, twin: str, step: int, results: Sequence[ValidationResult]) -> None:
    """Append a row for each result to a CSV file."""
    is_new = not file.exists()
    with file.open("a", newline="") as opened:
        writer = csv.DictWriter(opened, ["twin", "step", "metric", "measure", "value", "answered", "asked"])
        if is_new:
            writer.writeheader()
        writer.writerows({"twin": twin, "step": step, **asdict(result)} for result in results)


def _show(board: Any, twin: str, files: Sequence[Path | None], results: Sequence[ValidationResult], step: int) -> None:
    for result in results:
        name = f"{twin}/validation/{result.metric}.{result.measure}"
        if result.value is not None:
            board.add_scalar(name, result.value, step)
        board.add_scalar(f"{name}.answered", result.answered / result.asked, step)
    for file in [file for file in files if file is not None][:3]:
        clip = Clip.open(file)
        rgb = clip.frames(25).rgb
        strip = np.concatenate(list(rgb[np.linspace(0, len(rgb) - 1, 6).round().astype(int)]), axis=1)
        board.add_image(f"{twin}/{file.parent.name}", strip, step, dataformats="HWC")
        board.add_audio(
            f"{twin}/{file.parent.name}", torch.from_numpy(np.array(clip.audio(SOUND_RATE).samples))[None], step, sample_rate=SOUND_RATE
        )
