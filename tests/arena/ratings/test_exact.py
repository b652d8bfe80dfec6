"""Shares are compared by counting, and a test that cannot speak is known for one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from seedbench.arena.ratings.exact import at_most, can_be_significant, fisher


@pytest.mark.parametrize("seed", range(8))
def test_fisher_s_test_is_scipy_s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, others_n = int(rng.integers(1, 80)), int(rng.integers(1, 3_000))
    hits, others = int(rng.integers(n + 1)), int(rng.integers(others_n + 1))
    table = [[hits, n - hits], [others, others_n - others]]
    assert fisher(hits, n, others, others_n).p == pytest.approx(fisher_exact(table).pvalue, rel=1e-6, abs=1e-12)
    fewer = fisher(hits, n, others, others_n, tail="fewer").p
    assert fewer == pytest.approx(fisher_exact(table, alternative="less").pvalue, rel=1e-6, abs=1e-12)


def test_the_least_p_is_that_of_the_worst_outcome_with_the_same_totals() -> None:
    assert fisher(3, 5, 90, 95, tail="fewer").least == pytest.approx(fisher(0, 5, 93, 95, tail="fewer").p)
    assert fisher(3, 5, 50, 95).least == pytest.approx(min(fisher(0, 5, 53, 95).p, fisher(5, 5, 48, 95).p))


def test_everybody_alike_is_no_evidence() -> None:
    assert fisher(5, 5, 95, 95).p == 1.0
    assert fisher(5, 5, 95, 95, tail="fewer").least == 1.0


def test_tests_that_cannot_be_significant_cost_the_others_nothing() -> None:
    assert can_be_significant([0.04, *[0.9] * 99]) == [True, *[False] * 99]
    assert can_be_significant([0.02, 0.02, 0.04]) == [True, True, False]
    assert can_be_significant([0.04, 0.04, 0.04]) == [False, False, False]
    assert can_be_significant([]) == []


@pytest.mark.parametrize("off", [-1e-12, 0.0, 1e-12])
def test_one_in_twenty_is_five_per_cent_whatever_the_last_bits(off: float) -> None:
    least = fisher(0, 1, 19, 19, tail="fewer").p * (1 + off)
    assert can_be_significant([least]) == [True]
    assert at_most(least, 0.05)
    assert not at_most(0.0500001, 0.05)
