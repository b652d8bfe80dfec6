"""The sampling of pairs: where one more vote gives most information, with a chance for every pair, and balanced sides; seeded.

A vote on a pair narrows the difference of its two models by an amount that the information of the votes so far gives (the formula of
Sherman and Morrison for one more row). The gain is weighted by how close the two may be (their gap compared with its uncertainty),
since the order is open between neighbours, and by how new they are. A share of all draws is spread evenly over all pairs, so that every
pair has a known chance above 0, which is stored with the battle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.arena.ratings.bradley_terry import ELO, RIDGE, Votes, fit
from seedbench.arena.settings import Policy

_DEFAULT_POLICY = Policy()


@dataclass(frozen=True)
class State:
    """What the votes so far say about M models.

    Attributes:
        ratings: (M,) in Elo points.
        covariance: (M, M) in squared logits.
        n_votes: (M,) votes on each.
    """

    ratings: np.ndarray
    covariance: np.ndarray
    n_votes: np.ndarray


def state_of(counts: np.ndarray) -> State:
    """The state after some votes.

    Args:
        counts: (M, M, 3) of left, tie and right for each left and right model.

    Returns:
        The state; without votes all models are equal.
    """
    m = len(counts)
    cells = np.argwhere(counts > 0)
    n = counts.sum((1, 2)) + counts.sum((0, 2))
    if not len(cells):
        return State(np.full(m, 1000.0), np.eye(m) / RIDGE, n)
    left, right, outcome = cells.T
    zeros = np.zeros(len(cells), np.int64)
    votes = Votes(m, left, right, outcome, zeros, zeros, weight=counts[left, right, outcome].astype(np.float64))
    fitted = fit(votes, side=True)
    return State(fitted.elo, np.linalg.pinv(fitted.information, hermitian=True)[:m, :m], n)


def chances(state: State, possible: np.ndarray, policy: Policy = _DEFAULT_POLICY) -> np.ndarray:
    """The chance of each pair of models to be shown next.

    Args:
        state: What the votes so far say.
        possible: (M, M) bool, the pairs that may be shown.
        policy: How pairs are preferred.

    Returns:
        (M, M) chances above the diagonal, which sum to 1.

    Raises:
        ValueError: No pair is possible.
    """
    allowed = np.triu(possible | possible.T, 1)
    if not allowed.any():
        raise ValueError("there is no pair left to show")
    spread = np.diag(state.covariance)
    variance = np.maximum(spread[:, None] + spread[None] - 2 * state.covariance, 0.0)
    gap = np.abs(state.ratings[:, None] - state.ratings[None])
    information = 1 / (2 * (1 + np.cosh(gap / ELO)))  # the information of one vote without ties
    gained = information * variance**2 / (1 + information * variance)
    new = np.where(state.n_votes < policy.new_votes, policy.new_weight, 1.0)
    weight = gained * np.exp(-(gap**2) / (2 * (policy.near_elo**2 + ELO**2 * variance))) * np.maximum(new[:, None], new[None]) * allowed
    even = allowed / allowed.sum()
    aimed = weight / weight.sum() if weight.sum() > 0 else even
    return np.asarray((1 - policy.floor) * aimed + policy.floor * even)


def draw(chance: np.ndarray, rng: np.random.Generator) -> tuple[int, int, float]:
    """Draw a pair of models by its chance.

    Args:
        chance: (M, M) chances that sum to 1, above the diagonal.
        rng: The random generator.

    Returns:
        The indices of the two models, the lower one first, and the chance of the pair.
    """
    flat = chance.ravel()
    at = int(rng.choice(len(flat), p=flat))
    return at // len(chance), at % len(chance), float(flat[at])


def first_on_left(lefts: tuple[int, int], rng: np.random.Generator) -> bool:
    """Whether the first of a pair goes to the left: the one that was there less often does, of two equal ones a random one.

    Args:
        lefts: How often the first and the second were on the left of each other.
        rng: The random generator.

    Returns:
        True for the first.

    >>> first_on_left((3, 5), np.random.default_rng(0)), first_on_left((5, 3), np.random.default_rng(0))
    (True, False)
    """
    return lefts[0] < lefts[1] if lefts[0] != lefts[1] else bool(rng.random() < 0.5)
