"""Ratings are where the likelihood is highest, and are what known counts say they must be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from seedbench.arena.ratings.bradley_terry import ELO, LEFT, RIGHT, TIE, Votes, fit

Arena = Callable[..., Votes]


def counts(wins: int, ties: int, losses: int) -> Votes:
    """Two models: so many votes for the first (on the left in all), ties, and votes for the second."""
    outcome = np.repeat([LEFT, TIE, RIGHT], [wins, ties, losses])
    zeros = np.zeros(len(outcome), np.int64)
    return Votes(2, zeros, zeros + 1, outcome, zeros, zeros)


def test_three_to_one_is_191_points() -> None:
    fitted = fit(counts(75, 0, 25), side=False, ridge=0.0)
    assert fitted.elo[0] - fitted.elo[1] == pytest.approx(400 * math.log10(3), abs=1e-6)
    assert fitted.elo.mean() == pytest.approx(1000)


def test_davidson_s_tie_parameter_is_ties_over_the_root_of_wins_and_losses() -> None:
    fitted = fit(counts(60, 30, 15), side=False, ridge=0.0)
    assert fitted.tie == pytest.approx(math.log(30 / math.sqrt(60 * 15)), abs=1e-8)
    assert fitted.ratings[0] - fitted.ratings[1] == pytest.approx(math.log(60 / 15), abs=1e-8)


def test_halved_ties_are_half_a_win() -> None:
    fitted = fit(counts(60, 30, 10), ties="half", side=False, ridge=0.0)
    assert fitted.ratings[0] - fitted.ratings[1] == pytest.approx(math.log(75 / 25), abs=1e-8)
    assert fitted.tie is None


def test_the_published_figures_of_fifty_wins_thirty_ties_and_twenty_losses() -> None:
    half, davidson = (fit(counts(50, 30, 20), ties=ties, side=False, ridge=0.0) for ties in ("half", "davidson"))
    assert half.elo[0] - half.elo[1] == pytest.approx(107.54, abs=0.005)
    assert davidson.elo[0] - davidson.elo[1] == pytest.approx(159.18, abs=0.005)
    assert math.exp(davidson.tie or 0.0) == pytest.approx(0.9487, abs=5e-5)


def likelihood(parameters: np.ndarray, votes: Votes) -> float:
    """Negative log-likelihood of Davidson's model, written vote by vote."""
    m = votes.n_models
    ratings, tie, side, style = parameters[:m], parameters[m], parameters[m + 1], parameters[m + 2 :]
    total = 0.0
    for row in range(len(votes)):
        s = ratings[votes.left[row]] - ratings[votes.right[row]] + side + votes.style[row] @ style
        logits = [s / 2, tie, -s / 2]
        weight = 1.0 if votes.weight is None else votes.weight[row]
        total -= weight * (logits[votes.outcome[row]] - math.log(sum(math.exp(logit) for logit in logits)))
    return total + 0.025 * float(parameters @ parameters)


def test_newton_s_method_ends_where_a_general_optimiser_ends(arena: Arena) -> None:
    votes = arena(np.array([0.8, 0.1, -0.2, -0.7]), 300, 3, side=0.3)
    rng = np.random.default_rng(0)
    votes = replace(votes, weight=rng.uniform(0.5, 2.0, len(votes)), style=rng.integers(-2, 3, (len(votes), 2)).astype(float))
    fitted = fit(votes, ridge=0.05)
    optimum = minimize(likelihood, np.zeros(8), args=(votes,), method="BFGS", options={"gtol": 1e-7}).x
    assert fitted.ratings == pytest.approx(optimum[:4] - optimum[:4].mean(), abs=1e-4)
    assert [fitted.tie, fitted.side] == pytest.approx(optimum[4:6].tolist(), abs=1e-4)
    assert fitted.style == pytest.approx(optimum[6:], abs=1e-4)


def test_the_slopes_of_votes_sum_to_nothing_at_the_height(arena: Arena) -> None:
    votes = arena(np.array([0.5, 0.0, -0.5]), 500, 1)
    fitted = fit(votes, ridge=0.0)
    assert fitted.scores.sum(0) == pytest.approx([0, 0], abs=1e-7)
    assert np.bincount(votes.left, fitted.scores[:, 0], 3) - np.bincount(votes.right, fitted.scores[:, 0], 3) == pytest.approx(0, abs=1e-7)


def test_a_bias_for_one_side_is_found_and_does_not_move_the_ratings(arena: Arena) -> None:
    strengths = np.array([0.6, 0.0, -0.6])
    biased = fit(arena(strengths, 40_000, 5, side=0.4))
    assert biased.side == pytest.approx(0.4, abs=0.06)
    assert biased.ratings == pytest.approx(strengths, abs=0.06)


def test_the_names_of_sides_do_not_matter(arena: Arena) -> None:
    votes = arena(np.array([0.6, 0.0, -0.6]), 400, 7, side=0.4)
    mirrored = replace(votes, left=votes.right, right=votes.left, outcome=2 - votes.outcome)
    straight, other = fit(votes), fit(mirrored)
    assert straight.ratings == pytest.approx(other.ratings, abs=1e-9)
    assert straight.side == pytest.approx(-other.side, abs=1e-9)


def test_the_order_of_votes_does_not_matter(arena: Arena) -> None:
    votes = arena(np.array([0.6, 0.0, -0.6]), 400, 7)
    shuffled = votes.chosen(np.random.default_rng(0).permutation(len(votes)))
    assert fit(votes).ratings == pytest.approx(fit(shuffled).ratings, abs=1e-10)


def test_a_model_that_never_lost_is_finite_with_a_ridge_and_refused_without() -> None:
    assert 200 < np.ptp(fit(counts(30, 0, 0), side=False).elo) < 4000
    with pytest.raises(ValueError, match="won, or lost, all"):
        fit(counts(30, 0, 0), side=False, ridge=0.0)


def test_no_votes_and_votes_on_oneself_are_refused() -> None:
    none = np.zeros(0, np.int64)
    with pytest.raises(ValueError, match="no votes"):
        fit(Votes(2, none, none, none, none, none))
    zeros = np.zeros(3, np.int64)
    with pytest.raises(ValueError, match="with itself"):
        Votes(2, zeros, zeros, zeros, zeros, zeros)


def test_style_takes_what_it_explains_out_of_the_ratings(arena: Arena) -> None:
    # The first model is louder in all of its pairs, and louder wins: without the covariate it looks better than it is.
    votes = arena(np.zeros(3), 6_000, 11)
    loud = np.where(votes.left == 0, 1.0, np.where(votes.right == 0, -1.0, 0.0)) + np.random.default_rng(1).normal(0, 1, len(votes))
    won = np.random.default_rng(2).random(len(votes)) < 1 / (1 + np.exp(-1.0 * loud))
    votes = replace(votes, outcome=np.where(won, LEFT, RIGHT))
    plain, controlled = fit(votes), fit(replace(votes, style=loud[:, None]))
    assert plain.ratings[0] - plain.ratings[1] > 0.6
    assert controlled.ratings[0] - controlled.ratings[1] == pytest.approx(0.0, abs=0.25)
    assert controlled.style[0] == pytest.approx(1.0, abs=0.1)


def test_the_scale_is_four_hundred_points_for_ten_to_one() -> None:
    assert ELO * math.log(10) == pytest.approx(400)
