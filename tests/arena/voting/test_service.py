"""The desk: who may vote on what, when, once; and what is refused leaves no trace but in the log of refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from seedbench.arena.settings import StudyError
from seedbench.arena.store import BattleRow, IncidentRow, UndoneRow, VoteRow, open_store
from seedbench.arena.voting.service import Desk, RefusedError, Shown
from seedbench.store import Store


@pytest.fixture
def desk(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> Desk:
    study()
    return Desk(store, "s", tmp_path, clock=clock)


def joined(desk: Desk, name: str = "cookie") -> str:
    voter = desk.voter_called(name)
    desk.consent(voter, sound_check=True)
    return voter


def watched(desk: Desk, voter: str, clock: Any) -> Shown:
    """Open a pair and watch both clips."""
    shown = desk.open(voter)
    assert shown is not None
    for token in (shown.left, shown.right):
        assert desk.clip(token, voter) is not None
    clock.forward(19)
    return shown


def give(desk: Desk, voter: str, clock: Any, choice: str = "left") -> Shown:
    shown = watched(desk, voter, clock)
    desk.vote(voter, shown.battle, choice, heard=(1.0, 1.0))
    return shown


def rows(store: Store, table: Any) -> list[Any]:
    with store.session() as session:
        return list(session.scalars(select(table)))


def test_a_vote_is_kept_with_all_that_was_seen_of_it(desk: Desk, store: Store, clock: Any) -> None:
    voter = joined(desk)
    shown = watched(desk, voter, clock)
    receipt = desk.vote(
        voter, shown.battle, "right", heard=(0.9, 1.0), answers={"sound": "left"}, comment="<b>x</b>'; DROP TABLE arena_votes;--"
    )
    (vote,) = rows(store, VoteRow)
    assert (vote.id, vote.battle_id, vote.choice, vote.answers) == (receipt.vote, shown.battle, "right", {"sound": "left"})
    assert (vote.heard_left, vote.heard_right, vote.dwell_s, vote.sound_check) == (0.9, 1.0, 19.0, True)
    assert vote.comment == "<b>x</b>'; DROP TABLE arena_votes;--"


def test_what_a_voter_gets_names_no_model_and_no_file(desk: Desk) -> None:
    shown = desk.open(joined(desk))
    assert shown is not None
    told = repr(shown)
    for word in ("alpha", "beta", "gamma", ".mp4", "p0"):
        assert word not in told


def test_reload_brings_the_same_pair_and_the_same_addresses(desk: Desk, store: Store, tmp_path: Path, clock: Any) -> None:
    voter = joined(desk)
    shown = desk.open(voter)
    clock.forward(100)
    assert desk.open(voter) == shown
    clock.forward(900)
    renewed = desk.open(voter)
    assert renewed is not None
    assert shown is not None
    assert renewed.battle == shown.battle
    assert {renewed.left, renewed.right}.isdisjoint({shown.left, shown.right})
    restarted = Desk(store, "s", tmp_path, clock=clock).open(voter)
    assert restarted is not None
    assert restarted.battle == shown.battle


def test_an_address_is_one_voter_s_for_a_while(desk: Desk, clock: Any) -> None:
    voter, other = joined(desk), joined(desk, "other")
    shown = desk.open(voter)
    assert shown is not None
    assert desk.clip(shown.left, other) is None
    assert desk.clip("../../etc/passwd", voter) is None
    assert desk.clip(shown.left, voter) is not None
    clock.forward(901)
    assert desk.clip(shown.left, voter) is None
    assert desk.sweep() == 2


def test_sides_of_two_addresses_are_the_two_clips(desk: Desk) -> None:
    voter = joined(desk)
    shown = desk.open(voter)
    assert shown is not None
    files = {desk.clip(token, voter) for token in (shown.left, shown.right)}
    assert len(files) == 2


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
    desk: Desk, store: Store, clock: Any, change: dict[str, Any], kind: str
) -> None:
    voter = joined(desk)
    shown = watched(desk, voter, clock)
    asked = {"battle": shown.battle, "choice": "left", "heard": (1.0, 1.0), **change}
    with pytest.raises(RefusedError) as refused:
        desk.vote(voter, **asked)
    assert refused.value.kind == kind
    assert [one.kind for one in rows(store, IncidentRow)] == [kind]
    assert rows(store, VoteRow) == []
    desk.vote(voter, shown.battle, "left", heard=(1.0, 1.0))


def test_who_comes_back_when_the_addresses_have_run_out_need_not_watch_again(desk: Desk, clock: Any) -> None:
    voter, other = joined(desk), joined(desk, "other")
    shown, half = watched(desk, voter, clock), desk.open(other)
    assert half is not None
    desk.clip(half.left, other)
    clock.forward(desk.settings.token_s + 1)
    assert desk.sweep() == 4
    again = desk.open(voter)
    assert again is not None
    assert again.battle == shown.battle
    assert {again.left, again.right}.isdisjoint({shown.left, shown.right})
    desk.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
    with pytest.raises(RefusedError, match="play both clips"):
        desk.vote(other, half.battle, "left", heard=(1.0, 1.0))


def test_nothing_is_kept_of_pairs_that_were_voted_on(desk: Desk, clock: Any) -> None:
    for name in ("one", "two", "three"):
        voter = joined(desk, name)
        for _ in range(3):
            shown = give(desk, voter, clock)
        shown = desk.undo(voter, shown.battle)
        desk.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
    clock.forward(desk.settings.token_s + 1)
    desk.sweep()
    assert (desk._addresses, desk._of_battle, desk._watched) == ({}, {}, set())


def test_a_vote_on_one_pair_is_taken_back_three_times_at_most(desk: Desk, store: Store, clock: Any) -> None:
    voter = joined(desk)
    shown = give(desk, voter, clock)
    for number in range(3):
        clock.forward(1)
        shown = desk.undo(voter, shown.battle)
        desk.vote(voter, shown.battle, ("right", "tie", "left")[number], heard=(1.0, 1.0))
    with pytest.raises(RefusedError, match="often enough"):
        desk.undo(voter, shown.battle)
    assert len(rows(store, UndoneRow)) == 3
    give(desk, voter, clock)  # the next pair is another


def test_a_vote_before_the_clips_could_be_watched_is_refused(desk: Desk, clock: Any) -> None:
    voter = joined(desk)
    shown = desk.open(voter)
    assert shown is not None
    clock.forward(60)
    with pytest.raises(RefusedError, match="play both clips"):  # nothing was fetched
        desk.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
    other = joined(desk, "other")
    quick = watched(desk, other, clock)
    clock.at -= timedelta(seconds=12)  # 7 s for two clips of 5 s that sound, one after the other
    with pytest.raises(RefusedError, match="watch both clips"):
        desk.vote(other, quick.battle, "left", heard=(1.0, 1.0))


def test_another_voter_s_pair_and_one_that_does_not_exist_are_told_apart_by_nobody(desk: Desk, clock: Any) -> None:
    mine = watched(desk, joined(desk), clock)
    thief = joined(desk, "thief")
    said = []
    for battle in (mine.battle, "f" * 32):
        with pytest.raises(RefusedError) as refused:
            desk.vote(thief, battle, "left", heard=(1.0, 1.0))
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_a_vote_is_given_once(desk: Desk, store: Store, clock: Any) -> None:
    voter = joined(desk)
    shown = give(desk, voter, clock)
    with pytest.raises(RefusedError, match="not open"):
        desk.vote(voter, shown.battle, "right", heard=(1.0, 1.0))
    assert [one.choice for one in rows(store, VoteRow)] == ["left"]


def test_without_consent_nothing_is_shown(desk: Desk) -> None:
    with pytest.raises(RefusedError, match="agree"):
        desk.open(desk.voter_called("new"))


def test_undo_keeps_both_in_the_log_and_opens_the_pair_again(desk: Desk, store: Store, clock: Any) -> None:
    voter = joined(desk)
    first = give(desk, voter, clock)
    assert desk.counts.sum() == 1
    again = desk.undo(voter, first.battle)
    assert desk.counts.sum() == 0
    assert again.battle != first.battle
    assert again.text == first.text
    assert desk.open(voter) == again
    desk.vote(voter, again.battle, "tie", heard=(1.0, 1.0))  # watched already: no second wait
    assert [one.choice for one in rows(store, VoteRow)] == ["left", "tie"]
    assert [one.vote_id for one in rows(store, UndoneRow)] == [1]


def test_undo_ends_with_the_next_pair_and_with_a_reveal(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(reveal=True)
    desk = Desk(store, "s", tmp_path, clock=clock)
    voter = joined(desk)
    first = give(desk, voter, clock)
    desk.open(voter)
    with pytest.raises(RefusedError, match="nothing to undo"):
        desk.undo(voter, first.battle)
    second = give(desk, voter, clock)
    assert set(desk.reveal(voter, second.battle)) <= {"alpha", "beta", "gamma"}
    with pytest.raises(RefusedError, match="a vote stands"):
        desk.undo(voter, second.battle)


def test_who_made_a_clip_is_told_after_the_vote_to_its_voter_if_the_study_tells(
    study: Callable[..., None], desk: Desk, store: Store, clock: Any
) -> None:
    voter = joined(desk)
    shown = give(desk, voter, clock)
    with pytest.raises(RefusedError, match="not told"):
        desk.reveal(voter, shown.battle)
    desk.settings = desk.settings.model_copy(update={"reveal": True})
    with pytest.raises(RefusedError, match="not told"):
        desk.reveal(joined(desk, "other"), shown.battle)
    open_pair = desk.open(voter)
    assert open_pair is not None
    with pytest.raises(RefusedError, match="not told"):
        desk.reveal(voter, open_pair.battle)
    left, right = desk.reveal(voter, shown.battle)
    assert left != right


def test_a_voter_sees_each_pair_once_until_none_is_left(desk: Desk, store: Store, clock: Any) -> None:
    voter = joined(desk)
    for _ in range(36):
        give(desk, voter, clock)
    assert desk.open(voter) is None
    seen = Counter(one.pair_id for one in rows(store, BattleRow))
    assert len(seen) == 36
    assert set(seen.values()) == {1}
    assert all(0 < one.probability <= 1 for one in rows(store, BattleRow))


def test_sides_are_balanced_for_each_two_models(desk: Desk, clock: Any) -> None:
    for name in ("a", "b"):
        for _ in range(30):
            give(desk, joined(desk, name), clock)
    assert abs(desk.lefts - desk.lefts.T).max() <= 1


def test_checks_come_at_their_shares(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(40, checks={"gold": 0.2, "same": 0.1, "repeat": 0.2})
    desk = Desk(store, "s", tmp_path, clock=clock)
    for name in range(8):
        voter = joined(desk, str(name))
        for _ in range(40):
            give(desk, voter, clock)
    kinds = Counter(one.kind for one in rows(store, BattleRow))
    assert 0.14 < kinds["gold"] / 320 < 0.26
    assert 0.06 < kinds["same"] / 320 < 0.15
    assert 0.1 < kinds["repeat"] / 320 < 0.24
    battles = {one.id: one for one in rows(store, BattleRow)}
    for one in battles.values():
        if one.kind == "repeat":
            first = battles[one.repeats]
            assert (first.pair_id, first.voter_id, first.first_left) == (one.pair_id, one.voter_id, not one.first_left)
        if one.kind != "pair":
            assert one.probability is None


def test_a_day_has_so_many_votes(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(limits={"a_day": 3})
    desk = Desk(store, "s", tmp_path, clock=clock)
    voter = joined(desk)
    for _ in range(3):
        give(desk, voter, clock)
    with pytest.raises(RefusedError, match="tomorrow"):
        desk.open(voter)
    clock.forward(86_400)
    assert desk.open(voter) is not None


def test_who_is_refused_too_often_is_stopped_for_an_hour(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(limits={"refusals_an_hour": 5})
    desk = Desk(store, "s", tmp_path, clock=clock)
    voter = joined(desk)
    shown = watched(desk, voter, clock)
    for _ in range(5):
        with pytest.raises(RefusedError, match="not open"):
            desk.vote(voter, "0" * 32, "left", heard=(1.0, 1.0))
    with pytest.raises(RefusedError, match="in an hour"):
        desk.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
    clock.forward(3601)
    watched(desk, voter, clock)
    desk.vote(voter, shown.battle, "left", heard=(1.0, 1.0))


def test_a_restart_knows_all_votes_but_those_undone(desk: Desk, store: Store, tmp_path: Path, clock: Any) -> None:
    voter = joined(desk)
    for choice in ("left", "tie", "both_bad"):
        give(desk, voter, clock, choice)
    last = give(desk, voter, clock, "right")
    desk.undo(voter, last.battle)
    again = Desk(store, "s", tmp_path, clock=clock)
    assert (again.counts == desk.counts).all()
    assert again.counts.sum() == 2
    assert (again.lefts == desk.lefts).all()


def test_the_same_seed_and_votes_show_the_same_pairs(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(checks={"gold": 0.1, "same": 0.1, "repeat": 0.1})
    orders = []
    store.close()
    for name in ("one", "two"):
        copy = tmp_path / f"{name}.db"
        copy.write_bytes((tmp_path / "arena.db").read_bytes())
        own = open_store(f"sqlite:///{copy}")
        desk = Desk(own, "s", tmp_path, clock=clock)
        for _ in range(25):
            give(desk, joined(desk), clock)
        orders.append([(one.pair_id, one.first_left, one.kind) for one in sorted(rows(own, BattleRow), key=lambda one: one.opened_at)])
    assert orders[0] == orders[1]


def test_voters_are_keyed_hashes(desk: Desk) -> None:
    one, other = desk.new_cookie("here"), desk.new_cookie("here")
    assert one is not None
    assert other is not None
    assert desk.voter_of(one) == desk.voter_of(one) != desk.voter_of(other)
    assert len(desk.voter_of(one) or "") == 32


@pytest.mark.parametrize("made_up", ["", "x", "a" * 32, "a" * 64, "ä" * 40, "\0" * 64])
def test_a_cookie_that_was_made_up_is_nobodys(desk: Desk, made_up: str) -> None:
    assert desk.voter_of(made_up) is None
    cookie = desk.new_cookie("here") or ""
    assert desk.voter_of(cookie[:-1] + ("0" if cookie[-1] != "0" else "1")) is None
    assert desk.voter_of("x" + cookie) is None


def test_newcomers_from_one_address_are_limited_by_the_hour(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(limits={"newcomers_an_hour": 3})
    desk = Desk(store, "s", tmp_path, clock=clock)
    assert len({desk.new_cookie("10.0.0.1") for _ in range(3)} - {None}) == 3
    assert desk.new_cookie("10.0.0.1") is None
    assert desk.new_cookie("10.0.0.2") is not None
    clock.forward(3601)
    assert desk.new_cookie("10.0.0.1") is not None
    assert [(one.kind, one.voter_id) for one in rows(store, IncidentRow)] == [("too many newcomers", "")]
    assert "10.0.0" not in (tmp_path / "arena.db").read_bytes().decode("latin-1")


def test_a_flood_of_refusals_fills_no_disk(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> None:
    study(limits={"refusals_an_hour": 5})
    desk = Desk(store, "s", tmp_path, clock=clock)
    for _ in range(500):
        assert desk.clip("unknown", None) is None
    assert [one.kind for one in rows(store, IncidentRow)] == ["clip address"] * 5 + ["flood"]
    clock.forward(3601)
    desk.sweep()
    assert desk.clip("unknown", None) is None
    assert len(rows(store, IncidentRow)) == 7


def test_a_clip_is_lent_to_one_voter_for_a_while(desk: Desk, clock: Any) -> None:
    voter, other = joined(desk), joined(desk, "other")
    address = desk.lend(voter, "0-alpha.mp4")
    assert desk.clip(address, voter) == desk.folder / "0-alpha.mp4"
    assert desk.clip(address, other) is None
    clock.forward(901)
    assert desk.sweep() == 1
    assert desk.clip(address, voter) is None
    with pytest.raises(StudyError, match="no clip of this study"):
        desk.lend(voter, "../arena.db")


def test_an_unknown_study_and_missing_clips_are_said(desk: Desk, store: Store, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"no study called 't' \(s\)"):
        Desk(store, "t", tmp_path)
    (tmp_path / "0-alpha.mp4").unlink()
    with pytest.raises(StudyError, match="clips of the study are not in"):
        Desk(store, "s", tmp_path)


def test_a_vote_said_once_more_is_acknowledged_once_more_and_counts_once(desk: Desk, store: Store, clock: Any) -> None:
    voter = joined(desk)
    shown = watched(desk, voter, clock)
    receipts = [desk.vote(voter, shown.battle, "left", heard=(1.0, 1.0)) for _ in range(2)]
    assert receipts[0] == receipts[1]
    assert len(rows(store, VoteRow)) == 1
    assert desk.counts.sum() <= 1
    with pytest.raises(RefusedError, match="not open"):
        desk.vote(voter, shown.battle, "right", heard=(1.0, 1.0))
    watched(desk, voter, clock)  # the next one
    with pytest.raises(RefusedError, match="not open"):
        desk.vote(voter, shown.battle, "left", heard=(1.0, 1.0))
