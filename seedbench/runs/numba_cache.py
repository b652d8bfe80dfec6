"""A cache folder of numba for each process.

numba keeps compiled functions (of librosa, for one) beside the package. Two processes that write there at the same time can leave the code
of one under the name of another, and whoever loads it then ends with a segmentation fault. numba also trusts what it reads: an empty file
ends every call with an error, and a changed byte is executed. So each process has a folder of its own with a record of hashes, and what is
not in the record is compiled again.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from seedbench.files.atomic import atomic_write, move_aside

_RECORD = "contents.json"
_folder: Path | None = None
_recorded: dict[str, tuple[int, int]] = {}


def take_cache_folder(folder: Path) -> Path:
    """Take the first free of ``folder/0``, ``folder/1``, ... until this process ends, as numba's cache. Call it before numba is imported.

    The next process takes a folder that is free again, with all that was compiled and recorded there (:func:`record_compiled`).
    """
    global _folder
    _folder = _first_free(folder)
    atexit.register(record_compiled)
    os.environ["NUMBA_CACHE_DIR"] = str(_folder)
    return _folder


def _first_free(parent: Path) -> Path:
    """A numbered folder in ``parent`` that no other process has locked; where there are no locks, one named after this process."""
    try:
        import fcntl
    except ImportError:  # this system has no such locks
        folder = parent / f"process-{os.getpid()}"
        folder.mkdir(parents=True, exist_ok=True)
    else:
        number = 0
        while True:
            folder = parent / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR)  # held, and given back, with the process
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                number += 1
                continue
            remove_unrecorded(folder)
            break
    return folder


def record_compiled() -> None:
    """Record the hashes of what this process has compiled since the last call: for the next process that takes the folder.

    What cannot be recorded is compiled again.
    """
    if _folder is None:
        return
    with suppress(OSError):
        state = {name: (file.stat().st_size, file.stat().st_mtime_ns) for name, file in _compiled(_folder).items()}
        if state == _recorded:
            return
        with atomic_write(_folder / _RECORD) as partial:
            partial.write_text(json.dumps({name: _sha256(file) for name, file in _compiled(_folder).items()}))
        _recorded.clear()
        _recorded.update(state)


def remove_unrecorded(folder: Path) -> None:
    """Remove what was damaged since it was recorded, or was never recorded."""
    try:
        known = json.loads((folder / _RECORD).read_bytes())
    except (OSError, ValueError):
        known = {}
    for name, file in _compiled(folder).items():
        try:
            right = isinstance(known, dict) and not file.is_symlink() and file.is_file() and known.get(name) == _sha256(file)
        except OSError:
            right = False
        if not right:
            move_aside(file, folder)
            file.unlink(missing_ok=True)


def _compiled(folder: Path) -> dict[str, Path]:
    """numba's indices and compiled functions: in a folder for each package's folder, not deeper."""
    return {str(file.relative_to(folder)): file for file in sorted(folder.glob("*/*.nb[ic]"))}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
