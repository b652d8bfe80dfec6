"""Pairs are drawn where a vote tells most, none is out of reach, and the same seed draws the same."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.arena.settings import Policy
from seedbench.arena.voting.sampling import State, chances, draw, first_on_left, state_of

ALL = np.ones((4, 4), bool)


def after(ratings: list[float], votes: list[int]) -> State:
    n = np.array(votes)
    return State(np.array(ratings), np.diag(4.0 / np.maximum(n, 1)), n)


def test_chances_are_of_pairs_and_sum_to_one() -> None:
    chance = chances(after([1100, 1050, 1000, 950], [200] * 4), ALL)
    assert chance.sum() == pytest.approx(1.0)
    assert not np.tril(chance).any()


def test_every_pair_has_at_least_its_share_of_the_floor() -> None:
    chance = chances(after([1600, 1000, 990, 400], [500] * 4), ALL, Policy(floor=0.3))
    assert chance[np.triu_indices(4, 1)].min() >= 0.3 / 6 - 1e-12


def test_neighbours_are_drawn_more_than_models_far_apart() -> None:
    chance = chances(after([1300, 1290, 1000, 700], [500] * 4), ALL)
    assert chance[0, 1] > 3 * chance[0, 3]


def test_new_models_and_little_known_ones_are_drawn_more() -> None:
    chance = chances(after([1000, 1000, 1000, 1000], [500, 500, 500, 5]), ALL)
    assert chance[:3, 3].min() > 3 * chance[0, 1]


def test_what_is_not_possible_is_not_drawn() -> None:
    possible = np.zeros((4, 4), bool)
    possible[3, 1] = True
    chance = chances(after([1000] * 4, [9] * 4), possible)
    assert chance[1, 3] == 1.0
    with pytest.raises(ValueError, match="no pair left"):
        chances(after([1000] * 4, [9] * 4), np.zeros((4, 4), bool))


def test_draws_follow_their_chances_and_their_seed() -> None:
    chance = chances(after([1300, 1290, 1000, 700], [500] * 4), ALL)
    rng = np.random.default_rng(1)
    seen = np.zeros_like(chance)
    for _ in range(4000):
        a, b, p = draw(chance, rng)
        assert p == chance[a, b]
        seen[a, b] += 1
    assert seen / 4000 == pytest.approx(chance, abs=0.03)
    assert draw(chance, np.random.default_rng(7)) == draw(chance, np.random.default_rng(7))


def test_the_state_holds_what_counts_say() -> None:
    counts = np.zeros((3, 3, 3), int)
    counts[0, 1, 0], counts[1, 0, 2], counts[0, 1, 2] = 20, 10, 10  # the first beats the second 30 to 10
    counts[1, 2, 1] = 15
    state = state_of(counts)
    assert state.n_votes.tolist() == [40, 55, 15]
    assert state.ratings[0] > state.ratings[1]
    assert state.covariance[2, 2] > state.covariance[1, 1]
    assert state_of(np.zeros((3, 3, 3), int)).ratings.tolist() == [1000.0] * 3


def test_active_sampling_separates_neighbours_sooner_than_even_sampling() -> None:
    """Ten models in five close couples: after equally many votes the couples' differences are known better."""
    strengths = np.repeat(np.linspace(1.5, -1.5, 5), 2) + np.tile([0.06, -0.06], 5)

    def spread_after(policy: Policy, seed: int) -> float:
        rng = np.random.default_rng(seed)
        counts = np.zeros((10, 10, 3), int)
        for _ in range(24):
            chance = chances(state_of(counts), np.ones((10, 10), bool), policy)
            for _ in range(25):
                a, b, _p = draw(chance, rng)
                counts[a, b, 0 if rng.random() < 1 / (1 + np.exp(strengths[b] - strengths[a])) else 2] += 1
        covariance = state_of(counts).covariance
        return float(np.mean([covariance[i, i] + covariance[i + 1, i + 1] - 2 * covariance[i, i + 1] for i in range(0, 10, 2)]))

    active = np.mean([spread_after(Policy(), seed) for seed in range(3)])
    even = np.mean([spread_after(Policy(floor=1.0), seed) for seed in range(3)])
    assert active < 0.9 * even


def test_sides_are_balanced_or_drawn_by_lot() -> None:
    rng = np.random.default_rng(0)
    lefts = [0, 0]
    for _ in range(101):
        lefts[0 if first_on_left((lefts[0], lefts[1]), rng) else 1] += 1
    assert abs(lefts[0] - lefts[1]) == 1
