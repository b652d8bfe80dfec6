"""The text of a file that a person or a spreadsheet wrote: UTF-8, UTF-16, or Windows-1252 where that cannot be mistaken."""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from pathlib import Path

from seedbench.errors import SeedBenchError

_SAVE_AGAIN = "save it as UTF-8 (in Excel: 'CSV UTF-8')"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: First bytes of files that are no text and are sometimes given a text file's name.
_BINARY = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind (.xls)"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"%PDF-", "a PDF"),
)
_WORKBOOKS = ((b"xl/", "an Excel workbook"), (b"opendocument.spreadsheet", "a LibreOffice spreadsheet"), (b"Index/", "a Numbers document"))
#: Code pages of Europe that share most letters with Windows-1252; a text that reads the same in all of them is not mistaken.
_SIMILAR = ("cp1252", "cp1250", "cp1254", "iso8859-15")
#: Their common signs below A0: euro, ellipsis, quotes and dashes. ISO 8859-15 has control characters there, which no text holds.
_SHARED_SIGNS = re.compile(rb"[\x80\x85\x91-\x94\x96\x97]")
#: Control characters, other characters between 80 and 9F (letters of Mac Roman among them), three letters in a row that are not ASCII.
_NOT_WESTERN = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f\x81-\x84\x86-\x90\x95\x98-\x9f]|[\xc0-\xff]{3}")
#: Least share of characters with a zero byte in UTF-16 without a mark: tables are mostly ASCII, if only for their separators.
_ZERO_SHARE = 0.25


def read_text(file: Path, error: type[SeedBenchError]) -> str:
    """Read a text file as spreadsheets and editors save it.

    Args:
        file: The file. UTF-8, UTF-16 and UTF-32 are read by their mark; without one UTF-8, UTF-16 if every zero byte is at the place where
            that has it, and Windows-1252 if the similar code pages (1250, 1254, ISO 8859-15) give the same text.
        error: The class of the exceptions.

    Returns:
        The text, without a mark at its beginning; line ends are as in the file.

    Raises:
        SeedBenchError: Of the class ``error``: the file cannot be read or is not text; the message names the line.
    """
    try:
        raw = file.read_bytes()
    except OSError as cause:
        raise error(f"{file}: cannot be read ({cause.strerror})") from cause
    except ValueError as cause:  # a zero byte in the name
        raise error(f"{str(file)!r}: cannot be read ({cause})") from cause
    binary = _binary_kind(raw)
    if binary:
        raise error(f"{file}: this is {binary}, not a text file: save the table as CSV and give that file")
    encoding, body = _encoding_of(raw)
    if encoding is None:
        return _windows_text(file, body, error)
    zero = body.find(b"\0")
    if encoding == "utf-8" and zero >= 0:
        raise error(f"{file}:{_line_of(body[:zero])}: holds a zero byte, so this is no text file, or it is damaged: {_SAVE_AGAIN}")
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as cause:
        line = _line_of(body[: cause.start].decode(encoding, errors="ignore").encode())
        raise error(f"{file}:{line}: not valid {encoding.upper()} (byte {cause.start}): {_SAVE_AGAIN}") from cause
    if "\0" in text:
        raise error(f"{file}:{_line_of(text[: text.index(chr(0))].encode())}: holds a zero character: {_SAVE_AGAIN}")
    return text


def _binary_kind(raw: bytes) -> str | None:
    kind = next((kind for start, kind in _BINARY if raw.startswith(start)), None)
    if kind != "a ZIP archive":
        return kind
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = "\n".join(archive.namelist()).encode() + raw[:200]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        names = raw[:1000]
    return next((workbook for mark, workbook in _WORKBOOKS if mark in names), kind)


def _encoding_of(raw: bytes) -> tuple[str | None, bytes]:
    """The encoding of a text, None for neither UTF-8 nor UTF-16, and its bytes after the mark."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return encoding, raw[len(mark) :]
    if b"\0" in raw:
        return _utf16_without_mark(raw) or "utf-8", raw
    return (None if _decoded(raw, "utf-8") is None else "utf-8"), raw


def _utf16_without_mark(raw: bytes) -> str | None:
    """UTF-16 of the byte order in which the zero bytes stand, if all stand on one side and there are many."""
    sides = raw[0::2].count(0), raw[1::2].count(0)
    if len(raw) % 2 or min(sides) > 0 or max(sides) < _ZERO_SHARE * len(raw) / 2:
        return None
    return "utf-16-be" if sides[0] else "utf-16-le"


def _windows_text(file: Path, raw: bytes, error: type[SeedBenchError]) -> str:
    """The text of bytes that are not UTF-8: Windows-1252, where no other code page and no damage could give the same bytes."""
    old_mac = b"\r" in raw and b"\n" not in raw
    if not old_mac and _surely_western(raw):
        return raw.decode("cp1252")
    lines = raw.splitlines()
    doubtful = next((number for number, line in enumerate(lines, 1) if not (_decoded(line, "utf-8") or _surely_western(line))), None)
    number = doubtful or next(number for number, line in enumerate(lines, 1) if _decoded(line, "utf-8") is None)
    line = lines[number - 1]
    readings = [None if old_mac or _NOT_WESTERN.search(line) else _decoded(line, page) for page in ("cp1252", "cp1250")]
    words = [set(re.split(r"[,;\t\s]+", reading)) if reading else set() for reading in readings]
    western, eastern = sorted(words[0] - words[1]), sorted(words[1] - words[0])
    example = f" (it may say {western[0][:40]!r} or {eastern[0][:40]!r})" if len(western) == len(eastern) == 1 else ""
    raise error(f"{file}:{number}: not UTF-8, and which other encoding it is cannot be known{example}: {_SAVE_AGAIN}")


def _surely_western(raw: bytes) -> bool:
    """Whether bytes are Windows-1252, as far as they themselves can show it.

    Three letters in a row that are not ASCII belong to no Western word but to a Cyrillic, Greek or Asian one.
    """
    if _NOT_WESTERN.search(raw):
        return False
    plain = _SHARED_SIGNS.sub(b"?", raw)
    readings = {_decoded(plain, page) for page in _SIMILAR}
    return len(readings) == 1 and None not in readings


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _line_of(before: bytes) -> int:
    """The number of the line that comes after some text, from 1."""
    return len(re.findall(rb"\r\n|\r|\n", before)) + 1
