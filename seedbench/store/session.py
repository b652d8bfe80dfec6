"""Opening the database: migrations first, then sessions, and locks for what no two processes may do at once."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from seedbench.errors import StorageError
from seedbench.files.locks import LockFileError
from seedbench.store.locks import key_of, locks_of

#: How long a process waits for another one's transaction before it gives up.
BUSY_S = 30
_migration_lock = threading.Lock()


class Store:
    """A database at ``url``, brought to the newest schema when opened. Only parent processes write to it; several may at once.

    ``locks`` are those of this database (:mod:`seedbench.files.locks`). Raises StorageError.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_engine(url)
        self.locks = locks_of(self.engine)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _sqlite_settings)
        with self._errors("opened"):
            try:
                upgrade(self.engine)
            except LockFileError as error:
                raise StorageError(f"the database {self.engine.url!r} cannot be opened ({error})") from error

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that commits at its end, or rolls back. Raises StorageError when the database cannot be written.

        Others may write between two of its statements: what is looked up first and written then belongs into :meth:`writing`.
        """
        with self._errors("written"), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session while which no other :meth:`writing` goes on, in any process: what it looked up stays true until it has committed.

        It is to be short: others wait for it for ``BUSY_S`` seconds. Nothing is hashed, loaded, or asked over a network inside of it.
        """
        with self.session() as session:
            _begin_writing(session.connection())
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees the database as it is at its first look, whatever others write meanwhile. Nothing can be written in it."""
        with self.session() as session:
            connection = session.connection()
            if connection.dialect.name == "postgresql":
                connection.execute(text("set transaction isolation level repeatable read, read only"))
            else:
                connection.exec_driver_sql("BEGIN")
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _errors(self, done: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if "database is locked" in str(error.orig):
                raise StorageError(
                    f"another process kept the database {self.engine.url!r} from being {done} for {BUSY_S} s; nothing of what is in it is "
                    "lost: give the command again, and if that goes on, look for a process that was stopped while it wrote"
                ) from error
            raise StorageError(f"the database {self.engine.url!r} cannot be {done} ({error.orig})") from error


def _begin_writing(connection: Connection) -> None:
    """Wait until nobody else writes, and keep it so until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": key_of("writing")})
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _sqlite_settings(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_S * 1000}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def upgrade(engine: Engine, scripts: Path = Path(__file__).parent / "migrations") -> None:
    """Run the Alembic migrations in the folder ``scripts`` that this database has not seen; a plug-in with tables has its own.

    Processes that open a new database at once do so one after the other, and one that is killed leaves it as it was. Raises StorageError.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(scripts))
    with _migration_lock, locks_of(engine).hold("the form of the database", wait=lambda _holder: None):
        with engine.connect() as connection:  # a look that keeps nobody from writing
            config.attributes["connection"] = connection
            newest = _is_newest(config)
        if newest:
            return
        with engine.begin() as connection:
            _begin_writing(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _is_newest(config: Any) -> bool:
    """Whether the database of a configuration has seen all migrations of its folder."""
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts, seen = ScriptDirectory.from_config(config), []

    def look(revisions: Any, _context: Any) -> list[Any]:
        seen.append(set(revisions))
        return []

    with EnvironmentContext(config, scripts, fn=look, dont_mutate=True):
        scripts.run_env()
    return seen == [set(scripts.get_heads())]
