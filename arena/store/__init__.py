"""The arena's part of the database, beside the runs: studies, clips, pairs, voters, battles, votes, incidents."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.arena.settings import StudyError
from seedbench.arena.store.models import BattleRow, ClipRow, IncidentRow, PairRow, StudyRow, UndoneRow, VoteRow, VoterRow
from seedbench.store import Store
from seedbench.store.session import upgrade

__all__ = ["BattleRow", "ClipRow", "IncidentRow", "PairRow", "StudyRow", "UndoneRow", "VoteRow", "VoterRow", "open_store", "study_of"]


def open_store(url: str) -> Store:
    """Open the database at ``url`` and bring the arena's tables to their newest form. Raises StorageError."""
    store = Store(url)
    upgrade(store.engine, Path(__file__).parent / "migrations")
    return store


def study_of(session: Session, name: str) -> StudyRow:
    """A study by its name. Raises StudyError."""
    row = session.scalar(select(StudyRow).where(StudyRow.name == name))
    if row is None:
        known = ", ".join(session.scalars(select(StudyRow.name))) or "none"
        raise StudyError(f"there is no study called {name!r} (known: {known}): prepare one with `seedbench arena prepare`")
    return row
