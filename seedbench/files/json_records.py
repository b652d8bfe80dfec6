"""Objects of JSON files, one a line or in one list, each with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seedbench.errors import SeedBenchError


class _RepeatedKeyError(ValueError):
    """A key that appears twice in one JSON object; the first value would be lost."""


def json_records(file: Path, text: str, error: type[SeedBenchError]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of JSON lines, or of one JSON list.

    Args:
        file: The file's name, for messages.
        text: What it says. A text that begins with ``[`` is one list.
        error: The class of the exceptions.

    Yields:
        The line on which an object begins, from 1, and the object.

    Raises:
        SeedBenchError: Of the class ``error``: it is not JSON, or something else than objects; the message names line and column.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    records = _listed(file, text, error) if text.lstrip().startswith("[") else _lines(file, text, error)
    for line, record in records:
        if not isinstance(record, dict):
            raise error(f'{file}:{line}: is {_kind(record)} where an object is needed: {{"name": value, ...}}')
        yield line, record


def _lines(file: Path, text: str, error: type[SeedBenchError]) -> Iterator[tuple[int, Any]]:
    for number, raw in enumerate(text.split("\n"), start=1):
        if raw.strip():
            value, end = _value(file, raw, len(raw) - len(raw.lstrip()), number, error)
            rest = raw[end:].lstrip()
            if rest:
                raise error(f"{file}:{number}: not valid JSON: more text after the object, at column {len(raw) - len(rest) + 1}")
            yield number, value


def _listed(file: Path, text: str, error: type[SeedBenchError]) -> Iterator[tuple[int, Any]]:
    skip = re.compile(r"\s*")
    at = skip.match(text, text.index("[") + 1).end()  # type: ignore[union-attr]
    line, counted = 1, 0
    while True:
        line, counted = line + _line_ends(text, counted, at), at
        if text[at : at + 1] == "]" and not text[at + 1 :].strip():
            return
        value, at = _value(file, text, at, line, error)
        yield line, value
        at = skip.match(text, at).end()  # type: ignore[union-attr]
        separator = text[at : at + 1]
        if separator == ",":
            at = skip.match(text, at + 1).end()  # type: ignore[union-attr]
        elif separator != "]":
            line += _line_ends(text, counted, at)
            raise error(f"{file}:{line}: not valid JSON: {'the list is not closed' if not separator else 'a comma is missing'}")


def _line_ends(text: str, start: int, end: int) -> int:
    return text.count("\n", start, end)


def _value(file: Path, text: str, start: int, line: int, error: type[SeedBenchError]) -> tuple[Any, int]:
    """The JSON value that begins at a place of a text on a line, and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as cause:
        at = line + _line_ends(text, start, cause.pos)
        raise error(f"{file}:{at}: not valid JSON: {cause.msg} at column {cause.colno}") from cause
    except _RepeatedKeyError as cause:
        raise error(f"{file}:{line}: the key {cause} appears twice in one object") from cause
    except RecursionError as cause:
        raise error(f"{file}:{line}: not valid JSON: nested too deeply") from cause
    except ValueError as cause:  # a number with thousands of digits
        raise error(f"{file}:{line}: not valid JSON: a number is too long") from cause
    if re.search(r"\\u[dD][89a-fA-F]", text[start:end]) and not _is_text(value):
        raise error(f"{file}:{line}: half of a character (a \\ud... without its other half) is no text")
    return value, end


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedKeyError(next(name for index, name in enumerate(names) if name in names[:index]))
    return record


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeated_keys)


def _is_text(value: Any) -> bool:
    """Whether all text in a value can be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    return {list: "a list", str: "a text", bool: "a truth value"}.get(type(value), "a number")
