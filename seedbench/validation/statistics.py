"""Shares and areas under the curve with intervals whose unit is the file: several copies of one file are not independent."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import rankdata

from seedbench.plugins.shares import Proportion
from seedbench.results.intervals import rate_interval

_EDGE = 1e-9


def proportion(values: Sequence[bool], files: Sequence[Hashable]) -> Proportion:
    """How many of some trials are true, with the interval of Clopper and Pearson at the effective number of trials.

    Args:
        values: one for each trial.
        files: the file of each trial.

    Returns:
        The count and the 95% interval (:func:`seedbench.results.intervals.rate_interval`).

    >>> share = proportion([True, True, False, False], ["a", "b", "c", "d"])
    >>> share.count, share.total, round(share.low, 4), round(share.high, 4)
    (2, 4, 0.0676, 0.9324)
    """
    estimate = rate_interval([float(value) for value in values], files)
    return Proportion(count=sum(values), total=len(values), low=estimate.low, high=estimate.high)


@dataclass(frozen=True)
class AreaUnderCurve:
    """The area under a ROC curve with its interval.

    Attributes:
        value: the probability that a value of the first group is larger than one of the second (equal values count half), 0..1.
        low, high: its interval.
    """

    value: float
    low: float
    high: float


def area_under_curve(
    higher: Sequence[float], lower: Sequence[float], *, n_higher: int | None = None, n_lower: int | None = None, level: float = 0.95
) -> AreaUnderCurve:
    """The area under the ROC curve of two groups, with the score interval of Newcombe 2006 (his method 5).

    The interval solves (value - area)^2 = z^2 V(area) for the area, with the variance of Hanley and McNeil 1982. It never leaves 0..1 and
    has width also where the groups do not overlap. Where several values are of one file, the number of files is to be given: each file
    then counts once, so that the interval covers at least as often as it should.

    Args:
        higher: the group in which larger values are expected.
        lower: the other group.
        n_higher: how many independent values ``higher`` has (its files); None: all.
        n_lower: the same of ``lower``.
        level: the confidence level, 0..1.

    Returns:
        The area and its interval.

    Raises:
        ValueError: a group is empty, or a value is not finite.

    >>> area = area_under_curve([3.0, 4.0, 5.0, 6.0], [1.0, 2.0, 3.0, 4.0])
    >>> area.value, round(area.low, 3), round(area.high, 3)
    (0.875, 0.453, 0.981)
    """
    values = np.concatenate([np.asarray(higher, np.float64), np.asarray(lower, np.float64)])
    if not len(higher) or not len(lower):
        raise ValueError("each group needs a value")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite; leave out the copies that have none")
    m, n = len(higher), len(lower)
    area = float((rankdata(values)[:m].sum() - m * (m + 1) / 2) / (m * n))
    low, high = _score_interval(area, n_higher or m, n_lower or n, float(ndtri(0.5 + level / 2)))
    return AreaUnderCurve(area, low, high)


def _score_interval(area: float, m: int, n: int, z: float) -> tuple[float, float]:
    """Both ends of Newcombe's method 5 for ``m`` and ``n`` independent values."""
    others = (m + n) / 2 - 1

    def excess(theta: float) -> float:
        variance = theta * (1 - theta) / (m * n) * (1 + others * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
        return abs(theta - area) - z * math.sqrt(max(variance, 0.0))

    inside = min(max(area, _EDGE), 1 - _EDGE)  # at 0 and at 1 the equation has a second root, which is the value itself
    low = float(brentq(excess, 0.0, inside)) if inside > _EDGE and excess(0.0) > 0 else 0.0
    high = float(brentq(excess, inside, 1.0)) if inside < 1 - _EDGE and excess(1.0) > 0 else 1.0
    return low, high
