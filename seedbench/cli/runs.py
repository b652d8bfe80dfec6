"""``seedbench runs``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from seedbench.results.two_runs import ComparedRow
    from seedbench.store import Store
    from seedbench.store.workspace import Workspace

_GAP = 2  # columns between two columns of a table

app = typer.Typer(no_args_is_help=True, help="Runs: list, show, compare, delete, export.")


def _open() -> tuple[Workspace, Store]:
    from seedbench.store import Store
    from seedbench.store.workspace import Workspace

    workspace = Workspace.current()
    return workspace, Store(workspace.database_url)


@app.command("list")
def list_() -> None:
    """All runs of this workspace, newest first."""
    from rich.padding import Padding
    from rich.text import Text
    from sqlalchemy import select

    from seedbench.files.locks import run_lock
    from seedbench.report.terminal import fits, terminal_console
    from seedbench.store import RunRow

    _, store = _open()
    rows: list[tuple[str, ...]] = []
    with store.session() as session:
        for run in session.scalars(select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id.desc())):
            left = sum(cell.status == "planned" or not cell.scored for cell in run.cells)
            state = f"{left} cells missing" if left else "finished" if run.finished_at else "sets not compared yet"
            holder = store.locks.holder(run_lock(run.name)) if run.finished_at is None else None
            state += f"; being worked on ({holder})" if holder is not None else ""
            labels = _few([item["label"] for item in run.spec["generators"]])
            rows.append((run.name, f"{run.created_at:%Y-%m-%d %H:%M}", run.spec["suite"], labels, str(len(run.cells)), state))
    console = terminal_console()
    table = _plain_table(("run", "made (UTC)", "suite", "generators", "cells", "state"), rows)
    if fits(console, table):
        console.print(table)
        return
    for name, created, suite, labels, n_cells, state in rows:
        console.print(Text(name, style="bold"), soft_wrap=True)
        console.print(Padding(Text(f"{created} · suite {suite} · {labels} · {n_cells} cells · {state}"), (0, 0, 0, 2)))


def _few(labels: list[str]) -> str:
    """The first labels, and how many there are besides.

    >>> _few(["a", "b", "c"]), _few(["a", "b", "c", "d"])
    ('a, b, c', 'a, b and 2 more')
    """
    return ", ".join(labels) if len(labels) <= 3 else f"{labels[0]}, {labels[1]} and {len(labels) - 2} more"


def _plain_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, first_right: int | None = None, widths: Sequence[int] | None = None
) -> Table:
    """A table without lines. Columns from ``first_right`` on stand at the right edge; ``widths`` are those of all columns."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for index, title in enumerate(titles):
        at_right = first_right is not None and index >= first_right
        width = None if widths is None else widths[index]
        table.add_column(Text(title), overflow="fold", justify="right" if at_right else "left", width=width)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


@app.command()
def show(name: Annotated[str, typer.Argument(help="The run.")]) -> None:
    """The summary of one run."""
    from seedbench.cli.running import show_report
    from seedbench.report.terminal import terminal_console
    from seedbench.results.load import load_report

    workspace, store = _open()
    show_report(terminal_console(), load_report(store, workspace, name))


@app.command(epilog="seedbench runs compare before after")
def compare(first: Annotated[str, typer.Argument(help="A run.")], second: Annotated[str, typer.Argument(help="Another run.")]) -> None:
    """Two runs side by side: generators and measures they share, paired by prompt where they share prompts."""

    from seedbench.report.terminal import terminal_console
    from seedbench.results.two_runs import changed_prompts, compare_runs

    workspace, store = _open()
    rows = compare_runs(store, workspace, first, second)
    console = terminal_console()
    if rows:
        console.print(_comparison_table(rows, first, second, console))
    if not any(row.in_both for row in rows):
        sentence = "nothing to compare: no generator has answers on the same headline measure in both runs"
        console.print(sentence, highlight=False, soft_wrap=True)
    changed = changed_prompts(store, first, second)
    if changed:
        sentence = f"note: under the ids {', '.join(changed)} the two runs asked for something else, so these prompts are not compared"
        console.print(sentence, highlight=False)


def _comparison_table(rows: Sequence[ComparedRow], first: str, second: str, console: Console) -> Table:
    """The rows of a comparison. Where they are too long for one line, the measure stands below the generator and names are shortened."""
    from seedbench.report.terminal import fits, longest_word, shortened

    titles = ("difference (95%)", "p (Holm)", "prompts")
    cells = [(row.first, row.second, row.difference, row.p, str(row.n_prompts)) for row in rows]
    names = [(row.generator, row.measure) for row in rows]
    both = [(*name, *cell) for name, cell in zip(names, cells, strict=True)]
    table = _plain_table(("generator", "measure", first, second, *titles), both, first_right=2)
    if fits(console, table):
        return table
    heads = (*shortened([first, second], 12), *titles)
    columns = [[head, *(cell[index] for cell in cells)] for index, head in enumerate(heads)]
    widths = [longest_word(texts) for texts in columns]
    room = max(16, console.width - sum(widths) - _GAP * len(widths))
    generators, measures = (shortened(texts, min(room, 40)) for texts in zip(*names, strict=True))
    widths.insert(0, max(map(len, (*generators, *measures))))
    slack = console.width - sum(widths) - _GAP * (len(widths) - 1)
    for index, texts in enumerate(columns, start=1):
        more = min(max(0, slack), max(map(len, texts)) - widths[index])
        widths[index] += more
        slack -= more
    stacked = [(f"{label}\n{measure}", *cell) for label, measure, cell in zip(generators, measures, cells, strict=True)]
    return _plain_table(("generator and measure", *heads), stacked, first_right=1, widths=widths)


@app.command(epilog="seedbench runs delete old-run --yes")
def delete(
    name: Annotated[str, typer.Argument(help="The run.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a run: its rows, and clips that no other run uses. Files of yours that were imported stay."""
    from seedbench.report.terminal import terminal_console
    from seedbench.store.deletion import delete_run

    workspace, store = _open()
    if not yes:
        typer.confirm(f"Delete run {name!r} with its scores and clips?", abort=True)
    removed = delete_run(store, workspace, name)
    terminal_console().print(f"deleted {name}; {removed} {'clip' if removed == 1 else 'clips'} removed", highlight=False)


@app.command(epilog="seedbench runs export mine mine-export")
def export(
    name: Annotated[str, typer.Argument(help="The run.")],
    out: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
) -> None:
    """A folder that holds everything: spec, one JSON line a sample, Parquet tables, media, report."""
    from seedbench.report.export import export_run
    from seedbench.report.terminal import terminal_console

    workspace, store = _open()
    console = terminal_console()
    left_out: list[str] = []
    with console.status("exporting"):
        export_run(store, workspace, name, out, on_message=left_out.append)
    for text in left_out:
        console.print(text, highlight=False, soft_wrap=True)
    console.print(f"exported to {out}", highlight=False, soft_wrap=True)
