"""Agreement is about what people saw, whichever side it stood on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seedbench.arena.boards.agreement import agreement
from seedbench.arena.votes.log import Vote

Make = Callable[..., Vote]


def shared(make: Make, n: int = 12, **fields: Any) -> list[Vote]:
    """``n`` prompts judged by two: the second sees the sides swapped, and differs on every fourth."""
    votes = []
    for number in range(n):
        choice = ("left", "tie", "right")[number % 3]
        again = {"left": "right", "right": "left"}.get(choice, choice) if number % 4 else "both_bad"
        votes += [
            make(2 * number, prompt=f"p{number}", voter="w0", choice=choice, **fields),
            make(2 * number + 1, prompt=f"p{number}", voter="w1", left="beta", right="alpha", choice=again, **fields),
        ]
    return votes


def test_sides_do_not_matter(vote: Make) -> None:
    result = agreement(shared(vote))
    assert result.observed == pytest.approx(0.25)
    assert result.value == pytest.approx(1 - 0.25 / (420 / 552), abs=1e-9)  # answers 7, 7, 7 and 3 times
    assert (result.n_units, result.n_answers, result.n_voters) == (12, 24, 2)


@pytest.mark.parametrize("other", [{"prompt": "q"}, {"task": "music"}, {"profile": "matched"}, {"with_sound": False}, {"right": "gamma"}])
def test_what_differs_in_anything_seen_is_another_unit(vote: Make, other: dict[str, Any]) -> None:
    result = agreement([vote(1, voter="w0"), vote(2, voter="w1", **other)])
    assert (result.n_units, result.n_alone) == (0, 2)
    assert result.value is None


def test_checks_and_second_votes_of_one_person_are_left_out(vote: Make) -> None:
    votes = shared(vote)
    more = [vote(100, prompt="p0", choice="tie"), vote(101, kind="gold", expected="left"), vote(102, kind="repeat", repeats="b00000")]
    assert agreement(votes + more) == agreement(votes)


def test_the_order_of_the_log_does_not_matter(vote: Make) -> None:
    votes = shared(vote)
    assert agreement(votes[::-1]) == agreement(votes)


def test_an_optional_question_has_an_agreement_of_its_own(vote: Make) -> None:
    votes = shared(vote, answers={"sound": "left"})
    result = agreement(votes, question="sound")
    assert result.observed == 1.0
    assert agreement(shared(vote), question="sound").value is None
