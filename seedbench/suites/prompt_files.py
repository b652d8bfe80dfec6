"""Prompts as people have them: a text file with one a line, or a table of them, such as VBench's ``full_info.json``, as a suite."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seedbench.errors import SuiteError
from seedbench.files.cell_values import plain_name, without_blanks
from seedbench.files.hashing import digest_of
from seedbench.files.tables import Table, read_table
from seedbench.files.text_encoding import read_text
from seedbench.files.validation_messages import explain_with_field
from seedbench.suites.earlier_form import stored_json
from seedbench.suites.prompt import Prompt
from seedbench.suites.prompt_ids import slug, slug_with_hash
from seedbench.suites.references import mentions, normalise
from seedbench.suites.suite import Suite

TEXT_SUFFIX = ".txt"
#: Spreadsheets are among them so that the error is about the file and not about YAML.
SUFFIXES = (TEXT_SUFFIX, ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".xlsx", ".xls", ".ods", ".numbers")
#: Names of columns, in lower case; a name with blanks or in capitals is the same.
_TEXT = ("text", "prompt", "prompt_en", "prompt_text", "caption")
_ID = ("id", "prompt_id")
_DURATION = ("duration_s", "duration")
#: The longest id that is made from a text. Ids stand in tables, the text stands beside them.
_LONGEST_ID = 60
_SHOWN = 3


@dataclass(frozen=True)
class _Entry:
    """One prompt of a file, before it has an id."""

    where: str
    line: int
    number: int
    """That of its line, or of its entry in a JSON list."""
    text: str
    own_id: str = ""
    duration_s: float | None = None
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the id is made of."""
        return self.own_id or self.text


def read_prompt_file(path: Path) -> Suite:
    """Read a file of prompts as a suite of the task ``unknown``: nothing is known of what is to be seen and heard.

    A text file has one prompt a line; empty lines are skipped, all others are prompts. A table has a column ``text`` (or ``prompt``,
    ``prompt_en``, ``prompt_text``, ``caption``), and may have ``id`` (or ``prompt_id``) and ``duration_s`` (or ``duration``, in seconds);
    its further columns are the prompts' tags. Prompts without an id have one made from their text.

    Args:
        path: The file; one of :data:`SUFFIXES`.

    Returns:
        The suite. Its ``sha256`` depends on the prompts alone, so that the same prompts in another file, encoding or dialect are the same
        suite; its ``warnings`` say what is kept, merged and only nearly the same.

    Raises:
        SuiteError: The file cannot be read, or names a prompt twice; the message names the line.
    """
    remarks: list[str] = []
    noun = "line"
    if path.suffix.lower() == TEXT_SUFFIX:
        written = list(_lines(path, read_text(path, SuiteError), remarks))
    else:
        table = read_table(path, error=SuiteError)
        written = _rows(table, remarks)
        noun = "entry" if any(row.entry for row in table.rows) else "line"
    if not written:
        raise SuiteError(f"{path}: holds no prompt")
    entries = _merged(written, noun, remarks)
    _remark_near_repeats(entries, noun, remarks)
    ids = _ids(entries, remarks)
    prompts = tuple(_prompt(entry, name) for entry, name in zip(entries, ids, strict=True))
    lines = {name: entry.line for entry, name in zip(entries, ids, strict=True)}
    digest = digest_of([stored_json(prompt) | {"tags": prompt.model_dump(mode="json")["tags"]} for prompt in prompts])
    return Suite(
        name=slug(path.stem),
        title=f"Prompts of {path.name}",
        version=digest[:8],
        prompts=prompts,
        path=path,
        sha256=digest,
        description="Made from a file of prompts: nothing is known of what is to be seen and heard.",
        warnings=tuple(f"{path.name}: {remark}" for remark in remarks),
        lines=lambda prompt_id, location: lines[prompt_id],
    )


