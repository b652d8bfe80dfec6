"""Agreement of voters on the same pair: Krippendorff's alpha of a vote log."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seedbench.arena.ratings.agreement import RESAMPLES, Agreement, alpha
from seedbench.arena.votes.log import OVERALL, Vote, in_order

ANSWERS = ("first", "tie", "second", "both_bad")
"""The possible answers on a unit, its two systems in the order of their names."""


def agreement(
    votes: Sequence[Vote], *, question: str = OVERALL, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> Agreement:
    """Krippendorff's alpha of the answers to a question, over the pairs that several people judged.

    A unit is what people saw: one prompt of one task, two systems, one profile, with or without sound. A vote does not hold the seed of the
    clips: clips of one prompt with several seeds are one unit, and their differences lower alpha. The side of a system does not matter.
    Checks (gold, same, repeat), votes without an answer to the question and votes without a known prompt or voter are left out; of several
    votes of one person on one unit the first counts.

    Args:
        votes: The votes, in any order.
        question: The question; by default the overall one.
        level: The level of the interval.
        resamples: How many resamples of units the interval is made of.
        seed: The seed of the resamples.

    Returns:
        Alpha with its interval, or the reasons why there is none (:func:`seedbench.arena.ratings.agreement.alpha`).
    """
    first: dict[tuple[tuple[object, ...], str], int] = {}
    for vote in in_order(votes):
        if vote.prompt is None or vote.voter is None:
            continue
        if vote.kind == "pair" and (question == OVERALL or question in vote.answers):
            pair = tuple(sorted((vote.left, vote.right)))
            unit = (vote.prompt, vote.task, vote.profile, vote.with_sound, *pair)
            first.setdefault((unit, vote.voter), _answer_index(vote, question))
    units: dict[tuple[object, ...], int] = {}
    voters: dict[str, int] = {}
    rows = [(units.setdefault(unit, len(units)), voters.setdefault(voter, len(voters)), answer) for (unit, voter), answer in first.items()]
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return alpha(columns[0], columns[1], columns[2], level=level, resamples=resamples, seed=seed)


def _answer_index(vote: Vote, question: str) -> int:
    """The index in :data:`ANSWERS` of a vote's answer, with sides turned into systems."""
    choice = vote.choice if question == OVERALL else vote.answers[question]
    if choice in ("tie", "both_bad"):
        return ANSWERS.index(choice)
    return ANSWERS.index("first" if (choice == "left") == (vote.left < vote.right) else "second")
