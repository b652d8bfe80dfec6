"""Bradley-Terry ratings with ties after Davidson, a bias for one side, and covariates of style; and the variant that halves ties.

With s = rating(left) - rating(right) + side bias + covariates, Davidson's model gives left, tie and right the weights e^(s/2), e^d and
e^(-s/2). The log-likelihood is concave; Newton's method finds its maximum in a few steps on counts, whose number does not grow with the
votes. A small ridge keeps models finite that never lost or never won; ratings have a mean of 0.

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
UNKNOWN = -1
"""The index of a prompt or a voter that is not known."""
ELO = 400 / math.log(10)
"""Points of the Elo scale for one logit (natural logarithm): 400 points are odds of ten to one."""
CENTRE = 1000.0
"""The rating of a model of mean strength on the Elo scale."""
RIDGE = 0.05
_NO_TIES = -40.0
_ENDLESS = 15.0  # logits: odds that no vote log can distinguish from certainty
_MAX_STEPS = 100
_MAX_LOGIT = 4.0  # the longest step of Newton's method


@dataclass(frozen=True)
class Votes:
    """V votes as arrays.

    Attributes:
        n_models: The number M of models, those without votes included.
        left: The index 0..M-1 of the model on the left (V,).
        right: The index of the model on the right (V,).
        outcome: LEFT, TIE or RIGHT (V,).
        prompt: The index of the prompt (V,); UNKNOWN where it is not known.
        voter: The index of the voter (V,); UNKNOWN where it is not known.
        weight: How often each vote counts (V,); None for once.
        style: Covariates of style, left minus right (V, K).

    Raises:
        ValueError: Columns differ in length, or a model is compared with itself.
    """

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
            raise ValueError("a vote compares a model with itself: leave such votes out")
        if not self.style.size:
            object.__setattr__(self, "style", np.zeros((len(self.left), 0)))

    def __len__(self) -> int:
        return len(self.left)

    def chosen(self, kept: np.ndarray) -> Votes:
        """Some of the votes.

        Args:
            kept: (V,) bool, True for the votes to keep, or the indices of these votes.

        Returns:
            The votes, of as many models.
        """
        weight = None if self.weight is None else self.weight[kept]
        left, right, outcome, prompt, voter = (column[kept] for column in (self.left, self.right, self.outcome, self.prompt, self.voter))
        return Votes(self.n_models, left, right, outcome, prompt, voter, weight, self.style[kept])


@dataclass(frozen=True)
class Fit:
    """The parameters of the highest penalised likelihood.

    Attributes:
        ties: How ties were treated.
        ratings: Ratings in logits with a mean of 0 (M,).
        tie: The logarithm of Davidson's tie parameter; None where ties are halved, very low where nobody tied.
        side: What being on the left adds, in logits.
        style: What one unit of each covariate adds on the left, in logits (K,).
        information: The negative Hessian with the ridge (P, P); its rows are ratings, tie, side, style.
        scores: The slopes of each vote's log-likelihood in s and in tie (V, 2).
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
        """Ratings (M,) on the Elo scale, with a mean of 1000."""
        return CENTRE + ELO * self.ratings


@dataclass(frozen=True)
class _Cells:
    """Votes with the same left, right and style, counted: ``counts`` (C, 3) by outcome, and ``of``, the cell of each vote (V,)."""

    left: np.ndarray
    right: np.ndarray
    style: np.ndarray
    counts: np.ndarray
    of: np.ndarray


def fit(votes: Votes, *, ties: Ties = "davidson", side: bool = True, ridge: float = RIDGE) -> Fit:
    """Fit ratings: the maximum of the penalised likelihood (Bradley and Terry 1952; ties after Davidson 1970).

    Args:
        votes: The votes.
        ties: ``davidson`` models ties; ``half`` counts a tie as half a win of each side.
        side: Whether to estimate what being on the left adds.
        ridge: The weight of half the squared parameters, in logits.

    Returns:
        The fit.

    Raises:
        ValueError: There are no votes, or, without a ridge, no maximum exists (Hunter 2004).
    """
    if not len(votes):
        raise ValueError("there are no votes to fit ratings to")
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
            raise ValueError("without a ridge these votes determine no ratings: votes do not link every model to every other") from error
        longest = np.abs(move).max()
        if not np.isfinite(longest) or np.abs(beta[free]).max() > _ENDLESS:
            raise ValueError("without a ridge these votes determine no ratings: a model has won, or lost, all of its votes")
        beta += move * min(1.0, _MAX_LOGIT / max(longest, 1e-300))
        if longest < 1e-10:
            break
    else:
        raise ValueError("the ratings did not converge: without a ridge a model has won, or lost, all of its votes")
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
    """Slopes of the log-likelihood of one vote on each pair, where style is 0.

    Args:
        fitted: The fit of M models.

    Returns:
        (M, M, 3, 2) by left, right, outcome, and the parameter: s and tie.
    """
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
    x = np.column_stack([np.zeros(len(n)), np.ones(len(n)), cells.style])  # tie, side, style; the derivatives in tie are handled separately
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
    information[:m, :m] += 1.0 / m  # the mean of ratings is 0: votes say nothing about their sum
    gradient[:m] -= beta[:m].sum() / m
    return gradient, information
