"""The locks of a database: files for SQLite, advisory locks for PostgreSQL, which the server frees when a session ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from seedbench.errors import StorageError
from seedbench.files.locks import FileLocks, Holder, Locks, OnWait, acquire

_HOLDER = text("""
    select a.application_name from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and (l.classid::bigint << 32 | l.objid::bigint) = :key
    and l.database = (select oid from pg_database where datname = current_database())
""")


def locks_of(engine: Engine) -> Locks:
    """The locks of a database.

    Args:
        engine: the database.

    Returns:
        Locks that all processes with this database share: files beside a file of SQLite, advisory locks of a PostgreSQL server.

    Raises:
        StorageError: the database is neither PostgreSQL nor a file of SQLite.
    """
    if engine.dialect.name == "postgresql":
        return DatabaseLocks(engine)
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database or database == ":memory:":
        raise StorageError(f"the database {engine.url!r} is neither SQLite in a file nor PostgreSQL; change SEEDBENCH_DATABASE_URL")
    file = Path(database).resolve()
    return FileLocks(file.with_name(f"{file.name}.locks"))


def key_of(what: str) -> int:
    """The number of an advisory lock: 63 bits of a hash of its name."""
    return int.from_bytes(hashlib.sha256(f"seedbench {what}".encode()).digest()[:8], "big") >> 1


class DatabaseLocks:
    """Advisory locks of a PostgreSQL server. Each is held by a connection of its own, whose application name is that of its process.

    Args:
        engine: the database; its pool gives the connections.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def hold(self, what: str, *, wait: OnWait | None = None) -> Iterator[None]:
        """Hold a lock until the end of the block, as :meth:`seedbench.files.locks.Locks.hold`.

        Args:
            what: the name of the lock.
            wait: called with the holder while another process holds the lock; None: do not wait.

        Raises:
            HeldError: another process holds it, and ``wait`` is None.
            StorageError: the server cannot be reached.
        """
        me, key = Holder.this_process(), {"key": key_of(what)}
        seconds = int(me.since.timestamp()) if me.since is not None else 0
        name = f"seedbench {me.pid} {seconds} {me.host}"[:63]  # the server's limit
        with self._connection() as connection:
            try:
                with self._errors():
                    connection.execute(text("select set_config('application_name', :name, false)"), {"name": name})
                    attempt = text("select pg_try_advisory_lock(:key)")
                    acquire(lambda: bool(connection.scalar(attempt, key)), lambda: self.holder(what), what, wait)
                yield
            finally:
                connection.invalidate()  # ends the session, and with it the lock; a connection that goes back to the pool would keep both

    def holder(self, what: str) -> Holder | None:
        """Which process holds a lock, as :meth:`seedbench.files.locks.Locks.holder`.

        Args:
            what: the name of the lock.

        Returns:
            The process; None where the lock is free.

        Raises:
            StorageError: the server cannot be reached.
        """
        with self._connection() as connection, self._errors():
            name = connection.scalar(_HOLDER, {"key": key_of(what)})
        return None if name is None else _holder_from(str(name))

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._errors():
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StorageError(f"the database {self.engine.url!r} does not answer ({error.orig})") from error


def _holder_from(application: str) -> Holder:
    """The process whose session has this application name.

    >>> str(_holder_from("seedbench 12 0 other")), str(_holder_from("psql"))
    ('process 12 on other, since 1970-01-01 00:00:00 UTC', 'another process')
    """
    program, _, rest = application.partition(" ")
    try:
        pid, seconds, host = rest.split(" ", 2)
        return Holder(int(pid), host, datetime.fromtimestamp(int(seconds), UTC)) if program == "seedbench" else Holder()
    except ValueError:
        return Holder()
