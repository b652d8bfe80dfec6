"""What a board hangs on is found and was computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from seedbench.arena.ratings.bradley_terry import ELO, LEFT, RIGHT, TIE, Votes, fit
from seedbench.arena.ratings.robustness import Action, influence, worst_share, worst_voter

Arena = Callable[..., Votes]


def test_the_voter_who_carries_a_board_is_named(arena: Arena) -> None:
    fair = arena(np.zeros(3), 300, 4, n_voters=20)
    left, right = np.tile([0, 0], 40), np.tile([1, 2], 40)
    columns = (fair.left, left), (fair.right, right), (fair.outcome, np.full(80, LEFT)), (fair.prompt, np.arange(80) % 60)
    votes = Votes(3, *(np.concatenate(column) for column in columns), voter=np.concatenate([fair.voter, np.full(80, 20)]))
    fitted = fit(votes)
    assert np.argmax(fitted.ratings) == 0
    altered = worst_voter(votes, fitted)
    assert altered is not None
    voter, without = altered
    assert voter == 20
    again = fit(votes.chosen(votes.voter != 20))
    assert without.n_changed == 80
    assert without.leader == np.argmax(again.ratings)
    assert without.moved_elo == pytest.approx(np.abs(again.ratings - fitted.ratings).max() * ELO)


def test_a_close_lead_is_lost_with_the_worst_hundredth_and_a_wide_lead_holds(arena: Arena) -> None:
    zeros, counts = np.zeros(1000, np.int64), np.arange(1000)
    close = Votes(2, zeros, zeros + 1, np.where(counts < 503, LEFT, RIGHT), counts, counts)
    fallen = worst_share(close, fit(close, side=False))
    assert fallen is not None
    assert (fallen.n_changed, fallen.leader, fallen.share) == (10, 1, 0.01)
    wide = arena(np.array([1.0, 0.0]), 1000, 0)
    stands = worst_share(wide, fit(wide))
    assert stands is not None
    assert stands.leader == 0


def test_there_is_no_answer_for_one_voter_or_for_few_votes(arena: Arena) -> None:
    votes = arena(np.array([1.0, 0.0]), 50, 0, n_voters=1)
    assert worst_voter(votes, fit(votes)) is None
    assert worst_share(votes, fit(votes)) is None


def votes_of(*rows: tuple[int, int, int, int], voter: tuple[int, ...] | None = None) -> Votes:
    """Votes of rows (left, right, outcome, how many), each row of one voter."""
    left, right, outcome, count = np.array(rows).T
    voters = np.repeat(np.arange(len(rows)) if voter is None else np.array(voter), count)
    columns = [np.repeat(values, count) for values in (left, right, outcome)]
    return Votes(int(max(left.max(), right.max())) + 1, *columns, np.arange(count.sum()), voters)


def test_a_third_with_few_votes_may_overturn_what_the_second_cannot() -> None:
    votes = votes_of((0, 1, LEFT, 540), (0, 1, RIGHT, 460), (0, 2, LEFT, 6), (0, 2, RIGHT, 5))
    fitted = fit(votes, side=False)
    assert np.argsort(-fitted.ratings).tolist() == [0, 1, 2]
    kept = np.ones(len(votes), bool)
    kept[:10] = False  # against the second, ten votes change nothing
    assert np.argmax(fit(votes.chosen(kept), side=False).ratings) == 0
    altered = worst_share(votes, fitted)
    assert altered is not None
    assert (altered.n_changed, altered.leader, altered.overturned) == (10, 2, True)
    expected = votes_of((0, 1, LEFT, 536), (0, 1, RIGHT, 460), (0, 2, RIGHT, 5))
    again = fit(expected, side=False).ratings
    assert altered.margin == pytest.approx(again[0] - again[2], abs=1e-6)


@pytest.mark.parametrize(("action", "overturned"), [("drop", False), ("add", False), ("flip", True)])
def test_a_lead_that_stands_without_votes_may_fall_where_they_are_turned(action: Action, overturned: bool) -> None:
    votes = votes_of((0, 1, LEFT, 508), (0, 1, RIGHT, 492))
    altered = worst_share(votes, fit(votes, side=False), action=action)
    assert altered is not None
    assert (altered.n_changed, altered.overturned) == (10, overturned)


@pytest.mark.parametrize(("action", "leads"), [("drop", (500, 500)), ("add", (510, 500)), ("flip", (500, 510))])
def test_each_action_does_to_the_votes_what_it_says(action: Action, leads: tuple[int, int]) -> None:
    before = {"drop": (510, 500), "add": (510, 490), "flip": (510, 500)}[action]
    votes = votes_of((0, 1, LEFT, before[0]), (0, 1, RIGHT, before[1]))
    altered = worst_share(votes, fit(votes, side=False), action=action)
    expected = fit(votes_of((0, 1, LEFT, leads[0]), (0, 1, RIGHT, leads[1])), side=False)
    assert altered is not None
    assert altered.n_changed == 10
    assert altered.margin == pytest.approx(expected.ratings[0] - expected.ratings[1], abs=1e-6)


def test_equal_leads_up_to_rounding_are_not_overturned() -> None:
    votes = votes_of((0, 1, LEFT, 505), (0, 1, RIGHT, 495))
    altered = worst_share(votes, fit(votes, side=False))
    assert altered is not None
    assert altered.margin == pytest.approx(0, abs=1e-9)
    assert (altered.leader, altered.overturned) == (0, False)


def test_the_influence_of_a_vote_is_what_leaving_it_out_takes_away(arena: Arena) -> None:
    votes = arena(np.array([0.4, 0.2, 0.0, -0.3]), 2000, 3)
    fitted = fit(votes)
    adds = influence(fitted, 0, 1)
    for outcome in (LEFT, TIE, RIGHT):
        vote = int(np.flatnonzero((votes.left == 0) & (votes.right == 1) & (votes.outcome == outcome))[0])
        again = fit(votes.chosen(np.arange(len(votes)) != vote))
        taken = (fitted.ratings[0] - fitted.ratings[1]) - (again.ratings[0] - again.ratings[1])
        assert adds[0, 1, outcome] == pytest.approx(taken, rel=0.02)


def test_the_voter_who_keeps_the_first_model_up_is_found_even_if_another_moves_more() -> None:
    even = [(0, 1, outcome, count) for _ in range(6) for outcome, count in ((LEFT, 10), (RIGHT, 11))]
    votes = votes_of(*even, (0, 1, LEFT, 12), (2, 0, RIGHT, 20), (2, 0, RIGHT, 6), (2, 0, LEFT, 4), voter=(*np.arange(12) // 2, 6, 7, 8, 9))
    fitted = fit(votes, side=False)
    without = {voter: fit(votes.chosen(votes.voter != voter), side=False).ratings for voter in range(10)}
    assert max(without, key=lambda voter: np.abs(without[voter] - fitted.ratings).max()) != 6
    assert [voter for voter, ratings in without.items() if np.argmax(ratings) != 0] == [6]
    altered = worst_voter(votes, fitted)
    assert altered is not None
    assert (altered[0], altered[1].leader, altered[1].overturned, altered[1].n_changed) == (6, 1, True, 12)


def test_the_search_finds_the_worst_single_vote_of_small_boards(arena: Arena) -> None:
    for seed in range(6):
        votes = arena(np.array([0.5, 0.3, 0.0, -0.3]), 40, seed)
        fitted = fit(votes)
        first = int(np.argmax(fitted.ratings))
        margins = []
        for vote in range(len(votes)):
            again = fit(votes.chosen(np.arange(len(votes)) != vote)).ratings
            margins.append(again[first] - np.delete(again, first).max())
        altered = worst_share(votes, fitted, share=1 / 40)
        assert altered is not None
        assert altered.margin == pytest.approx(min(margins), abs=1e-6)


def test_votes_with_style_are_refused(arena: Arena) -> None:
    plain = arena(np.array([1.0, 0.0]), 200, 0)
    votes = Votes(2, plain.left, plain.right, plain.outcome, plain.prompt, plain.voter, style=np.ones((200, 1)))
    with pytest.raises(ValueError, match="without style"):
        worst_share(votes, fit(votes))
