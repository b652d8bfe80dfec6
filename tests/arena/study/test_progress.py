"""What an owner is told of a study: counts that can be counted by hand, and nothing made up where there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seedbench.arena.commands import app
from seedbench.arena.study.export import votes_of
from seedbench.arena.study.progress import agreement_by_question, exclusions_of, progress_of, remarks_of
from seedbench.arena.votes.rules import Rules, apply_rules, load
from seedbench.arena.voting.refusals import RefusedError
from seedbench.arena.voting.service import VotingService
from seedbench.store import Store


@pytest.fixture
def service(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> VotingService:
    study(4)
    return VotingService(store, "s", tmp_path, clock=clock)


def give(service: VotingService, voter: str, clock: Any, choice: str, seconds: float = 10, **more: Any) -> str:
    shown = service.open_pair(voter)
    assert shown is not None
    for token in (shown.left, shown.right):
        service.clip_urls.file_of(token, voter)
    clock.forward(seconds)
    service.vote(voter, shown.battle, choice, heard=(1.0, 1.0), **more)
    return shown.battle


def test_a_study_without_votes_has_no_figures_but_counts(service: VotingService, store: Store) -> None:
    now = progress_of(store, "s")
    assert (now.n_pairs, now.pairs_voted, now.n_votes, now.n_voters, now.dwell_s, now.by_day) == (12, 0, 0, 0, None, {})
    assert now.by_models == {("alpha", "beta"): (0, 4, 0), ("alpha", "gamma"): (0, 4, 0), ("beta", "gamma"): (0, 4, 0)}
    (overall,) = agreement_by_question([])
    assert overall.share is None
    assert overall.words.startswith("no answer: ")


def test_progress_counts_votes_pairs_days_and_what_was_refused(service: VotingService, store: Store, clock: Any) -> None:
    first, other = service.voters.id_of_name("one"), service.voters.id_of_name("other")
    service.voters.record_consent(first, sound_check=True)
    service.voters.record_consent(other, sound_check=None)
    service.voters.record_consent(service.voters.id_of_name("idle"), sound_check=False)
    for _ in range(5):
        give(service, first, clock, "left")
    clock.forward(86_400)
    last = give(service, other, clock, "tie", 20, comment="first", answers={"sound": "tie"})
    service.undo(other, last)
    with pytest.raises(RefusedError):
        service.vote(other, last, "left", heard=(1.0, 1.0))
    service.open_pair(first)
    now = progress_of(store, "s")
    assert (now.n_votes, now.n_voters, now.n_agreed, now.n_taken_back, now.n_open) == (5, 1, 3, 1, 2)
    assert list(now.by_day.values()) == [5]
    assert now.dwell_s == (10, 10, 10)
    assert now.sound_checks == {"passed": 1, "failed": 0, "not made": 0}
    assert sum(votes for votes, _, _ in now.by_models.values()) == now.n_votes
    assert now.incidents == {"voted already": 1}
    assert remarks_of(store, "s")[0][1] == "first"


def test_agreement_is_given_by_question_with_its_interval_or_a_reason(service: VotingService, store: Store, clock: Any) -> None:
    for name in ("a", "b", "c"):
        voter = service.voters.id_of_name(name)
        service.voters.record_consent(voter, sound_check=True)
        for _ in range(12):
            battle = give(service, voter, clock, "tie")
        service.undo(voter, battle)
        give(service, voter, clock, "tie", answers={"physics": "tie"})
    overall, physics = agreement_by_question(votes_of(store, "s"))
    assert (overall.question, physics.question) == ("overall", "physics")
    assert overall.alpha.value is None  # everybody said the same: there is no chance to agree beyond
    assert overall.words.startswith("no answer: ")
    assert overall.share == 1


def test_exclusions_name_voters_and_the_check_that_came_first(service: VotingService, store: Store, clock: Any) -> None:
    fine, deaf = service.voters.id_of_name("fine"), service.voters.id_of_name("deaf")
    service.voters.record_consent(fine, sound_check=True)
    clock.forward(1)
    service.voters.record_consent(deaf, sound_check=False)
    for voter in (fine, deaf):
        for _ in range(3):
            give(service, voter, clock, "left")
    exclusions = exclusions_of(apply_rules(votes_of(store, "s"), load()))
    assert (exclusions.n_counted, exclusions.n_excluded) == (3, 3)
    assert exclusions.by_voter == {"voter-000001": (3, {}), "voter-000002": (0, {"sound_check": 3})}
    assert exclusions_of(apply_rules(votes_of(store, "s"), Rules(name="none"))).n_excluded == 0


def test_the_command_shows_the_same(
    service: VotingService, clock: Any, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voter = service.voters.id_of_name("one")
    service.voters.record_consent(voter, sound_check=True)
    give(service, voter, clock, "left")
    monkeypatch.setenv("SEEDBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEEDBENCH_DATABASE_URL", f"sqlite:///{tmp_path / 'arena.db'}")
    shown = CliRunner().invoke(app, ["study", "s"])
    assert shown.exit_code == 0, shown.output
    assert "1 votes of 1 voters on 1 of 12 pairs" in shown.output
    assert "no answer" in shown.output
    assert "Left out: 0 votes; 1 count" in shown.output
