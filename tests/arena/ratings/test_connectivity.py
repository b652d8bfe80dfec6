"""Who can be compared with whom."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.arena.ratings.bradley_terry import LEFT, RIGHT, TIE, Votes
from seedbench.arena.ratings.connectivity import vote_graph
from seedbench.arena.ratings.elo import online


def votes(m: int, *rows: tuple[int, int, int]) -> Votes:
    left, right, outcome = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Votes(m, left, right, outcome, np.arange(len(rows)), np.arange(len(rows)))


def test_wins_are_counted_for_either_side_and_ties_halved() -> None:
    graph = vote_graph(votes(2, (0, 1, LEFT), (1, 0, RIGHT), (1, 0, LEFT), (0, 1, TIE)))
    assert graph.wins.tolist() == [[0, 2.5], [1.5, 0]]
    assert graph.ties.tolist() == [[0, 1], [1, 0]]


def test_pieces_are_numbered_by_size_and_models_without_votes_have_none() -> None:
    graph = vote_graph(votes(6, (0, 1, LEFT), (2, 3, LEFT), (3, 4, LEFT)))
    assert graph.component.tolist() == [1, 1, 0, 0, 0, -1]
    assert graph.n_components == 2


def test_unbeaten_winless_and_settled() -> None:
    ring = ((0, 1, LEFT), (1, 2, LEFT), (2, 0, LEFT))
    assert vote_graph(votes(3, *ring)).settled.all()
    above = vote_graph(votes(4, *ring, (3, 0, LEFT)))
    assert above.unbeaten.tolist() == [False, False, False, True]
    assert not above.settled.any()  # how far the fourth is above them, no vote tells
    below = vote_graph(votes(4, *ring, (0, 3, LEFT), (1, 3, LEFT)))
    assert below.winless.tolist() == [False, False, False, True]


def test_two_groups_linked_in_one_direction_are_not_settled_though_all_have_won_and_lost() -> None:
    one_way = vote_graph(votes(4, (0, 1, LEFT), (1, 0, LEFT), (2, 3, LEFT), (3, 2, LEFT), (0, 2, LEFT)))
    assert one_way.n_components == 1
    assert not one_way.unbeaten.any()
    assert not one_way.winless.any()
    assert not one_way.settled.any()


def test_a_tie_is_both_ways() -> None:
    assert vote_graph(votes(2, (0, 1, TIE))).settled.all()


def test_online_elo_depends_on_the_order_and_keeps_the_sum() -> None:
    rows = [(0, 1, LEFT)] * 10 + [(1, 0, LEFT)] * 10
    forward, backward = online(votes(2, *rows), k=32), online(votes(2, *rows[::-1]), k=32)
    assert forward.sum() == pytest.approx(2000)
    assert forward[0] < 1000 < backward[0]
