"""What the page of a validated set metric holds: tables and sentences, for HTML and Markdown alike."""

from __future__ import annotations

from collections.abc import Sequence

from seedbench.plugins.real_footage import RealFootageRecord
from seedbench.plugins.set_footage import (
    SHOWN,
    SetTrialFigures,
    set_sentences,
    shown_from,
    sure_words,
    value_words,
)
from seedbench.plugins.shares import share_words

Table = tuple[str, list[str], list[list[str]]]
"""A title, the titles of the columns, and the rows."""

UNIT = (
    "Distances are medians over random draws, with the middle 95% of them (which shows what the choice of clips does, and is no confidence "
    "interval); where two given sets are compared once, with the 95% interval that the metric gives. Shares of draws have the interval of "
    "Clopper and Pearson at the number of independent comparisons that so many prompts allow, however many are drawn."
)


def set_tables(record: RealFootageRecord) -> list[Table]:
    """The tables of a page.

    Args:
        record: the figures of a set metric.

    Returns:
        Equal sets, known harm, other scenes, the order of generators; those that have rows.
    """
    of = {section: [entry for entry in record.set_trials if entry.section == section] for section in ("equal", "harm", "scenes")}
    equal = [
        [entry.title, entry.kind or "all", f"`{entry.measure}`", str(entry.prompts), value_words(entry), sure_words(entry)]
        for entry in of["equal"]
    ]
    scenes = [[entry.title, f"`{entry.measure}`", str(entry.prompts), value_words(entry), sure_words(entry)] for entry in of["scenes"]]
    rankings = [
        [
            ranking.reference,
            f"`{ranking.measure}`",
            str(ranking.prompts),
            ", ".join(f"{name}: {rating:.3g}, {distance:.3g}" for name, rating, distance in ranking.generators),
            share_words(ranking.concordant),
            "" if ranking.tau is None else "{:+.2f} ({:+.2f} to {:+.2f})".format(*ranking.tau),
        ]
        for ranking in record.rankings
    ]
    tables = [
        ("Equal sets", ["sets", "footage", "measure", "prompts a side", "distance", "called different"], equal),
        (
            "Known harm",
            ["copy", "footage", "measure", "distance", "called different, by prompts a side", "from"],
            _harms(of["harm"]),
        ),
        ("Other scenes", ["kinds of footage", "measure", "prompts", "distance", "called different"], scenes),
        (
            "People's ratings",
            ["reference set", "measure", "prompts", "generators: rating, distance", "pairs in people's order", "Kendall's tau"],
            rankings,
        ),
    ]
    return [table for table in tables if table[2]]


def _harms(figures: Sequence[SetTrialFigures]) -> list[list[str]]:
    """A row for each copy, kind and measure: what it does with the most prompts, and how often it is called different with each number."""
    groups: dict[tuple[str, str, str], list[SetTrialFigures]] = {}
    for entry in figures:
        groups.setdefault((entry.title, entry.kind, entry.measure), []).append(entry)
    rows = []
    for (title, kind, measure), of_group in groups.items():
        ordered = sorted(of_group, key=lambda entry: entry.prompts)
        first = shown_from(ordered)
        shares = "; ".join(f"{entry.prompts}: {sure_words(entry)}" for entry in ordered)
        words = f"{first} prompts" if first is not None else f"not with {ordered[-1].prompts}"
        rows.append([title, kind or "all", f"`{measure}`", value_words(ordered[-1]), shares, words])
    return rows


def set_introduction(record: RealFootageRecord) -> list[str]:
    """How the figures are to be read.

    Args:
        record: the figures of a set metric.

    Returns:
        Sentences.
    """
    return [UNIT, f"A harm shows from the number of prompts on with which {SHOWN:.0%} of the draws are called different."]


def set_summary(record: RealFootageRecord) -> list[str]:
    """What the figures come to.

    Args:
        record: the figures of a set metric.

    Returns:
        Clauses: how often equal sets are called different, what scenes do beside harms, whether generators are ordered as people do.
    """
    no_ratings = (
        [] if record.rankings else ["no generators with ratings of enough common prompts: whether they are ranked was not measured"]
    )
    return [*set_sentences(record.set_trials, record.rankings), *no_ratings]
