"""Motion blur: how much longer a body looks along its motion because it moved while each picture was exposed. Pure functions of arrays.

A body of some size that moves at some speed leaves a streak of length size + speed x exposure, whose middle is where the body was in the
middle of the exposure. The slope of the streak's length over the speed is therefore the exposure. The faint ends of a streak lie below the
threshold of the foreground, so the *apparent* exposure, which describes the outlines that are seen, is shorter than the shutter's.
"""

from __future__ import annotations

import numpy as np

FEWEST_STREAKS = 8
"""Fewest pictures of a moving body from which the exposure is measured."""
LEAST_STEP_PX = 1.0
"""A body that moves by less than this from picture to picture has no direction in which it could be longer."""
LEAST_STREAK_PX = 2.5
"""Least difference in length between the streaks at low and at high speed; a smaller one may come from noise."""
TURN_SHARE = 0.5
"""Where the velocity changes by more than this share of the larger speed, and by ``TURN_PX`` a picture, the body turns: no streak."""
TURN_PX = 3.0
SAME_EXPOSURE = 2.0
"""The area must grow with the speed by what the streaks' length says, up to this factor: a body that turns keeps its area, and one that
comes nearer keeps its proportions."""
MOST_POINTS = 60
"""Points of which all pairs are compared."""


def velocities(time_s: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Velocity of a body in each picture, and whether it turns there.

    Next to a turn, the velocity is that of the side on which it changes less.

    Args:
        time_s: Times (n,) in seconds, ascending, n >= 3.
        centres: Places (n, 2) in pixels.

    Returns:
        Velocities (n, 2) in pixels per second, and (n,) bool: True where the velocity jumps.

    >>> velocity, turns = velocities(np.arange(6.0), np.array([[0.0, 0], [0, 9], [0, 18], [0, 20], [0, 11], [0, 2]]))
    >>> velocity[:, 1].tolist(), turns.tolist()
    ([9.0, 9.0, 9.0, -9.0, -9.0, -9.0], [False, False, True, True, False, False])
    """
    steps = np.diff(centres, axis=0) / np.diff(time_s)[:, None]
    before, after = np.concatenate([steps[:1], steps]), np.concatenate([steps, steps[-1:]])
    change = np.hypot(*(after - before).T)
    speed = np.maximum(np.hypot(*before.T), np.hypot(*after.T))
    turns = (change > TURN_SHARE * speed) & (change * float(np.median(np.diff(time_s))) > TURN_PX)
    beside = np.concatenate([[np.inf], change, [np.inf]])
    one_side = np.where((beside[:-2] < beside[2:])[:, None], before, after)
    return np.where(turns[:, None], one_side, np.gradient(centres, time_s, axis=0)), turns


def extents(points: np.ndarray, direction: np.ndarray) -> tuple[float, float]:
    """Length of an outline along a direction, and across it.

    Args:
        points: (N, 2) its pixels.
        direction: (2,) of length 1.

    Returns:
        Pixels.

    >>> extents(np.array([[0.0, 0], [9, 0], [0, 4], [9, 4]]), np.array([1.0, 0.0]))
    (10.0, 5.0)
    """
    return float(np.ptp(points @ direction)) + 1.0, float(np.ptp(points @ np.array([-direction[1], direction[0]]))) + 1.0


def streak_pictures(speed: np.ndarray, turns: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """The pictures that show how long a body's streak is: it moves and does not turn. At most about :data:`MOST_POINTS`, evenly spread.

    Args:
        speed: (n,) pixels per second.
        turns: (n,) bool, where the streak cannot be measured.
        time_s: (n,) seconds, ascending.

    Returns:
        Indices (m,), m <= n.
    """
    step_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    used = np.flatnonzero(~turns & (speed * step_s >= LEAST_STEP_PX))
    return used[:: max(1, len(used) // MOST_POINTS)]


def blur_of(speed: np.ndarray, along: np.ndarray, across: np.ndarray, area: np.ndarray) -> tuple[float, float]:
    """For how long the pictures of a moving body look exposed, and by how much the blur enlarges it.

    Args:
        speed: Its speed (n,) in each picture, pixels per second.
        along: Its length (n,) along its motion, pixels.
        across: Its length (n,) across its motion, pixels.
        area: Its area (n,), pixels.

    Returns:
        The apparent exposure in seconds, and the growth of the area in pixels for each pixel per second of speed. Both are 0 where the body
        does not get longer, and larger by as much, with its speed.

    >>> speed = np.linspace(100.0, 600.0, 20)
    >>> blur = blur_of(speed, 20 + 0.02 * speed, np.full(20, 20.0), 314 + 20 * 0.02 * speed)
    >>> round(blur[0], 4), round(blur[1], 4)
    (0.02, 0.4)
    >>> blur_of(speed, np.full(20, 20.0), np.full(20, 20.0), np.full(20, 314.0))
    (0.0, 0.0)
    """
    if len(speed) < FEWEST_STREAKS:
        return 0.0, 0.0
    longer, larger = _slope(speed, along - across), _slope(speed, area)
    by_area = larger / float(np.median(across))
    spread = float(np.ptp(np.quantile(speed, (0.1, 0.9))))
    if longer * spread < LEAST_STREAK_PX or not longer / SAME_EXPOSURE < by_area < longer * SAME_EXPOSURE:
        return 0.0, 0.0
    return longer, larger


def _slope(across: np.ndarray, values: np.ndarray) -> float:
    """Median of the slopes between all pairs of points (Theil 1950, Sen 1968)."""
    i, j = np.triu_indices(len(across), 1)
    apart = across[j] - across[i]
    differ = np.abs(apart) > 1e-6
    return float(np.median((values[j] - values[i])[differ] / apart[differ])) if differ.any() else 0.0


def smeared(mask: np.ndarray, streak: np.ndarray) -> np.ndarray:
    """An outline as a body leaves it that moves by ``streak`` during the exposure.

    Args:
        mask: (h, w) bool, the sharp outline.
        streak: (2,) motion (x, y) during the exposure, pixels.

    Returns:
        (h + |y|, w + |x|) bool, with the sharp outline's centre in the middle, up to half a pixel.

    >>> smeared(np.ones((1, 2), bool), np.array([3.0, 0.0])).astype(int).tolist()
    [[1, 1, 1, 1, 1]]
    """
    columns, rows = (round(abs(float(value))) for value in streak)
    height, width = mask.shape
    blurred = np.zeros((height + rows, width + columns), bool)
    for share in np.linspace(0.0, 1.0, max(rows, columns) + 1):
        down = round((share if streak[1] >= 0 else 1.0 - share) * rows)
        right = round((share if streak[0] >= 0 else 1.0 - share) * columns)
        blurred[down : down + height, right : right + width] |= mask
    return blurred


def sharpened(mask: np.ndarray, streak: np.ndarray) -> np.ndarray:
    """The outline of a body that moved by ``streak`` during the exposure, as it would be without that: the inverse of :func:`smeared`.

    Args:
        mask: (h, w) bool, the outline that is seen.
        streak: (2,) motion (x, y) during the exposure, pixels.

    Returns:
        (h - |y|, w - |x|) bool: where the outline holds the whole streak of a point. ``mask`` itself where nothing would be left.

    >>> sharpened(np.ones((1, 5), bool), np.array([3.0, 0.0])).astype(int).tolist()
    [[1, 1]]
    """
    columns, rows = (round(abs(float(value))) for value in streak)
    height, width = mask.shape[0] - rows, mask.shape[1] - columns
    if height < 1 or width < 1:
        return mask
    sharp = np.ones((height, width), bool)
    for share in np.linspace(0.0, 1.0, max(rows, columns) + 1):
        down = round((share if streak[1] >= 0 else 1.0 - share) * rows)
        right = round((share if streak[0] >= 0 else 1.0 - share) * columns)
        sharp &= mask[down : down + height, right : right + width]
    return sharp if sharp.any() else mask
