"""Rows of a run in the database: its plan, what came of its cells, its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.errors import RunError
from seedbench.plugins.evidence import as_json
from seedbench.plugins.metric import MetricInfo, Score
from seedbench.plugins.set_difference import SetDifference
from seedbench.runs.generate_task import Generated
from seedbench.runs.make_spec import NAME_DIGITS, default_name
from seedbench.runs.plan import Cell, remarks
from seedbench.runs.provenance import LEFT_OUT, provenance
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, ScoreRow, SetDifferenceRow, SetScoreRow, Store
from seedbench.store.damaged_clips import REGENERATED

_REMEDY = "choose another --name, or delete it with `seedbench runs delete {name}`"
#: What a cell has of a clip, and takes over from another cell with the same clip.
_CLIP_FIELDS = ("clip_sha256", "clip_suffix", "clip_path", "truth_sha256", "seed_used", "latency_s", "cost_usd")
#: Statuses of cells without a clip that are no property of the model.
FAILED = frozenset({"failed", "expired", "unknown"})


def stored_run(session: Session, name: str, spec: RunSpec) -> RunRow | None:
    """The run called ``name``, if there is one. Raises RunError if its spec is another."""
    run = session.scalar(select(RunRow).where(RunRow.name == name))
    if run is not None and run.spec_hash != spec.digest() and not spec.is_stored_as(run.spec):
        differing = ", ".join(RunSpec.from_json(run.spec).differences(spec))
        raise RunError(f"run {name!r} exists with another spec (different: {differing}); {_REMEDY.format(name=name)}")
    return run


def name_of_run(store: Store, spec: RunSpec) -> str:
    """The name of a run that was given none: as :func:`default_name` makes it, or as it was made for a stored run that is this one.

    The two differ where the stored spec is another text of the same run, such as a suite that has been written in another form since.
    """
    name = default_name(spec)
    prefix = name[:-NAME_DIGITS]
    with store.session() as session:
        alike = select(RunRow).where(RunRow.name.startswith(prefix, autoescape=True)).order_by(RunRow.id)
        runs = [run for run in session.scalars(alike) if run.name == prefix + run.spec_hash[:NAME_DIGITS]]
        if any(run.name == name for run in runs):
            return name
        return next((run.name for run in runs if spec.is_stored_as(run.spec)), name)


def open_run(store: Store, name: str, spec: RunSpec, cells: Sequence[Cell]) -> int:
    """The id of the run called ``name``; a new run is written down with its plan.

    Raises:
        RunError: a run of that name has another spec, or files that decide its clips have changed.
    """
    with store.session() as session:
        known = stored_run(session, name, spec)
    origin = provenance(spec) if known is None else {}  # hashes weights, so not while others wait to write
    left_out = remarks(spec)
    with store.writing() as session:
        run = stored_run(session, name, spec)
        if run is None:
            run = _planned_run(name, spec, cells, {**origin, LEFT_OUT: left_out})
            session.add(run)
            session.flush()
        else:
            _check_unchanged(run, cells)
            if LEFT_OUT not in run.provenance:  # planned by an earlier version, which did not keep this
                run.provenance = {**run.provenance, LEFT_OUT: left_out}
        return run.id


def _planned_run(name: str, spec: RunSpec, cells: Sequence[Cell], origin: dict[str, Any]) -> RunRow:
    run = RunRow(name=name, spec=spec.as_json(), spec_hash=spec.digest(), provenance=origin)
    for position, cell in enumerate(cells):
        row = CellRow(
            position=position,
            key=cell.key,
            role=cell.role,
            generator=cell.generator.label,
            prompt_id=cell.prompt.id,
            seed=cell.seed,
            status="refused" if cell.refusal else "planned",
            reason=cell.refusal,
            scored=bool(cell.refusal),
        )
        run.cells.append(row)
    return run


def _check_unchanged(run: RunRow, cells: Sequence[Cell]) -> None:
    """Raise RunError where the cells of a stored run are not these. Keys that an earlier version gave the same cell count as its own."""
    pairs = zip_longest(run.cells, cells)
    other = [(row, cell) for row, cell in pairs if row is None or cell is None or row.key not in (cell.key, *cell.earlier_keys)]
    if other:
        labels = dict.fromkeys(row.generator if row is not None else cell.generator.label for row, cell in other)
        what = (
            f"assets, imported files, the version of a generator, or files that decide the clips of {', '.join(labels)} have changed since"
        )
        hint = "files that a program writes itself must not be among these (docs/generators.md)"
        raise RunError(f"run {run.name!r} exists, and {what}; {hint}; {_REMEDY.format(name=run.name)}")


def record_generated(cell: CellRow, generated: Generated) -> None:
    """Write down in a cell what its generator gave; a cell without a clip has nothing to be scored."""
    cell.status, cell.reason = generated.status, generated.reason
    cell.clip_sha256, cell.clip_suffix, cell.clip_path = generated.sha256, generated.suffix, generated.path
    cell.truth_sha256, cell.seed_used = generated.truth_sha256, generated.seed_used
    cell.latency_s, cell.cost_usd = generated.latency_s, generated.cost_usd
    cell.facts = {**cell.facts, "generator": dict(generated.facts)}
    cell.scored = generated.status != "succeeded"


def record_taken_over(cell: CellRow, source: CellRow) -> None:
    """Write down in a cell that its clip is that of a cell of another run."""
    for field in _CLIP_FIELDS:
        setattr(cell, field, getattr(source, field))
    cell.status, cell.reason = "succeeded", ""
    cell.facts = {name: fact for name, fact in source.facts.items() if name != REGENERATED}


def score_row(info: MetricInfo, key: str, score: Score) -> ScoreRow:
    """The row of a score of one clip."""
    return ScoreRow(key=key, **_columns(info, score), evidence=[as_json(panel) for panel in score.evidence])


def set_score_row(run_id: int, generator: str, info: MetricInfo, score: Score, *, n_clips: int, n_cells: int) -> SetScoreRow:
    """The row of a score of a set: of ``n_clips`` clips of a generator that was asked for ``n_cells``."""
    columns = _columns(info, score)
    columns["n_used"] = n_clips if score.n_used is None else score.n_used
    columns["n_total"] = n_cells if score.n_total is None else score.n_total
    return SetScoreRow(run_id=run_id, generator=generator, **columns)


def set_difference_row(run_id: int, first: str, second: str, info: MetricInfo, difference: SetDifference) -> SetDifferenceRow:
    """The row of a difference of two sets."""
    columns = asdict(difference)
    return SetDifferenceRow(run_id=run_id, first=first, second=second, metric=info.name, metric_version=info.version, **columns)


def _columns(info: MetricInfo, score: Score) -> dict[str, Any]:
    """What rows of clips and of sets hold of a score."""
    low, high = score.interval or (None, None)
    return {
        "metric": info.name,
        "measure": score.measure,
        "metric_version": info.version,
        "value": score.value,
        "status": score.status,
        "reason": score.reason,
        "backend": score.backend,
        "n_used": score.n_used,
        "n_total": score.n_total,
        "low": low,
        "high": high,
        "details": dict(score.details),
    }


def stored_scores(session: Session, info: MetricInfo, key: str) -> list[ScoreRow]:
    """Copies of the scores of a metric that the database holds under a key; empty where they are not complete or one failed."""
    rows = list(session.scalars(select(ScoreRow).where(ScoreRow.key == key).order_by(ScoreRow.id)))
    first = [row for row in rows if row.cell_id == rows[0].cell_id] if rows else []
    if len(first) != len(info.measures) or any(row.status == "failed" for row in first):
        return []
    own = {"id", "cell_id"}
    columns = [column.key for column in ScoreRow.__table__.columns if column.key not in own]
    return [ScoreRow(**{name: getattr(row, name) for name in columns}) for row in first]
