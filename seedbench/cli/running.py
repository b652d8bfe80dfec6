"""Carrying out a run with its progress and its result on the terminal."""

from __future__ import annotations

import shlex
from pathlib import Path

from rich.console import Console
from rich.text import Text

from seedbench import api
from seedbench.cli.progress import Bars
from seedbench.report.console import summary_of
from seedbench.report.terminal import terminal_console
from seedbench.results.data import RunReport
from seedbench.runs.executor import sensible_workers
from seedbench.runs.failures import allowed_failures, check_failures
from seedbench.runs.records import name_of_run
from seedbench.runs.spec import RunSpec
from seedbench.store import Store
from seedbench.store.workspace import Workspace


def run_and_show(
    spec: RunSpec, name: str | None = None, *, workers: int | None = None, max_failures: str = "none", out: Path | None = None
) -> None:
    """Carry out a run, show its progress and its summary, and write the report where ``out`` names a folder.

    Args:
        spec: what to run.
        name: the run's name; None: one made from the spec.
        workers: worker processes; None: what cores and memory allow.
        max_failures: how many cells may fail, as :func:`seedbench.runs.failures.allowed_failures` reads it.
        out: a folder for the report.

    Raises:
        TooManyFailuresError: more cells failed than allowed; the results are shown before.
        SeedBenchError: as :func:`seedbench.api.run`.
    """
    allowed_failures(max_failures, 1)  # a limit that cannot be read is refused before the work, not after it
    console = terminal_console()
    name = name or name_of_run(Store(Workspace.current().database_url), spec)
    workers = workers or sensible_workers()
    counts = {"prompts": len(spec.prompts), "generators": len(spec.generators), "seeds": len(spec.all_seeds), "metrics": len(spec.metrics)}
    listed = ", ".join(_counted(count, noun) for noun, count in {**counts, "workers": workers}.items())
    console.print(Text.assemble("run ", (name, "bold"), f" on suite {spec.suite}: {listed}"))
    with Bars(console) as bars:
        finished = api.run(spec, name, workers=workers, progress=bars, out=out)
    show_report(console, finished.report)
    if finished.files:
        console.print(f"report: {page_of(finished.files)}", highlight=False, markup=False, soft_wrap=True)
    else:
        console.print(f"write the report with: seedbench report {shlex.quote(name)}", highlight=False, markup=False, soft_wrap=True)
    check_failures(max_failures, failed=finished.outcome.failed, total=finished.outcome.cells)


def show_report(console: Console, report: RunReport) -> None:
    """Print a run's summary and its notes."""
    for part in summary_of(report, width=console.width):
        console.print(part)
    for note in report.notes:
        console.print(f"note: {note}", highlight=False, markup=False)


def page_of(files: tuple[Path, ...]) -> Path:
    """The page among the files of a report."""
    return next(file for file in files if file.suffix == ".html")


def _counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> _counted(1, "seeds"), _counted(2, "seeds")
    ('1 seed', '2 seeds')
    """
    return f"{count} {noun.removesuffix('s') if count == 1 else noun}"
