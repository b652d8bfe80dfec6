"""Which pictures of a shot repeat the one before, in no regular cadence: beside motion, and by the grain of filmed pictures.

Regular repeats are left out before anything is measured (:mod:`seedbench.clips.repeats`). What is left shows where in a clip time stands
still for a picture. Beside motion a repeat is a picture in which nothing moves. In a filmed clip each picture also has noise of its own,
so that repeats are seen where nothing moves as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.clips.repeats import repeats_beside_motion

REPEATED, NEW = 0.25, 0.5
"""Of what changes in a lively picture (the upper quartile), at most this share changes in a repeat, at least this share in a new picture.
Set on 53 filmed and generated clips and re-encoded repeats of 8 of them: filmed pictures change by 0.44 of it or more, but for four that
are held; repeats by 0 to 0.27, of noisy clips by up to all of it, so that some are missed."""
LIVELY = 0.5
"""The least share of the tiles of a lively picture that changes in a clip with grain."""
MOST_UNCLEAR = 0.1
"""Most pictures that may be neither repeated nor new, as a share of all. Filmed clips have 0 to 0.03, generated ones with little
motion 0.06 to 0.36, compressed ones (crf 30 to 40) less grain or 0 to 0.2. By grain, none of 15 clips filmed and
compressed so shows an uneven pace."""


@dataclass(frozen=True)
class Repeats:
    """Which pictures repeat the one before.

    Attributes:
        repeated: (T,) bool.
        known: (T,) bool, whether a repeat would be seen; no picture is repeated where it would not.
    """

    repeated: np.ndarray
    known: np.ndarray


def repeats_of(time_s: np.ndarray, change: np.ndarray | None, changing: np.ndarray) -> Repeats:
    """Find repeated pictures.

    Args:
        time_s: Times (T,) of the pictures in seconds.
        change: (T,) how much each picture differs from the one before, grey levels of the most changed block; None: not measured.
        changing: (T,) share 0..1 of the picture that differs at all from the one before.

    >>> rest_then_motion = np.repeat([0.1, 20.0], 10)
    >>> grain = np.where(np.isin(np.arange(20), [4, 14]), 0.0, 0.9)
    >>> np.flatnonzero(repeats_of(np.arange(20) / 25, rest_then_motion * (grain > 0), grain).repeated).tolist()
    [4, 14]
    """
    by_grain = _repeats_by_grain(changing)
    if change is None:
        return by_grain
    repeated, known = repeats_beside_motion(time_s, change)
    return Repeats(repeated | by_grain.repeated, known | by_grain.known)


def _repeats_by_grain(changing: np.ndarray) -> Repeats:
    nothing = np.zeros(len(changing), bool)
    lively = float(np.quantile(changing[1:], 0.75)) if len(changing) >= 8 else 0.0
    repeated = changing < REPEATED * lively
    repeated[:1] = False
    unclear = (changing < NEW * lively) & ~repeated
    if lively < LIVELY or float(unclear.mean()) > MOST_UNCLEAR:
        return Repeats(nothing, nothing)
    return Repeats(repeated, ~nothing)
