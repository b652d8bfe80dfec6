"""Tables as people and spreadsheets write them: CSV with commas, semicolons or tabs, JSON lines, JSON lists. Each row knows its line."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PureWindowsPath
from typing import Any, TypeVar

from seedbench.errors import SeedBenchError
from seedbench.files.cell_values import MISSING, number_in, truth_in, whole_number_in, without_blanks
from seedbench.files.csv_records import csv_records
from seedbench.files.json_records import json_records
from seedbench.files.text_encoding import read_text

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class TableRow:
    """One row of a table.

    Attributes:
        table: The table that it belongs to.
        line: The line of the file on which it begins, from 1.
        cells: Its values by column. Of CSV: text without blanks at its ends, and no empty cells. Of JSON: the object as it is.
        entry: Its number in a JSON list, from 1, which may stand on one line; None for other tables.
    """

    table: Table
    line: int
    cells: Mapping[str, Any]
    entry: int | None = None

    @property
    def where(self) -> str:
        """``FILE:LINE``, for messages; of a JSON list ``FILE:LINE: entry NUMBER``."""
        return f"{self.table.file}:{self.line}{'' if self.entry is None else f': entry {self.entry}'}"

    def error(self, sentence: str, column: str | None = None) -> SeedBenchError:
        """An exception of the table's class that says where the row is: ``clips.csv:7: seed: ...``.

        Args:
            sentence: What is wrong and what to do.
            column: The column, if it is about one cell.
        """
        return self.table.error(f"{self.where}: {'' if column is None else f'{column}: '}{sentence}")

    def text(self, column: str) -> str:
        """The text of a cell without blanks at its ends; "" where the row has none. A number or truth value of JSON is written out.

        Raises:
            SeedBenchError: Of the table's class: the cell is a list or an object of JSON.
        """
        value = self.cells.get(column)
        if isinstance(value, list | dict):
            raise self.error(f"is {'a list' if isinstance(value, list) else 'an object'} where a text is needed", column)
        return "" if value is None else without_blanks(str(value))

    def number(self, column: str) -> float | None:
        """The number of a cell, finite; None where it is empty. A decimal comma is read where it can be nothing else.

        Raises:
            SeedBenchError: Of the table's class: the cell is no number, or it may be two (``1,500``).
        """
        comma, point = self.table.delimiter == ";", column not in self.table.columns_with_decimal_comma
        return self._read(column, lambda text: number_in(text, decimal_comma=comma, decimal_point=point))

    def whole_number(self, column: str) -> int | None:
        """The whole number of a cell, exact; None where it is empty. ``1.0`` is 1.

        Raises:
            SeedBenchError: Of the table's class: the cell is no whole number.
        """
        return self._read(column, whole_number_in)

    def truth(self, column: str) -> bool | None:
        """The truth value of a cell; None where it is empty. True, yes, 1 and 1.0 are true; false, no, 0 and 0.0 are false.

        Raises:
            SeedBenchError: Of the table's class: the cell is neither.
        """
        return self._read(column, truth_in)

    def path(self, column: str) -> Path:
        """The file that a cell names, absolute; a relative path begins at the table's folder. It may be missing.

        Where no file has the name as it stands, backslashes are read as Windows means them, and accents in the other form of Unicode.

        Raises:
            SeedBenchError: Of the table's class: the path is one of a Windows computer (``C:\\clips\\a.mp4``), and this is none, or it is
                an address (``https://...``).
        """
        text, folder = self.text(column), self.table.file.parent
        if "\0" in text:
            raise self.error("holds a zero byte, which is in no file name", column)
        address = re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text)
        if address and not os.path.lexists(folder / text):
            kind = "write its path without file://" if address[0].lower() == "file://" else "download the file and write its path"
            raise self.error(f"{text!r} is an address where the path of a file is needed: {kind}", column)
        spellings = [text, text.replace("\\", "/")]
        spellings += [unicodedata.normalize(form, path) for path in spellings for form in ("NFC", "NFD")]
        existing = next((folder / path for path in spellings if os.path.lexists(folder / path)), None)
        if existing is None and os.name != "nt" and (PureWindowsPath(text).drive or text.startswith("\\")):
            raise self.error(f"{text!r} is a path of a Windows computer: write the path from the folder of {self.table.file.name}", column)
        return (existing or folder / spellings[1]).absolute()

    def _read(self, column: str, reader: Callable[[str], Value]) -> Value | None:
        text = self.text(column)
        try:
            return reader(text) if text and text.casefold() not in MISSING else None
        except ValueError as cause:
            raise self.error(str(cause), column) from cause


@dataclass(frozen=True, eq=False)
class Table:
    """A table that was read from a file.

    Attributes:
        file: The file.
        error: The class of exceptions about it.
        columns: The names of its columns in order; of JSON: all keys, in the order of their first appearance.
        delimiter: What stands between cells; None for JSON.
        header_line: The line that names the columns; of JSON: that of the first object.
        rows: Its rows, without empty ones.
    """

    file: Path
    error: type[SeedBenchError]
    columns: tuple[str, ...]
    delimiter: str | None = None
    header_line: int = 1
    rows: list[TableRow] = field(default_factory=list, repr=False)

    @cached_property
    def columns_with_decimal_comma(self) -> frozenset[str]:
        """The columns of a CSV file in which a number has a decimal comma, so that a point may stand between groups of digits."""
        comma = re.compile(r"[+-]?[0-9.]*,[0-9]+")
        if self.delimiter in (",", None):
            return frozenset()
        return frozenset(name for row in self.rows for name, value in row.cells.items() if comma.fullmatch(value))


def read_table(
    file: Path,
    *,
    error: type[SeedBenchError],
    columns: Sequence[str] = (),
    filled: Sequence[str] = (),
    known: Sequence[str] = (),
) -> Table:
    """Read a table of any of these kinds.

    Its ending says whether it is JSON (``.jsonl``, ``.ndjson``, ``.json``); any other is CSV. The delimiter of CSV is what the header line
    has of comma, semicolon and tab, or what Excel's first line ``sep=;`` says. Encodings: as
    :func:`seedbench.files.text_encoding.read_text`. Empty lines, rows without any text and empty columns without a name are left out, as is
    a first column without a name that counts the rows (pandas writes one).

    Args:
        file: The file.
        error: The class of the exceptions.
        columns: Columns that it must have; of JSON: that every object must have.
        filled: Columns that it must have and that no row may leave empty.
        known: Other columns that the caller reads. In CSV a name of any of these may be written with capital letters, blanks and hyphens.

    Returns:
        The table. It may have no rows.

    Raises:
        SeedBenchError: Of the class ``error``: the file cannot be read, or a row is not as the header says. The message names the line.
    """
    text = read_text(file, error)
    needed = list(dict.fromkeys([*filled, *columns]))
    is_json = file.suffix.lower() in JSON_SUFFIXES
    table = _from_json(file, text, error, needed) if is_json else _from_csv(file, text, error, needed, known)
    for row in table.rows:
        for column in filled:
            value = row.cells.get(column)
            if value is None or (isinstance(value, str) and not without_blanks(value)):
                raise row.error(f"{column} is missing")
    return table


def _from_json(file: Path, text: str, error: type[SeedBenchError], needed: Sequence[str]) -> Table:
    records = list(json_records(file, text, error))
    columns = tuple(dict.fromkeys(key for _, record in records for key in record))
    table = Table(file, error, columns, header_line=records[0][0] if records else 1)
    is_list = text.lstrip().startswith("[")
    table.rows.extend(TableRow(table, line, record, number if is_list else None) for number, (line, record) in enumerate(records, 1))
    for row in table.rows:
        for name in needed:
            if row.cells.get(name) is None:
                raise row.error(f"{name} is missing")
    return table


def _from_csv(file: Path, text: str, error: type[SeedBenchError], needed: Sequence[str], known: Sequence[str]) -> Table:
    read = csv_records(file, text, error, needed, known)
    table = Table(file, error, tuple(read.columns), read.delimiter, read.header_line)
    for line, cells in read.records:
        table.rows.append(TableRow(table, line, {name: cells[at] for name, at in read.columns.items() if cells[at]}))
    return table
