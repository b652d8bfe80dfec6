"""The arena's part of the database, beside the runs: studies, clips, pairs, voters, battles, votes, incidents."""

from __future__ import annotations

from pathlib import Path

from arena.store.models import BattleRow, ClipRow, IncidentRow, PairRow, StudyRow, UndoneRow, VoteRow, VoterRow
from seedbench.store import Store
from seedbench.store.session import upgrade

__all__ = ["BattleRow", "ClipRow", "IncidentRow", "PairRow", "StudyRow", "UndoneRow", "VoteRow", "VoterRow", "open_store"]


def open_store(url: str) -> Store:
    """The database at ``url`` with the arena's tables brought to their newest form. Raises StorageError."""
    store = Store(url)
    upgrade(store.engine, Path(__file__).parent / "migrations")
    return store
