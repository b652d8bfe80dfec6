"""Style control: ratings without the effect of style, and what each covariate of style is worth.

A covariate (left minus right) can be distinguished from strength only where it varies between votes on the same two systems. A covariate
that is always the same for a system (it always makes 24 frames a second) is part of the system: votes cannot say what it is worth, and its
effect in a fit would come from the ridge alone. Such a covariate is left out, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from seedbench.arena.ratings.bradley_terry import ELO, RIDGE, Fit, Ties, Votes, fit
from seedbench.arena.ratings.clustering import covariance

_OWN = 1e-2  # the least share of a covariate's spread that systems, side and earlier covariates must leave unexplained


@dataclass(frozen=True)
class CovariateEffect:
    """What one more unit of a covariate on the left is worth.

    Attributes:
        value: The worth in Elo points; None where it cannot be given.
        low: The lower bound of its interval; None where it cannot be given.
        high: The upper bound; None where it cannot be given.
        reason: Why something is None; empty otherwise.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str = ""


@dataclass(frozen=True)
class StyleControlledFit:
    """A fit with style control.

    Attributes:
        elo: (M,) ratings on the Elo scale about 1000.
        half_widths: (M,) half the widths of their intervals; None where there are too few clusters.
        effects: The effect of each covariate that was asked for.
        reason: Why ``half_widths`` is None; empty otherwise.
    """

    elo: np.ndarray
    half_widths: np.ndarray | None
    effects: tuple[CovariateEffect, ...]
    reason: str = ""


def fit_with_style_control(
    votes: Votes, *, ties: Ties = "davidson", side: bool = True, ridge: float = RIDGE, level: float = 0.95
) -> StyleControlledFit | None:
    """Fit ratings together with the effects of all covariates that vary enough of their own (:func:`has_own_variation`).

    Covariates are scaled to their spread for the fit, so that the ridge affects all alike.

    Args:
        votes: The votes, with their style.
        ties: How ties are treated.
        side: Whether to estimate what being on the left adds.
        ridge: The weight of half the squared parameters, in logits.
        level: The level of the intervals, which are clustered by prompt and voter.

    Returns:
        The fit; None where no covariate varies enough, or there are no votes.
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
    """Which covariates vary beyond what systems, the side and the covariates before them explain.

    Args:
        votes: Votes with K covariates of style.
        side: Whether the side is a parameter of the fit.

    Returns:
        For each of the K covariates whether it does.
    """
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
