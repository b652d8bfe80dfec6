"""Which pairs are shown, how often, and on which side; after a restart as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.settings import StudyError
from seedbench.arena.store import BattleRow, open_store
from seedbench.arena.voting.service import VotingService
from seedbench.store import Store
from tests.arena.voting.steps import give, joined, rows


def test_a_voter_sees_each_pair_once_until_none_is_left(service: VotingService, store: Store, clock: Any) -> None:
    voter = joined(service)
    for _ in range(36):
        give(service, voter, clock)
    assert service.open_pair(voter) is None
    seen = Counter(battle.pair_id for battle in rows(store, BattleRow))
    assert len(seen) == 36
    assert set(seen.values()) == {1}
    assert all(0 < battle.probability <= 1 for battle in rows(store, BattleRow))


def test_sides_are_balanced_for_each_two_models(service: VotingService, clock: Any) -> None:
    for name in ("a", "b"):
        for _ in range(30):
            give(service, joined(service, name), clock)
    assert abs(service.assignment.lefts - service.assignment.lefts.T).max() <= 1


def test_checks_come_at_their_shares(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(40, checks={"gold": 0.2, "same": 0.1, "repeat": 0.2})
    service = VotingService(store, "s", tmp_path, clock=clock)
    for name in range(8):
        voter = joined(service, str(name))
        for _ in range(40):
            give(service, voter, clock)
    kinds = Counter(battle.kind for battle in rows(store, BattleRow))
    assert 0.14 < kinds["gold"] / 320 < 0.26
    assert 0.06 < kinds["same"] / 320 < 0.15
    assert 0.1 < kinds["repeat"] / 320 < 0.24
    battles = {battle.id: battle for battle in rows(store, BattleRow)}
    for battle in battles.values():
        if battle.kind == "repeat":
            first = battles[battle.repeats]
            assert (first.pair_id, first.voter_id, first.first_left) == (battle.pair_id, battle.voter_id, not battle.first_left)
        if battle.kind != "pair":
            assert battle.probability is None


def test_a_restart_knows_all_votes_but_those_undone(service: VotingService, store: Store, tmp_path: Path, clock: Any) -> None:
    voter = joined(service)
    for choice in ("left", "tie", "both_bad"):
        give(service, voter, clock, choice)
    last = give(service, voter, clock, "right")
    service.undo(voter, last.battle)
    again = VotingService(store, "s", tmp_path, clock=clock)
    assert (again.assignment.counts == service.assignment.counts).all()
    assert again.assignment.counts.sum() == 2
    assert (again.assignment.lefts == service.assignment.lefts).all()


def test_the_same_seed_and_votes_show_the_same_pairs(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(checks={"gold": 0.1, "same": 0.1, "repeat": 0.1})
    orders = []
    store.close()
    for name in ("one", "two"):
        copy = tmp_path / f"{name}.db"
        copy.write_bytes((tmp_path / "arena.db").read_bytes())
        own = open_store(f"sqlite:///{copy}")
        service = VotingService(own, "s", tmp_path, clock=clock)
        for _ in range(25):
            give(service, joined(service), clock)
        orders.append(
            [
                (battle.pair_id, battle.first_left, battle.kind)
                for battle in sorted(rows(own, BattleRow), key=lambda battle: battle.opened_at)
            ]
        )
    assert orders[0] == orders[1]


def test_an_unknown_study_and_missing_clips_are_errors(service: VotingService, store: Store, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no study called 't' \(known: s\)"):
        VotingService(store, "t", tmp_path)
    (tmp_path / "0-alpha.mp4").unlink()
    with pytest.raises(StudyError, match="clips of the study are not in"):
        VotingService(store, "s", tmp_path)
