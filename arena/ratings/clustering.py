"""The covariance of ratings: the sandwich estimate, clustered by prompt, by voter, or by both.

Votes on one prompt share its clips, and votes of one voter share a taste: they are not independent, and an interval that assumes so is
too narrow by a factor of up to two. The two-way estimate adds the covariance by prompts to that by voters and subtracts what both count
twice (Cameron, Gelbach and Miller 2011), with the small-sample factor G / (G - 1) in each part. Its negative eigenvalues, if it has
any, are raised to 0, as they advise.

With few votes, or a model that always won, the votes vary little, and the sandwich shrinks towards 0 where it should grow. The two-way
estimate is therefore in no direction below the model's own covariance of independent votes.

Votes whose prompt or voter is not known may belong to any cluster, and all to the same one. Their share is therefore bounded from above:
the slopes of n such votes, however they are grouped, vary by no more than n times as much as n independent ones (Cauchy and Schwarz).
Nothing is then subtracted for what both clusterings count twice, and the covariance of independent votes is added in full. Of 7,101 ways
to fill in names, on boards of 2 to 4 prompts and voters, 6 gave wider intervals, by at most 3% (raising eigenvalues to 0 is not monotone);
with 5 to 25 of each none of 6,408 was. Unknown names count for no cluster; where no prompt, or no voter, is known there is no
estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.special import stdtrit

from seedbench.arena.ratings.bradley_terry import LEFT, TIE, UNKNOWN, Fit, Votes

Unit = Literal["vote", "prompt", "voter", "both"]
FEW = 30
"""Fewer prompts or voters than this, and intervals are called rough."""
_DENSE_CELLS = 4_000_000


@dataclass(frozen=True)
class Covariance:
    """The covariance of the parameters of a fit.

    Attributes:
        values: (P, P) covariance in squared logits; the rows are ratings, tie, side, style.
        quantile: A standard error times this is the half-width of an interval at the level that was asked for.
        n_prompts: The number of known prompts.
        n_voters: The number of known voters.
    """

    values: np.ndarray
    quantile: float
    n_prompts: int
    n_voters: int

    @property
    def few(self) -> bool:
        """Whether there are too few clusters to trust the width of intervals."""
        return min(self.n_prompts, self.n_voters) < FEW

    def errors(self, n_models: int) -> np.ndarray:
        """Standard errors of the ratings.

        Args:
            n_models: The number M of models.

        Returns:
            (M,) in logits.
        """
        return np.sqrt(np.maximum(np.diag(self.values)[:n_models], 0.0))


def covariance(votes: Votes, fitted: Fit, *, unit: Unit = "both", level: float = 0.95) -> Covariance:
    """The covariance of a fit (sandwich estimate; two-way clusters after Cameron, Gelbach and Miller 2011).

    Args:
        votes: The V votes that were fitted.
        fitted: Their fit.
        unit: What votes are clustered by. By both prompt and voter, the covariance is nowhere below that of independent votes. For votes
            whose cluster is not known, every cluster that they may belong to is allowed for.
        level: The level of intervals.

    Returns:
        The covariance in squared logits, with the quantile of t with one degree of freedom less than known clusters.

    Raises:
        ValueError: There are fewer than two known clusters.
    """
    bread = np.linalg.pinv(fitted.information, hermitian=True)
    n_prompts, n_voters = n_known(votes.prompt), n_known(votes.voter)
    counts = {"vote": len(votes), "prompt": n_prompts, "voter": n_voters, "both": min(n_prompts, n_voters)}
    if counts[unit] < 2:
        known = " that are known" if (votes.prompt == UNKNOWN).any() or (votes.voter == UNKNOWN).any() else ""
        raise ValueError(f"an interval needs at least two {'prompts and two voters' if unit == 'both' else unit + 's'}{known}")
    groups = _groups(votes, unit)
    complete = not any((group == UNKNOWN).any() for group, _ in groups)
    values = np.zeros_like(bread)
    for group, sign in groups:
        spread = bread @ _spread(votes, fitted, group) @ bread
        if (group == UNKNOWN).any():
            small_sample = _small_sample(n_known(group))
            spread = _most_together(spread, bread @ _most_spread(votes, fitted, group == UNKNOWN, small_sample) @ bread)
        values += sign * spread if complete else max(sign, 0.0) * spread
    values = _positive((values + values.T) / 2)
    if unit == "both":
        about_mean = np.eye(len(bread))
        about_mean[: votes.n_models, : votes.n_models] -= 1 / votes.n_models  # the mean of the ratings is fixed, not estimated
        independent = _dispersion(votes, fitted) * about_mean @ bread @ about_mean
        values = values + (_positive(independent - values) if complete else independent)
    return Covariance(values, float(stdtrit(counts[unit] - 1, 0.5 + level / 2)), n_prompts, n_voters)


def _dispersion(votes: Votes, fitted: Fit) -> float:
    """The variance of outcomes over the variance that the information assumes: 1, or less where ties are halved, which vary less than coin
    flips."""
    tied = votes.outcome == TIE
    if fitted.ties != "half" or not tied.any() or votes.weight is not None:
        return 1.0
    score = fitted.scores[:, 0]
    chance = np.where(tied, 0.5, votes.outcome == LEFT) - score
    return min(1.0, float((score**2).sum() / (chance * (1 - chance)).sum()))


def _positive(matrix: np.ndarray) -> np.ndarray:
    """The positive part of a symmetric matrix: its negative eigenvalues raised to 0."""
    powers, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(powers, 0.0)) @ vectors.T)


def _groups(votes: Votes, unit: Unit) -> list[tuple[np.ndarray, float]]:
    if unit == "vote":
        return [(np.arange(len(votes)), 1.0)]
    if unit != "both":
        return [(votes.prompt if unit == "prompt" else votes.voter, 1.0)]
    both = votes.prompt.astype(np.int64) * (int(votes.voter.max()) + 1) + votes.voter
    both[(votes.prompt == UNKNOWN) | (votes.voter == UNKNOWN)] = UNKNOWN
    return [(votes.prompt, 1.0), (votes.voter, 1.0), (both, -1.0)]


def _spread(votes: Votes, fitted: Fit, group: np.ndarray) -> np.ndarray:
    """Sum over known groups of the outer product of their summed slopes (P, P), with the small-sample factor."""
    known = group != UNKNOWN
    if not known.any():
        return np.zeros_like(fitted.information)
    n, cluster = group_indices(group[known])
    summed = summed_slopes(votes.chosen(known), fitted.scores[known], cluster, n)
    product = summed.T @ summed
    return np.asarray(product.todense() if sparse.issparse(product) else product) * _small_sample(n)


def _small_sample(n: int) -> float:
    """The factor that n clusters are counted with, because their mean is estimated."""
    return n / (n - 1) if n > 1 else 1.0


def _most_spread(votes: Votes, fitted: Fit, unknown: np.ndarray, small_sample: float) -> np.ndarray:
    """The most that the outer products of summed slopes can add up to (P, P), over all ways to group the votes in the mask ``unknown``.

    For a group of n votes with slopes s, sum(s) sum(s)' is at most n sum(s s'), and no group is larger than all votes. ``small_sample`` is
    the factor of the known groups, of which these votes may be.
    """
    n = int(np.count_nonzero(unknown))
    slopes = summed_slopes(votes.chosen(unknown), fitted.scores[unknown], np.arange(n), n)
    product = slopes.T @ slopes
    return n * small_sample * np.asarray(product.todense() if sparse.issparse(product) else product)


def _most_together(known: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """The most that known and unknown votes vary by together, wherever the unknown ones belong.

    For slopes k and u, (k + u)(k + u)' is at most (1 + e) kk' + (1 + 1/e) uu' for every e > 0; the e taken here gives the least trace.
    """
    of_known, of_unknown = float(np.trace(known)), float(np.trace(unknown))
    if of_known <= 0 or of_unknown <= 0:
        return known + unknown
    share = float(np.sqrt(of_unknown / of_known))
    return (1 + share) * known + (1 + 1 / share) * unknown


def n_known(group: np.ndarray) -> int:
    """The number of known groups.

    Args:
        group: (V,) integers, the group of each vote; UNKNOWN where it is not known.

    Returns:
        The number of different groups, UNKNOWN not counted.
    """
    return len(np.unique(group[group != UNKNOWN]))


def group_indices(group: np.ndarray) -> tuple[int, np.ndarray]:
    """Number groups from 0 without gaps.

    Args:
        group: (V,) integers from 0, the group of each vote.

    Returns:
        The number of groups that occur, and (V,) the new index of each vote's group.
    """
    top = int(group.max()) + 1
    if top <= 4 * len(group):
        there = np.bincount(group, minlength=top) > 0
        number = np.cumsum(there) - 1
        return int(there.sum()), number[group]
    unique, index = np.unique(group, return_inverse=True)
    return len(unique), index


def summed_slopes(votes: Votes, scores: np.ndarray, cluster: np.ndarray, n: int) -> np.ndarray | sparse.csr_matrix:
    """Slopes of the log-likelihood in all parameters, summed over the votes of each cluster.

    Args:
        votes: V votes.
        scores: (V, 2) the slopes of each vote's log-likelihood in s and in tie, as in a fit of P parameters.
        cluster: (V,) the index 0..n-1 of each vote's cluster.
        n: The number of clusters.

    Returns:
        (n, P), sparse where n is large.
    """
    m, k = votes.n_models, votes.style.shape[1]
    by_s, by_tie = scores[:, 0], scores[:, 1]
    columns = [(votes.left, by_s), (votes.right, -by_s), (np.full(len(votes), m), by_tie), (np.full(len(votes), m + 1), by_s)]
    columns += [(np.full(len(votes), m + 2 + covariate), by_s * votes.style[:, covariate]) for covariate in range(k)]
    width = m + 2 + k
    if n * width <= _DENSE_CELLS:
        total = np.zeros(n * width)
        for column, values in columns:
            total += np.bincount(cluster * width + column, weights=values, minlength=n * width)
        return total.reshape(n, width)
    rows = np.tile(cluster, len(columns))
    flat = (np.concatenate([values for _, values in columns]), (rows, np.concatenate([column for column, _ in columns])))
    return sparse.csr_matrix(flat, shape=(n, width))
