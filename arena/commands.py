"""``seedbench arena``: blind pairs for people to vote on, boards from votes, and votes from elsewhere."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from seedbench.arena.boards.board import Board
    from seedbench.arena.settings import Settings
    from seedbench.arena.votes.rules import Rules
    from seedbench.files.locks import Holder

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
STUDY_EXAMPLES = """[bold]Examples[/bold]

seedbench arena study spring

The same as the page for owners; `seedbench arena serve --help` says how to set up its login.
"""
DEMO_EXAMPLES = """[bold]Examples[/bold]

seedbench arena demo                                (on the clips of `make demo`)

seedbench arena demo mine --name trial --voters 40
"""
EXPORT_EXAMPLES = """[bold]Examples[/bold]

seedbench arena export spring --out spring-votes

seedbench arena board spring-votes/votes.jsonl      (the same boards, anywhere)
"""
Log = Annotated[Path, typer.Argument(metavar="VOTES.JSONL", help="A vote log.")]
RulesFile = Annotated[Path | None, typer.Option("--rules", help="A rules file; by default the shipped one.")]
RulesOfALog = Annotated[
    Path | None,
    typer.Option("--rules", help="A rules file; by default the rules.json that was exported with the votes, or else the shipped one."),
]


@app.command(epilog=BOARD_EXAMPLES)
def board(
    votes: Log,
    rules: RulesOfALog = None,
    whole: Annotated[bool, typer.Option("--whole", help="Leave out the boards by task, category and optional question.")] = False,
    format: Annotated[Literal["table", "markdown", "json"], typer.Option(help="How to print them.")] = "table",
    out: Annotated[Path | None, typer.Option(help="Write into this file instead.")] = None,
) -> None:
    """Make the boards of a vote log: ratings with intervals by prompt and voter, ranks as far as they are sure."""
    from seedbench.arena.boards.build import boards
    from seedbench.arena.votes import log as log
    from seedbench.arena.votes import rules as rulesfile

    beside = votes.parent / "rules.json"
    if rules is None and beside.exists():
        rules = beside
        typer.echo(f"rules: {beside}, exported with the votes", err=True)
    read, chosen = log.read(votes), rulesfile.load(rules)
    found = boards(read, chosen, split=not whole)
    if not found:
        raise log.VoteError(f"{votes} holds no votes")
    _show(found, format, out)


def _show(found: list[Board], format: str, out: Path | None) -> None:
    from rich.console import Console

    from seedbench.arena.boards.rendering import as_json, markdown, remarks, table

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
    set_stop_message("stopped; a study is made whole or not at all: `seedbench arena studies` says whether it was")
    from seedbench.arena.settings import load
    from seedbench.arena.votes import rules as rulesfile

    _prepare(runs, name or runs[0], load(settings), rulesfile.load(rules))


def _prepare(runs: list[str], label: str, asked: Settings, chosen: Rules) -> None:
    """Make the ballots, and say what became of the clips."""
    from rich.console import Console
    from rich.progress import Progress

    from seedbench.arena.settings import clips_folder
    from seedbench.arena.store import open_store
    from seedbench.arena.study import ballots
    from seedbench.results.load import load_report, spec_of
    from seedbench.store.workspace import Workspace

    workspace = Workspace.current()
    store = open_store(workspace.database_url)
    named = list(dict.fromkeys(runs))
    captions = {(run, prompt.id): ballots.captions_of(prompt) for run in named for prompt in spec_of(store, run).prompts}
    reports = [load_report(store, workspace, run, needs_clips=True) for run in named]
    entries = ballots.entries_of(reports, captions)
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
        console.print(f"left out: {made.lonely} of the pairs of prompt and seed, for which only one system has a clip", highlight=False)
    if made.unlike:
        console.print(f"left out: {made.unlike} of the pairs of clips, since one clip has sound and the other has none", highlight=False)
    unmade = sum(one.n_cells for report in reports for one in report.generators) - len(entries)
    if unmade:
        console.print(f"left out: {unmade} of the cells of the runs, which have no clip", highlight=False)


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
    newcomers: Annotated[
        int | None,
        typer.Option(min=1, help="New voters an hour from one network address, where many sit behind one; by default the study's."),
    ] = None,
) -> None:
    """Open the arena to voters, on this machine alone unless told otherwise."""
    set_stop_message("stopped; every acknowledged vote is kept; the same command opens the arena again")
    from seedbench.arena.settings import clips_folder, study_lock
    from seedbench.arena.store import open_store
    from seedbench.arena.voting.service import VotingService
    from seedbench.arena.web import login as logins
    from seedbench.arena.web.server import serve as open_to_voters
    from seedbench.store.workspace import Workspace

    if owner and login is None:
        raise logins.LoginError("owners are told from others by a login: name its file with --login")
    known = None if login is None else logins.load(login, owner or [])
    workspace = Workspace.current()
    store = open_store(workspace.database_url)
    with store.locks.hold(study_lock(study)):
        service = VotingService(store, study, clips_folder(workspace, study), new_voters_per_hour=newcomers)
        n_pairs = sum(pair.kind == "pair" for pair in service.assignment.pairs.values())
        open_to_voters(
            service, address=address, port=port, login=known, say=lambda at: typer.echo(f"{study}: {n_pairs} pairs; {at} (Ctrl-C ends)")
        )


@app.command(epilog=DEMO_EXAMPLES)
def demo(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run whose clips are compared.")] = "demo",
    name: Annotated[str, typer.Option(help="The study's name; by default the run's.")] = "",
    voters: Annotated[int, typer.Option(min=4, help="Simulated voters; three of them are odd on purpose.")] = 24,
    votes: Annotated[int, typer.Option(min=1, help="Votes each gives, as far as there are pairs.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is planted and what is said.")] = 0,
) -> None:
    """Try the arena out: a study of a run's clips, with votes of simulated voters marked as such, and what its board makes of them.

    They have not seen a clip: each system gets a strength by lot, which the board should find. Run again, it goes on where it was.
    """
    set_stop_message("stopped; the same command goes on from here")
    from datetime import UTC, datetime, timedelta

    from rich.console import Console
    from rich.progress import Progress

    from seedbench.arena.boards.build import boards
    from seedbench.arena.settings import Settings, StudyError, clips_folder, study_lock
    from seedbench.arena.store import open_store
    from seedbench.arena.study import simulated_voters as simulated
    from seedbench.arena.study.export import studies as listed
    from seedbench.arena.study.export import votes_of
    from seedbench.arena.votes import rules as rulesfile
    from seedbench.store.workspace import Workspace

    workspace, console, label = Workspace.current(), Console(), name or run
    store = open_store(workspace.database_url)
    chosen = simulated.rules_for(rulesfile.load(None))
    start = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=1)

    def tell(holder: Holder) -> None:
        console.print(
            f"{study_lock(label)} is in use ({holder}): waiting until that process has ended; Ctrl-C ends the wait", highlight=False
        )

    with store.locks.hold(study_lock(label), wait=tell):
        if label not in {one.name for one in listed(store)}:
            asked = Settings(title="Which clip is better? (a trial)", reveal=True, captions=True, width=456, height=256)
            _prepare([run], label, asked, chosen)
        elif not simulated.is_for_them(store, label):
            raise StudyError(
                f"the study {label!r} is for people, whose log simulated votes would stay in for good: choose another with --name"
            )
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
    console.print(f"{planted.n_votes} more votes of {planted.n_voters} simulated voters, who have not seen a clip", highlight=False)
    for place, manner in sorted(planted.odd.items()):
        console.print(f"  voter-{place + 1:06d} was odd on purpose: {manner}", highlight=False)
    _show(boards(votes_of(store, label), chosen, split=False), "table", None)
    console.print("planted strengths, which the board should find:")
    for system, strength in sorted(planted.strengths.items(), key=lambda item: -item[1]):
        console.print(f"  {strength:5.0f}  {system}", highlight=False)
    console.print(f"\nvote yourself: seedbench arena serve {label}   (its owner's view: seedbench arena study {label})", highlight=False)


@app.command()
def studies() -> None:
    """List the studies of this workspace."""
    from seedbench.arena.store import open_store
    from seedbench.arena.study.export import studies as listed
    from seedbench.store.workspace import Workspace

    for one in listed(open_store(Workspace.current().database_url)):
        typer.echo(f"{one.name}: {one.n_votes} votes of {one.n_voters} voters on {one.n_pairs} pairs, since {one.created_at}")


@app.command(epilog=STUDY_EXAMPLES)
def study(name: Annotated[str, typer.Argument(metavar="STUDY", help="The study.")]) -> None:
    """Tell how a study stands: progress, agreement of voters, what was left out and why, voters to look into, what was refused."""
    from rich.console import Console

    from seedbench.arena.store import open_store
    from seedbench.arena.study.export import rules_of, votes_of
    from seedbench.arena.study.progress import agreeing_of, exclusions_of, progress_of
    from seedbench.arena.votes.anomalies import anomalies, flagged
    from seedbench.arena.votes.rules import counted
    from seedbench.store.workspace import Workspace

    store, console = open_store(Workspace.current().database_url), Console(highlight=False)
    now, votes = progress_of(store, name), votes_of(store, name)
    use = counted(votes, rules_of(store, name))
    left_out = exclusions_of(use)
    n_simulated = sum(vote.origin == "simulated" for vote in votes)
    console.print(f"[bold]{now.title}[/bold] ({name})")
    console.print(
        f"{now.n_votes} votes of {now.n_voters} voters on {now.pairs_voted} of {now.n_pairs} pairs, {now.n_taken_back} taken back"
    )
    if n_simulated:
        console.print(f"{n_simulated} of these votes are those of simulated voters")
    console.print(f"{now.n_agreed} agreed to take part; sound checks: " + ", ".join(f"{n} {word}" for word, n in now.sound_checks.items()))
    if now.dwell_s is not None:
        console.print(f"{now.dwell_s[1]:.0f} s a pair ({now.dwell_s[0]:.0f} to {now.dwell_s[2]:.0f} for nine in ten)")
    for (one, other), (n, pairs, voted) in now.by_models.items():
        console.print(f"  {one} and {other}: {n} votes on {voted} of {pairs} pairs")
    console.print("\n[bold]Agreement[/bold] of votes that count (Krippendorff's alpha)")
    for found in agreeing_of(use.kept):
        console.print(f"  {found.question}: {found.words}; {found.alpha.n_units} pairs judged by two or more")
    console.print(f"\n[bold]Left out[/bold]: {left_out.n_excluded} votes; {left_out.n_counted} count")
    for check, said in left_out.checks.items():
        console.print(f"  {check}: {said['ok']} ok, {said['excluded']} excluded, {said['unchecked']} could not be checked")
    flags = flagged(anomalies(votes))
    console.print(f"\n[bold]Voters to look into[/bold]: {len(flags)} (a flag leaves nobody out)")
    for voter, mine in flags.items():
        console.print(f"  {voter}: " + "; ".join(f"{one.sign.replace('_', ' ')} ({one.sentence})" for one in mine))
    refused = ", ".join(f"{n} {kind}" for kind, n in now.incidents.items()) or "nothing"
    console.print(f"\n[bold]Refused[/bold]: {refused}")


@app.command(epilog=EXPORT_EXAMPLES)
def export(
    study: Annotated[str, typer.Argument(help="The study.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
) -> None:
    """Write a study's votes without identities, its rules, settings and boards."""
    from seedbench.arena.store import open_store
    from seedbench.arena.study.export import export as write_out
    from seedbench.store.workspace import Workspace

    for file in write_out(open_store(Workspace.current().database_url), study, out):
        typer.echo(str(file))


@app.command()
def backup(out: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; nothing is written over.")]) -> None:
    """Copy the database into one file, also while the arena runs."""
    from seedbench.arena.store import open_store
    from seedbench.arena.study.export import backup as copy
    from seedbench.store.workspace import Workspace

    typer.echo(str(copy(open_store(Workspace.current().database_url), out)))


@app.command("import", epilog=IMPORT_EXAMPLES)
def import_(
    battles: Annotated[Path, typer.Argument(metavar="FILE", help="Votes as JSON, JSON lines or CSV.")],
    out: Annotated[Path, typer.Option(help="The vote log to write.")],
    task: Annotated[str, typer.Option(help="The task of votes that name none.")] = "unknown",
    silent: Annotated[bool, typer.Option("--silent", help="The clips had no sound.")] = False,
) -> None:
    """Bring votes from elsewhere into a log: LMArena and FastChat battles, or a CSV with the columns of either."""
    from seedbench.arena.votes.importing import read
    from seedbench.arena.votes.log import write

    found, left_out = read(battles, task=task, with_sound=not silent)
    write(found, out)
    typer.echo(f"{len(found)} votes are in {out}")
    for reason, count in left_out.items():
        typer.echo(f"{count} left out: {reason}")
