"""Summaries of a run for the prompts of one tag value each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from seedbench.results.data import SliceSummary, SummaryRow
from seedbench.suites.prompt import Prompt

MOST_VALUES = 50
"""A tag with more values than this is free text, and results are not grouped by it."""


def slices_of(prompts: Sequence[Prompt]) -> dict[tuple[str, str], list[str]]:
    """The groups of prompts that share a value of a tag.

    Args:
        prompts: The prompts of a run.

    Returns:
        The ids of the prompts by tag and value, tag by tag. Tags with more than :data:`MOST_VALUES` values, and tags
        of which no two prompts share a value, are left out (:func:`tags_without_slices` names them).
    """
    skipped = tags_without_slices(prompts)
    return {(tag, value): ids for (tag, value), ids in _groups(prompts).items() if tag not in skipped}


def tags_without_slices(prompts: Sequence[Prompt]) -> dict[str, str]:
    """The tags by which results are not grouped.

    Args:
        prompts: The prompts of a run.

    Returns:
        Why not, by tag.
    """
    sizes: dict[str, list[int]] = {}
    for (tag, _), ids in _groups(prompts).items():
        sizes.setdefault(tag, []).append(len(ids))
    reasons = {}
    for tag, counts in sizes.items():
        if len(counts) > MOST_VALUES:
            reasons[tag] = f"it has {len(counts)} values, and at most {MOST_VALUES} are summarised"
        elif max(counts) == 1 and len(prompts) > 1:
            reasons[tag] = "no two prompts share a value"
    return reasons


def notes_on_slices(prompts: Sequence[Prompt]) -> list[str]:
    """Sentences about tags by which results are not grouped."""
    return [f"Results are not grouped by the tag {tag!r}: {reason}." for tag, reason in tags_without_slices(prompts).items()]


def slice_summaries(prompts: Sequence[Prompt], summarise: Callable[[Collection[str]], Iterable[SummaryRow]]) -> list[SliceSummary]:
    """A summary for each group of prompts that share a value of a tag.

    Args:
        prompts: The prompts of the run.
        summarise: Summarises the cells of some prompts, which it is given by their ids.

    Returns:
        The rows of all groups; a prompt with several values of a tag counts in the group of each.
    """
    return [
        SliceSummary(tag=tag, tag_value=value, n_prompts=len(ids), row=row)
        for (tag, value), ids in slices_of(prompts).items()
        for row in summarise(frozenset(ids))
    ]


def _groups(prompts: Sequence[Prompt]) -> dict[tuple[str, str], list[str]]:
    groups: dict[str, dict[str, list[str]]] = {}
    for prompt in prompts:
        for tag, values in prompt.tags.items():
            for value in values:
                groups.setdefault(tag, {}).setdefault(value, []).append(prompt.id)
    return {(tag, value): ids for tag, values_of_tag in groups.items() for value, ids in values_of_tag.items()}
