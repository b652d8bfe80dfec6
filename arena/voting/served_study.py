"""The study that a voting service serves: what its parts share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from seedbench.arena.settings import Settings
from seedbench.arena.store import study_of
from seedbench.arena.votes.rules import Rules
from seedbench.store import Store


def utc_now() -> datetime:
    """The time in UTC without a time zone, as the database stores it."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class ServedStudy:
    """One study of a database, as it is served.

    Attributes:
        store: The database.
        id: The id of the study's row.
        name: The name of the study.
        folder: The folder of its clips.
        settings: Its settings.
        rules: Its rules.
        key: The secret that signs its voters' cookies.
        clock: Gives the time (UTC, without a time zone).
        lock: The lock under which the parts of the service read and change their state.
    """

    store: Store
    id: int
    name: str
    folder: Path
    settings: Settings
    rules: Rules
    key: bytes
    clock: Callable[[], datetime] = utc_now
    lock: threading.RLock = field(default_factory=threading.RLock)


def load_study(store: Store, name: str, folder: Path, *, clock: Callable[[], datetime] = utc_now) -> ServedStudy:
    """Load a study with its settings and rules.

    Args:
        store: The database.
        name: The name of the study.
        folder: The folder of its clips.
        clock: Gives the time (UTC, without a time zone).

    Returns:
        The study.

    Raises:
        StudyError: There is no such study.
    """
    with store.session() as session:
        row = study_of(session, name)
        settings, rules = Settings.model_validate(row.settings), Rules.model_validate(row.rules)
        return ServedStudy(store, row.id, name, folder, settings, rules, row.key, clock)
