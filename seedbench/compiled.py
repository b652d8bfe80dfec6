"""A place of its own for what each process compiles.

numba keeps compiled functions (librosa's, for one) beside the package, and two processes that fill that place at the same time can leave
one's code under the other's name; whoever loads it then dies of a segmentation fault.
"""

from __future__ import annotations

import os
from pathlib import Path


def own_place(folder: Path) -> Path:
    """Take the first free of ``folder/0``, ``folder/1``, ... for this process's life, as numba's cache. Call it before numba is imported.

    The next process takes over a place that is free again, with all that was compiled there.
    """
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
            break
    os.environ["NUMBA_CACHE_DIR"] = str(place)
    return place
