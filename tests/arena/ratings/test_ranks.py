"""Ranks are claimed as far as they are sure, all at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from seedbench.arena.ratings.bradley_terry import Votes, fit
from seedbench.arena.ratings.clustering import covariance
from seedbench.arena.ratings.ranks import critical_value, ranks, tiers

Arena = Callable[..., Votes]


def test_models_far_apart_have_one_rank_each() -> None:
    ranked = ranks(np.array([0.0, 2.0, 1.0]), np.eye(3) * 0.01)
    assert ranked.best.tolist() == ranked.worst.tolist() == [3, 1, 2]
    assert ranked.tier.tolist() == [3, 1, 2]


def test_models_without_a_certain_difference_share_all_ranks() -> None:
    ranked = ranks(np.array([0.0, 0.1, 0.2]), np.eye(3))
    assert ranked.best.tolist() == [1, 1, 1]
    assert ranked.worst.tolist() == [3, 3, 3]
    assert ranked.tier.tolist() == [1, 1, 1]


def test_the_critical_value_is_tukey_s_for_independent_models() -> None:
    # The studentised range of 5 means with endless degrees of freedom is 3.858 at 95%; a difference's error is the root of two.
    ranked = ranks(np.zeros(5), np.eye(5))
    assert ranked.critical == pytest.approx(3.858 / np.sqrt(2), abs=0.04)


def test_correlated_models_are_separated_by_the_error_of_their_difference() -> None:
    shared = np.full((2, 2), 1.0) + np.eye(2) * 0.001
    assert ranks(np.array([0.3, 0.0]), shared).surely_above.tolist() == [[False, True], [False, False]]
    assert not ranks(np.array([0.3, 0.0]), np.eye(2)).surely_above.any()


def test_a_wide_quantile_makes_claims_rarer() -> None:
    ratings, spread = np.array([0.0, 0.5]), np.eye(2) * 0.02
    assert ranks(ratings, spread).surely_above.any()
    assert not ranks(ratings, spread, quantile=4.3).surely_above.any()


def test_one_model_is_first() -> None:
    ranked = ranks(np.zeros(1), np.eye(1))
    assert (ranked.best.tolist(), ranked.worst.tolist(), ranked.critical) == ([1], [1], None)


def test_of_equal_models_few_boards_claim_an_order(arena: Arena) -> None:
    """Six models of one strength: at 95% all together, about one board of twenty may put any model above any other."""
    claimed = 0
    for seed in range(120):
        votes = arena(np.zeros(6), 1_500, seed, clip_sd=0.4, n_prompts=80, n_voters=80)
        fitted = fit(votes)
        spread = covariance(votes, fitted)
        # One clip a model and prompt: what differs is the clips', and the two-way intervals must hold all claims off.
        claimed += bool(ranks(fitted.ratings, spread.values[:6, :6], quantile=spread.quantile).surely_above.any())
    assert claimed / 120 <= 0.13


@pytest.mark.parametrize("seed", range(6))
def test_last_bits_draw_no_other_critical_value(seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-1e-14, 1e-14, (5, 5))
    alike = np.eye(5) - 0.2  # eigenvalues that are equal: their eigenvectors are whatever rounding makes of them
    errors = np.sqrt(2.0) * (1 - np.eye(5))
    assert critical_value(alike + noise + noise.T, errors) == pytest.approx(critical_value(alike, errors), rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_last_bits_head_no_tier(seed: int) -> None:
    ratings = np.array([1.0, 1.0, 0.0]) + np.random.default_rng(seed).uniform(-1e-13, 1e-13, 3)
    surely = np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]], bool)  # the first of the two equals is surely above the third
    assert tiers(ratings, surely).tolist() == [1, 1, 2]
