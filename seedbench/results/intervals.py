"""Means and rates whose unit is the prompt, each with its interval and the name of its method.

Several seeds of one prompt are not independent clips: every function first averages within a prompt (the *cluster*) and then
reasons over prompts. Fewer than two prompts give a value without an interval, never an interval of width zero. Pure numpy and scipy.

Values that differ by rounding alone are equal (``SAME``). Equal values show no spread, so no t interval is made of them: a measure with
two bounds has an interval from its range, another one has none, with the reason.
Values in steps (thirds, 0 or 1) are corrected by half a step, as Yates did for counts, or t would claim more than it may.
What this covers over 2 to 12 prompts: ``tests/benchmarks/interval_coverage.py`` and docs/report.md.

Sources: clustered standard errors after Miller 2024 (arXiv 2411.00640); Clopper and Pearson 1934 with the effective sample size of
Korn and Graubard 1998; Yates 1934.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, stdtrit

SAME = 1e-9
"""Values that differ by less than this share of the largest of them are equal."""


@dataclass(frozen=True)
class Estimate:
    """A value with its two-sided interval. ``n`` values from ``n_clusters`` prompts; ``None`` where there is no answer, and ``reason``
    says why there is no interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_clusters: int
    method: str
    standard_error: float | None = None
    reason: str = ""


