"""Intervals: goldens worked by hand, coverage by simulation, algebra by hypothesis."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from seedbench.results.intervals import clopper_pearson, mean_interval, rate_interval

GRID = [[1, 1, 0], [0, 0, 0], [1, 1, 1], [1, 0, 1]]
FLAT = [float(value) for row in GRID for value in row]
PROMPTS = [prompt for prompt, row in enumerate(GRID) for _ in row]
finite = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 6))


def test_clustered_and_naive_errors_match_the_published_example() -> None:
    clustered = mean_interval(FLAT, PROMPTS)
    naive = mean_interval(FLAT, range(12))
    assert clustered.value == pytest.approx(0.58333, abs=5e-6)
    assert clustered.standard_error == pytest.approx(0.209718, abs=5e-7)
    assert naive.standard_error == pytest.approx(0.148647, abs=5e-7)
    assert (clustered.n, clustered.n_clusters) == (12, 4)


def test_the_interval_is_students_t_over_prompts() -> None:
    means = [2 / 3, 0.0, 1.0, 2 / 3]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(means), scale=stats.sem(means))
    estimate = mean_interval(FLAT, PROMPTS)
    half_step = (1 / 3) / 2 / 4  # two prompts are tied, and the least distance of two is a third
    assert (estimate.low, estimate.high) == (pytest.approx(low - half_step), pytest.approx(high + half_step))


def test_values_without_ties_have_the_plain_t_interval() -> None:
    values = [0.2, 0.25, 0.7, 0.9]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    estimate = mean_interval(values, range(4))
    assert (estimate.low, estimate.high) == (pytest.approx(low), pytest.approx(high))


def test_equal_values_have_the_interval_of_their_range_or_none_with_the_reason() -> None:
    equal = [2 / 3, 1 - 1 / 3, 2 / 3]
    assert len(set(equal)) == 2  # they differ in the last bit
    unbounded = mean_interval(equal, range(3))
    assert (unbounded.low, unbounded.high) == (None, None)
    assert unbounded.reason == "all 3 prompts have the same value, and the measure is not bounded on both sides"
    assert mean_interval(equal, range(3), low=0.0).low is None
    estimate = mean_interval(equal, range(3), low=0.0, high=1.0)
    left_open = 1 - 0.025 ** (1 / 3)
    assert (estimate.low, estimate.high) == (pytest.approx(2 / 3 * (1 - left_open)), pytest.approx(2 / 3 + left_open / 3))
    assert (estimate.method, estimate.reason) == ("mean-over-prompts/range95", "")


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_zeros_or_ones_have_the_interval_of_clopper_and_pearson(value: float) -> None:
    estimate, expected = mean_interval([value] * 7, range(7), low=0.0, high=1.0), clopper_pearson(7 * value, 7)
    assert (estimate.low, estimate.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


@pytest.mark.parametrize(("values", "clusters"), [([3.0], ["p"]), ([3.0, 5.0], ["p", "p"])])
def test_one_prompt_gives_a_value_and_no_interval(values: list[float], clusters: list[str]) -> None:
    estimate = mean_interval(values, clusters)
    assert estimate.value == np.mean(values)
    assert estimate.low is None
    assert estimate.high is None
    assert estimate.standard_error is None


def test_nothing_scored_gives_no_value() -> None:
    assert mean_interval([], []).value is None
    assert rate_interval([], []).value is None
    assert clopper_pearson(0, 0).value is None


def test_a_nan_is_refused_in_a_mean() -> None:
    with pytest.raises(ValueError, match="finite"):
        mean_interval([1.0, math.nan], ["a", "b"])


def test_mean_interval_covers_at_its_level_when_seeds_repeat_their_prompt() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(2000):
        values = (rng.normal(size=(10, 1)) + 0.1 * rng.normal(size=(10, 4))).ravel().tolist()
        estimate = mean_interval(values, np.repeat(np.arange(10), 4).tolist())
        assert estimate.low is not None
        assert estimate.high is not None
        hits += estimate.low <= 0 <= estimate.high
    assert hits / 2000 == pytest.approx(0.95, abs=0.02)  # four standard errors of 2,000 trials


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (5, 10, 0.1871, 0.8129), (1, 1, 0.025, 1.0)]
)
def test_clopper_pearson_at_the_edges(successes: int, n: int, low: float, high: float) -> None:
    estimate = clopper_pearson(successes, n)
    assert (estimate.low, estimate.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_agrees_with_scipy_and_is_symmetric(case: tuple[int, int]) -> None:
    successes, n = case
    estimate, mirror = clopper_pearson(successes, n), clopper_pearson(n - successes, n)
    reference = stats.binomtest(successes, n).proportion_ci(method="exact")
    assert estimate.low == pytest.approx(reference.low, abs=1e-9)
    assert estimate.high == pytest.approx(reference.high, abs=1e-9)
    assert estimate.low == pytest.approx(1 - (mirror.high or 0), abs=1e-9)


def test_a_rate_widens_when_seeds_only_repeat_their_prompt() -> None:
    one_seed = rate_interval([1, 0, 1, 1], ["a", "b", "c", "d"])
    repeated = rate_interval([1, 1, 0, 0, 1, 1, 1, 1], list("aabbccdd"))
    independent = clopper_pearson(6, 8)
    assert (repeated.low, repeated.high) == (one_seed.low, one_seed.high)
    assert (repeated.high or 0) - (repeated.low or 0) > (independent.high or 0) - (independent.low or 0)


def test_the_effective_number_of_clips_is_that_of_korn_and_graubard() -> None:
    counts = [3, 3, 2, 3, 1, 3, 3, 2, 3, 0]  # of three seeds
    values = [int(seed < count) for count in counts for seed in range(3)]
    means = np.array(counts) / 3
    share, variance = means.mean(), means.var(ddof=1) / 10
    effective = share * (1 - share) / variance * (stats.t.ppf(0.975, 29) / stats.t.ppf(0.975, 9)) ** 2
    assert 10 < effective < 30
    estimate, expected = rate_interval(values, np.repeat(np.arange(10), 3).tolist()), clopper_pearson(share * effective, effective)
    assert (estimate.low, estimate.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_effective_number_of_clips_is_never_above_that_of_independent_seeds() -> None:
    counts = [(2, 4), (2, 4), (2, 4), (1, 4), (1, 2), (1, 2), (1, 2), (1, 2)]  # ones of seeds: nearly as alike as can be
    values = [int(seed < ones) for ones, seeds in counts for seed in range(seeds)]
    estimate = rate_interval(values, [prompt for prompt, (_, seeds) in enumerate(counts) for _ in range(seeds)])
    effective = 64 / (4 / 4 + 4 / 2)
    expected = clopper_pearson(3.75 / 8 * effective, effective)
    assert effective < len(values)
    assert (estimate.low, estimate.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_a_rate_of_one_is_never_certain() -> None:
    estimate = rate_interval([1, 1, 1, 1], ["a", "a", "b", "b"])
    assert estimate.value == 1.0
    assert estimate.low == clopper_pearson(2, 2).low
    assert estimate.low is not None
    assert estimate.low < 0.2


def test_a_rate_of_other_values_than_zeros_and_ones_is_refused() -> None:
    with pytest.raises(ValueError, match="zeros and ones"):
        rate_interval([0.5], ["a"])


@given(st.lists(finite, min_size=2, max_size=12), st.floats(-50, 50), st.floats(0.1, 10))
def test_mean_interval_moves_and_scales_with_its_values(values: list[float], shift: float, scale: float) -> None:
    names = [str(i // 2) for i in range(len(values))]
    assume(np.ptp(values) > 1e-3)
    plain, moved = mean_interval(values, names), mean_interval([scale * v + shift for v in values], names)
    assert moved.value == pytest.approx(scale * (plain.value or 0) + shift, abs=1e-6)
    if plain.low is not None:
        assert moved.low == pytest.approx(scale * plain.low + shift, abs=1e-4)
