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


def against_zeta(left: np.ndarray, right: np.ndarray, said: np.ndarray) -> np.ndarray:
    return np.where(left == 5, RIGHT, np.where(right == 5, LEFT, said))


def for_zeta(left: np.ndarray, right: np.ndarray, said: np.ndarray) -> np.ndarray:
    return np.where(left == 5, LEFT, np.where(right == 5, RIGHT, said))


def turned(left: np.ndarray, right: np.ndarray, said: np.ndarray) -> np.ndarray:
    return 2 - said


@pytest.mark.parametrize("taste", [0.0, 0.4, 0.8])
def test_the_spread_of_tastes_is_found(arena: Arena, taste: float) -> None:
    found = held(arena(STRENGTHS, 20_000, 3, n_voters=200, taste_sd=taste)).taste_elo / ELO
    assert found == pytest.approx(taste, abs=0.15)


def test_p_values_of_honest_voters_with_tastes_are_small_no_more_often_than_they_say(arena: Arena) -> None:
    ps = []
    for seed in range(4):
        found = held(arena(STRENGTHS, 4_000, seed, n_voters=50, n_prompts=100, clip_sd=0.6, taste_sd=0.4))
        ps += [(one.p_contrary, one.p_partisan) for one in found.voters if one is not None]
    assert len(ps) == 200
    contrary, partisan = np.array(ps).T
    assert (contrary <= 0.05).mean() <= 0.09
    assert (partisan <= 0.05).mean() <= 0.09
    assert 0.4 <= contrary.mean() <= 0.6


def test_a_voter_for_one_system_is_found_with_its_system(arena: Arena) -> None:
    votes = cast(arena(STRENGTHS, 4_000, 1, n_voters=50, taste_sd=0.4), 7, for_zeta)
    one = held(votes).voters[7]
    assert one is not None
    assert one.system == 5
    assert one.won == one.n_system
    assert one.won_expected < one.won / 2
    assert one.p_partisan < 1e-3


def test_a_voter_against_one_system_is_found_as_well(arena: Arena) -> None:
    votes = arena(STRENGTHS[::-1].copy(), 4_000, 1, n_voters=50, taste_sd=0.4)  # the last is the best
    one = held(cast(votes, 7, against_zeta)).voters[7]
    assert one is not None
    assert (one.system, one.won) == (5, 0)
    assert one.p_partisan < 1e-3


def test_votes_turned_round_are_contrary(arena: Arena) -> None:
    found = held(cast(arena(STRENGTHS, 4_000, 1, n_voters=50, taste_sd=0.4), 7, turned)).voters
    one = found[7]
    assert one is not None
    assert one.likelier < one.likelier_expected
    assert one.p_contrary == min(other.p_contrary for other in found if other is not None) < 1e-3


def test_who_is_not_trusted_does_not_move_the_others_ratings(arena: Arena) -> None:
    votes = arena(STRENGTHS, 4_000, 1, n_voters=20, taste_sd=0.0)
    rigged = cast(votes, 3, for_zeta)
    trusted = np.arange(20) != 3
    one, other = (against_others(each, np.arange(6), trusted) for each in (votes, rigged))
    assert one.taste_elo == other.taste_elo
    assert one.voters[4] == other.voters[4]
    assert one.voters[3] != other.voters[3]


def test_there_is_no_answer_without_others_with_few_votes_or_on_pairs_that_only_this_voter_judged(arena: Arena) -> None:
    assert held(arena(STRENGTHS, 400, 0, n_voters=4)).voters == (None,) * 4
    assert held(arena(STRENGTHS, 100, 0, n_voters=20)).voters == (None,) * 20
    votes = arena(STRENGTHS, 2_000, 0, n_voters=20)
    mine = votes.voter == 3
    alone = Votes(8, np.where(mine, 6, votes.left), np.where(mine, 7, votes.right), votes.outcome, votes.prompt, votes.voter)
    found = held(alone).voters
    assert found[3] is None
    assert found[4] is not None
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
    found = against_others(Votes(4, left, right, outcome, np.zeros(204, int), voters), np.arange(4), np.arange(7) < 6, level=0.5)
    mine = found.voters[6]
    assert mine is not None
    assert (mine.n, mine.likelier) == (24, 12)
