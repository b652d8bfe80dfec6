"""Voters: cookies that the study signed, and how many come from one address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.store import IncidentRow
from seedbench.arena.voting.service import VotingService
from seedbench.store import Store
from tests.arena.voting.steps import rows


def test_voters_are_keyed_hashes(service: VotingService) -> None:
    first, other = service.voters.new_cookie("here"), service.voters.new_cookie("here")
    assert first is not None
    assert other is not None
    assert service.voters.id_of(first) == service.voters.id_of(first) != service.voters.id_of(other)
    assert len(service.voters.id_of(first) or "") == 32


@pytest.mark.parametrize("made_up", ["", "x", "a" * 32, "a" * 64, "ä" * 40, "\0" * 64])
def test_a_cookie_that_was_made_up_belongs_to_no_voter(service: VotingService, made_up: str) -> None:
    assert service.voters.id_of(made_up) is None
    cookie = service.voters.new_cookie("here") or ""
    assert service.voters.id_of(cookie[:-1] + ("0" if cookie[-1] != "0" else "1")) is None
    assert service.voters.id_of("x" + cookie) is None


def test_new_voters_from_one_address_are_limited_by_the_hour(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(limits={"newcomers_an_hour": 3})
    service = VotingService(store, "s", tmp_path, clock=clock)
    assert len({service.voters.new_cookie("10.0.0.1") for _ in range(3)} - {None}) == 3
    assert service.voters.new_cookie("10.0.0.1") is None
    assert service.voters.new_cookie("10.0.0.2") is not None
    clock.forward(3601)
    assert service.voters.new_cookie("10.0.0.1") is not None
    assert [(incident.kind, incident.voter_id) for incident in rows(store, IncidentRow)] == [("too many newcomers", "")]
    assert "10.0.0" not in (tmp_path / "arena.db").read_bytes().decode("latin-1")
