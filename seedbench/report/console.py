"""The summary of a run for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seedbench.report.wording import ARROWS, coverage, said, unit_of
from seedbench.results.columns import columns, row_of, standing
from seedbench.results.data import MeasureFacts, RunReport

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


def summary_table(report: RunReport, *, every_measure: bool = False) -> Table:
    """One row a measure (headline ones unless ``every_measure``), one column a generator; each value with interval and coverage.

    ▼ marks a system below the ceiling and ★ the best of the systems, only where the paired comparison supports it.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(f"{report.name}: {report.suite.name} {report.suite.version}"),
        caption=f"value [{100 * report.confidence:g}% interval], clips scored; →0: mean size, without sign; "
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
    previous = ""
    for column in columns(report):
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
        table.add_row(name, *(_place(report, generator.name, column) for generator in report.generators))
    return table


def _place(report: RunReport, name: str, column: MeasureFacts) -> Text:
    from rich.text import Text

    row = row_of(report, name, column)
    if row is None:
        return Text("not measured", style="dim italic")
    if row.value is None:
        return Text.assemble((row.reason, "italic"), (f"\n{coverage(row)}", "dim"))
    value, interval = said(column.measure, row.value, row.low, row.high)
    found = standing(report, next(g for g in report.generators if g.name == name), column)
    text = Text(value, style="bold")
    text.append(f" [{interval}]" if interval else " no interval", style="not bold dim")
    if found.against_ceiling == "worse":
        text.append(" ▼", style="red")
    if found.leads:
        text.append(" ★", style="green")
    text.append(f"\n{coverage(row)}", style="not bold dim")
    return text
