"""All commands. This package imports nothing heavy: each command loads what it needs when it runs."""

from __future__ import annotations

import ast
import importlib.util
import warnings
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from seedbench import __version__
from seedbench.cli import bench, degrade, inspect, report, run, runs, score, validate, weights
from seedbench.processes.stopping import set_stop_message


class _Commands(TyperGroup):
    """The built-in commands, and those that packages register under ``seedbench.commands``, imported only when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        own, others = super().list_commands(ctx), _registered(ctx)
        for name in others.keys() & own:
            warnings.warn(f"command {name!r} ({others[name].value}) is left out: SeedBench has one of that name", stacklevel=2)
        return [*own, *(name for name in others if name not in own)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """For the help page: a stand-in that does not import the package behind it."""
        own = super().get_command(ctx, cmd_name)
        if own is None and cmd_name in _registered(ctx):
            return typer.main.get_command(_placeholder(cmd_name, _registered(ctx)[cmd_name].value))
        return own

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """For the call itself: the real command."""
        if args and super().get_command(ctx, args[0]) is None and args[0] in _registered(ctx):
            from seedbench.plugins.registry import load

            command = typer.main.get_command(load("commands", args[0]))
            command.name = args[0]
            return args[0], command, args[1:]
        return super().resolve_command(ctx, args)


def _registered(ctx: Any) -> dict[str, EntryPoint]:
    """The commands that packages register. Every installed package is asked, so it is done once for a call of the program."""
    from seedbench.plugins.registry import entries

    if __name__ not in ctx.meta:
        ctx.meta[__name__] = entries("commands")
    return ctx.meta[__name__]


def _about(module: str) -> str:
    """What the first line of a module's docstring says of it, read without importing it."""
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
        folder = next(iter((spec and spec.submodule_search_locations) or ()))
        text = ast.get_docstring(ast.parse(Path(folder, *inner).with_suffix(".py").read_text(encoding="utf-8"))) or ""
    except (StopIteration, OSError, SyntaxError, ValueError):
        text = ""
    about = text.partition("\n")[0].rpartition("``: ")[2]
    return about[:1].upper() + about[1:] if about else f"Commands of {module}."


def _placeholder(name: str, value: str) -> typer.Typer:
    app = typer.Typer(name=name, help=_about(value.split(":")[0]), no_args_is_help=True)

    @app.callback()
    def nothing() -> None:
        """Never called: it stands in for the real command on the help page."""

    return app


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Evaluate generators of video with sound: run a prompt suite, score the clips, report.",
    epilog="Start with [bold]seedbench run --suite quick -g simulator[/bold], or with clips of yours: [bold]seedbench score DIR[/bold]",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"seedbench {__version__}")
        raise typer.Exit


@app.callback()
def root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and leave.")) -> None:
    """Evaluate generators of video with sound: run a prompt suite, score the clips, report."""
    set_stop_message("stopped")


app.command("run", epilog=run.EXAMPLES)(run.run)
app.command("report", epilog=report.EXAMPLES)(report.report)
app.command("score", epilog=score.EXAMPLES)(score.score)
app.command("suites", epilog=inspect.SUITES_EXAMPLES)(inspect.suites)
app.command("generators", epilog=inspect.GENERATORS_EXAMPLES)(inspect.generators)
app.command("metrics", epilog=inspect.METRICS_EXAMPLES)(inspect.metrics)
app.command("degrade", epilog=degrade.EXAMPLES)(degrade.degrade)
app.command("validate", epilog=validate.EXAMPLES)(validate.validate)
app.command("break", hidden=True, help="The earlier name of `seedbench degrade`.")(degrade.degrade)
app.add_typer(weights.app, name="weights")
app.add_typer(runs.app, name="runs")
app.command("bench", epilog=bench.EXAMPLES)(bench.bench)
app.command("doctor", epilog=inspect.DOCTOR_EXAMPLES)(inspect.doctor)
