"""The voting service: who may vote on what, when, and once; a refusal changes nothing but the incident log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.store import IncidentRow, UndoneRow, VoteRow
from seedbench.arena.voting.refusals import RefusedError
from seedbench.arena.voting.service import VotingService
from seedbench.store import Store
from tests.arena.voting.steps import give, joined, rows, watched


def test_a_vote_is_kept_with_all_that_was_seen_of_it(service: VotingService, store: Store, clock: Any) -> None:
    voter = joined(service)
    shown = watched(service, voter, clock)
    receipt = service.vote(
        voter, shown.battle, "right", heard=(0.9, 1.0), answers={"sound": "left"}, comment="<b>x</b>'; DROP TABLE arena_votes;--"
    )
    (vote,) = rows(store, VoteRow)
    assert (vote.id, vote.battle_id, vote.choice, vote.answers) == (receipt.vote, shown.battle, "right", {"sound": "left"})
    assert (vote.heard_left, vote.heard_right, vote.dwell_s, vote.sound_check) == (0.9, 1.0, 19.0, True)
    assert vote.comment == "<b>x</b>'; DROP TABLE arena_votes;--"


def test_what_a_voter_gets_names_no_model_and_no_file(service: VotingService) -> None:
    shown = service.open_pair(joined(service))
    assert shown is not None
    shown_text = repr(shown)
    for word in ("alpha", "beta", "gamma", ".mp4", "p0"):
        assert word not in shown_text


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"choice": "A"}, "unknown choice"),
        ({"answers": {"looks": "left"}}, "unknown question"),
        ({"answers": {"overall": "left"}}, "unknown question"),
        ({"answers": {"sound": "<script>"}}, "unknown choice"),
        ({"heard": (1.0, 0.5)}, "not heard"),
        ({"heard": (1.0, 1.5)}, "heard out of range"),
        ({"heard": (1.0, float("nan"))}, "heard out of range"),
        ({"battle": "0" * 32}, "not this voter's pair"),
    ],
)
def test_a_vote_that_is_wrong_is_refused_written_down_and_the_pair_stays_open(
    service: VotingService, store: Store, clock: Any, change: dict[str, Any], kind: str
) -> None:
    voter = joined(service)
    shown = watched(service, voter, clock)
    asked = {"battle": shown.battle, "choice": "left", "heard": (1.0, 1.0), **change}
    with pytest.raises(RefusedError) as refused:
        service.vote(voter, **asked)
    assert refused.value.kind == kind
    assert [incident.kind for incident in rows(store, IncidentRow)] == [kind]
    assert rows(store, VoteRow) == []
    service.vote(voter, shown.battle, "left", heard=(1.0, 1.0))


def test_a_vote_on_one_pair_is_taken_back_three_times_at_most(service: VotingService, store: Store, clock: Any) -> None:
    voter = joined(service)
    shown = give(service, voter, clock)
    for number in range(3):
        clock.forward(1)
        shown = service.undo(voter, shown.battle)
        service.vote(voter, shown.battle, ("right", "tie", "left")[number], heard=(1.0, 1.0))
    with pytest.raises(RefusedError, match="cannot be taken back again"):
        service.undo(voter, shown.battle)
    assert len(rows(store, UndoneRow)) == 3
    give(service, voter, clock)  # the next pair is another


def test_a_vote_before_the_clips_could_be_watched_is_refused(service: VotingService, clock: Any) -> None:
    voter = joined(service)
    shown = service.open_pair(voter)
    assert shown is not None
    clock.forward(60)
    with pytest.raises(RefusedError, match="play both clips"):  # nothing was fetched
        service.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
    other = joined(service, "other")
    quick = watched(service, other, clock)
    clock.at -= timedelta(seconds=12)  # 7 s for two clips of 5 s that sound, one after the other
    with pytest.raises(RefusedError, match="watch both clips"):
        service.vote(other, quick.battle, "left", heard=(1.0, 1.0))


def test_another_voters_pair_and_one_that_does_not_exist_get_the_same_refusal(service: VotingService, clock: Any) -> None:
    mine = watched(service, joined(service), clock)
    thief = joined(service, "thief")
    messages = []
    for battle in (mine.battle, "f" * 32):
        with pytest.raises(RefusedError) as refused:
            service.vote(thief, battle, "left", heard=(1.0, 1.0))
        messages.append(str(refused.value))
    assert messages[0] == messages[1]


def test_a_vote_is_given_once(service: VotingService, store: Store, clock: Any) -> None:
    voter = joined(service)
    shown = give(service, voter, clock)
    with pytest.raises(RefusedError, match="not open"):
        service.vote(voter, shown.battle, "right", heard=(1.0, 1.0))
    assert [vote.choice for vote in rows(store, VoteRow)] == ["left"]


def test_without_consent_nothing_is_shown(service: VotingService) -> None:
    with pytest.raises(RefusedError, match="agree"):
        service.open_pair(service.voters.id_of_name("new"))


def test_undo_keeps_both_in_the_log_and_opens_the_pair_again(service: VotingService, store: Store, clock: Any) -> None:
    voter = joined(service)
    first = give(service, voter, clock)
    assert service.assignment.counts.sum() == 1
    again = service.undo(voter, first.battle)
    assert service.assignment.counts.sum() == 0
    assert again.battle != first.battle
    assert again.text == first.text
    assert service.open_pair(voter) == again
    service.vote(voter, again.battle, "tie", heard=(1.0, 1.0))  # watched already: no second wait
    assert [vote.choice for vote in rows(store, VoteRow)] == ["left", "tie"]
    assert [undone.vote_id for undone in rows(store, UndoneRow)] == [1]


def test_undo_ends_with_the_next_pair_and_with_a_reveal(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(reveal=True)
    service = VotingService(store, "s", tmp_path, clock=clock)
    voter = joined(service)
    first = give(service, voter, clock)
    service.open_pair(voter)
    with pytest.raises(RefusedError, match="nothing to undo"):
        service.undo(voter, first.battle)
    second = give(service, voter, clock)
    assert set(service.reveal(voter, second.battle)) <= {"alpha", "beta", "gamma"}
    with pytest.raises(RefusedError, match="cannot be taken back after"):
        service.undo(voter, second.battle)


def test_the_makers_are_revealed_after_the_vote_to_its_voter_if_the_study_reveals_them(
    study: Callable[..., None], service: VotingService, store: Store, clock: Any
) -> None:
    voter = joined(service)
    shown = give(service, voter, clock)
    with pytest.raises(RefusedError, match="not revealed"):
        service.reveal(voter, shown.battle)
    service.study = replace(service.study, settings=service.settings.model_copy(update={"reveal": True}))
    with pytest.raises(RefusedError, match="not revealed"):
        service.reveal(joined(service, "other"), shown.battle)
    open_pair = service.open_pair(voter)
    assert open_pair is not None
    with pytest.raises(RefusedError, match="not revealed"):
        service.reveal(voter, open_pair.battle)
    left, right = service.reveal(voter, shown.battle)
    assert left != right


def test_a_day_has_so_many_votes(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(limits={"a_day": 3})
    service = VotingService(store, "s", tmp_path, clock=clock)
    voter = joined(service)
    for _ in range(3):
        give(service, voter, clock)
    with pytest.raises(RefusedError, match="tomorrow"):
        service.open_pair(voter)
    clock.forward(86_400)
    assert service.open_pair(voter) is not None


def test_a_vote_sent_again_is_acknowledged_again_and_counts_once(service: VotingService, store: Store, clock: Any) -> None:
    voter = joined(service)
    shown = watched(service, voter, clock)
    receipts = [service.vote(voter, shown.battle, "left", heard=(1.0, 1.0)) for _ in range(2)]
    assert receipts[0] == receipts[1]
    assert len(rows(store, VoteRow)) == 1
    assert service.assignment.counts.sum() <= 1
    with pytest.raises(RefusedError, match="not open"):
        service.vote(voter, shown.battle, "right", heard=(1.0, 1.0))
    watched(service, voter, clock)  # the next one
    with pytest.raises(RefusedError, match="not open"):
        service.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
