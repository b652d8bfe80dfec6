"""Intervals hold what they promise when votes share prompts and voters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from seedbench.arena.ratings.bradley_terry import ELO, LEFT, RIGHT, TIE, UNKNOWN, Votes, fit
from seedbench.arena.ratings.clustering import Unit, covariance, group_indices
from seedbench.arena.ratings.ranks import Ranks, ranks

Arena = Callable[..., Votes]
STRENGTHS = np.array([0.7, 0.4, 0.1, -0.1, -0.4, -0.7])


def test_independent_votes_give_the_width_of_the_information(arena: Arena) -> None:
    votes = arena(STRENGTHS, 20_000, 0)
    fitted = fit(votes, ridge=0.0)
    spread = covariance(votes, fitted, unit="vote").errors(6)
    about_mean = np.eye(8)
    about_mean[:6, :6] -= 1 / 6  # the information also holds what settles the mean, of which no vote speaks
    by_information = about_mean @ np.linalg.inv(fitted.information) @ about_mean
    assert spread == pytest.approx(np.sqrt(np.diag(by_information))[:6], rel=0.04)


def test_the_published_variance_of_three_to_one() -> None:
    zeros, number = np.zeros(100, np.int64), np.arange(100)
    votes = Votes(2, zeros, zeros + 1, np.repeat([0, 2], [75, 25]), number, number)
    fitted = fit(votes, side=False, ridge=0.0)
    by_vote = covariance(votes, fitted, unit="vote").values * ELO**2 * 99 / 100  # published without the small-sample factor
    assert np.diag(by_vote)[:2] == pytest.approx(402.3716, abs=1e-3)


def test_groups_of_one_vote_are_votes(arena: Arena) -> None:
    votes = arena(STRENGTHS, 500, 0, n_prompts=7, n_voters=5)
    alone = Votes(6, votes.left, votes.right, votes.outcome, np.arange(500), votes.voter)
    fitted = fit(votes)
    assert covariance(alone, fitted, unit="prompt").values == pytest.approx(covariance(votes, fitted, unit="vote").values, abs=1e-12)


def test_a_prompt_shown_often_is_worth_no_more_than_once(arena: Arena) -> None:
    votes = arena(STRENGTHS, 600, 2, n_prompts=50)
    fitted = fit(votes)
    often = votes.chosen(np.tile(np.arange(600), 20))
    many = fit(often)
    by_vote, by_prompt = (covariance(often, many, unit=unit).errors(6).mean() for unit in ("vote", "prompt"))
    once = covariance(votes, fitted, unit="prompt").errors(6).mean()
    assert by_vote < 0.4 * once
    assert by_prompt == pytest.approx(once, rel=0.1)


def test_sparse_and_dense_sums_agree(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    votes = arena(STRENGTHS, 400, 3)
    fitted = fit(votes)
    dense = covariance(votes, fitted).values
    monkeypatch.setattr("seedbench.arena.ratings.clustering._DENSE_CELLS", 0)
    assert covariance(votes, fitted).values == pytest.approx(dense, abs=1e-12)


def test_one_voter_gives_no_interval(arena: Arena) -> None:
    votes = arena(STRENGTHS, 200, 3, n_voters=1)
    with pytest.raises(ValueError, match="two prompts and two voters"):
        covariance(votes, fit(votes))


def test_groups_are_numbered_without_holes() -> None:
    assert group_indices(np.array([7, 7, 3, 9])) == (3, pytest.approx([1, 1, 0, 2]))
    assert group_indices(np.array([10**15, 5, 10**15])) == (2, pytest.approx([1, 0, 1]))


@pytest.mark.parametrize(("unit", "low", "high"), [("both", 0.93, 0.97), ("vote", 0.0, 0.88)])
def test_intervals_cover_the_truth_where_votes_share_clips_and_tastes(arena: Arena, unit: Unit, low: float, high: float) -> None:
    """Six models, 60 prompts and 60 voters with effects of their own; 250 arenas of 3,000 votes. The truth of a model is what it would be
    rated over endless prompts and voters, which is not its strength: effects pull ratings together."""
    draws = [arena(STRENGTHS, 3_000, seed, clip_sd=0.6, taste_sd=0.4) for seed in range(250)]
    fits = [fit(votes, side=False) for votes in draws]
    truth = np.mean([fitted.ratings for fitted in fits], axis=0)
    hits = []
    for votes, fitted in zip(draws, fits, strict=True):
        spread = covariance(votes, fitted, unit=unit)
        hits.append(np.abs(fitted.ratings - truth) <= spread.quantile * spread.errors(6))
    assert low <= np.mean(hits) <= high


def ranked(outcomes: np.ndarray) -> Ranks:
    """Two models, each vote of another voter on another prompt."""
    n = len(outcomes)
    votes = Votes(2, np.zeros(n, np.int64), np.ones(n, np.int64), outcomes, np.arange(n), np.arange(n))
    fitted = fit(votes, side=False)
    spread = covariance(votes, fitted)
    return ranks(fitted.ratings, spread.values[:2, :2], quantile=spread.quantile)


@pytest.mark.parametrize("n", [3, 5, 8, 12, 20])
def test_few_votes_put_no_one_of_two_equals_first(n: int) -> None:
    rng = np.random.default_rng(n)
    claims = [bool(ranked(rng.choice([LEFT, RIGHT, TIE], n, p=[0.4, 0.4, 0.2])).surely_above.any()) for _ in range(300)]
    assert np.mean(claims) <= 0.05


def test_three_wins_of_three_leave_the_order_open_and_many_do_not() -> None:
    few, many = ranked(np.full(3, LEFT)), ranked(np.full(60, LEFT))
    assert few.best.tolist() == [1, 1]
    assert few.worst.tolist() == [2, 2]
    assert many.best.tolist() == [1, 2]


def test_no_direction_is_surer_than_independent_votes_allow(arena: Arena) -> None:
    votes = arena(STRENGTHS, 60, 1, n_prompts=60, n_voters=60)
    fitted = fit(votes)
    spread = covariance(votes, fitted).values
    about_mean = np.eye(8)
    about_mean[:6, :6] -= 1 / 6
    model = about_mean @ np.linalg.pinv(fitted.information, hermitian=True) @ about_mean
    assert np.linalg.eigvalsh(spread - model).min() > -1e-9


def test_halved_ties_are_no_coins(arena: Arena) -> None:
    """Where ties are halved, the information takes each for a coin that fell: a floor by it alone would be half as wide again."""
    votes = arena(np.array([0.2, -0.2]), 3_000, 0, tie=1.0, n_prompts=3_000, n_voters=3_000)
    fitted = fit(votes, ties="half", side=False)
    by_both, by_vote = (covariance(votes, fitted, unit=unit).errors(2)[0] for unit in ("both", "vote"))
    about_mean = np.array([[0.5, -0.5], [-0.5, 0.5]])
    by_information = np.sqrt((about_mean @ np.linalg.pinv(fitted.information, hermitian=True)[:2, :2] @ about_mean)[0, 0])
    assert by_information > 1.3 * by_vote
    assert by_both == pytest.approx(by_vote, rel=0.1)


@pytest.mark.parametrize("column", ["voter", "prompt"])
def test_no_way_to_fill_in_unknown_names_gives_wider_intervals(arena: Arena, column: str) -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        votes = arena(0.7 * rng.standard_normal(3), 80, seed, n_prompts=12, n_voters=9, clip_sd=0.6, taste_sd=0.4)
        fitted, names = fit(votes), getattr(votes, column).copy()
        unknown = rng.choice(len(votes), (1, 4, 20)[seed % 3], replace=False)
        names[unknown] = UNKNOWN
        bound = covariance(replace(votes, **{column: names}), fitted)
        known = np.unique(names[names != UNKNOWN])
        row = np.linalg.pinv(fitted.information, hermitian=True)[0]
        up = fitted.scores[unknown, 0] * (row[votes.left] - row[votes.right])[unknown] > 0  # votes that raise the first model
        fills = [rng.choice(known, len(unknown)), np.full(len(unknown), known[0]), np.full(len(unknown), 99), 100 + np.arange(len(unknown))]
        for fill in (*fills, np.where(up, known[0], known[-1]), np.where(up, 200, 201)):
            names[unknown] = fill
            filled = covariance(replace(votes, **{column: names}), fitted)
            assert (filled.errors(3) * filled.quantile <= bound.errors(3) * bound.quantile * (1 + 1e-9)).all()


@pytest.mark.parametrize("column", ["voter", "prompt"])
def test_where_no_name_is_known_there_is_no_covariance(arena: Arena, column: str) -> None:
    votes = arena(STRENGTHS, 60, 1)
    with pytest.raises(ValueError, match="two prompts and two voters that are known"):
        covariance(replace(votes, **{column: np.full(60, UNKNOWN)}), fit(votes))
