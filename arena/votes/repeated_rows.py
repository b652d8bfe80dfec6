"""Rows of a table of votes that repeat an earlier one: the same vote exported twice, or two votes that say the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from seedbench.arena.votes.vote_rows import TIME, VOTE_ID, VoteTableRow


def without_repeats(rows: Sequence[VoteTableRow]) -> tuple[list[VoteTableRow], list[str]]:
    """Leave out rows that are the same vote as an earlier row.

    Rows that are equal in every column are the same vote where they hold an id of the vote, or its time of day: two votes differ in these.
    Without either, equal rows may be two votes (one person may judge one pair twice, and where voters are not known, two people may), and
    all of them count. A column is an id of votes if no two different rows share a value of it.

    Args:
        rows: The rows of a table.

    Returns:
        The rows without exact repeats, and what to say about equal rows, in sentences.
    """
    by_content: dict[bytes, list[VoteTableRow]] = defaultdict(list)
    for row in rows:
        by_content[hashlib.sha256(json.dumps(row.cells, sort_keys=True, default=str).encode()).digest()].append(row)
    ids = {name for name in VOTE_ID if _distinguishes(name, by_content)}
    repeats: set[int] = set()
    undecided = 0
    for equal in by_content.values():
        if len(equal) == 1:
            continue
        if any(equal[0].text(name) for name in ids) or any(_is_moment(equal[0].text(name)) for name in TIME):
            repeats.update(id(row) for row in equal[1:])
        else:
            undecided += len(equal) - 1
    remarks = []
    if repeats:
        remarks.append(f"repeated rows, which equal an earlier one with its id or time: {len(repeats)}; such a vote is counted once")
    if undecided:
        remarks.append(
            f"rows that equal an earlier one, where neither an id nor a time of day shows whether they are the same vote: {undecided}; all "
            "are counted. If the file holds votes twice, take the repeats out"
        )
    return [row for row in rows if id(row) not in repeats], remarks


def _distinguishes(name: str, by_content: Mapping[bytes, Sequence[VoteTableRow]]) -> bool:
    """Whether a column is an id of votes: no two different rows have the same."""
    values = [text for equal in by_content.values() if (text := equal[0].text(name))]
    return len(values) == len(set(values))


def _is_moment(text: str) -> bool:
    """Whether a text is a time of day and not only a date."""
    return ":" in text or re.fullmatch(r"[0-9]{9,}([.,][0-9]*)?", text) is not None
