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
    """A value with its two-sided interval.

    Attributes:
        value: None where there are no clips.
        low, high: The interval; both None where there is none.
        n: How many clips the value is from.
        n_clusters: How many prompts these clips have.
        method: How the value and the interval were computed.
        standard_error: That of the value, where the interval is made from it.
        reason: Why there is no interval.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_clusters: int
    method: str
    standard_error: float | None = None
    reason: str = ""


def cluster_means(values: Sequence[float], clusters: Sequence[Hashable]) -> np.ndarray:
    """The mean of each cluster.

    Args:
        values: One for each clip.
        clusters: The prompt of each clip.

    Returns:
        (C,), the clusters in order of first appearance.

    Raises:
        ValueError: A value is not finite, or the two differ in length.

    >>> cluster_means([1.0, 3.0, 10.0], ["p1", "p1", "p2"]).tolist()
    [2.0, 10.0]
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values but {len(clusters)} cluster names")
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError("values must be finite; leave out the clips that have no value")
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
    """The mean over prompts of the mean over seeds, with Student's t interval on C - 1 degrees of freedom (C prompts).

    Clustered standard errors after Miller 2024 (arXiv 2411.00640). Every prompt weighs the same, however many of its clips were scored.
    With equal numbers of seeds the standard error is the usual clustered one. An interval of values in steps is half a step of their sum
    wider.

    Args:
        values: One for each clip.
        clusters: The prompt of each clip.
        level: The confidence level of the interval, 0..1.
        low: The least value possible, None for no bound.
        high: The largest value possible.

    Returns:
        The mean. Without an interval, and with the reason, for one prompt, and for equal values that are not bounded on both sides;
        bounded ones have the interval of their range (for 0 or 1 it is that of Clopper and Pearson).

    Raises:
        ValueError: A value is not finite, or ``values`` and ``clusters`` differ in length.

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
    """Why ``n`` equal values have no interval."""
    return f"all {n} prompts have the same value, and the measure is not bounded on both sides"


def range_interval(value: float, n: int, level: float, low: float | None, high: float | None) -> tuple[float, float] | tuple[None, None]:
    """The interval of a mean whose values are all equal, from the range of the measure alone.

    If the mean were above value + share * (high - value), each value would exceed ``value`` with a probability of at least ``share``
    (Markov's inequality), and the probability that none of n does would be below (1 - level) / 2; likewise below ``value``. So the
    interval covers for any distribution.

    Args:
        value: What all values are equal to.
        n: How many values there are, at least 1.
        level: The confidence level of the interval, 0..1.
        low: The least value possible, None for no bound.
        high: The largest value possible, None for no bound.

    Returns:
        The two ends; (None, None) without two bounds.

    Raises:
        ValueError: ``level`` is not between 0 and 1.
    """
    if low is None or high is None:
        return None, None
    share = 1 - ((1 - _checked(level)) / 2) ** (1 / n)
    return value - max(0.0, value - low) * share, value + max(0.0, high - value) * share


def least_step(values: np.ndarray, same: float) -> float:
    """The step of values that come in steps: the least distance of two that differ, where others are tied.

    Args:
        values: (N,), in any order.
        same: Values that differ by no more than this are equal.

    Returns:
        The distance; 0 where no two are tied, or all are.
    """
    gaps = np.diff(np.sort(values))
    apart = gaps[gaps > same]
    return float(apart.min()) if len(apart) and len(apart) < len(gaps) else 0.0


def clopper_pearson(successes: float, n: float, level: float = 0.95) -> Estimate:
    """The share of successes with the exact interval of Clopper and Pearson 1934.

    The interval never leaves 0..1, has width at 0 and at n successes, and never covers too little.

    Args:
        successes: 0..n; a fraction where ``n`` is an effective sample size.
        n: The number of trials; 0 gives no value.
        level: The confidence level of the interval, 0..1.

    Returns:
        The share and its interval, both within 0..1.

    Raises:
        ValueError: ``successes`` is not within 0..n.

    >>> e = clopper_pearson(8, 10)
    >>> round(e.low, 4), round(e.high, 4)
    (0.4439, 0.9748)
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n} trials: there must be 0 to {n:g}")
    method = f"clopper-pearson{percent(level)}"
    if n == 0:
        return Estimate(None, None, None, 0, 0, method)
    tail = (1 - _checked(level)) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - tail))
    return Estimate(successes / n, low, high, round(n), round(n), method)


def rate_interval(values: Sequence[float], clusters: Sequence[Hashable], level: float = 0.95) -> Estimate:
    """The share of ones among values of 0 and 1 (mean over prompts), with the interval of Clopper and Pearson.

    The interval is that of the effective number of clips, share * (1 - share) / clustered variance, times the square of the ratio of t at
    n - 1 and at C - 1 degrees of freedom, since the variance of few prompts is poorly known (Korn and Graubard 1998). It is at least the
    number of prompts C (as if seeds added nothing) and at most what independent seeds would be worth, C^2 / sum(1 / seeds of a prompt),
    which is n where all prompts have the same number of seeds. Where all prompts have the same mean it is the number of prompts.

    Args:
        values: 0 or 1 for each clip.
        clusters: The prompt of each clip.
        level: The confidence level of the interval, 0..1.

    Returns:
        The share and its interval, both within 0..1; no value without clips.

    Raises:
        ValueError: A value is neither 0 nor 1, or ``values`` and ``clusters`` differ in length.

    >>> e = rate_interval([1, 1, 0, 0], ["a", "b", "c", "d"])      # one seed per prompt: four tosses of a coin
    >>> e.value, round(e.low, 4), round(e.high, 4)
    (0.5, 0.0676, 0.9324)
    """
    if any(value not in (0, 1) for value in values):
        raise ValueError("the values of a rate must be zeros and ones")
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
    few_prompts = (t_quantile(level, clips - 1) / t_quantile(level, prompts - 1)) ** 2
    effective = few_prompts * share * (1 - share) / (float(means.var(ddof=1)) / prompts)
    return min(max(effective, float(prompts)), at_most)


def t_quantile(level: float, degrees: int) -> float:
    """The half-width of a two-sided interval of Student's t, in standard errors.

    Args:
        level: The confidence level of the interval, 0..1.
        degrees: The degrees of freedom, at least 1.

    Returns:
        The quantile of (1 + level) / 2, such as 12.7 for 0.95 and 1.

    Raises:
        ValueError: ``level`` is not between 0 and 1.
    """
    return float(stdtrit(degrees, 0.5 + _checked(level) / 2))


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level must lie between 0 and 1, not {level}")
    return level


def percent(level: float) -> str:
    """A confidence level as the names of methods have it: 0.95 is ``95``."""
    return f"{100 * _checked(level):g}"
