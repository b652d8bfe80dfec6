"""The cache of analyses and features: bytes by key on disk, and the cache that this process uses.

An entry that is damaged, belongs to another key or has another format is ignored, and the result is computed again.
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
    """A cache in a folder, one file for each key. Several processes may use it at once: files are written atomically.

    Args:
        folder: the folder; it is created where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest() if len(key) != 64 else key
        return self.folder / name[:2] / name

    def get(self, key: str) -> bytes | None:
        """The bytes stored under a key.

        Args:
            key: any text.

        Returns:
            The bytes; None where there are none, or the entry is damaged or unreadable.
        """
        try:
            entry = _read_file(self._path(key))
        except OSError:  # the result can be computed again
            return None
        start = len(_FORMAT) + _DIGEST_BYTES
        payload = entry[start:]
        return payload if entry[:start] == _header(key, payload) else None

    def put(self, key: str, data: bytes) -> None:
        """Store bytes under a key; an entry of that key is replaced.

        Args:
            key: any text that names the value and everything that it depends on.
            data: the bytes.

        Raises:
            StorageError: the folder cannot be written.
        """
        path = self._path(key)
        try:
            move_aside(path, self.folder)
            with atomic_write(path) as partial:
                partial.write_bytes(_header(key, data) + data)
        except OSError as error:
            hint = "free some space, or set SEEDBENCH_HOME to another folder"
            raise StorageError(f"the cache {self.folder} cannot be written ({error.strerror}); {hint}") from error


def _header(key: str, payload: bytes) -> bytes:
    return _FORMAT + hashlib.sha256(key.encode() + b"\0" + payload).digest()


def _read_file(path: Path) -> bytes:
    """The bytes of a plain file. Raises OSError for anything else: it does not wait for a pipe, or follow a link."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is not a plain file")
        with open(handle, "rb", closefd=False) as stream:
            return stream.read()
    finally:
        os.close(handle)


Result = TypeVar("Result")


class ContentCache(Protocol):
    """A cache of bytes by key, which :func:`use_cache` can set: ``get`` returns None for a key that it does not have."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, data: bytes) -> None: ...


_cache: ContentCache | None = None


def use_cache(cache: ContentCache | None) -> ContentCache | None:
    """Set the cache of this process.

    Args:
        cache: the cache for all results from now on; None: results are kept in memory only.

    Returns:
        The cache that was set before.
    """
    global _cache
    previous, _cache = _cache, cache
    return previous


def cached(key: str, compute: Callable[[], Result], kind: type = object) -> Result:
    """The value under ``key`` in the cache of this process, or else computed and stored there.

    Args:
        key: names the value and everything that it depends on.
        compute: computes the value. An exception that it raises is never stored: raise for failures that may pass (no memory, a file that
            cannot be read), return a value for those that stay.
        kind: the type of the value; an entry of another type is computed again.

    Returns:
        The value. It must be one that :func:`seedbench.store.codec.pack` can encode.

    Raises:
        TypeError: the value cannot be encoded.
        StorageError: the cache cannot be written.
    """
    from seedbench.store import codec

    data = _cache.get(key) if _cache is not None else None
    if data is not None:
        with suppress(codec.UndecodableError):  # written by another version of the code: computed again, and replaced
            stored: Result = codec.unpack(data)
            if isinstance(stored, kind):
                return stored
    value = compute()
    packed = codec.pack(value)
    if _cache is not None:
        _cache.put(key, packed)
    return value
