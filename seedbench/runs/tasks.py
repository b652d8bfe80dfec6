"""What a worker does for a run: make a clip or a batch, or score a clip. Plain functions of plain tasks; none writes to the database."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import time
import traceback
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.errors import (
    ClipError,
    ClipUnavailableError,
    GenerationRefusedError,
    GeneratorError,
    StorageError,
    WeightsAbsentError,
    WeightsError,
)
from seedbench.files.hashing import digest_of, file_sha256
from seedbench.plugins.code_digest import code_digest
from seedbench.plugins.generator import Generation, Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.instances import make_generator, make_metric
from seedbench.plugins.metric import Features, Metric, MetricInfo, Sample, Score, SetMetric
from seedbench.plugins.output_checks import checked_scores, generation_problem
from seedbench.plugins.weights import ABSENT, sha256_of, strip_folders
from seedbench.runs.numba_cache import record_compiled
from seedbench.store.artifacts import Artifacts
from seedbench.store.cache import cached
from seedbench.suites.prompt import Prompt


@dataclass(frozen=True, kw_only=True)
class GenerateTask:
    """Make the clip of one cell. ``scratch`` is room for it; the finished file goes to the artifact store."""

    cell_id: int
    generator: GeneratorSpec
    request: Request
    scratch: Path
    artifacts: Artifacts


@dataclass(frozen=True, kw_only=True)
class GenerateBatch:
    """Make the clips of several cells of one generator in one call."""

    cells: tuple[GenerateTask, ...]


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What came of a :class:`GenerateTask`. ``path`` is set only for files of the user's."""

    status: str
    reason: str = ""
    sha256: str | None = None
    suffix: str = ""
    path: str | None = None
    truth_sha256: str | None = None
    seed_used: int | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def generate(task: GenerateTask) -> Generated:
    """Make one clip. An outage or a refusal is a result; a full disk is a StorageError."""
    with _room(task) as directory:
        return _generate_in(directory, task)


def generate_many(batch: GenerateBatch) -> list[Generated]:
    """Make the clips of a batch, in its order; each says in ``facts`` how many were made together.

    Latency, where the generator states none, is the wall time of the call divided by the number of requests. Raises GeneratorError where
    the call as a whole gives no answer, since nobody knows which request was to blame; StorageError as :func:`generate`.
    """
    count = len(batch.cells)
    with ExitStack() as rooms:
        directories = [rooms.enter_context(_room(task)) for task in batch.cells]
        start = time.perf_counter()
        try:
            made = make_generator(batch.cells[0].generator).generate_many([task.request for task in batch.cells], directories)
        except StorageError:
            raise
        except Exception as error:
            raise GeneratorError(f"{type(error).__name__}: {error}") from error
        share_s = (time.perf_counter() - start) / count
        if len(made) != count:
            raise GeneratorError(f"the generator answered {count} requests with {len(made)} results")
        kept = [_kept(task, one, share_s) for task, one in zip(batch.cells, made, strict=True)]
    return [replace(one, facts={**one.facts, "batch": count}) for one in kept]


