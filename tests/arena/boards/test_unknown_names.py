"""What is not known of votes is never taken for independent: knowing less never makes a board surer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbench.arena.boards.board import Board
from seedbench.arena.boards.build import boards
from seedbench.arena.boards.rendering import markdown, remarks
from seedbench.arena.votes.log import Vote
from seedbench.arena.votes.rules import Rules
from tests.arena.conftest import log

THREE = {"alpha": 0.9, "beta": 0.0, "gamma": -0.9}
RULES = Rules(name="test")


def board_of(votes: Sequence[Vote], rules: Rules = RULES) -> Board:
    (board,) = boards(votes, rules, split=False)
    return board


def without(votes: Sequence[Vote], fields: Sequence[str], indices: Sequence[int] | None = None) -> list[Vote]:
    """The votes, some of them (all by default) without some fields."""
    emptied = range(len(votes)) if indices is None else indices
    return [vote.model_copy(update=dict.fromkeys(fields)) if number in emptied else vote for number, vote in enumerate(votes)]


FEWEST, NARROWER = 5, 0.05
"""With fewer prompts or voters than this an interval may be narrower by this share; see the module of the covariance. Seen: 3%."""


def assert_no_surer(less: Board, more: Board) -> None:
    """That no interval, rank or mark of ``less`` claims more than that of ``more``."""
    of_more = {standing.model: standing for standing in more.standings}
    narrower = NARROWER if min(more.n_prompts, more.n_voters) < FEWEST else 1e-9
    for standing in less.standings:
        known = of_more[standing.model]
        assert standing.rating.value == pytest.approx(known.rating.value)
        if standing.rating.low is not None and standing.rating.high is not None:
            assert known.rating.low is not None
            assert known.rating.high is not None
            assert standing.rating.high - standing.rating.low >= (known.rating.high - known.rating.low) * (1 - narrower)
        if standing.rank_best is not None and standing.rank_worst is not None:
            assert known.rank_best is not None
            assert known.rank_worst is not None
            assert standing.rank_best <= known.rank_best <= known.rank_worst <= standing.rank_worst
        assert "provisional" in standing.marks or "provisional" not in known.marks


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(20, 150),
    sizes=st.tuples(st.integers(2, 25), st.integers(2, 25)),
    share=st.sampled_from([0.01, 0.05, 0.3, 1.0]),
    fields=st.sampled_from([("voter",), ("prompt",), ("voter", "prompt")]),
)
def test_leaving_names_out_makes_no_board_surer(seed: int, n: int, sizes: tuple[int, int], share: float, fields: tuple[str, ...]) -> None:
    votes = log(THREE, n, seed=seed, n_prompts=sizes[0], n_voters=sizes[1])
    rules = RULES.model_copy(update={"listing": RULES.listing.model_copy(update={"votes": 10, "prompts": 5, "voters": 3})})
    indices = np.random.default_rng(seed).choice(n, max(1, int(n * share)), replace=False).tolist()
    assert_no_surer(board_of(without(votes, fields, indices), rules), board_of(votes, rules))


@pytest.mark.parametrize(
    ("field", "words"), [("voter", "who gave the votes is not known"), ("prompt", "which prompt the votes are on is not known")]
)
def test_a_log_without_the_column_gets_no_interval_and_the_reason(field: str, words: str) -> None:
    known, board = board_of(log(THREE, 900)), board_of(without(log(THREE, 900), [field]))
    assert not any("provisional" in standing.marks for standing in known.standings)
    for standing in board.standings:
        assert (standing.rating.low, standing.rank_best, standing.tier) == (None, None, None)
        assert "known" in standing.rating.reason
        assert "provisional" in standing.marks
    assert any(words in line for line in remarks(board))
    assert f"unknown {field}s" in " ".join(remarks(board))
    assert "unknown |" in markdown([board])


def test_some_unknown_voters_are_counted_and_widen_intervals() -> None:
    votes = log(THREE, 900)
    board, known = board_of(without(votes, ["voter"], range(90))), board_of(votes)
    assert (board.n_without_voter, board.n_voters, board.n_without_prompt) == (sum(v.choice != "both_bad" for v in votes[:90]), 40, 0)
    assert any(f"who gave {board.n_without_voter} of {board.n_votes} votes is not known" in line for line in remarks(board))
    assert any("of 40 + unknown voters on 40 prompts" in line for line in remarks(board))
    assert_no_surer(board, known)


def test_checks_of_a_voter_cannot_be_made_on_unknown_voters() -> None:
    rules = Rules.model_validate(
        {"name": "r", "checks": [{"check": "cap", "votes": 5}, {"check": "one_sided", "answered": 1, "at_most": 0.5}]}
    )
    board = board_of(without(log(THREE, 60), ["voter"]), rules)
    assert {name: answers["unchecked"] for name, answers in board.checks.items()} == {"cap": 60, "one_sided": 60}
    strict = Rules.model_validate({"name": "r", "checks": [{"check": "cap", "votes": 5, "unchecked": "exclude"}]})
    assert board_of(without(log(THREE, 60), ["voter"]), strict).standings == ()


def test_the_votes_of_unknown_voters_may_be_those_of_one_on_whom_the_lead_depends(vote: Callable[..., Vote]) -> None:
    votes = [vote(n, left="alpha", right="beta", choice="right", voter=f"w{n % 6}", prompt=f"p{n % 5}") for n in range(30)]
    votes += [vote(100 + n, left="alpha", right="beta", choice="left", voter=None, prompt=f"p{n % 5}") for n in range(40)]
    fragility = board_of(votes).fragility[0]
    assert (fragility.n_changed, fragility.leader, fragility.overturned) == (40, "beta", True)


def test_where_every_vote_is_a_tie_nobody_leads() -> None:
    board = board_of([vote.model_copy(update={"choice": "tie"}) for vote in log(THREE, 300)])
    assert board.equal_first == ("alpha", "beta", "gamma")
    assert board.fragility == ()
    assert "nobody leads: every vote is a tie" in remarks(board)
    assert not any("leads, ratings" in line for line in remarks(board))
    assert {(standing.rank_best, standing.rank_worst) for standing in board.standings} == {(1, 3)}


def test_two_systems_of_one_rating_share_the_lead(vote: Callable[..., Vote]) -> None:
    pairs = [("a", "b"), ("b", "a")]
    votes = [vote(n, left=left, right=right, choice="left", prompt=f"p{n}", voter=f"w{n}") for n, (left, right) in enumerate(2 * pairs)]
    assert "nobody leads: a and b share the highest rating" in remarks(board_of(votes))
    assert board_of([*votes, vote(9, left="a", right="b", prompt="p9", voter="w9")]).equal_first == ()


def test_names_that_differ_in_capitals_are_remarked(vote: Callable[..., Vote]) -> None:
    votes = [vote(0, left="Alpha", right="beta"), vote(1, left="alpha", right="beta")]
    assert any(note.startswith("'Alpha' and 'alpha' are rated as different systems") for note in board_of(votes).notes)
