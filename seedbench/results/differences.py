"""Paired differences whose unit is the prompt, their test, and the correction for many tests.

What the tests reject and the intervals cover where nothing differs: ``tests/benchmarks/interval_coverage.py`` and docs/report.md.

Sources: paired differences after Miller 2024 (arXiv 2411.00640); sign flips, Fisher 1935; Holm 1979.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seedbench.results.difference_intervals import EXACT_SIGN_FLIPS, paired_shares_interval, sign_flip_interval, sign_patterns
from seedbench.results.intervals import ONE_PROMPT, SAME, all_equal_reason, least_step, percent, range_interval, t_quantile


@dataclass(frozen=True)
class PairedDifference:
    """The mean over prompts of a - b, with its interval and test.

    Attributes:
        difference: In the unit of the values; None without a common prompt.
        low, high: The interval of the difference; None where there is none.
        p: The two-sided p-value of the sign-flip test; None where there was no test.
        n_prompts: How many prompts have values on both sides.
        method: How the difference, the interval and the p-value were computed.
        n_only_a, n_only_b: How many prompts have values on one side only; they are not part of the difference.
        reason: Why there is no difference or no interval.
    """

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    n_prompts: int
    method: str
    n_only_a: int = 0
    n_only_b: int = 0
    reason: str = ""


def paired_difference(
    a: Mapping[str, Sequence[float]],
    b: Mapping[str, Sequence[float]],
    *,
    rate: bool = False,
    level: float = 0.95,
    draws: int = 20_000,
    seed: int = 0,
    low: float | None = None,
    high: float | None = None,
) -> PairedDifference:
    """Compare two systems over the prompts that both have values for: mean over prompts of mean_seeds(a) - mean_seeds(b).

    The test is that of sign flips, which needs no assumption on the values; for values of 0 and 1 it is the exact test of McNemar. The
    interval of shares is that of Newcombe (:func:`seedbench.results.difference_intervals.paired_shares_interval`). Other intervals are
    what the test does not reject; over fewer than 6 prompts it rejects nothing, and the interval is Student's t on P - 1 degrees of
    freedom, that of differences in steps half a step of their sum wider. Prompts without a value on one side are counted, not compared.
    Under two common prompts there is no interval and no p. Where all differences are equal the interval is that of the range, as in
    :func:`seedbench.results.intervals.mean_interval`.

    Args:
        a: The values of one system by prompt, one for each seed.
        b: Those of the other system.
        rate: Whether the values are 0 or 1.
        level: The confidence level of the interval, 0..1.
        draws: Sign patterns drawn beyond 16 prompts.
        seed: Of the draws.
        low: The least value possible (of a value, not of a difference), None for no bound.
        high: The largest value possible.

    Returns:
        The difference in the unit of the values. Up to 16 prompts its p-value is exact (all 2^P sign patterns); beyond, it is
        Monte-Carlo with ``draws`` patterns from ``seed`` as (1 + hits) / (1 + draws).

    Raises:
        ValueError: A value is not finite.

    >>> r = paired_difference({"p": [3.0], "q": [5.0], "r": [4.0]}, {"p": [1.0], "q": [4.0], "r": [1.0]})
    >>> r.difference, r.p, r.n_prompts
    (2.0, 0.25, 3)
    """
    in_a = {prompt for prompt, values in a.items() if len(values)}
    in_b = {prompt for prompt, values in b.items() if len(values)}
    both = sorted(in_a & in_b)
    n_only_a, n_only_b = len(in_a - in_b), len(in_b - in_a)
    first, second = (_prompt_means([side[prompt] for prompt in both]) for side in (a, b))
    differences, same = _differences(first, second)
    if len(both) < 2:
        value = float(differences[0]) if len(both) else None
        reason = ONE_PROMPT if len(both) else "no prompt on which both have an answer"
        return PairedDifference(value, None, None, None, len(both), "paired-by-prompt", n_only_a, n_only_b, reason=reason)
    n, value = len(both), float(differences.mean())
    p = sign_flip_p(differences, draws=draws, seed=seed)
    flips = "sign-flip-exact" if n <= EXACT_SIGN_FLIPS else f"sign-flip-{draws}-seed{seed}"
    widest = None if low is None or high is None else high - low
    if rate:
        interval: _Interval = (*paired_shares_interval(first, second, level), f"/newcombe{percent(level)}", "")
    else:
        interval = _interval(differences, same, level, widest, draws, seed)
    floor, ceiling, shown, reason = interval
    return PairedDifference(value, floor, ceiling, p, n, f"paired-by-prompt{shown}/{flips}", n_only_a, n_only_b, reason)


_Interval = tuple[float | None, float | None, str, str]


def _interval(differences: np.ndarray, same: float, level: float, widest: float | None, draws: int, seed: int) -> _Interval:
    """The ends of the interval, the name of its method, and why there is none; no difference exceeds ``widest`` (None: no bound)."""
    n, value = len(differences), float(differences.mean())
    if np.ptp(differences) <= same:
        floor, ceiling = range_interval(value, n, level, None if widest is None else -widest, widest)
        return (None, None, "", all_equal_reason(n)) if floor is None else (floor, ceiling, f"/range{percent(level)}", "")
    floor, ceiling = sign_flip_interval(differences, level, draws=draws, seed=seed)
    shown = f"/inverted{percent(level)}"
    if floor is None or ceiling is None:
        error = float(differences.std(ddof=1)) / math.sqrt(n)
        half = t_quantile(level, n - 1) * error + least_step(np.abs(np.append(differences, 0.0)), same) / (2 * n)
        floor, ceiling, shown = value - half, value + half, f"/t{percent(level)}"
    if widest is not None:
        floor, ceiling = max(floor, -widest), min(ceiling, widest)
    return floor, ceiling, shown, ""


def _prompt_means(values: Sequence[Sequence[float]]) -> np.ndarray:
    means = np.array([np.mean(of_prompt) for of_prompt in values], dtype=np.float64)
    if not np.isfinite(means).all():
        raise ValueError("values must be finite; leave out the clips that have no value")
    return means


def _differences(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, float]:
    """Differences of means (P,), those of equal values 0; and the distance within which two of them are equal."""
    same = SAME * float(np.abs(np.concatenate([first, second])).max(initial=0.0))
    differences = first - second
    return np.where(np.abs(differences) <= same, 0.0, differences), same


def sign_flip_p(differences: np.ndarray, *, draws: int = 20_000, seed: int = 0) -> float:
    """The two-sided p-value of the sign-flip test: how often the sum of differences with random signs is at least as far from 0.

    Args:
        differences: (P,), one for each prompt.
        draws: Sign patterns drawn where there are more than 16 differences.
        seed: Of the draws.

    Returns:
        The share of sign patterns, exact over all 2^P up to 16 differences; beyond, (1 + hits) / (1 + draws).

    Raises:
        ValueError: There are no differences.

    >>> sign_flip_p(np.array([1.0, 1.0, 1.0, 1.0]))
    0.125
    """
    count = len(differences)
    if not count:
        raise ValueError("no differences to test")
    observed = abs(float(differences.sum()))
    at_least = observed - 1e-9 * float(np.abs(differences).sum())  # equal sums in another order are ties
    exact = count <= EXACT_SIGN_FLIPS
    hits, total = (0, 0) if exact else (1, 1)  # of drawn patterns the one that was observed is one more
    for signs in sign_patterns(count, draws=draws, seed=seed):
        hits += int(np.sum(np.abs(signs @ differences) >= at_least))
        total += len(signs)
    return hits / total


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values for the number of tests (Holm 1979).

    Args:
        p: The p-value of each test, 0..1; None where no test was made, which does not count as one.

    Returns:
        The adjusted p-values in the order given, None where there was no test.

    Raises:
        ValueError: A p-value lies outside 0..1.

    >>> [round(value, 2) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    >>> holm([None, 0.25, 0.03125])
    [None, 0.25, 0.0625]
    """
    tested = sorted((value, index) for index, value in enumerate(p) if value is not None)
    if any(not 0 <= value <= 1 for value, _ in tested):
        raise ValueError("p-values must lie between 0 and 1")
    adjusted: list[float | None] = [None] * len(p)
    largest = 0.0
    for rank, (value, index) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * value))
        adjusted[index] = largest
    return adjusted
