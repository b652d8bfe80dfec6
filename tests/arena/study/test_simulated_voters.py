"""Simulated voters: marked as such, found by the boards that count them, with what was planted; the same again under the same seed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from seedbench.arena.boards.build import boards
from seedbench.arena.study.export import votes_of
from seedbench.arena.study.simulated_voters import Planted, rules_for, vote
from seedbench.arena.votes.rules import load
from seedbench.store import Store

START = datetime(2026, 1, 2, 3)


def cast(study: Callable[..., None], store: Store, folder: Path, **more: int) -> Planted:
    study(40, checks={"gold": 0.1, "same": 0.05, "repeat": 0.1})
    return vote(store, "s", folder, start=START, **{"voters": 20, "votes": 40, **more})


def test_boards_find_what_was_planted(study: Callable[..., None], store: Store, tmp_path: Path) -> None:
    planted = cast(study, store, tmp_path)
    assert planted.n_votes == 800
    assert sorted(planted.odd.values()) == ["always left", "by lot", "one system"]
    (board,) = boards(votes_of(store, "s"), rules_for(load()), split=False)
    assert [one.model for one in board.standings] == sorted(planted.strengths, key=lambda name: -planted.strengths[name])
    for one in board.standings:
        assert one.rating.low is not None
        assert one.rating.high is not None
        assert one.rating.low - 30 < planted.strengths[one.model] < one.rating.high + 30


def test_they_count_nowhere_else(study: Callable[..., None], store: Store, tmp_path: Path) -> None:
    cast(study, store, tmp_path, voters=5, votes=6)
    assert {one.origin for one in votes_of(store, "s")} == {"simulated"}
    (board,) = boards(votes_of(store, "s"), load(), split=False)
    assert board.standings == ()
    assert board.excluded == sum(one.kind == "pair" for one in votes_of(store, "s"))
    assert rules_for(load()).digest != load().digest


def test_a_second_time_nothing_is_added_and_what_was_broken_off_goes_on(study: Callable[..., None], store: Store, tmp_path: Path) -> None:
    done: list[int] = []

    def stop(voter: int, of: int) -> None:
        done.append(voter)
        if voter == 2:
            raise KeyboardInterrupt

    study(12)
    with pytest.raises(KeyboardInterrupt):
        vote(store, "s", tmp_path, start=START, voters=5, votes=6, tick=stop)
    assert len(votes_of(store, "s")) == 12
    assert vote(store, "s", tmp_path, start=START, voters=5, votes=6).n_votes == 18
    assert vote(store, "s", tmp_path, start=START, voters=5, votes=6).n_votes == 0


def test_too_few_voters_are_an_error(study: Callable[..., None], store: Store, tmp_path: Path) -> None:
    study(2)
    with pytest.raises(ValueError, match="more than 3 voters"):
        vote(store, "s", tmp_path, start=START, voters=3)
