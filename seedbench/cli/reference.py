"""The page ``docs/cli.md``, written from the commands themselves: ``python -m seedbench.cli.reference > docs/cli.md``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from seedbench.cli.commands import app
from seedbench.plugins.registry import entries, load


def commands() -> Iterator[tuple[str, Any]]:
    """Every command of this package with its full name."""
    group: Any = typer.main.get_command(app)
    ours = {name: load("commands", name) for name, entry in entries("commands").items() if entry.dist and entry.dist.name == "seedbench"}
    for name, command in (group.commands | {name: typer.main.get_command(one) for name, one in ours.items()}).items():
        if hasattr(command, "commands"):
            for inner, sub in command.commands.items():
                yield f"{name} {inner}", sub
        else:
            yield name, command


def page() -> str:
    """The page in Markdown."""
    lines = ["# Commands", "", "Written by `python -m seedbench.cli.reference`; a test holds it to the code.", ""]
    for name, command in commands():
        lines += [f"## seedbench {name}", "", str(command.help or ""), ""]
        for parameter in command.params:
            if getattr(parameter, "hidden", False):
                continue
            text = _plain(str(getattr(parameter, "help", "") or ""))
            if parameter.param_type_name == "argument":
                lines.append(f"- `{parameter.name.upper()}`: {text}")
            else:
                default = parameter.default
                said = (
                    f" Default `{default}`." if isinstance(default, str | int) and not isinstance(default, bool) and default != "" else ""
                )
                lines.append(f"- `{'`, `'.join([*parameter.opts, *parameter.secondary_opts])}`: {text}{said}")
        if command.epilog:
            examples = [line for line in _plain(command.epilog).splitlines() if line.strip() and line.strip() != "Examples"]
            lines += ["", "```text", *examples, "```"]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _plain(text: str) -> str:
    return re.sub(r"\[/?bold\]", "", text).replace("\\[", "[")


if __name__ == "__main__":
    print(page(), end="")
