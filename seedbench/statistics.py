"""Means, rates and paired differences whose unit is the prompt, each with its interval and the name of its method.

Several seeds of one prompt are not independent clips: every function first averages within a prompt (the *cluster*) and then
reasons over prompts. Fewer than two prompts give a value without an interval, never an interval of width zero. Pure numpy and scipy.

Sources: clustered standard errors and paired differences after Miller 2024 (arXiv 2411.00640); Wilson 1927; Holm 1979;
the design-effect form of Wilson's interval after Korn and Graubard 1998.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

_EXACT_SIGN_FLIPS = 16  # up to this many prompts all 2^P sign patterns are enumerated


@dataclass(frozen=True)
class Estimate:
    """A value with its two-sided interval. ``n`` values from ``n_clusters`` prompts; ``None`` where there is no answer."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_clusters: int
    method: str
    standard_error: float | None = None


@dataclass(frozen=True)
class PairedDifference:
    """Mean over prompts of (a - b), its t interval, the two-sided sign-flip p-value ``p`` and that of the t test ``p_t``.

    ``p_t`` is None where all differences are equal.
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

    def p_value(self, *, rate: bool) -> float | None:
        """The p-value to decide by: sign flips for rates, whose few values no t distribution fits; else the t test of the interval.

        Sign flips alone could never find a difference over five prompts (the smallest p is 1/16), however large and steady.
        """
        return self.p if rate or self.p_t is None else self.p_t


@dataclass(frozen=True)
class Coverage:
    """What stands behind a mean: clips with a value, clips without an answer, clips on which the metric broke down."""

    scored: int
    unscored: int
    failed: int

    @classmethod
    def of(cls, statuses: Iterable[str]) -> Coverage:
        """Count statuses ``scored``, ``unscored`` and ``failed``; any other word is a ValueError.

        >>> Coverage.of(["scored", "scored", "unscored"])
        Coverage(scored=2, unscored=1, failed=0)
        """
        counts = {"scored": 0, "unscored": 0, "failed": 0}
        for status in statuses:
            if status not in counts:
                raise ValueError(f"{status!r} is no status of a score")
            counts[status] += 1
        return cls(**counts)

    @property
    def total(self) -> int:
        """All clips the metric was asked about."""
        return self.scored + self.unscored + self.failed

    @property
    def share(self) -> float | None:
        """Scored clips over all clips, None when there are none."""
        return self.scored / self.total if self.total else None


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


def mean_interval(values: Sequence[float], clusters: Sequence[Hashable], level: float = 0.95) -> Estimate:
    """Mean over prompts of the mean over seeds, with a t interval on C - 1 degrees of freedom.

    Every prompt weighs the same, however many of its clips were scored. With equal numbers of seeds the standard error is the
    usual clustered one.

    >>> e = mean_interval([1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1], [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
    >>> round(e.value, 5), round(e.standard_error, 6)
    (0.58333, 0.209718)
    """
    means = cluster_means(values, clusters)
    method = f"mean-over-prompts/t{_percent(level)}"
    if not len(means):
        return Estimate(None, None, None, 0, 0, method)
    value = float(means.mean())
    if len(means) < 2:
        return Estimate(value, None, None, len(values), 1, method)
    error = float(means.std(ddof=1)) / math.sqrt(len(means))
    half = _t(level, len(means) - 1) * error
    return Estimate(value, value - half, value + half, len(values), len(means), method, error)


def wilson(successes: float, n: float, level: float = 0.95) -> Estimate:
    """Share of successes with Wilson's score interval, which never leaves 0..1 and has width at 0 and at n successes.

    ``successes`` and ``n`` may be fractional (an effective sample size). n = 0 gives no value.

    >>> e = wilson(8, 10)
    >>> round(e.low, 4), round(e.high, 4)
    (0.4902, 0.9433)
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    method = f"wilson{_percent(level)}"
    if n == 0:
        return Estimate(None, None, None, 0, 0, method)
    z = _z(level)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Estimate(share, low, high, round(n), round(n), method)


def rate_interval(values: Sequence[float], clusters: Sequence[Hashable], level: float = 0.95) -> Estimate:
    """Share of ones among 0/1 values (mean over prompts) with Wilson's interval at the effective number of clips.

    The effective number is share * (1 - share) / clustered variance, held between the number of prompts (seeds tell nothing new)
    and the number of clips (seeds are as good as prompts); where the values are all alike it is the number of prompts.

    >>> e = rate_interval([1, 1, 0, 0], ["a", "b", "c", "d"])      # one seed a prompt: plain Wilson
    >>> e.value, round(e.low, 4), round(e.high, 4)
    (0.5, 0.15, 0.85)
    """
    if any(value not in (0, 1) for value in values):
        raise ValueError("a rate is made of zeros and ones")
    method = f"rate-over-prompts/wilson{_percent(level)}"
    means = cluster_means(values, clusters)
    if not len(means):
        return Estimate(None, None, None, 0, 0, method)
    share = float(means.mean())
    effective = float(len(means))
    if len(means) > 1:
        variance = float(means.var(ddof=1)) / len(means)
        if variance > 0:
            effective = min(max(share * (1 - share) / variance, effective), float(len(values)))
    bounds = wilson(share * effective, effective, level)
    return Estimate(share, bounds.low, bounds.high, len(values), len(means), method)


def paired_difference(
    a: Mapping[str, Sequence[float]],
    b: Mapping[str, Sequence[float]],
    *,
    level: float = 0.95,
    draws: int = 20_000,
    seed: int = 0,
) -> PairedDifference:
    """Mean over the common prompts of mean_seeds(a) - mean_seeds(b), with t interval and sign-flip p-value.

    Up to 16 prompts the p-value is exact (all 2^P sign patterns); beyond, it is Monte-Carlo with ``draws`` patterns from ``seed``
    as (1 + hits) / (1 + draws). Prompts without a value on one side are counted, not compared. Under two common prompts there is
    no interval and no p.

    >>> r = paired_difference({"p": [3.0], "q": [5.0], "r": [4.0]}, {"p": [1.0], "q": [4.0], "r": [1.0]})
    >>> r.difference, r.p, r.n_prompts
    (2.0, 0.25, 3)
    """
    in_a = {name for name, found in a.items() if len(found)}
    in_b = {name for name, found in b.items() if len(found)}
    both = sorted(in_a & in_b)
    only = {"n_only_a": len(in_a - in_b), "n_only_b": len(in_b - in_a)}
    method = f"paired-by-prompt/t{_percent(level)}"
    differences = np.array([np.mean(a[name]) - np.mean(b[name]) for name in both], dtype=np.float64)
    if not np.isfinite(differences).all():
        raise ValueError("a value that is not finite has no place in a difference; leave out what has no answer")
    if len(both) < 2:
        value = float(differences[0]) if len(both) else None
        return PairedDifference(value, None, None, None, len(both), method, **only)
    value = float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(len(both))
    half = _t(level, len(both) - 1) * error
    p_t = 2 * float(stdtr(len(both) - 1, -abs(value) / error)) if error > 0 else None
    exact = len(both) <= _EXACT_SIGN_FLIPS
    p = sign_flip_p(differences, draws=draws, seed=seed)
    method += "/sign-flip-exact" if exact else f"/sign-flip-{draws}-seed{seed}"
    return PairedDifference(value, value - half, value + half, p, len(both), method, **only, p_t=p_t)


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
    method = f"no-answer-is-worst/mean-over-prompts/t{_percent(level)}"
    missing = any(value is None for value in values)
    if missing and worst is None:
        return Estimate(None, None, None, len(values), len(set(clusters)), method)
    charged = [worst if value is None else value for value in values]
    numbers = [value for value in charged if value is not None]
    if direction == "zero":
        numbers = [abs(value) for value in numbers]
    found = mean_interval(numbers, clusters, level)
    return Estimate(found.value, found.low, found.high, found.n, found.n_clusters, method, found.standard_error)


def _t(level: float, degrees: int) -> float:
    return float(stdtrit(degrees, 0.5 + _checked(level) / 2))


def _z(level: float) -> float:
    return float(ndtri(0.5 + _checked(level) / 2))


def _checked(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not {level}")
    return level


def _percent(level: float) -> str:
    return f"{100 * _checked(level):g}"
