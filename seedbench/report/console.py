"""The summary of a run for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedbench.report.entries import SummaryEntry, summary_entry
from seedbench.report.wording import ARROWS, unit_of
from seedbench.results.data import RunReport
from seedbench.results.table import tabulate

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def summary_table(report: RunReport, *, every_measure: bool = False) -> Table:
    """The summary of a run as a table of rich: one row a measure, one column a generator, each value with interval and coverage.

    ▼ marks a system below the ceiling and ★ the best of the systems, only where the paired comparison supports it.

    Args:
        report: The run.
        every_measure: Show all measures, not the headline ones alone.

    Returns:
        The table, to be printed with :mod:`rich`.

    Raises:
        ValueError: A score of the run is of a measure that the run does not declare.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(f"{report.name}: {report.suite.name} {report.suite.version}"),
        caption=f"value [{100 * report.confidence:g}% interval], clips scored; →0: mean absolute value; "
        "▼ below the ceiling, ★ best of the systems (supported)",
        box=box.SIMPLE_HEAD,
        show_lines=False,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("Measure", ratio=2)
    for generator in report.generators:
        header = Text(generator.label, style="bold")
        if generator.role == "ceiling":
            header.append("\nceiling", style="dim")
        table.add_column(header, ratio=2)
    results = tabulate(report)
    previous = ""
    for column in results.columns:
        if not (column.measure.headline or every_measure):
            continue
        if column.metric_title != previous and previous:
            table.add_section()
        previous = column.metric_title
        unit = f" {unit_of(column.measure)}" if unit_of(column.measure) else ""
        name = Text.assemble(
            f"{column.measure.title} {ARROWS[column.measure.direction]}{unit}\n",
            (" · ".join(filter(None, [column.metric_title, column.backend])), "dim"),
        )
        table.add_row(name, *(_entry_text(summary_entry(results, generator.name, column)) for generator in report.generators))
    return table


def _entry_text(entry: SummaryEntry) -> Text:
    from rich.text import Text

    if entry.row is None:
        return Text(entry.reason, style="dim italic")
    if not entry.value:
        return Text.assemble((entry.reason, "italic"), (f"\n{entry.coverage}", "dim"))
    text = Text(entry.value, style="bold")
    text.append(f" [{entry.interval}]" if entry.interval else " no interval", style="not bold dim")
    if entry.standing.against_ceiling == "worse":
        text.append(" ▼", style="red")
    if entry.standing.leads:
        text.append(" ★", style="green")
    text.append(f"\n{entry.coverage}", style="not bold dim")
    return text
