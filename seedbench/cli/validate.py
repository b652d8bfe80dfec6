"""``seedbench validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from seedbench.plugins.real_footage import RealFootageRecord

EXAMPLES = """[bold]Examples[/bold]

seedbench validate lipsync --footage speakers/ --write-truth      (drafts speakers/truth.csv; fill it in)

seedbench validate lipsync --footage speakers/ --out lipsync-on-speakers

seedbench validate physics --footage balls/ --limit 4 -j 2        (a first look, with four files)
"""


def validate(
    metric: Annotated[str, typer.Argument(help="The metric to try.")],
    footage: Annotated[
        Path, typer.Option("--footage", help="A folder of clips with a truth file (truth.csv) that says what is known of them.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The folder for the page and its files; by default validation/METRIC.", show_default=False)
    ] = None,
    write_truth: Annotated[bool, typer.Option("--write-truth", help="Write a draft of the truth file, and leave.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first so many files of each kind of footage only.")] = None,
    clips: Annotated[bool, typer.Option("--clips/--no-clips", help="Write the copies that were answered wrongly beside the page.")] = True,
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", min=1, help="Processes; by default as many as cores and memory allow.")
    ] = None,
) -> None:
    """Measure what a metric is worth on footage of yours: how often it answers, how often it is wrong, what it tells apart."""
    set_stop_message("stopped; the same command goes on from here")
    from seedbench import api
    from seedbench.cli.progress import Bars
    from seedbench.plugins.real_footage import separation_words
    from seedbench.report.terminal import terminal_console

    console = terminal_console()
    if write_truth:
        file, columns = api.draft_truth(metric, footage)
        console.print(f"wrote {file}; fill in what is known of each clip:", highlight=False, soft_wrap=True)
        for column in columns:
            values = f" ({', '.join(column.values)})" if column.values else ""
            needed = "" if column.needed else "; may be empty"
            console.print(f"  {column.name}: {column.meaning}{values}{needed}", highlight=False, markup=False)
        return
    with Bars(console) as bars:
        validated = api.validate(
            metric, footage, out=out or Path("validation") / metric, limit=limit, clips=clips, workers=workers, progress=bars
        )
    console.print(_table(validated.record))
    for sentence in separation_words(validated.record):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    for problem in validated.problems:
        console.print(f"note: not counted: {problem}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"page: {validated.files[0]}", highlight=False, markup=False, soft_wrap=True)


def _table(record: RealFootageRecord) -> Any:
    """The rows that a report shows of the metric: all kinds of footage together, without what is right."""
    from rich.table import Table

    from seedbench.plugins.real_footage import details

    titles, rows = details(record)
    table = Table(box=None, pad_edge=False)
    for title in (titles[0], *titles[2:]):
        table.add_column(title.lower(), overflow="fold")
    for row in rows:
        table.add_row(row[0], *row[2:])
    return table
