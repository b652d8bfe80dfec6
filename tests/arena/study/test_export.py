"""What leaves the database makes the same boards anywhere, and names nobody."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.boards.build import boards
from seedbench.arena.boards.rendering import as_json
from seedbench.arena.settings import StudyError
from seedbench.arena.study.export import backup, export_study, list_studies, votes_of
from seedbench.arena.votes.log import read
from seedbench.arena.votes.rules import load as load_rules
from seedbench.arena.voting.service import VotingService
from seedbench.errors import StorageError
from seedbench.store import Store


@pytest.fixture
def voted(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> VotingService:
    """A study of which three voters judged twelve pairs each; the last vote of the first was taken back."""
    study(checks={"gold": 0.2, "same": 0.1, "repeat": 0.2})
    service = VotingService(store, "s", tmp_path, clock=clock)
    for cookie in ("first", "second", "third"):
        voter = service.voters.id_of_name(cookie)
        service.voters.record_consent(voter, sound_check=True)
        for number in range(12):
            shown = service.open_pair(voter)
            assert shown is not None
            for token in (shown.left, shown.right):
                service.clip_urls.file_of(token, voter)
            clock.forward(9)
            service.vote(
                voter, shown.battle, ("left", "right", "tie")[number % 3], heard=(1.0, 0.9), answers={"sound": "left"}, comment="secret"
            )
        if cookie == "first":
            service.undo(voter, shown.battle)
    return service


def test_votes_come_without_identities_and_without_what_was_taken_back(voted: VotingService, store: Store, tmp_path: Path) -> None:
    votes = votes_of(store, "s")
    assert len(votes) == 35
    assert {vote.voter for vote in votes} == {"voter-000001", "voter-000002", "voter-000003"}
    files = export_study(store, "s", tmp_path / "out")
    whole = b"".join(file.read_bytes() for file in files)
    for secret in (b"secret", voted.voters.id_of_name("first").encode(), voted.voters._signed("first").encode(), b"kkkk"):
        assert secret not in whole


def test_a_board_for_visitors_moves_by_many_votes_and_never_by_one_that_may_be_taken_back(
    voted: VotingService, store: Store, clock: Any
) -> None:
    assert [len(votes_of(store, "s", every=every)) for every in (2, 5, 10, 34)] == [32, 30, 30, 0]  # 33 stand behind their voters
    before = votes_of(store, "s", every=3)
    assert [vote.id for vote in before] == [vote.id for vote in votes_of(store, "s") if vote.id not in ("v00000024", "v00000036")]
    voter = voted.voters.id_of_name("second")  # whose last vote is older than all of the third's
    shown = voted.open_pair(voter)
    assert shown is not None
    for token in (shown.left, shown.right):
        voted.clip_urls.file_of(token, voter)
    clock.forward(9)
    for choice in ("left", "right"):
        voted.vote(voter, shown.battle, choice, heard=(1.0, 1.0))
        assert votes_of(store, "s", every=3) == before
        shown = voted.undo(voter, shown.battle)
        assert votes_of(store, "s", every=3) == before


def test_an_exported_vote_holds_what_was_shown_and_seen(voted: VotingService, store: Store) -> None:
    votes = votes_of(store, "s")
    for repeat in votes:
        assert (repeat.heard_left, repeat.heard_right, repeat.dwell_s, repeat.shorter_s, repeat.sound_check) == (1.0, 0.9, 9.0, 5.0, True)
        assert (repeat.probability is not None) == (repeat.kind == "pair")
        assert (repeat.expected is not None) == (repeat.kind == "gold")
        assert (repeat.left == repeat.right) == (repeat.kind in ("gold", "same"))
    firsts = {vote.battle: vote for vote in votes}
    repeats = [vote for vote in votes if vote.kind == "repeat"]
    assert repeats
    for repeat in repeats:
        first = firsts[str(repeat.repeats)]
        assert (repeat.left, repeat.right, repeat.prompt, repeat.voter) == (first.right, first.left, first.prompt, first.voter)


def test_an_export_makes_the_same_boards_anywhere(voted: VotingService, store: Store, tmp_path: Path) -> None:
    export_study(store, "s", tmp_path / "out")
    again = boards(read(tmp_path / "out" / "votes.jsonl").votes, load_rules(tmp_path / "out" / "rules.json"))
    assert as_json(again) == (tmp_path / "out" / "boards.json").read_text()


def test_studies_are_listed_and_unknown_ones_named(voted: VotingService, store: Store, tmp_path: Path) -> None:
    (summary,) = list_studies(store)
    assert (summary.name, summary.n_pairs, summary.n_voters, summary.n_votes) == ("s", 36, 3, 35)
    with pytest.raises(StudyError, match=r"no study called 'x' \(known: s\)"):
        export_study(store, "x", tmp_path / "out")


def test_a_backup_holds_every_vote_and_writes_over_nothing(voted: VotingService, store: Store, tmp_path: Path) -> None:
    copy = backup(store, tmp_path / "copies" / "copy.db")
    with sqlite3.connect(copy) as connection:
        assert connection.execute("select count(*) from arena_votes").fetchone() == (36,)
    with pytest.raises(StorageError, match="exists already"):
        backup(store, copy)
