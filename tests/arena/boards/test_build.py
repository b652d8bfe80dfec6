"""A board is a function of log and rules; it claims what the votes hold and marks what they do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seedbench.arena.boards.board import Board, BoardScope
from seedbench.arena.boards.build import boards
from seedbench.arena.boards.rendering import COLUMNS, as_json, markdown, remarks, rows
from seedbench.arena.ratings.bradley_terry import ELO
from seedbench.arena.votes.log import Vote
from seedbench.arena.votes.rules import Rules

Log = Callable[..., list[Vote]]
THREE = {"alpha": 0.9, "beta": 0.0, "gamma": -0.9}


def rules(**fields: Any) -> Rules:
    return Rules.model_validate({"name": "test", **fields})


def by_name(board: Board) -> dict[str, Any]:
    return {standing.model: standing for standing in board.standings}


def test_a_board_of_three_models_far_apart(vote_log: Log) -> None:
    (board,) = boards(vote_log(THREE, 900), rules(), split=False)
    assert [standing.model for standing in board.standings] == ["alpha", "beta", "gamma"]
    assert [(standing.rank_best, standing.rank_worst, standing.tier) for standing in board.standings] == [(1, 1, 1), (2, 2, 2), (3, 3, 3)]
    assert [standing.marks for standing in board.standings] == [(), (), ()]
    assert board.side is not None
    assert board.side.low is not None
    assert board.side.low < 0 < board.side.high  # type: ignore[operator]
    for standing in board.standings:
        assert standing.rating.low < standing.rating.value < standing.rating.high  # type: ignore[operator]
        assert standing.n_votes == standing.wins + standing.losses + standing.ties + standing.both_bad
    assert sum(standing.wins for standing in board.standings) == sum(standing.losses for standing in board.standings)
    assert (board.n_votes + board.both_bad, board.n_prompts, board.n_voters, board.excluded) == (900, 40, 40, 0)
    assert [change.what.split(",")[0] for change in board.fragility] == [
        "without one voter",
        "without 1% of the votes",
        "with 1% more votes",
        "with 1% of the votes turned",
    ]
    assert {change.leader for change in board.fragility} == {"alpha"}
    assert not any(change.overturned for change in board.fragility)
    assert [change.n_changed for change in board.fragility[1:]] == [board.n_votes // 100] * 3


def test_the_order_in_which_votes_come_does_not_matter(vote_log: Log) -> None:
    votes = vote_log(THREE, 200)
    assert boards(votes, rules()) == boards(votes[::-1], rules())


def test_sound_and_profiles_are_never_pooled(vote_log: Log) -> None:
    votes = vote_log(THREE, 60)
    mixed = [
        vote.model_copy(update={"with_sound": bool(index % 2), "profile": "matched" if index % 3 else "native"})
        for index, vote in enumerate(votes)
    ]
    all_boards = boards(mixed, rules(), split=False)
    assert {(board.about.profile, board.about.with_sound) for board in all_boards} == {
        (p, s) for p in ("native", "matched") for s in (True, False)
    }
    assert sum(board.n_votes + board.both_bad for board in all_boards) == 60


def test_tasks_categories_and_questions_have_boards_of_their_own(vote_log: Log) -> None:
    votes = vote_log(THREE, 120)
    sorted_in = [
        vote.model_copy(
            update={"task": ("talking", "music")[index % 2], "category": ("faces", "things")[index // 60], "answers": {"sound": "right"}}
        )
        for index, vote in enumerate(votes)
    ]
    by_title = {chosen.about.title: chosen for chosen in boards(sorted_in, rules())}
    assert set(by_title) == {
        "overall, with sound, native",
        "overall, with sound, native, task music",
        "overall, with sound, native, task talking",
        "overall, with sound, native, category faces",
        "overall, with sound, native, category things",
        "sound, with sound, native",
    }
    music = by_title["overall, with sound, native, task music"]
    assert music.n_votes + music.both_bad == 60
    assert by_title["sound, with sound, native"].tie_share == 0.0


def test_few_votes_are_provisional_by_the_rules_thresholds(vote_log: Log) -> None:
    votes = vote_log(THREE, 90)
    (board,) = boards(votes, rules(), split=False)
    assert all("provisional" in standing.marks for standing in board.standings)
    (lenient,) = boards(votes, rules(listing={"votes": 10, "prompts": 5, "voters": 2}), split=False)
    assert not any("provisional" in standing.marks for standing in lenient.standings)


def test_an_unbeaten_model_is_finite_and_marked(vote_log: Log, vote: Callable[..., Vote]) -> None:
    votes = vote_log({"beta": 0.2, "gamma": -0.2}, 100)
    votes += [vote(1000 + n, left="star", right="beta", prompt=f"p{n % 9}", voter=f"w{n % 7}") for n in range(40)]
    (board,) = boards(votes, rules(), split=False)
    assert "unbeaten" in by_name(board)["star"].marks
    assert 1200 < by_name(board)["star"].rating.value < 4000


def test_unconnected_models_are_not_ranked(vote_log: Log) -> None:
    island = [vote.model_copy(update={"id": f"i{vote.id}"}) for vote in vote_log({"delta": 1.0, "epsilon": -1.0}, 80)]
    (board,) = boards(vote_log(THREE, 200) + island, rules(), split=False)
    assert board.n_pieces == 2
    for name in ("delta", "epsilon"):
        standing = by_name(board)[name]
        assert "unconnected" in standing.marks
        assert (standing.rank_best, standing.rank_worst, standing.tier) == (None, None, None)
    assert [standing.model for standing in board.standings][:3] == ["alpha", "beta", "gamma"]
    assert any("2 groups" in note for note in board.notes)


def test_one_voter_gets_no_interval_with_the_reason(vote_log: Log) -> None:
    (board,) = boards(vote_log(THREE, 60, n_voters=1), rules(), split=False)
    for standing in board.standings:
        assert standing.rating.low is None
        assert "two voters" in standing.rating.reason
        assert standing.rank_best is None


def test_a_board_of_few_clusters_says_so(vote_log: Log) -> None:
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
    assert board.notes == ("of 1 votes none counts: 1 excluded by the check dwell",)


def test_both_hashes_are_on_the_board(vote_log: Log) -> None:
    votes = vote_log(THREE, 50)
    first, second = (boards(votes, chosen)[0] for chosen in (rules(), rules(version="2")))
    assert first.votes_sha256 == second.votes_sha256
    assert first.rules_sha256 != second.rules_sha256


def loud_votes(make: Callable[..., Vote], n: int = 6_000, *, seed: int = 0, a_lu: float = 0.08) -> list[Vote]:
    """Three systems of one strength; alpha's clips are 4 LU louder on average, all vary by 3 LU, and each LU wins ``a_lu`` logits."""
    rng = np.random.default_rng(seed)
    names = ("alpha", "beta", "gamma")
    loudness = np.array([4.0, 0.0, 0.0])[:, None] + 3 * rng.standard_normal((3, 80))
    votes = []
    for number in range(n):
        left, right = rng.choice(3, 2, replace=False)
        prompt = int(rng.integers(80))
        apart = round(float(loudness[left, prompt] - loudness[right, prompt]), 6)
        weights = np.exp([a_lu * apart / 2, -1.0, -a_lu * apart / 2])
        choice = ("left", "tie", "right")[int(rng.choice(3, p=weights / weights.sum()))]
        who = {"prompt": f"p{prompt}", "voter": f"w{rng.integers(60)}"}
        votes.append(make(number, left=names[left], right=names[right], choice=choice, style={"loudness_lu": apart}, **who))
    return votes


