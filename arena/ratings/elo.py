"""Online Elo, for display. It depends on the order of the votes, so no board is ranked by it."""

from __future__ import annotations

import numpy as np

from seedbench.arena.ratings.bradley_terry import CENTRE, Votes

_POINTS = np.array([1.0, 0.5, 0.0])


def online(votes: Votes, *, k: float = 4.0) -> np.ndarray:
    """Online Elo ratings after all votes (Elo 1978, "The Rating of Chessplayers").

    Every model starts at 1000, and a tie is half a win. After each vote the winner gains ``k (1 - 1 / (1 + 10^((loser - winner) / 400)))``
    points, which the loser loses.

    Args:
        votes: The votes, in the order in which they were given.
        k: The most points that one vote moves.

    Returns:
        Ratings (M,).

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