def _lines(path: Path, text: str, remarks: list[str]) -> Iterator[_Entry]:
    rows = [(number, without_blanks(line)) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1)]
    filled = [(number, line) for number, line in rows if line]
    if filled:
        first_line, first = filled[0]
        names = {plain_name(name.strip("\"'")) for name in re.split(r"[,;\t]", first)}
        if names & set(_TEXT):
            remedy = "give the file a name that ends in .csv, or take the line out"
            raise SuiteError(f"{path}:{first_line}: {first[:60]!r} is the header of a table: {remedy}")
        if _is_json(first):
            raise SuiteError(f"{path}:{first_line}: this is JSON: give the file a name that ends in .jsonl or .json")
    hashes = [number for number, line in filled if line.startswith("#")]
    if hashes:
        remarks.append(f"{_that('line', hashes, 'begin')} with #: text files have no comments, so these are prompts.")
    yield from (_Entry(f"{path}:{number}", number, number, line) for number, line in filled)


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return line == "["


def _rows(table: Table, remarks: list[str]) -> list[_Entry]:
    if not table.rows:
        return []
    text, name, duration = (_column(table, known) for known in (_TEXT, _ID, _DURATION))
    if text is None:
        shown = ", ".join(name if len(name) <= 40 else f"{name[:37]}..." for name in table.columns[:12])
        where = f"{table.file}:{table.header_line}"
        remedy = "; a file of prompts without a header ends in .txt" if len(table.columns) == 1 else ""
        raise SuiteError(f"{where}: no column {_TEXT[0]!r} or {_TEXT[1]!r} with the prompts; the columns are {shown}{remedy}")
    others = [column for column in table.columns if column not in (text, name, duration)]
    not_kept = [column for column in others if any(_tag_values(row.cells.get(column)) is None for row in table.rows)]
    entries = []
    for row in table.rows:
        if not row.text(text):
            raise row.error("is missing", text)
        values = {column: _tag_values(row.cells.get(column)) or () for column in others if column not in not_kept}
        entries.append(
            _Entry(
                row.where,
                row.line,
                row.entry or row.line,
                row.text(text),
                row.text(name) if name else "",
                row.number(duration) if duration else None,
                {column: value for column, value in values.items() if value},
            )
        )
    kept = [column for column in others if column not in not_kept]
    if kept:
        remarks.append(f"{_named(kept, 'column')} kept as tags; generators are not given them.")
    if not_kept:
        remarks.append(f"{_named(not_kept, 'column')} left out: JSON objects cannot be tags.")
    return entries


def _column(table: Table, known: Sequence[str]) -> str | None:
    """The column of a table that has one of the known names."""
    named = [column for column in table.columns if plain_name(column) in known]
    if len(named) > 1:
        names = " and ".join(map(repr, named))
        raise SuiteError(f"{table.file}:{table.header_line}: the columns {names} may both be the {known[0]}: rename one or take it out")
    return named[0] if named else None


