"""Means, rates and paired differences whose unit is the prompt, each with its interval and the name of its method.

Several seeds of one prompt are not independent clips: every function first averages within a prompt (the *cluster*) and then
reasons over prompts. Fewer than two prompts give a value without an interval, never an interval of width zero. Pure numpy and scipy.

Values that differ by rounding alone are equal (``SAME``). Equal values show no spread, so no t interval and no t test is made of them:
a measure with two bounds has an interval from its range, another one has none, with the reason, and the test is that of sign flips.
Values in steps (thirds, 0 or 1) are corrected by half a step, as Yates did for counts, or t would claim more than it may.
What this covers and rejects over 2 to 12 prompts: ``tests/benchmarks/interval_coverage.py`` and docs/report.md.

Sources: clustered standard errors and paired differences after Miller 2024 (arXiv 2411.00640); Clopper and Pearson 1934 with the
effective sample size of Korn and Graubard 1998; Yates 1934; Holm 1979.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaincinv, stdtr, stdtrit

SAME = 1e-9
"""Values that differ by less than this share of the largest of them are equal."""
_EXACT_SIGN_FLIPS = 16  # up to this many prompts all 2^P sign patterns are enumerated


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


@dataclass(frozen=True)
class PairedDifference:
    """Mean over prompts of (a - b), its t interval, the two-sided sign-flip p-value ``p`` and that of the t test ``p_t``.

    ``p_t`` is None where all differences are equal. ``reason`` says why there is no difference or no interval.
    ``n_prompts`` were scored on both sides; ``n_only_a`` and ``n_only_b`` on one side only, and are not part of the difference.
    """

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    n_prompts: int
    method: str
    n_only_a: int = 0
    n_only_b: int = 0
    p_t: float | None = None
    reason: str = ""

    def p_value(self, *, rate: bool) -> float | None:
        """The p-value to decide by: sign flips for rates, whose few values no t distribution fits; else the t test of the interval.

        Sign flips alone could never find a difference over five prompts (the smallest p is 1/16), however large and steady.
        """
        return self.p if rate or self.p_t is None else self.p_t


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
    method = f"mean-over-prompts/t{_percent(level)}"
    if not len(means):
        return Estimate(None, None, None, 0, 0, method)
    value = float(means.mean())
    if len(means) < 2:
        return Estimate(value, None, None, len(values), 1, method, reason=ONE_PROMPT)
    same = SAME * float(np.abs(np.asarray(values)).max())
    if np.ptp(means) <= same:
        floor, ceiling = _range_interval(value, len(means), level, low, high)
        shown, reason = ("", _all_equal(len(means))) if floor is None else (f"/range{_percent(level)}", "")
        return Estimate(value, floor, ceiling, len(values), len(means), f"mean-over-prompts{shown}", reason=reason)
    error = float(means.std(ddof=1)) / math.sqrt(len(means))
    half = _t(level, len(means) - 1) * error + _step(means, same) / (2 * len(means))
    return Estimate(value, value - half, value + half, len(values), len(means), method, error)


ONE_PROMPT = "one prompt: an interval needs two"


def _all_equal(n: int) -> str:
    return f"all {n} prompts have the same value, and it is not bounded on both sides"


def _range_interval(value: float, n: int, level: float, low: float | None, high: float | None) -> tuple[float, float] | tuple[None, None]:
    """The means within low..high that ``n`` equal values leave open, None without two bounds.

    Were the mean above ``value`` + share * (high - value), each value would exceed ``value`` with a chance of at least share (Markov), and
    that none of n does would have a chance below (1 - level) / 2; below likewise. So it covers whatever the law is.
    """
    if low is None or high is None:
        return None, None
    open_ = 1 - ((1 - _checked(level)) / 2) ** (1 / n)
    return value - max(0.0, value - low) * open_, value + max(0.0, high - value) * open_


def _step(values: np.ndarray, same: float) -> float:
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
    method = f"clopper-pearson{_percent(level)}"
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
    method = f"rate-over-prompts/clopper-pearson{_percent(level)}"
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
    poorly_known = (_t(level, clips - 1) / _t(level, prompts - 1)) ** 2
    effective = poorly_known * share * (1 - share) / (float(means.var(ddof=1)) / prompts)
    return min(max(effective, float(prompts)), at_most)


def paired_difference(
    a: Mapping[str, Sequence[float]],
    b: Mapping[str, Sequence[float]],
    *,
    level: float = 0.95,
    draws: int = 20_000,
    seed: int = 0,
    low: float | None = None,
    high: float | None = None,
) -> PairedDifference:
    """Mean over the common prompts of mean_seeds(a) - mean_seeds(b), with t interval, t test and sign-flip p-value.

    Prompts without a value on one side are counted, not compared. Under two common prompts there is no interval and no p. Where all
    differences are equal there is no t test; the interval is then that of the range, as in :func:`mean_interval`. Interval and t test of
    differences in steps are corrected by half a step of their sum.

    Args:
        a: The values of one side by prompt.
        b: Those of the other.
        level: Of the interval, 0..1.
        draws: Sign patterns drawn beyond 16 prompts.
        seed: Of the draws.
        low: The least value possible (of a value, not of a difference), None for no bound.
        high: The largest value possible.

    Returns:
        The difference. Up to 16 prompts its sign-flip p-value is exact (all 2^P sign patterns); beyond, it is Monte-Carlo with ``draws``
        patterns from ``seed`` as (1 + hits) / (1 + draws).

    Raises:
        ValueError: A value is not finite.

    >>> r = paired_difference({"p": [3.0], "q": [5.0], "r": [4.0]}, {"p": [1.0], "q": [4.0], "r": [1.0]})
    >>> r.difference, r.p, r.n_prompts
    (2.0, 0.25, 3)
    """
    in_a = {name for name, found in a.items() if len(found)}
    in_b = {name for name, found in b.items() if len(found)}
    both = sorted(in_a & in_b)
    n_only_a, n_only_b = len(in_a - in_b), len(in_b - in_a)
    method = f"paired-by-prompt/t{_percent(level)}"
    differences, same = _differences([a[name] for name in both], [b[name] for name in both])
    if len(both) < 2:
        value = float(differences[0]) if len(both) else None
        reason = ONE_PROMPT if len(both) else "no prompt on which both have an answer"
        return PairedDifference(value, None, None, None, len(both), method, n_only_a, n_only_b, reason=reason)
    n, value = len(both), float(differences.mean())
    p = sign_flip_p(differences, draws=draws, seed=seed)
    flips = "sign-flip-exact" if n <= _EXACT_SIGN_FLIPS else f"sign-flip-{draws}-seed{seed}"
    if np.ptp(differences) <= same:
        widest = None if low is None or high is None else high - low
        floor, ceiling = _range_interval(value, n, level, None if widest is None else -widest, widest)
        shown, reason = ("", _all_equal(n)) if floor is None else (f"/range{_percent(level)}", "")
        return PairedDifference(value, floor, ceiling, p, n, f"paired-by-prompt{shown}/{flips}", n_only_a, n_only_b, reason=reason)
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    half_step = _step(np.abs(np.append(differences, 0.0)), same) / (2 * n)
    half = _t(level, n - 1) * error + half_step
    p_t = 2 * float(stdtr(n - 1, -max(0.0, abs(value) - half_step) / error))
    return PairedDifference(value, value - half, value + half, p, n, f"{method}/{flips}", n_only_a, n_only_b, p_t)


def _differences(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> tuple[np.ndarray, float]:
    """Differences of means (P,), those of equal values 0; and the distance within which two of them are equal."""
    first, second = (np.array([np.mean(values) for values in side], dtype=np.float64) for side in (a, b))
    if not np.isfinite(first).all() or not np.isfinite(second).all():
        raise ValueError("a value that is not finite has no place in a difference; leave out what has no answer")
    same = SAME * float(np.abs(np.concatenate([first, second])).max(initial=0.0))
    found = first - second
    return np.where(np.abs(found) <= same, 0.0, found), same


def sign_flip_p(differences: np.ndarray, *, draws: int = 20_000, seed: int = 0) -> float:
    """Two-sided p-value of "the differences (P,) are symmetric about 0" under random signs; exact up to 16 differences.

    >>> sign_flip_p(np.array([1.0, 1.0, 1.0, 1.0]))
    0.125
    """
    count = len(differences)
    if not count:
        raise ValueError("no differences to test")
    observed = abs(float(differences.sum()))
    at_least = observed - 1e-9 * float(np.abs(differences).sum())  # equal sums in another order are ties
    if count <= _EXACT_SIGN_FLIPS:
        patterns = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        sums = np.abs((1 - 2 * patterns) @ differences)
        return float(np.mean(sums >= at_least))
    rng = np.random.default_rng(seed)
    hits = 0
    for start in range(0, draws, 1000):
        signs = rng.integers(0, 2, size=(min(1000, draws - start), count)) * 2 - 1
        hits += int(np.sum(np.abs(signs @ differences) >= at_least))
    return (1 + hits) / (1 + draws)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given.

    >>> [round(value, 2) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    if any(not 0 <= value <= 1 for value in p):
        raise ValueError("p-values lie in 0..1")
    adjusted = [0.0] * len(p)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        running = max(running, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = running
    return adjusted


def worst_value(direction: str, low: float | None, high: float | None, observed: Sequence[float]) -> float | None:
    """The value a missing answer is charged with: the worst possible one, or the worst one seen where the measure is unbounded.

    ``direction`` is that of a measure (``up``, ``down``, ``zero``, ``none``); ``none`` and an empty unbounded sample give None.

    >>> worst_value("up", 0.0, None, [0.7, 0.9]), worst_value("down", 0.0, None, [0.7, 0.9]), worst_value("zero", None, None, [-80.0, 40.0])
    (0.0, 0.9, 80.0)
    """
    seen = list(observed)
    if direction == "up":
        return low if low is not None else min(seen, default=None)
    if direction == "down":
        return high if high is not None else max(seen, default=None)
    if direction == "zero":
        bounds = [abs(bound) for bound in (low, high) if bound is not None]
        return max(bounds) if len(bounds) == 2 else max((abs(value) for value in seen), default=None)
    if direction == "none":
        return None
    raise ValueError(f"{direction!r} is no direction of a measure")


def worst_case_mean(
    values: Sequence[float | None], clusters: Sequence[Hashable], *, worst: float | None, direction: str = "", level: float = 0.95
) -> Estimate:
    """The second aggregate: ``values`` with None charged as ``worst`` (see :func:`worst_value`), so that no answer is never a gain.

    For ``direction="zero"`` the absolute values are averaged, since signed ones would cancel. ``worst=None`` gives no value.

    >>> worst_case_mean([0.8, None], ["a", "b"], worst=0.0).value
    0.4
    """
    missing = any(value is None for value in values)
    if missing and worst is None:
        return Estimate(None, None, None, len(values), len(set(clusters)), "no-answer-is-worst/mean-over-prompts")
    charged = [worst if value is None else value for value in values]
    numbers = [value for value in charged if value is not None]
    if direction == "zero":
        numbers = [abs(value) for value in numbers]
    found = mean_interval(numbers, clusters, level)
    return replace(found, method=f"no-answer-is-worst/{found.method}")


def _t(level: float, degrees: int) -> float:
    return float(stdtrit(degrees, 0.5 + _checked(level) / 2))


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not {level}")
    return level


def _percent(level: float) -> str:
    return f"{100 * _checked(level):g}"
