"""What a worker does for a clip: score it, and embed it for set metrics. Plain functions of plain tasks; none writes to the database."""

from __future__ import annotations

import functools
import hashlib
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.errors import (
    ClipError,
    ClipUnavailableError,
    StorageError,
    WeightsAbsentError,
    WeightsError,
)
from seedbench.files.hashing import digest_of, file_sha256
from seedbench.plugins.code_digest import code_digest
from seedbench.plugins.instances import make_metric
from seedbench.plugins.metric import Metric, MetricInfo, Sample, Score, SetMetric, missing_stream
from seedbench.plugins.output_checks import checked_scores
from seedbench.plugins.weights import ABSENT, sha256_of
from seedbench.runs.clip_facts import facts_to_store
from seedbench.runs.numba_cache import record_compiled
from seedbench.runs.reasons import without_path
from seedbench.store.cache import cached
from seedbench.suites.earlier_form import stored_json
from seedbench.suites.prompt import Prompt


@dataclass(frozen=True, kw_only=True)
class ScoreTask:
    """Score one clip with some metrics, and embed it for some set metrics."""

    cell_id: int
    path: Path
    sha256: str
    prompt: Prompt | None
    generator: str
    seed: int | None
    metrics: tuple[str, ...]
    set_metrics: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores by metric name with their keys, what the file is, and how long each metric took (seconds).

    The keys are made where the numbers were: by the code that this process runs, whatever has become of its files since.
    """

    scores: Mapping[str, list[Score]]
    keys: Mapping[str, str]
    facts: Mapping[str, Any]
    seconds: Mapping[str, float]


@functools.cache
def loaded_metric(name: str) -> Metric | SetMetric:
    return make_metric(name)


def score_key(info: MetricInfo, code: str, sha256: str, prompt: Prompt | None) -> str:
    """What decides the scores of a metric on a clip: content, metric and version, its code
    (:func:`seedbench.plugins.code_digest.code_digest`), weights, and what the prompt expects.
    """
    expected = stored_json(prompt) if prompt is not None else None
    return digest_of([sha256, info.name, info.version, code, [sha256_of(name) for name in info.weights], expected])


def score(task: ScoreTask) -> Scored:
    """Open the clip once and run every metric on it. A file that is no clip gives reasons, a metric that breaks down gives ``failed``."""
    names = (*task.metrics, *task.set_metrics)
    try:
        clip = open_unchanged(task.path, task.sha256)
    except ClipError as error:
        return Scored(
            scores={name: _scores_for_error(loaded_metric(name), error, task.path) for name in task.metrics},
            keys=_keys(task),
            facts={"unreadable": without_path(error, task.path)},
            seconds={},
        )
    sample = Sample(prompt=task.prompt, generator=task.generator, seed=task.seed)
    scores: dict[str, list[Score]] = {}
    seconds: dict[str, float] = {}
    for name in names:
        metric = loaded_metric(name)
        start = time.perf_counter()
        if isinstance(metric, SetMetric):
            features(metric, clip)
        else:
            scores[name] = _score_one(metric, clip, sample)
        seconds[name] = time.perf_counter() - start
    record_compiled()
    return Scored(scores=scores, keys=_keys(task), facts=facts_to_store(clip), seconds=seconds)


def _keys(task: ScoreTask) -> dict[str, str]:
    """The keys of a task's scores, by metric."""
    kinds = {name: loaded_metric(name) for name in task.metrics}
    return {name: score_key(kind.info, code_digest(type(kind)), task.sha256, task.prompt) for name, kind in kinds.items()}


def open_unchanged(path: Path, sha256: str) -> Clip:
    """The clip with that content. Raises ClipError; ClipUnavailableError where the file cannot be read or has another content by now."""
    if file_sha256(path) != sha256:
        raise ClipUnavailableError(f"{path}: has changed since it was taken into the run; run again under another name")
    return Clip.open(path)


def no_answer(metric: Metric | SetMetric, reason: str) -> list[Score]:
    return [Score.none(measure.name, reason) for measure in metric.info.measures]


def _scores_for_error(metric: Metric | SetMetric, error: Exception, path: Path) -> list[Score]:
    """No answer from a clip for what its content is, or without weights that the key says are absent; failed, which no other run takes
    over, where clip or weights could not be read this time."""
    reason = without_path(error, path)
    absent = isinstance(error, WeightsAbsentError) and ABSENT in map(sha256_of, metric.info.weights)
    if isinstance(error, ClipUnavailableError) or (isinstance(error, WeightsError) and not absent):
        return [Score.failed(measure.name, reason) for measure in metric.info.measures]
    return no_answer(metric, reason)


def _score_one(metric: Metric, clip: Clip, sample: Sample) -> list[Score]:
    info = metric.info
    if reason := missing_stream(info, clip):
        return no_answer(metric, reason)
    try:
        scores = metric.score(clip, sample)
    except (ClipError, WeightsError) as error:
        return _scores_for_error(metric, error, clip.path)
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - a metric that breaks down on one clip is counted as failed, and the run goes on
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return [Score.failed(measure.name, reason) for measure in info.measures]
    return checked_scores(info, scores)


def _features_key(metric: SetMetric, sha256: str) -> str:
    info = metric.info
    parts = [sha256, "features", info.name, str(info.version), code_digest(type(metric)), *(sha256_of(name) for name in info.weights)]
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def features(metric: SetMetric, clip: Clip) -> tuple[np.ndarray, str]:
    """Embedding (n, D) of a clip, from the cache when it is there; without one, an empty array and the reason.

    Only what follows from the clip's content is kept in the cache: its features, or that it has none. An error that may pass is not.
    """

    def make() -> tuple[np.ndarray, str]:
        if reason := missing_stream(metric.info, clip):
            return np.zeros((0, 0)), reason
        try:
            return np.atleast_2d(np.asarray(metric.embed(clip), np.float64)), ""
        except ClipUnavailableError:
            raise
        except ClipError as error:
            return np.zeros((0, 0)), without_path(error, clip.path)

    try:
        return cached(_features_key(metric, clip.sha256), make, kind=tuple)
    except (ClipError, WeightsError) as error:
        return np.zeros((0, 0)), without_path(error, clip.path)
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - as in _score_one: one clip without features, with the reason
        return np.zeros((0, 0)), f"{type(error).__name__}: {error}"
