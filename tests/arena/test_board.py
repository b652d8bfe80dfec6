"""A board is a function of log and rules; it claims what the votes hold and marks what they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from arena.board import Board, Slice, boards
from arena.rules import Rules
from arena.votes import Vote

Log = Callable[..., list[Vote]]
THREE = {"alpha": 0.9, "beta": 0.0, "gamma": -0.9}


def rules(**fields: Any) -> Rules:
    return Rules.model_validate({"name": "test", **fields})


def by_name(board: Board) -> dict[str, Any]:
    return {one.model: one for one in board.standings}


def test_a_board_of_three_models_far_apart(vote_log: Log) -> None:
    (board,) = boards(vote_log(THREE, 900), rules(), split=False)
    assert [one.model for one in board.standings] == ["alpha", "beta", "gamma"]
    assert [(one.rank_best, one.rank_worst, one.tier) for one in board.standings] == [(1, 1, 1), (2, 2, 2), (3, 3, 3)]
    assert [one.marks for one in board.standings] == [(), (), ()]
    assert board.side is not None
    assert board.side.low is not None
    assert board.side.low < 0 < board.side.high  # type: ignore[operator]
    for one in board.standings:
        assert one.rating.low < one.rating.value < one.rating.high  # type: ignore[operator]
        assert one.n_votes == one.wins + one.losses + one.ties + one.both_bad
    assert sum(one.wins for one in board.standings) == sum(one.losses for one in board.standings)
    assert (board.n_votes + board.both_bad, board.n_prompts, board.n_voters, board.excluded) == (900, 40, 40, 0)
    assert board.fragility[0].leader == board.fragility[1].leader == "alpha"
    assert not any(one.overturned for one in board.fragility)


def test_the_order_in_which_votes_come_does_not_matter(vote_log: Log) -> None:
    votes = vote_log(THREE, 200)
    assert boards(votes, rules()) == boards(votes[::-1], rules())


def test_sound_and_profiles_are_never_pooled(vote_log: Log) -> None:
    votes = vote_log(THREE, 60)
    mixed = [
        one.model_copy(update={"with_sound": bool(place % 2), "profile": "matched" if place % 3 else "native"})
        for place, one in enumerate(votes)
    ]
    found = boards(mixed, rules(), split=False)
    assert {(one.about.profile, one.about.with_sound) for one in found} == {(p, s) for p in ("native", "matched") for s in (True, False)}
    assert sum(one.n_votes + one.both_bad for one in found) == 60


def test_tasks_categories_and_questions_have_boards_of_their_own(vote_log: Log) -> None:
    votes = vote_log(THREE, 120)
    sorted_in = [
        one.model_copy(
            update={"task": ("talking", "music")[place % 2], "category": ("faces", "things")[place // 60], "answers": {"sound": "right"}}
        )
        for place, one in enumerate(votes)
    ]
    found = {one.about.title: one for one in boards(sorted_in, rules())}
    assert set(found) == {
        "overall, with sound, native",
        "overall, with sound, native, task music",
        "overall, with sound, native, task talking",
        "overall, with sound, native, category faces",
        "overall, with sound, native, category things",
        "sound, with sound, native",
    }
    music = found["overall, with sound, native, task music"]
    assert music.n_votes + music.both_bad == 60
    assert found["sound, with sound, native"].tie_share == 0.0


def test_few_votes_are_provisional_by_the_rules_thresholds(vote_log: Log) -> None:
    votes = vote_log(THREE, 90)
    (board,) = boards(votes, rules(), split=False)
    assert all("provisional" in one.marks for one in board.standings)
    (lenient,) = boards(votes, rules(listing={"votes": 10, "prompts": 5, "voters": 2}), split=False)
    assert not any("provisional" in one.marks for one in lenient.standings)


def test_an_unbeaten_model_is_finite_and_marked(vote_log: Log, vote: Callable[..., Vote]) -> None:
    votes = vote_log({"beta": 0.2, "gamma": -0.2}, 100)
    votes += [vote(1000 + n, left="star", right="beta", prompt=f"p{n % 9}", voter=f"w{n % 7}") for n in range(40)]
    (board,) = boards(votes, rules(), split=False)
    assert "unbeaten" in by_name(board)["star"].marks
    assert 1200 < by_name(board)["star"].rating.value < 4000


def test_unconnected_models_are_not_ranked(vote_log: Log) -> None:
    island = [one.model_copy(update={"id": f"i{one.id}"}) for one in vote_log({"delta": 1.0, "epsilon": -1.0}, 80)]
    (board,) = boards(vote_log(THREE, 200) + island, rules(), split=False)
    assert board.n_pieces == 2
    for name in ("delta", "epsilon"):
        one = by_name(board)[name]
        assert "unconnected" in one.marks
        assert (one.rank_best, one.rank_worst, one.tier) == (None, None, None)
    assert [one.model for one in board.standings][:3] == ["alpha", "beta", "gamma"]
    assert any("2 pieces" in note for note in board.notes)


def test_one_voter_gets_no_interval_with_the_reason(vote_log: Log) -> None:
    (board,) = boards(vote_log(THREE, 60, n_voters=1), rules(), split=False)
    for one in board.standings:
        assert one.rating.low is None
        assert "two voters" in one.rating.reason
        assert one.rank_best is None


def test_few_clusters_are_said(vote_log: Log) -> None:
    (board,) = boards(vote_log(THREE, 200, n_prompts=8), rules(), split=False)
    assert any("8 prompts" in note for note in board.notes)


def test_what_was_left_out_is_counted_and_checks_are_not_rated(vote_log: Log, vote: Callable[..., Vote]) -> None:
    votes = vote_log(THREE, 100)
    votes += [vote(2000, dwell_s=0.2), vote(2001, kind="gold", expected="left", right="alpha"), vote(2002, kind="same", right="alpha")]
    (board,) = boards(votes, rules(checks=[{"check": "dwell"}]), split=False)
    assert (board.n_votes + board.both_bad, board.excluded) == (100, 1)
    assert board.checks["dwell"] == {"ok": 100, "excluded": 1, "unchecked": 0}
    assert (board.unrated["gold"], board.unrated["same"]) == (1, 1)


def test_both_bad_is_kept_apart_or_rated_as_a_tie_as_the_rules_say(vote: Callable[..., Vote]) -> None:
    choices = ("left", "left", "right", "tie", "both_bad", "both_bad")
    votes = [vote(n, choice=choice, prompt=f"p{n}", voter=f"w{n}") for n, choice in enumerate(choices)]
    (apart,), (tied,) = (boards(votes, rules(rating={"both_bad": how}), split=False) for how in ("apart", "tie"))
    assert (apart.n_votes, apart.both_bad, apart.tie_share) == (4, 2, 0.25)
    assert (tied.n_votes, tied.both_bad, tied.tie_share) == (6, 0, 0.5)
    assert by_name(apart)["alpha"].both_bad == by_name(tied)["alpha"].both_bad == 2


def test_no_votes_make_no_board_and_votes_that_do_not_count_an_empty_one(vote: Callable[..., Vote]) -> None:
    assert boards([], rules()) == []
    (board,) = boards([vote(1, dwell_s=0.0)], rules(checks=[{"check": "dwell"}]))
    assert board.standings == ()
    assert board.notes == ("of 1 votes none counts",)


def test_both_hashes_are_on_the_board(vote_log: Log) -> None:
    votes = vote_log(THREE, 50)
    first, second = (boards(votes, one)[0] for one in (rules(), rules(version="2")))
    assert first.votes_sha256 == second.votes_sha256
    assert first.rules_sha256 != second.rules_sha256


@pytest.mark.parametrize(
    ("about", "title"),
    [(Slice("native", False), "overall, silent, native"), (Slice("matched", True, "sound"), "sound, with sound, matched")],
)
def test_slices_are_told_in_words(about: Slice, title: str) -> None:
    assert about.title == title