def cluster_means(values: Sequence[float], clusters: Sequence[Hashable]) -> np.ndarray:
    """Mean of each cluster (C,) in order of first appearance.

    >>> cluster_means([1.0, 3.0, 10.0], ["p1", "p1", "p2"]).tolist()
    [2.0, 10.0]
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster names")
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("a value that is not finite has no place in a mean; leave out what has no answer")
    order: dict[Hashable, int] = {}
    index = np.array([order.setdefault(name, len(order)) for name in clusters], dtype=np.intp)
    return np.bincount(index, weights=array, minlength=len(order)) / np.bincount(index, minlength=len(order))


def mean_interval(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    level: float = 0.95,
    *,
    low: float | None = None,
    high: float | None = None,
) -> Estimate:
    """Mean over prompts of the mean over seeds, with a t interval on C - 1 degrees of freedom.

    Every prompt weighs the same, however many of its clips were scored. With equal numbers of seeds the standard error is the
    usual clustered one. An interval of values in steps is half a step of their sum wider.

    Args:
        values: One for each clip.
        clusters: The prompt of each.
        level: Of the interval, 0..1.
        low: The least value possible, None for no bound.
        high: The largest value possible.

    Returns:
        The mean. Without an interval, and with the reason, for one prompt, and for equal values that are not bounded on both sides;
        bounded ones have the interval of their range (for 0 or 1 it is that of Clopper and Pearson).

    Raises:
        ValueError: A value is not finite, or the columns differ in length.

    >>> e = mean_interval([1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1], [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
    >>> round(e.value, 5), round(e.standard_error, 6)
    (0.58333, 0.209718)
    >>> e = mean_interval([0.5] * 5, range(5), low=0.0, high=1.0)
    >>> round(e.low, 3), round(e.high, 3)
    (0.239, 0.761)
    """
    means = cluster_means(values, clusters)
    method = f"mean-over-prompts/t{percent(level)}"
    if not len(means):
        return Estimate(None, None, None, 0, 0, method)
    value = float(means.mean())
    if len(means) < 2:
        return Estimate(value, None, None, len(values), 1, method, reason=ONE_PROMPT)
    same = SAME * float(np.abs(np.asarray(values)).max())
    if np.ptp(means) <= same:
        floor, ceiling = range_interval(value, len(means), level, low, high)
        shown, reason = ("", all_equal_reason(len(means))) if floor is None else (f"/range{percent(level)}", "")
        return Estimate(value, floor, ceiling, len(values), len(means), f"mean-over-prompts{shown}", reason=reason)
    error = float(means.std(ddof=1)) / math.sqrt(len(means))
    half = t_quantile(level, len(means) - 1) * error + least_step(means, same) / (2 * len(means))
    return Estimate(value, value - half, value + half, len(values), len(means), method, error)


ONE_PROMPT = "one prompt: an interval needs two"


def all_equal_reason(n: int) -> str:
    return f"all {n} prompts have the same value, and it is not bounded on both sides"


def range_interval(value: float, n: int, level: float, low: float | None, high: float | None) -> tuple[float, float] | tuple[None, None]:
    """The means within low..high that ``n`` equal values leave open, None without two bounds.

    Were the mean above ``value`` + share * (high - value), each value would exceed ``value`` with a chance of at least share (Markov), and
    that none of n does would have a chance below (1 - level) / 2; below likewise. So it covers whatever the law is.
    """
    if low is None or high is None:
        return None, None
    open_ = 1 - ((1 - _checked(level)) / 2) ** (1 / n)
    return value - max(0.0, value - low) * open_, value + max(0.0, high - value) * open_


def least_step(values: np.ndarray, same: float) -> float:
    """The least distance of two values that differ by more than ``same``, where others are tied; 0 where no two are."""
    gaps = np.diff(np.sort(values))
    apart = gaps[gaps > same]
    return float(apart.min()) if len(apart) and len(apart) < len(gaps) else 0.0


def clopper_pearson(successes: float, n: float, level: float = 0.95) -> Estimate:
    """Share of successes with the exact interval, which never leaves 0..1, has width at 0 and at n successes, and never covers too little.

    ``successes`` and ``n`` may be fractional (an effective sample size). n = 0 gives no value.

    >>> e = clopper_pearson(8, 10)
    >>> round(e.low, 4), round(e.high, 4)
    (0.4439, 0.9748)
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    method = f"clopper-pearson{percent(level)}"
    if n == 0:
        return Estimate(None, None, None, 0, 0, method)
    tail = (1 - _checked(level)) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return Estimate(successes / n, low, high, round(n), round(n), method)


def rate_interval(values: Sequence[float], clusters: Sequence[Hashable], level: float = 0.95) -> Estimate:
    """Share of ones among 0/1 values (mean over prompts) with Clopper and Pearson's interval at the effective number of clips.

    The effective number is share * (1 - share) / clustered variance, times the square of the ratio of t at n - 1 and at C - 1 degrees of
    freedom, since a variance of few prompts is a poor one (Korn and Graubard 1998). It is held between the number of prompts C (seeds
    tell nothing new) and what independent seeds would be worth, C^2 / sum(1 / seeds of a prompt), which is n where all have as many.
    Where the prompts are all alike it is the number of prompts.

    >>> e = rate_interval([1, 1, 0, 0], ["a", "b", "c", "d"])      # one seed a prompt: four throws of a coin
    >>> e.value, round(e.low, 4), round(e.high, 4)
    (0.5, 0.0676, 0.9324)
    """
    if any(value not in (0, 1) for value in values):
        raise ValueError("a rate is made of zeros and ones")
    method = f"rate-over-prompts/clopper-pearson{percent(level)}"
    means = cluster_means(values, clusters)
    if not len(means):
        return Estimate(None, None, None, 0, 0, method)
    share = float(means.mean())
    effective = _effective_clips(means, share, clusters, level)
    bounds = clopper_pearson(min(share * effective, effective), effective, level)
    return Estimate(share, bounds.low, bounds.high, len(values), len(means), method)


def _effective_clips(means: np.ndarray, share: float, clusters: Sequence[Hashable], level: float) -> float:
    prompts, clips = len(means), len(clusters)
    if prompts < 2 or np.ptp(means) <= SAME:
        return float(prompts)
    seeds = np.array(list(Counter(clusters).values()))
    at_most = prompts**2 / float((1 / seeds).sum())
    poorly_known = (t_quantile(level, clips - 1) / t_quantile(level, prompts - 1)) ** 2
    effective = poorly_known * share * (1 - share) / (float(means.var(ddof=1)) / prompts)
    return min(max(effective, float(prompts)), at_most)


def t_quantile(level: float, degrees: int) -> float:
    return float(stdtrit(degrees, 0.5 + _checked(level) / 2))


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not {level}")
    return level


def percent(level: float) -> str:
    return f"{100 * _checked(level):g}"
