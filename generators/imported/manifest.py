"""What manifests of clips share: their errors, the numbers of their cells and sentences about what is not read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from seedbench.errors import SeedBenchError
from seedbench.files.tables import TableRow

#: The largest seed that every database can store.
LARGEST_SEED = 2**63 - 1
#: The columns of a manifest that every row fills.
REQUIRED = ("generator", "prompt_id", "file")
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")


class ManifestError(SeedBenchError):
    """A folder or manifest of clips that cannot be imported; the message names file and line."""


def whole_number(row: TableRow, column: str) -> int | None:
    """The whole number of a cell, from 0 to :data:`LARGEST_SEED`, exact; None if the cell is empty. ManifestError for anything else."""
    value = row.whole_number(column)
    if value is not None and not 0 <= value <= LARGEST_SEED:
        raise row.error(f"{row.cells[column]!r} is not a whole number from 0 to {LARGEST_SEED}", column)
    return value


def number(row: TableRow, column: str) -> float | None:
    """The number of a cell, at least 0; None if the cell is empty. ManifestError for anything else."""
    value = row.number(column)
    if value is not None and value < 0:
        raise row.error(f"{row.cells[column]!r} is not a number of at least 0", column)
    return value


def unread(path: Path, columns: Iterable[str], known: Sequence[str], outcome: str) -> list[str]:
    """A sentence about columns that are not known, with close names of known ones; ``outcome`` is what happens to their cells."""
    named = list(dict.fromkeys(columns))
    similar = [
        f"{name!r} looks like {closest[0]!r}" for name in named if (closest := get_close_matches(name.strip().casefold(), known, n=1))
    ]
    hint = f" ({'; '.join(similar)})" if similar else ""
    return [f"{path.name}: {counted(named, 'column')} {outcome}{hint}."] if named else []


def counted(names: Sequence[str], noun: str, shown: int = 5) -> str:
    """Names with their number: ``2 columns (a, b)``; the first few where there are many, with semicolons where names have commas.

    >>> counted(["a"], "file"), counted(["a", "b", "c"], "file", 2), counted(["A dog, fast", "b"], "prompt")
    ('1 file (a)', '3 files (a, b, ...)', '2 prompts (A dog, fast; b)')
    """
    between = "; " if any("," in name for name in names[:shown]) else ", "
    listed = between.join([*names[:shown], *(["..."] if len(names) > shown else [])])
    return f"{len(names)} {noun}{'s' if len(names) != 1 else ''} ({listed})"
