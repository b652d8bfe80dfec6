"""Shares and areas under the curve: known values, other implementations, and how often the intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm

from seedbench.validation.statistics import area_under_curve, proportion

VALUES = st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=12)


@given(VALUES, VALUES)
def test_the_area_is_that_of_mann_and_whitney_and_lies_in_its_interval(higher: list[float], lower: list[float]) -> None:
    area = area_under_curve(higher, lower)
    statistic = mannwhitneyu(higher, lower, method="asymptotic").statistic if len({*higher, *lower}) > 1 else len(higher) * len(lower) / 2
    assert area.value == pytest.approx(statistic / (len(higher) * len(lower)))
    assert 0 <= area.low <= area.value + 1e-9
    assert area.value - 1e-9 <= area.high <= 1
    assert area.high - area.low > 0.05


@given(VALUES, VALUES)
def test_exchanging_the_groups_mirrors_area_and_interval(higher: list[float], lower: list[float]) -> None:
    area, other = area_under_curve(higher, lower), area_under_curve(lower, higher)
    assert (area.value, area.low, area.high) == pytest.approx((1 - other.value, 1 - other.high, 1 - other.low), abs=1e-6)


def test_the_ends_of_the_interval_solve_the_equation_of_newcombe() -> None:
    higher, lower = np.arange(20.0), np.arange(20.0) - 6
    area = area_under_curve(list(higher), list(lower))
    for end in (area.low, area.high):
        first, second = end / (2 - end), 2 * end**2 / (1 + end)  # Q1 and Q2 of Hanley and McNeil 1982
        variance = (end * (1 - end) + 19 * (first - end**2) + 19 * (second - end**2)) / 400
        assert abs(end - area.value) == pytest.approx(norm.ppf(0.975) * np.sqrt(variance))


def test_groups_that_do_not_overlap_have_an_interval_with_width() -> None:
    area = area_under_curve([2.0] * 8, [1.0] * 8)
    assert (area.value, area.high) == (1.0, 1.0)
    assert 0.6 < area.low < 0.9


def test_several_values_of_each_file_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(3)
    higher, lower = rng.normal(1, 1, 10), rng.normal(0, 1, 10)
    once = area_under_curve(list(higher), list(lower))
    repeated = area_under_curve(list(np.repeat(higher, 5)), list(np.repeat(lower, 5)), n_higher=10, n_lower=10)
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))


def test_the_interval_covers_where_the_copies_of_a_file_are_alike() -> None:
    rng = np.random.default_rng(0)
    truth = float(norm.cdf(1.2 / np.sqrt(2 * (1 + 0.5))))
    covered = []
    for _ in range(400):
        of_file = rng.normal(size=(15, 1))
        higher = 1.2 + of_file + np.sqrt(0.5) * rng.normal(size=(15, 4))
        lower = rng.normal(size=(15, 1)) + np.sqrt(0.5) * rng.normal(size=(15, 2))
        area = area_under_curve(list(higher.ravel()), list(lower.ravel()), n_higher=15, n_lower=15)
        covered.append(area.low <= truth <= area.high)
    assert np.mean(covered) >= 0.95


def test_a_share_counts_each_file_as_one_observation_where_its_copies_agree() -> None:
    once = proportion([True] * 6 + [False] * 4, list(range(10)))
    agreeing = proportion(([True] * 6 + [False] * 4) * 3, list(range(10)) * 3)
    assert (agreeing.count, agreeing.total) == (18, 30)
    assert (agreeing.low, agreeing.high) == pytest.approx((once.low, once.high), abs=0.02)
    assert proportion([], []).low is None


def test_an_empty_group_and_a_missing_value_are_refused() -> None:
    with pytest.raises(ValueError, match="each group needs a value"):
        area_under_curve([], [1.0])
    with pytest.raises(ValueError, match="finite"):
        area_under_curve([float("nan")], [1.0])
