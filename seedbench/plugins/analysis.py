"""Shared intermediate results: computed once per clip, memoised on it, and cached on disk by content."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from seedbench.plugins.code_digest import WITHOUT_SOURCE, code_digest, is_unchanged
from seedbench.store.cache import Result, cached

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip


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
