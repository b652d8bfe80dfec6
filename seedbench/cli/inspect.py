"""``seedbench suites``, ``generators``, ``metrics`` and ``doctor``: what there is, and whether it works."""

from __future__ import annotations

from typing import Annotated, Any

import typer

SUITES_EXAMPLES = "seedbench suites\n\nseedbench suites quick          (its prompts)"
GENERATORS_EXAMPLES = "seedbench generators\n\nseedbench generators simulator  (what it takes)"
METRICS_EXAMPLES = "seedbench metrics\n\nseedbench metrics lipsync       (unit, direction, sign, range, needs, source)"
DOCTOR_EXAMPLES = "seedbench doctor                (exit code 2 if something the default metrics need is missing)"

_WIDE = 120  # columns from which a measure and its sentences stand in one line


def _table(*titles: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def suites(name: Annotated[str | None, typer.Argument(metavar="[SUITE]", help="Show the prompts of this one.")] = None) -> None:
    """The shipped prompt suites, or the prompts of one (a name, a YAML file or a file of prompts)."""
    from rich.markup import escape

    from seedbench.plugins.instances import errors_in_stage_blocks, generators_without_options
    from seedbench.report.terminal import terminal_console
    from seedbench.suites.loading import list_suites, load_suite

    console = terminal_console()
    if name is None:
        table = _table("suite", "prompts", "title")
        for shipped in map(load_suite, list_suites()):
            table.add_row(shipped.name, str(len(shipped.prompts)), escape(shipped.title))
        console.print(table)
        return
    suite = load_suite(name)
    table = _table("prompt", "task", "s", "text")
    for prompt in suite.prompts:
        table.add_row(prompt.id, prompt.task, f"{prompt.duration_s:g}", escape(prompt.text))
    console.print(table)
    for warning in (*suite.warnings, *errors_in_stage_blocks(suite, generators_without_options())):
        console.print(f"note: {warning}", highlight=False)


def generators(name: Annotated[str | None, typer.Argument(metavar="[GENERATOR]", help="Show what this one takes.")] = None) -> None:
    """The registered generators, or the options of one."""
    import inspect as introspection

    from seedbench.plugins import registry
    from seedbench.report.terminal import terminal_console

    console = terminal_console()
    if name is None:
        table = _table("generator", "from", "what it is")
        for known, kind in registry.load_all("generators").items():
            first = (introspection.getdoc(kind) or "").split("\n")[0]
            table.add_row(known, registry.entries("generators")[known].value, first)
        console.print(table)
        return
    kind = registry.load("generators", name)
    console.print(f"[bold]{name}[/bold]\n{introspection.getdoc(kind) or ''}", highlight=False)
    table = _table("option", "default")
    for option in list(introspection.signature(kind).parameters.values()):
        default = "needed" if option.default is introspection.Parameter.empty else repr(option.default)
        table.add_row(option.name, default)
    console.print(table)


def metrics(name: Annotated[str | None, typer.Argument(metavar="[METRIC]", help="Explain this one.")] = None) -> None:
    """The registered metrics, or what one declares."""
    from rich.padding import Padding
    from rich.text import Text

    from seedbench.plugins import registry
    from seedbench.plugins.metric import SetMetric
    from seedbench.plugins.real_footage import badge, real_footage_records
    from seedbench.report.terminal import terminal_console

    console = terminal_console()
    if name is None:
        table = _table("metric", "kind", "headline measures", "meaning")
        for known, kind in registry.load_all("metrics").items():
            info = kind.info
            headline = ", ".join(measure.name for measure in info.measures if measure.headline)
            table.add_row(known, "set" if issubclass(kind, SetMetric) else "clip", headline, info.meaning)
        console.print(table)
        return
    kind = registry.load("metrics", name)
    info = kind.info
    console.print(f"[bold]{info.name}[/bold]: {info.title} (version {info.version})", highlight=False)
    console.print(info.meaning, highlight=False)
    facts = [
        ("kind", "compares two sets of clips" if issubclass(kind, SetMetric) else "scores one clip"),
        ("needs", ", ".join(sorted(info.needs)) or "nothing"),
        ("weights", ", ".join(info.weights) or "none"),
        ("clips for a mean", f"at least {info.min_n}"),
        *([("tested by", info.testable[0].name)] if info.testable else []),
        *([("does not say", info.limits)] if info.limits else []),
        ("source", info.citation),
        ("real footage", badge(real_footage_records([name]).get(name), info.version)),
    ]
    table = _table("", "")
    for row in facts:
        table.add_row(*row)
    console.print(table)
    measures = _table("measure", "unit", "better", "range", "sign", "meaning")
    words = {"up": "more", "down": "less", "zero": "nearer 0", "none": "descriptive"}
    for measure in info.measures:
        low = "-inf" if measure.low is None else f"{measure.low:g}"
        high = "inf" if measure.high is None else f"{measure.high:g}"
        title = f"[bold]{measure.name}[/bold]" if measure.headline else measure.name
        facts_of_measure = (measure.unit, words[measure.direction], f"{low} .. {high}")
        if console.width >= _WIDE:
            measures.add_row(title, *facts_of_measure, measure.sign, measure.meaning)
            continue
        console.print(f"{title}: {', '.join(filter(None, facts_of_measure))}", highlight=False)
        for sentence in filter(None, (measure.meaning, measure.sign)):
            console.print(Padding(Text(sentence), (0, 0, 0, 2)))
    if measures.row_count:
        console.print(measures)


def doctor() -> None:
    """Check this installation: packages, weights, workspace, database, a clip written and read."""
    from seedbench.cli.checks import run_checks
    from seedbench.errors import SeedBenchError
    from seedbench.report.terminal import terminal_console

    console = terminal_console()
    checks = run_checks()
    table = _table("check", "", "finding")
    for check in checks:
        state = "[green]ok[/green]" if check.ok else "[yellow]optional[/yellow]" if check.optional else "[red]failed[/red]"
        table.add_row(check.name, state, check.finding)
    console.print(table)
    failed = [check.name for check in checks if not check.ok and not check.optional]
    if failed:
        raise SeedBenchError(f"{len(failed)} {'check' if len(failed) == 1 else 'checks'} failed: {', '.join(failed)}")
