"""What a board hangs on is found and was computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from arena.ratings.bradley_terry import ELO, LEFT, RIGHT, Votes, fit
from arena.ratings.robustness import worst_share, worst_voter

Arena = Callable[..., Votes]


def test_the_voter_who_carries_a_board_is_named(arena: Arena) -> None:
    fair = arena(np.zeros(3), 300, 4, n_voters=20)
    left, right = np.tile([0, 0], 40), np.tile([1, 2], 40)
    columns = (fair.left, left), (fair.right, right), (fair.outcome, np.full(80, LEFT)), (fair.prompt, np.arange(80) % 60)
    votes = Votes(3, *(np.concatenate(one) for one in columns), voter=np.concatenate([fair.voter, np.full(80, 20)]))
    fitted = fit(votes)
    assert np.argmax(fitted.ratings) == 0
    found = worst_voter(votes, fitted)
    assert found is not None
    voter, without = found
    assert voter == 20
    again = fit(votes.chosen(votes.voter != 20))
    assert without.n_left_out == 80
    assert without.leader == np.argmax(again.ratings)
    assert without.moved_elo == pytest.approx(np.abs(again.ratings - fitted.ratings).max() * ELO)


def test_a_close_lead_falls_with_the_worst_hundredth_and_a_wide_one_stands(arena: Arena) -> None:
    zeros, counts = np.zeros(1000, np.int64), np.arange(1000)
    close = Votes(2, zeros, zeros + 1, np.where(counts < 503, LEFT, RIGHT), counts, counts)
    fallen = worst_share(close, fit(close, side=False))
    assert fallen is not None
    assert (fallen.n_left_out, fallen.leader, fallen.share) == (10, 1, 0.01)
    wide = arena(np.array([1.0, 0.0]), 1000, 0)
    stands = worst_share(wide, fit(wide))
    assert stands is not None
    assert stands.leader == 0


def test_there_is_no_answer_for_one_voter_or_for_few_votes(arena: Arena) -> None:
    votes = arena(np.array([1.0, 0.0]), 50, 0, n_voters=1)
    assert worst_voter(votes, fit(votes)) is None
    assert worst_share(votes, fit(votes)) is None
