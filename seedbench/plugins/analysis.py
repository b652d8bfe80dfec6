"""Analyses: results that several metrics share. Each is computed once for a clip and cached on disk by content."""

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
    """A decorator that turns a function of a clip into an analysis, computed once for each clip and each content.

    The key of a result on disk is made of the clip's sha256, the function's name, its version, the hash of its code (taken when it is
    decorated) and the hashes of its weights. Some results are kept in memory only: those of a function in a notebook, of a function
    whose files changed between its import and its first call, and of weights that cannot be read.

    Args:
        version: a whole number, raised when the same clip may give another result.
        weights: the names of the model weights that it uses, from lists of weights.

    Returns:
        The decorator. The function's result must consist of dataclasses, numpy arrays, numbers, text, None, lists, tuples, and dicts with
        text as keys (:mod:`seedbench.store.codec`). It is shared by all callers: do not write into it.

    Raises:
        TypeError: (when the analysis is called) its result has a part of another type.
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
