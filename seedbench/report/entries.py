"""The entries of the summary table in words: what the page, the terminal and the Markdown summary show of a generator in a column."""

from __future__ import annotations

from dataclasses import dataclass, field

from seedbench.report.wording import coverage, unit_of, value_and_interval
from seedbench.results.data import MeasureFacts, SummaryRow
from seedbench.results.table import ResultsTable, SystemStanding


@dataclass(frozen=True, kw_only=True)
class SummaryEntry:
    """One entry of the summary table, in words.

    Attributes:
        row: The summary that it shows; None where the generator was not measured.
        value: The value without its unit; empty exactly where ``reason`` is not.
        unit: The unit as shown.
        interval: The interval without its unit; empty where there is none.
        no_interval: Why ``interval`` is empty.
        reason: Why there is no value.
        coverage: How many clips it is computed from.
        standing: What the comparisons support about the generator.
        worst_case: The mean in which every missing answer counts as the worst value; empty where no answer is missing.
        method: How value and interval were computed.
    """

    row: SummaryRow | None = None
    value: str = ""
    unit: str = ""
    interval: str = ""
    no_interval: str = ""
    reason: str = ""
    coverage: str = ""
    standing: SystemStanding = field(default_factory=SystemStanding)
    worst_case: str = ""
    method: str = ""

    @property
    def mark(self) -> str:
        """The standing in words; empty where the comparisons support nothing."""
        if self.standing.leads:
            return "best of the systems"
        return {"worse": "below the ceiling", "better": "above the ceiling"}.get(self.standing.against_ceiling, "")

    @property
    def symbols(self) -> str:
        """The mark as the terminal and Markdown have it: ▼ below the ceiling, ★ best of the systems; empty where nothing is supported."""
        return (" ▼" if self.standing.against_ceiling == "worse" else "") + (" ★" if self.standing.leads else "")


def summary_entry(table: ResultsTable, generator: str, column: MeasureFacts) -> SummaryEntry:
    """What the summary table shows of one generator in one column.

    Args:
        table: The results of the run.
        generator: The name of the generator.
        column: One of the columns of the table.

    Returns:
        The entry in words; where the generator was not measured or has no value, one with a ``reason``.
    """
    row = table.row(generator, column)
    if row is None:
        return SummaryEntry(reason="not measured", coverage="nothing to score")
    if row.value is None:
        return SummaryEntry(row=row, reason=row.reason, coverage=coverage(row), method=row.method)
    value, interval = value_and_interval(column.measure, row.value, row.low, row.high)
    has_missing = row.worst_case is not None and row.n_asked > row.n_scored
    return SummaryEntry(
        row=row,
        value=value,
        unit=unit_of(column.measure),
        interval=interval,
        no_interval="" if interval else f"no interval: {row.reason}" if row.reason else "no interval",
        coverage=coverage(row),
        standing=table.standing(generator, column),
        worst_case=value_and_interval(column.measure, row.worst_case)[0] if has_missing and row.worst_case is not None else "",
        method=row.method,
    )
