"""What plug-ins return is checked when they return it."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

import numpy as np
import pytest

from seedbench.plugins.evidence import Facts
from seedbench.plugins.generator import Generation
from seedbench.plugins.metric import Measure, MetricInfo, Score
from seedbench.plugins.output_checks import checked_differences, checked_scores, generation_problem
from seedbench.plugins.set_difference import SetDifference
from seedbench.store import codec

INFO = MetricInfo(
    name="two",
    title="t",
    meaning="m",
    citation="c",
    version=1,
    measures=(
        Measure(name="a", title="A", unit="", direction="up", meaning="a"),
        Measure(name="b", title="B", unit="", direction="up", meaning="b", rate=True),
    ),
)


def of(measure: str = "a", value: float = 1.0, **more: object) -> Score:
    return Score(measure=measure, value=value, status="scored", **more)  # type: ignore[arg-type]


def test_scores_come_in_the_declared_order_as_plain_numbers() -> None:
    given = [of("b", np.float32(1), n_used=np.int64(3)), of("a", np.int32(2), interval=(np.float32(1), 3))]  # type: ignore[arg-type]
    scores = checked_scores(INFO, given)
    assert [(type(score.value), score.measure) for score in scores] == [(float, "a"), (float, "b")]
    assert scores[0].interval == (1.0, 3.0)
    assert type(scores[1].n_used) is int


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (None, "returned a NoneType, not a Score"),
        (0.5, "returned a float, not a Score"),
        (of("c"), "returned scores of c, b, but declares a, b"),
        (of("b"), "returned scores of b, b, but declares a, b"),
        (of(details={"x": object()}), "a: its evidence or details cannot be stored"),
        (of(details={"x": float("nan")}), "a: its evidence or details cannot be stored"),
        (of(evidence=("a panel",)), "a: its evidence or details cannot be stored"),
        (of(evidence=(Facts("t", [("a", np.zeros(2))]),)), "a: its evidence or details cannot be stored"),  # type: ignore[list-item]
        (of(n_used=2.5), "a: its n_used and n_total are 2.5 and None"),
        (of(interval=(0.0, float("inf"))), r"a: its interval is \(0.0, inf\)"),
        (of(interval=(0.0,)), "a: its interval is"),
        (of(backend=None), "a: its reason and backend must be text"),
        (of(backend="x" * 101), "a: its reason and backend must be text"),
        (Score(measure="a", value=None, status="done", reason="r"), "a: its status 'done' is not one of"),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_cannot_be_counted_or_stored_is_a_failure_with_its_reason(first: object, words: str) -> None:
    scores = checked_scores(INFO, [first, of("b", 1.0)])
    assert [(score.measure, score.status, score.value) for score in scores] == [("a", "failed", None), ("b", "failed", None)]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(scores[0].reason)


@pytest.mark.parametrize("value", [3, 0.5, -1])
def test_a_value_of_a_rate_that_is_neither_0_nor_1_is_a_failure(value: float) -> None:
    scores = checked_scores(INFO, [of("a"), of("b", value)])
    assert {(score.status, score.reason) for score in scores} == {
        ("failed", f"b: {value:g} is neither 0 nor 1; the measure is declared as a rate")
    }


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (None, "returned a NoneType, not a Generation"),
        (Generation(status="done"), "the status 'done'"),  # type: ignore[arg-type]
        (Generation(status="succeeded", file="x.mp4"), "its file as a str"),  # type: ignore[arg-type]
        (Generation(status="succeeded", file=Path("x"), latency_s=float("nan")), "nan as latency_s"),
        (Generation(status="succeeded", file=Path("x"), cost_usd="1"), "'1' as cost_usd"),  # type: ignore[arg-type]
        (Generation(status="succeeded", file=Path("x"), facts={"x": object()}), "facts or truth cannot be stored"),
        (Generation(status="succeeded", file=Path("x"), truth={"x": np.zeros(2)}), "facts or truth cannot be stored"),
        (Generation(status="succeeded", file=Path("x"), facts=[1]), "are not dicts"),  # type: ignore[arg-type]
    ],
)
def test_a_generation_that_is_not_accepted_has_the_reason(returned: object, words: str) -> None:
    assert words in generation_problem(returned)


def test_a_correct_generation_has_no_problem() -> None:
    assert generation_problem(Generation(status="succeeded", file=Path("x"), latency_s=1, facts={"a": [1]}, truth={"b": None})) == ""


Pair = namedtuple("Pair", "a b")


class Level(IntEnum):
    HIGH = 1


@dataclass
class Half:
    count: int = field(default=1, init=False)


def local() -> object:
    @dataclass
    class Local:
        a: int = 1

    return Local()


@pytest.mark.parametrize(
    "value",
    [Pair(1, 2), Level.HIGH, {1: "a"}, {(1, 2): "a"}, Half(), local(), {1, 2}, object(), np.array([None])],
    ids=lambda value: type(value).__name__,
)
def test_an_analysis_that_would_be_read_back_as_another_value_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="stored"):
        codec.pack({"x": [value]})


def difference(measure: str) -> SetDifference:
    return SetDifference(measure=measure, value=1.0, n_prompts=4)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([difference("a"), "b"], "the metric returned a str, not a SetDifference"),
        (None, "the metric returned a NoneType, not a SetDifference"),
        ([difference("a"), difference("a")], "the metric returned differences of a, a, but declares a, b"),
        ([difference("other")], "the metric returned differences of other, but declares a, b"),
    ],
)
def test_differences_that_cannot_be_counted_have_no_value(given: object, reason: str) -> None:
    assert {(item.measure, item.value, item.reason) for item in checked_differences(INFO, given)} == {
        ("a", None, reason),
        ("b", None, reason),
    }


def test_differences_of_some_measures_are_enough() -> None:
    assert checked_differences(INFO, [difference("b")]) == [difference("b")]
    assert checked_differences(INFO, []) == []
