"""The cache of analyses and features: bytes by key on the disk, and the cache that a process uses.

A cache entry that is damaged, of another key or of another format is no entry: the result is computed again.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from seedbench.errors import StorageError
from seedbench.files.atomic import atomic_write, move_aside

#: What a cache entry begins with; 32 bytes of sha256 over key and payload follow, then the payload.
_FORMAT = b"seedbench cache 2\n"
_DIGEST_BYTES = 32


class DiskCache:
    """Analyses and features by key, in a folder; a file appears whole or not at all. Safe for several processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _place(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest() if len(key) != 64 else key
        return self.folder / name[:2] / name

    def get(self, key: str) -> bytes | None:
        """The bytes that were stored under ``key``; None where there are none, or others lie there."""
        try:
            entry = _read_file(self._place(key))
        except OSError:  # whatever keeps it from being read, the result can be computed again
            return None
        start = len(_FORMAT) + _DIGEST_BYTES
        payload = entry[start:]
        return payload if entry[:start] == _header(key, payload) else None

    def put(self, key: str, data: bytes) -> None:
        """Store bytes under ``key``, in place of whatever lies there. Raises StorageError when the folder cannot be written."""
        place = self._place(key)
        try:
            move_aside(place, self.folder)
            with atomic_write(place) as partial:
                partial.write_bytes(_header(key, data) + data)
        except OSError as error:
            raise StorageError(f"the cache {self.folder} cannot be written ({error.strerror})") from error


def _header(key: str, payload: bytes) -> bytes:
    return _FORMAT + hashlib.sha256(key.encode() + b"\0" + payload).digest()


def _read_file(place: Path) -> bytes:
    """The bytes of a plain file. Raises OSError for anything else; a pipe is not waited for, a link not followed."""
    handle = os.open(place, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{place} is no plain file")
        with open(handle, "rb", closefd=False) as stream:
            return stream.read()
    finally:
        os.close(handle)


Result = TypeVar("Result")


class ContentCache(Protocol):
    """Where analyses and features are kept between processes."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, data: bytes) -> None: ...


_cache: ContentCache | None = None


def use_cache(cache: ContentCache | None) -> ContentCache | None:
    """Set the disk cache of this process and return the one that was set before; None keeps results in memory only."""
    global _cache
    previous, _cache = _cache, cache
    return previous


def cached(key: str, make: Callable[[], Result], kind: type = object) -> Result:
    """The value under ``key`` in the process's cache; made and stored if it is not there, cannot be decoded or is no ``kind``.

    What ``make`` raises is never stored: raise where a failure may pass (memory, a file that cannot be read), return where it cannot.
    """
    from seedbench.store import codec

    data = _cache.get(key) if _cache is not None else None
    if data is not None:
        with suppress(codec.UndecodableError):  # of another version of the code; the value is computed again, and stored in its place
            found: Result = codec.unpack(data)
            if isinstance(found, kind):
                return found
    made = make()
    packed = codec.pack(made)
    if _cache is not None:
        _cache.put(key, packed)
    return made
