"""What a metric of sets is worth on real footage: its figures, and what pages and reports say of them.

Sets of clips have no right number. What is known: two halves of one kind of footage are not different, a copy of known harm is, and
footage of other scenes is, although nothing is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from seedbench.plugins.shares import Proportion, share_words

SHOWN = 0.8
"""A harm is shown from the least number of prompts with which this share of the draws is called different (the usual power of a test)."""

Section = Literal["equal", "harm", "scenes"]
EXPECTED: dict[Section, str] = {"equal": "no difference", "harm": "a difference", "scenes": "scenes differ, nothing is wrong"}


@dataclass(frozen=True, kw_only=True)
class SetTrialFigures:
    """Comparisons of sets of one sort, under one measure.

    Attributes:
        section: ``equal`` (there is no difference), ``harm`` (one set is of harmed copies), ``scenes`` (two kinds of footage).
        title: what is compared.
        kind: the kind of footage; "" for all kinds together.
        measure: the measure.
        prompts: of how many prompts each set is; the smaller number of two.
        distance: the median distance of the two sets; None where only a difference of distances was asked for.
        moved: the median difference of the distances of two sets of the same prompts to a third set; None where there is no such thing.
        low, high: of several comparisons: the middle 95% of ``moved``, or of ``distance`` where that is None. Of one: its own interval.
        sure: how many of the comparisons that have an interval were called different, with the interval of this share.
        nearer: of those of ``moved``, how many were called different in the other direction.
        no_interval: how many comparisons have no interval, so that they can be called neither different nor equal.
    """

    section: Section
    title: str
    kind: str
    measure: str
    prompts: int
    distance: float | None
    moved: float | None
    low: float | None
    high: float | None
    sure: Proportion
    nearer: int = 0
    no_interval: int = 0


@dataclass(frozen=True, kw_only=True)
class RankingFigures:
    """Whether the distance to a reference set orders generators as people's ratings do.

    Attributes:
        measure: the measure.
        reference: the kind of footage that the reference set is of.
        generators: the generators from the best rated to the worst, each with its mean rating and its distance.
        prompts: how many prompts all of them have clips of.
        concordant: of how many pairs of generators the better rated one is nearer, of the pairs whose ratings differ.
    """

    measure: str
    reference: str
    generators: tuple[tuple[str, float, float], ...]
    prompts: int
    concordant: Proportion

    @property
    def tau(self) -> tuple[float, float, float] | None:
        """Kendall's rank correlation with its 95% interval, -1..1; None without pairs."""
        share = self.concordant
        if not share.total or share.low is None or share.high is None:
            return None
        return 2 * share.count / share.total - 1, 2 * share.low - 1, 2 * share.high - 1


def shown_from(figures: Sequence[SetTrialFigures]) -> int | None:
    """From how many prompts on a harm is shown.

    Args:
        figures: those of one harm, kind and measure, with different numbers of prompts.

    Returns:
        The least number of prompts from which on :data:`SHOWN` of all draws were called different; None: it never is.
    """
    shown = None
    for entry in sorted(figures, key=lambda entry: -entry.prompts):
        if not entry.sure.total or entry.sure.count < SHOWN * entry.sure.total:
            break
        shown = entry.prompts
    return shown


def largest(trials: Iterable[SetTrialFigures], section: Section) -> list[SetTrialFigures]:
    """The figures of one section with the most prompts: over all kinds together, or over each two kinds.

    Args:
        trials: all figures.
        section: which of them.

    Returns:
        One for each title and measure, in their order.
    """
    best: dict[tuple[str, str], SetTrialFigures] = {}
    for entry in trials:
        key = (entry.title, entry.measure)
        if entry.section == section and not entry.kind and (key not in best or entry.prompts > best[key].prompts):
            best[key] = entry
    return list(best.values())


def measures_of(trials: Iterable[SetTrialFigures]) -> list[str]:
    """The measures of some figures, in their order."""
    return list(dict.fromkeys(entry.measure for entry in trials))


def set_badge(trials: Sequence[SetTrialFigures]) -> str:
    """What a report shows beside a metric of sets, in a few words.

    Args:
        trials: the figures.

    Returns:
        A clause such as ``equal sets called different kd 4%; harms shown kd 5 of 7; other scenes called different kd 6 of 6``. Of several
        sorts of equal sets it is the share of the worst. Comparisons without an interval are not counted.
    """
    equal, harm, scenes = [], [], []
    for measure in measures_of(trials):
        parts = [[entry for entry in largest(trials, section) if entry.measure == measure and entry.sure.total] for section in EXPECTED]
        if parts[0]:
            equal.append(f"{measure} {max(entry.sure.count / entry.sure.total for entry in parts[0]):.0%}")
        if parts[1]:
            harm.append(f"{measure} {sum(shown_from([entry]) is not None for entry in parts[1])} of {len(parts[1])}")
        if parts[2]:
            scenes.append(f"{measure} {sum(entry.sure.count for entry in parts[2])} of {len(parts[2])}")
    named = (("equal sets called different", equal), ("harms shown", harm), ("other scenes called different", scenes))
    return "; ".join(f"{what} {', '.join(words)}" for what, words in named if words)


