"""What ``seedbench run``, ``score`` and ``report`` do, as functions for scripts and notebooks.

Work is done in processes that import the calling script anew, so a script calls these functions under ``if __name__ == "__main__":``.

>>> from seedbench import api
>>> spec = api.make_spec(["simulator"], suite="quick", limit=2)
>>> [item.label for item in spec.generators], len(spec.prompts)
(['simulator'], 2)
>>> finished = api.run(spec, "first try")  # doctest: +SKIP
>>> api.report("first try").files  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seedbench.plugins.metric import MetricInfo
from seedbench.plugins.real_footage import RealFootageRecord
from seedbench.plugins.validation import TruthColumn
from seedbench.report.write import write_report
from seedbench.results.data import RunReport
from seedbench.results.load import load_report
from seedbench.runs.clip_files import clip_files
from seedbench.runs.executor import LocalExecutor, require_main_guard, sensible_workers
from seedbench.runs.make_spec import check_run_name, default_name, make_spec
from seedbench.runs.progress import Progress
from seedbench.runs.records import name_of_run
from seedbench.runs.runner import Outcome, execute
from seedbench.runs.score_files import FileScores, clip_metrics, score_files
from seedbench.runs.spec import RunSpec
from seedbench.store import Store
from seedbench.store.cache import use_cache
from seedbench.store.workspace import Workspace
from seedbench.validation.page import write_pages
from seedbench.validation.run import protocol_for, validate_metric
from seedbench.validation.truth import OWN_COLUMNS, write_draft

__all__ = [
    "FileScores",
    "RunResult",
    "ScoreResult",
    "ValidatedMetric",
    "WrittenReport",
    "default_name",
    "draft_truth",
    "make_spec",
    "report",
    "run",
    "score",
    "validate",
]


@dataclass(frozen=True)
class RunResult:
    """A run that was carried out: how it went, its report, and the files of the report where it was written."""

    outcome: Outcome
    report: RunReport
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class WrittenReport:
    """A report and the files it was written to, the page (``report.html``) among them."""

    report: RunReport
    files: tuple[Path, ...]


@dataclass(frozen=True)
class ScoreResult:
    """Scores of loose files: one entry a file, what the metrics declare, and sentences about what was left out."""

    files: tuple[FileScores, ...]
    infos: Mapping[str, MetricInfo]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidatedMetric:
    """What a metric is worth on footage: the figures, sentences on copies that were not counted, the files (``validation.html`` first)."""

    record: RealFootageRecord
    problems: tuple[str, ...]
    files: tuple[Path, ...]


def run(
    spec: RunSpec,
    name: str | None = None,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    out: Path | str | None = None,
    workspace: Workspace | None = None,
) -> RunResult:
    """Carry out a run, or the rest of it: plan, make or import clips, score them.

    Args:
        spec: what to run, see :func:`make_spec`.
        name: the run's name; None: one made from the spec, so that the same spec goes on with the same run.
        workers: worker processes; None: what cores and memory allow.
        progress: receives progress updates.
        out: a folder to write the report into; None: it is not written.
        workspace: where clips and database are; None: the one of the current folder.

    Raises:
        RunError: a run of that name has another spec.
        SeedBenchError: a generator, a metric or the store cannot be used. A cell that fails is recorded, and the run goes on.
    """
    require_main_guard()
    workspace = workspace or Workspace.current()
    store = Store(workspace.database_url)
    name = name or name_of_run(store, spec)
    with LocalExecutor(workers or sensible_workers(), workspace.cache) as executor:
        outcome = execute(spec, name, store=store, workspace=workspace, executor=executor, progress=progress)
    if out is None:
        return RunResult(outcome, load_report(store, workspace, name))
    written = report(name, out=out, workspace=workspace)
    return RunResult(outcome, written.report, written.files)


def report(
    name: str | None = None, *, out: Path | str | None = None, previews: bool = True, workspace: Workspace | None = None
) -> WrittenReport:
    """Write a run's report: one HTML page that needs nothing else, and CSV, JSON, Parquet and Markdown beside it.

    Args:
        name: the run; None: the newest.
        out: the folder to write into; None: ``report/NAME``.
        previews: put small previews of the clips into the page.
        workspace: where clips and database are; None: the one of the current folder.

    Raises:
        RunError: there is no such run, or its name (of an earlier version) is no name of a folder and ``out`` is None.
        StorageError: the folder cannot be written.
    """
    workspace = workspace or Workspace.current()
    loaded = load_report(Store(workspace.database_url), workspace, name)
    if out is None:
        check_run_name(loaded.name)
    previous = use_cache(workspace.cache)
    try:
        files = write_report(loaded, Path(out) if out is not None else Path("report") / loaded.name, previews=previews)
    finally:
        use_cache(previous)
    return WrittenReport(loaded, tuple(files))


def score(
    paths: Iterable[Path | str] | Path | str,
    *,
    metrics: Sequence[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> ScoreResult:
    """Score clips as they lie there, without a suite; nothing is written but the cache.

    Args:
        paths: clips, folders of clips, or manifests that list clips.
        metrics: names of metrics of single clips; None: those that run by default.
        workers: worker processes; None: what cores and memory allow.
        progress: receives progress updates.
        workspace: where the cache is; None: the one of the current folder.

    Raises:
        UnknownNameError: there is no metric of that name.
        SeedBenchError: a folder holds no clips, a manifest cannot be read, or a metric compares sets of clips.
    """
    require_main_guard()
    infos = clip_metrics(metrics)
    listed = clip_files([paths] if isinstance(paths, str | Path) else paths)
    n_workers = min(workers or sensible_workers(), max(1, len(listed.files)))
    with LocalExecutor(n_workers, (workspace or Workspace.current()).cache) as executor:
        scored = score_files(listed.files, list(infos), executor, progress)
    return ScoreResult(tuple(scored), infos, listed.left_out)


def validate(
    metric: str,
    footage: Path | str,
    *,
    out: Path | str,
    limit: int | None = None,
    clips: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> ValidatedMetric:
    """Try a metric on footage of which something is known, and write a page of how often it answers and how often it is wrong.

    Args:
        metric: the name of a metric that has a validation protocol.
        footage: a folder of clips with a truth file (docs/validation.md).
        out: the folder for the page.
        limit: how many files of each kind of footage to use; None: all.
        clips: write the copies that were answered wrongly beside the page.
        workers: worker processes; None: what cores and memory allow.
        progress: receives progress updates.
        workspace: where the cache is; None: the one of the current folder. What it holds is not scored again.

    Raises:
        UnknownNameError: there is no metric of that name.
        SeedBenchError: the metric has no protocol, the truth file cannot be used, or no file could be scored.
        StorageError: ``out`` cannot be written.
    """
    require_main_guard()
    workspace = workspace or Workspace.current()
    previous = use_cache(workspace.cache)
    try:
        with LocalExecutor(workers or sensible_workers(), workspace.cache) as executor:
            finished = validate_metric(metric, Path(footage), executor, workspace.scratch, progress, limit=limit)
        files = write_pages(finished, Path(out), clips=clips)
    finally:
        use_cache(previous)
    return ValidatedMetric(finished.record, finished.problems, tuple(files))


def draft_truth(metric: str, footage: Path | str) -> tuple[Path, tuple[TruthColumn, ...]]:
    """Write a draft of a truth file.

    Args:
        metric: the name of a metric that has a validation protocol.
        footage: a folder of clips.

    Returns:
        The file, and its columns.

    Raises:
        SeedBenchError: the metric has no protocol, or the folder has a truth file already or no clips.
    """
    columns = protocol_for(metric)[1].columns
    return write_draft(Path(footage), columns), (*OWN_COLUMNS, *columns)
