"""The offsets of talking clips that somebody states beside them, in a table."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from seedbench.errors import SeedBenchError, did_you_mean
from seedbench.files.tables import TableRow, read_table

NAME = "offsets"
_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".json"})
_SPREADSHEETS = frozenset({".xlsx", ".xls", ".ods", ".numbers"})
FILE, OFFSET = "file", "offset_frames"
_SHOWN = 5


class CorpusError(SeedBenchError):
    """A folder or file without anything to fit on, or a table of its clips that cannot be read."""


def known_offsets(folder: Path, clips: Sequence[Path]) -> dict[Path, float]:
    """The offsets that a folder's table states: ``offsets.csv``, or ``.tsv``, ``.txt``, ``.jsonl`` or ``.json``.

    Its columns: ``file`` and ``offset_frames`` (frames at 25 a second, positive: sound early). Clips that it does not name get a warning.

    Args:
        folder: The folder.
        clips: Its media files.

    Returns:
        Offsets by file; empty if there is no table.

    Raises:
        CorpusError: The table cannot be read, or a row names no clip of the folder, or a clip a second time; the message names the line.
    """
    named = [file for file in sorted(folder.iterdir()) if file.stem.casefold() == NAME and file.is_file()]
    files = [file for file in named if file.suffix.lower() in _SUFFIXES | _SPREADSHEETS]
    if not files:
        return {}
    if len(files) > 1:
        raise CorpusError(f"{folder}: has {' and '.join(file.name for file in files)}: keep one table of offsets")
    if files[0].suffix.lower() in _SPREADSHEETS:
        raise CorpusError(f"{files[0]}: spreadsheets are not read: save it as {NAME}.csv with the columns {FILE} and {OFFSET}")
    table = read_table(files[0], error=CorpusError, filled=(FILE, OFFSET))
    rows: dict[Path, TableRow] = {}
    offsets: dict[Path, float] = {}
    for row in table.rows:
        clip = _clip_of(row, folder, clips)
        first = rows.setdefault(clip, row)
        if first is not row:
            raise row.error(f"{row.text(FILE)!r} has an offset on line {first.line} already: keep one", FILE)
        offsets[clip] = row.number(OFFSET) or 0.0
    unnamed = [clip.relative_to(folder).as_posix() for clip in clips if clip not in offsets]
    if unnamed:
        shown = ", ".join(unnamed[:_SHOWN]) + (", ..." if len(unnamed) > _SHOWN else "")
        warnings.warn(
            f"{files[0]} names no offset for {len(unnamed)} of {len(clips)} clips ({shown}); they are taken to be in sync", stacklevel=2
        )
    return offsets


def _clip_of(row: TableRow, folder: Path, clips: Sequence[Path]) -> Path:
    """The clip of the folder that a row names."""
    named = row.path(FILE)
    for clip in clips:
        if clip.resolve() == named.resolve():
            return clip
    names = [clip.relative_to(folder).as_posix() for clip in clips]
    what = "is no media file" if named.is_file() else "is not there"
    raise row.error(f"{row.text(FILE)!r} {what}{did_you_mean(row.text(FILE), names)}: name the file as it stands in {folder}", FILE)
