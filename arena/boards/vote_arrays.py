"""Votes as the arrays that ratings are fitted to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from seedbench.arena.ratings.bradley_terry import LEFT, RIGHT, TIE, UNKNOWN, Votes
from seedbench.arena.votes.log import OVERALL, Vote

_OUTCOME = {"left": LEFT, "right": RIGHT, "tie": TIE, "both_bad": TIE}


def answer_of(vote: Vote, question: str) -> str:
    """The answer of a vote to a question.

    Args:
        vote: The vote.
        question: The question, which the vote must answer; the overall one is always answered.

    Returns:
        ``left``, ``right``, ``tie`` or ``both_bad``.

    Raises:
        KeyError: The vote does not answer the question.
    """
    return vote.choice if question == OVERALL else vote.answers[question]


def arrays_of(votes: Sequence[Vote], models: Sequence[str], question: str) -> Votes:
    """Votes as arrays, without style.

    Args:
        votes: V votes that answer the question.
        models: The names of the models, in the order of their indices.
        question: The question of the board.

    Returns:
        Arrays of length V; prompts and voters are numbered by their first vote, and UNKNOWN where they are not known.

    Raises:
        KeyError: A vote is on another model, or does not answer the question.
    """
    index_of = {name: index for index, name in enumerate(models)}
    prompts, voters = _numbers(vote.prompt for vote in votes), _numbers(vote.voter for vote in votes)
    left, right, outcome = (
        np.array(column, np.int64)
        for column in (
            [index_of[vote.left] for vote in votes],
            [index_of[vote.right] for vote in votes],
            [_OUTCOME[answer_of(vote, question)] for vote in votes],
        )
    )
    return Votes(len(models), left, right, outcome, prompts, voters)


def _numbers(names: Iterable[str | None]) -> np.ndarray:
    order: dict[str, int] = {}
    return np.array([UNKNOWN if name is None else order.setdefault(name, len(order)) for name in names], np.int64)


def votes_among(votes: Votes, members: np.ndarray) -> Votes:
    """The votes among some of the models.

    Args:
        votes: Votes that link no member to any other model, as those of a component of the vote graph.
        members: (K,) the indices of the models to keep.

    Returns:
        The votes on members, whose models are numbered 0..K-1 in the order of ``members``.
    """
    new_index = np.full(votes.n_models, -1)
    new_index[members] = np.arange(len(members))
    part = votes.chosen(new_index[votes.left] >= 0)
    return replace(part, n_models=len(members), left=new_index[part.left], right=new_index[part.right])
