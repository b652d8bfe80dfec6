"""Bradley-Terry ratings with ties after Davidson, a bias for one side, and covariates of style; and the variant that halves ties.

With s = rating(left) - rating(right) + side bias + covariates, Davidson's model gives left, tie and right the weights e^(s/2), e^d and
e^(-s/2). The log-likelihood is concave; Newton's method finds its height in a few steps on counts, whose number does not grow with the
votes. A small ridge keeps models finite that never lost or never won, and settles that ratings are about a mean of 0.

Sources: Bradley and Terry 1952; Davidson 1970 (ties); Hunter 2004 (when a maximum exists).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import expit

Ties = Literal["davidson", "half"]

LEFT, TIE, RIGHT = 0, 1, 2
ELO = 400 / math.log(10)
"""Points of the Elo scale for one natural logit: 400 points are odds of ten to one."""
CENTRE = 1000.0
"""What a model of mean strength is rated on the Elo scale."""
RIDGE = 0.05
_NO_TIES = -40.0
_ENDLESS = 15.0  # logits: odds that no vote log tells apart from never
_MAX_STEPS = 100
_MAX_LOGIT = 4.0  # no step of Newton's goes further


@dataclass(frozen=True)
class Votes:
    """V votes as arrays: ``left``, ``right`` (V,) places of models, ``outcome`` (V,) LEFT, TIE or RIGHT, ``prompt``, ``voter`` (V,) places
    of clusters, ``weight`` (V,) and ``style`` (V, K): left minus right. ``n_models`` counts models that have no vote as well."""

    n_models: int
    left: np.ndarray
    right: np.ndarray
    outcome: np.ndarray
    prompt: np.ndarray
    voter: np.ndarray
    weight: np.ndarray | None = None
    style: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        lengths = {len(column) for column in (self.left, self.right, self.outcome, self.prompt, self.voter)}
        if len(lengths) != 1:
            raise ValueError(f"columns of votes differ in length: {sorted(lengths)}")
        if len(self.left) and (self.left == self.right).any():
            raise ValueError("a model cannot be rated by votes against itself; leave such pairs out")
        if not self.style.size:
            object.__setattr__(self, "style", np.zeros((len(self.left), 0)))

    def __len__(self) -> int:
        return len(self.left)

    def chosen(self, kept: np.ndarray) -> Votes:
        """The votes where ``kept`` (V,) is True, or at these places."""
        weight = None if self.weight is None else self.weight[kept]
        left, right, outcome, prompt, voter = (column[kept] for column in (self.left, self.right, self.outcome, self.prompt, self.voter))
        return Votes(self.n_models, left, right, outcome, prompt, voter, weight, self.style[kept])


@dataclass(frozen=True)
class Fit:
    """Where the likelihood is highest. ``ratings`` (M,) in logits about a mean of 0; ``side`` what being left adds; ``tie`` the logarithm
    of Davidson's tie parameter (None where ties are halved; very low where nobody tied); ``style`` (K,) for each covariate.

    ``information`` (P, P) is the negative Hessian with the ridge, its rows ratings, tie, side, style; ``scores`` (V, 2) are the slopes of
    each vote's log-likelihood, in s and in tie.
    """

    ties: Ties
    ratings: np.ndarray
    tie: float | None
    side: float
    style: np.ndarray
    information: np.ndarray
    scores: np.ndarray

    @property
    def elo(self) -> np.ndarray:
        """Ratings (M,) on the Elo scale, about a mean of 1000."""
        return CENTRE + ELO * self.ratings


@dataclass(frozen=True)
class _Cells:
    """Votes of one left, one right and one row of style, counted: ``counts`` (C, 3), and the cell ``of`` each vote (V,)."""

    left: np.ndarray
    right: np.ndarray
    style: np.ndarray
    counts: np.ndarray
    of: np.ndarray


def fit(votes: Votes, *, ties: Ties = "davidson", side: bool = True, ridge: float = RIDGE) -> Fit:
    """Maximum of the penalised likelihood. ``ridge`` is the weight of half the squared parameters, in logits.

    Raises ValueError for no votes, and, without a ridge, where no maximum exists.
    """
    if not len(votes):
        raise ValueError("there are no votes to rate by")
    cells = _counted(votes)
    m, k = votes.n_models, votes.style.shape[1]
    beta = np.zeros(m + 2 + k)
    tied = ties == "davidson" and bool(cells.counts[:, TIE].any())
    beta[m] = 0.0 if tied else _NO_TIES
    free = np.concatenate([np.ones(m), [tied, side], np.ones(k)]).astype(bool)
    for _ in range(_MAX_STEPS):
        gradient, information = _slopes(beta, cells, m, ties, ridge)
        move = np.zeros_like(beta)
        try:
            move[free] = np.linalg.solve(information[np.ix_(free, free)], gradient[free])
        except np.linalg.LinAlgError as error:
            raise ValueError("without a ridge these votes settle no ratings: not every model is linked to every other") from error
        longest = np.abs(move).max()
        if not np.isfinite(longest) or np.abs(beta[free]).max() > _ENDLESS:
            raise ValueError("without a ridge these votes settle no ratings: some model has won, or lost, all of its votes")
        beta += move * min(1.0, _MAX_LOGIT / max(longest, 1e-300))
        if longest < 1e-10:
            break
    else:
        raise ValueError("the ratings did not settle: without a ridge some model has won, or lost, all of its votes")
    _, information = _slopes(beta, cells, m, ties, ridge)
    slope_s, slope_tie = _vote_slopes(beta, cells, m, ties)
    scores = np.stack([slope_s[cells.of, votes.outcome], slope_tie[cells.of, votes.outcome]], 1)
    if votes.weight is not None:
        scores *= votes.weight[:, None]
    information[~free] = 0
    information[:, ~free] = 0
    return Fit(ties, beta[:m], float(beta[m]) if ties == "davidson" else None, float(beta[m + 1]), beta[m + 2 :], information, scores)


def _counted(votes: Votes) -> _Cells:
    pair = votes.left.astype(np.int64) * votes.n_models + votes.right
    if votes.style.shape[1]:
        rows = np.column_stack([pair.astype(np.float64), votes.style])
        unique, of = np.unique(rows, axis=0, return_inverse=True)
        pairs, style = unique[:, 0].astype(np.int64), unique[:, 1:]
    else:
        n_pairs = votes.n_models**2
        present = np.flatnonzero(np.bincount(pair, minlength=n_pairs))
        index_of_pair = np.zeros(n_pairs, np.int64)
        index_of_pair[present] = np.arange(len(present))
        pairs, style, of = present, np.zeros((len(present), 0)), index_of_pair[pair]
    counts = np.bincount(of * 3 + votes.outcome, weights=votes.weight, minlength=3 * len(pairs)).reshape(-1, 3).astype(np.float64)
    return _Cells(pairs // votes.n_models, pairs % votes.n_models, style, counts, of)


def _shares(beta: np.ndarray, cells: _Cells, m: int, ties: Ties) -> np.ndarray:
    """Chances (C, 3) of left, tie and right; with halved ties the middle is 0."""
    s = beta[cells.left] - beta[cells.right] + beta[m + 1] + cells.style @ beta[m + 2 :]
    if ties == "half":
        won = expit(s)
        return np.stack([won, np.zeros_like(won), 1 - won], 1)
    logits = np.stack([s / 2, np.full_like(s, beta[m]), -s / 2], 1)
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _vote_slopes(beta: np.ndarray, cells: _Cells, m: int, ties: Ties) -> tuple[np.ndarray, np.ndarray]:
    """Slopes (C, 3) in s and in tie of the log-likelihood of each outcome in each cell."""
    p = _shares(beta, cells, m, ties)
    won = np.array([1.0, 0.5, 0.0])
    if ties == "half":
        return won - p[:, :1], np.zeros((len(p), 3))
    expected = p[:, 0] + 0.5 * p[:, 1]
    return won - expected[:, None], np.array([0.0, 1.0, 0.0]) - p[:, 1:2]


def outcome_slopes(fitted: Fit) -> np.ndarray:
    """Slopes (M, M, 3, 2) in s and in tie of the log-likelihood of one vote, by left, right and outcome, where style is 0."""
    m, k = len(fitted.ratings), len(fitted.style)
    left, right = np.divmod(np.arange(m * m), m)
    beta = np.concatenate([fitted.ratings, [0.0 if fitted.tie is None else fitted.tie, fitted.side], fitted.style])
    cells = _Cells(left, right, np.zeros((m * m, k)), np.zeros((m * m, 3)), np.arange(m * m))
    return np.stack(_vote_slopes(beta, cells, m, fitted.ties), -1).reshape(m, m, 3, 2)


def _slopes(beta: np.ndarray, cells: _Cells, m: int, ties: Ties, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (P,) and negative Hessian (P, P) of the penalised log-likelihood."""
    p, n = _shares(beta, cells, m, ties), cells.counts.sum(1)
    by_s, by_tie = ((cells.counts * slopes).sum(1) for slopes in _vote_slopes(beta, cells, m, ties))
    if ties == "half":
        ss, st, tt = n * p[:, 0] * p[:, 2], np.zeros_like(n), np.zeros_like(n)
    else:
        mean = p[:, 0] - p[:, 2]
        ss = n * (p[:, 0] + p[:, 2] - mean**2) / 4
        st = -n * mean * p[:, 1] / 2
        tt = n * p[:, 1] * (1 - p[:, 1])
    x = np.column_stack([np.zeros(len(n)), np.ones(len(n)), cells.style])  # tie, side, style; what s has of tie is told apart
    gradient, information = np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    gradient[:m] = np.bincount(cells.left, by_s, m) - np.bincount(cells.right, by_s, m)
    gradient[m:] = x.T @ by_s
    gradient[m] += by_tie.sum()
    among = np.bincount(cells.left * m + cells.right, ss, m * m).reshape(m, m)
    among = among + among.T
    information[:m, :m] = np.diag(among.sum(1)) - among
    for column in range(x.shape[1]):
        bent = ss * x[:, column] if column else st
        information[:m, m + column] = np.bincount(cells.left, bent, m) - np.bincount(cells.right, bent, m)
    information[m:, :m] = information[:m, m:].T
    information[m:, m:] = x.T @ (ss[:, None] * x)
    information[m, m:] += x.T @ st
    information[m:, m] = information[m, m:]
    information[m, m] = tt.sum()
    gradient -= ridge * beta
    information += ridge * np.eye(len(beta))
    information[:m, :m] += 1.0 / m  # ratings are about a mean of 0: no vote speaks of their sum
    gradient[:m] -= beta[:m].sum() / m
    return gradient, information
