"""Paired differences and their tests: goldens worked by hand, false alarms by simulation, algebra by hypothesis."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seedbench.results.differences import holm, paired_difference, sign_flip_p

finite = st.floats(-1e3, 1e3, allow_nan=False).map(lambda value: round(value, 6))


def test_the_interval_over_few_prompts_is_the_one_sample_t_of_prompt_differences() -> None:
    rng = np.random.default_rng(3)
    a = {f"p{i}": (rng.normal(size=2) + i + 0.5).tolist() for i in range(5)}
    b = {f"p{i}": (rng.normal(size=3) + i).tolist() for i in range(5)}
    d = [float(np.mean(a[name]) - np.mean(b[name])) for name in sorted(a)]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(d), scale=stats.sem(d))
    paired = paired_difference(a, b)
    assert (paired.difference, paired.low, paired.high) == (pytest.approx(np.mean(d)), pytest.approx(low), pytest.approx(high))
    assert paired.n_prompts == 5


@pytest.mark.parametrize("n", [6, 9, 40])
def test_the_interval_over_more_prompts_is_what_the_test_does_not_reject(n: int) -> None:
    d = np.random.default_rng(n).exponential(size=n) - 0.4
    paired = paired_difference({str(i): [value] for i, value in enumerate(d)}, {str(i): [0.0] for i in range(n)})
    assert paired.low is not None
    assert paired.high is not None
    ordered = np.array([d[int(name)] for name in sorted(str(i) for i in range(n))])
    for end, inward in ((paired.low, 1e-6), (paired.high, -1e-6)):
        assert sign_flip_p(ordered - (end - inward)) <= 0.05 < sign_flip_p(ordered - (end + inward))


def test_no_difference_of_a_bounded_measure_is_beyond_its_range() -> None:
    d = [1.0, 1.0, 1.0, 1.0, 0.2]
    paired = paired_difference({str(i): [value] for i, value in enumerate(d)}, {str(i): [0.0] for i in range(5)}, low=0.0, high=1.0)
    assert (paired.high, paired.method) == (1.0, "paired-by-prompt/t95/sign-flip-exact")


def test_a_difference_of_shares_has_an_interval_that_is_never_certain() -> None:
    ones, zeros = ({f"p{i}": [value] for i in range(6)} for value in (1.0, 0.0))
    paired = paired_difference(zeros, ones, rate=True, low=0.0, high=1.0)
    assert (paired.difference, paired.low, paired.p) == (-1.0, -1.0, 2 / 2**6)
    assert paired.high == pytest.approx(-0.448, abs=1e-3)  # by hand: -1 + sqrt(2) times the .39 that Wilson leaves open at 0 of 6
    same = paired_difference(ones, ones, rate=True, low=0.0, high=1.0)
    assert (same.difference, same.p) == (0.0, 1.0)
    assert same.low == -same.high == pytest.approx(-0.39, abs=1e-2)


def test_prompts_scored_on_one_side_only_are_counted_not_compared() -> None:
    paired = paired_difference({"p": [1.0], "q": [2.0], "r": [9.0]}, {"p": [0.0], "q": [1.0], "s": [-9.0], "t": []})
    assert (paired.difference, paired.n_prompts, paired.n_only_a, paired.n_only_b) == (1.0, 2, 1, 1)


def test_one_common_prompt_gives_a_difference_without_certainty() -> None:
    paired = paired_difference({"p": [1.0]}, {"p": [0.0]})
    assert (paired.difference, paired.low, paired.p, paired.reason) == (1.0, None, None, "one prompt: an interval needs two")
    assert paired_difference({"p": [1.0]}, {"q": [0.0]}).reason == "no prompt on which both have an answer"


def test_differences_that_are_equal_up_to_rounding_have_the_interval_of_their_range() -> None:
    a, b = {"p": [1.0], "q": [2 / 3]}, {"p": [2 / 3], "q": [1 / 3]}
    assert 1 - 2 / 3 != 2 / 3 - 1 / 3
    paired = paired_difference(a, b)
    assert paired.p == 0.5
    assert (paired.low, paired.high) == (None, None)
    assert paired.reason == "all 2 prompts have the same value, and the measure is not bounded on both sides"
    ranged = paired_difference(a, b, low=0.0, high=1.0)
    left_open = 1 - 0.025 ** (1 / 2)
    assert ranged.low == pytest.approx(1 / 3 - 4 / 3 * left_open)
    assert ranged.high == pytest.approx(1 / 3 + 2 / 3 * left_open)
    assert ranged.method == "paired-by-prompt/range95/sign-flip-exact"


def test_values_that_are_equal_up_to_rounding_do_not_differ() -> None:
    sides = [{str(i): [value] for i in range(8)} for value in (2 / 3, 1 - 1 / 3)]
    paired = paired_difference(sides[0], sides[1])
    assert (paired.difference, paired.p) == (0.0, 1.0)
    large = paired_difference({str(i): [1e9 + i] for i in range(4)}, {str(i): [1e9 + i + 1e-3] for i in range(4)})
    assert large.difference == 0.0


def test_the_t_interval_of_differences_in_steps_is_half_a_step_wider() -> None:
    differences = [1.0, 1.0, 1.0, 0.0, -1.0]
    paired = paired_difference({str(i): [d] for i, d in enumerate(differences)}, {str(i): [0.0] for i in range(5)})
    assert paired.high == pytest.approx(0.4 + stats.t.ppf(0.975, 4) * stats.sem(differences) + 0.5 / 5)


def test_sign_flip_p_has_the_nominal_false_alarm_rate() -> None:
    rng = np.random.default_rng(5)
    alarms = sum(sign_flip_p(rng.normal(size=10)) <= 0.05 for _ in range(1000))
    assert alarms / 1000 == pytest.approx(0.05, abs=0.02)


def test_monte_carlo_p_is_near_the_exact_one_and_reproducible() -> None:
    rng = np.random.default_rng(7)
    differences = rng.normal(0.4, 1.0, size=17)
    exact = np.mean([abs(np.dot(signs, differences)) >= abs(differences.sum()) - 1e-12 for signs in itertools.product((-1, 1), repeat=17)])
    p = sign_flip_p(differences)
    assert p == pytest.approx(exact, abs=0.01)
    assert p == sign_flip_p(differences)
    assert p != sign_flip_p(differences, seed=1)


@given(st.lists(finite, min_size=1, max_size=8))
def test_sign_flip_p_is_even_and_never_zero(values: list[float]) -> None:
    d = np.array(values)
    assert 0 < sign_flip_p(d) <= 1
    assert sign_flip_p(d) == sign_flip_p(-d)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_holm_lies_between_the_p_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    for raw, corrected in zip(p, adjusted, strict=True):
        assert raw <= corrected <= 1
    ranks = sorted(range(len(p)), key=lambda i: p[i])
    assert all(adjusted[i] <= adjusted[j] for i, j in itertools.pairwise(ranks))
    assert adjusted[ranks[0]] == pytest.approx(min(1.0, len(p) * p[ranks[0]]))
