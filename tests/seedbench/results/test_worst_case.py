"""The worst-case aggregate: a missing answer never helps."""

from __future__ import annotations

import pytest

from seedbench.results.worst_case import worst_case_mean, worst_value


def test_a_missing_answer_never_improves_the_worst_case_mean() -> None:
    values: list[float | None] = [0.9, None, 0.7]
    assert worst_case_mean(values, ["a", "b", "c"], worst=0.0).value == pytest.approx(1.6 / 3)
    assert worst_case_mean(values, ["a", "b", "c"], worst=None).value is None
    signed: list[float | None] = [80.0, -80.0]
    assert worst_case_mean(signed, ["a", "b"], worst=600.0, direction="zero").value == 80.0


@pytest.mark.parametrize(
    ("direction", "low", "high", "expected"),
    [("up", 0.0, 1.0, 0.0), ("up", None, None, -2.0), ("down", 0.0, 9.0, 9.0), ("down", None, None, 3.0), ("zero", -600.0, 600.0, 600.0),
     ("zero", None, None, 3.0), ("none", 0.0, 1.0, None)],
)  # fmt: skip
def test_the_worst_value_is_the_bound_or_the_worst_one_observed(
    direction: str, low: float | None, high: float | None, expected: float | None
) -> None:
    assert worst_value(direction, low, high, [-2.0, 3.0]) == expected
