"""A body that comes nearer to the camera or goes away from it: how its size changes, and where it would be seen at one distance.

A body of size s (pixels) whose centre is seen at (x, y) from the picture's centre is at the place (x, y) / s in space, measured in its own
diameters, and its distance is proportional to 1 / s. A body in free flight keeps its velocity towards the camera, and so does, nearly, one
that rolls: 1 / s changes in a straight line. Positions times s0 / s are those that a camera sees when the body stays at the distance
where its size is s0, and there gravity is one number again. Pure functions of arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWEST_SIZES = 5
"""Fewest pictures from which a change of size is measured."""
MOST_PAIRED = 60
"""Points of which all pairs are compared."""


@dataclass(frozen=True)
class SizeChange:
    """How the size of a body changes over its path.

    Attributes:
        share: Relative change of its diameter from the first to the last picture; +0.2: a fifth larger at the end.
        share_sd: Standard deviation of ``share``.
        relative: (n,) its diameter in each picture over that at the middle of the path, by the fitted law.
    """

    share: float
    share_sd: float
    relative: np.ndarray

    @property
    def significant(self) -> bool:
        """Whether the size changes by more than three standard deviations."""
        return abs(self.share) > 3.0 * self.share_sd


NO_CHANGE = SizeChange(0.0, float("inf"), np.ones(0))
"""The change of a size that could not be measured."""


def size_change(time_s: np.ndarray, diameter: np.ndarray, used: np.ndarray) -> SizeChange:
    """Fit 1 / size as a straight line in time, by the median of pairwise slopes (Theil 1950, Sen 1968).

    Args:
        time_s: (n,) ascending times, seconds.
        diameter: (n,) diameters above 0, pixels.
        used: (n,) bool, the pictures in which the diameter was measured.

    Returns:
        The change; :data:`NO_CHANGE` with fewer than :data:`FEWEST_SIZES` used pictures.

    >>> t = np.arange(20.0)
    >>> change = size_change(t, 100.0 / (10.0 - 0.1 * t), np.ones(20, bool))
    >>> round(change.share, 3), round(float(change.relative[-1] / change.relative[0]) - 1.0, 3), round(change.share_sd, 3)
    (0.235, 0.235, 0.0)
    """
    if used.sum() < FEWEST_SIZES:
        return NO_CHANGE
    chosen = np.flatnonzero(used)
    t, distance = time_s[chosen], float(np.median(diameter[chosen])) / diameter[chosen]
    some = np.s_[:: max(1, len(t) // MOST_PAIRED)]
    i, j = np.triu_indices(len(t[some]), 1)
    slope = float(np.median((distance[some][j] - distance[some][i]) / (t[some][j] - t[some][i])))
    middle = float(t.mean())
    level = float(np.median(distance - slope * (t - middle)))
    rest = distance - level - slope * (t - middle)
    scatter = 1.4826 * float(np.median(np.abs(rest)))
    fitted = level + slope * (time_s - middle)
    if fitted.min() <= 0.1 * level:
        return NO_CHANGE
    duration = float(time_s[-1] - time_s[0])
    slope_sd = scatter / float(np.sqrt(((t - middle) ** 2).sum()))
    return SizeChange(float(fitted[0] / fitted[-1] - 1.0), slope_sd * duration / level, level / fitted)


def at_one_distance(x: np.ndarray, y: np.ndarray, relative: np.ndarray, centre: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Where a body would be seen if it stayed at the distance at which its relative size is 1.

    Args:
        x: (n,) its centre, pixels.
        y: (n,) pixels.
        relative: (n,) its relative size, above 0.
        centre: (x, y) of the picture's centre, pixels: where the camera points (a picture that was cropped off its centre shifts the
            path by a straight line in time, which leaves parabolas parabolas).

    Returns:
        x and y, (n,) each.

    >>> at_one_distance(np.array([110.0, 120.0]), np.array([50.0, 50.0]), np.array([1.0, 2.0]), (100.0, 50.0))[0].tolist()
    [110.0, 110.0]
    """
    return centre[0] + (x - centre[0]) / relative, centre[1] + (y - centre[1]) / relative
