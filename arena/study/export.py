"""Exporting a study: a vote log without identities, and everything that its boards are made of."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.arena.boards.build import boards
from seedbench.arena.boards.rendering import as_json, markdown
from seedbench.arena.store import BattleRow, ClipRow, PairRow, StudyRow, UndoneRow, VoteRow, VoterRow, study_of
from seedbench.arena.votes.log import Vote, write
from seedbench.arena.votes.rules import Rules
from seedbench.errors import StorageError
from seedbench.files.atomic import atomic_write
from seedbench.store import Store


@dataclass(frozen=True)
class StudySummary:
    """The progress of a study in one line.

    Attributes:
        name: The name of the study.
        created_at: When it was prepared (UTC, ISO 8601).
        n_pairs: The number of its pairs, without checks.
        n_voters: The number of its voters.
        n_votes: The number of votes that were not taken back.
    """

    name: str
    created_at: str
    n_pairs: int
    n_voters: int
    n_votes: int


def list_studies(store: Store) -> list[StudySummary]:
    """All studies of a database.

    Args:
        store: The database.

    Returns:
        A summary of each, the oldest first.
    """
    summaries = []
    with store.reading() as session:
        for row in session.scalars(select(StudyRow).order_by(StudyRow.id)):
            pairs = session.scalars(select(PairRow.id).where(PairRow.study_id == row.id, PairRow.kind == "pair")).all()
            voters = session.scalars(select(VoterRow.id).where(VoterRow.study_id == row.id)).all()
            votes = session.scalars(
                select(VoteRow.id).where(VoteRow.study_id == row.id, VoteRow.id.not_in(select(UndoneRow.vote_id)))
            ).all()
            summaries.append(StudySummary(row.name, row.created_at.isoformat(), len(pairs), len(voters), len(votes)))
    return summaries


def rules_of(store: Store, name: str) -> Rules:
    """The rules of a study.

    Args:
        store: The database.
        name: The name of the study.

    Returns:
        The rules that it was prepared with.

    Raises:
        StudyError: There is no such study.
    """
    with store.reading() as session:
        return Rules.model_validate(study_of(session, name).rules)


def vote_id(number: int) -> str:
    """The id of a vote in a vote log.

    Args:
        number: The id of the vote's row in the database.

    Returns:
        The id, in the same order as the numbers.
    """
    return f"v{number:08d}"


def votes_of(store: Store, name: str, *, every: int = 1) -> list[Vote]:
    """The votes of a study, sorted by time, without those taken back. Voters are numbered in the order in which they came.

    Args:
        store: The database.
        name: The name of the study.
        every: With more than 1, only votes that their voters can no longer take back, and of these, in the order in which that became so,
            the largest multiple of ``every``. Visitors see boards of such votes, so that nobody can learn from a board before and after
            their own vote who made the clips.

    Raises:
        StudyError: There is no such study.
    """
    with store.reading() as session:
        study = study_of(session, name)
        clips = {row.id: row for row in session.scalars(select(ClipRow).where(ClipRow.study_id == study.id))}
        order = select(VoterRow.id).where(VoterRow.study_id == study.id).order_by(VoterRow.first_at, VoterRow.id)
        voters = {voter: f"voter-{number:06d}" for number, voter in enumerate(session.scalars(order), 1)}
        query = (
            select(VoteRow, BattleRow, PairRow)
            .join(BattleRow, VoteRow.battle_id == BattleRow.id)
            .join(PairRow, BattleRow.pair_id == PairRow.id)
            .where(VoteRow.study_id == study.id, VoteRow.id.not_in(select(UndoneRow.vote_id)))
            .order_by(VoteRow.id)
        )
        votes = []
        for vote, battle, pair in session.execute(query):
            sides = (clips[pair.first_id], clips[pair.second_id])
            left, right = sides if battle.first_left else sides[::-1]
            expected = None
            if pair.expected is not None:
                expected = "left" if (pair.expected == "first") == battle.first_left else "right"
            votes.append(
                Vote(
                    id=vote_id(vote.id),
                    at=vote.at.replace(tzinfo=UTC),
                    battle=battle.id,
                    prompt=pair.prompt,
                    left=left.generator,
                    right=right.generator,
                    choice=vote.choice,  # type: ignore[arg-type]
                    voter=voters[vote.voter_id],
                    task=pair.task,
                    category=pair.category,
                    profile=pair.profile,  # type: ignore[arg-type]
                    with_sound=pair.with_sound,
                    kind=battle.kind,  # type: ignore[arg-type]
                    expected=expected,  # type: ignore[arg-type]
                    repeats=battle.repeats,
                    answers=vote.answers,
                    heard_left=vote.heard_left,
                    heard_right=vote.heard_right,
                    dwell_s=vote.dwell_s,
                    shorter_s=min(left.duration_s, right.duration_s),
                    sound_check=vote.sound_check,
                    captions=vote.captions,
                    probability=battle.probability,
                    style=style_difference(left, right),
                    origin=vote.origin,  # type: ignore[arg-type]
                )
            )
        if every > 1:
            settled = _settled(session, study.id)
            behind = sorted((settled[vote.id], vote.id) for vote in votes if vote.id in settled)
            among = {vote for _, vote in behind[: len(behind) // every * every]}
            votes = [vote for vote in votes if vote.id in among]
        return votes


def _settled(session: Session, study: int) -> dict[str, int]:
    """For each vote that its voter can no longer take back, the row of the voter's next vote, which made it so."""
    following: dict[str, int] = {}
    before: dict[str, int] = {}
    for row, voter in session.execute(select(VoteRow.id, VoteRow.voter_id).where(VoteRow.study_id == study).order_by(VoteRow.id)):
        if voter in before:
            following[vote_id(before[voter])] = row
        before[voter] = row
    return following