def test_the_headline_is_moved_by_loudness_and_the_rating_with_style_control_is_not(vote: Callable[..., Vote]) -> None:
    (board,) = boards(loud_votes(vote), rules(), split=False)
    alpha = by_name(board)["alpha"]
    assert alpha.rating.low > 1020  # 4 LU at 0.08 logits are 56 points, of which the mean of three takes a third
    for standing in board.standings:
        assert standing.style_reason == ""
        assert standing.style_held.low < 1000 < standing.style_held.high  # type: ignore[union-attr, operator]
    assert board.style is not None
    effects = {effect.name: effect for effect in board.style.effects}
    loudness = effects["loudness_lu"].points
    assert loudness is not None
    assert loudness.low < 0.08 * ELO < loudness.high  # type: ignore[operator]
    assert loudness.low > 0  # type: ignore[operator]
    assert {effects[name].reason for name in ("duration_s", "megapixels", "fps")} == {"no vote carries it"}


def test_the_ranking_does_not_depend_on_style(vote: Callable[..., Vote]) -> None:
    votes = loud_votes(vote, 600)
    bare = [vote.model_copy(update={"style": {}}) for vote in votes]
    (with_style,), (other,), (none,) = (
        boards(each, rules(**fields), split=False) for each, fields in ((votes, {}), (bare, {}), (votes, {"rating": {"style": []}}))
    )
    assert [row.rating for row in with_style.standings] == [row.rating for row in other.standings] == [row.rating for row in none.standings]
    assert all(row.style_held is None for row in (*other.standings, *none.standings))
    assert {row.style_reason for row in other.standings} == {"no vote carries loudness_lu, duration_s, megapixels, fps"}
    assert {row.style_reason for row in none.standings} == {"the rules name no covariates of style"}
    assert none.style is None


