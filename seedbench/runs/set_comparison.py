"""Comparing the clips of each generator of a run, as a set, with the reference set, and the generators with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from sqlalchemy import select

from seedbench.errors import ArtifactError, StorageError
from seedbench.plugins.metric import Score, SetMetric
from seedbench.plugins.set_difference import SetDifference
from seedbench.runs.compare_task import CompareTask, DifferenceTask, compare, difference
from seedbench.runs.executor import Executor
from seedbench.runs.progress import Progress
from seedbench.runs.reasons import failure_reason
from seedbench.runs.records import set_difference_row, set_score_row
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, SetDifferenceRow, SetScoreRow, Store
from seedbench.store.queries import clip_path
from seedbench.store.workspace import Workspace

Clips = tuple[tuple[Path, str, str], ...]
"""Clips of a set, each as path, sha256 and prompt."""


def compare_sets(
    spec: RunSpec,
    run_id: int,
    metrics: Mapping[str, SetMetric],
    store: Store,
    workspace: Workspace,
    executor: Executor,
    progress: Progress,
) -> None:
    """Score every generator, and compare every two, under every set metric that has no score or difference in the run yet.

    Raises StorageError.
    """
    if not metrics:
        return
    with store.reading() as session:
        cells = list(session.scalars(select(CellRow).where(CellRow.run_id == run_id).order_by(CellRow.position)))
        scores = session.scalars(select(SetScoreRow).where(SetScoreRow.run_id == run_id))
        scored = {(row.generator, row.metric) for row in scores}
        differences = session.scalars(select(SetDifferenceRow).where(SetDifferenceRow.run_id == run_id))
        compared = {(row.first, row.second, row.metric) for row in differences}
    systems: dict[str, list[CellRow]] = {item.label: [] for item in spec.generators}
    for cell in cells:
        if cell.role != "reference":
            systems[cell.generator].append(cell)
    reference = _clips([cell for cell in cells if cell.role == "reference"], workspace)
    clips = {label: _clips(of_system, workspace) for label, of_system in systems.items()}
    problems = {label: _problem(spec, clips[label], reference) for label in systems}
    pairs = _pairs([label for label in systems if not problems[label]], metrics)

    def record(label: str, metric: str, of_set: Sequence[Score], n_clips: int) -> None:
        _record(store, run_id, label, metrics[metric], of_set, n_clips=n_clips, n_cells=len(systems[label]))
        progress.step("compare", f"{label} {metric}")

    progress.begin("compare", len(systems) * len(metrics) + len(pairs), len(scored) + len(compared))
    for label in systems:
        for name, metric in metrics.items():
            if (label, name) in scored:
                continue
            if problems[label]:
                record(label, name, [Score.none(measure.name, problems[label]) for measure in metric.info.measures], 0)
            else:
                executor.submit(compare, CompareTask(generator=label, metric=name, generated=clips[label], reference=reference))
    for first, second, name in pairs:
        if (first, second, name) not in compared:
            task = DifferenceTask(
                first=first, second=second, metric=name, clips_of_first=clips[first], clips_of_second=clips[second], reference=reference
            )
            executor.submit(difference, task)
    for done in executor.results():
        task, error = done.task, done.error
        if isinstance(error, StorageError):
            raise error
        info = metrics[task.metric].info
        if isinstance(task, DifferenceTask):
            reason = None if error is None else failure_reason(error)
            _record_difference(store, run_id, task, metrics[task.metric], done.result, reason)
            progress.step("compare", f"{task.first} {task.second} {task.metric}")
        else:
            failed = [] if error is None else [Score.failed(measure.name, failure_reason(error)) for measure in info.measures]
            record(task.generator, task.metric, failed or done.result, len(task.generated))


def _pairs(labels: Sequence[str], metrics: Mapping[str, SetMetric]) -> list[tuple[str, str, str]]:
    """Every two generators under each metric that compares two: first, second, metric."""
    comparing = [name for name, metric in metrics.items() if type(metric).difference is not SetMetric.difference]
    return [(first, second, name) for first, second in combinations(labels, 2) for name in comparing]


def _problem(spec: RunSpec, clips: Clips, reference: Clips) -> str:
    """Why a generator's clips cannot be compared with the reference set; empty where they can."""
    shared = {sha256 for _, sha256, _ in clips} & {sha256 for _, sha256, _ in reference}
    if shared:
        return f"{len(shared)} of its clips are in the reference set"
    return "" if spec.reference is not None else "no reference set was given (--reference)"


def _clips(cells: Sequence[CellRow], workspace: Workspace) -> Clips:
    """The clips of those cells that have one."""
    return tuple((_path_or_name(cell, workspace), str(cell.clip_sha256), cell.prompt_id) for cell in cells if cell.status == "succeeded")


def _path_or_name(cell: CellRow, workspace: Workspace) -> Path:
    """Where a clip can be read. A lost clip is given by its name alone: the set is compared without it, and its score says so."""
    try:
        return clip_path(cell, workspace)
    except ArtifactError:
        return Path(f"{cell.clip_sha256}{cell.clip_suffix}")


def _record(store: Store, run_id: int, label: str, metric: SetMetric, scores: Sequence[Score], *, n_clips: int, n_cells: int) -> None:
    """Write down the scores of a set, each measure's once."""
    mine = (SetScoreRow.run_id == run_id, SetScoreRow.generator == label, SetScoreRow.metric == metric.info.name)
    with store.writing() as session:
        recorded = set(session.scalars(select(SetScoreRow.measure).where(*mine)))
        for score in scores:
            if score.measure not in recorded:
                session.add(set_score_row(run_id, label, metric.info, score, n_clips=n_clips, n_cells=n_cells))


def _record_difference(
    store: Store, run_id: int, task: DifferenceTask, metric: SetMetric, differences: Sequence[SetDifference] | None, reason: str | None
) -> None:
    """Write down what two sets differ by, each measure's once, or why the comparison failed."""
    if reason is not None:
        differences = [SetDifference(measure=measure.name, value=None, n_prompts=0, reason=reason) for measure in metric.info.measures]
    mine = SetDifferenceRow.first == task.first, SetDifferenceRow.second == task.second, SetDifferenceRow.metric == task.metric
    with store.writing() as session:
        recorded = set(session.scalars(select(SetDifferenceRow.measure).where(SetDifferenceRow.run_id == run_id, *mine)))
        for item in differences or ():
            if item.measure not in recorded:
                session.add(set_difference_row(run_id, task.first, task.second, metric.info, item))
