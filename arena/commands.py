"""``seedbench arena``: boards from votes, and votes from elsewhere."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from arena.board import Board

app = typer.Typer(help="Blind pairs, votes, and boards that claim no more than the votes hold.", no_args_is_help=True)

BOARD_EXAMPLES = """[bold]Examples[/bold]

seedbench arena board votes.jsonl

seedbench arena board votes.jsonl --whole --format markdown --out board.md

seedbench arena board votes.jsonl --rules mine.yaml

A board is a function of the vote log and the rules file; it prints the hashes of both.
"""
IMPORT_EXAMPLES = """[bold]Examples[/bold]

seedbench arena import battles.json --out votes.jsonl       (LMArena, FastChat: JSON, or JSON lines)

seedbench arena import battles.csv --out votes.jsonl --task talking --silent

What was not recorded there (how long was watched, who checked the sound) stays unknown: checks count it as unchecked.
"""
Log = Annotated[Path, typer.Argument(metavar="VOTES.JSONL", help="A vote log.")]
RulesFile = Annotated[Path | None, typer.Option("--rules", help="A rules file; by default the shipped one.")]


@app.command(epilog=BOARD_EXAMPLES)
def board(
    votes: Log,
    rules: RulesFile = None,
    whole: Annotated[bool, typer.Option("--whole", help="Leave out the boards by task, category and optional question.")] = False,
    format: Annotated[Literal["table", "markdown", "json"], typer.Option(help="How to print them.")] = "table",
    out: Annotated[Path | None, typer.Option(help="Write into this file instead.")] = None,
) -> None:
    """Make the boards of a vote log: ratings with intervals by prompt and voter, ranks as far as they are sure."""
    from arena import rules as rulesfile
    from arena import votes as log
    from arena.board import boards

    read, chosen = log.read(votes), rulesfile.load(rules)
    found = boards(read, chosen, split=not whole)
    if not found:
        raise log.VoteError(f"{votes} holds no votes")
    _show(found, format, out)


def _show(found: list[Board], format: str, out: Path | None) -> None:
    from rich.console import Console

    from arena.showing import as_json, markdown, remarks, table

    if format != "table":
        text = markdown(found) if format == "markdown" else as_json(found)
        if out is None:
            typer.echo(text, nl=False)
        else:
            out.write_text(text, encoding="utf-8")
        return
    with out.open("w", encoding="utf-8") if out is not None else nullcontext() as file:
        console = Console(file=file, width=None if file is None else 160)
        for one in found:
            if one.standings:
                console.print(table(one))
            else:
                console.print(one.about.title, style="bold")
            for line in remarks(one):
                console.print(f"  {line}", highlight=False)
            console.print()


@app.command("import", epilog=IMPORT_EXAMPLES)
def import_(
    battles: Annotated[Path, typer.Argument(metavar="FILE", help="Votes as JSON, JSON lines or CSV.")],
    out: Annotated[Path, typer.Option(help="The vote log to write.")],
    task: Annotated[str, typer.Option(help="The task of votes that name none.")] = "unknown",
    silent: Annotated[bool, typer.Option("--silent", help="The clips had no sound.")] = False,
) -> None:
    """Bring votes from elsewhere into a log: LMArena and FastChat battles, or a CSV with the columns of either."""
    from arena.foreign import read
    from arena.votes import write

    found, left_out = read(battles, task=task, with_sound=not silent)
    write(found, out)
    typer.echo(f"{len(found)} votes are in {out}")
    for reason, count in left_out.items():
        typer.echo(f"{count} left out: {reason}")
