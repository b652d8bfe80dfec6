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

#: A file that has not changed for this long is hashed once in a process. Two writes within it could get the same time from a coarse clock.
_SETTLED_NS = 2_000_000_000


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hexadecimal digits.

    The file is read once in a process, as long as its state stays the same: device, inode, size and times.

    Raises:
        ClipUnavailableError: the file cannot be read, or ``path`` is a folder, a pipe or a device.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ClipUnavailableError(f"{path}: is {_kind(status.st_mode)}, not a file")
        state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS
        return (_sha256_of_state if settled else _sha256_of_state.__wrapped__)(path, state)
    except FileNotFoundError as error:
        problem = "is a link that leads to no file" if path.is_symlink() else "there is no such file"
        raise ClipUnavailableError(f"{path}: {problem}") from error
    except OSError as error:
        raise ClipUnavailableError(f"{path}: cannot be read ({error.strerror})") from error


@functools.lru_cache(maxsize=65536)
def _sha256_of_state(path: Path, state: tuple[int, ...]) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _kind(mode: int) -> str:
    """What kind of entry has this mode, as words, where it is not a file."""
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"


def digest_of(plain: Any) -> str:
    """The sha256 of JSON data in its canonical form (sorted keys, no spaces, ASCII), as 64 hexadecimal digits.

    Args:
        plain: dicts with text as keys, lists, text, numbers, booleans and None.

    Raises:
        TypeError: ``plain`` holds something else.

    >>> digest_of({"b": 1, "a": [2.5]}) == digest_of({"a": [2.5], "b": 1})
    True
    """
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()).hexdigest()
