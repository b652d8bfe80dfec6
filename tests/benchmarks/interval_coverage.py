"""How often nominal 95% intervals cover and nominal 5% tests reject under a true null, over few prompts.

``python tests/benchmarks/interval_coverage.py`` prints a table for 2 to 100 prompts: values that are normal, in thirds, tied, all equal,
or skewed, one seed a prompt, three, or unequal numbers; rates whose seeds repeat their prompt or do not. ``--trials`` sets how many times
each cell is drawn (4,000 by default: a share near 5% is then known to 0.7 points).

Before that it prints how often whole reports of four systems claim a difference that is not there, and find one that is.

A cell of the table is the share of trials in which an interval was given and covers, of those in which one was given (``given``, where it
is below 1), or the share of trials in which a test rejects.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.results.comparison import compare_all
from seedbench.results.differences import PairedDifference, paired_difference
from seedbench.results.intervals import Estimate, mean_interval, rate_interval
from seedbench.results.summary import ClipScore

PROMPTS = (2, 3, 5, 6, 8, 12, 30, 100)
REPORT_PROMPTS = (5, 6, 12, 30)
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
        sides = [_by_prompts(law, rng, n, seeds) for _ in range(2)]
        difference: PairedDifference = paired_difference(sides[0], sides[1], rate=rate, low=law.low, high=law.high)
        return *_covers(difference.low, difference.high, 0.0), difference.p is not None and difference.p <= 0.05

    return _summed((trial() for _ in range(trials)), trials)


def _by_prompts(law: Law, rng: np.random.Generator, n: int, seeds: str) -> dict[str, list[float]]:
    prompts = _layout(rng, n, seeds)
    values = law.draw(rng, prompts)
    return {str(p): values[prompts == p].tolist() for p in range(n)}


SYSTEMS = "abcd"
METRICS = ("normal", "thirds", "all or nothing", "skewed share", "lognormal")
"""The laws of the metrics of a report; "all or nothing" is a rate."""


def claims(n: int, trials: int, *, against: str | None, worst: str | None = None, seed: int = 0, draws: int = 500) -> tuple[float, float]:
    """The share of reports of four equal systems over five metrics that claim anything, and the share that find ``worst``.

    Args:
        n: How many prompts.
        trials: How many reports.
        against: What they are tested against; None: all pairs.
        worst: A system that is made worse in the first metric, by two standard deviations of a prompt; claims about it are right.
        seed: Of the values.
        draws: Of the tests.
    """
    measure = {name: Measure(name="value", title="V", unit="", direction="up", meaning="", headline=True, rate=name == "all or nothing",
                             low=LAWS[name].low, high=LAWS[name].high) for name in METRICS}  # fmt: skip
    infos = {name: MetricInfo(name=name, title=name, meaning="", citation="", version=1, measures=(measure[name],)) for name in METRICS}
    rng = np.random.default_rng([seed, n])
    false = hits = 0
    for _ in range(trials):
        table = []
        for name in METRICS:
            for system in SYSTEMS:
                for prompt, (value,) in _by_prompts(LAWS[name], rng, n, "1 seed").items():
                    lowered = value - 2.0 if system == worst and name == METRICS[0] else value
                    table.append(
                        ClipScore(generator=system, prompt_id=prompt, seed=0, metric=name, measure="value", value=lowered, status="scored")
                    )
        decided = [c for c in compare_all(table, infos, list(SYSTEMS), against=against, draws=draws) if c.better]
        right = [c for c in decided if c.metric == METRICS[0] and worst in (c.generator_a, c.generator_b)]
        false += len(decided) > len(right)
        hits += bool(right)
    return false / trials, hits / trials


def _cell(value: float | None, given: float) -> str:
    return "-" if value is None else f"{value:.3f}" + ("" if given == 1 else f" ({given:.2f} given)")


def print_claims(reports: int) -> None:
    """Print how often reports claim what is not so, and find what is."""
    print("| four systems, five metrics |", " | ".join(f"{n} prompts" for n in REPORT_PROMPTS), "|", sep=" ")
    print("|---|" + "---|" * len(REPORT_PROMPTS))
    for words, against in (("all pairs", None), ("against one", "a")):
        equal = [claims(n, reports, against=against)[0] for n in REPORT_PROMPTS]
        print(f"| equal, {words}: claim anything | {' | '.join(f'{share:.3f}' for share in equal)} |", flush=True)
        apart = [claims(n, reports, against=against, worst="d") for n in REPORT_PROMPTS]
        print(f"| one is worse in one metric, {words}: claim anything else | {' | '.join(f'{other:.3f}' for other, _ in apart)} |")
        print(f"| the same: find it | {' | '.join(f'{share:.3f}' for _, share in apart)} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument("--reports", type=int, default=2000, help="how many reports of four equal systems are drawn for each cell")
    parser.add_argument("--reports-only", action="store_true", help="only the table of reports")
    chosen = parser.parse_args()
    trials = chosen.trials
    print_claims(chosen.reports)
    if chosen.reports_only:
        return
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
            show("sign flips reject", name, seeds, [_cell(coverage.rejects, 1) for coverage in pairs])
    for share in RATES:
        for alike in ALIKE:
            for seeds in SEEDS:
                words = f"{share} alike {alike}"
                rates = [rate_coverage(share, alike, n, seeds, trials) for n in PROMPTS]
                show("rate covers", words, seeds, [_cell(coverage.covers, coverage.given) for coverage in rates])
                law = Law(lambda rng, prompts, share=share, alike=alike: rate_values(rng, prompts, share, alike), share, 0.0, 1.0)  # type: ignore[misc]
                flips = [paired(law, n, seeds, trials, rate=True) for n in PROMPTS]
                show("difference covers", words, seeds, [_cell(coverage.covers, coverage.given) for coverage in flips])
                show("sign flips reject", words, seeds, [_cell(coverage.rejects, 1) for coverage in flips])


if __name__ == "__main__":
    main()
