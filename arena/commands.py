"""``seedbench arena``: boards from votes, and votes from elsewhere."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from arena.board import Board
    from seedbench.workspace import Workspace

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
PREPARE_EXAMPLES = """[bold]Examples[/bold]

seedbench arena prepare mine

seedbench arena prepare mine theirs --name spring --settings study.yaml

Clips are shown matched by default: one canvas, rate, length, encoder and loudness. What cannot be brought into that form is refused.
"""
SERVE_EXAMPLES = """[bold]Examples[/bold]

seedbench arena serve spring

seedbench arena serve spring --port 8600

Votes are in the database before they are acknowledged; ended or killed, the arena goes on where it was.
"""
EXPORT_EXAMPLES = """[bold]Examples[/bold]

seedbench arena export spring --out spring-votes

seedbench arena board spring-votes/votes.jsonl --rules spring-votes/rules.json      (the same boards, anywhere)
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


@app.command(epilog=PREPARE_EXAMPLES)
def prepare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="The runs whose clips are compared.")],
    name: Annotated[str, typer.Option(help="The study's name; by default that of the first run.")] = "",
    settings: Annotated[Path | None, typer.Option(help="A YAML file of settings; by default matched clips and all questions.")] = None,
    rules: RulesFile = None,
) -> None:
    """Make the ballots of a study: every two systems' clips of one prompt and seed, in files that tell nothing of their maker."""
    from rich.console import Console
    from rich.progress import Progress

    from arena import ballots, study
    from arena import rules as rulesfile
    from arena.store import open_store
    from seedbench.reporting import load_report
    from seedbench.workspace import Workspace

    workspace = Workspace.current()
    store = open_store(workspace.database_url)
    asked, chosen = study.load(settings), rulesfile.load(rules)
    label = name or runs[0]
    entries = ballots.entries_of([load_report(store, workspace, run) for run in dict.fromkeys(runs)])
    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("preparing clips", total=None)
        made = ballots.prepare(
            store,
            clips_folder(workspace, label),
            entries,
            asked,
            chosen,
            label,
            tick=lambda done, of: progress.update(task, completed=done, total=of),
        )
    console.print(f"study {made.study}: {made.n_pairs} pairs of {made.n_clips} clips, {made.n_gold} gold pairs", highlight=False)
    for what, why in made.refused.items():
        console.print(f"refused: {what}: {why}", highlight=False)
    if made.lonely:
        console.print(f"{made.lonely} prompts have clips of one system only and are left out", highlight=False)


def clips_folder(workspace: Workspace, study: str) -> Path:
    """Where the clips of a study lie; its name as a hash, since a name may hold anything."""
    import hashlib

    return workspace.folder / "arena" / hashlib.sha256(study.encode()).hexdigest()[:16]


@app.command(epilog=SERVE_EXAMPLES)
def serve(
    study: Annotated[str, typer.Argument(help="The study.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port; if it is taken, that is an error.")] = 8501,
    address: Annotated[
        str, typer.Option(help="The address to listen on. Any but a loopback address opens the arena to the network.")
    ] = "127.0.0.1",
) -> None:
    """Open the arena to voters, on this machine alone unless told otherwise."""
    from arena.desk import Desk
    from arena.server import serve as open_to_voters
    from arena.store import open_store
    from seedbench.workspace import Workspace

    workspace = Workspace.current()
    desk = Desk(open_store(workspace.database_url), study, clips_folder(workspace, study))
    typer.echo(f"{study}: {sum(pair.kind == 'pair' for pair in desk.pairs.values())} pairs; http://{address}:{port} (Ctrl-C ends)")
    open_to_voters(desk, address=address, port=port)


@app.command()
def studies() -> None:
    """List the studies of this workspace."""
    from arena.export import studies as listed
    from arena.store import open_store
    from seedbench.workspace import Workspace

    for one in listed(open_store(Workspace.current().database_url)):
        typer.echo(f"{one.name}: {one.n_votes} votes of {one.n_voters} voters on {one.n_pairs} pairs, since {one.created_at}")


@app.command(epilog=EXPORT_EXAMPLES)
def export(
    study: Annotated[str, typer.Argument(help="The study.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
) -> None:
    """Write a study's votes without identities, its rules, settings and boards."""
    from arena.export import export as write_out
    from arena.store import open_store
    from seedbench.workspace import Workspace

    for file in write_out(open_store(Workspace.current().database_url), study, out):
        typer.echo(str(file))


@app.command()
def backup(out: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; nothing is written over.")]) -> None:
    """Copy the database into one file, also while the arena runs."""
    from arena.export import backup as copy
    from arena.store import open_store
    from seedbench.workspace import Workspace

    typer.echo(str(copy(open_store(Workspace.current().database_url), out)))


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
