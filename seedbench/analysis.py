"""Shared intermediate results: computed once per clip, memoised on it, and cached on disk by content."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from seedbench.clip import Clip

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


def cached_bytes(key: str, make: Callable[[], bytes]) -> bytes:
    """The bytes under ``key`` in the process's cache, made and stored if they are not there."""
    found = _cache.get(key) if _cache is not None else None
    if found is not None:
        return found
    made = make()
    if _cache is not None:
        _cache.put(key, made)
    return made


def analysis(*, version: int, weights: tuple[str, ...] = ()) -> Callable[[Callable[[Clip], Result]], Callable[[Clip], Result]]:
    """Turn a function of a clip into an analysis: once per clip, however many metrics ask, and once per content on disk.

    The result must be built of dataclasses, numpy arrays, numbers, strings, None, lists, tuples and dicts with string keys
    (:mod:`seedbench.codec`). ``version`` is raised when the result changes; ``weights`` names entries of ``weights.toml`` whose
    hashes are part of the key.
    """

    def wrap(function: Callable[[Clip], Result]) -> Callable[[Clip], Result]:
        name = f"{function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        def run(clip: Clip) -> Result:
            if name not in clip.memo:
                from seedbench import codec
                from seedbench.weights import sha256_of

                identity = "/".join([clip.sha256, name, str(version), *(sha256_of(weight) for weight in weights)])
                key = hashlib.sha256(identity.encode()).hexdigest()
                fresh: list[Result] = []

                def make() -> bytes:
                    fresh.append(function(clip))
                    return codec.pack(fresh[0])

                data = cached_bytes(key, make)
                clip.memo[name] = fresh[0] if fresh else codec.unpack(data)
            return clip.memo[name]

        return run

    return wrap
