"""Online Elo: a curve to look at. The order of the votes moves it, so no board is ranked by it."""

from __future__ import annotations

import numpy as np

from seedbench.arena.ratings.bradley_terry import CENTRE, Votes

_POINTS = np.array([1.0, 0.5, 0.0])


def online(votes: Votes, *, k: float = 4.0) -> np.ndarray:
    """Elo ratings (M,) after all votes in their order, everyone starting at 1000; ties are half a win (Elo 1978).

    >>> one = np.array([0])
    >>> online(Votes(2, one, one + 1, one, one, one), k=4.0).tolist()
    [1002.0, 998.0]
    """
    ratings = [CENTRE] * votes.n_models
    for left, right, points in zip(votes.left.tolist(), votes.right.tolist(), _POINTS[votes.outcome].tolist(), strict=True):
        moved = k * (points - 1 / (1 + 10 ** ((ratings[right] - ratings[left]) / 400)))
        ratings[left] += moved
        ratings[right] -= moved
    return np.array(ratings)
