"""Commands on studies: ``prepare``, ``studies``, ``study``, ``export`` and ``backup``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from rich.console import Console

    from seedbench.arena.settings import Settings
    from seedbench.arena.study.ballots import PreparedStudy
    from seedbench.arena.votes.rules import Rules
    from seedbench.store import Store

PREPARE_EXAMPLES = """[bold]Examples[/bold]

seedbench arena prepare mine

seedbench arena prepare mine theirs --name spring --settings study.yaml

Clips are shown matched by default: one canvas, rate, length, encoder and loudness. What cannot be brought into that form is refused.
"""
STUDY_EXAMPLES = """[bold]Examples[/bold]

seedbench arena study spring

It shows the same as the owner's page; `seedbench arena serve --help` says how to set up the login for that page.
"""
EXPORT_EXAMPLES = """[bold]Examples[/bold]

seedbench arena export spring --out spring-votes

seedbench arena board spring-votes/votes.jsonl      (the same boards, anywhere)
"""


def prepare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="The runs whose clips are compared.")],
    name: Annotated[str, typer.Option(help="The study's name; by default that of the first run.")] = "",
    settings: Annotated[Path | None, typer.Option(help="A YAML file of settings; by default matched clips and all questions.")] = None,
    rules: Annotated[Path | None, typer.Option("--rules", help="A rules file; by default the shipped one.")] = None,
) -> None:
    """Make the ballots of a study: every two systems' clips of one prompt and seed, in files that do not show who made them."""
    set_stop_message("stopped; a study is prepared completely or not at all: `seedbench arena studies` says whether it was")
    from seedbench.arena.settings import load_settings
    from seedbench.arena.votes.rules import load

    prepare_study(runs, name or runs[0], load_settings(settings), load(rules))


def prepare_study(runs: list[str], name: str, settings: Settings, rules: Rules) -> None:
    """Make the ballots of a study, and print what became of the clips."""
    from rich.console import Console
    from rich.progress import Progress

    from seedbench.arena.settings import clips_folder
    from seedbench.arena.store import open_store
    from seedbench.arena.study import ballots
    from seedbench.arena.study.entries import captions_of, entries_of
    from seedbench.results.load import load_report, spec_of
    from seedbench.store.workspace import Workspace

    workspace = Workspace.current()
    store = open_store(workspace.database_url)
    runs = list(dict.fromkeys(runs))
    captions = {(run, prompt.id): captions_of(prompt) for run in runs for prompt in spec_of(store, run).prompts}
    reports = [load_report(store, workspace, run, needs_clips=True) for run in runs]
    entries = entries_of(reports, captions)
    console = Console(highlight=False)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("preparing clips", total=None)
        prepared = ballots.prepare(
            store,
            clips_folder(workspace, name),
            entries,
            settings,
            rules,
            name,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    n_cells = sum(generator.n_cells for report in reports for generator in report.generators)
    _print_prepared(console, prepared, n_without_clip=n_cells - len(entries))


def _print_prepared(console: Console, prepared: PreparedStudy, *, n_without_clip: int) -> None:
    console.print(f"study {prepared.study}: {prepared.n_pairs} pairs of {prepared.n_clips} clips, {prepared.n_gold} gold pairs")
    for clip, reason in prepared.refused.items():
        console.print(f"refused: {clip}: {reason}")
    if prepared.n_single:
        console.print(f"left out: {prepared.n_single} of the pairs of prompt and seed, for which only one system has a clip")
    if prepared.n_sound_mismatch:
        console.print(f"left out: {prepared.n_sound_mismatch} of the pairs of clips, since one clip has sound and the other has none")
    if n_without_clip:
        console.print(f"left out: {n_without_clip} of the cells of the runs, which have no clip")


def _open() -> Store:
    from seedbench.arena.store import open_store
    from seedbench.store.workspace import Workspace

    return open_store(Workspace.current().database_url)


def studies() -> None:
    """List the studies of this workspace."""
    from seedbench.arena.study.export import list_studies

    for study in list_studies(_open()):
        typer.echo(f"{study.name}: {study.n_votes} votes of {study.n_voters} voters on {study.n_pairs} pairs, since {study.created_at}")


def study(name: Annotated[str, typer.Argument(metavar="STUDY", help="The study.")]) -> None:
    """Show the state of a study: progress, agreement of voters, what was left out and why, voters to look into, what was refused."""
    from rich.console import Console

    from seedbench.arena.study.export import rules_of, votes_of
    from seedbench.arena.study.progress import agreement_by_question, exclusions_of, progress_of
    from seedbench.arena.votes.anomalies import anomalies, flagged
    from seedbench.arena.votes.rules import apply_rules

    store, console = _open(), Console(highlight=False)
    progress, votes = progress_of(store, name), votes_of(store, name)
    checked = apply_rules(votes, rules_of(store, name))
    exclusions = exclusions_of(checked)
    n_simulated = sum(vote.origin == "simulated" for vote in votes)
    console.print(f"[bold]{progress.title}[/bold] ({name})")
    console.print(
        f"{progress.n_votes} votes of {progress.n_voters} voters on {progress.pairs_voted} of {progress.n_pairs} pairs, "
        f"{progress.n_taken_back} taken back"
    )
    if n_simulated:
        console.print(f"{n_simulated} of these votes are those of simulated voters")
    sound_checks = ", ".join(f"{count} {result}" for result, count in progress.sound_checks.items())
    console.print(f"{progress.n_agreed} agreed to take part; sound checks: {sound_checks}")
    if progress.dwell_s is not None:
        low, middle, high = progress.dwell_s
        console.print(f"{middle:.0f} s a pair ({low:.0f} to {high:.0f} for nine in ten)")
    for (first, second), (n_votes, n_pairs, n_voted) in progress.by_models.items():
        console.print(f"  {first} and {second}: {n_votes} votes on {n_voted} of {n_pairs} pairs")
    console.print("\n[bold]Agreement[/bold] of votes that count (Krippendorff's alpha)")
    for question in agreement_by_question(checked.kept):
        console.print(f"  {question.question}: {question.words}; {question.alpha.n_units} pairs judged by two or more")
    console.print(f"\n[bold]Left out[/bold]: {exclusions.n_excluded} votes; {exclusions.n_counted} count")
    for check, answers in exclusions.checks.items():
        console.print(f"  {check}: {answers['ok']} ok, {answers['excluded']} excluded, {answers['unchecked']} could not be checked")
    flags = flagged(anomalies(votes))
    console.print(f"\n[bold]Voters to look into[/bold]: {len(flags)} (a flag excludes nobody)")
    for voter, findings in flags.items():
        console.print(f"  {voter}: " + "; ".join(f"{finding.sign.replace('_', ' ')} ({finding.sentence})" for finding in findings))
    refused = ", ".join(f"{count} {kind}" for kind, count in progress.incidents.items()) or "nothing"
    console.print(f"\n[bold]Refused[/bold]: {refused}")


def export(
    study: Annotated[str, typer.Argument(help="The study.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
) -> None:
    """Write a study's votes without identities, its rules, settings and boards."""
    from seedbench.arena.study.export import export_study

    for file in export_study(_open(), study, out):
        typer.echo(str(file))


def backup(out: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; an existing file is never overwritten.")]) -> None:
    """Copy the database into one file, also while the arena runs."""
    from seedbench.arena.study.export import backup as copy

    typer.echo(str(copy(_open(), out)))
