"""Opening the database: migrations first, then sessions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from seedbench.errors import StorageError

_migration_lock = threading.Lock()


class Store:
    """A database at ``url``, brought to the newest schema when opened. Only the parent process writes to it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_engine(url)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _sqlite_settings)
        try:
            upgrade(self.engine)
        except OperationalError as error:
            raise StorageError(f"the database {self.engine.url!r} cannot be opened ({error.orig})") from error

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits at its end, or rolls back. Raises StorageError when the database cannot be written."""
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except DBAPIError as error:
            raise StorageError(f"the database {self.engine.url!r} cannot be written ({error.orig})") from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _sqlite_settings(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def upgrade(engine: Engine, scripts: Path = Path(__file__).parent / "migrations") -> None:
    """Run the Alembic migrations in the folder ``scripts`` that this database has not seen; a plug-in with tables has its own."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts))
    with _migration_lock, engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
