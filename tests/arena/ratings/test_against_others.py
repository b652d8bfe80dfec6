"""A voter is held against the ratings of all others, with allowance for taste."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from seedbench.arena.ratings.against_others import VoterComparisons, against_others
from seedbench.arena.ratings.bradley_terry import ELO, LEFT, RIGHT, TIE, Votes

Arena = Callable[..., Votes]
STRENGTHS = np.array([0.9, 0.55, 0.2, -0.2, -0.55, -0.9])


def held(votes: Votes) -> VoterComparisons:
    return against_others(votes, np.arange(votes.n_models), np.ones(int(votes.voter.max()) + 1, bool))


def cast(votes: Votes, voter: int, outcome: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Votes:
    """The votes with one voter's decided ones cast otherwise."""
    there = (votes.voter == voter) & (votes.outcome != TIE)
    changed = votes.outcome.copy()
    changed[there] = outcome(votes.left[there], votes.right[there], votes.outcome[there])
    return replace(votes, outcome=changed)


def against_zeta(left: np.ndarray, right: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    return np.where(left == 5, RIGHT, np.where(right == 5, LEFT, outcome))


def for_zeta(left: np.ndarray, right: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    return np.where(left == 5, LEFT, np.where(right == 5, RIGHT, outcome))


def turned(left: np.ndarray, right: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    return 2 - outcome


@pytest.mark.parametrize("taste", [0.0, 0.4, 0.8])
def test_the_spread_of_tastes_is_found(arena: Arena, taste: float) -> None:
    taste_found = held(arena(STRENGTHS, 20_000, 3, n_voters=200, taste_sd=taste)).taste_elo / ELO
    assert taste_found == pytest.approx(taste, abs=0.15)


def test_p_values_of_honest_voters_with_tastes_are_small_no_more_often_than_they_say(arena: Arena) -> None:
    ps = []
    for seed in range(4):
        comparisons = held(arena(STRENGTHS, 4_000, seed, n_voters=50, n_prompts=100, clip_sd=0.6, taste_sd=0.4))
        ps += [(compared.p_contrary, compared.p_partisan) for compared in comparisons.voters if compared is not None]
    assert len(ps) == 200
    contrary, partisan = np.array(ps).T
    assert (contrary <= 0.05).mean() <= 0.09
    assert (partisan <= 0.05).mean() <= 0.09
    assert 0.4 <= contrary.mean() <= 0.6


def test_a_voter_for_one_system_is_found_with_its_system(arena: Arena) -> None:
    votes = cast(arena(STRENGTHS, 4_000, 1, n_voters=50, taste_sd=0.4), 7, for_zeta)
    compared = held(votes).voters[7]
    assert compared is not None
    assert compared.system == 5
    assert compared.won == compared.n_system
    assert compared.won_expected < compared.won / 2
    assert compared.p_partisan < 1e-3


def test_a_voter_against_one_system_is_found_as_well(arena: Arena) -> None:
    votes = arena(STRENGTHS[::-1].copy(), 4_000, 1, n_voters=50, taste_sd=0.4)  # the last is the best
    compared = held(cast(votes, 7, against_zeta)).voters[7]
    assert compared is not None
    assert (compared.system, compared.won) == (5, 0)
    assert compared.p_partisan < 1e-3


def test_votes_turned_round_are_contrary(arena: Arena) -> None:
    comparisons = held(cast(arena(STRENGTHS, 4_000, 1, n_voters=50, taste_sd=0.4), 7, turned)).voters
    compared = comparisons[7]
    assert compared is not None
    assert compared.likelier < compared.likelier_expected
    assert compared.p_contrary == min(other.p_contrary for other in comparisons if other is not None) < 1e-3


def test_who_is_not_trusted_does_not_move_the_others_ratings(arena: Arena) -> None:
    votes = arena(STRENGTHS, 4_000, 1, n_voters=20, taste_sd=0.0)
    rigged = cast(votes, 3, for_zeta)
    trusted = np.arange(20) != 3
    before, other = (against_others(each, np.arange(6), trusted) for each in (votes, rigged))
    assert before.taste_elo == other.taste_elo
    assert before.voters[4] == other.voters[4]
    assert before.voters[3] != other.voters[3]


def test_there_is_no_answer_without_others_with_few_votes_or_on_pairs_that_only_this_voter_judged(arena: Arena) -> None:
    assert held(arena(STRENGTHS, 400, 0, n_voters=4)).voters == (None,) * 4
    assert held(arena(STRENGTHS, 100, 0, n_voters=20)).voters == (None,) * 20
    votes = arena(STRENGTHS, 2_000, 0, n_voters=20)
    mine = votes.voter == 3
    alone = Votes(8, np.where(mine, 6, votes.left), np.where(mine, 7, votes.right), votes.outcome, votes.prompt, votes.voter)
    comparisons = held(alone).voters
    assert comparisons[3] is None
    assert comparisons[4] is not None
    none = np.zeros(0, np.int64)
    assert against_others(Votes(0, none, none, none, none, none), none, np.zeros(0, bool)).voters == ()


@pytest.mark.parametrize("seed", range(4))
def test_of_two_equals_neither_is_the_likelier(seed: int) -> None:
    """Models 1 to 3 have one record against model 0, on both sides; a voter compares only them, and always prefers the left."""
    record = np.repeat(np.random.default_rng(seed).choice([LEFT, TIE, RIGHT], 30, p=[0.6, 0.2, 0.2]), 3)
    best, others, voter = np.zeros(90, int), np.tile([1, 2, 3], 30), np.repeat(np.arange(30) % 6, 3)
    left = np.concatenate([best, others, np.tile([1, 2, 3], 8)])
    right = np.concatenate([others, best, np.tile([2, 3, 1], 8)])
    outcome = np.concatenate([record, 2 - record, np.full(24, LEFT)])
    voters = np.concatenate([voter, voter, np.full(24, 6)])
    comparisons = against_others(Votes(4, left, right, outcome, np.zeros(204, int), voters), np.arange(4), np.arange(7) < 6, level=0.5)
    mine = comparisons.voters[6]
    assert mine is not None
    assert (mine.n, mine.likelier) == (24, 12)
