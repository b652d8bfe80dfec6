"""Statistics: goldens worked by hand, coverage by simulation, algebra by hypothesis."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from seedbench.results.statistics import (
    clopper_pearson,
    holm,
    mean_interval,
    paired_difference,
    rate_interval,
    sign_flip_p,
    worst_case_mean,
    worst_value,
)

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
    found = mean_interval(FLAT, PROMPTS)
    half_step = (1 / 3) / 2 / 4  # two prompts are tied, and the least distance of two is a third
    assert (found.low, found.high) == (pytest.approx(low - half_step), pytest.approx(high + half_step))


def test_values_without_ties_have_the_plain_t_interval() -> None:
    values = [0.2, 0.25, 0.7, 0.9]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    found = mean_interval(values, range(4))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_equal_values_have_the_interval_of_their_range_or_none_with_the_reason() -> None:
    equal = [2 / 3, 1 - 1 / 3, 2 / 3]
    assert len(set(equal)) == 2  # they differ in the last bit
    unbounded = mean_interval(equal, range(3))
    assert (unbounded.low, unbounded.high) == (None, None)
    assert unbounded.reason == "all 3 prompts have the same value, and it is not bounded on both sides"
    assert mean_interval(equal, range(3), low=0.0).low is None
    found = mean_interval(equal, range(3), low=0.0, high=1.0)
    left_open = 1 - 0.025 ** (1 / 3)
    assert (found.low, found.high) == (pytest.approx(2 / 3 * (1 - left_open)), pytest.approx(2 / 3 + left_open / 3))
    assert (found.method, found.reason) == ("mean-over-prompts/range95", "")


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_zeros_or_ones_have_the_interval_of_clopper_and_pearson(value: float) -> None:
    found, expected = mean_interval([value] * 7, range(7), low=0.0, high=1.0), clopper_pearson(7 * value, 7)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


@pytest.mark.parametrize(("values", "clusters"), [([3.0], ["p"]), ([3.0, 5.0], ["p", "p"])])
def test_one_prompt_gives_a_value_and_no_interval(values: list[float], clusters: list[str]) -> None:
    found = mean_interval(values, clusters)
    assert found.value == np.mean(values)
    assert found.low is None
    assert found.high is None
    assert found.standard_error is None


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
        found = mean_interval(values, np.repeat(np.arange(10), 4).tolist())
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0 <= found.high
    assert hits / 2000 == pytest.approx(0.95, abs=0.02)  # four standard errors of 2,000 trials


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (5, 10, 0.1871, 0.8129), (1, 1, 0.025, 1.0)]
)
def test_clopper_pearson_at_the_edges(successes: int, n: int, low: float, high: float) -> None:
    found = clopper_pearson(successes, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_agrees_with_scipy_and_is_symmetric(case: tuple[int, int]) -> None:
    successes, n = case
    found, mirror = clopper_pearson(successes, n), clopper_pearson(n - successes, n)
    reference = stats.binomtest(successes, n).proportion_ci(method="exact")
    assert found.low == pytest.approx(reference.low, abs=1e-9)
    assert found.high == pytest.approx(reference.high, abs=1e-9)
    assert found.low == pytest.approx(1 - (mirror.high or 0), abs=1e-9)


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
    found, expected = rate_interval(values, np.repeat(np.arange(10), 3).tolist()), clopper_pearson(share * effective, effective)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_the_effective_number_of_clips_is_never_above_that_of_independent_seeds() -> None:
    counts = [(2, 4), (2, 4), (2, 4), (1, 4), (1, 2), (1, 2), (1, 2), (1, 2)]  # ones of seeds: nearly as alike as can be
    values = [int(seed < ones) for ones, seeds in counts for seed in range(seeds)]
    found = rate_interval(values, [prompt for prompt, (_, seeds) in enumerate(counts) for _ in range(seeds)])
    effective = 64 / (4 / 4 + 4 / 2)
    expected = clopper_pearson(3.75 / 8 * effective, effective)
    assert effective < len(values)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_a_rate_of_one_is_never_certain() -> None:
    found = rate_interval([1, 1, 1, 1], ["a", "a", "b", "b"])
    assert found.value == 1.0
    assert found.low == clopper_pearson(2, 2).low
    assert found.low is not None
    assert found.low < 0.2


def test_a_rate_of_something_else_than_zeros_and_ones_is_refused() -> None:
    with pytest.raises(ValueError, match="zeros and ones"):
        rate_interval([0.5], ["a"])


def test_paired_difference_is_the_one_sample_t_of_prompt_differences() -> None:
    rng = np.random.default_rng(3)
    a = {f"p{i}": (rng.normal(size=2) + i + 0.5).tolist() for i in range(12)}
    b = {f"p{i}": (rng.normal(size=3) + i).tolist() for i in range(12)}
    d = [float(np.mean(a[name]) - np.mean(b[name])) for name in sorted(a)]
    low, high = stats.t.interval(0.95, 11, loc=np.mean(d), scale=stats.sem(d))
    found = paired_difference(a, b)
    assert (found.difference, found.low, found.high) == (pytest.approx(np.mean(d)), pytest.approx(low), pytest.approx(high))
    assert found.n_prompts == 12


def test_prompts_scored_on_one_side_only_are_counted_not_compared() -> None:
    found = paired_difference({"p": [1.0], "q": [2.0], "r": [9.0]}, {"p": [0.0], "q": [1.0], "s": [-9.0], "t": []})
    assert (found.difference, found.n_prompts, found.n_only_a, found.n_only_b) == (1.0, 2, 1, 1)


def test_one_common_prompt_gives_a_difference_without_certainty() -> None:
    found = paired_difference({"p": [1.0]}, {"p": [0.0]})
    assert (found.difference, found.low, found.p, found.reason) == (1.0, None, None, "one prompt: an interval needs two")
    assert paired_difference({"p": [1.0]}, {"q": [0.0]}).reason == "no prompt on which both have an answer"


def test_differences_that_are_equal_but_for_rounding_are_no_evidence_of_their_own() -> None:
    a, b = {"p": [1.0], "q": [2 / 3]}, {"p": [2 / 3], "q": [1 / 3]}
    assert 1 - 2 / 3 != 2 / 3 - 1 / 3
    found = paired_difference(a, b)
    assert (found.p, found.p_t, found.p_value(rate=False)) == (0.5, None, 0.5)
    assert (found.low, found.high) == (None, None)
    assert found.reason == "all 2 prompts have the same value, and it is not bounded on both sides"
    ranged = paired_difference(a, b, low=0.0, high=1.0)
    left_open = 1 - 0.025 ** (1 / 2)
    assert ranged.low == pytest.approx(1 / 3 - 4 / 3 * left_open)
    assert ranged.high == pytest.approx(1 / 3 + 2 / 3 * left_open)
    assert ranged.method == "paired-by-prompt/range95/sign-flip-exact"


def test_values_that_are_equal_but_for_rounding_do_not_differ() -> None:
    sides = [{str(i): [value] for i in range(8)} for value in (2 / 3, 1 - 1 / 3)]
    found = paired_difference(sides[0], sides[1])
    assert (found.difference, found.p, found.p_t) == (0.0, 1.0, None)
    large = paired_difference({str(i): [1e9 + i] for i in range(4)}, {str(i): [1e9 + i + 1e-3] for i in range(4)})
    assert large.difference == 0.0


def test_the_t_test_of_differences_in_steps_takes_half_a_step_off() -> None:
    differences = [1.0, 1.0, 1.0, 0.0, 1.0, -1.0]
    found = paired_difference({str(i): [d] for i, d in enumerate(differences)}, {str(i): [0.0] for i in range(6)})
    error = stats.sem(differences)
    assert found.p_t == pytest.approx(2 * stats.t.sf((3 - 0.5) / 6 / error, 5))
    assert found.high == pytest.approx(0.5 + stats.t.ppf(0.975, 5) * error + 0.5 / 6)


def test_paired_p_has_the_promised_false_alarm_rate() -> None:
    rng = np.random.default_rng(5)
    alarms = sum(sign_flip_p(rng.normal(size=10)) <= 0.05 for _ in range(1000))
    assert alarms / 1000 == pytest.approx(0.05, abs=0.02)


def test_monte_carlo_p_is_near_the_exact_one_and_repeats_itself() -> None:
    rng = np.random.default_rng(7)
    differences = rng.normal(0.4, 1.0, size=17)
    exact = np.mean([abs(np.dot(signs, differences)) >= abs(differences.sum()) - 1e-12 for signs in itertools.product((-1, 1), repeat=17)])
    found = sign_flip_p(differences)
    assert found == pytest.approx(exact, abs=0.01)
    assert found == sign_flip_p(differences)
    assert found != sign_flip_p(differences, seed=1)


@given(st.lists(finite, min_size=1, max_size=8))
def test_sign_flip_p_is_even_and_never_zero(values: list[float]) -> None:
    d = np.array(values)
    assert 0 < sign_flip_p(d) <= 1
    assert sign_flip_p(d) == sign_flip_p(-d)


@given(st.lists(finite, min_size=2, max_size=12), st.floats(-50, 50), st.floats(0.1, 10))
def test_mean_interval_moves_and_scales_with_its_values(values: list[float], shift: float, scale: float) -> None:
    names = [str(i // 2) for i in range(len(values))]
    assume(np.ptp(values) > 1e-3)
    plain, moved = mean_interval(values, names), mean_interval([scale * v + shift for v in values], names)
    assert moved.value == pytest.approx(scale * (plain.value or 0) + shift, abs=1e-6)
    if plain.low is not None:
        assert moved.low == pytest.approx(scale * plain.low + shift, abs=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holm_lies_between_the_p_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    for raw, corrected in zip(p, adjusted, strict=True):
        assert raw <= corrected <= 1
    ranks = sorted(range(len(p)), key=lambda i: p[i])
    assert all(adjusted[i] <= adjusted[j] for i, j in itertools.pairwise(ranks))
    assert adjusted[ranks[0]] == pytest.approx(min(1.0, len(p) * p[ranks[0]]))


def test_no_answer_as_worst_never_helps() -> None:
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
def test_the_worst_value_is_the_bound_or_the_worst_seen(
    direction: str, low: float | None, high: float | None, expected: float | None
) -> None:
    assert worst_value(direction, low, high, [-2.0, 3.0]) == expected


def test_a_large_steady_difference_over_five_prompts_is_found_by_t_and_never_by_sign_flips() -> None:
    names = "abcde"
    wobble = (-1.0, 0.5, 0.0, 0.5, 1.0)
    paired = paired_difference({n: [100 + w] for n, w in zip(names, wobble, strict=True)}, {n: [0.0] for n in names})
    assert paired.p == 2 / 2**5
    assert paired.p_t is not None
    assert paired.p_t < 1e-6
    assert paired.p_value(rate=False) == paired.p_t
    assert paired.p_value(rate=True) == paired.p


def test_the_t_test_agrees_with_scipy() -> None:
    from scipy.stats import ttest_1samp

    differences = [0.3, -0.1, 0.4, 0.2]
    paired = paired_difference({str(i): [d] for i, d in enumerate(differences)}, {str(i): [0.0] for i in range(4)})
    assert paired.p_t == pytest.approx(ttest_1samp(differences, 0).pvalue)
