"""Shared intermediate results: computed once per clip, memoised on it, and cached on disk by content."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from seedbench.plugins.code_digest import WITHOUT_SOURCE, code_digest, is_unchanged

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

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


def analysis(*, version: int, weights: tuple[str, ...] = ()) -> Callable[[Callable[[Clip], Result]], Callable[[Clip], Result]]:
    """Turn a function of a clip into an analysis: once per clip, however many metrics ask, and once per content on disk.

    The result must be built of dataclasses, numpy arrays, numbers, strings, None, lists, tuples and dicts with string keys
    (:mod:`seedbench.store.codec`). ``version`` is raised when the result changes; ``weights`` names entries of lists of weights.
    Their hashes and that of the function's own code are part of the key. The code's is taken here, when it is loaded. Kept in memory alone:
    results of a function of a notebook, of one whose files changed between here and its first call, and of weights that cannot be read.
    """

    def wrap(function: Callable[[Clip], Result]) -> Callable[[Clip], Result]:
        name = f"{function.__module__}.{function.__qualname__}"
        code = code_digest(function)

        @functools.cache
        def is_known() -> bool:
            return not code.startswith(WITHOUT_SOURCE) and is_unchanged(function, code)

        @functools.wraps(function)
        def run(clip: Clip) -> Result:
            if name not in clip.memo:
                from seedbench.plugins.weights import UNREADABLE, sha256_of

                hashes = [sha256_of(weight) for weight in weights]
                if UNREADABLE in hashes or not is_known():
                    clip.memo[name] = function(clip)
                    return clip.memo[name]
                identity = "/".join([clip.sha256, name, str(version), code, *hashes])
                key = hashlib.sha256(identity.encode()).hexdigest()
                clip.memo[name] = cached(key, lambda: function(clip))
            return clip.memo[name]

        return run

    return wrap
