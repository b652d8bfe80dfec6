"""From the database to a report: the one place that reads a run for :mod:`seedbench.results.summary` and :mod:`seedbench.report`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from seedbench.errors import RunError
from seedbench.plugins.metric import Measure, MetricInfo, applies, prompt_for_metrics
from seedbench.plugins.metric_records import RunMetrics, metrics_of_run, readable_provenance
from seedbench.results.cells import ClipFinder, cell_report, duration_s_of
from seedbench.results.comparison import compare_all
from seedbench.results.data import ColumnKey, GeneratorFacts, MeasureFacts, RunReport, SuiteFacts, SummaryRow
from seedbench.results.notes import clip_notes, in_progress, older_version_notes, set_notes, state_notes
from seedbench.results.summary import ClipScore, Coverage, summarise
from seedbench.results.versions import backend_of, older_measures, older_versions
from seedbench.runs.provenance import LEFT_OUT
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, ScoreRow, SetScoreRow, Store
from seedbench.store.queries import find_run
from seedbench.store.workspace import Workspace


def spec_of(store: Store, name: str | None) -> RunSpec:
    """What a run was asked to do, by its name. Raises RunError."""
    with store.session() as session:
        return _spec(find_run(session, name))


def _spec(run: RunRow) -> RunSpec:
    try:
        return RunSpec.from_json(run.spec)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise RunError(
            f"what run {run.name!r} was asked to do is damaged in the database ({type(error).__name__}): restore the database from a copy, "
            f"or give the run up with `seedbench runs delete {run.name}`"
        ) from error


def load_report(
    store: Store, workspace: Workspace, name: str | None, *, moment: Session | None = None, needs_clips: bool = False
) -> RunReport:
    """Everything there is to say of a run; an unfinished run is reported as far as it went, with a note. Raises RunError.

    All of it is of one moment, whatever other processes write meanwhile: that of the session ``moment``, where one is given.
    A store that cannot be reached costs the clips, and a note says so; where the caller ``needs_clips``, it is a StorageError.
    """
    with store.reading() if moment is None else nullcontext(moment) as session:
        run = find_run(session, name)
        spec = _spec(run)
        rows = list(
            session.scalars(
                select(CellRow).where(CellRow.run_id == run.id).order_by(CellRow.position).options(selectinload(CellRow.scores))
            )
        )
        cells = [cell for cell in rows if cell.role != "reference"]
        of_sets = list(session.scalars(select(SetScoreRow).where(SetScoreRow.run_id == run.id)))
        scores: list[ScoreRow | SetScoreRow] = [*(row for cell in cells for row in cell.scores), *of_sets]
        known = metrics_of_run(spec.metrics, run.provenance, scores)
        infos, clip_infos = known.infos, known.of_clips
        labels = [item.label for item in spec.generators]
        table = clip_table(cells, infos)
        older = older_versions(infos, scores)
        meant = older_measures(known, older)
        summary = summarise(table, clip_infos, labels, _coverage(cells, spec, clip_infos), meant)
        measures = [(metric, measure.name) for metric, info in infos.items() for measure in info.measures]
        of_sets.sort(key=lambda row: (labels.index(row.generator), measures.index((row.metric, row.measure))))
        summary += [_set_row(row, infos) for row in of_sets]
        clips = ClipFinder(workspace, needed=needs_clips)
        shown = tuple(cell_report(cell, spec, clips, infos) for cell in cells)
        return RunReport(
            name=run.name,
            created_at=run.created_at.replace(tzinfo=UTC).isoformat(),
            suite=SuiteFacts(name=spec.suite, version=spec.suite_version, sha256=spec.suite_sha256, n_prompts=len(spec.prompts)),
            seeds=spec.all_seeds,
            generators=tuple(_generator_facts(spec, label, cells) for label in labels),
            measures=_measures(known, summary, older, meant),
            summary=tuple(summary),
            comparisons=tuple(compare_all(table, clip_infos, labels, meant)),
            cells=shown,
            provenance=readable_provenance({key: value for key, value in run.provenance.items() if key != LEFT_OUT}),
            notes=(
                *in_progress(store, run.name),
                *run.provenance.get(LEFT_OUT, ()),
                *state_notes(run, cells, summary),
                *known.notes,
                *clip_notes(rows, shown, clips.unread),
                *older_version_notes(older, infos),
                *set_notes(of_sets),
            ),
        )


def clip_table(cells: Sequence[CellRow], infos: Mapping[str, MetricInfo]) -> list[ClipScore]:
    """The per-clip table of a run's cells, in a fixed order."""
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
    prompts = {prompt.id: prompt_for_metrics(prompt) for prompt in spec.prompts}
    found = {}
    for item in spec.generators:
        mine = [cell for cell in cells if cell.generator == item.label]
        for name, info in infos.items():
            asked = [cell for cell in mine if applies(info, prompts[cell.prompt_id])]
            without = tuple(cell.prompt_id for cell in asked if cell.status not in {"succeeded", "planned"})
            found[item.label, name] = Coverage(applicable=len(asked), without_clip=without, not_applicable=len(mine) - len(asked))
    return found


