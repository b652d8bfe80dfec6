"""How often nominal 95% intervals cover and nominal 5% tests reject under a true null, over few prompts.

``python tests/benchmarks/interval_coverage.py`` prints a table for 2 to 12 prompts: values that are normal, in thirds, tied, all equal,
or skewed, one seed a prompt, three, or unequal numbers; rates whose seeds repeat their prompt or do not. ``--trials`` sets how many times
each cell is drawn (4,000 by default: a share near 5% is then known to 0.7 points).

A cell of the table is the share of trials in which an interval was given and covers, of those in which one was given (``given``, where it
is below 1), or the share of trials in which a test rejects.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from seedbench.results.differences import PairedDifference, paired_difference
from seedbench.results.intervals import Estimate, mean_interval, rate_interval

PROMPTS = tuple(range(2, 13))
SEEDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "1 seed": lambda rng, n: np.ones(n, int),
    "3 seeds": lambda rng, n: np.full(n, 3),
    "1 to 4 seeds": lambda rng, n: rng.integers(1, 5, n),
}
Draw = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""Values of one system, given the prompt (N,) of each clip."""


@dataclass(frozen=True)
class Law:
    """Values with a known ``mean`` over prompts, within ``low`` and ``high`` where these are bounds."""

    draw: Draw
    mean: float
    low: float | None = None
    high: float | None = None
    strongly_skewed: bool = False


def _by_prompt(rng: np.random.Generator, prompts: np.ndarray, sd: float) -> np.ndarray:
    return sd * rng.standard_normal(prompts.max() + 1)[prompts]


def normal(rng: np.random.Generator, prompts: np.ndarray) -> np.ndarray:
    """Prompts differ by 1, seeds of a prompt by 0.5."""
    return _by_prompt(rng, prompts, 1.0) + 0.5 * rng.standard_normal(len(prompts))


def thirds(rng: np.random.Generator, prompts: np.ndarray) -> np.ndarray:
    """0, 1/3, 2/3 or 1, each as often."""
    return rng.integers(0, 4, len(prompts)) / 3


def thirds_by_prompt(rng: np.random.Generator, prompts: np.ndarray) -> np.ndarray:
    """Thirds that all seeds of a prompt share."""
    return (rng.integers(0, 4, prompts.max() + 1) / 3)[prompts]


def mostly_one(rng: np.random.Generator, prompts: np.ndarray) -> np.ndarray:
    """1 for seven prompts of ten, 2/3 for the others."""
    return np.where(rng.random(prompts.max() + 1) < 0.7, 1.0, 2 / 3)[prompts]


def all_equal(rng: np.random.Generator, prompts: np.ndarray) -> np.ndarray:
    """2/3, made of thirds in one of two ways, whose last bits differ."""
    return np.where(rng.random(len(prompts)) < 0.5, 2 / 3, 1 - 1 / 3)


def all_or_nothing(rng: np.random.Generator, prompts: np.ndarray) -> np.ndarray:
    """A prompt succeeds or fails as a whole."""
    return (rng.random(prompts.max() + 1) < 0.5).astype(float)[prompts]


def skewed(rng: np.random.Generator, prompts: np.ndarray) -> np.ndarray:
    """Lognormal over prompts."""
    return np.exp(_by_prompt(rng, prompts, 1.0))


def skewed_share(rng: np.random.Generator, prompts: np.ndarray) -> np.ndarray:
    """A share near 1 with a tail downwards: 1 - u^4."""
    return 1 - (rng.random(prompts.max() + 1) ** 4)[prompts]


LAWS = {
    "normal": Law(normal, 0.0),
    "thirds": Law(thirds, 0.5, 0.0, 1.0),
    "thirds by prompt": Law(thirds_by_prompt, 0.5, 0.0, 1.0),
    "mostly one": Law(mostly_one, 0.9, 0.0, 1.0),
    "all equal": Law(all_equal, 2 / 3, 0.0, 1.0),
    "all or nothing": Law(all_or_nothing, 0.5, 0.0, 1.0),
    "skewed share": Law(skewed_share, 0.8, 0.0, 1.0, strongly_skewed=True),
    "lognormal": Law(skewed, float(np.exp(0.5)), strongly_skewed=True),
}
RATES = (0.05, 0.2, 0.5, 0.9)
ALIKE = (0.0, 0.3, 1.0)
"""How alike the seeds of a prompt are: the correlation of two of them."""


def rate_values(rng: np.random.Generator, prompts: np.ndarray, share: float, alike: float) -> np.ndarray:
    """Zeros and ones of beta-binomial prompts."""
    n = prompts.max() + 1
    if alike == 1.0:
        chance = (rng.random(n) < share).astype(float)
    else:
        chance = np.full(n, share) if alike == 0 else rng.beta(share * (1 / alike - 1), (1 - share) * (1 / alike - 1), n)
    return (rng.random(len(prompts)) < chance[prompts]).astype(float)


