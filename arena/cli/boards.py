"""Commands on vote logs: ``board`` and ``import``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from seedbench.arena.boards.board import Board

BOARD_EXAMPLES = """[bold]Examples[/bold]

seedbench arena board votes.jsonl

seedbench arena board votes.jsonl --overall-only --format markdown --out board.md

seedbench arena board votes.jsonl --rules mine.yaml

A board is a function of the vote log and the rules file; it prints the hashes of both.
"""
IMPORT_EXAMPLES = """[bold]Examples[/bold]

seedbench arena import battles.json --out votes.jsonl       (LMArena, FastChat: JSON, or JSON lines)

seedbench arena import train.csv --out votes.jsonl          (Kaggle: winner_model_a, winner_model_b, winner_tie)

seedbench arena import export.json --out votes.jsonl        (Label Studio: JSON, JSON-MIN or CSV, with model_a and model_b in the data)

seedbench arena import battles.csv --out votes.jsonl --task talking --silent

seedbench arena board votes.jsonl                           (a log of imported votes only: by the shipped rules for imported votes)

A row needs two systems (model_a, model_b; left, right) and a winner (model_a, model_b, tie, both_bad; left, right; A, B; 1, 2; 1, 0.5, 0;
or the name of the system). Votes without a voter (voter, judge, annotator) or a prompt (prompt, prompt_id) are never taken for independent:
where none is known, boards have no intervals. Rows that repeat an earlier one with its id or time count once. What was not recorded
(how long was watched, who checked the sound) stays unknown: checks count it as unchecked.
"""


def board(
    votes: Annotated[Path, typer.Argument(metavar="VOTES.JSONL", help="A vote log.")],
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules",
            help="A rules file; by default the rules.json that was exported with the votes, or else the shipped one (for a log of imported "
            "votes only: the shipped one for imported votes).",
        ),
    ] = None,
    overall_only: Annotated[
        bool, typer.Option("--overall-only", help="Leave out the boards by task, category and optional question.")
    ] = False,
    format: Annotated[Literal["table", "markdown", "json"], typer.Option(help="How to print the boards.")] = "table",
    out: Annotated[Path | None, typer.Option(help="Write into this file instead.")] = None,
    whole: Annotated[bool, typer.Option("--whole", hidden=True)] = False,
) -> None:
    """Make the boards of a vote log: ratings with intervals by prompt and voter, and ranks as far as they are certain."""
    from seedbench.arena.boards.build import boards
    from seedbench.arena.votes import log
    from seedbench.arena.votes.rules import FOR_IMPORTED, load, shipped_rules_file

    vote_log, exported = log.read(votes), votes.parent / "rules.json"
    if vote_log.n_repeated:
        typer.echo(f"{vote_log.n_repeated} lines of {votes} repeat an earlier one: such a vote is counted once", err=True)
    if rules is None and exported.exists():
        rules = exported
        typer.echo(f"rules: {exported}, exported with the votes", err=True)
    elif rules is None:
        rules = shipped_rules_file(vote_log.votes)
        if rules == FOR_IMPORTED:
            typer.echo("rules: the shipped ones for imported votes, since the log holds no others", err=True)
    all_boards = boards(vote_log.votes, load(rules), split=not (overall_only or whole))
    if not all_boards:
        raise log.VoteError(f"{votes} holds no votes")
    show_boards(all_boards, format, out)


def show_boards(boards: list[Board], format: str = "table", out: Path | None = None) -> None:
    """Print boards in a format, or write them into a file."""
    from rich.console import Console

    from seedbench.arena.boards.rendering import as_json, markdown, remarks, table
    from seedbench.report.terminal import terminal_console

    if format != "table":
        text = markdown(boards) if format == "markdown" else as_json(boards)
        if out is None:
            typer.echo(text, nl=False)
        else:
            out.write_text(text, encoding="utf-8")
        return
    with out.open("w", encoding="utf-8") if out is not None else nullcontext() as file:
        console = terminal_console() if file is None else Console(file=file, width=160)
        for shown in boards:
            if shown.standings:
                console.print(table(shown, console.width))
            else:
                console.print(shown.about.title, style="bold", markup=False)
            for line in remarks(shown):
                console.print(f"  {line}", highlight=False, markup=False)
            console.print()


def import_votes(
    battles: Annotated[Path, typer.Argument(metavar="FILE", help="Votes as CSV, JSON or JSON lines.")],
    out: Annotated[Path, typer.Option(help="The vote log to write.")],
    task: Annotated[str, typer.Option(help="The task of votes that name none.")] = "unknown",
    silent: Annotated[bool, typer.Option("--silent", help="The clips had no sound.")] = False,
) -> None:
    """Import votes of other arenas and annotation tools into a vote log: LMArena, FastChat, Kaggle, Label Studio, or tables like theirs."""
    from seedbench.arena.votes.importing import read
    from seedbench.arena.votes.log import VoteError, write

    if out.exists() and battles.exists() and out.samefile(battles):
        raise VoteError(f"{out}: --out is the file that is imported: it would be overwritten; give another name")
    imported = read(battles, task=task, with_sound=not silent)
    write(imported.votes, out)
    typer.echo(f"{len(imported.votes)} votes are in {out}")
    for reason, count in imported.left_out.items():
        typer.echo(f"{count} left out: {reason}")
    for remark in imported.remarks:
        typer.echo(remark)
