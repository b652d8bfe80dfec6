"""From the database to a report: reads a run, and computes its summary and comparisons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from seedbench.errors import RunError
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.metric import Measure, MetricInfo, applies, prompt_for_metrics
from seedbench.plugins.metric_records import RunMetrics, metrics_of_run, readable_provenance
from seedbench.plugins.real_footage import real_footage_records
from seedbench.results.cells import ClipFinder, cell_report, duration_s_of
from seedbench.results.comparison import compare_all, set_comparisons
from seedbench.results.data import ColumnKey, GeneratorFacts, MeasureFacts, RunReport, SuiteFacts, SummaryRow
from seedbench.results.file_notes import file_notes
from seedbench.results.notes import clip_notes, in_progress, limit_notes, older_version_notes, set_notes, state_notes
from seedbench.results.slices import notes_on_slices, slice_summaries
from seedbench.results.summary import ClipScore, Coverage, summarise
from seedbench.results.versions import backend_of, older_measures, older_versions
from seedbench.runs.provenance import LEFT_OUT
from seedbench.runs.records import FAILED
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, ScoreRow, SetDifferenceRow, SetScoreRow, Store
from seedbench.store.queries import find_run
from seedbench.store.workspace import Workspace


def spec_of(store: Store, name: str | None) -> RunSpec:
    """The spec of a run.

    Args:
        store: The database of the workspace.
        name: The run; None: the newest.

    Returns:
        What the run was asked to do.

    Raises:
        RunError: There is no such run, or its spec cannot be read.
    """
    with store.session() as session:
        return _spec(find_run(session, name))


def _spec(run: RunRow) -> RunSpec:
    try:
        return RunSpec.from_json(run.spec)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise RunError(
            f"the spec of run {run.name!r} is damaged in the database ({type(error).__name__}): restore the database from a copy, "
            f"or delete the run with `seedbench runs delete {run.name}`"
        ) from error


def load_report(
    store: Store, workspace: Workspace, name: str | None, *, session: Session | None = None, needs_clips: bool = False
) -> RunReport:
    """Read a run from the database, and compute its summary and comparisons.

    An unfinished run is reported as far as it went, with a note. All of the report is of one moment, whatever other processes write
    meanwhile.

    Args:
        store: The database of the workspace.
        workspace: Where the clips are.
        name: The run; None: the newest.
        session: An open session that reads as of one moment; None: a new one.
        needs_clips: Raise an error where the clips cannot be read now; else the report has a note and no clips.

    Returns:
        The run as plain values, ready for :func:`seedbench.report.write.write_report`.

    Raises:
        RunError: There is no such run, or its spec cannot be read.
        StorageError: The clips cannot be read now, and ``needs_clips`` is set.
    """
    with store.reading() if session is None else nullcontext(session) as opened:
        return _report(opened, store, workspace, find_run(opened, name), needs_clips=needs_clips)


def _report(session: Session, store: Store, workspace: Workspace, run: RunRow, *, needs_clips: bool) -> RunReport:
    spec = _spec(run)
    rows = list(
        session.scalars(select(CellRow).where(CellRow.run_id == run.id).order_by(CellRow.position).options(selectinload(CellRow.scores)))
    )
    cells = [cell for cell in rows if cell.role != "reference"]
    set_rows = list(session.scalars(select(SetScoreRow).where(SetScoreRow.run_id == run.id)))
    differences = list(session.scalars(select(SetDifferenceRow).where(SetDifferenceRow.run_id == run.id).order_by(SetDifferenceRow.id)))
    scores: list[ScoreRow | SetScoreRow] = [*(row for cell in cells for row in cell.scores), *set_rows]
    metrics = metrics_of_run(spec.metrics, run.provenance, scores)
    infos, clip_infos = metrics.infos, metrics.of_clips
    labels = [generator.label for generator in spec.generators]
    measures = [(metric, measure.name) for metric, info in infos.items() for measure in info.measures]
    set_rows.sort(key=lambda row: (labels.index(row.generator), measures.index((row.metric, row.measure))))
    versions = older_versions(infos, scores)
    older = older_measures(metrics, versions)
    table = clip_table(cells, infos)
    summary = [
        *summarise(table, clip_infos, labels, _coverage(cells, spec, clip_infos), older),
        *(_set_summary(row, infos, cells) for row in set_rows),
    ]

    def summary_of(prompts: Collection[str]) -> list[SummaryRow]:
        of_prompts = [cell for cell in cells if cell.prompt_id in prompts]
        return summarise(clip_table(of_prompts, infos), clip_infos, labels, _coverage(of_prompts, spec, clip_infos), older)

    clips = ClipFinder(workspace, needed=needs_clips)
    cell_reports = tuple(cell_report(cell, spec, clips, infos) for cell in cells)
    return RunReport(
        name=run.name,
        created_at=run.created_at.replace(tzinfo=UTC).isoformat(),
        suite=SuiteFacts(name=spec.suite, version=spec.suite_version, sha256=spec.suite_sha256, n_prompts=len(spec.prompts)),
        seeds=spec.all_seeds,
        generators=tuple(_generator_facts(spec, generator, cells) for generator in spec.generators),
        measures=_measures(metrics, summary, versions, older),
        summary=tuple(summary),
        slices=tuple(slice_summaries(spec.prompts, summary_of)),
        comparisons=tuple(compare_all(table, infos, labels, older, set_comparisons(differences, infos), against=spec.ceiling)),
        cells=cell_reports,
        provenance=readable_provenance({key: value for key, value in run.provenance.items() if key != LEFT_OUT}),
        real_footage=real_footage_records(infos),
        notes=(
            *in_progress(store, run.name),
            *run.provenance.get(LEFT_OUT, ()),
            *state_notes(run, cells, summary),
            *metrics.notes,
            *clip_notes(rows, cell_reports, clips.unread),
            *file_notes(cell_reports),
            *older_version_notes(versions, infos),
            *limit_notes(infos, summary),
            *set_notes(set_rows),
            *notes_on_slices(spec.prompts),
        ),
    )


def clip_table(cells: Sequence[CellRow], infos: Mapping[str, MetricInfo]) -> list[ClipScore]:
    """The scores of a run's clips, as the summary and the comparisons take them.

    Args:
        cells: The cells of the run, with their scores.
        infos: What the metrics declare, by metric name.

    Returns:
        One value for each stored score: by cell in the order given, then by metric and measure.
    """
    return [
        ClipScore(
            generator=cell.generator,
            prompt_id=cell.prompt_id,
            seed=cell.seed,
            metric=row.metric,
            measure=row.measure,
            value=row.value,
            status=row.status,
            reason=row.reason,
            backend=backend_of(row, infos),
        )
        for cell in cells
        for row in sorted(cell.scores, key=lambda row: (row.metric, row.measure))
    ]


def _coverage(cells: Sequence[CellRow], spec: RunSpec, infos: Mapping[str, MetricInfo]) -> dict[tuple[str, str], Coverage]:
    """The coverage by generator and metric."""
    prompts = {prompt.id: prompt_for_metrics(prompt) for prompt in spec.prompts}
    coverage = {}
    for generator in spec.generators:
        of_generator = [cell for cell in cells if cell.generator == generator.label]
        for name, info in infos.items():
            applicable = [cell for cell in of_generator if applies(info, prompts[cell.prompt_id])]
            coverage[generator.label, name] = Coverage(
                applicable=len(applicable),
                without_clip=tuple(cell.prompt_id for cell in applicable if cell.status not in {"succeeded", "planned"}),
                not_applicable=len(of_generator) - len(applicable),
                n_refused=sum(cell.status == "refused" for cell in applicable),
            )
    return coverage


def _set_summary(row: SetScoreRow, infos: Mapping[str, MetricInfo], cells: Sequence[CellRow]) -> SummaryRow:
    """The summary of a set. Its score counts clips and cells; which cells gave no clip, and why, is known of the cells alone."""
    statuses = [cell.status for cell in cells if cell.generator == row.generator]
    scored = (row.n_used or 0) if row.status == "scored" else 0
    missing = max(0, (row.n_total or 0) - scored)
    refused = min(statuses.count("refused"), missing)
    without_clip = min(sum(statuses.count(status) for status in FAILED), missing - refused)
    rest = missing - refused - without_clip
    return SummaryRow(
        generator=row.generator,
        metric=row.metric,
        measure=row.measure,
        value=row.value,
        low=row.low,
        high=row.high,
        n_scored=scored,
        n_unscored=0 if row.status == "failed" else rest,
        n_failed=without_clip + (rest if row.status == "failed" else 0),
        n_refused=refused,
        reason=row.reason,
        backend=backend_of(row, infos),
        method=str(row.details.get("method", "set")),
    )


def _measures(
    metrics: RunMetrics, summary: Sequence[SummaryRow], versions: Mapping[tuple[str, str], int], older: Mapping[ColumnKey, Measure]
) -> tuple[MeasureFacts, ...]:
    """The columns of the report. Those of an older version of a metric have that version, and its measure from ``older``."""
    columns = []
    for name, info in metrics.infos.items():
        for measure in info.measures:
            backends = sorted({row.backend for row in summary if (row.metric, row.measure) == (name, measure.name)})
            columns += [
                MeasureFacts(
                    metric=name,
                    measure=older.get((name, measure.name, backend), measure),
                    metric_title=info.title,
                    version=versions.get((name, backend), info.version),
                    backend=backend,
                    meaning=info.meaning,
                    citation=info.citation,
                    limits=info.limits,
                )
                for backend in [backend for backend in backends if backend] or [""]
            ]
    return tuple(columns)


def _generator_facts(spec: RunSpec, generator: GeneratorSpec, cells: Sequence[CellRow]) -> GeneratorFacts:
    label = generator.label
    of_generator = [cell for cell in cells if cell.generator == label]
    count = {status: sum(cell.status == status for cell in of_generator) for status in ("succeeded", "refused", "failed")}
    timed = [(cell.latency_s, duration_s_of(cell)) for cell in of_generator if cell.status == "succeeded" and cell.latency_s is not None]
    latencies_s = [latency_s for latency_s, _ in timed]
    with_duration = [(latency_s, duration_s) for latency_s, duration_s in timed if duration_s]
    output_s = sum(duration_s for _, duration_s in with_duration)
    costs = [cell.cost_usd for cell in of_generator if cell.cost_usd is not None]
    return GeneratorFacts(
        name=label,
        label=label,
        role="ceiling" if label == spec.ceiling else "system",
        options={"generator": generator.name, **generator.options},
        n_succeeded=count["succeeded"],
        n_refused=count["refused"],
        n_failed=count["failed"],
        n_other=len(of_generator) - sum(count.values()),
        latency_p50_s=float(np.quantile(latencies_s, 0.5)) if latencies_s else None,
        latency_p90_s=float(np.quantile(latencies_s, 0.9)) if latencies_s else None,
        cost_usd=sum(costs) if costs else None,
        seconds_per_output_second=sum(latency_s for latency_s, _ in with_duration) / output_s if output_s else None,
    )
