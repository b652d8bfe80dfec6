"""Who or what a board hangs on: the voter, and the few votes, without whom its head would be another.

Influence is first found in one step from the fit (what Broderick, Giordano and Meager 2020 call the approximate maximum influence), then
the worst case is fitted anew, so that what is reported was computed and not estimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arena.ratings.bradley_terry import ELO, RIDGE, Fit, Ties, Votes, fit
from arena.ratings.clustering import places, slopes_by


@dataclass(frozen=True)
class Without:
    """The board without some votes: how many of how many were left out, the largest move of any model in Elo points, who leads then."""

    n_left_out: int
    n_votes: int
    moved_elo: float
    leader: int

    @property
    def share(self) -> float:
        """Of the votes, left out."""
        return self.n_left_out / self.n_votes


def worst_voter(votes: Votes, fitted: Fit, *, ridge: float = RIDGE) -> tuple[int, Without] | None:
    """The voter (its place in ``votes.voter``) whose votes move the board most, and the board without them. None with one voter."""
    n, place = places(votes.voter)
    if n < 2:
        return None
    slopes = slopes_by(votes, fitted, place, n)
    moved = np.asarray(slopes @ np.linalg.pinv(fitted.information, hermitian=True))[:, : votes.n_models]
    worst = int(np.abs(moved).max(1).argmax())
    out = place == worst
    return int(votes.voter[np.flatnonzero(out)[0]]), _without(votes, fitted, out, ridge)


def worst_share(votes: Votes, fitted: Fit, *, share: float = 0.01, ridge: float = RIDGE) -> Without | None:
    """The board without the ``share`` of votes that most hold the first model above the second. None where there is no second."""
    order = np.argsort(-fitted.ratings, kind="stable")
    n_out = int(share * len(votes))
    if len(order) < 2 or not n_out:
        return None
    held = _influence(votes, fitted, int(order[0]), int(order[1]))
    out = np.zeros(len(votes), bool)
    out[np.argsort(-held, kind="stable")[:n_out]] = True
    return _without(votes, fitted, out, ridge)


def _influence(votes: Votes, fitted: Fit, above: int, below: int) -> np.ndarray:
    """How much each vote (V,) adds to the distance between two models, in logits."""
    m = votes.n_models
    bread = np.linalg.pinv(fitted.information, hermitian=True)
    row = bread[above] - bread[below]
    of_s = row[votes.left] - row[votes.right] + row[m + 1] + votes.style @ row[m + 2 :]
    return np.asarray(fitted.scores[:, 0] * of_s + fitted.scores[:, 1] * row[m])


def _without(votes: Votes, fitted: Fit, out: np.ndarray, ridge: float) -> Without:
    if out.all():
        return Without(int(out.sum()), len(votes), float("inf"), -1)
    ties: Ties = fitted.ties
    again = fit(votes.chosen(~out), ties=ties, side=bool(fitted.information[votes.n_models + 1].any()), ridge=ridge)
    moved = float(np.abs(again.ratings - fitted.ratings).max() * ELO)
    return Without(int(out.sum()), len(votes), moved, int(np.argmax(again.ratings)))
