"""``seedbench report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedbench.processes.stopping import set_stop_message

EXAMPLES = """[bold]Examples[/bold]

seedbench report                          (the newest run, into report/RUN)

seedbench report mine --out mine-report

seedbench report mine --no-clips          (numbers and evidence only, a smaller file)
"""


def report(
    name: Annotated[str | None, typer.Argument(metavar="[RUN]", help="The run; by default the newest.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write into; by default report/RUN.")] = None,
    clips: Annotated[bool, typer.Option(help="Put small previews of the clips into the page.")] = True,
) -> None:
    """Write a run's report: one HTML file that needs nothing else, and CSV, JSON, Parquet and Markdown beside it."""
    set_stop_message("stopped; the report is not complete; the same command writes it anew")
    from seedbench import api
    from seedbench.cli.running import show_report
    from seedbench.report.terminal import terminal_console

    console = terminal_console()
    with console.status("writing the report"):
        written = api.report(name, out=out, previews=clips)
    show_report(console, written.report)
    for file in written.files:
        console.print(str(file), highlight=False, soft_wrap=True)
