"""The columns of a run: one for every (metric, measure, backend), what stands in them, and what the comparisons support."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from seedbench.results.data import Comparison, GeneratorFacts, MeasureFacts, RunReport, SummaryRow

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Standing:
    """What the paired comparisons support about one generator in one column. ``against_ceiling`` is ``worse``, ``better``, ``level``
    (neither
    supported), or ``""`` where there is no ceiling or no comparison. ``leads``: supported as better than every other system, of which
    there is one."""

    against_ceiling: str = ""
    leads: bool = False


def key_of(item: MeasureFacts | SummaryRow | Comparison) -> Key:
    """``(metric, measure, backend)``."""
    name = item.measure if isinstance(item.measure, str) else item.measure.name
    return item.metric, name, item.backend


def columns(report: RunReport) -> tuple[MeasureFacts, ...]:
    """Every column of the run, in the order of ``report.measures``; backends that only summary or scores know follow their measure.

    A measure declared without a backend gives way to its backends. Raises ValueError for a score of a measure nobody declared.
    """
    declared: dict[tuple[str, str], list[MeasureFacts]] = {}
    for facts in report.measures:
        declared.setdefault((facts.metric, facts.measure.name), []).append(facts)
    seen = dict.fromkeys((row.metric, row.measure, row.backend) for row in report.summary)
    seen |= dict.fromkeys((score.metric, score.measure, score.backend) for cell in report.cells for score in cell.scores)
    for metric, measure, backend in seen:
        if (metric, measure) not in declared:
            raise ValueError(f"{metric}.{measure} has a score but is not among the report's measures")
        known = declared[metric, measure]
        if backend and all(facts.backend != backend for facts in known):
            known.append(replace(known[0], backend=backend))
    found: list[MeasureFacts] = []
    for known in declared.values():
        named = [facts for facts in known if facts.backend]
        found.extend(named or known)
    return tuple(found)


def row_of(report: RunReport, generator: str, column: MeasureFacts) -> SummaryRow | None:
    """What stands in one place of the table: the generator's row of that backend, else its row that names no backend (no answer at all)."""
    rows = [row for row in report.summary if row.generator == generator and (row.metric, row.measure) == key_of(column)[:2]]
    for row in rows:
        if row.backend == column.backend:
            return row
    return next((row for row in rows if not row.backend), None)


def ceilings(report: RunReport) -> tuple[GeneratorFacts, ...]:
    """The anchors the systems are read against; often one, possibly none."""
    return tuple(generator for generator in report.generators if generator.role == "ceiling")


def systems(report: RunReport) -> tuple[GeneratorFacts, ...]:
    """What is under test."""
    return tuple(generator for generator in report.generators if generator.role == "system")


def comparisons_in(report: RunReport, column: MeasureFacts) -> tuple[Comparison, ...]:
    """The paired comparisons of one column; those that name no backend belong to every column of their measure."""
    metric, measure, backend = key_of(column)
    return tuple(c for c in report.comparisons if (c.metric, c.measure) == (metric, measure) and c.backend in ("", backend))


def between(comparisons: Iterable[Comparison], one: str, other: str) -> Comparison | None:
    """The comparison of two generators, whichever way round it was made."""
    return next((c for c in comparisons if {c.generator_a, c.generator_b} == {one, other}), None)


def standing(report: RunReport, generator: GeneratorFacts, column: MeasureFacts) -> Standing:
    """What the comparisons support about a generator in a column. A ceiling has no standing, and a highest mean alone never leads."""
    if generator.role == "ceiling" or column.measure.direction == "none":
        return Standing()
    made = comparisons_in(report, column)
    against = ""
    for ceiling in ceilings(report):
        pair = between(made, generator.name, ceiling.name)
        if pair is not None and pair.difference is not None:
            against = {generator.name: "better", ceiling.name: "worse"}.get(pair.better or "", "level")
            break
    others = [other for other in systems(report) if other.name != generator.name]
    pairs = [between(made, generator.name, other.name) for other in others]
    return Standing(against, bool(others) and all(pair is not None and pair.better == generator.name for pair in pairs))


def place_of(made: tuple[MeasureFacts, ...], metric: str, measure: str, backend: str) -> int:
    """Index of the column a score belongs to; a score that names no backend (no answer) stands in its measure's first column."""
    places = [index for index, column in enumerate(made) if (column.metric, column.measure.name) == (metric, measure)]
    return next((index for index in places if made[index].backend == backend), places[0])
