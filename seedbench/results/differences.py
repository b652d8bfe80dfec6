"""Paired differences whose unit is the prompt, their tests, and the correction for many tests.

Equal differences show no spread, so no t test is made of them: their test is that of sign flips. Differences in steps are corrected by
half a step (Yates 1934), as in :mod:`seedbench.results.intervals`. What the tests reject over 2 to 12 prompts where nothing differs:
``tests/benchmarks/interval_coverage.py`` and docs/report.md.

Sources: paired differences after Miller 2024 (arXiv 2411.00640); Holm 1979.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from seedbench.results.intervals import ONE_PROMPT, SAME, all_equal_reason, least_step, percent, range_interval, t_quantile

_EXACT_SIGN_FLIPS = 16  # up to this many prompts all 2^P sign patterns are enumerated


@dataclass(frozen=True)
class PairedDifference:
    """The mean over prompts of a - b, with its interval and tests.

    Attributes:
        difference: In the unit of the values; None without a common prompt.
        low, high: The interval of the difference; None where there is none.
        p: The two-sided p-value of the sign-flip test; None where there was no test.
        n_prompts: How many prompts have values on both sides.
        method: How the difference, the interval and the p-values were computed.
        n_only_a, n_only_b: How many prompts have values on one side only; they are not part of the difference.
        p_t: The two-sided p-value of the t test; None where all differences are equal.
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
    p_t: float | None = None
    reason: str = ""

    def p_value(self, *, rate: bool) -> float | None:
        """The p-value to decide by.

        Sign flips alone could never find a difference over five prompts, however large and steady: their smallest p-value is 1/16. No t
        distribution fits the few values of a rate.

        Args:
            rate: Whether the values are 0 or 1.

        Returns:
            The p-value of sign flips for rates and where there is no t test, else that of the t test; None where there was no test.
        """
        return self.p if rate or self.p_t is None else self.p_t


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
    """Compare two systems over the prompts that both have values for: mean over prompts of mean_seeds(a) - mean_seeds(b).

    The interval is Student's t on P - 1 degrees of freedom (P common prompts), the tests are the paired t test and sign flips; after
    Miller 2024 (arXiv 2411.00640). Prompts without a value on one side are counted, not compared. Under two common prompts there is no
    interval and no p. Where all differences are equal there is no t test; the interval is then that of the range, as in
    :func:`mean_interval`. Interval and t test of differences in steps are corrected by half a step of their sum.

    Args:
        a: The values of one system by prompt, one for each seed.
        b: Those of the other system.
        level: The confidence level of the interval, 0..1.
        draws: Sign patterns drawn beyond 16 prompts.
        seed: Of the draws.
        low: The least value possible (of a value, not of a difference), None for no bound.
        high: The largest value possible.

    Returns:
        The difference in the unit of the values. Up to 16 prompts its sign-flip p-value is exact (all 2^P sign patterns); beyond, it is
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
    method = f"paired-by-prompt/t{percent(level)}"
    differences, same = _differences([a[prompt] for prompt in both], [b[prompt] for prompt in both])
    if len(both) < 2:
        value = float(differences[0]) if len(both) else None
        reason = ONE_PROMPT if len(both) else "no prompt on which both have an answer"
        return PairedDifference(value, None, None, None, len(both), method, n_only_a, n_only_b, reason=reason)
    n, value = len(both), float(differences.mean())
    p = sign_flip_p(differences, draws=draws, seed=seed)
    flips = "sign-flip-exact" if n <= _EXACT_SIGN_FLIPS else f"sign-flip-{draws}-seed{seed}"
    if np.ptp(differences) <= same:
        widest = None if low is None or high is None else high - low
        floor, ceiling = range_interval(value, n, level, None if widest is None else -widest, widest)
        shown, reason = ("", all_equal_reason(n)) if floor is None else (f"/range{percent(level)}", "")
        return PairedDifference(value, floor, ceiling, p, n, f"paired-by-prompt{shown}/{flips}", n_only_a, n_only_b, reason=reason)
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    half_step = least_step(np.abs(np.append(differences, 0.0)), same) / (2 * n)
    half = t_quantile(level, n - 1) * error + half_step
    p_t = 2 * float(stdtr(n - 1, -max(0.0, abs(value) - half_step) / error))
    return PairedDifference(value, value - half, value + half, p, n, f"{method}/{flips}", n_only_a, n_only_b, p_t)


def _differences(a: Sequence[Sequence[float]], b: Sequence[Sequence[float]]) -> tuple[np.ndarray, float]:
    """Differences of means (P,), those of equal values 0; and the distance within which two of them are equal."""
    first, second = (np.array([np.mean(values) for values in side], dtype=np.float64) for side in (a, b))
    if not np.isfinite(first).all() or not np.isfinite(second).all():
        raise ValueError("values must be finite; leave out the clips that have no value")
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
