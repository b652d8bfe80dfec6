"""What the lead of a board hangs on: the voter, and the few votes, whose change would put another model first.

This is a search and not a proof. For each other model the votes are chosen that hold the first above it by the largest amounts, as
estimated in one step from the fit (the approximate maximum influence of Broderick, Giordano and Meager 2020, arXiv 2011.14999); they are
changed all at once, and the board is fitted again. What is reported was computed and not estimated: a lead that fell has fallen. A lead
that stands has withstood these changes; other votes, as many, might still overturn it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seedbench.arena.ratings.bradley_terry import ELO, RIDGE, Fit, Votes, fit, outcome_slopes
from seedbench.arena.ratings.clustering import group_indices, summed_slopes
from seedbench.ties import falling_order, first_greatest, first_least

Action = Literal["drop", "add", "flip"]
"""What is done to votes: they are left out, as many are added, or the answer is turned to the one that harms the first most."""

_SAME = 1e-9  # logits: ratings and influences this near are equal, whatever the last bits say


@dataclass(frozen=True)
class AlteredBoard:
    """The board after ``n_changed`` votes were left out, added or turned (``n_votes`` were there before): the largest move of any model in
    Elo points, who leads then (-1: no vote is left), and whether that is another model than before."""

    n_changed: int
    n_votes: int
    moved_elo: float
    leader: int
    overturned: bool
    margin: float
    """How far the former first stands above the best of the others, in logits; below 0 where it fell."""

    @property
    def share(self) -> float:
        """Of the votes that were there, changed."""
        return self.n_changed / self.n_votes


def worst_voter(votes: Votes, fitted: Fit, *, ridge: float = RIDGE) -> tuple[int, AlteredBoard] | None:
    """The voter without whom another model leads or, if none is found, the one without whom ratings move most.

    Tried are the voter who moves any rating most and, for each other model, the one who most holds the first above it.

    Args:
        votes: The votes ``fitted`` was fitted to, without style and weights.
        fitted: The fit.
        ridge: The ridge it was made with.

    Returns:
        The voter (its place in ``votes.voter``) and the board without their votes; None with one voter.

    Raises:
        ValueError: The votes carry style or weights.
    """
    counts = _counted(votes)
    n, voter_index = group_indices(votes.voter)
    if n < 2:
        return None
    first = _first(fitted.ratings)
    bread = np.linalg.pinv(fitted.information, hermitian=True)
    moved = np.asarray(summed_slopes(votes, fitted, voter_index, n) @ bread)[:, : votes.n_models]
    tried = [_largest(np.abs(moved).max(1)), *(_largest(moved[:, first] - moved[:, other]) for other in _others(fitted, first))]
    altered: list[tuple[int, AlteredBoard]] = []
    for voter in dict.fromkeys(tried):
        out = voter_index == voter
        left = counts - _counted(votes.chosen(out))
        altered.append((int(votes.voter[np.flatnonzero(out)[0]]), _altered(left, int(out.sum()), votes, fitted, ridge)))
    fallen = [board for board in altered if board[1].overturned]
    if fallen:
        return fallen[first_least([board[1].margin for board in fallen], tolerance=_SAME)]
    return altered[first_greatest([board[1].moved_elo for board in altered], tolerance=_SAME * ELO)]


def worst_share(votes: Votes, fitted: Fit, *, action: Action = "drop", share: float = 0.01, ridge: float = RIDGE) -> AlteredBoard | None:
    """The board after the worst change found of a ``share`` of the votes: that in which the first stands lowest against any other model.

    Args:
        votes: The votes ``fitted`` was fitted to, without style and weights.
        fitted: The fit.
        action: What is done to the votes.
        share: Of the votes, rounded down.
        ridge: The ridge the fit was made with.

    Returns:
        The board then; None where there is no second model, or the share is no whole vote.

    Raises:
        ValueError: The votes carry style or weights.
    """
    counts, n = _counted(votes), int(share * len(votes))
    first = _first(fitted.ratings)
    others = _others(fitted, first)
    if not others or not n:
        return None
    altered = [_altered(*_changed(counts, influence(fitted, first, other), n, action), votes, fitted, ridge) for other in others]
    return altered[first_least([board.margin for board in altered], tolerance=_SAME)]


def influence(fitted: Fit, above: int, below: int) -> np.ndarray:
    """How much one more vote (M, M, 3), by left, right and outcome, adds to the distance between two models, in logits and in one step.

    Leaving such a vote out takes as much away.
    """
    m = len(fitted.ratings)
    bread = np.linalg.pinv(fitted.information, hermitian=True)
    row = bread[above] - bread[below]
    of_s = row[:m, None] - row[None, :m] + row[m + 1]
    slopes = outcome_slopes(fitted)
    influences = slopes[..., 0] * of_s[:, :, None] + slopes[..., 1] * row[m]
    influences[np.arange(m), np.arange(m)] = 0.0  # no model is voted on against itself
    return np.asarray(influences)


def _changed(counts: np.ndarray, adds: np.ndarray, n: int, action: Action) -> tuple[np.ndarray, int]:
    """Votes counted by left, right and outcome after up to ``n`` were changed so as to take most from a distance; how many were.

    Votes whose change would not take from it stay as they are.
    """
    if action == "add":
        changed = counts.copy()
        changed.ravel()[_largest(-adds.ravel())] += n
        return changed, n
    into = _rounded(adds).argmin(2)
    gain = adds if action == "drop" else adds - adds.min(2, keepdims=True)
    same = _SAME * float(np.abs(gain).max())
    order = np.array(falling_order(gain.ravel(), tolerance=same), np.intp)
    order = order[gain.ravel()[order] > same]
    available = counts.ravel()[order]
    taken = np.minimum(available, np.maximum(0, n - (np.cumsum(available) - available)))
    flat = np.zeros(counts.size, counts.dtype)
    flat[order] = taken
    out = flat.reshape(counts.shape)
    changed = counts - out
    if action == "flip":
        left, right = np.indices(into.shape)
        np.add.at(changed, (left, right, into), out.sum(2))
    return changed, int(taken.sum())


def _altered(counts: np.ndarray, n_changed: int, votes: Votes, fitted: Fit, ridge: float) -> AlteredBoard:
    """The board of votes counted by left, right and outcome, fitted again."""
    left, right, outcome = np.nonzero(counts)
    if not len(left):
        return AlteredBoard(n_changed, len(votes), float("inf"), -1, True, -float("inf"))
    zeros = np.zeros(len(left), np.int64)
    cells = Votes(votes.n_models, left, right, outcome, zeros, zeros, weight=counts[left, right, outcome].astype(np.float64))
    again = fit(cells, ties=fitted.ties, side=bool(fitted.information[votes.n_models + 1].any()), ridge=ridge).ratings
    first = _first(fitted.ratings)
    margin = float(again[first] - np.delete(again, first).max())
    overturned = margin < -_SAME
    moved = float(np.abs(again - fitted.ratings).max() * ELO)
    return AlteredBoard(n_changed, len(votes), moved, _first(again) if overturned else first, overturned, margin)


def _counted(votes: Votes) -> np.ndarray:
    """Votes (M, M, 3) by left, right and outcome."""
    if votes.weight is not None or votes.style.shape[1]:
        raise ValueError("what a board hangs on is found for votes without style and weights")
    m = votes.n_models
    return np.bincount((votes.left * m + votes.right) * 3 + votes.outcome, minlength=3 * m * m).reshape(m, m, 3)


def _others(fitted: Fit, first: int) -> Sequence[int]:
    return [model for model in range(len(fitted.ratings)) if model != first]


def _first(ratings: np.ndarray) -> int:
    return first_greatest(ratings, tolerance=_SAME)


def _largest(values: np.ndarray) -> int:
    """Place of the largest value; the first place of those equal up to rounding."""
    return first_greatest(values, tolerance=_SAME * float(np.abs(values).max(initial=0.0)))


def _rounded(values: np.ndarray) -> np.ndarray:
    scale = float(np.abs(values).max(initial=0.0))
    return np.round(values / scale, 9) if scale else values
