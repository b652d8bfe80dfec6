"""What is written to the database of a run: its plan, its scores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.errors import GeneratorError, RunError
from seedbench.plugins.evidence import as_json
from seedbench.plugins.metric import MetricInfo, Score
from seedbench.runs.plan import Cell, remarks
from seedbench.runs.provenance import LEFT_OUT, provenance
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, ScoreRow, Store

_MEND = "choose another --name, or `seedbench runs delete {name}`"


def stored_run(session: Session, name: str, spec: RunSpec) -> RunRow | None:
    """The run called ``name``, if there is one. Raises RunError if its spec is another."""
    run = session.scalar(select(RunRow).where(RunRow.name == name))
    if run is not None and run.spec_hash != spec.digest() and not spec.is_stored_as(run.spec):
        differing = ", ".join(RunSpec.from_json(run.spec).differences(spec))
        raise RunError(f"run {name!r} exists with another spec (different: {differing}); {_MEND.format(name=name)}")
    return run


def _changed_since(run: RunRow, cells: Sequence[Cell]) -> list[str]:
    """The generators whose cells in a stored run are not these; keys that an earlier version gave the same cell count as its own."""
    pairs = zip_longest(run.cells, cells)
    other = ((row, cell) for row, cell in pairs if row is None or cell is None or row.key not in (cell.key, *cell.earlier_keys))
    return list(dict.fromkeys(row.generator if row is not None else cell.generator.label for row, cell in other))


def open_run(store: Store, name: str, spec: RunSpec, cells: Sequence[Cell]) -> int:
    """The id of the run called ``name``, planned if it is new. Raises RunError if a different spec is stored under the name."""
    with store.session() as session:
        known = stored_run(session, name, spec)
    origin = provenance(spec) if known is None else {}  # hashes weights, so not while others wait to write
    said = remarks(spec)
    with store.writing() as session:
        run = stored_run(session, name, spec)
        if run is not None:
            if changed := _changed_since(run, cells):
                what = f"assets, imported files, or files that decide what {', '.join(changed)} makes have changed since"
                hint = "files that a program writes itself must not be among these (docs/generators.md)"
                raise RunError(f"run {name!r} exists, and {what}; {hint}; {_MEND.format(name=name)}")
            if LEFT_OUT not in run.provenance:  # planned by an earlier version, which did not say
                run.provenance = {**run.provenance, LEFT_OUT: said}
            return run.id
        run = RunRow(name=name, spec=spec.as_json(), spec_hash=spec.digest(), provenance={**origin, LEFT_OUT: said})
        for position, cell in enumerate(cells):
            run.cells.append(
                CellRow(
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
            )
        session.add(run)
        session.flush()
        return run.id


def failure_reason(error: BaseException) -> str:
    return str(error) if isinstance(error, RunError | GeneratorError) else f"the worker broke down: {type(error).__name__}: {error}"


def score_row(info: MetricInfo, key: str, one: Score) -> ScoreRow:
    low, high = one.interval or (None, None)
    return ScoreRow(
        key=key,
        metric=info.name,
        measure=one.measure,
        metric_version=info.version,
        value=one.value,
        status=one.status,
        reason=one.reason,
        backend=one.backend,
        n_used=one.n_used,
        n_total=one.n_total,
        low=low,
        high=high,
        evidence=[as_json(panel) for panel in one.evidence],
        details=dict(one.details),
    )


def copied_score(row: ScoreRow) -> ScoreRow:
    own = {"id", "cell_id"}
    return ScoreRow(**{column.key: getattr(row, column.key) for column in ScoreRow.__table__.columns if column.key not in own})
