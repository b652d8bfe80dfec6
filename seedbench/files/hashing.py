"""Hashes of content: of files, and of JSON data in one canonical form."""

from __future__ import annotations

import functools
import hashlib
import json
import stat
import time
from pathlib import Path
from typing import Any

from seedbench.errors import ClipUnavailableError

#: A file this long unchanged is hashed once a process; within it, a clock too coarse to tell two writes apart could hide the second.
_SETTLED_NS = 2_000_000_000


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, in hexadecimal; read once a process as long as the file's state (size, times, place on disk) is the same.

    Raises ClipUnavailableError if it cannot be read, or is no file but a folder, a pipe or a device.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ClipUnavailableError(f"{path}: is {_kind(found.st_mode)}, not a file")
        state = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        settled = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > _SETTLED_NS
        return (_sha256_of_state if settled else _sha256_of_state.__wrapped__)(path, state)
    except FileNotFoundError as error:
        what = "is a link that leads to no file" if path.is_symlink() else "there is no such file"
        raise ClipUnavailableError(f"{path}: {what}") from error
    except OSError as error:
        raise ClipUnavailableError(f"{path}: cannot be read ({error.strerror})") from error


@functools.lru_cache(maxsize=65536)
def _sha256_of_state(path: Path, state: tuple[int, ...]) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _kind(mode: int) -> str:
    """What something that is no file is, in words."""
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"


def digest_of(plain: Any) -> str:
    """sha256 of JSON data in one canonical form.

    >>> digest_of({"b": 1, "a": [2.5]}) == digest_of({"a": [2.5], "b": 1})
    True
    """
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()).hexdigest()
