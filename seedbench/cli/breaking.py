"""``seedbench break``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedbench.errors import SeedBenchError
from seedbench.processes.stopping import set_stop_message

EXAMPLES = """[bold]Examples[/bold]

seedbench break clip.mp4 late.mp4 delay-sound=320      (sound 8 frames late at 25 fps)

seedbench break clip.mp4 bad.mp4 blur=2 reencode=40

seedbench break --list
"""


def list_degradations(value: bool) -> None:
    """Print the degradations, and exit."""
    if value:
        from seedbench.clips.degradations import DEGRADATIONS

        for name, degradation in DEGRADATIONS.items():
            typer.echo(f"{name}={{amount}}   {degradation.amount}")
        raise typer.Exit


def break_(
    source: Annotated[Path, typer.Argument(help="The clip; it is only read.")],
    out: Annotated[Path, typer.Argument(help="The broken copy, an .mp4.")],
    breakage: Annotated[list[str], typer.Argument(help="NAME=AMOUNT, in the order to apply them.")],
    show: Annotated[
        bool, typer.Option("--list", callback=list_degradations, is_eager=True, help="List the degradations and exit.")
    ] = False,
) -> None:
    """Break a clip on purpose by a stated amount, to see whether a metric notices."""
    set_stop_message("stopped; no clip was written")
    from seedbench.clips.degradations import degrade_clip

    amounts: dict[str, float] = {}
    for text in breakage:
        name, _, amount = text.partition("=")
        try:
            amounts[name] = float(amount)
        except ValueError:
            raise SeedBenchError(f"{text!r} is not of the form NAME=AMOUNT") from None
    typer.echo(str(degrade_clip(source, out, amounts)))
