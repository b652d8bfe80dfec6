"""Reading CSV, TSV and JSONL files that people write: row by row, each error with its line."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from seedbench.errors import SeedBenchError, did_you_mean

#: The largest seed that every database can store.
LARGEST_SEED = 2**63 - 1
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")


class ManifestError(SeedBenchError):
    """A folder or manifest of clips that cannot be imported; the message names file and line."""


def rows(path: Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a CSV, TSV or JSONL file.

    Args:
        path: the file; its ending decides how it is read.
        required: columns that every row must fill (``text`` may be an empty string).

    Yields:
        The line on which a row starts, counted from 1, and its cells by column.

    Raises:
        ManifestError: the file cannot be read, or a row is not valid.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise ManifestError(f"{path}: cannot be read ({error.strerror})") from error
    read = _json_lines if path.suffix.lower() in SUFFIXES[2:] else _table
    for line, row in read(path, text, required):
        for column in required:
            if row.get(column) is None or (column != "text" and not str(row[column]).strip()):
                raise ManifestError(f"{path}:{line}: {column} is missing")
        yield line, row


def _table(path: Path, text: str, required: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
    header: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _checked_header(path, start, [cell.strip() for cell in cells], required)
            elif len(cells) != len(header):
                raise ManifestError(f"{path}:{start}: {len(cells)} cells where the header has {len(header)} columns")
            else:
                yield start, {name: cell for name, cell in zip(header, cells, strict=True) if cell != "" or name in required}
    except csv.Error as error:
        raise ManifestError(f"{path}:{line}: not valid CSV: {error}") from error
    if header is None:
        raise ManifestError(f"{path}: empty; the first line must name the columns {', '.join(required)}")


def _checked_header(path: Path, line: int, header: list[str], required: Sequence[str]) -> list[str]:
    for column in required:
        if column not in header:
            known = f"the columns are {', '.join(header)}"
            raise ManifestError(f"{path}:{line}: no column {column!r}{did_you_mean(column, header)}; {known}")
    if len(set(header)) != len(header):
        raise ManifestError(f"{path}:{line}: two columns have the same name")
    return header


def _json_lines(path: Path, text: str, required: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw, object_pairs_hook=_without_repeated_keys)
        except json.JSONDecodeError as error:
            raise ManifestError(f"{path}:{number}: not valid JSON: {error.msg} at column {error.colno}") from error
        except _RepeatedKeyError as error:
            raise ManifestError(f"{path}:{number}: the key {error} appears twice in one object") from error
        if not isinstance(row, dict):
            raise ManifestError(f"{path}:{number}: every line must be an object with {', '.join(required)}")
        yield number, row


class _RepeatedKeyError(ValueError):
    """A key that appears twice in one JSON object; the first value would be lost."""


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for index, (key, _) in enumerate(pairs):
        if key in dict(pairs[:index]):
            raise _RepeatedKeyError(key)
    return dict(pairs)


def whole_number(row: Mapping[str, Any], column: str, where: str) -> int | None:
    """The whole number of a cell, from 0 to :data:`LARGEST_SEED`, exact; None if the cell is empty. ManifestError for anything else."""
    value = number(row, column, where)
    if value is None:
        return None
    text = str(row[column]).strip()
    exact = int(text) if text.isascii() and text.isdigit() else int(value)
    if value != int(value) or exact > LARGEST_SEED:
        raise ManifestError(f"{where}: {column}: {row[column]!r} is not a whole number from 0 to {LARGEST_SEED}")
    return exact


def unread(path: Path, columns: Iterable[str], known: Sequence[str], outcome: str) -> list[str]:
    """A sentence about columns that are not known, with close names of known ones; ``outcome`` is what happens to their cells."""
    named = list(dict.fromkeys(columns))
    similar = [
        f"{name!r} looks like {closest[0]!r}" for name in named if (closest := get_close_matches(name.strip().casefold(), known, n=1))
    ]
    hint = f" ({'; '.join(similar)})" if similar else ""
    return [f"{path.name}: {counted(named, 'column')} {outcome}{hint}."] if named else []


def counted(names: Sequence[str], noun: str, shown: int = 5) -> str:
    """Names with their number: ``2 columns (a, b)``; the first few where there are many.

    >>> counted(["a"], "file"), counted(["a", "b", "c"], "file", 2)
    ('1 file (a)', '3 files (a, b, ...)')
    """
    rest = ", ..." if len(names) > shown else ""
    return f"{len(names)} {noun}{'s' if len(names) != 1 else ''} ({', '.join(names[:shown])}{rest})"


def number(row: Mapping[str, Any], column: str, where: str) -> float | None:
    """The number of a cell, at least 0; None if the cell is empty. ManifestError for anything else."""
    value = row.get(column)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        parsed = float(value)
    except (TypeError, ValueError):
        parsed = math.nan
    if not math.isfinite(parsed) or parsed < 0 or isinstance(value, bool):
        raise ManifestError(f"{where}: {column}: {value!r} is not a number of at least 0")
    return parsed


def slug(name: str) -> str:
    """A name as a prompt id of lower case letters, digits, dots, dashes and underscores; a hash is added if letters are lost.

    >>> slug("Talk 01"), slug("talk-01"), slug("Grüße!")
    ('talk-01', 'talk-01', 'grusse-9c7755')
    """
    folded = unicodedata.normalize("NFKD", name.strip().casefold()).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9._-]+", "-", folded).strip("-._")
    if plain and plain == re.sub(r"\s+", "-", name.strip().lower()):
        return plain
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{plain or 'clip'}-{mark}"
