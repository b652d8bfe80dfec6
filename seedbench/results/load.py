"""From the database to a report: the one place that reads a run for :mod:`seedbench.results.summary` and :mod:`seedbench.report`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from seedbench.errors import ArtifactError, RunError, StorageError
from seedbench.plugins.metric import Measure, MetricInfo, applies, prompt_for_metrics
from seedbench.plugins.metric_records import RunMetrics, metrics_of_run, readable_provenance
from seedbench.results.comparison import compare_all
from seedbench.results.data import CellReport, ColumnKey, GeneratorFacts, MeasureFacts, RunReport, ScoreReport, SuiteFacts, SummaryRow
from seedbench.results.notes import clip_notes, in_progress, older_version_notes, set_notes, state_notes
from seedbench.results.summary import ClipScore, Coverage, summarise
from seedbench.runs.provenance import LEFT_OUT
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, ScoreRow, SetScoreRow, Store
from seedbench.store.queries import checked_clip, find_run
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
        older = _older(infos, scores)
        meant = _meant(known, older)
        summary = summarise(table, clip_infos, labels, _coverage(cells, spec, clip_infos), meant)
        measures = [(metric, measure.name) for metric, info in infos.items() for measure in info.measures]
        of_sets.sort(key=lambda row: (labels.index(row.generator), measures.index((row.metric, row.measure))))
        summary += [_set_row(row, infos) for row in of_sets]
        clips = _Clips(workspace, needed=needs_clips)
        shown = tuple(_cell_report(cell, spec, clips, infos) for cell in cells)
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


def backend_of(row: ScoreRow | SetScoreRow, infos: Mapping[str, MetricInfo]) -> str:
    """The backend a stored score is reported under. One of another version of its metric than the installed one says so: another version
    may mean another number or another sign, so it gets columns of its own and is never pooled with the rest."""
    info = infos.get(row.metric)
    if not row.backend or info is None or row.metric_version == info.version:
        return row.backend
    return f"{row.backend}, version {row.metric_version}"


def _older(infos: Mapping[str, MetricInfo], rows: Iterable[ScoreRow | SetScoreRow]) -> dict[tuple[str, str], int]:
    """The version behind each (metric, backend) whose scores are of another version than the installed one."""
    found = {(row.metric, backend_of(row, infos)): row.metric_version for row in rows if row.backend}
    return {key: version for key, version in found.items() if key[0] in infos and infos[key[0]].version != version}


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


def _meant(known: RunMetrics, older: Mapping[tuple[str, str], int]) -> dict[ColumnKey, Measure]:
    """What the columns of ``older`` versions mean."""
    return {
        (metric, measure.name, backend): _of_version(known, known.infos[metric], measure, version)
        for (metric, backend), version in older.items()
        for measure in known.infos[metric].measures
    }


def _of_version(known: RunMetrics, info: MetricInfo, measure: Measure, stored: int) -> Measure:
    """A measure as the version declared it that its scores are of, which is not that of ``info``; unit and direction are unknown, and it
    says so, where the run kept no record of that version."""
    before = known.kept.get((info.name, stored))
    found = next((one for one in before.measures if one.name == measure.name), None) if before is not None else None
    other = f"as in version {stored} of the metric; version {info.version} is installed"
    sign = f"{other}, and its sign may be another" if measure.sign else ""
    if found is not None:
        return replace(found, sign=f"{found.sign} (version {stored})" if found.sign else sign)
    return Measure(
        name=measure.name,
        title=measure.name,
        unit="",
        direction="none",
        meaning=f"unknown: {other}, and the run did not keep unit and direction",
        sign=sign,
        headline=measure.headline,
    )


def _generator_facts(spec: RunSpec, label: str, cells: Sequence[CellRow]) -> GeneratorFacts:
    item = next(one for one in spec.generators if one.label == label)
    mine = [cell for cell in cells if cell.generator == label]
    count = {status: sum(cell.status == status for cell in mine) for status in ("succeeded", "refused", "failed")}
    timed = [(cell.latency_s, _duration(cell)) for cell in mine if cell.status == "succeeded" and cell.latency_s is not None]
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


def _duration(cell: CellRow) -> float | None:
    value = cell.facts.get("clip", {}).get("duration_s")
    return float(value) if value is not None else None


class _Clips:
    """Where a run's clips can be read. ``unread`` has the reason of each that is not known to be damaged but cannot be read now."""

    def __init__(self, workspace: Workspace, *, needed: bool) -> None:
        self.workspace, self.needed = workspace, needed
        self.unread: list[str] = []

    def find(self, cell: CellRow) -> tuple[Path | None, str]:
        """A cell's clip, or None and why. Raises StorageError where clips are needed and one cannot be read now."""
        if self.unread and cell.clip_path is None and "://" in self.workspace.artifacts.url:  # a service that is away is asked once
            self.unread.append(self.unread[0])
            return None, self.unread[0]
        try:
            return checked_clip(cell, self.workspace), ""
        except ArtifactError as error:
            return None, str(error)
        except StorageError as error:
            if self.needed:
                raise
            self.unread.append(str(error))
            return None, str(error)


def _cell_report(cell: CellRow, spec: RunSpec, clips: _Clips, infos: Mapping[str, MetricInfo]) -> CellReport:
    prompt = spec.prompt(cell.prompt_id)
    reason = cell.reason
    path = None
    if cell.status == "succeeded":
        path, why = clips.find(cell)
        reason = reason or why
    status = cell.status if cell.status != "planned" else "unknown"
    return CellReport(
        generator=cell.generator,
        prompt_id=cell.prompt_id,
        prompt_text=prompt.text,
        task=prompt.task,
        seed=cell.seed,
        status=status,  # type: ignore[arg-type]
        reason=reason or ("" if cell.status == "succeeded" else "not made yet: the run was interrupted"),
        clip_path=path,
        clip_sha256=cell.clip_sha256 or "",
        duration_s=_duration(cell),
        latency_s=cell.latency_s,
        cost_usd=cell.cost_usd,
        scores=tuple(
            ScoreReport(
                metric=row.metric,
                measure=row.measure,
                value=row.value,
                status=row.status,  # type: ignore[arg-type]
                reason=row.reason,
                backend=backend_of(row, infos),
                n_used=row.n_used,
                n_total=row.n_total,
                interval=(row.low, row.high) if row.low is not None and row.high is not None else None,
                evidence=tuple(row.evidence),
                details=row.details,
            )
            for row in cell.scores
        ),
    )
