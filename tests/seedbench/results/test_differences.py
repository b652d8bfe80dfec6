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


def test_paired_difference_is_the_one_sample_t_of_prompt_differences() -> None:
    rng = np.random.default_rng(3)
    a = {f"p{i}": (rng.normal(size=2) + i + 0.5).tolist() for i in range(12)}
    b = {f"p{i}": (rng.normal(size=3) + i).tolist() for i in range(12)}
    d = [float(np.mean(a[name]) - np.mean(b[name])) for name in sorted(a)]
    low, high = stats.t.interval(0.95, 11, loc=np.mean(d), scale=stats.sem(d))
    paired = paired_difference(a, b)
    assert (paired.difference, paired.low, paired.high) == (pytest.approx(np.mean(d)), pytest.approx(low), pytest.approx(high))
    assert paired.n_prompts == 12


def test_prompts_scored_on_one_side_only_are_counted_not_compared() -> None:
    paired = paired_difference({"p": [1.0], "q": [2.0], "r": [9.0]}, {"p": [0.0], "q": [1.0], "s": [-9.0], "t": []})
    assert (paired.difference, paired.n_prompts, paired.n_only_a, paired.n_only_b) == (1.0, 2, 1, 1)


def test_one_common_prompt_gives_a_difference_without_certainty() -> None:
    paired = paired_difference({"p": [1.0]}, {"p": [0.0]})
    assert (paired.difference, paired.low, paired.p, paired.reason) == (1.0, None, None, "one prompt: an interval needs two")
    assert paired_difference({"p": [1.0]}, {"q": [0.0]}).reason == "no prompt on which both have an answer"


def test_differences_that_are_equal_up_to_rounding_have_no_t_test() -> None:
    a, b = {"p": [1.0], "q": [2 / 3]}, {"p": [2 / 3], "q": [1 / 3]}
    assert 1 - 2 / 3 != 2 / 3 - 1 / 3
    paired = paired_difference(a, b)
    assert (paired.p, paired.p_t, paired.p_value(rate=False)) == (0.5, None, 0.5)
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
    assert (paired.difference, paired.p, paired.p_t) == (0.0, 1.0, None)
    large = paired_difference({str(i): [1e9 + i] for i in range(4)}, {str(i): [1e9 + i + 1e-3] for i in range(4)})
    assert large.difference == 0.0


def test_the_t_test_of_differences_in_steps_takes_half_a_step_off() -> None:
    differences = [1.0, 1.0, 1.0, 0.0, 1.0, -1.0]
    paired = paired_difference({str(i): [d] for i, d in enumerate(differences)}, {str(i): [0.0] for i in range(6)})
    error = stats.sem(differences)
    assert paired.p_t == pytest.approx(2 * stats.t.sf((3 - 0.5) / 6 / error, 5))
    assert paired.high == pytest.approx(0.5 + stats.t.ppf(0.975, 5) * error + 0.5 / 6)


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


def test_a_large_steady_difference_over_five_prompts_is_significant_by_t_and_never_by_sign_flips() -> None:
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
