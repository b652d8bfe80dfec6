"""What a worker does for sets: compare the clips of one generator with the reference set, or those of two generators with each other.

Plain functions of plain tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seedbench.errors import ClipError, StorageError
from seedbench.plugins.metric import Features, Score, SetMetric
from seedbench.plugins.output_checks import checked_differences, checked_scores
from seedbench.plugins.set_difference import SetDifference
from seedbench.runs.reasons import without_path
from seedbench.runs.score_task import features, loaded_metric, no_answer, open_unchanged


@dataclass(frozen=True, kw_only=True)
class CompareTask:
    """Compare the clips of one generator with the reference set under one set metric. Clips are (path, sha256, prompt)."""

    generator: str
    metric: str
    generated: tuple[tuple[Path, str, str], ...]
    reference: tuple[tuple[Path, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class DifferenceTask:
    """Compare the clips of two generators, each with the reference set, under one set metric. Clips are (path, sha256, prompt)."""

    first: str
    second: str
    metric: str
    clips_of_first: tuple[tuple[Path, str, str], ...]
    clips_of_second: tuple[tuple[Path, str, str], ...]
    reference: tuple[tuple[Path, str, str], ...]


def compare(task: CompareTask) -> list[Score]:
    """The scores of a set metric for one generator, over the clips that give features; what was left out, and why, is a remark.

    No answer with a reason where either set gives no features at all.
    """
    metric = _set_metric(task.metric)
    try:
        generated, reference = (_side(metric, clips) for clips in (task.generated, task.reference))
        if generated.features is None or reference.features is None:
            left_out = (generated if generated.features is None else reference).left_out
            return no_answer(metric, left_out[0] if left_out else "there is no clip to compare")
        scores = metric.compare(generated.features, reference.features)
    except ClipError as error:
        return no_answer(metric, str(error))
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - as in _score_one
        return [Score.failed(measure.name, f"{type(error).__name__}: {error}") for measure in metric.info.measures]
    remarks = [*_remark(f"clips of {task.generator}", generated), *_remark("reference clips", reference)]
    return [_with_remarks(score, generated.n_used, remarks) for score in checked_scores(metric.info, scores)]


def difference(task: DifferenceTask) -> list[SetDifference]:
    """By how much the clips of one generator are further from the reference set than those of another, over the prompts of both.

    Empty where a set gives no features at all: the scores of the sets say why.
    """
    metric = _set_metric(task.metric)
    sides = [_side(metric, clips).features for clips in (task.clips_of_first, task.clips_of_second, task.reference)]
    first, second, reference = sides
    if first is None or second is None or reference is None:
        return []
    return checked_differences(metric.info, metric.difference(first, second, reference))


def _set_metric(name: str) -> SetMetric:
    metric = loaded_metric(name)
    if not isinstance(metric, SetMetric):
        raise TypeError(f"{name} is no set metric")
    return metric


@dataclass(frozen=True)
class _Side:
    """One of two sets: the features of ``n_used`` clips (None: of none), and the reason of each clip that was left out."""

    features: Features | None
    n_used: int
    left_out: tuple[str, ...]


def _side(metric: SetMetric, clips: Sequence[tuple[Path, str, str]]) -> _Side:
    """The features of clips (path, sha256, prompt), grouped by prompt."""
    rows: list[np.ndarray] = []
    groups: list[str] = []
    left_out: list[str] = []
    for path, sha256, group in clips:
        try:
            embedding, reason = features(metric, open_unchanged(path, sha256))
        except ClipError as error:
            embedding, reason = np.zeros((0, 0)), without_path(error, path)
        if not np.isfinite(embedding).all():
            embedding, reason = np.zeros((0, 0)), "its features hold values that are no numbers"
        if len(embedding):
            rows.append(embedding)
            groups.extend([group] * len(embedding))
        else:
            left_out.append(reason or "a clip gave no features")
    return _Side(Features(np.concatenate(rows), groups) if rows else None, len(rows), tuple(left_out))


def _remark(what: str, side: _Side) -> list[str]:
    """How many clips of a set are left out, and why; nothing where none is."""
    count = len(side.left_out)
    reasons = "; ".join(dict.fromkeys(side.left_out))
    return [f"{count} of {count + side.n_used} {what} left out ({reasons})"] if count else []


def _with_remarks(score: Score, n_used: int, remarks: list[str]) -> Score:
    """A set's score with the number of clips it rests on, unless the metric gives one, and with remarks on the clips left out."""
    details = {**score.details, "remarks": [*score.details.get("remarks", ()), *remarks]} if remarks else score.details
    counted = n_used if score.n_used is None and score.status == "scored" else score.n_used
    return replace(score, n_used=counted, details=details)
