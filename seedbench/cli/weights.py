"""``seedbench weights``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedbench.processes.stopping import set_stop_message

app = typer.Typer(no_args_is_help=True, help="Model weights: list, fetch, verify, add your own.")


@app.command("list")
def list_() -> None:
    """Every entry of the list: size, licence, who uses it, whether it is installed."""
    from rich.table import Table

    from seedbench.plugins.weights import all_weights, folder, verify
    from seedbench.report.terminal import terminal_console

    table = Table(box=None, pad_edge=False)
    for title in ("name", "state", "size", "source", "licence", "used by", "listed by"):
        table.add_column(title, overflow="fold")
    for item in all_weights().values():
        size = f"{item.size / 1e6:.1f} MB" if item.size else "?"
        table.add_row(item.name, verify(item.name), size, item.source["kind"], item.licence, item.used_by, item.package)
    console = terminal_console()
    console.print(table)
    console.print(f"folder: {folder()}", highlight=False, soft_wrap=True)


@app.command(epilog="seedbench weights fetch                 (all that can be downloaded)\n\nseedbench weights fetch blazeface facemesh")
def fetch(names: Annotated[list[str] | None, typer.Argument(help="Names; by default all that can be downloaded.")] = None) -> None:
    """Download weights from their source and check their hash."""
    set_stop_message("stopped; the same command fetches what is missing")
    from seedbench.plugins.weights import all_weights
    from seedbench.plugins.weights_install import fetch as get
    from seedbench.report.terminal import terminal_console

    console = terminal_console()
    for name in names or [item.name for item in all_weights().values() if item.source["kind"] != "user"]:
        with console.status(f"fetching {name}"):
            path = get(name)
        console.print(f"{name}: {path}", highlight=False, soft_wrap=True)


@app.command()
def verify() -> None:
    """Check the hash of everything that is installed; exit code 2 if one is wrong."""
    from seedbench.errors import WeightsError
    from seedbench.plugins.weights import ABSENT, all_weights
    from seedbench.plugins.weights import verify as check
    from seedbench.report.terminal import terminal_console

    console = terminal_console()
    wrong = []
    for name in all_weights():
        state = check(name)
        console.print(f"{name}: {state}", highlight=False, soft_wrap=True)
        if state not in {"ok", ABSENT}:
            wrong.append(name)
    if wrong:
        raise WeightsError(f"these files are not the published ones: {', '.join(wrong)}; `seedbench weights fetch NAME` gets them again")


@app.command(epilog="seedbench weights add syncnet ~/Downloads/syncnet_v2.model")
def add(
    name: Annotated[str, typer.Argument(help="The entry, as `seedbench weights list` names it.")],
    file: Annotated[Path, typer.Argument(help="Your file; it is copied.")],
    accept_other: Annotated[bool, typer.Option(help="Take a file whose hash is not the published one.")] = False,
) -> None:
    """Install a file that only you can supply."""
    from seedbench.plugins.weights_install import add as install
    from seedbench.report.terminal import terminal_console

    terminal_console().print(f"{name}: {install(name, file, accept_other=accept_other)}", highlight=False, soft_wrap=True)
