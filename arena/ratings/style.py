"""Ratings with style held equal, and what each covariate of style is worth.

A covariate (left minus right) is told apart from strength only where it changes between votes on the same two systems. One that each system
carries about unchanged (it always makes 24 frames a second) is part of what the system is: no votes can say what it is worth, and a fit
that has it would answer by its ridge alone. Such a covariate is left out, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from seedbench.arena.ratings.bradley_terry import ELO, RIDGE, Fit, Ties, Votes, fit
from seedbench.arena.ratings.clustering import covariance

_OWN = 1e-2  # of a covariate's spread: less than this left by systems, side and the others before it, and it has none of its own


@dataclass(frozen=True)
class CovariateEffect:
    """What one more unit of a covariate on the left is worth, in Elo points, with its interval; None where there is none, with the
    ``reason``."""

    value: float | None
    low: float | None
    high: float | None
    reason: str = ""


@dataclass(frozen=True)
class StyleControlledFit:
    """A fit with style held equal: ``elo`` (M,) about 1000 with ``half_widths`` (M,) (None, with ``reason``, where there are too few
    clusters), and an effect for each covariate asked for."""

    elo: np.ndarray
    half_widths: np.ndarray | None
    effects: tuple[CovariateEffect, ...]
    reason: str = ""


def fit_with_style_control(
    votes: Votes, *, ties: Ties = "davidson", side: bool = True, ridge: float = RIDGE, level: float = 0.95
) -> StyleControlledFit | None:
    """Fit votes with all their covariates that have a spread of their own; None where none has, or there are no votes.

    Intervals are clustered by prompt and voter. Covariates are scaled to their spread for the fit, so that the ridge weighs on all alike.
    """
    own = has_own_variation(votes, side=side)
    used = np.flatnonzero(own)
    if not len(used):
        return None
    scale = np.sqrt((votes.style[:, used] ** 2).mean(0))
    part = replace(votes, style=votes.style[:, used] / scale)
    fitted = fit(part, ties=ties, side=side, ridge=ridge)
    errors, quantile, reason = _errors(part, fitted, level)
    m = votes.n_models
    effects = [CovariateEffect(None, None, None, _NOT_OWN)] * votes.style.shape[1]
    for index, column in enumerate(used):
        points = ELO / float(scale[index])
        value = points * float(fitted.style[index])
        if errors is None:
            effects[column] = CovariateEffect(value, None, None, reason)
        else:
            half = points * quantile * float(errors[m + 2 + index])
            effects[column] = CovariateEffect(value, value - half, value + half)
    return StyleControlledFit(fitted.elo, None if errors is None else ELO * quantile * errors[:m], tuple(effects), reason)


_NOT_OWN = "it does not vary between votes on the same two systems beyond what the other covariates do"


def has_own_variation(votes: Votes, *, side: bool = True) -> tuple[bool, ...]:
    """For each covariate (K,) whether it varies beyond what systems, the side and the covariates before it explain."""
    n, m = len(votes), votes.n_models
    rows = np.arange(n)
    where = (np.concatenate([rows, rows, rows]), np.concatenate([votes.left, votes.right, np.full(n, m)]))
    known = sparse.csr_matrix((np.repeat([1.0, -1.0, float(side)], n), where), shape=(n, m + 1))
    inverse = np.linalg.pinv((known.T @ known).toarray(), hermitian=True)
    kept: list[np.ndarray] = []
    has_own: list[bool] = []
    for column in votes.style.T:
        left_over = column - known @ (inverse @ (known.T @ column))
        for other in kept:
            left_over = left_over - other * (other @ left_over)
        size = float(np.linalg.norm(left_over))
        has_own.append(size > _OWN * float(np.linalg.norm(column)))
        if has_own[-1]:
            kept.append(left_over / size)
    return tuple(has_own)


def _errors(votes: Votes, fitted: Fit, level: float) -> tuple[np.ndarray | None, float, str]:
    try:
        spread = covariance(votes, fitted, unit="both", level=level)
    except ValueError as error:
        return None, 0.0, str(error)
    return np.sqrt(np.maximum(np.diag(spread.values), 0.0)), spread.quantile, ""
