"""The results of a run as one table: columns, the summary of each generator under them, and what the comparisons support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seedbench.results.data import ColumnKey, Comparison, GeneratorFacts, MeasureFacts, RunReport, ScoreReport, SummaryRow


@dataclass(frozen=True)
class SystemStanding:
    """What the paired comparisons support about one generator in one column.

    Attributes:
        against_ceiling: ``worse``, ``better`` or ``level`` (neither is supported); empty where there is no ceiling or no comparison.
        leads: Whether it is supported as better than every other system, of which there is at least one.
    """

    against_ceiling: str = ""
    leads: bool = False


@dataclass(frozen=True)
class ResultsTable:
    """The results of a run by generator and column. Every file of a report is written from this one value; :func:`tabulate` makes it.

    Attributes:
        report: The run.
        columns: One for every (metric, measure, backend).
        rows: The summaries, by generator name and column.
        comparisons: By column; those that name no backend stand in every column of their measure.
        standings: By generator name and column.
        positions: The index in ``columns`` of each key that a score or a summary row can have. Where these name no backend, it is the first
            column of the measure.
    """

    report: RunReport
    columns: tuple[MeasureFacts, ...]
    rows: Mapping[tuple[str, ColumnKey], SummaryRow]
    comparisons: Mapping[ColumnKey, tuple[Comparison, ...]]
    standings: Mapping[tuple[str, ColumnKey], SystemStanding]
    positions: Mapping[ColumnKey, int]

    @property
    def headline(self) -> tuple[MeasureFacts, ...]:
        """The columns of the summary table."""
        return tuple(column for column in self.columns if column.measure.headline)

    @property
    def ceilings(self) -> tuple[GeneratorFacts, ...]:
        """The anchors that the systems are read against; often one, possibly none."""
        return _with_role(self.report, "ceiling")

    @property
    def systems(self) -> tuple[GeneratorFacts, ...]:
        """The generators under test."""
        return _with_role(self.report, "system")

    def row(self, generator: str, column: MeasureFacts) -> SummaryRow | None:
        """The summary of a generator in a column.

        Args:
            generator: The name of the generator.
            column: One of ``columns``.

        Returns:
            Its row of that backend, else its row that names no backend (no answer at all); None where it was not measured.
        """
        return self.rows.get((generator, column.key))

    def standing(self, generator: str, column: MeasureFacts) -> SystemStanding:
        """What the comparisons support about a generator in a column.

        Args:
            generator: The name of the generator.
            column: One of ``columns``.

        Returns:
            Its standing. A ceiling has none (both fields are empty), and a highest mean alone never leads.

        Raises:
            KeyError: The run has no such generator or column.
        """
        return self.standings[generator, column.key]

    def comparison(self, column: MeasureFacts, a: str, b: str) -> Comparison | None:
        """The comparison of two generators in a column.

        Args:
            column: One of ``columns``.
            a: The name of a generator.
            b: The name of another generator.

        Returns:
            The comparison, whichever of them it names first: look at its ``generator_a``. None where they were not compared.

        Raises:
            KeyError: The run has no such column.
        """
        return _between(self.comparisons[column.key], a, b)

    def position(self, score: ScoreReport | SummaryRow) -> int:
        """The column that a score or a summary row belongs to.

        Args:
            score: A score or a row of this run.

        Returns:
            The index in ``columns``.

        Raises:
            KeyError: It is not of this run.
        """
        return self.positions[score.metric, score.measure, score.backend]


def tabulate(report: RunReport) -> ResultsTable:
    """Put the results of a run into one table.

    Args:
        report: The run.

    Returns:
        The table. Its columns are in the order of ``report.measures``; backends that only the summary or the scores name follow their
        measure, and a measure declared without a backend is replaced by its backends.

    Raises:
        ValueError: A score or summary row is of a measure that is not among ``report.measures``.
    """
    columns = _columns(report)
    comparisons = {column.key: _comparisons_in(report, column) for column in columns}
    positions = {column.key: index for index, column in reversed(list(enumerate(columns)))}
    for index, column in enumerate(columns):
        positions.setdefault((column.metric, column.measure.name, ""), index)
    return ResultsTable(
        report=report,
        columns=columns,
        rows=_rows(report, columns),
        comparisons=comparisons,
        standings={
            (generator.name, column.key): _standing(report, generator, column, comparisons[column.key])
            for generator in report.generators
            for column in columns
        },
        positions=positions,
    )


def _with_role(report: RunReport, role: str) -> tuple[GeneratorFacts, ...]:
    return tuple(generator for generator in report.generators if generator.role == role)


def _columns(report: RunReport) -> tuple[MeasureFacts, ...]:
    declared: dict[tuple[str, str], list[MeasureFacts]] = {}
    for facts in report.measures:
        declared.setdefault((facts.metric, facts.measure.name), []).append(facts)
    used = dict.fromkeys((row.metric, row.measure, row.backend) for row in report.summary)
    used |= dict.fromkeys((score.metric, score.measure, score.backend) for cell in report.cells for score in cell.scores)
    for metric, measure, backend in used:
        if (metric, measure) not in declared:
            raise ValueError(f"{metric}.{measure} has a score but is not among the report's measures")
        known = declared[metric, measure]
        if backend and all(facts.backend != backend for facts in known):
            known.append(replace(known[0], backend=backend))
    columns: list[MeasureFacts] = []
    for known in declared.values():
        columns.extend([facts for facts in known if facts.backend] or known)
    return tuple(columns)


def _rows(report: RunReport, columns: Sequence[MeasureFacts]) -> dict[tuple[str, ColumnKey], SummaryRow]:
    by_backend: dict[tuple[str, ColumnKey], SummaryRow] = {}
    for row in report.summary:
        by_backend.setdefault((row.generator, (row.metric, row.measure, row.backend)), row)
    rows = {}
    for generator in report.generators:
        for column in columns:
            without_backend = (column.metric, column.measure.name, "")
            summary = by_backend.get((generator.name, column.key)) or by_backend.get((generator.name, without_backend))
            if summary is not None:
                rows[generator.name, column.key] = summary
    return rows


def _comparisons_in(report: RunReport, column: MeasureFacts) -> tuple[Comparison, ...]:
    metric, measure, backend = column.key
    return tuple(c for c in report.comparisons if (c.metric, c.measure) == (metric, measure) and c.backend in ("", backend))


def _between(comparisons: Sequence[Comparison], a: str, b: str) -> Comparison | None:
    return next((c for c in comparisons if {c.generator_a, c.generator_b} == {a, b}), None)


def _standing(report: RunReport, generator: GeneratorFacts, column: MeasureFacts, comparisons: Sequence[Comparison]) -> SystemStanding:
    if generator.role == "ceiling" or column.measure.direction == "none":
        return SystemStanding()
    comparisons = [comparison for comparison in comparisons if not comparison.of_sets]  # nearer to the reference set is not better
    against_ceiling = ""
    for ceiling in _with_role(report, "ceiling"):
        pair = _between(comparisons, generator.name, ceiling.name)
        if pair is not None and pair.difference is not None:
            against_ceiling = {generator.name: "better", ceiling.name: "worse"}.get(pair.better or "", "level")
            break
    others = [other for other in _with_role(report, "system") if other.name != generator.name]
    pairs = [_between(comparisons, generator.name, other.name) for other in others]
    leads = bool(others) and all(pair is not None and pair.better == generator.name for pair in pairs)
    return SystemStanding(against_ceiling, leads)
