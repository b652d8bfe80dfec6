"""Values that are equal except for rounding: their position decides, not their last bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.ties import falling_order, first_greatest, first_least, middle_least, rising_order

VALUES = st.lists(st.integers(-4, 4), min_size=1, max_size=12)
ROUNDING = st.integers(0, 2**32 - 1)
TOLERANCE = 1e-9


def rounded_otherwise(values: list[int], seed: int) -> np.ndarray:
    """The values with the rounding errors of another order of summation."""
    return np.array(values, float) + np.random.default_rng(seed).uniform(-1e-12, 1e-12, len(values))


@given(VALUES, ROUNDING)
def test_last_bits_do_not_change_the_choice(values: list[int], seed: int) -> None:
    other = rounded_otherwise(values, seed)
    assert first_least(other, tolerance=TOLERANCE) == int(np.argmin(values))
    assert first_greatest(other, tolerance=TOLERANCE) == int(np.argmax(values))
    assert rising_order(other, tolerance=TOLERANCE) == np.argsort(values, kind="stable").tolist()
    assert falling_order(other, tolerance=TOLERANCE) == np.argsort(-np.array(values), kind="stable").tolist()
    assert middle_least(other, tolerance=TOLERANCE) == middle_least(values, tolerance=TOLERANCE)


@given(VALUES)
def test_the_middle_lies_in_the_first_run_of_least_values(values: list[int]) -> None:
    first, middle = int(np.argmin(values)), middle_least(values, tolerance=0.0)
    run = 0
    while first + run < len(values) and values[first + run] == min(values):
        run += 1
    assert first <= middle < first + run
    assert abs((middle - first) - (first + run - 1 - middle)) <= 1


def test_values_that_differ_by_more_are_distinguished() -> None:
    assert first_least([1.0, 0.5, 0.4999], tolerance=1e-6) == 2
    assert falling_order([1.0, 3.0, 2.0], tolerance=1e-6) == [1, 2, 0]
    assert rising_order([], tolerance=1e-6) == []


def test_the_least_of_no_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="zero-size"):
        first_least([], tolerance=TOLERANCE)
