"""Clip URLs: for one voter, for a limited time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.settings import StudyError
from seedbench.arena.voting.refusals import RefusedError
from seedbench.arena.voting.service import VotingService
from seedbench.store import Store
from tests.arena.voting.steps import give, joined, watched


def test_reload_brings_the_same_pair_and_the_same_urls(service: VotingService, store: Store, tmp_path: Path, clock: Any) -> None:
    voter = joined(service)
    shown = service.open_pair(voter)
    clock.forward(100)
    assert service.open_pair(voter) == shown
    clock.forward(900)
    renewed = service.open_pair(voter)
    assert renewed is not None
    assert shown is not None
    assert renewed.battle == shown.battle
    assert {renewed.left, renewed.right}.isdisjoint({shown.left, shown.right})
    restarted = VotingService(store, "s", tmp_path, clock=clock).open_pair(voter)
    assert restarted is not None
    assert restarted.battle == shown.battle


def test_a_clip_url_is_for_one_voter_and_expires(service: VotingService, clock: Any) -> None:
    voter, other = joined(service), joined(service, "other")
    shown = service.open_pair(voter)
    assert shown is not None
    assert service.clip_urls.file_of(shown.left, other) is None
    assert service.clip_urls.file_of("../../etc/passwd", voter) is None
    assert service.clip_urls.file_of(shown.left, voter) is not None
    clock.forward(901)
    assert service.clip_urls.file_of(shown.left, voter) is None
    assert service.forget_old() == 2


def test_the_two_urls_of_a_pair_lead_to_its_two_clips(service: VotingService) -> None:
    voter = joined(service)
    shown = service.open_pair(voter)
    assert shown is not None
    files = {service.clip_urls.file_of(token, voter) for token in (shown.left, shown.right)}
    assert len(files) == 2


def test_a_voter_who_comes_back_after_the_urls_expired_need_not_watch_again(service: VotingService, clock: Any) -> None:
    voter, other = joined(service), joined(service, "other")
    shown, half = watched(service, voter, clock), service.open_pair(other)
    assert half is not None
    service.clip_urls.file_of(half.left, other)
    clock.forward(service.settings.token_s + 1)
    assert service.forget_old() == 4
    again = service.open_pair(voter)
    assert again is not None
    assert again.battle == shown.battle
    assert {again.left, again.right}.isdisjoint({shown.left, shown.right})
    service.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
    with pytest.raises(RefusedError, match="play both clips"):
        service.vote(other, half.battle, "left", heard=(1.0, 1.0))


def test_nothing_is_kept_of_pairs_that_were_voted_on(service: VotingService, clock: Any) -> None:
    for name in ("one", "two", "three"):
        voter = joined(service, name)
        for _ in range(3):
            shown = give(service, voter, clock)
        shown = service.undo(voter, shown.battle)
        service.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
    clock.forward(service.settings.token_s + 1)
    service.forget_old()
    assert (service.clip_urls._by_token, service.clip_urls._by_battle, service.clip_urls._watched) == ({}, {}, set())


def test_a_url_of_a_single_clip_is_for_one_voter_and_expires(service: VotingService, clock: Any) -> None:
    voter, other = joined(service), joined(service, "other")
    address = service.clip_token(voter, "0-alpha.mp4")
    assert service.clip_urls.file_of(address, voter) == service.study.folder / "0-alpha.mp4"
    assert service.clip_urls.file_of(address, other) is None
    clock.forward(901)
    assert service.forget_old() == 1
    assert service.clip_urls.file_of(address, voter) is None
    with pytest.raises(StudyError, match="no clip of this study"):
        service.clip_token(voter, "../arena.db")
