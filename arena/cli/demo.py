"""The command ``demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seedbench.arena.cli.boards import show_boards
from seedbench.arena.cli.studies import prepare_study
from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from seedbench.files.locks import Holder

DEMO_EXAMPLES = """[bold]Examples[/bold]

seedbench arena demo                                (on the clips of `make demo`)

seedbench arena demo mine --name trial --voters 40
"""


def demo(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run whose clips are compared.")] = "demo",
    name: Annotated[str, typer.Option(help="The study's name; by default the run's.")] = "",
    voters: Annotated[int, typer.Option(min=4, help="How many simulated voters; three of them do not vote as honest voters do.")] = 24,
    votes: Annotated[int, typer.Option(min=1, help="Votes of each voter, as far as there are pairs.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Decides the systems' simulated strengths and the votes.")] = 0,
) -> None:
    """Try the arena out: a study of a run's clips, with votes of simulated voters marked as such, and the board of these votes.

    Simulated voters have not seen a clip: each system gets a random strength, which the board should recover. Run again, the command
    continues where it was.
    """
    set_stop_message("stopped; the same command goes on from here")
    from datetime import UTC, datetime, timedelta

    from rich.console import Console
    from rich.progress import Progress

    from seedbench.arena.boards.build import boards
    from seedbench.arena.settings import Settings, StudyError, clips_folder, study_lock
    from seedbench.arena.store import open_store
    from seedbench.arena.study import simulated_voters as simulated
    from seedbench.arena.study.export import list_studies, votes_of
    from seedbench.arena.votes.rules import load
    from seedbench.store.workspace import Workspace

    workspace, console, study = Workspace.current(), Console(highlight=False), name or run
    store = open_store(workspace.database_url)
    rules = simulated.rules_counting_simulated_votes(load(None))
    start = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=1)

    def print_holder(holder: Holder) -> None:
        console.print(f"{study_lock(study)} is in use ({holder}): waiting until that process has ended; Ctrl-C ends the wait")

    with store.locks.hold(study_lock(study), wait=print_holder):
        if study not in {known.name for known in list_studies(store)}:
            settings = Settings(title="Which clip is better? (a trial)", reveal=True, captions=True, width=456, height=256)
            prepare_study([run], study, settings, rules)
        elif not simulated.counts_simulated_votes(store, study):
            raise StudyError(f"the study {study!r} is for people, and simulated votes would stay in its log: choose another with --name")
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("simulated voters", total=voters)
            result = simulated.simulate_votes(
                store,
                study,
                clips_folder(workspace, study),
                start=start,
                voters=voters,
                votes=votes,
                seed=seed,
                on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
    console.print(f"{result.n_votes} more votes of {result.n_voters} simulated voters, who have not seen a clip")
    for number, manner in sorted(result.unusual.items()):
        console.print(f"  voter-{number + 1:06d} votes unlike an honest voter: {manner}")
    show_boards(boards(votes_of(store, study), rules, split=False))
    console.print("simulated strengths, which the board should recover:")
    for system, strength in sorted(result.strengths.items(), key=lambda item: -item[1]):
        console.print(f"  {strength:5.0f}  {system}")
    console.print(f"\nvote yourself: seedbench arena serve {study}   (its owner's view: seedbench arena study {study})")
