"""The database: opening it, with migrations, and sessions for reading and writing that several processes can use at once."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from seedbench.errors import StorageError
from seedbench.files.locks import Holder, LockFileError
from seedbench.store.locks import key_of, locks_of

#: How long a process waits for a transaction of another process, in seconds.
BUSY_S = 30
_LOG = logging.getLogger(__name__)
_migration_lock = threading.Lock()


class Store:
    """A database of runs. It is upgraded to the newest schema when it is opened.

    Several processes may use it at once; worker processes do not.

    Args:
        url: an SQLAlchemy URL of a file of SQLite or of PostgreSQL (:attr:`seedbench.store.workspace.Workspace.database_url`).

    Attributes:
        locks: the locks of this database (:mod:`seedbench.files.locks`).

    Raises:
        StorageError: the URL names no database, or the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
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
        """A session that commits at its end, or rolls back after an exception.

        Another process may write between two of its statements: use :meth:`writing` to write what depends on what was read.

        Yields:
            An SQLAlchemy session. Its rows can still be read after it has ended, as far as they were loaded.

        Raises:
            StorageError: the database cannot be read or written.
        """
        with self._session("read or written") as session:
            yield session

    @contextmanager
    def _session(self, action: str) -> Iterator[Session]:
        with self._errors(action), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that no other :meth:`writing` overlaps, in any process: what it reads stays true until it commits.

        Keep it short, since others give up after ``BUSY_S`` seconds: hash, load and use the network before it or after it.

        Yields:
            An SQLAlchemy session.

        Raises:
            StorageError: the database cannot be written.
        """
        with self._session("written") as session:
            _begin_writing(session.connection())
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A read-only session that sees the database as it was at its first query, whatever others write meanwhile.

        Yields:
            An SQLAlchemy session.

        Raises:
            StorageError: the database cannot be read.
        """
        with self._session("read") as session:
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
    def _errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if "database is locked" in str(error.orig):
                raise StorageError(
                    f"the database {self.engine.url!r} cannot be {action}: another process has locked it for {BUSY_S} s. Nothing in it is "
                    "lost: run the command again, and if that fails too, look for a process that was stopped while it wrote"
                ) from error
            raise StorageError(f"the database {self.engine.url!r} cannot be {action} ({error.orig})") from error


def _engine(url: str) -> Engine:
    """The engine of a URL. Raises StorageError where the URL cannot be read, or needs a driver that is not installed."""
    remedy = "change SEEDBENCH_DATABASE_URL to sqlite:////FOLDER/FILE.db or postgresql+DRIVER://USER:PASSWORD@HOST/NAME, or unset it"
    try:
        return create_engine(url)
    except (ArgumentError, ValueError) as error:  # the text is not repeated, it may hold a password
        raise StorageError(f"the URL of the database cannot be read; {remedy}") from error
    except ModuleNotFoundError as error:
        raise StorageError(f"the URL of the database needs the Python package {error.name!r}, which is not installed; {remedy}") from error


def _begin_writing(connection: Connection) -> None:
    """Wait until no other process writes, and keep others from writing until this transaction ends."""
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
    """Run the Alembic migrations that this database has not had yet.

    One process at a time does so; the others wait, and log which process they wait for. A process that is killed leaves the database as
    it was.

    Args:
        engine: the database.
        scripts: the folder of migrations. A plug-in with tables of its own has its own.

    Raises:
        StorageError: the database can be neither SQLite in a file nor PostgreSQL.
        LockFileError: the lock of the database cannot be opened.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(scripts))
    with _migration_lock, locks_of(engine).hold("the form of the database", wait=_log_wait):
        with engine.connect() as connection:  # which keeps no other process from writing
            config.attributes["connection"] = connection
            newest = _is_newest(config)
        if newest:
            return
        with engine.begin() as connection:
            _begin_writing(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _log_wait(holder: Holder) -> None:
    _LOG.warning("waiting for %s, which upgrades the database", holder)


def _is_newest(config: Any) -> bool:
    """Whether the database of a configuration has had all migrations of its folder."""
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts, current = ScriptDirectory.from_config(config), []

    def look(revisions: Any, _context: Any) -> list[Any]:
        current.append(set(revisions))
        return []

    with EnvironmentContext(config, scripts, fn=look, dont_mutate=True):
        scripts.run_env()
    return current == [set(scripts.get_heads())]
