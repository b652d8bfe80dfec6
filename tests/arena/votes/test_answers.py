"""Answers are read in every form that can mean one thing only."""

from __future__ import annotations

import pytest

from seedbench.arena.votes.answers import Answer, UnknownAnswerError, reader_of


def read(*texts: str, systems: tuple[str, str] = ("alpha", "beta")) -> list[str]:
    answers = [Answer(text, *systems) for text in texts]
    reader = reader_of(answers)
    return [reader.choice(answer) for answer in answers]


@pytest.mark.parametrize(
    ("texts", "choices"),
    [
        (("model_a", "MODEL_B", "Model A"), ("left", "right", "left")),
        (("left", "Right", "A", "b"), ("left", "right", "left", "right")),
        (("tie", "Tie (bothbad)", "both_bad", "both-bad", "bothbad_vote"), ("tie", "both_bad", "both_bad", "both_bad", "both_bad")),
        (("leftvote", "rightvote", "tievote"), ("left", "right", "tie")),
        (("alpha", "beta", "BETA", "tie"), ("left", "right", "right", "tie")),
        (("A>B", "b>>a", "a=b"), ("left", "right", "tie")),
        (("1", "2.0"), ("left", "right")),
        (("1", "0.5", "0"), ("left", "tie", "right")),
        (("1.0", "0,5"), ("left", "tie")),
    ],
)
def test_known_forms(texts: tuple[str, ...], choices: tuple[str, ...]) -> None:
    assert tuple(read(*texts)) == choices


@pytest.mark.parametrize("texts", [("0", "1"), ("0", "1", "2"), ("1",), ("1", "2", "3"), ("-1", "1"), ("0.5", "2")])
def test_numbers_that_may_mean_two_things_are_refused(texts: tuple[str, ...]) -> None:
    with pytest.raises(UnknownAnswerError, match="may mean more than one thing: write model_a"):
        read(*texts)


def test_an_unknown_word_names_the_known_forms_and_the_systems() -> None:
    with pytest.raises(UnknownAnswerError, match=r"'modelA' is no known answer: known are model_a, .* here 'alpha' or 'beta'"):
        read("modelA")


def test_systems_called_a_and_b_are_told_from_sides_by_the_rest_of_the_table() -> None:
    doubtful = Answer("a", "b", "a")
    names, sides = Answer("c", "c", "a"), Answer("a", "c", "b")
    assert reader_of([doubtful, names]).choice(doubtful) == "right"
    assert reader_of([doubtful, sides]).choice(doubtful) == "left"
    for others in ([], [names, sides], [Answer("a", "a", "b"), Answer("tie", "a", "b")]):
        with pytest.raises(UnknownAnswerError, match="may be the side or the name of a system"):
            reader_of([doubtful, *others]).choice(doubtful)


def test_how_numbers_were_read_is_remarked() -> None:
    assert (
        reader_of([Answer("1", "x", "y"), Answer("2", "x", "y")]).remark == "numbers are read as the side that won: 1 is left, 2 is right"
    )
    assert "the score of the left system" in reader_of([Answer("0.5", "x", "y")]).remark
    assert reader_of([Answer("tie", "x", "y")]).remark == ""
