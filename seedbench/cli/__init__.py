"""The command line, from its first moment on: signals are listened to before anything else is imported."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

from seedbench.errors import SeedBenchError
from seedbench.processes.stopping import exit_when_stopped


def main() -> None:
    """Entry point of ``seedbench``."""
    complain(_commands)


def _commands() -> None:
    from seedbench.cli.commands import app

    app()


def __getattr__(name: str) -> Any:
    """``app``, the Typer app, imported when it is asked for."""
    if name == "app":
        from seedbench.cli.commands import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _print_warnings() -> None:
    """From now on, print warnings for users as one line each, and each only once. Other warnings are printed as usual."""
    as_usual, printed = warnings.showwarning, set()

    def show(message: Warning | str, category: type[Warning], *location: Any, **more: Any) -> None:
        if category not in {UserWarning, FutureWarning}:
            as_usual(message, category, *location, **more)
        elif str(message) not in printed and sys.stderr is not None:
            printed.add(str(message))
            sys.stderr.write(f"warning: {message}\n")

    warnings.showwarning = show


def complain(command: Callable[[], object]) -> None:
    """Run a command. Errors that a user can correct, and an early end, are one sentence and an exit code; others keep their traceback."""
    try:
        with exit_when_stopped():
            _print_warnings()
            command()
    except SeedBenchError as error:
        from rich.console import Console
        from rich.markup import escape

        Console(stderr=True).print(f"[bold red]error:[/bold red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(int(error.exit_code))