def _set_row(row: SetScoreRow, infos: Mapping[str, MetricInfo]) -> SummaryRow:
    return SummaryRow(
        generator=row.generator,
        metric=row.metric,
        measure=row.measure,
        value=row.value,
        low=row.low,
        high=row.high,
        n_scored=(row.n_used or 0) if row.status == "scored" else 0,
        n_unscored=max(0, (row.n_total or 0) - (row.n_used or 0)) if row.status == "scored" else row.n_total or 0,
        n_failed=(row.n_total or 0) if row.status == "failed" else 0,
        n_not_applicable=0,
        reason=row.reason,
        backend=backend_of(row, infos),
        method=str(row.details.get("method", "set")),
    )


def _measures(
    known: RunMetrics, summary: Sequence[SummaryRow], older: Mapping[tuple[str, str], int], meant: Mapping[ColumnKey, Measure]
) -> tuple[MeasureFacts, ...]:
    """The columns of the report; those of an ``older`` version of a metric as it ``meant`` them."""
    found = []
    for name, info in known.infos.items():
        for measure in info.measures:
            backends = sorted({row.backend for row in summary if (row.metric, row.measure) == (name, measure.name)})
            named = [backend for backend in backends if backend] or backends or [""]
            found += [
                MeasureFacts(
                    metric=name,
                    measure=meant.get((name, measure.name, backend), measure),
                    metric_title=info.title,
                    version=older.get((name, backend), info.version),
                    backend=backend,
                    meaning=info.meaning,
                    citation=info.citation,
                )
                for backend in named
            ]
    return tuple(found)


def _generator_facts(spec: RunSpec, label: str, cells: Sequence[CellRow]) -> GeneratorFacts:
    item = next(one for one in spec.generators if one.label == label)
    mine = [cell for cell in cells if cell.generator == label]
    count = {status: sum(cell.status == status for cell in mine) for status in ("succeeded", "refused", "failed")}
    timed = [(cell.latency_s, duration_s_of(cell)) for cell in mine if cell.status == "succeeded" and cell.latency_s is not None]
    latencies = [latency for latency, _ in timed]
    measured = [(latency, duration) for latency, duration in timed if duration]
    seconds = sum(duration for _, duration in measured)
    costs = [cell.cost_usd for cell in mine if cell.cost_usd is not None]
    return GeneratorFacts(
        name=label,
        label=label,
        role="ceiling" if label == spec.ceiling else "system",
        options={"generator": item.name, **item.options},
        n_succeeded=count["succeeded"],
        n_refused=count["refused"],
        n_failed=count["failed"],
        n_other=len(mine) - sum(count.values()),
        latency_p50_s=float(np.quantile(latencies, 0.5)) if latencies else None,
        latency_p90_s=float(np.quantile(latencies, 0.9)) if latencies else None,
        cost_usd=sum(costs) if costs else None,
        seconds_per_output_second=sum(latency for latency, _ in measured) / seconds if seconds else None,
    )
