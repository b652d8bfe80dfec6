"""The summary of a run for the terminal: measures as rows where all generators fit beside each other, generators as rows where not."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seedbench.report.entries import SummaryEntry, summary_entry
from seedbench.report.terminal import longest_word, shortened
from seedbench.report.wording import ARROWS, unit_of
from seedbench.results.data import ColumnKey, GeneratorFacts, MeasureFacts, RunReport
from seedbench.results.table import ResultsTable, tabulate

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

MEASURE_WIDTH = 30
GENERATOR_WIDTH = 22
"""Columns that a measure and each generator need where they stand beside each other."""
MOST_LINES = 60
"""Lines of systems that one summary may have in all; further measures are left to the report."""
MOST_REASONS = 9
"""Reasons that stand below a table of generators as rows; rarer ones are left to the report."""
_GAP = 3  # columns between two columns of a table


def summary_of(report: RunReport, *, width: int, every_measure: bool = False) -> list[RenderableType]:
    """The summary of a run: each value with its interval and its coverage, or why there is none.

    ▼ marks a system below the ceiling and ★ the best of the systems, only where the paired comparison supports it.

    Args:
        report: The run.
        width: Columns of the terminal, at least 40.
        every_measure: Show all measures, not the headline ones alone.

    Returns:
        Tables and texts, to be printed one after another with :mod:`rich`. No line is longer than ``width``, and every generator is there.
        Measures that do not fit are counted in the last line, which says where they are.

    Raises:
        ValueError: A score of the run is of a measure that the run does not declare.
    """
    results = tabulate(report)
    columns = [column for column in results.columns if column.measure.headline or every_measure]
    if MEASURE_WIDTH + GENERATOR_WIDTH * len(report.generators) <= width:
        return [_measures_as_rows(results, columns)]
    return _generators_as_rows(results, columns, width)


def _title(report: RunReport) -> str:
    return f"{report.name}: {report.suite.name} {report.suite.version}"


def _marks(report: RunReport) -> str:
    return (
        f"value [{100 * report.confidence:g}% interval], clips scored; →0: mean absolute value; "
        "▼ below the ceiling, ★ best of the systems (supported)"
    )


def _measures_as_rows(results: ResultsTable, columns: Sequence[MeasureFacts]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    report = results.report
    table = Table(
        title=Text(_title(report)),
        caption=Text(_marks(report)),
        box=box.SIMPLE_HEAD,
        show_lines=False,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("Measure", ratio=2, overflow="fold")
    for generator in report.generators:
        header = Text(generator.label, style="bold")
        if generator.role == "ceiling":
            header.append("\nceiling", style="dim")
        table.add_column(header, ratio=2, overflow="fold")
    previous = ""
    for column in columns:
        if column.metric_title != previous and previous:
            table.add_section()
        previous = column.metric_title
        name = Text.assemble(f"{_measure_name(column)}\n", (" · ".join(filter(None, [column.metric_title, column.backend])), "dim"))
        table.add_row(name, *(_entry_text(summary_entry(results, generator.name, column)) for generator in report.generators))
    return table


def _measure_name(column: MeasureFacts) -> str:
    """The title of a measure with its direction and unit."""
    return " ".join(filter(None, [column.measure.title, ARROWS[column.measure.direction], unit_of(column.measure)]))


def _entry_text(entry: SummaryEntry) -> Text:
    from rich.text import Text

    if entry.row is None:
        return Text(entry.reason, style="dim italic")
    if not entry.value:
        return Text.assemble((entry.reason, "italic"), (f"\n{entry.coverage}", "dim"))
    text = _value_text(entry)
    text.append(f"\n{entry.coverage}", style="not bold dim")
    return text


def _value_text(entry: SummaryEntry) -> Text:
    """A value with its interval and its marks."""
    from rich.text import Text

    text = Text(entry.value, style="bold")
    text.append(f" [{entry.interval}]" if entry.interval else " no interval", style="not bold dim")
    if entry.standing.against_ceiling == "worse":
        text.append(" ▼", style="red")
    if entry.standing.leads:
        text.append(" ★", style="green")
    return text


def _generators_as_rows(results: ResultsTable, columns: Sequence[MeasureFacts], width: int) -> list[RenderableType]:
    from rich.text import Text

    report = results.report
    entries = {column.key: [summary_entry(results, generator.name, column) for generator in report.generators] for column in columns}
    with_values = [column for column in columns if any(entry.value for entry in entries[column.key])] or list(columns)
    names = _row_names(report.generators, min(40, max(16, width * 3 // 8)))
    letters = _letters([entry.reason for column in columns for entry in entries[column.key] if not entry.value])
    texts = {key: [_short_text(entry, letters) for entry in of_column] for key, of_column in entries.items()}
    blocks = _blocks(with_values, texts, width - max(longest.cell_len for longest in names) - _GAP)
    shown = blocks[: max(1, MOST_LINES // (len(names) + 6))]
    parts: list[RenderableType] = [Text(_title(report), style="italic")]
    for block in shown:
        parts += [_block(names, block, texts, several_backends=_several_backends(columns)), ""]
    parts.append(Text(f"{_marks(report)}; n/m: n clips scored of m that were asked for, where some are missing", style="dim italic"))
    used = [entry.reason for block in shown for column in block for entry in entries[column.key] if not entry.value]
    for column in (column for column in columns if column not in with_values):
        reasons = list(dict.fromkeys(entry.reason for entry in entries[column.key]))
        marks = ", ".join(dict.fromkeys(letters.get(reason, "*") for reason in reasons))
        parts.append(Text(f"{column.metric_title}, {_measure_name(column)}: no value of any generator ({marks})"))
        used += reasons
    parts += [Text(f"{letter}: {reason}", style="dim") for reason, letter in letters.items() if reason in used]
    if set(used) - set(letters):
        parts.append(Text("*: another reason, which the report gives", style="dim"))
    if left := sum(map(len, blocks)) - sum(map(len, shown)):
        where = f"the report has them all: seedbench report {shlex.quote(report.name)}"
        parts.append(Text(f"{left} of {len(columns)} measures are not shown for want of room; {where}"))
    return parts


def _letters(reasons: Sequence[str]) -> dict[str, str]:
    """A letter for each of the most frequent reasons, in the order in which they first occur."""
    frequent = {reason for reason, _ in Counter(reasons).most_common(MOST_REASONS)}
    return {reason: chr(ord("a") + index) for index, reason in enumerate(reason for reason in dict.fromkeys(reasons) if reason in frequent)}


def _several_backends(columns: Sequence[MeasureFacts]) -> set[tuple[str, str]]:
    """The measures that have a column for each of several backends."""
    counts = Counter((column.metric, column.measure.name) for column in columns)
    return {measure for measure, count in counts.items() if count > 1}


def _row_names(generators: Sequence[GeneratorFacts], width: int) -> list[Text]:
    """The labels of the generators, each in one line; the ceilings are called so."""
    from rich.text import Text

    ceiling = " (ceiling)"
    room = width - (len(ceiling) if any(generator.role == "ceiling" for generator in generators) else 0)
    short = shortened([generator.label for generator in generators], room)
    return [
        Text.assemble((label, "bold"), (ceiling if generator.role == "ceiling" else "", "dim"))
        for generator, label in zip(generators, short, strict=True)
    ]


def _short_text(entry: SummaryEntry, letters: dict[str, str]) -> Text:
    """An entry in one line; the letter of its reason stands for the reason where there is no value."""
    from rich.text import Text

    if not entry.value:
        return Text(f"none ({letters.get(entry.reason, '*')})", style="italic")
    text = _value_text(entry)
    if entry.row is not None and entry.row.n_scored < entry.row.n_asked:
        text.append(f" {entry.row.n_scored}/{entry.row.n_asked}", style="not bold dim")
    return text


def _blocks(columns: Sequence[MeasureFacts], texts: Mapping[ColumnKey, Sequence[Text]], room: int) -> list[list[MeasureFacts]]:
    """Which columns stand beside each other, so that no line is longer than ``room``; each block has at least one column."""
    blocks: list[list[MeasureFacts]] = []
    left = 0
    for column in columns:
        needed = _column_width(column, texts[column.key]) + _GAP
        if not blocks or needed > left:
            blocks.append([])
            left = room + _GAP
        blocks[-1].append(column)
        left -= needed
    return blocks


def _column_width(column: MeasureFacts, texts: Sequence[Text]) -> int:
    """The columns that a measure needs: its entries in one line each, and its title in lines that cut no word."""
    return max(12, longest_word([_measure_name(column), column.metric_title]), *(text.cell_len for text in texts))


def _block(
    names: Sequence[Text],
    columns: Sequence[MeasureFacts],
    texts: Mapping[ColumnKey, Sequence[Text]],
    *,
    several_backends: set[tuple[str, str]],
) -> Table:
    """A table of some measures with a row for each generator."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("", no_wrap=True, width=max(name.cell_len for name in names))
    for column in columns:
        backend = column.backend if (column.metric, column.measure.name) in several_backends else ""
        header = Text.assemble(_measure_name(column), (f"\n{column.metric_title}", "dim"), (f"\n{backend}" if backend else "", "dim"))
        table.add_column(header, width=_column_width(column, texts[column.key]))
    for index, name in enumerate(names):
        table.add_row(name, *(texts[column.key][index] for column in columns))
    return table
