"""Every interval covers and every test keeps its level over few prompts: by counting all outcomes, and by a small simulation.

``tests/benchmarks/interval_coverage.py`` draws more laws, and those that no t interval can cover.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations_with_replacement
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import betabinom

from seedbench.results.differences import paired_difference
from seedbench.results.intervals import mean_interval, rate_interval

LEAST_COVERED = 0.925  # about 93%
LEVEL = 0.05
#: Values with their chances. A third of a share is not exact in binary, which is where equal values differ by their last bits.
LAWS = {
    "all or nothing": {0.0: 0.5, 1.0: 0.5},
    "halves": {0.0: 1 / 3, 0.5: 1 / 3, 1.0: 1 / 3},
    "thirds": {0.0: 0.25, 1 / 3: 0.25, 2 / 3: 0.25, 1.0: 0.25},
    "mostly one": {1.0: 0.7, 2 / 3: 0.3},
    "nearly always one": {1.0: 0.95, 0.0: 0.05},
    "all equal": {2 / 3: 0.5, 1 - 1 / 3: 0.5},
}


def outcomes(law: dict[float, float], n: int) -> Iterator[tuple[list[float], float]]:
    """All unordered samples of ``n`` values, with their probabilities."""
    for values in combinations_with_replacement(law, n):
        ways = math.factorial(n)
        for count in Counter(values).values():
            ways //= math.factorial(count)
        yield list(values), ways * math.prod(law[value] for value in values)


def differences_of(law: dict[float, float]) -> dict[float, float]:
    """The distribution of the difference of two values of one distribution: symmetric about 0, equal differences merged."""
    chances: dict[Fraction, float] = {}
    kept: dict[Fraction, float] = {}
    for a, p in law.items():
        for b, q in law.items():
            exact = Fraction(a).limit_denominator(100) - Fraction(b).limit_denominator(100)
            chances[exact] = chances.get(exact, 0.0) + p * q
            kept[exact] = a - b
    return {kept[exact]: chance for exact, chance in chances.items()}


@pytest.mark.parametrize("name", LAWS)
def test_the_interval_of_a_mean_covers(name: str) -> None:
    law = LAWS[name]
    truth = sum(value * chance for value, chance in law.items())
    for n in range(2, 13):
        covered = 0.0
        for values, chance in outcomes(law, n):
            estimate = mean_interval(values, range(n), low=0.0, high=1.0)
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.high > estimate.low + 1e-6
            covered += chance * (estimate.low - 1e-9 <= truth <= estimate.high + 1e-9)
        assert covered >= LEAST_COVERED, (n, covered)


@pytest.mark.parametrize("name", LAWS)
def test_a_paired_difference_covers_and_its_tests_keep_their_level(name: str) -> None:
    law = differences_of(LAWS[name])
    for n in range(2, 7 if len(law) > 5 else 9):
        covered = rejected = 0.0
        for differences, chance in outcomes(law, n):
            sides = [{str(i): [max(0.0, sign * d)] for i, d in enumerate(differences)} for sign in (1, -1)]
            paired = paired_difference(sides[0], sides[1], low=0.0, high=1.0)
            assert paired.low is not None
            assert paired.high is not None
            covered += chance * (paired.low <= 1e-9 and paired.high >= -1e-9)
            assert paired.p is not None
            rejected += chance * (paired.p <= LEVEL)
            if n >= 6 and len(set(differences)) > 1:
                assert (paired.p <= LEVEL) == (not paired.low <= 1e-9 <= paired.high + 2e-9), differences
        assert covered >= LEAST_COVERED, (n, covered)
        assert rejected <= LEVEL + 1e-9, (n, rejected)


def chances_of_a_prompt(share: float, alike: float, seeds: int) -> Sequence[float]:
    """The probability that 0, 1, .. of the ``seeds`` of a prompt succeed; two seeds have the correlation ``alike``."""
    if alike == 1:
        return [1 - share, *[0.0] * (seeds - 1), share]
    if alike == 0:
        return [math.comb(seeds, k) * share**k * (1 - share) ** (seeds - k) for k in range(seeds + 1)]
    return [float(chance) for chance in betabinom.pmf(range(seeds + 1), seeds, share * (1 / alike - 1), (1 - share) * (1 / alike - 1))]


@pytest.mark.parametrize("alike", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5])
@pytest.mark.parametrize("seeds", [1, 3])
def test_the_interval_of_a_rate_covers(seeds: int, share: float, alike: float) -> None:
    law = {float(k): chance for k, chance in enumerate(chances_of_a_prompt(share, alike, seeds)) if chance}
    for n in (2, 3, 4, 5, 8):
        covered = 0.0
        for counts, chance in outcomes(law, n):
            values = [float(seed < count) for count in counts for seed in range(seeds)]
            estimate = rate_interval(values, np.repeat(np.arange(n), seeds).tolist())
            assert estimate.low is not None
            assert estimate.high is not None
            covered += chance * (estimate.low <= share <= estimate.high)
        assert covered >= LEAST_COVERED, (n, covered)


def coverage_bench() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"
    spec = importlib.util.spec_from_file_location("interval_coverage", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_unequal_seeds_are_covered_too() -> None:
    bench, trials = coverage_bench(), 200
    margin = 4 * math.sqrt(LEVEL * (1 - LEVEL) / trials)
    for n in (2, 3, 6):
        for law in bench.LAWS.values():
            if not law.strongly_skewed:
                coverage = bench.mean_coverage(law, n, "1 to 4 seeds", trials)
                assert coverage.covers >= LEAST_COVERED - margin
                both = bench.paired(law, n, "1 to 4 seeds", trials // 2)
                assert both.covers >= LEAST_COVERED - margin * math.sqrt(2)
                assert both.rejects <= LEVEL + margin * math.sqrt(2)
        assert bench.rate_coverage(0.2, 0.3, n, "1 to 4 seeds", trials).covers >= LEAST_COVERED - margin
