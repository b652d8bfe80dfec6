"""A place of its own for what each process compiles.

numba keeps compiled functions (librosa's, for one) beside the package, and two processes that fill that place at the same time can leave
one's code under the other's name; whoever loads it then dies of a segmentation fault.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_held: list[Any] = []


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
            handle = (place / "lock").open("w")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.close()
                number += 1
                continue
            _held.append(handle)
            break
    os.environ["NUMBA_CACHE_DIR"] = str(place)
    return place
