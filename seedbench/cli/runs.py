"""``seedbench runs``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seedbench.store import Store
    from seedbench.store.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="Runs: list, show, compare, delete, export.")


def _open() -> tuple[Workspace, Store]:
    from seedbench.store import Store
    from seedbench.store.workspace import Workspace

    workspace = Workspace.current()
    return workspace, Store(workspace.database_url)


@app.command("list")
def list_() -> None:
    """All runs of this workspace, newest first."""
    from rich.console import Console
    from rich.table import Table
    from sqlalchemy import select

    from seedbench.files.locks import run_lock
    from seedbench.store import RunRow

    _, store = _open()
    table = Table(box=None, pad_edge=False)
    for title in ("run", "made (UTC)", "suite", "generators", "cells", "state"):
        table.add_column(title, overflow="fold")
    with store.session() as session:
        for run in session.scalars(select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id.desc())):
            left = sum(cell.status == "planned" or not cell.scored for cell in run.cells)
            state = f"{left} cells missing" if left else "finished" if run.finished_at else "sets not compared yet"
            holder = store.locks.holder(run_lock(run.name)) if run.finished_at is None else None
            state += f"; being worked on ({holder})" if holder is not None else ""
            labels = ", ".join(item["label"] for item in run.spec["generators"])
            table.add_row(run.name, f"{run.created_at:%Y-%m-%d %H:%M}", run.spec["suite"], labels, str(len(run.cells)), state)
    Console().print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="The run.")]) -> None:
    """The summary of one run."""
    from rich.console import Console

    from seedbench.cli.running import show_report
    from seedbench.results.load import load_report

    workspace, store = _open()
    show_report(Console(), load_report(store, workspace, name))


@app.command(epilog="seedbench runs compare before after")
def compare(first: Annotated[str, typer.Argument(help="A run.")], second: Annotated[str, typer.Argument(help="Another run.")]) -> None:
    """Two runs side by side: generators and measures they share, paired by prompt where they share prompts."""
    from rich.console import Console
    from rich.table import Table

    from seedbench.results.two_runs import changed_prompts, compare_runs

    workspace, store = _open()
    rows = compare_runs(store, workspace, first, second)
    table = Table(box=None, pad_edge=False)
    for title in ("generator", "measure", first, second, "difference (95%)", "p (Holm)", "prompts"):
        table.add_column(title, overflow="fold", justify="left" if title in {"generator", "measure"} else "right")
    for row in rows:
        table.add_row(row.generator, row.measure, row.first, row.second, row.difference, row.p, str(row.n_prompts))
    console = Console()
    if rows:
        console.print(table)
    if not any(row.in_both for row in rows):
        sentence = "nothing to compare: no generator has answers on the same headline measure in both runs"
        console.print(sentence, highlight=False, soft_wrap=True)
    changed = changed_prompts(store, first, second)
    if changed:
        sentence = f"note: under the ids {', '.join(changed)} the two runs asked for something else, so these prompts are not compared"
        console.print(sentence, highlight=False)


@app.command(epilog="seedbench runs delete old-run --yes")
def delete(
    name: Annotated[str, typer.Argument(help="The run.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a run: its rows, and clips that no other run uses. Files of yours that were imported stay."""
    from rich.console import Console

    from seedbench.store.deletion import delete_run

    workspace, store = _open()
    if not yes:
        typer.confirm(f"Delete run {name!r} with its scores and clips?", abort=True)
    removed = delete_run(store, workspace, name)
    Console().print(f"deleted {name}; {removed} {'clip' if removed == 1 else 'clips'} removed", highlight=False)


@app.command(epilog="seedbench runs export mine mine-export")
def export(
    name: Annotated[str, typer.Argument(help="The run.")],
    out: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
) -> None:
    """A folder that holds everything: spec, one JSON line a sample, Parquet tables, media, report."""
    from rich.console import Console

    from seedbench.report.export import export_run

    workspace, store = _open()
    console = Console()
    left_out: list[str] = []
    with console.status("exporting"):
        export_run(store, workspace, name, out, on_message=left_out.append)
    for text in left_out:
        console.print(text, highlight=False, soft_wrap=True)
    console.print(f"exported to {out}", highlight=False, soft_wrap=True)
