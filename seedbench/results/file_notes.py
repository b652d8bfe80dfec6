"""What is unusual about the files of a run, in a sentence for each kind."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seedbench.results.data import CellReport

#: So many generators are named in a sentence, and so many kinds have one; of the others there is the number.
MOST_NAMED, MOST_KINDS = 3, 8
#: An amount, in which notes of one kind may differ. A rate or the number of a track makes another kind.
_AMOUNT = re.compile(r"\d+(?:\.\d+)?(?= (?:ms|s|pieces)\b)")


@dataclass(frozen=True)
class NoteKind:
    """Notes of files that differ in amounts alone, such as the length of gaps.

    Attributes:
        text: What they say; an amount that differs is a range.
        counts: How many files have the note, by the owner of the files; the most first.
    """

    text: str
    counts: Mapping[str, int]

    @property
    def n_files(self) -> int:
        """How many files have the note."""
        return sum(self.counts.values())


def kinds_of_notes(noted: Iterable[tuple[str, Sequence[str]]]) -> list[NoteKind]:
    """Collect the notes of files.

    Args:
        noted: For each file its owner, such as the generator, and its notes.

    Returns:
        One entry for each kind, that of most files first.

    >>> for kind in kinds_of_notes([("x", ["gaps of 40 ms"]), ("y", ["gaps of 126.5 ms"]), ("y", ["cut off"])]):
    ...     print(kind.n_files, kind.text)
    2 gaps of 40 to 126.5 ms
    1 cut off
    """
    amounts: dict[str, list[list[str]]] = defaultdict(list)
    owners: dict[str, Counter[str]] = defaultdict(Counter)
    for owner, notes in noted:
        for note in dict.fromkeys(notes):
            kind = _AMOUNT.sub("\0", note)
            amounts[kind].append(_AMOUNT.findall(note))
            owners[kind][owner] += 1
    kinds = [NoteKind(_with_ranges(kind, amounts[kind]), dict(owners[kind].most_common())) for kind in amounts]
    return sorted(kinds, key=lambda kind: -kind.n_files)


def _with_ranges(kind: str, amounts: Sequence[Sequence[str]]) -> str:
    """The text with the amounts in their places, "a to b" where files differ."""
    text, *rest = kind.split("\0")
    for values, after in zip(zip(*amounts, strict=True), rest, strict=True):
        low, high = min(values, key=float), max(values, key=float)
        text += (low if float(low) == float(high) else f"{low} to {high}") + after
    return text


def file_notes(cells: Sequence[CellReport]) -> list[str]:
    """Notes of a report on what is unusual about the files of its clips.

    Args:
        cells: The cells of the run.

    Returns:
        One sentence for each kind that several clips have, with their number by generator. What a single clip has stands beside the clip.
    """
    n_clips = Counter(cell.generator for cell in cells if cell.status == "succeeded")
    kinds = [kind for kind in kinds_of_notes((cell.generator, cell.clip_facts.notes) for cell in cells) if kind.n_files > 1]
    notes = [f"{_owners(kind, n_clips)}: {kind.text.rstrip('.')}." for kind in kinds[:MOST_KINDS]]
    if len(kinds) > MOST_KINDS:
        notes.append(f"Files have {len(kinds) - MOST_KINDS} more kinds of notes; scores.csv has all of them (file_notes).")
    return notes


def _owners(kind: NoteKind, n_clips: Mapping[str, int]) -> str:
    """How many clips of which generators.

    >>> _owners(NoteKind("", {"gen-x": 12, "gen-y": 1}), {"gen-x": 12, "gen-y": 40})
    'All 12 clips of gen-x, 1 of 40 of gen-y'
    """
    parts = []
    for index, (owner, n) in enumerate(list(kind.counts.items())[:MOST_NAMED]):
        total = max(n, n_clips.get(owner, 0))
        many = f"{'All' if not index else 'all'} {n}" if n == total and n > 1 else f"{n} of {total}"
        parts.append(f"{many}{'' if index else ' clips'} of {owner}")
    if others := list(kind.counts.values())[MOST_NAMED:]:
        parts.append(f"{sum(others)} clips of {len(others)} other generators")
    return ", ".join(parts)
