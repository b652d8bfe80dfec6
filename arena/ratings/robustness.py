"""What the lead of a board depends on: the voter, or the few votes, whose change would put another model first.

This is a search and not a proof. For each other model those votes are chosen that most keep the first model above it, as estimated in one
step from the fit (the approximate maximum influence of Broderick, Giordano and Meager 2020, arXiv 2011.14999); they are
changed all at once, and the board is fitted again. What is reported is computed and not estimated: a lead that is reported lost is lost. A
lead that holds has withstood these changes; changes of as many other votes might still overturn it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seedbench.arena.ratings.bradley_terry import ELO, RIDGE, UNKNOWN, Fit, Votes, fit, outcome_slopes
from seedbench.arena.ratings.clustering import group_indices, summed_slopes
from seedbench.ties import falling_order, first_greatest, first_least, first_least_of_rows

Action = Literal["drop", "add", "flip"]
"""What is done to votes: they are left out, as many are added, or their answer is changed to the one that harms the first model most."""

_SAME = 1e-9  # logits: ratings and influences that differ by less are equal; the rest is rounding


@dataclass(frozen=True)
class AlteredBoard:
    """A board after some votes were left out, added or changed.

    Attributes:
        n_changed: The number of these votes.
        n_votes: The number of all votes.
        moved_elo: The largest move of any model, in Elo points.
        leader: The index of the model that leads then; -1 where no vote is left.
        overturned: Whether that is another model than before.
        margin: How far the former leader is above the best of the others, in logits; below 0 where it lost the lead.
    """

    n_changed: int
    n_votes: int
    moved_elo: float
    leader: int
    overturned: bool
    margin: float
    """How far the former leader is above the best of the others, in logits; below 0 where it lost the lead."""

    @property
    def share(self) -> float:
        """The changed votes as a share of all votes."""
        return self.n_changed / self.n_votes


def worst_voter(votes: Votes, fitted: Fit, *, ridge: float = RIDGE) -> tuple[int, AlteredBoard] | None:
    """The voter without whom another model leads or, if none is found, the voter without whom ratings move most.

    Candidates are the voter who moves any rating most and, for each other model, the voter who most keeps the first model above it
    (approximate influence: Broderick, Giordano and Meager 2020, arXiv 2011.14999).

    Args:
        votes: The votes ``fitted`` was fitted to, without style and weights.
        fitted: The fit.
        ridge: The ridge of that fit.

    Returns:
        The voter (its number in ``votes.voter``) and the board without their votes; None where there is only one voter. All votes of
        unknown voters are taken for one voter's, since they may be.

    Raises:
        ValueError: The votes carry style or weights.
    """
    counts = _counted(votes)
    n, voter_index = group_indices(np.where(votes.voter == UNKNOWN, int(votes.voter.max()) + 1, votes.voter))
    if n < 2:
        return None
    first = first_greatest(fitted.ratings, tolerance=_SAME)
    inverse = np.linalg.pinv(fitted.information, hermitian=True)
    moved = np.asarray(summed_slopes(votes, fitted.scores, voter_index, n) @ inverse)[:, : votes.n_models]
    by_effect = [np.abs(moved).max(1), *(moved[:, first] - moved[:, other] for other in _others(fitted, first))]
    candidates = [first_greatest(effect, tolerance=_tolerance(effect)) for effect in by_effect]
    altered: list[tuple[int, AlteredBoard]] = []
    for voter in dict.fromkeys(candidates):
        out = voter_index == voter
        left = counts - _counted(votes.chosen(out))
        altered.append((int(votes.voter[np.flatnonzero(out)[0]]), _altered(left, int(out.sum()), votes, fitted, ridge)))
    fallen = [board for board in altered if board[1].overturned]
    if fallen:
        return fallen[first_least([board[1].margin for board in fallen], tolerance=_SAME)]
    return altered[first_greatest([board[1].moved_elo for board in altered], tolerance=_SAME * ELO)]


def worst_share(votes: Votes, fitted: Fit, *, action: Action = "drop", share: float = 0.01, ridge: float = RIDGE) -> AlteredBoard | None:
    """The board after the worst change of a ``share`` of the votes that the search finds, with the smallest margin of the first model.

    Args:
        votes: The votes ``fitted`` was fitted to, without style and weights.
        fitted: The fit.
        action: What is done to the votes.
        share: The share 0..1 of the votes, rounded down to whole votes.
        ridge: The ridge of that fit.

    Returns:
        The board then; None where there is no second model, or the share is less than one vote.

    Raises:
        ValueError: The votes carry style or weights.
    """
    counts, n = _counted(votes), int(share * len(votes))
    first = first_greatest(fitted.ratings, tolerance=_SAME)
    others = _others(fitted, first)
    if not others or not n:
        return None
    altered = [_altered(*_changed(counts, influence(fitted, first, other), n, action), votes, fitted, ridge) for other in others]
    return altered[first_least([board.margin for board in altered], tolerance=_SAME)]


def influence(fitted: Fit, above: int, below: int) -> np.ndarray:
    """How much one more vote adds to the distance between two models: a one-step estimate.

    Leaving such a vote out subtracts as much.

    Args:
        fitted: The fit of M models.
        above: The index of one model.
        below: The index of the other.

    Returns:
        (M, M, 3) in logits, by left, right and outcome of the vote; 0 where left and right are the same.
    """
    m = len(fitted.ratings)
    inverse = np.linalg.pinv(fitted.information, hermitian=True)
    row = inverse[above] - inverse[below]
    of_s = row[:m, None] - row[None, :m] + row[m + 1]
    slopes = outcome_slopes(fitted)
    influences = slopes[..., 0] * of_s[:, :, None] + slopes[..., 1] * row[m]
    influences[np.arange(m), np.arange(m)] = 0.0  # no vote compares a model with itself
    return np.asarray(influences)


def _changed(counts: np.ndarray, adds: np.ndarray, n: int, action: Action) -> tuple[np.ndarray, int]:
    """Votes counted by left, right and outcome, after up to ``n`` votes were changed that most shorten a distance, and the number of
    changed votes. Votes whose change would not shorten it stay as they are.
    """
    if action == "add":
        changed = counts.copy()
        changed.ravel()[first_least(adds.ravel(), tolerance=_tolerance(adds))] += n
        return changed, n
    into = first_least_of_rows(adds, tolerance=_tolerance(adds))
    gain = adds if action == "drop" else adds - adds.min(2, keepdims=True)
    tolerance = _tolerance(gain)
    order = np.array(falling_order(gain.ravel(), tolerance=tolerance), np.intp)
    order = order[gain.ravel()[order] > tolerance]
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
    first = first_greatest(fitted.ratings, tolerance=_SAME)
    margin = float(again[first] - np.delete(again, first).max())
    overturned = margin < -_SAME
    moved = float(np.abs(again - fitted.ratings).max() * ELO)
    return AlteredBoard(n_changed, len(votes), moved, first_greatest(again, tolerance=_SAME) if overturned else first, overturned, margin)


def _counted(votes: Votes) -> np.ndarray:
    """Votes (M, M, 3) by left, right and outcome."""
    if votes.weight is not None or votes.style.shape[1]:
        raise ValueError("robustness can be computed only for votes without style and weights: pass the votes without them")
    m = votes.n_models
    return np.bincount((votes.left * m + votes.right) * 3 + votes.outcome, minlength=3 * m * m).reshape(m, m, 3)


def _others(fitted: Fit, first: int) -> Sequence[int]:
    return [model for model in range(len(fitted.ratings)) if model != first]


def _tolerance(values: np.ndarray) -> float:
    """Below which differences of ``values`` are rounding."""
    return _SAME * float(np.abs(values).max(initial=0.0))
