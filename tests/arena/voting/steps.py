"""Steps of a voter that tests of the voting service share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from seedbench.arena.voting.service import ShownPair, VotingService
from seedbench.store import Store


def joined(service: VotingService, name: str = "cookie") -> str:
    voter = service.voters.id_of_name(name)
    service.voters.record_consent(voter, sound_check=True)
    return voter


def watched(service: VotingService, voter: str, clock: Any) -> ShownPair:
    """Open a pair and watch both clips."""
    shown = service.open_pair(voter)
    assert shown is not None
    for token in (shown.left, shown.right):
        assert service.clip_urls.file_of(token, voter) is not None
    clock.forward(19)
    return shown


def give(service: VotingService, voter: str, clock: Any, choice: str = "left") -> ShownPair:
    shown = watched(service, voter, clock)
    service.vote(voter, shown.battle, choice, heard=(1.0, 1.0))
    return shown


def rows(store: Store, table: Any) -> list[Any]:
    with store.session() as session:
        return list(session.scalars(select(table)))