@dataclass(frozen=True)
class Found:
    """Of ``trials``, the share with an interval, the share of these that cover, and the share of tests that reject at 5%."""

    trials: int
    given: float
    covers: float | None
    rejects: float | None


def _summed(answers: Iterator[tuple[bool, bool, bool]], trials: int) -> Found:
    given, covered, rejected = np.array(list(answers)).T
    return Found(trials, float(given.mean()), float(covered[given].mean()) if given.any() else None, float(rejected.mean()))


def _covers(low: float | None, high: float | None, truth: float) -> tuple[bool, bool]:
    if low is None or high is None:
        return False, False
    return True, low - 1e-9 <= truth <= high + 1e-9


def _layout(rng: np.random.Generator, n: int, seeds: str) -> np.ndarray:
    return np.repeat(np.arange(n), SEEDS[seeds](rng, n))


def mean_coverage(law: Law, n: int, seeds: str, trials: int, seed: int = 0) -> Found:
    """Of :func:`mean_interval`."""
    rng = np.random.default_rng([seed, n])

    def trial() -> tuple[bool, bool, bool]:
        prompts = _layout(rng, n, seeds)
        estimate: Estimate = mean_interval(law.draw(rng, prompts).tolist(), prompts.tolist(), low=law.low, high=law.high)
        return *_covers(estimate.low, estimate.high, law.mean), False

    return _summed((trial() for _ in range(trials)), trials)


def rate_coverage(share: float, alike: float, n: int, seeds: str, trials: int, seed: int = 0) -> Found:
    """Of :func:`rate_interval`."""
    rng = np.random.default_rng([seed, n])

    def trial() -> tuple[bool, bool, bool]:
        prompts = _layout(rng, n, seeds)
        estimate: Estimate = rate_interval(rate_values(rng, prompts, share, alike).tolist(), prompts.tolist())
        return *_covers(estimate.low, estimate.high, share), False

    return _summed((trial() for _ in range(trials)), trials)


def paired(law: Law, n: int, seeds: str, trials: int, seed: int = 0, *, rate: bool = False) -> Found:
    """Of :func:`paired_difference` for two systems of one law: their difference is 0, and whatever rejects errs."""
    rng = np.random.default_rng([seed, n])

    def trial() -> tuple[bool, bool, bool]:
        sides = []
        for _ in range(2):
            prompts = _layout(rng, n, seeds)
            values = law.draw(rng, prompts)
            sides.append({str(p): values[prompts == p].tolist() for p in range(n)})
        difference: PairedDifference = paired_difference(sides[0], sides[1], low=law.low, high=law.high)
        p = difference.p_value(rate=rate)
        return *_covers(difference.low, difference.high, 0.0), p is not None and p <= 0.05

    return _summed((trial() for _ in range(trials)), trials)


def _cell(value: float | None, given: float) -> str:
    return "-" if value is None else f"{value:.3f}" + ("" if given == 1 else f" ({given:.2f} given)")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4000)
    trials = parser.parse_args().trials
    print("| what | values | seeds |", " | ".join(f"{n} prompts" for n in PROMPTS), "|", sep=" ")
    print("|---|---|---|" + "---|" * len(PROMPTS))

    def show(what: str, values: str, seeds: str, cells: list[str]) -> None:
        print(f"| {what} | {values} | {seeds} | {' | '.join(cells)} |")
        sys.stdout.flush()

    for name, law in LAWS.items():
        for seeds in SEEDS:
            means = [mean_coverage(law, n, seeds, trials) for n in PROMPTS]
            show("mean covers", name, seeds, [_cell(coverage.covers, coverage.given) for coverage in means])
            pairs = [paired(law, n, seeds, trials) for n in PROMPTS]
            show("difference covers", name, seeds, [_cell(coverage.covers, coverage.given) for coverage in pairs])
            show("t or sign flips reject", name, seeds, [_cell(coverage.rejects, 1) for coverage in pairs])
    for share in RATES:
        for alike in ALIKE:
            for seeds in SEEDS:
                words = f"{share} alike {alike}"
                rates = [rate_coverage(share, alike, n, seeds, trials) for n in PROMPTS]
                show("rate covers", words, seeds, [_cell(coverage.covers, coverage.given) for coverage in rates])
                law = Law(lambda rng, prompts, share=share, alike=alike: rate_values(rng, prompts, share, alike), share, 0.0, 1.0)  # type: ignore[misc]
                flips = [paired(law, n, seeds, trials, rate=True) for n in PROMPTS]
                show("sign flips reject", words, seeds, [_cell(coverage.rejects, 1) for coverage in flips])


if __name__ == "__main__":
    main()
