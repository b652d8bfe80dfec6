"""The incident log: floods are cut off, and end after an hour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.store import IncidentRow
from seedbench.arena.voting.refusals import RefusedError
from seedbench.arena.voting.service import VotingService
from seedbench.store import Store
from tests.arena.voting.steps import joined, rows, watched


def test_who_is_refused_too_often_is_stopped_for_an_hour(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(limits={"refusals_an_hour": 5})
    service = VotingService(store, "s", tmp_path, clock=clock)
    voter = joined(service)
    shown = watched(service, voter, clock)
    for _ in range(5):
        with pytest.raises(RefusedError, match="not open"):
            service.vote(voter, "0" * 32, "left", heard=(1.0, 1.0))
    with pytest.raises(RefusedError, match="in an hour"):
        service.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
    clock.forward(3601)
    watched(service, voter, clock)
    service.vote(voter, shown.battle, "left", heard=(1.0, 1.0))


def test_a_flood_of_refusals_does_not_fill_the_incident_log(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(limits={"refusals_an_hour": 5})
    service = VotingService(store, "s", tmp_path, clock=clock)
    for _ in range(500):
        assert service.clip_urls.file_of("unknown", None) is None
    assert [incident.kind for incident in rows(store, IncidentRow)] == ["clip address"] * 5 + ["flood"]
    clock.forward(3601)
    service.forget_old()
    assert service.clip_urls.file_of("unknown", None) is None
    assert len(rows(store, IncidentRow)) == 7
