"""Locks between processes: who works on a run, a study or a file. The operating system frees them when their holder dies, however it dies.

A store has locks of its own (``store.locks``): files beside a SQLite database, advisory locks of a PostgreSQL server, so that everybody
who shares a database meets, and nobody else. What is locked is named in words that fit into a sentence (:func:`run_lock`).

    with store.locks.hold(run_lock(name), wait=tell):   # waits until the run is free; `tell` hears who works on it
    with store.locks.hold(run_lock(name)):              # for deletion: HeldError, a sentence, while another process works on the run
    store.locks.holder(run_lock(name))                  # for reports: who works on it now, or None

The lock of a run keeps its rows for whoever holds it. It says nothing of clips, which other runs may be taking over meanwhile. So whoever
removes a clip, and whoever refers to one, does it in ``store.writing()``, of which there is one at a time in a database: look whether a row
refers to the clip and remove the file, both inside of it and before it ends; or write the row and look whether the file is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from seedbench.errors import SeedBenchError, StorageError
from seedbench.files.atomic import atomic_write

_POLL_S = 0.1
#: How long a lock may be held without anybody hearing of it: others look, for an instant, whether it is free.
_GRACE_S = 1.0


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock, and since when (UTC); None where that cannot be told."""

    pid: int | None = None
    host: str = ""
    since: datetime | None = None

    @classmethod
    def this_process(cls) -> Holder:
        """This process, from now on."""
        return cls(os.getpid(), platform.node(), datetime.now(UTC).replace(microsecond=0))

    def __str__(self) -> str:
        """Words for a sentence.

        >>> str(Holder(4242, platform.node(), datetime(2026, 1, 31, 12, 5, tzinfo=UTC)))
        'process 4242, since 2026-01-31 12:05:00 UTC'
        >>> str(Holder(4242, "other"))
        'process 4242 on other'
        >>> str(Holder())
        'another process'
        """
        if self.pid is None:
            return "another process"
        host = "" if self.host == platform.node() else f" on {self.host}"
        return f"process {self.pid}{host}" + (f", since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since is not None else "")


class HeldError(SeedBenchError):
    """Something that another process works on; ``holder`` is that process."""

    def __init__(self, what: str, holder: Holder) -> None:
        super().__init__(f"{what} is in use ({holder}); wait until that process has ended, or end it, and give the command again")
        self.holder = holder


class LockFileError(StorageError):
    """A lock file that cannot be written."""


#: Told who holds a lock that is waited for: at first, and again when it is somebody else.
OnWait = Callable[[Holder], object]


class Locks(Protocol):
    """Locks by name, each held by one process at a time."""

    def hold(self, what: str, *, wait: OnWait | None = None) -> AbstractContextManager[None]:
        """Hold a lock for the length of a block. Without ``wait``, HeldError where another holds it; with it, wait until it is free."""

    def holder(self, what: str) -> Holder | None:
        """Who holds a lock now; None where nobody does."""


def run_lock(name: str) -> str:
    """The lock of a run: held while it is worked on or deleted."""
    return f"run {name!r}"


def acquire(attempt: Callable[[], bool], who: Callable[[], Holder | None], what: str, wait: OnWait | None) -> None:
    """Try ``attempt`` until it succeeds. Raises HeldError, with what ``who`` gives, where there is no ``wait`` and it goes on failing."""
    deadline = time.monotonic() + _GRACE_S
    known: Holder | None = None
    while not attempt():
        late = time.monotonic() > deadline
        if late and wait is None:
            raise HeldError(what, who() or Holder())
        holder = who() if late else None
        if wait is not None and holder is not None and holder != known:
            known = holder
            wait(holder)
        time.sleep(_POLL_S)


class FileLocks:
    """Locks that are files in ``folder``, which is made if its parent is there. Beside each lies who holds it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _place(self, what: str) -> Path:
        return self.folder / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.lock"

    @contextmanager
    def hold(self, what: str, *, wait: OnWait | None = None) -> Iterator[None]:
        """As :meth:`Locks.hold`. Raises LockFileError where the folder cannot be written."""
        place = self._place(what)
        record = place.with_suffix(".json")
        lock = _file_lock(place)
        acquire(lambda: _try_acquire(lock, place), lambda: self.holder(what), what, wait)
        try:
            me = Holder.this_process()
            for partial in place.parent.glob(f"{record.name}.*.part"):  # of a holder that was killed while it wrote
                partial.unlink(missing_ok=True)
            with suppress(OSError), atomic_write(record) as partial:  # on a full disk the lock holds all the same, of "another process"
                partial.write_text(json.dumps({"what": what, "pid": me.pid, "host": me.host, "since": str(me.since)}))
            yield
        finally:
            with suppress(OSError):
                record.unlink()
            lock.release()

    def holder(self, what: str) -> Holder | None:
        """As :meth:`Locks.holder`."""
        place = self._place(what)
        if not place.exists():
            return None
        lock = _file_lock(place)
        if _try_acquire(lock, place):
            lock.release()
            return None
        return _read_record(place.with_suffix(".json"))


def _file_lock(place: Path) -> FileLock:
    return FileLock(place, thread_local=False, timeout=0)


def _try_acquire(lock: FileLock, place: Path) -> bool:
    """Whether one attempt at a file lock succeeds."""
    with _as_storage_error(place):
        place.parent.mkdir(exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            return False
    return True


def _read_record(record: Path) -> Holder:
    """The process that wrote down that it holds a lock; unknown where that is not yet written, or was by one that is dead."""
    import psutil

    try:
        found = json.loads(record.read_text())
        holder = Holder(int(found["pid"]), str(found["host"]), datetime.fromisoformat(found["since"]))
    except (OSError, ValueError, KeyError):
        return Holder()
    return Holder() if holder.host == platform.node() and not psutil.pid_exists(int(found["pid"])) else holder


@contextmanager
def _as_storage_error(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LockFileError(f"{place} cannot be written ({error.strerror or error})") from error
