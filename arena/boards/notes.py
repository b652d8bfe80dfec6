"""What a reader must know of a board beside its numbers, in sentences: what is not known, who leads, why no vote counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from seedbench.arena.ratings.bradley_terry import UNKNOWN, Votes
from seedbench.arena.ratings.clustering import Covariance
from seedbench.arena.votes.names import near_equal_names
from seedbench.arena.votes.rules import CheckedVotes, OriginCheck, Rules


def unknown_notes(votes: Votes) -> list[str]:
    """What it does to intervals that voters or prompts are not known.

    Args:
        votes: The rated votes of a board.

    Returns:
        A sentence for voters and one for prompts, where they are not known of every vote.
    """
    n = len(votes)
    notes = []
    for column, who, together, name in (
        (votes.voter, "who gave {}", "of one person", "the voter, such as 'voter' or 'judge'"),
        (votes.prompt, "which prompt {} are on", "on one prompt", "the prompt, such as 'prompt' or 'prompt_id'"),
    ):
        unknown = int(np.count_nonzero(column == UNKNOWN))
        unclear = f"{who.format('the votes' if unknown == n else f'{unknown} of {n} votes')} is not known"
        if unknown == n:
            notes.append(
                f"{unclear}: all may be {together}, and such votes are not independent. So there is no interval, and no rank is certain. "
                f"Add a column that names {name}"
            )
        elif unknown:
            notes.append(
                f"{unclear}: intervals allow for the worst case, that these are all {together}, and are wider for it. To narrow them, fill "
                f"in the column that names {name}"
            )
    return notes


def few_clusters_note(spread: Covariance | None, *, all_known: bool) -> list[str]:
    """That intervals rest on few prompts or voters.

    Args:
        spread: The covariance of the ratings; None where there is none.
        all_known: Whether the prompt and the voter of every vote are known.

    Returns:
        A sentence, where there are few.
    """
    if spread is None or not spread.few:
        return []
    known = "" if all_known else "known "
    clusters = f"{spread.n_prompts} {known}prompts and {spread.n_voters} {known}voters"
    return [f"intervals rest on {clusters}: with fewer than 30 of either they are rough"]


def name_notes(models: Sequence[str]) -> list[str]:
    """Names that may be two ways to write one.

    Args:
        models: The names of the models of a board.

    Returns:
        A sentence for each group of names that differ only in capitals, blanks, hyphens or underscores.
    """
    return [
        f"{' and '.join(map(repr, group))} are rated as different systems: their names differ only in capitals, blanks or hyphens"
        for group in near_equal_names(models)
    ]


def lead_note(equal_first: Sequence[str], *, all_ties: bool) -> str:
    """That nobody leads.

    Args:
        equal_first: The models that share the highest rating, two or more.
        all_ties: Whether every vote is a tie.

    Returns:
        A sentence.

    >>> lead_note(["a", "b", "c"], all_ties=True)
    'nobody leads: every vote is a tie'
    >>> lead_note(["a", "b"], all_ties=False)
    'nobody leads: a and b share the highest rating'
    """
    if all_ties:
        return "nobody leads: every vote is a tie"
    return f"nobody leads: {', '.join(equal_first[:-1])} and {equal_first[-1]} share the highest rating"


def none_counts_notes(checked: CheckedVotes, rules: Rules) -> list[str]:
    """Why no vote counts, and what to do.

    Args:
        checked: The votes of a board, none of which counts.
        rules: The rules that excluded them.

    Returns:
        The reason, and the remedy where the rules exclude votes for their origin.
    """
    by_check = Counter(checked.excluded.values())
    why = [f"{count} excluded by the check {check}" for check, count in by_check.most_common()]
    why += [f"{count} on {kind} pairs, which are not rated" for kind, count in checked.unrated.items() if count]
    notes = [f"of {len(checked.votes)} votes none counts: {', '.join(why)}"]
    for check in rules.checks:
        if isinstance(check, OriginCheck) and by_check["origin"]:
            wanted = sorted({vote.origin for vote in checked.votes if checked.excluded.get(vote.id) == "origin"})
            notes.append(
                f"the rules {rules.name} {rules.version} count votes of the origin {' or '.join(check.origins)}, and these are "
                f"{' and '.join(wanted)}: to count them, give a rules file (--rules) with {{check: origin, origins: [{', '.join(wanted)}]}}"
            )
    return notes
