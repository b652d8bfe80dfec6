"""Simulated voters: marked as such, the boards that count them recover their strengths; the same seed gives the same votes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from seedbench.arena.boards.build import boards
from seedbench.arena.study.export import votes_of
from seedbench.arena.study.simulated_voters import SimulatedVoting, rules_counting_simulated_votes, simulate_votes
from seedbench.arena.votes.rules import load
from seedbench.store import Store

START = datetime(2026, 1, 2, 3)


def cast(study: Callable[..., None], store: Store, folder: Path, **more: int) -> SimulatedVoting:
    study(40, checks={"gold": 0.1, "same": 0.05, "repeat": 0.1})
    return simulate_votes(store, "s", folder, start=START, **{"voters": 20, "votes": 40, **more})


def test_boards_recover_the_simulated_strengths(study: Callable[..., None], store: Store, tmp_path: Path) -> None:
    simulated = cast(study, store, tmp_path)
    assert simulated.n_votes == 800
    assert sorted(simulated.unusual.values()) == ["always left", "at random", "one system"]
    (board,) = boards(votes_of(store, "s"), rules_counting_simulated_votes(load()), split=False)
    assert [standing.model for standing in board.standings] == sorted(simulated.strengths, key=lambda name: -simulated.strengths[name])
    for standing in board.standings:
        assert standing.rating.low is not None
        assert standing.rating.high is not None
        assert standing.rating.low - 30 < simulated.strengths[standing.model] < standing.rating.high + 30


def test_simulated_votes_count_only_by_the_rules_made_for_them(study: Callable[..., None], store: Store, tmp_path: Path) -> None:
    cast(study, store, tmp_path, voters=5, votes=6)
    assert {vote.origin for vote in votes_of(store, "s")} == {"simulated"}
    (board,) = boards(votes_of(store, "s"), load(), split=False)
    assert board.standings == ()
    assert board.excluded == sum(vote.kind == "pair" for vote in votes_of(store, "s"))
    assert rules_counting_simulated_votes(load()).digest != load().digest


def test_called_again_it_adds_nothing_and_an_interrupted_simulation_goes_on(
    study: Callable[..., None], store: Store, tmp_path: Path
) -> None:
    done: list[int] = []

    def stop(voter: int, total: int) -> None:
        done.append(voter)
        if voter == 2:
            raise KeyboardInterrupt

    study(12)
    with pytest.raises(KeyboardInterrupt):
        simulate_votes(store, "s", tmp_path, start=START, voters=5, votes=6, on_progress=stop)
    assert len(votes_of(store, "s")) == 12
    assert simulate_votes(store, "s", tmp_path, start=START, voters=5, votes=6).n_votes == 18
    assert simulate_votes(store, "s", tmp_path, start=START, voters=5, votes=6).n_votes == 0


def test_too_few_voters_are_an_error(study: Callable[..., None], store: Store, tmp_path: Path) -> None:
    study(2)
    with pytest.raises(ValueError, match="more than 3"):
        simulate_votes(store, "s", tmp_path, start=START, voters=3)
