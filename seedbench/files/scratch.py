"""Room for files that are being made: each process has a folder of its own, which goes with it.

A process that was killed leaves its folder behind. The next one removes it: the folder's lock is free then, as the system sees to. Folders
of living processes are never touched.
"""

from __future__ import annotations

import atexit
import os
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock

from filelock import FileLock, Timeout

_LOCK = ".lock"
_own: dict[Path, tuple[Path, FileLock]] = {}
_threads = RLock()


def own_folder(root: Path, partial_files_in: Sequence[Path] = ()) -> Path:
    """This process's folder in ``root``, made at the first call; what dead processes left there is removed then.

    Where one of them was killed and nobody but this process is left, what it did not finish in the folders ``partial_files_in``
    (:func:`seedbench.files.atomic.atomic_write`) is removed as well. Raises OSError where there is no writing.
    """
    with _threads:
        if root in _own:
            return _own[root][0]
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / "lock", thread_local=False):  # nobody takes a folder that has no lock yet for one that was left behind
            dead, living = _remove_dead(root)
            if dead and not living:
                _remove_partial_files(partial_files_in)
            folder = root / f"process-{os.getpid()}-{uuid.uuid4().hex[:8]}"
            folder.mkdir()
            lock = FileLock(folder / _LOCK, thread_local=False, timeout=0)
            lock.acquire()
        _own[root] = folder, lock
        return folder


def _remove_dead(root: Path) -> tuple[int, int]:
    """Remove what no living process has made in ``root``; returns how many folders of dead processes there were, and of living ones."""
    dead, living, nobodys = [], 0, []
    for entry in root.iterdir():
        if not (entry / _LOCK).exists():
            nobodys += [entry] if entry.name != "lock" else []
            continue
        lock = FileLock(entry / _LOCK, thread_local=False, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            living += 1
        else:
            lock.release()
            dead.append(entry)
    for entry in [*dead, *([] if living else nobodys)]:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)  # a program that outlives its process may still write there: the next one tries again
        else:
            entry.unlink(missing_ok=True)
    return len(dead), living


def _remove_partial_files(folders: Sequence[Path]) -> None:
    for folder in folders:
        for file in folder.glob("*/*.part"):
            file.unlink(missing_ok=True)


def leave(root: Path) -> None:
    """Remove this process's folder in ``root``, if it has one."""
    with _threads:
        folder, lock = _own.pop(root, (None, None))
        if folder is not None and lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()


def _leave_all() -> None:
    for root in list(_own):
        with suppress(OSError):
            leave(root)


atexit.register(_leave_all)
