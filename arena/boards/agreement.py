"""How far voters agree with each other on the same pair: Krippendorff's alpha of a vote log."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seedbench.arena.ratings.agreement import RESAMPLES, Agreement, alpha
from seedbench.arena.votes.log import OVERALL, Vote, in_order

ANSWERS = ("first", "tie", "second", "both_bad")
"""What may be said of a unit, its two systems in the order of their names."""


def agreement(
    votes: Sequence[Vote], *, question: str = OVERALL, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Agreement:
    """Alpha of the answers to a question over the pairs that several people judged.

    A unit is what people saw: one prompt of one task, two systems, profile, with or without sound. A vote does not carry the clip's seed:
    clips of one prompt by several seeds are one unit, and alpha is the lower for their differing. Which side a system stood on does not
    matter. Checks (gold, same, repeat) are left out, as are votes without an answer to the question; of several votes of one person on one
    unit the first counts.
    """
    first: dict[tuple[tuple[object, ...], str], int] = {}
    for vote in in_order(votes):
        if vote.kind == "pair" and (question == OVERALL or question in vote.answers):
            pair = tuple(sorted((vote.left, vote.right)))
            unit = (vote.prompt, vote.task, vote.profile, vote.with_sound, *pair)
            first.setdefault((unit, vote.voter), _said(vote, question))
    units: dict[tuple[object, ...], int] = {}
    voters: dict[str, int] = {}
    rows = [(units.setdefault(unit, len(units)), voters.setdefault(voter, len(voters)), answer) for (unit, voter), answer in first.items()]
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return alpha(columns[0], columns[1], columns[2], level=level, resamples=resamples, seed=seed)


def _said(vote: Vote, question: str) -> int:
    """The place in :data:`ANSWERS` of what a vote says, sides turned into systems."""
    choice = vote.choice if question == OVERALL else vote.answers[question]
    if choice in ("tie", "both_bad"):
        return ANSWERS.index(choice)
    return ANSWERS.index("first" if (choice == "left") == (vote.left < vote.right) else "second")
