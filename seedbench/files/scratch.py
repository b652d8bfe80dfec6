"""Temporary files: each process has a folder of its own, which is removed when the process ends.

A process that was killed leaves its folder behind. The next process removes it: it finds that the folder's lock is free, which the
operating system sees to. Folders of living processes are never touched.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

from filelock import FileLock, Timeout

_LOG = logging.getLogger(__name__)
_LOCK = ".lock"
#: How long to wait for another process before that is logged, in seconds.
_SILENT_S = 1.0
_folders: dict[Path, tuple[Path, FileLock]] = {}
_threads = RLock()


def process_folder(root: Path, partial_files_in: Sequence[Path] = ()) -> Path:
    """The folder of this process in ``root``. The first call creates it, and removes the folders of dead processes there.

    Args:
        root: the folder of all processes' folders; created if it is missing.
        partial_files_in: folders with a level of folders in them. If a process was killed, and no process but this one works in ``root``,
            the files there that it did not finish (:func:`seedbench.files.atomic.atomic_write`) are removed as well.

    Raises:
        OSError: ``root`` cannot be written.
    """
    with _threads:
        if root in _folders:
            return _folders[root][0]
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root):  # or a folder that has no lock yet would look like one of a dead process
            dead, living = _remove_dead(root)
            if dead and not living:
                _remove_partial_files(partial_files_in)
            folder = root / f"process-{os.getpid()}-{uuid.uuid4().hex[:8]}"
            folder.mkdir()
            lock = FileLock(folder / _LOCK, thread_local=False, timeout=0)
            lock.acquire()
        _folders[root] = folder, lock
        return folder


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the lock of ``root``; log that this process waits for it."""
    lock = FileLock(root / "lock", thread_local=False)
    try:
        lock.acquire(timeout=_SILENT_S)
    except Timeout:
        _LOG.warning("waiting for another process, which removes temporary files in %s", root)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _remove_dead(root: Path) -> tuple[int, int]:
    """Remove from ``root`` what belongs to no living process; returns the numbers of dead and of living processes with a folder."""
    dead, living, without_lock = [], 0, []
    for entry in root.iterdir():
        if not (entry / _LOCK).exists():
            without_lock += [entry] if entry.name != "lock" else []
            continue
        lock = FileLock(entry / _LOCK, thread_local=False, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            living += 1
        else:
            lock.release()
            dead.append(entry)
    for entry in [*dead, *([] if living else without_lock)]:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)  # a program that outlives its process may still write there: the next one tries again
        else:
            entry.unlink(missing_ok=True)
    return len(dead), living


def _remove_partial_files(folders: Sequence[Path]) -> None:
    for folder in folders:
        for file in folder.glob("*/*.part"):
            file.unlink(missing_ok=True)


def remove_process_folder(root: Path) -> None:
    """Remove the folder of this process in ``root``, if it has one."""
    with _threads:
        folder, lock = _folders.pop(root, (None, None))
        if folder is not None and lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()


def _remove_all() -> None:
    for root in list(_folders):
        with suppress(OSError):
            remove_process_folder(root)


atexit.register(_remove_all)
