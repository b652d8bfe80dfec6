"""Intervals of paired differences: those that the test of sign flips does not reject, and those of two shares over the same prompts.

Sources: inversion of a permutation test, Ernst 2004; two paired shares, Newcombe 1998 (Statistics in Medicine 17, 2635-2650, method
10), over the intervals of Wilson 1927.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

EXACT_SIGN_FLIPS = 16
"""Up to this many prompts all 2^P sign patterns are enumerated."""


def sign_patterns(count: int, *, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Sign patterns (B, count) of +-1 in several pieces: all of them up to 16 differences, else ``draws`` of them from ``seed``."""
    if count <= EXACT_SIGN_FLIPS:
        yield 1 - 2 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
        return
    rng = np.random.default_rng(seed)
    for start in range(0, draws, 1000):
        yield rng.integers(0, 2, size=(min(1000, draws - start), count)) * 2 - 1


def sign_flip_interval(
    differences: np.ndarray, level: float = 0.95, *, draws: int = 20_000, seed: int = 0
) -> tuple[float, float] | tuple[None, None]:
    """The shifts that the two-sided sign-flip test does not reject: an interval excludes 0 where the test of no difference rejects.

    For a shift on one side of the mean, a sign pattern counts against rejection from one certain shift on. So the ends are quantiles
    of these shifts over the patterns, and no search is needed.

    Args:
        differences: (P,), one for each prompt, not all equal.
        level: The confidence level, 0..1.
        draws: Sign patterns drawn where there are more than 16 differences.
        seed: Of the draws.

    Returns:
        The two ends; (None, None) where so few differences cannot reject any shift (under 6 at 95%).

    >>> d = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    >>> sign_flip_interval(d)
    (1.0, 6.0)
    >>> sign_flip_interval(d[:5])
    (None, None)
    """
    n, total = len(differences), float(differences.sum())
    lower, upper = [], []
    for signs in sign_patterns(n, draws=draws, seed=seed):
        plus = signs.sum(axis=1)
        mixed = np.abs(plus) < n
        flipped, plus = (signs @ differences)[mixed], plus[mixed]
        first, second = (total - flipped) / (n - plus), (total + flipped) / (n + plus)
        always = np.full(int((~mixed).sum()), np.inf)
        lower.append(np.concatenate([np.minimum(first, second), -always]))
        upper.append(np.concatenate([np.maximum(first, second), always]))
    observed = [] if n <= EXACT_SIGN_FLIPS else [np.inf]  # of drawn patterns the one that was observed is one more
    low = np.sort(np.concatenate([*lower, -np.array(observed)]))
    high = -np.sort(-np.concatenate([*upper, np.array(observed)]))
    rank = math.floor((1 - level) * len(low) + 1e-9)
    if rank >= len(low) or not np.isfinite(low[rank]) or not np.isfinite(high[rank]):
        return None, None
    return float(low[rank]), float(high[rank])


def paired_shares_interval(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The interval of the difference of two shares over the same prompts: within -1..1, and never of width 0.

    Args:
        first: (P,) the share of each prompt, 0..1: 0 or 1 where it has one seed.
        second: The same of another system.
        level: The confidence level, 0..1.

    Returns:
        The two ends of the interval of mean(first) - mean(second).

    Raises:
        ValueError: There are no prompts.

    >>> low, high = paired_shares_interval(np.zeros(6), np.ones(6))
    >>> round(low, 2), round(high, 2)
    (-1.0, -0.45)
    >>> counts = ((1, 1, 36), (1, 0, 12), (0, 1, 2), (0, 0, 0))      # Newcombe's example of 50 pairs
    >>> first, second = (np.concatenate([np.full(pair[2], pair[side]) for pair in counts]) for side in (0, 1))
    >>> [round(end, 4) for end in paired_shares_interval(first, second)]
    [0.0569, 0.3404]
    """
    n = len(first)
    if not n:
        raise ValueError("no prompts to compare")
    (share_a, low_a, high_a), (share_b, low_b, high_b) = (_wilson(float(side.mean()), n, level) for side in (first, second))
    spread = float(np.std(first) * np.std(second))
    together = n * n * (float(np.mean(first * second)) - share_a * share_b)
    together = max(together - n / 2, 0.0) if together > 0 else together
    correlation = together / (n * n * spread) if spread > 0 else 0.0
    below = _length(share_a - low_a, high_b - share_b, correlation)
    above = _length(high_a - share_a, share_b - low_b, correlation)
    difference = share_a - share_b
    return max(-1.0, difference - below), min(1.0, difference + above)


def _length(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(0.0, first * first - 2 * correlation * first * second + second * second))


def _wilson(share: float, n: int, level: float) -> tuple[float, float, float]:
    z = float(ndtri(0.5 + level / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return share, max(0.0, middle - half), min(1.0, middle + half)
