"""What a worker does for a set: compare the clips of one generator with the reference set. A plain function of a plain task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seedbench.errors import ClipError, StorageError
from seedbench.plugins.metric import Features, Score, SetMetric
from seedbench.plugins.output_checks import checked_scores
from seedbench.runs.reasons import without_path
from seedbench.runs.score_task import features, loaded_metric, no_answer, open_unchanged


@dataclass(frozen=True, kw_only=True)
class CompareTask:
    """Compare the clips of one generator with the reference set under one set metric. Clips are (path, sha256)."""

    generator: str
    metric: str
    generated: tuple[tuple[Path, str], ...]
    reference: tuple[tuple[Path, str], ...]


def compare(task: CompareTask) -> list[Score]:
    """The scores of a set metric for one generator, over the clips that give features; what was left out, and why, is a remark.

    No answer with a reason where either set gives no features at all.
    """
    metric = loaded_metric(task.metric)
    if not isinstance(metric, SetMetric):
        raise TypeError(f"{task.metric} is no set metric")
    try:
        generated, reference = _side(metric, task.generated), _side(metric, task.reference)
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


@dataclass(frozen=True)
class _Side:
    """One of two sets: the features of ``n_used`` clips (None: of none), and the reason of each clip that was left out."""

    features: Features | None
    n_used: int
    left_out: tuple[str, ...]


def _side(metric: SetMetric, clips: Sequence[tuple[Path, str]]) -> _Side:
    rows: list[np.ndarray] = []
    groups: list[str] = []
    left_out: list[str] = []
    for path, sha256 in clips:
        try:
            embedding, reason = features(metric, open_unchanged(path, sha256))
        except ClipError as error:
            embedding, reason = np.zeros((0, 0)), without_path(error, path)
        if not np.isfinite(embedding).all():
            embedding, reason = np.zeros((0, 0)), "its features hold values that are no numbers"
        if len(embedding):
            rows.append(embedding)
            groups.extend([sha256] * len(embedding))
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
