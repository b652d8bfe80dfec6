"""Comparing the clips of each generator of a run, as a set, with the reference set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import select

from seedbench.errors import ArtifactError, StorageError
from seedbench.plugins.metric import MetricInfo, Score
from seedbench.runs.compare_task import CompareTask, compare
from seedbench.runs.executor import Executor
from seedbench.runs.progress import Progress
from seedbench.runs.reasons import failure_reason
from seedbench.runs.records import set_score_row
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, SetScoreRow, Store
from seedbench.store.queries import clip_path
from seedbench.store.workspace import Workspace

Clips = tuple[tuple[Path, str], ...]
"""Clips of a set, each as path and sha256."""


def compare_sets(
    spec: RunSpec,
    run_id: int,
    infos: Mapping[str, MetricInfo],
    store: Store,
    workspace: Workspace,
    executor: Executor,
    progress: Progress,
) -> None:
    """Score every generator under every set metric (``infos``) that has no score in the run yet. Raises StorageError."""
    if not infos:
        return
    with store.reading() as session:
        cells = list(session.scalars(select(CellRow).where(CellRow.run_id == run_id).order_by(CellRow.position)))
        rows = session.scalars(select(SetScoreRow).where(SetScoreRow.run_id == run_id))
        recorded = {(row.generator, row.metric) for row in rows}
    systems: dict[str, list[CellRow]] = {item.label: [] for item in spec.generators}
    for cell in cells:
        if cell.role != "reference":
            systems[cell.generator].append(cell)
    reference = _clips([cell for cell in cells if cell.role == "reference"], workspace)
    clips = {label: _clips(of_system, workspace) for label, of_system in systems.items()}

    def record(label: str, metric: str, scores: Sequence[Score], n_clips: int) -> None:
        _record(store, run_id, label, infos[metric], scores, n_clips=n_clips, n_cells=len(systems[label]))
        progress.step("compare", f"{label} {metric}")

    progress.begin("compare", len(systems) * len(infos), len(recorded))
    for label in systems:
        problem = _problem(spec, clips[label], reference)
        for name, info in infos.items():
            if (label, name) in recorded:
                continue
            if problem:
                record(label, name, [Score.none(measure.name, problem) for measure in info.measures], 0)
            else:
                executor.submit(compare, CompareTask(generator=label, metric=name, generated=clips[label], reference=reference))
    for done in executor.results():
        if isinstance(done.error, StorageError):
            raise done.error
        task, error = done.task, done.error
        failed = [] if error is None else [Score.failed(measure.name, failure_reason(error)) for measure in infos[task.metric].measures]
        record(task.generator, task.metric, failed or done.result, len(task.generated))


def _problem(spec: RunSpec, clips: Clips, reference: Clips) -> str:
    """Why a generator's clips cannot be compared with the reference set; empty where they can."""
    shared = {sha256 for _, sha256 in clips} & {sha256 for _, sha256 in reference}
    if shared:
        return f"{len(shared)} of its clips are in the reference set"
    return "" if spec.reference is not None else "no reference set was given (--reference)"


def _clips(cells: Sequence[CellRow], workspace: Workspace) -> Clips:
    """The clips of those cells that have one."""
    return tuple((_path_or_name(cell, workspace), str(cell.clip_sha256)) for cell in cells if cell.status == "succeeded")


def _path_or_name(cell: CellRow, workspace: Workspace) -> Path:
    """Where a clip can be read. A lost clip is given by its name alone: the set is compared without it, and its score says so."""
    try:
        return clip_path(cell, workspace)
    except ArtifactError:
        return Path(f"{cell.clip_sha256}{cell.clip_suffix}")


def _record(store: Store, run_id: int, label: str, info: MetricInfo, scores: Sequence[Score], *, n_clips: int, n_cells: int) -> None:
    """Write down the scores of a set, each measure's once."""
    mine = (SetScoreRow.run_id == run_id, SetScoreRow.generator == label, SetScoreRow.metric == info.name)
    with store.writing() as session:
        recorded = set(session.scalars(select(SetScoreRow.measure).where(*mine)))
        for score in scores:
            if score.measure not in recorded:
                session.add(set_score_row(run_id, label, info, score, n_clips=n_clips, n_cells=n_cells))
