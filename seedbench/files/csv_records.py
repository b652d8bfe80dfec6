"""Records of CSV files in the dialects that spreadsheets write: which delimiter, which columns, and the line of each record."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seedbench.errors import SeedBenchError, did_you_mean
from seedbench.files.cell_values import BLANKS, plain_name, without_blanks

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
#: The first line by which Excel is told the delimiter.
_STATED = re.compile(r'"?sep=([^\r\n])"?[,;\t ]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_ALLOWED = re.compile(r"[^\w\s\"'\\]|\t")
#: The largest cell; Python's own limit of 131072 characters is less than a conversation.
_LONGEST_CELL = 2**31 - 1
_MOST_SHOWN = 12

Record = tuple[int, list[str]]
"""The line on which a record begins, from 1, and its cells without blanks at their ends."""


@dataclass(frozen=True)
class CsvRecords:
    """What a CSV file says.

    Attributes:
        delimiter: What stands between its cells.
        header_line: The line of the names of the columns.
        columns: The names of its columns with their positions in a record, from 0.
        records: Its records after the header, each with a cell for every named column; empty ones are left out.
    """

    delimiter: str
    header_line: int
    columns: dict[str, int]
    records: list[Record]


def csv_records(file: Path, text: str, error: type[SeedBenchError], needed: Sequence[str] = (), known: Sequence[str] = ()) -> CsvRecords:
    """Read CSV.

    Args:
        file: The file's name, for messages; ``.tsv`` says that a header without any delimiter is one of tabs.
        text: What it says.
        error: The class of the exceptions.
        needed: Columns that it must have.
        known: Other columns that the caller reads. A column whose name differs from one of these, or of ``needed``, only in capital
            letters, blanks and hyphens (``Offset Frames``) is taken for it.

    Raises:
        SeedBenchError: Of the class ``error``: the delimiter is not clear, a column is missing or there twice, or a record does not fit
            the header; the message names the line.
    """
    delimiter, records = _read(file, text, error)
    if not records:
        names = f" {', '.join(needed)}" if needed else ""
        raise error(f"{file}: empty; the first line must name the columns{names}")
    (header_line, header), *rows = records
    columns = _columns(file, header_line, header, error)
    for name in (*needed, *known):
        alike = [column for column in columns if plain_name(column) == plain_name(name)]
        if name not in columns and len(alike) == 1:
            columns = {name if column == alike[0] else column: at for column, at in columns.items()}
    _require(file, header_line, columns, needed, error)
    last, width = max(columns.values()), len(header)
    for line, cells in rows:
        if len(cells) <= last or any(cells[width:]):
            raise error(f"{file}:{line}: {_wrong_length(cells, header, delimiter)}")
    for at in set(range(width)) - set(columns.values()):
        _refuse_cells_without_a_name(file, at, rows, error)
    return CsvRecords(delimiter, header_line, columns, rows)


def _read(file: Path, text: str, error: type[SeedBenchError]) -> tuple[str, list[Record]]:
    """The delimiter, and all records with any text in them."""
    stated = _STATED.match(text)
    if stated:
        if not _ALLOWED.fullmatch(stated[1]):
            raise error(f"{file}:1: sep={stated[1]} is no delimiter: write sep=, or sep=;")
        return stated[1], list(_records(file, text[stated.end() :], stated[1], error, first_line=2))
    possible = [delimiter for delimiter in _DELIMITERS if _splits_the_header(file, text, delimiter, error)]
    if len(possible) > 1:
        possible = [delimiter for delimiter in possible if _is_even(file, text, delimiter, error)] or possible
    if len(possible) > 1:
        names = " and ".join(_DELIMITERS[delimiter] for delimiter in possible)
        line = next((number for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1) if raw.strip(BLANKS + ",;")), 1)
        raise error(f"{file}:{line}: the header has {names}: put names that hold one of them in quotes, or write sep=; above the header")
    delimiter = possible[0] if possible else "\t" if file.suffix.lower() in (".tsv", ".tab") else ","
    return delimiter, list(_records(file, text, delimiter, error))


def _splits_the_header(file: Path, text: str, delimiter: str, error: type[SeedBenchError]) -> bool:
    """Whether the first record that has any text besides delimiters has several cells."""
    try:
        records = _records(file, text, delimiter, error)
        return next((len(cells) > 1 for _, cells in records if any(cell.strip(BLANKS + ",;") for cell in cells)), False)
    except error:
        return False


def _is_even(file: Path, text: str, delimiter: str, error: type[SeedBenchError]) -> bool:
    """Whether there are records after the header and all have its length."""
    try:
        lengths = [len(cells) for _, cells in _records(file, text, delimiter, error)]
    except error:
        return False
    return len(lengths) > 1 and len(set(lengths)) == 1


def _records(file: Path, text: str, delimiter: str, error: type[SeedBenchError], first_line: int = 1) -> Iterator[Record]:
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    line = first_line
    try:
        for raw in reader:
            start, line = line, first_line + reader.line_num
            cells = [without_blanks(cell) for cell in raw]
            if any(cells):
                yield start, cells
    except csv.Error as cause:
        raise error(f"{file}:{line}: not valid CSV: {_explained(str(cause))}") from cause


def _explained(problem: str) -> str:
    """What Python's reader says, in other words where its own do not say what to do."""
    if "unexpected end of data" in problem:
        return "a quote that opens here is never closed"
    if "expected after" in problem:
        return "text after a closing quote; inside a quoted cell, write a quote twice"
    return problem


