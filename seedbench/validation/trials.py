"""The trials of a validation: which copies are made of which files, and what a worker does with one: make the copy, and score
or embed it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.clips.degradations import arrays_of, write_arrays
from seedbench.errors import ClipUnavailableError, SeedBenchError, StorageError, WeightsError
from seedbench.files.hashing import digest_of, file_sha256
from seedbench.plugins import registry
from seedbench.plugins.code_digest import code_digest
from seedbench.plugins.metric import Score, SetMetric, missing_stream
from seedbench.plugins.validation import FootageProtocol, SetValidationProtocol, TruthRow, ValidationProtocol, Variant, protocol_of
from seedbench.runs.reasons import without_path
from seedbench.runs.score_task import ScoreTask, loaded_metric, score, score_key
from seedbench.store.cache import cached


@dataclass(frozen=True, kw_only=True)
class CopyTrial:
    """One copy of one file.

    Attributes:
        number: its place among all trials.
        metric: the name of the metric.
        variant: the name of the copy.
        row: the file.
        partner: the other file, for a copy that is made of two.
        scratch: a folder for the copy while it is scored.
    """

    number: int
    metric: str
    variant: str
    row: TruthRow
    partner: TruthRow | None
    scratch: Path


@dataclass(frozen=True)
class TrialScores:
    """What the metric gave to a copy: its scores by measure, without evidence; ``problem`` says why no copy could be made."""

    scores: Mapping[str, Score]
    problem: str = ""


class FailedTrialError(Exception):
    """A metric broke down on a copy. It is not kept, so that the next command tries again."""


def trials_of(metric: str, protocol: FootageProtocol, rows: Sequence[TruthRow], scratch: Path) -> list[CopyTrial]:
    """All trials of a validation.

    Args:
        metric: the name of the metric.
        protocol: its protocol.
        rows: the files.
        scratch: a folder for copies.

    Returns:
        The trials, those of one file together, so that what was computed of it is used again.
    """
    trials: list[CopyTrial] = []
    for row in rows:
        for variant in protocol.variants:
            partner = variant.partner(row, rows) if variant.partner is not None else None
            if not variant.applies(row) or (variant.partner is not None and partner is None):
                continue
            trials.append(CopyTrial(number=len(trials), metric=metric, variant=variant.name, row=row, partner=partner, scratch=scratch))
    return trials


def try_copy(trial: CopyTrial) -> TrialScores:
    """Make a copy and score it, or take the scores from the cache. Called in worker processes.

    Args:
        trial: which copy.

    Returns:
        Its scores.

    Raises:
        FailedTrialError: the metric broke down.
        SeedBenchError: a file cannot be read.
    """
    stored = cached(_key(trial), lambda: _try(trial), kind=dict)
    return TrialScores({name: Score(**fields) for name, fields in stored["scores"].items()}, stored["problem"])


@dataclass(frozen=True)
class CopyFeatures:
    """The features (n, D) of a copy under a set metric; ``problem`` says why there are none."""

    values: np.ndarray
    problem: str = ""


def embed_copy(trial: CopyTrial) -> CopyFeatures:
    """Make a copy and embed it, or take its features from the cache. Called in worker processes.

    Args:
        trial: which copy.

    Returns:
        Its features.

    Raises:
        FailedTrialError: the metric broke down.
        SeedBenchError: a file or the weights of the metric cannot be read.
    """
    return CopyFeatures(*cached(_key(trial), lambda: _embed(trial), kind=tuple))


def _embed(trial: CopyTrial) -> tuple[np.ndarray, str]:
    metric = loaded_metric(trial.metric)
    if not isinstance(metric, SetMetric):
        raise TypeError(f"{trial.metric} is no set metric")
    with tempfile.TemporaryDirectory(dir=trial.scratch) as folder:
        try:
            clip = Clip.open(make_copy(trial, Path(folder) / "copy.mp4"))
            reason = missing_stream(metric.info, clip)
            values = np.zeros((0, 0)) if reason else np.atleast_2d(np.asarray(metric.embed(clip), np.float64))
        except (ClipUnavailableError, StorageError, WeightsError):
            raise  # may pass: not kept
        except SeedBenchError as error:
            return np.zeros((0, 0)), _reason(error, trial).replace(str(Path(folder) / "copy.mp4"), "the copy")
        except Exception as error:
            raise FailedTrialError(f"the metric failed: {type(error).__name__}: {error}") from error
    if not np.isfinite(values).all():
        return np.zeros((0, 0)), "its features hold values that are no numbers"
    return values, reason or ("" if len(values) else "it gave no features")


def make_copy(trial: CopyTrial, out: Path) -> Path:
    """Make the copy of a trial.

    Args:
        trial: which copy.
        out: the file to write, an .mp4.

    Returns:
        The file; that of the truth file where the copy is the file as it is.

    Raises:
        SeedBenchError: a file cannot be read, or lacks what the copy needs.
    """
    variant = _variant(trial)
    if variant.change is None:
        return trial.row.file
    clip = Clip.open(trial.row.file)
    partner = arrays_of(Clip.open(trial.partner.file)) if trial.partner is not None else None
    return write_arrays(out, variant.change(arrays_of(clip), clip, partner), clip.facts.fps)


def _variant(trial: CopyTrial) -> Variant:
    return next(variant for variant in _protocol(trial.metric).variants if variant.name == trial.variant)


def _protocol(metric: str) -> ValidationProtocol | SetValidationProtocol:
    protocol = protocol_of(registry.load("metrics", metric))
    if protocol is None:
        raise SeedBenchError(f"{metric!r} has no validation protocol")
    return protocol


def _key(trial: CopyTrial) -> str:
    """What decides the scores of a copy: the files, what the truth file says of them, the code of the metric and of its protocol.

    The columns of a set metric say which sets are compared; the features of a copy do not depend on them.
    """
    kind = type(loaded_metric(trial.metric))
    protocol = _protocol(trial.metric)
    columns = [column.name for column in protocol.columns] if isinstance(protocol, ValidationProtocol) else []
    files = [
        (file_sha256(row.file), {name: row.facts[name] for name in columns if name in row.facts})
        for row in (trial.row, trial.partner)
        if row is not None
    ]
    code = (code_digest(kind), code_digest(type(protocol)))
    return digest_of(["validation", trial.variant, files, score_key(kind.info, code[0], files[0][0], None), code[1], protocol.version])


def _try(trial: CopyTrial) -> dict[str, Any]:
    protocol = _protocol(trial.metric)
    if not isinstance(protocol, ValidationProtocol):
        raise TypeError(f"{trial.metric} scores no single clip")
    with tempfile.TemporaryDirectory(dir=trial.scratch) as folder:
        try:
            file = make_copy(trial, Path(folder) / "copy.mp4")
            duration_s = Clip.open(file).facts.duration_s
        except (ClipUnavailableError, StorageError, WeightsError):
            raise  # may pass: not kept
        except SeedBenchError as error:
            return {"scores": {}, "problem": _reason(error, trial)}
        prompt = protocol.prompt(_variant(trial), trial.row, trial.partner, duration_s)
        task = ScoreTask(
            cell_id=0, path=file, sha256=file_sha256(file), prompt=prompt, generator="", seed=None, metrics=(trial.metric,), set_metrics=()
        )
        scores = score(task).scores[trial.metric]
    failed = [given for given in scores if given.status == "failed"]
    if failed:
        raise FailedTrialError(f"the metric failed: {failed[0].reason}")
    return {"scores": {given.measure: _plain(given) for given in scores}, "problem": ""}


def _reason(error: SeedBenchError, trial: CopyTrial) -> str:
    """Why no copy can be made, without the paths of this machine."""
    reason = without_path(error, trial.row.file)
    return reason if trial.partner is None else reason.replace(str(trial.partner.file), trial.partner.name)


def _plain(score: Score) -> dict[str, Any]:
    """A score without evidence and details."""
    return {
        "measure": score.measure,
        "value": score.value,
        "status": score.status,
        "reason": score.reason,
        "backend": score.backend,
        "interval": score.interval,
    }
