"""A place of its own for what each process compiles.

numba keeps compiled functions (librosa's, for one) beside the package, and two processes that fill that place at the same time can leave
one's code under the other's name; whoever loads it then dies of a segmentation fault. numba trusts what it finds there as well: an empty
file ends every call in an error, and a changed byte is run. So each place has a record of hashes, and what is not in it is compiled anew.
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
_place: Path | None = None
_recorded: dict[str, tuple[int, int]] = {}


def own_place(folder: Path) -> Path:
    """Take the first free of ``folder/0``, ``folder/1``, ... for this process's life, as numba's cache. Call it before numba is imported.

    The next process takes over a place that is free again, with all that was compiled there and recorded (:func:`record_compiled`).
    """
    global _place
    _place = _taken(folder)
    atexit.register(record_compiled)
    os.environ["NUMBA_CACHE_DIR"] = str(_place)
    return _place


def _taken(folder: Path) -> Path:
    try:
        import fcntl
    except ImportError:  # no such locks on this system: a place for each process, compiled anew
        place = folder / f"process-{os.getpid()}"
        place.mkdir(parents=True, exist_ok=True)
    else:
        number = 0
        while True:
            place = folder / str(number)
            place.mkdir(parents=True, exist_ok=True)
            lock = os.open(place / "lock", os.O_CREAT | os.O_RDWR)  # held, and given back, with the process
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                number += 1
                continue
            remove_unrecorded(place)
            break
    return place


def record_compiled() -> None:
    """Record the hashes of what this process has compiled since the last call: for the next one that takes the place over.

    What cannot be recorded is compiled again.
    """
    if _place is None:
        return
    with suppress(OSError):
        state = {name: (file.stat().st_size, file.stat().st_mtime_ns) for name, file in _compiled(_place).items()}
        if state == _recorded:
            return
        with atomic_write(_place / _RECORD) as partial:
            partial.write_text(json.dumps({name: _sha256(file) for name, file in _compiled(_place).items()}))
        _recorded.clear()
        _recorded.update(state)


def remove_unrecorded(place: Path) -> None:
    """Remove what was damaged since it was recorded, or was never recorded."""
    try:
        known = json.loads((place / _RECORD).read_bytes())
    except (OSError, ValueError):
        known = {}
    for name, file in _compiled(place).items():
        try:
            right = isinstance(known, dict) and not file.is_symlink() and file.is_file() and known.get(name) == _sha256(file)
        except OSError:
            right = False
        if not right:
            move_aside(file, place)
            file.unlink(missing_ok=True)


def _compiled(place: Path) -> dict[str, Path]:
    """numba's indices and compiled functions: in a folder for each package's folder, not deeper."""
    return {str(file.relative_to(place)): file for file in sorted(place.glob("*/*.nb[ic]"))}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
