"""Which part of an order is certain: ranges of ranks and tiers, from simultaneous intervals of all differences.

Whether any one of M (M - 1) / 2 differences is above 0 is asked many times at once; the largest |difference| / error among all of them
under no difference (the max-t of their joint normal distribution) is what a difference has to exceed, so that all claims together are
wrong in one board of twenty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from seedbench.ties import falling_order

_DRAWS = 10_000
SAME_RATING = 1e-9
"""Ratings in logits that differ by less are equal: the fit converges to 1e-10."""


@dataclass(frozen=True)
class Ranks:
    """The ranks of M models that votes leave possible.

    Attributes:
        best: (M,) the best rank that each may have, 1 for the first.
        worst: (M,) the worst such rank.
        tier: (M,) its tier, 1 for the best.
        surely_above: (M, M) whether the row's model is certainly better than the column's.
        critical: The number of standard errors that a difference has to exceed; None for one model.
    """

    best: np.ndarray
    worst: np.ndarray
    tier: np.ndarray
    surely_above: np.ndarray
    critical: float | None


def ranks(ratings: np.ndarray, covariance: np.ndarray, *, quantile: float = 1.96, level: float = 0.95, seed: int = 0) -> Ranks:
    """The ranks that are certain, from simultaneous (max-t) intervals of all differences of ratings.

    Args:
        ratings: Ratings in logits (M,).
        covariance: Their covariance (M, M).
        quantile: The number of standard errors of a single interval. With few clusters it exceeds the normal one, and the critical value
            is raised in the same proportion.
        level: The probability that all claims are right together.
        seed: The seed of the normal draws.

    Returns:
        The ranges of ranks, and the tiers.
    """
    m = len(ratings)
    if m < 2:
        return Ranks(np.ones(m, int), np.ones(m, int), np.ones(m, int), np.zeros((m, m), bool), None)
    apart = ratings[:, None] - ratings[None]
    spread = np.diag(covariance)
    errors = np.sqrt(np.maximum(spread[:, None] + spread[None] - 2 * covariance, 0.0))
    critical = critical_value(covariance, errors, level=level, seed=seed) * max(1.0, quantile / float(ndtri(0.5 + level / 2)))
    above = apart > np.maximum(critical * errors, 1e-9)
    return Ranks(1 + above.sum(0), m - above.sum(1), tiers(ratings, above), above, critical)


def critical_value(covariance: np.ndarray, errors: np.ndarray, *, level: float = 0.95, seed: int = 0) -> float:
    """The quantile of the largest |difference| / error of normal draws: the critical value of simultaneous (max-t) intervals.

    Args:
        covariance: (M, M) covariance of the ratings.
        errors: (M, M) standard errors of the differences; pairs with an error of 0 are left out.
        level: The quantile, 0..1.
        seed: The seed of the draws.

    Returns:
        The number of standard errors.
    """
    powers, vectors = np.linalg.eigh(covariance)
    # the symmetric root: eigenvectors alone are known up to their sign, and of equal eigenvalues up to a turn
    root = (vectors * np.sqrt(np.maximum(powers, 0.0))) @ vectors.T
    drawn = np.random.default_rng(seed).standard_normal((_DRAWS, len(root))) @ root
    largest = np.zeros(_DRAWS)
    for first in range(len(root) - 1):
        scale = errors[first, first + 1 :]
        there = scale > 0
        if there.any():
            steps = np.abs(drawn[:, first, None] - drawn[:, first + 1 :][:, there]) / scale[there]
            np.maximum(largest, steps.max(1), out=largest)
    return float(np.quantile(largest, level)) if largest.any() else float(ndtri(0.5 + level / 2))


def tiers(ratings: np.ndarray, surely_above: np.ndarray) -> np.ndarray:
    """Tiers of models: going down the order, a new one begins with the first model that the best model of the current tier is surely above.

    Args:
        ratings: (M,) ratings, M at least 1.
        surely_above: (M, M) whether the row's model is certainly better than the column's.

    Returns:
        (M,) tiers from 1.

    >>> tiers(np.array([3.0, 2.9, 1.0]), np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]], bool)).tolist()
    [1, 1, 2]
    """
    order = falling_order(ratings, tolerance=SAME_RATING)
    tier_of = np.ones(len(ratings), int)
    head, tier = order[0], 1
    for model in order[1:]:
        if surely_above[head, model]:
            head, tier = model, tier + 1
        tier_of[model] = tier
    return tier_of