def test_votes_that_lack_a_covariate_are_left_out_of_that_fit_and_counted(vote: Callable[..., Vote]) -> None:
    votes = loud_votes(vote, 900)
    some = [vote.model_copy(update={"style": {}}) if number % 3 == 0 else vote for number, vote in enumerate(votes)]
    (board,) = boards(some, rules(), split=False)
    assert board.style is not None
    assert (board.n_votes, board.style.n_votes, board.style.n_lacking) == (900, 600, 300)
    assert any("600 votes; 300 votes lack a covariate and are left out of it" in line for line in remarks(board))
    (alone,) = boards([vote for vote in some if vote.style], rules(), split=False)
    assert {standing.model: standing.style_held for standing in board.standings} == {
        standing.model: standing.style_held for standing in alone.standings
    }


def test_what_every_clip_of_a_system_has_cannot_be_held_equal(vote: Callable[..., Vote]) -> None:
    fps = {"alpha": 30.0, "beta": 24.0, "gamma": 16.0}
    votes = [cast.model_copy(update={"style": {**cast.style, "fps": fps[cast.left] - fps[cast.right]}}) for cast in loud_votes(vote, 900)]
    (board,) = boards(votes, rules(), split=False)
    effects = {effect.name: effect for effect in board.style.effects}  # type: ignore[union-attr]
    assert effects["fps"].points is None
    assert "does not vary" in effects["fps"].reason
    assert effects["loudness_lu"].points is not None
    (only,) = boards([vote.model_copy(update={"style": {"fps": vote.style["fps"]}}) for vote in votes], rules(), split=False)
    assert all(standing.style_held is None and "no covariate of style varies" in standing.style_reason for standing in only.standings)
    assert any("no rating with style control: no covariate of style varies" in line for line in remarks(only))


def test_a_system_whose_votes_carry_no_style_has_no_such_rating_with_the_reason(vote: Callable[..., Vote]) -> None:
    votes = [cast.model_copy(update={"style": {} if "gamma" in (cast.left, cast.right) else cast.style}) for cast in loud_votes(vote, 900)]
    (board,) = boards(votes, rules(), split=False)
    gamma = by_name(board)["gamma"]
    assert gamma.style_held is None
    assert "do not link it" in gamma.style_reason
    assert by_name(board)["alpha"].style_held is not None
    assert any("no rating of gamma with style control" in line for line in remarks(board))


def test_one_voter_gets_ratings_with_style_control_without_interval(vote: Callable[..., Vote]) -> None:
    votes = [cast.model_copy(update={"voter": "w0"}) for cast in loud_votes(vote, 300)]
    (board,) = boards(votes, rules(), split=False)
    held = by_name(board)["alpha"].style_held
    assert held is not None
    assert (held.low, held.high) == (None, None)
    assert "two voters" in held.reason
    assert "two voters" in board.style.effects[0].points.reason  # type: ignore[union-attr]


def test_all_forms_show_style(vote: Callable[..., Vote]) -> None:
    (board,) = boards(loud_votes(vote, 900), rules(), split=False)
    at = COLUMNS.index("Style control")
    held = [f"{standing.style_held.value:.0f}" for standing in board.standings]  # type: ignore[union-attr]
    assert [row[at] for row in rows(board)] == held
    text = markdown([board])
    points = board.style.effects[0].points  # type: ignore[union-attr]
    assert f"style loudness_lu: 1 LU more is worth {points.value:+.1f} points ({points.low:.1f} to {points.high:.1f})" in text  # type: ignore[union-attr]
    assert "style fps: not controlled, since no vote carries it" in text
    (plain,) = json.loads(as_json([board]))
    assert plain["style"]["effects"][0]["points"]["value"] == points.value  # type: ignore[union-attr]
    assert plain["standings"][0]["style_held"]["value"] == board.standings[0].style_held.value  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("about", "title"),
    [(BoardScope("native", False), "overall, silent, native"), (BoardScope("matched", True, "sound"), "sound, with sound, matched")],
)
def test_a_scope_has_a_title_in_words(about: BoardScope, title: str) -> None:
    assert about.title == title


@pytest.mark.parametrize("strong", [["left", "left", "tie"], ["left", "left", "left", "right"], ["left", "left", "left", "tie", "right"]])
def test_models_with_equal_records_are_sorted_by_name(vote: Callable[..., Vote], strong: list[str]) -> None:
    votes = []
    for round_ in range(12):
        for left, right in (("omega", "delta"), ("omega", "beta"), ("omega", "alpha"), ("omega", "gamma")):
            who = {"prompt": f"p{round_ % 5}", "voter": f"w{round_ % 7}"}
            votes.append(vote(len(votes), left=left, right=right, choice=strong[round_ % len(strong)], **who))
    (board,) = boards(votes, rules(), split=False)
    assert [standing.model for standing in board.standings] == ["omega", "alpha", "beta", "delta", "gamma"]