def style_difference(left: ClipRow, right: ClipRow) -> dict[str, float]:
    """Left minus right of every covariate of style that both clips have.

    Args:
        left: The clip on the left.
        right: The clip on the right.

    Returns:
        The difference by the covariate's name.
    """
    both = left.style.keys() & right.style.keys()
    return {
        name: round(left.style[name] - right.style[name], 6)
        for name in sorted(both)
        if left.style[name] is not None and right.style[name] is not None
    }


def export_study(store: Store, name: str, folder: Path) -> list[Path]:
    """Export a study; no cookie, key or comment is exported.

    Args:
        store: The database.
        name: The name of the study.
        folder: The folder to write into; it is made where it does not exist.

    Returns:
        The files: ``votes.jsonl``, ``rules.json``, ``settings.json``, ``boards.json`` and ``boards.md``.

    Raises:
        StudyError: There is no such study.
    """
    with store.reading() as session:
        settings = study_of(session, name).settings
    rules, votes = rules_of(store, name), votes_of(store, name)
    folder.mkdir(parents=True, exist_ok=True)
    all_boards = boards(votes, rules)
    files = {
        "rules.json": rules.model_dump_json(indent=1) + "\n",
        "settings.json": json.dumps(settings, indent=1) + "\n",
        "boards.json": as_json(all_boards),
        "boards.md": markdown(all_boards),
    }
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    return [write(votes, folder / "votes.jsonl"), *(folder / file for file in files)]


def backup(store: Store, file: Path) -> Path:
    """Copy the whole database, which may be in use, into one SQLite file.

    Args:
        store: The database.
        file: The file to write.

    Returns:
        The file.

    Raises:
        StorageError: The database is not SQLite, or the file exists.
    """
    if store.engine.dialect.name != "sqlite" or store.engine.url.database is None:
        raise StorageError(f"only SQLite is backed up here; use the tools of {store.engine.dialect.name}")
    if file.exists():
        raise StorageError(f"{file} exists already: a backup never overwrites a file")
    with (
        atomic_write(file) as part,
        closing(sqlite3.connect(store.engine.url.database)) as source,
        closing(sqlite3.connect(part)) as goal,
    ):
        source.backup(goal)
    return file
