"""The truth file of a folder of footage: a table with a row for each file that says what is known of it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from seedbench.clips.media_file import PICTURE_SUFFIXES
from seedbench.errors import SeedBenchError, did_you_mean
from seedbench.files.atomic import atomic_write
from seedbench.files.tables import TableRow, read_table
from seedbench.plugins.validation import TruthColumn, TruthRow

NAMES = ("truth.csv", "truth.tsv", "truth.jsonl", "truth.json")
#: Columns that every protocol has.
OWN_COLUMNS = (
    TruthColumn(name="file", meaning="the media file, from the folder of the truth file", needed=True),
    TruthColumn(name="kind", meaning="the kind of footage, such as filmed or generated; results are given for each kind"),
    TruthColumn(name="source", meaning="where the file comes from; printed on the page"),
    TruthColumn(name="licence", meaning="its licence; printed on the page"),
)
UNNAMED_KIND = "footage"


class TruthError(SeedBenchError):
    """A truth file that is missing or cannot be used; the message says what to write."""


def read_truth(folder: Path, columns: Sequence[TruthColumn], metric: str) -> list[TruthRow]:
    """Read the truth file of a folder.

    Args:
        folder: the folder of the footage.
        columns: what the metric's protocol reads.
        metric: the name of the metric, for messages.

    Returns:
        A row for each file, in the order of the truth file.

    Raises:
        TruthError: there is no folder, no truth file or no row; a file is missing or named twice; a cell is not what its column allows.
    """
    if not folder.is_dir():
        raise TruthError(f"--footage {folder}: there is no such folder")
    file = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if file is None:
        wanted = "; ".join(f"{column.name} ({column.meaning})" for column in (*OWN_COLUMNS, *columns))
        raise TruthError(
            f"{folder} has no {NAMES[0]}: write a table with a row for each clip and the columns {wanted}. "
            f"`seedbench validate {metric} --footage {folder} --write-truth` writes a draft"
        )
    known = [column.name for column in (*OWN_COLUMNS, *columns)]
    table = read_table(file, error=TruthError, filled=["file", *(column.name for column in columns if column.needed)], known=known)
    for name in table.columns:
        if name not in known and did_you_mean(name, known):
            raise TruthError(f"{file}:{table.header_line}: there is no column {name!r}{did_you_mean(name, known)}")
    rows = [_row(row, columns) for row in table.rows]
    if not rows:
        raise TruthError(f"{file} has no rows: write one for each clip")
    for position, row in enumerate(rows):
        if row.file in {other.file for other in rows[:position]}:
            raise table.rows[position].error(f"{row.name} is named a second time", "file")
    return rows


def _row(row: TableRow, columns: Sequence[TruthColumn]) -> TruthRow:
    file = row.path("file")
    if not file.is_file():
        raise row.error(f"there is no file {file}", "file")
    facts = {}
    for column in (*OWN_COLUMNS[2:], *columns):
        text = row.text(column.name)
        if column.number and text:
            number = row.number(column.name)
            text = "" if number is None else repr(number)
        if column.values and text:
            text = text.casefold().replace("_", "-").replace(" ", "-")
            if text not in column.values:
                raise row.error(f"{row.text(column.name)!r} is none of: {', '.join(column.values)}", column.name)
        if text:
            facts[column.name] = text
    return TruthRow(file=file, name=row.text("file"), kind=row.text("kind") or UNNAMED_KIND, facts=facts)


def write_draft(folder: Path, columns: Sequence[TruthColumn]) -> Path:
    """Write a truth file with a row for each media file of a folder; what cannot be known is left empty.

    Args:
        folder: the folder of the footage. The name of the sub-folder of a file is taken for its kind.
        columns: what the metric's protocol reads.

    Returns:
        The file.

    Raises:
        TruthError: there is no folder, it holds no clip, or it has a truth file already.
    """
    if not folder.is_dir():
        raise TruthError(f"--footage {folder}: there is no such folder")
    existing = next((folder / name for name in NAMES if (folder / name).exists()), None)
    if existing is not None:
        raise TruthError(f"{existing} is there already and was not changed; move it away to get a draft")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES)
    if not files:
        raise TruthError(f"{folder} holds no clips")
    names = [column.name for column in (*OWN_COLUMNS, *columns)]
    file = folder / NAMES[0]
    with atomic_write(file) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, restval="")
        writer.writeheader()
        for path in files:
            inner = path.relative_to(folder)
            writer.writerow({"file": inner.as_posix(), "kind": inner.parent.as_posix() if inner.parent != Path() else UNNAMED_KIND})
    return file
