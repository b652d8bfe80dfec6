"""``seedbench arena``: boards from votes, and votes from elsewhere."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from arena.board import Board
    from arena.rules import Rules
    from arena.study import Settings
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

seedbench arena serve spring --login login.toml --owner me@example.org      (the study page, for who logs in under that address)

Votes are in the database before they are acknowledged; ended or killed, the arena goes on where it was.
"""
DEMO_EXAMPLES = """[bold]Examples[/bold]

seedbench arena demo                                (on the clips of `make demo`)

seedbench arena demo mine --name trial --voters 40
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
    from arena import rules as rulesfile
    from arena import study

    _prepare(runs, name or runs[0], study.load(settings), rulesfile.load(rules))


def _prepare(runs: list[str], label: str, asked: Settings, chosen: Rules) -> None:
    """Make the ballots, and say what became of the clips."""
    from rich.console import Console
    from rich.progress import Progress

    from arena import ballots
    from arena.store import open_store
    from seedbench.reporting import load_report
    from seedbench.workspace import Workspace

    workspace = Workspace.current()
    store = open_store(workspace.database_url)
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
    login: Annotated[
        Path | None, typer.Option(help="A TOML file with the secrets of a login service (OpenID Connect), for the study's owners.")
    ] = None,
    owner: Annotated[list[str] | None, typer.Option(help="An owner's mail address as the login service knows it; may be repeated.")] = None,
) -> None:
    """Open the arena to voters, on this machine alone unless told otherwise."""
    from arena import login as logins
    from arena.desk import Desk
    from arena.server import serve as open_to_voters
    from arena.store import open_store
    from seedbench.workspace import Workspace

    if owner and login is None:
        raise logins.LoginError("owners are told from others by a login: name its file with --login")
    known = None if login is None else logins.load(login, owner or [])
    workspace = Workspace.current()
    desk = Desk(open_store(workspace.database_url), study, clips_folder(workspace, study))
    typer.echo(f"{study}: {sum(pair.kind == 'pair' for pair in desk.pairs.values())} pairs; http://{address}:{port} (Ctrl-C ends)")
    open_to_voters(desk, address=address, port=port, login=known)


@app.command(epilog=DEMO_EXAMPLES)
def demo(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run whose clips are compared.")] = "demo",
    name: Annotated[str, typer.Option(help="The study's name; by default the run's.")] = "",
    voters: Annotated[int, typer.Option(min=4, help="Simulated voters; three of them are odd on purpose.")] = 24,
    votes: Annotated[int, typer.Option(min=1, help="Votes each gives, as far as there are pairs.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is planted and what is said.")] = 0,
) -> None:
    """Try the arena out: a study of a run's clips, with votes of simulated voters marked as such, and what its board makes of them."""
    from datetime import UTC, datetime, timedelta

    from rich.console import Console
    from rich.progress import Progress

    from arena import rules as rulesfile
    from arena import simulated, study
    from arena.board import boards
    from arena.export import studies as listed
    from arena.export import votes_of
    from arena.store import open_store
    from seedbench.workspace import Workspace

    workspace, console, label = Workspace.current(), Console(), name or run
    store = open_store(workspace.database_url)
    chosen = simulated.rules_for(rulesfile.load(None))
    if label in {one.name for one in listed(store)}:
        raise study.StudyError(f"there is a study called {label!r} already: open it with `seedbench arena serve`, or give another --name")
    _prepare([run], label, study.Settings(title="Which clip is better? (a trial)", reveal=True, width=456, height=256), chosen)
    start = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=1)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("simulated voters", total=voters)
        planted = simulated.vote(
            store,
            label,
            clips_folder(workspace, label),
            start=start,
            voters=voters,
            votes=votes,
            seed=seed,
            tick=lambda done, of: progress.update(task, completed=done, total=of),
        )
    console.print(f"{planted.n_votes} votes of {planted.n_voters} simulated voters, who know nothing of the clips", highlight=False)
    for place, manner in sorted(planted.odd.items()):
        console.print(f"  voter-{place + 1:06d} was odd on purpose: {manner}", highlight=False)
    found = boards(votes_of(store, label), chosen, split=False)
    _show(found, "table", None)
    console.print("planted strengths, which the board should find:")
    for system, strength in sorted(planted.strengths.items(), key=lambda item: -item[1]):
        console.print(f"  {strength:5.0f}  {system}", highlight=False)
    console.print(f"\nvote yourself: seedbench arena serve {label}   (its owner's view: seedbench arena study {label})", highlight=False)


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
