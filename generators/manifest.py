"""Lists of clips written by people: CSV, TSV and JSONL files read row by row, every mistake told with its line."""

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

from seedbench.errors import SeedBenchError

#: The largest seed that every database keeps.
LARGEST = 2**63 - 1
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")


class ManifestError(SeedBenchError):
    """A folder or manifest of clips that cannot be imported; the message carries file and line."""


def rows(path: Path, required: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a CSV, TSV or JSONL file with the line each starts on; every row has the required columns, filled."""
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
            has = f"the columns are {', '.join(header)}"
            raise ManifestError(f"{path}:{line}: no column {column!r}{near(column, header)}; {has}")
    if len(set(header)) != len(header):
        raise ManifestError(f"{path}:{line}: two columns have the same name")
    return header


def _json_lines(path: Path, text: str, required: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw, object_pairs_hook=_once)
        except json.JSONDecodeError as error:
            raise ManifestError(f"{path}:{number}: not valid JSON: {error.msg} at column {error.colno}") from error
        except _TwiceError as error:
            raise ManifestError(f"{path}:{number}: {error} stands twice in one object") from error
        if not isinstance(row, dict):
            raise ManifestError(f"{path}:{number}: every line must be an object with {', '.join(required)}")
        yield number, row


class _TwiceError(ValueError):
    """A key that stands twice in one JSON object, which would leave out the first value."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for place, (key, _) in enumerate(pairs):
        if key in dict(pairs[:place]):
            raise _TwiceError(key)
    return dict(pairs)


def whole_number(row: Mapping[str, Any], column: str, where: str) -> int | None:
    """A column's whole number from 0 up, with all its digits; None where the cell is empty. ManifestError for anything else."""
    value = number(row, column, where)
    if value is None:
        return None
    text = str(row[column]).strip()
    found = int(text) if text.isascii() and text.isdigit() else int(value)
    if value != int(value) or found > LARGEST:
        raise ManifestError(f"{where}: {column}: {row[column]!r} is not a whole number from 0 to {LARGEST}")
    return found


def unread(path: Path, columns: Iterable[str], known: Sequence[str], fate: str) -> list[str]:
    """A sentence about the columns that nobody reads, with the ones that may be meant; ``fate`` is what becomes of them."""
    named = list(dict.fromkeys(columns))
    meant = [
        f"{name!r} looks like {near_one[0]!r}" for name in named if (near_one := get_close_matches(name.strip().casefold(), known, n=1))
    ]
    hint = f" ({'; '.join(meant)})" if meant else ""
    return [f"{path.name}: {counted(named, 'column')} {fate}{hint}."] if named else []


def counted(names: Sequence[str], what: str, shown: int = 5) -> str:
    """Names with their number: ``2 columns (a, b)``; the first few where there are many.

    >>> counted(["a"], "file"), counted(["a", "b", "c"], "file", 2)
    ('1 file (a)', '3 files (a, b, ...)')
    """
    rest = ", ..." if len(names) > shown else ""
    return f"{len(names)} {what}{'s' if len(names) != 1 else ''} ({', '.join(names[:shown])}{rest})"


def number(row: Mapping[str, Any], column: str, where: str) -> float | None:
    """A column's number from 0 up, None where the cell is empty. ManifestError for anything else."""
    value = row.get(column)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or found < 0 or isinstance(value, bool):
        raise ManifestError(f"{where}: {column}: {value!r} is not a number from 0 up")
    return found


def slug(name: str) -> str:
    """A name as a prompt id: lower case letters, digits, dots, dashes, underscores. What is lost is made up for by six digits of a hash.

    >>> slug("Talk 01"), slug("talk-01"), slug("Grüße!")
    ('talk-01', 'talk-01', 'grusse-9c7755')
    """
    folded = unicodedata.normalize("NFKD", name.strip().casefold()).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9._-]+", "-", folded).strip("-._")
    if plain and plain == re.sub(r"\s+", "-", name.strip().lower()):
        return plain
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{plain or 'clip'}-{mark}"


def near(name: str, known: Sequence[str]) -> str:
    """The tail of an error about an unknown name: the nearest known one, or nothing."""
    found = get_close_matches(name, known, n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""
