"""Alpha is the published one, and says so where there is none."""

from __future__ import annotations

import evalica
import numpy as np
import pandas as pd
import pytest

from seedbench.arena.ratings.agreement import alpha

#: Four observers and twelve units, 0 for no answer: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C.
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)


def long(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units, voters and answers of a table of voters by units in which 0 is no answer."""
    voters, units = np.nonzero(table)
    return units, voters, table[voters, units]


def simulated(n_units: int, seed: int, *, share: float = 0.6, n_voters: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units with a truth of their own, three answers alike, told by each voter with the chance ``share`` and else by lot: alpha is the
    square of ``share``."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=n_units)
    answers = np.where(rng.random((n_voters, n_units)) < share, truth, rng.integers(3, size=(n_voters, n_units)))
    return long(answers + 1)


def test_the_published_example_of_four_observers_is_743() -> None:
    result = alpha(*long(PUBLISHED))
    assert result.value == pytest.approx(0.743, abs=5e-4)
    assert (result.n_units, result.n_alone, result.n_answers, result.n_voters) == (11, 1, 40, 4)
    assert result.rough
    assert (result.low, result.reason) == (None, "an interval needs at least 12 units judged by two people, there are 11")


@pytest.mark.parametrize("seed", range(4))
def test_alpha_is_evalica_s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = np.where(rng.random((9, 40)) < 0.4, rng.integers(1, 5, (9, 40)), 0)
    table[:, :10] = np.where(table[:, :10] > 0, 2, 0)
    data = pd.DataFrame(table.astype(float)).replace(0.0, np.nan)
    theirs = evalica.alpha(data.loc[:, data.notna().sum() >= 2], distance="nominal")
    result = alpha(*long(table))
    assert result.value == pytest.approx(theirs.alpha, abs=1e-9)
    sums = np.array([result.observed, result.expected]) * result.n_answers  # evalica's are sums over answers, ours shares
    assert sums == pytest.approx([theirs.observed, theirs.expected], abs=1e-6)


def test_random_answers_agree_by_chance() -> None:
    result = alpha(*simulated(2_000, 1, share=0.0))
    assert result.value == pytest.approx(0.0, abs=0.03)
    assert result.low < 0 < result.high  # type: ignore[operator]


def test_two_who_always_contradict_each_other_are_below_chance() -> None:
    units, voters = np.repeat(np.arange(50), 2), np.tile([0, 1], 50)
    answers = (np.arange(50).repeat(2) + voters) % 2
    result = alpha(units, voters, answers)
    assert result.value == pytest.approx(-0.98, abs=1e-9)  # 1 - 1 / (50 / 99)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """300 arenas of 60 units and three voters; the truth is the square of how often a voter tells the unit's own answer."""
    truth = 0.6**2
    covered = []
    for seed in range(300):
        result = alpha(*simulated(60, seed), resamples=600, seed=seed)
        covered.append(result.low <= truth <= result.high)  # type: ignore[operator]
    assert 0.92 <= np.mean(covered) <= 0.98


def test_the_interval_of_few_units_covers_too() -> None:
    """400 arenas of 12 units; the plain percentiles cover 90% of them."""
    covered = []
    for seed in range(400):
        result = alpha(*simulated(12, seed), resamples=400, seed=seed)
        if result.low is not None and result.high is not None:
            covered.append(result.low <= 0.6**2 <= result.high)
    assert len(covered) > 380
    assert np.mean(covered) >= 0.93 - 0.01


def test_the_same_answers_give_the_same_interval_in_any_order() -> None:
    columns = simulated(40, 3)
    order = np.random.default_rng(0).permutation(len(columns[0]))
    assert alpha(*columns) == alpha(*(column[order] for column in columns))
    assert alpha(*columns).low != alpha(*columns, seed=1).low


def test_nothing_judged_twice_has_no_alpha() -> None:
    result = alpha(np.arange(5), np.zeros(5, int), np.arange(5) % 2)
    assert (result.value, result.low, result.high) == (None, None, None)
    assert "judged by two" in result.reason
    assert result.n_alone == 5
    none = np.zeros(0, np.int64)
    assert alpha(none, none, none).value is None


def test_one_answer_throughout_has_no_alpha() -> None:
    result = alpha(np.repeat(np.arange(9), 2), np.tile([0, 1], 9), np.full(18, 2))
    assert result.value is None
    assert "same answer" in result.reason


def test_perfect_agreement_has_a_value_and_no_interval() -> None:
    result = alpha(np.repeat(np.arange(12), 2), np.tile([0, 1], 12), np.repeat(np.arange(12) % 3, 2))
    assert result.value == 1.0
    assert (result.low, result.high) == (None, None)
    assert "nobody disagreed on any of 12 units" in result.reason


def test_one_shared_unit_has_a_value_and_no_interval() -> None:
    result = alpha(np.array([0, 0]), np.array([0, 1]), np.array([0, 1]))
    assert result.value == 0.0
    assert result.low is None
    assert "there are 1" in result.reason


def test_an_interval_is_not_made_of_the_resamples_that_happen_to_have_an_alpha() -> None:
    # The second answer is on one unit of thirty: more than a third of all resamples lack it.
    answers = np.zeros(60, int)
    answers[0] = 1
    result = alpha(np.repeat(np.arange(30), 2), np.tile([0, 1], 30), answers)
    assert result.value is not None
    assert result.low is None
    assert "hold one answer only" in result.reason


def test_answering_twice_and_uneven_columns_are_refused() -> None:
    zeros = np.zeros(2, np.int64)
    with pytest.raises(ValueError, match="twice"):
        alpha(zeros, zeros, zeros)
    with pytest.raises(ValueError, match="differ in length"):
        alpha(zeros, zeros, np.zeros(3, np.int64))