def _tag_values(value: Any) -> tuple[str, ...] | None:
    """The values of a tag; None for a JSON object, which is none."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(item, dict | list) for item in values):
        return None
    texts = [json.dumps(item) if isinstance(item, bool) else "" if item is None else without_blanks(str(item)) for item in values]
    return tuple(dict.fromkeys(text for text in texts if text))


def _merged(entries: Sequence[_Entry], noun: str, remarks: list[str]) -> list[_Entry]:
    """Each prompt once. What is written several times has all tags of these: some lists repeat a prompt for each tag."""
    merged: dict[str, _Entry] = {}
    repeats: list[int] = []
    for entry in entries:
        key = f"id {entry.own_id}" if entry.own_id else f"text {entry.text}"
        known = merged.setdefault(key, entry)
        if known is entry:
            continue
        if (entry.text, entry.duration_s) != (known.text, known.duration_s):
            what = "text" if entry.text != known.text else "duration"
            whose = f"the id {entry.own_id!r}" if entry.own_id else "the prompt"
            raise SuiteError(
                f"{entry.where}: {whose} of {noun} {known.number} again, with another {what}: give each prompt an id of its own"
            )
        both = {name: [*known.tags.get(name, ()), *entry.tags.get(name, ())] for name in {**known.tags, **entry.tags}}
        merged[key] = replace(known, tags={name: tuple(dict.fromkeys(values)) for name, values in both.items()})
        repeats.append(entry.number)
    if repeats:
        with_tags = ", with the tags of both" if any(entry.tags for entry in merged.values()) else ""
        remarks.append(f"{_that(noun, repeats, 'repeat')} a prompt: it counts once{with_tags}.")
    return list(merged.values())


def _remark_near_repeats(entries: Sequence[_Entry], noun: str, remarks: list[str]) -> None:
    """Say which texts are the same, or differ only in capital letters and blanks; they stay prompts of their own."""
    groups: dict[str, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(" ".join(entry.text.casefold().split()), []).append(entry)
    near = [group for group in groups.values() if len(group) > 1]
    for group in near[:_SHOWN]:
        numbers = [entry.number for entry in group]
        same = len({entry.text for entry in group}) == 1
        what = "have the same text" if same else "differ only in capital letters or blanks"
        remarks.append(f"{_numbered(noun, numbers)} {what} ({group[0].text[:60]!r}); they are prompts of their own.")
    if len(near) > _SHOWN:
        remarks.append(f"{len(near) - _SHOWN} more texts stand there several times with other capital letters, blanks or ids.")


def _ids(entries: Sequence[_Entry], remarks: list[str]) -> list[str]:
    """An id for each prompt: its own if that can be one, else made from it. Where two would be the same, all have a hash added."""
    ids = [slug(entry.name, _LONGEST_ID) if not entry.own_id else slug(entry.own_id) for entry in entries]
    several = {name for name, count in Counter(ids).items() if count > 1}
    ids = [
        slug_with_hash(entry.name, _LONGEST_ID) if name in several and name != entry.own_id else name
        for name, entry in zip(ids, entries, strict=True)
    ]
    changed = [f"{entry.own_id} is {name}" for name, entry in zip(ids, entries, strict=True) if entry.own_id and entry.own_id != name]
    if changed:
        more = ", ..." if len(changed) > _SHOWN else ""
        remarks.append(f"ids with letters that no prompt id has are written otherwise: {', '.join(changed[:_SHOWN])}{more}.")
    return ids


def _prompt(entry: _Entry, name: str) -> Prompt:
    try:
        text = normalise(entry.text)
    except ValueError as error:
        raise SuiteError(f"{entry.where}: {error}") from error
    if mentions(text):
        raise SuiteError(f"{entry.where}: names {mentions(text)[0]}, a reference: only a suite.yaml can state what that is")
    given: dict[str, Any] = {"id": name, "text": text, "task": "unknown", "tags": dict(entry.tags)}
    if entry.duration_s is not None:
        given["duration_s"] = entry.duration_s
    try:
        return Prompt.model_validate(given)
    except ValidationError as error:
        raise SuiteError(f"{entry.where}: {explain_with_field(error.errors(include_url=False)[0], Prompt)}") from error


def _named(names: Sequence[str], noun: str) -> str:
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'} ({shown}) {'is' if len(names) == 1 else 'are'}"


def _that(noun: str, numbers: Sequence[int], verb: str) -> str:
    """``line 3 begins``, ``lines 3, 5 begin``: the subject and the verb of a sentence about lines."""
    return f"{_numbered(noun, numbers)} {verb}{'s' if len(numbers) == 1 else ''}"


def _numbered(noun: str, numbers: Sequence[int]) -> str:
    """``line 3``, ``entries 3, 5``: lines or entries by their numbers, the first few where there are many."""
    shown = ", ".join(map(str, numbers[:8])) + (", ..." if len(numbers) > 8 else "")
    plural = "entries" if noun == "entry" else f"{noun}s"
    return f"{noun if len(numbers) == 1 else plural} {shown}"
