"""Locks between processes: which process works on a run, a study or a file. The operating system frees them when their holder dies.

A store has locks of its own (``store.locks``): files beside a SQLite database, or advisory locks of a PostgreSQL server. So all processes
that share a database share its locks. A lock is named by words that fit into a sentence (:func:`run_lock`).

    with store.locks.hold(run_lock(name), wait=show):   # waits until the run is free; `show` is called with the process that holds it
    with store.locks.hold(run_lock(name)):              # for deletion: HeldError while another process works on the run
    store.locks.holder(run_lock(name))                  # for reports: the process that works on it now, or None

The lock of a run protects its rows. It does not protect clips, which another run may be taking over at the same time. So a clip is removed,
or referred to, only in ``store.writing()``, which one process at a time can be in. Inside it, either look whether a row refers to the clip
and remove the file; or write the row and look whether the file exists.
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
#: How long to try silently, in seconds: a process that only looks whether a lock is free holds it for an instant.
_GRACE_S = 1.0


@dataclass(frozen=True)
class Holder:
    """The process that holds a lock, and since when (UTC); None where that is not known."""

    pid: int | None = None
    host: str = ""
    since: datetime | None = None

    @classmethod
    def this_process(cls) -> Holder:
        """This process, as a holder from now on."""
        return cls(os.getpid(), platform.node(), datetime.now(UTC).replace(microsecond=0))

    def __str__(self) -> str:
        """As words for a sentence.

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
    """Another process works on something; ``holder`` is that process."""

    def __init__(self, what: str, holder: Holder) -> None:
        super().__init__(f"{what} is in use ({holder}); wait until that process has ended, or end it, and run the command again")
        self.holder = holder


class LockFileError(StorageError):
    """A lock file that cannot be opened or locked."""


#: Called with the process that holds a lock while it is waited for: once, and again when another process holds it.
OnWait = Callable[[Holder], object]


class Locks(Protocol):
    """Locks by name, each held by one process at a time."""

    def hold(self, what: str, *, wait: OnWait | None = None) -> AbstractContextManager[None]:
        """Hold a lock during a block.

        Args:
            what: the name of the lock.
            wait: None: HeldError is raised where another process holds it. Otherwise wait until it is free, and call this meanwhile.
        """

    def holder(self, what: str) -> Holder | None:
        """The process that holds a lock now; None: it is free."""


def run_lock(name: str) -> str:
    """The name of the lock of a run, which is held while the run is worked on or deleted."""
    return f"run {name!r}"


def acquire(attempt: Callable[[], bool], find_holder: Callable[[], Holder | None], what: str, wait: OnWait | None) -> None:
    """Try ``attempt`` until it succeeds. Raises HeldError where ``wait`` is None and it still fails after a second."""
    deadline = time.monotonic() + _GRACE_S
    known: Holder | None = None
    while not attempt():
        late = time.monotonic() > deadline
        if late and wait is None:
            raise HeldError(what, find_holder() or Holder())
        holder = find_holder() if late else None
        if wait is not None and holder is not None and holder != known:
            known = holder
            wait(holder)
        time.sleep(_POLL_S)


class FileLocks:
    """Locks that are files in ``folder``, which is created if its parent exists. A JSON file beside each names its holder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, what: str) -> Path:
        return self.folder / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.lock"

    @contextmanager
    def hold(self, what: str, *, wait: OnWait | None = None) -> Iterator[None]:
        """As :meth:`Locks.hold`. Raises LockFileError where the lock file cannot be opened or locked."""
        path = self._path(what)
        record = path.with_suffix(".json")
        lock = _file_lock(path)
        acquire(lambda: _try_acquire(lock, path), lambda: self.holder(what), what, wait)
        try:
            me = Holder.this_process()
            for partial in path.parent.glob(f"{record.name}.*.part"):  # of a holder that was killed while it wrote
                partial.unlink(missing_ok=True)
            with suppress(OSError), atomic_write(record) as partial:  # on a full disk, the holder is only "another process"
                partial.write_text(json.dumps({"what": what, "pid": me.pid, "host": me.host, "since": str(me.since)}))
            yield
        finally:
            with suppress(OSError):
                record.unlink()
            lock.release()

    def holder(self, what: str) -> Holder | None:
        """As :meth:`Locks.holder`."""
        path = self._path(what)
        if not path.exists():
            return None
        lock = _file_lock(path)
        if _try_acquire(lock, path):
            lock.release()
            return None
        return _read_record(path.with_suffix(".json"))


def _file_lock(path: Path) -> FileLock:
    return FileLock(path, thread_local=False, timeout=0)


def _try_acquire(lock: FileLock, path: Path) -> bool:
    """Whether one attempt at a file lock succeeds."""
    with _as_storage_error(path):
        path.parent.mkdir(exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            return False
    return True


def _read_record(record: Path) -> Holder:
    """The process that recorded that it holds a lock; unknown where that is not written yet, or the process is dead."""
    import psutil

    try:
        entry = json.loads(record.read_text())
        pid = int(entry["pid"])
        holder = Holder(pid, str(entry["host"]), datetime.fromisoformat(entry["since"]))
    except (OSError, ValueError, KeyError):
        return Holder()
    return Holder() if holder.host == platform.node() and not psutil.pid_exists(pid) else holder


@contextmanager
def _as_storage_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LockFileError(f"the lock file {path} cannot be opened or locked ({error.strerror or error})") from error