def set_details(trials: Sequence[SetTrialFigures]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The table that a report shows: each comparison with the most prompts, all kinds of footage together.

    Args:
        trials: the figures.

    Returns:
        The titles of the columns, and the rows in words.
    """
    rows: list[tuple[str, ...]] = [
        (f"{entry.title} ({entry.measure}, {entry.prompts} prompts)", EXPECTED[entry.section], value_words(entry), sure_words(entry))
        for section in EXPECTED
        for entry in largest(trials, section)
    ]
    return ("Sets", "Right is", "Distance", "Called different"), rows


def value_words(figures: SetTrialFigures) -> str:
    """The distance, or what it moved by, with the middle 95% of the draws."""
    value = figures.distance if figures.moved is None else figures.moved
    if value is None:
        return "no value"
    spread = "" if figures.low is None or figures.high is None else f" ({figures.low:.3g} to {figures.high:.3g})"
    return f"{value:.3g}{spread}" if figures.moved is None else f"moved by {value:+.3g}{spread}"


def sure_words(figures: SetTrialFigures) -> str:
    """How many comparisons were called different; "yes" or "no" for one; "no interval" where none has one."""
    if not figures.sure.total:
        return "no interval"
    without = f"; {figures.no_interval} without an interval" if figures.no_interval else ""
    if figures.sure.total == 1:
        return ("yes" if figures.sure.count else "no") + without
    nearer = f"; {figures.nearer} nearer" if figures.nearer else ""
    return share_words(figures.sure) + nearer + without


def set_sentences(trials: Sequence[SetTrialFigures], rankings: Sequence[RankingFigures]) -> list[str]:
    """What the figures come to: equal sets, scenes beside harms, and whether generators are ordered as people order them.

    Args:
        trials: the figures.
        rankings: those of the order.

    Returns:
        Clauses, each of one measure.
    """
    words = [
        words
        for measure in measures_of(trials)
        for words in (_equal_words(trials, measure), _confounding_words(trials, measure), _ranking_words(rankings, measure))
    ]
    return [clause for clause in words if clause]


def _equal_words(trials: Sequence[SetTrialFigures], measure: str) -> str:
    """How often equal sets are called different, of the worst sort with the most prompts; "" where they were not compared."""
    equal = [entry for entry in largest(trials, "equal") if entry.measure == measure]
    if not equal:
        return ""
    judged = [entry for entry in equal if entry.sure.total]
    clauses = [f"{entry.title}, {entry.prompts} prompts a side, have no interval" for entry in equal if not entry.sure.total]
    if judged:
        worst = max(judged, key=lambda entry: entry.sure.count / entry.sure.total)
        sets = f"equal sets ({worst.title}, {worst.prompts} prompts a side)"
        clauses.insert(0, f"{sets} are called different in {share_words(worst.sure)}")
    return f"{measure}: {'; '.join(clauses)}"


def _confounding_words(trials: Sequence[SetTrialFigures], measure: str) -> str:
    """How many harms move the distance by less than other scenes alone make; "" where either was not measured."""
    scenes = [entry.distance for entry in largest(trials, "scenes") if entry.measure == measure and entry.distance is not None]
    moved = [entry.moved for entry in largest(trials, "harm") if entry.measure == measure and entry.moved is not None]
    if not scenes or not moved:
        return ""
    middle = median(scenes)
    less = sum(value < middle for value in moved)
    span = f"{min(scenes):.3g} to {max(scenes):.3g}, the median {middle:.3g}" if len(scenes) > 1 else f"{middle:.3g}"
    return f"{measure}: other scenes alone make a distance of {span}; {less} of {len(moved)} harms move it by less than that"


def _ranking_words(rankings: Sequence[RankingFigures], measure: str) -> str:
    """With how many reference sets generators are ordered as people's ratings order them; "" where there are no ratings."""
    taus = [ranking.tau for ranking in rankings if ranking.measure == measure and ranking.tau is not None]
    if not taus:
        return ""
    like, against = sum(low > 0 for _, low, _ in taus), sum(high < 0 for _, _, high in taus)
    values = f"Kendall's tau {min(tau for tau, _, _ in taus):+.2f}" + (
        f" to {max(tau for tau, _, _ in taus):+.2f}" if len(taus) > 1 else ""
    )
    sets = f"{len(taus)} reference set{'s' if len(taus) > 1 else ''}"
    n = max(len(ranking.generators) for ranking in rankings)
    if like or against:
        opposite = f", and the opposite with {against}" if against else ""
        return f"{measure}: people's order of {n} generators shows with {like} of {sets}{opposite} ({values})"
    return f"{measure}: it does not rank {n} generators as people do: no order is shown with {sets} ({values})"
