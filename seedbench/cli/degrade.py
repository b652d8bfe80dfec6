"""``seedbench degrade``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedbench.errors import SeedBenchError
from seedbench.processes.stopping import set_stop_message

EXAMPLES = """[bold]Examples[/bold]

seedbench degrade clip.mp4 late.mp4 delay-sound=320      (sound 8 frames late at 25 fps)

seedbench degrade clip.mp4 bad.mp4 blur=2 reencode=40

seedbench degrade --list
"""


def list_degradations(value: bool) -> None:
    """Print the degradations, and exit."""
    if value:
        from rich.table import Table

        from seedbench.clips.degradations import DEGRADATIONS
        from seedbench.report.terminal import terminal_console

        table = Table(box=None, pad_edge=False)
        for title in ("degradation", "amount"):
            table.add_column(title, overflow="fold")
        for name, degradation in DEGRADATIONS.items():
            table.add_row(name, degradation.amount)
        terminal_console().print(table)
        raise typer.Exit


def degrade(
    source: Annotated[Path, typer.Argument(help="The clip; it is only read.")],
    out: Annotated[Path, typer.Argument(help="The degraded copy, an .mp4.")],
    degradation: Annotated[list[str], typer.Argument(help="NAME=AMOUNT, in the order to apply them.")],
    show: Annotated[
        bool, typer.Option("--list", callback=list_degradations, is_eager=True, help="List the degradations and exit.")
    ] = False,
) -> None:
    """Write a copy of a clip that is degraded by a known amount, to see whether a metric notices."""
    set_stop_message("stopped; no clip was written")
    from seedbench.clips.degradations import degrade_clip

    amounts: dict[str, float] = {}
    for text in degradation:
        name, _, amount = text.partition("=")
        try:
            amounts[name] = float(amount)
        except ValueError:
            raise SeedBenchError(f"{text!r} is not of the form NAME=AMOUNT (`seedbench degrade --list` lists the names)") from None
    typer.echo(str(degrade_clip(source, out, amounts)))