@contextmanager
def _room(task: GenerateTask) -> Iterator[Path]:
    """An empty folder of this attempt's own, gone afterwards."""
    directory = task.scratch / f"cell-{task.cell_id}-{uuid.uuid4().hex[:8]}"
    try:
        directory.mkdir(parents=True)
        yield directory
    except OSError as error:
        raise StorageError(f"{directory} cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _generate_in(directory: Path, task: GenerateTask) -> Generated:
    start = time.perf_counter()
    try:
        made: Generation = make_generator(task.generator).generate(task.request, directory)
    except GenerationRefusedError as error:
        return Generated(status="refused", reason=str(error))
    except (GeneratorError, ClipError) as error:
        return Generated(status="failed", reason=str(error))
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - a stranger's generator may raise anything; it costs this cell, not the run
        return Generated(status="failed", reason=f"{type(error).__name__}: {error}", facts={"traceback": traceback.format_exc()})
    return _kept(task, made, time.perf_counter() - start)


def _kept(task: GenerateTask, made: Generation, wall_s: float) -> Generated:
    """Put what a generator made where it stays. ``wall_s`` is the latency of a clip whose generator states none."""
    if problem := generation_problem(made):
        return Generated(status="failed", reason=problem)
    if made.status != "succeeded" or made.file is None:
        return Generated(
            status=made.status, reason=made.reason or "the generator gave no file", cost_usd=made.cost_usd, latency_s=made.latency_s
        )
    truth = json.dumps(made.truth, sort_keys=True).encode() if made.truth is not None else None
    latency = made.latency_s if made.latency_s is not None or not made.own_file else wall_s
    try:
        sha256 = task.artifacts.put(made.file, move=True) if made.own_file else file_sha256(made.file)
    except ClipError as error:
        return Generated(status="failed", reason=f"the clip that was made cannot be taken: {made.file.name} {_said(error, made.file)}")
    return Generated(
        status="succeeded",
        sha256=sha256,
        suffix=made.file.suffix,
        path=None if made.own_file else str(made.file.resolve()),
        truth_sha256=task.artifacts.put_bytes(truth, ".json") if truth is not None else None,
        seed_used=made.seed_used,
        latency_s=latency,
        cost_usd=made.cost_usd,
        facts=dict(made.facts),
    )


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
def _metric(name: str) -> Metric | SetMetric:
    return make_metric(name)


def score_key(info: MetricInfo, code: str, sha256: str, prompt: Prompt | None) -> str:
    """What decides the scores of a metric on a clip: content, metric and version, its code
    (:func:`seedbench.plugins.code_digest.code_digest`), weights, and what the prompt expects.
    """
    expected = prompt.model_dump(mode="json") if prompt is not None else None
    return digest_of([sha256, info.name, info.version, code, [sha256_of(name) for name in info.weights], expected])


def score(task: ScoreTask) -> Scored:
    """Open the clip once and run every metric on it. A file that is no clip gives reasons, a metric that breaks down gives ``failed``."""
    names = (*task.metrics, *task.set_metrics)
    try:
        clip = _opened(task.path, task.sha256)
    except ClipError as error:
        return Scored(
            scores={name: _unread(_metric(name), error, task.path) for name in task.metrics},
            keys=_keys(task),
            facts={"unreadable": _said(error, task.path)},
            seconds={},
        )
    sample = Sample(prompt=task.prompt, generator=task.generator, seed=task.seed)
    scores: dict[str, list[Score]] = {}
    seconds: dict[str, float] = {}
    for name in names:
        metric = _metric(name)
        start = time.perf_counter()
        if isinstance(metric, SetMetric):
            features(metric, clip)
        else:
            scores[name] = _score_one(metric, clip, sample)
        seconds[name] = time.perf_counter() - start
    record_compiled()
    facts = {**{k: v for k, v in clip.facts.__dict__.items() if k != "notes"}, "notes": list(_notes(clip))}
    return Scored(scores=scores, keys=_keys(task), facts=facts, seconds=seconds)


def _keys(task: ScoreTask) -> dict[str, str]:
    """The keys of a task's scores, by metric."""
    kinds = {name: _metric(name) for name in task.metrics}
    return {name: score_key(kind.info, code_digest(type(kind)), task.sha256, task.prompt) for name, kind in kinds.items()}


def _opened(path: Path, sha256: str) -> Clip:
    """The clip with that content. Raises ClipError; ClipUnavailableError where the file cannot be read or has another content by now."""
    if file_sha256(path) != sha256:
        raise ClipUnavailableError(f"{path}: has changed since it was taken into the run; run again under another name")
    return Clip.open(path)


def _said(error: Exception, path: Path) -> str:
    """An error's words without the folders of this machine: reasons go into reports that are handed on."""
    words = str(error).removeprefix(f"{path}: ").replace(str(path), path.name)
    return strip_folders(words) if isinstance(error, WeightsError) else words


def _notes(clip: Clip) -> tuple[str, ...]:
    try:
        return clip.notes
    except ClipError as error:
        return (*clip.facts.notes, _said(error, clip.path))


def _no_answer(metric: Metric | SetMetric, reason: str) -> list[Score]:
    return [Score.none(measure.name, reason) for measure in metric.info.measures]


def _unread(metric: Metric | SetMetric, error: Exception, path: Path) -> list[Score]:
    """No answer from a clip for what its content is, or without weights that the key says are absent; failed, which no other run takes
    over, where clip or weights could not be read this time."""
    reason = _said(error, path)
    absent = isinstance(error, WeightsAbsentError) and ABSENT in map(sha256_of, metric.info.weights)
    if isinstance(error, ClipUnavailableError) or (isinstance(error, WeightsError) and not absent):
        return [Score.failed(measure.name, reason) for measure in metric.info.measures]
    return _no_answer(metric, reason)


def _score_one(metric: Metric, clip: Clip, sample: Sample) -> list[Score]:
    info = metric.info
    missing = [
        kind for kind, there in (("video", clip.facts.has_video), ("audio", clip.facts.has_audio)) if kind in info.needs and not there
    ]
    if missing:
        return _no_answer(metric, "the file has no picture" if missing[0] == "video" else "the file has no sound")
    try:
        found = metric.score(clip, sample)
    except (ClipError, WeightsError) as error:
        return _unread(metric, error, clip.path)
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - a metric that breaks down on one clip is counted as failed, and the run goes on
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        return [Score.failed(measure.name, reason) for measure in info.measures]
    return checked_scores(info, found)


def _features_key(metric: SetMetric, sha256: str) -> str:
    info = metric.info
    parts = [sha256, "features", info.name, str(info.version), code_digest(type(metric)), *(sha256_of(name) for name in info.weights)]
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def features(metric: SetMetric, clip: Clip) -> tuple[np.ndarray, str]:
    """Embedding (n, D) of a clip, from the cache when it is there; without one, an empty array and the reason.

    Only what follows from the clip's content is kept in the cache: its features, or that it has none. An error that may pass is not.
    """

    def make() -> tuple[np.ndarray, str]:
        missing = [
            kind
            for kind, there in (("video", clip.facts.has_video), ("audio", clip.facts.has_audio))
            if kind in metric.info.needs and not there
        ]
        if missing:
            return np.zeros((0, 0)), f"the file has no {missing[0]}"
        try:
            return np.atleast_2d(np.asarray(metric.embed(clip), np.float64)), ""
        except ClipUnavailableError:
            raise
        except ClipError as error:
            return np.zeros((0, 0)), _said(error, clip.path)

    try:
        return cached(_features_key(metric, clip.sha256), make, kind=tuple)
    except (ClipError, WeightsError) as error:
        return np.zeros((0, 0)), _said(error, clip.path)
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - as in _score_one: one clip without features, with the reason
        return np.zeros((0, 0)), f"{type(error).__name__}: {error}"


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
    metric = _metric(task.metric)
    if not isinstance(metric, SetMetric):
        raise TypeError(f"{task.metric} is no set metric")
    try:
        generated, reference = _side(metric, task.generated), _side(metric, task.reference)
        if generated.features is None or reference.features is None:
            left_out = (generated if generated.features is None else reference).left_out
            return _no_answer(metric, left_out[0] if left_out else "there is no clip to compare")
        scores = metric.compare(generated.features, reference.features)
    except ClipError as error:
        return _no_answer(metric, str(error))
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - as in _score_one
        return [Score.failed(measure.name, f"{type(error).__name__}: {error}") for measure in metric.info.measures]
    remarks = [*_remark(f"clips of {task.generator}", generated), *_remark("reference clips", reference)]
    return [_remarked(one, generated.n_used, remarks) for one in checked_scores(metric.info, scores)]


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
            found, reason = features(metric, _opened(path, sha256))
        except ClipError as error:
            found, reason = np.zeros((0, 0)), _said(error, path)
        if not np.isfinite(found).all():
            found, reason = np.zeros((0, 0)), "its features hold values that are no numbers"
        if len(found):
            rows.append(found)
            groups.extend([sha256] * len(found))
        else:
            left_out.append(reason or "a clip gave no features")
    return _Side(Features(np.concatenate(rows), groups) if rows else None, len(rows), tuple(left_out))


def _remark(what: str, side: _Side) -> list[str]:
    """How many clips of a set are left out, and why; nothing where none is."""
    count = len(side.left_out)
    reasons = "; ".join(dict.fromkeys(side.left_out))
    return [f"{count} of {count + side.n_used} {what} left out ({reasons})"] if count else []


def _remarked(score: Score, n_used: int, remarks: list[str]) -> Score:
    """A set's score with the number of clips it rests on, unless the metric told, and what there is to say of the others."""
    details = {**score.details, "remarks": [*score.details.get("remarks", ()), *remarks]} if remarks else score.details
    counted = n_used if score.n_used is None and score.status == "scored" else score.n_used
    return replace(score, n_used=counted, details=details)