def _columns(file: Path, line: int, header: Sequence[str], error: type[SeedBenchError]) -> dict[str, int]:
    """The positions of the columns that have a name."""
    columns: dict[str, int] = {}
    for at, name in enumerate(header):
        if name and columns.setdefault(name, at) != at:
            raise error(f"{file}:{line}: columns {columns[name] + 1} and {at + 1} are both called {name!r}: rename one or take it out")
    return columns


def _require(file: Path, line: int, columns: Mapping[str, int], needed: Sequence[str], error: type[SeedBenchError]) -> None:
    """Raise an exception that names all columns where one of those needed is missing."""
    for name in needed:
        if name not in columns:
            shown = [known if len(known) <= 40 else f"{known[:37]}..." for known in list(columns)[:_MOST_SHOWN]]
            known = f"the columns are {', '.join(shown)}{', ...' if len(columns) > _MOST_SHOWN else ''}"
            also = f"; needed are {', '.join(needed)}" if len(needed) > 1 else ""
            hint = " (commas, semicolons or tabs stand between columns)" if len(columns) == 1 else ""
            raise error(f"{file}:{line}: no column {name!r}{did_you_mean(name, columns)}; {known}{hint}{also}")


def _wrong_length(cells: Sequence[str], header: Sequence[str], delimiter: str) -> str:
    plural = "" if len(header) == 1 else "s"
    sentence = f"{len(cells)} cell{'' if len(cells) == 1 else 's'} where the header has {len(header)} column{plural}"
    between = _DELIMITERS.get(delimiter, f"{delimiter!r}")
    return f"{sentence}: put text with {between} in quotes" if len(cells) > len(header) else sentence


def _refuse_cells_without_a_name(file: Path, at: int, rows: Sequence[Record], error: type[SeedBenchError]) -> None:
    """Refuse text in a column without a name, unless it is the first and counts the rows, as pandas writes it."""
    filled = [(line, cells[at]) for line, cells in rows if at < len(cells) and cells[at]]
    counts = [cell for _, cell in filled] in ([str(n + first) for n in range(len(rows))] for first in (0, 1))
    if filled and not (at == 0 and counts):
        line, cell = filled[0]
        shown = cell if len(cell) <= 40 else f"{cell[:37]}..."
        raise error(f"{file}:{line}: column {at + 1} has {shown!r} but no name in the header: name it or take it out")
