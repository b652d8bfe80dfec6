"""Importing votes of other arenas and annotation tools: LMArena's and FastChat's battles and raw logs, Kaggle's columns with one truth
value for each answer, Label Studio's pairwise comparisons, and tables with such columns.

Voters are numbered in the order in which they first appear; their names there (an address, a hash of one) are not kept. A vote without the
name of its voter, or of its prompt, is given none: what is not known is never taken for independent.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seedbench.arena.votes import vote_rows as columns
from seedbench.arena.votes.answers import Answer, AnswerReader, UnknownAnswerError, reader_of
from seedbench.arena.votes.log import Choice, Vote, VoteError
from seedbench.arena.votes.names import clean_name, near_equal_names
from seedbench.arena.votes.repeated_rows import without_repeats
from seedbench.arena.votes.vote_rows import VoteTableRow, unread_columns, vote_rows

_NO_ANSWERS = ("", "nan", "none", "null", "n/a", "na")
_LOG_ENTRIES = ("chat", "regenerate", "clear", "clear_history", "upvote", "downvote", "flag", "share", "load", "stop")
"""Lines of a raw log of FastChat that are no votes."""
_MILLISECONDS_FROM, _MICROSECONDS_FROM = 1e11, 1e14
"""A time stamp in seconds is smaller until the year 5138."""


@dataclass(frozen=True)
class ImportedVotes:
    """Votes read from a table, and what must be known about them.

    Attributes:
        votes: The votes in the order of the rows.
        left_out: The number of rows left out for each reason.
        remarks: What else a reader must know, in sentences: repeated rows, names that are not known, how answers were read.
    """

    votes: list[Vote]
    left_out: Mapping[str, int]
    remarks: tuple[str, ...]


@dataclass
class _Reading:
    """What accumulates while rows are read."""

    left_out: Counter[str] = field(default_factory=Counter)
    voters: dict[str, str] = field(default_factory=dict)
    unreadable_times: int = 0


@dataclass(frozen=True)
class _Battle:
    """A row that may be a vote: its systems, and its answer as text from a column, or as a choice where it needs no reading."""

    row: VoteTableRow
    left: str
    right: str
    column: str
    answer: str = ""
    choice: Choice | None = None


def read(file: Path, *, task: str = "unknown", with_sound: bool = True) -> ImportedVotes:
    """Read the votes of another arena.

    Args:
        file: CSV, JSON or JSON lines, with the columns of LMArena, FastChat or Kaggle, or an export of Label Studio.
        task: The task of rows that name none.
        with_sound: Whether the clips had sound.

    Returns:
        The votes. A row that equals an earlier one in every column, its id or its time among them, is counted once.

    Raises:
        VoteError: The file cannot be read, an answer is of no known form (the message names line and column), or no row is a vote.
    """
    rows = vote_rows(file)
    if rows and not any("models" in row.cells or row.pair_of(columns.SYSTEMS) for row in rows):
        raise _without_systems(file, rows)
    reading = _Reading()
    different, remarks = without_repeats(rows)
    battles = [battle for row in different if (battle := _battle(row, reading)) is not None]
    answers = {Answer(battle.answer, battle.left, battle.right): None for battle in battles if battle.choice is None}
    reader = reader_of(list(answers))
    votes: list[Vote] = []
    for number, battle in enumerate(battles, 1):
        choice = battle.choice or _choice(battle, reader)
        votes.append(_vote(battle, choice, number, reading, task=task, with_sound=with_sound))
    if not votes:
        why = f" ({', '.join(f'{count} of {len(rows)}: {reason}' for reason, count in reading.left_out.items())})" if rows else ""
        raise VoteError(f"{file}: no row is a vote: a row needs two systems and a winner{why}")
    remarks += [f"{battles[-1].column}: {reader.remark}"] if reader.remark else []
    remarks += _remarks(votes, rows, reading)
    return ImportedVotes(votes, dict(reading.left_out), tuple(remarks))


def _choice(battle: _Battle, reader: AnswerReader) -> Choice:
    try:
        return reader.choice(Answer(battle.answer, battle.left, battle.right))
    except UnknownAnswerError as cause:
        raise battle.row.error(str(cause), battle.column) from cause


def _without_systems(file: Path, rows: Sequence[VoteTableRow]) -> VoteError:
    shown = ", ".join(list(dict.fromkeys(name for row in rows for name in row.columns.values()))[:12])
    return VoteError(
        f"{file}:{rows[0].row.line}: no columns name the two systems of a vote: call them model_a and model_b, or left and right (in Label "
        f"Studio they belong to the data of each task); the columns are {shown}"
    )


def _battle(row: VoteTableRow, reading: _Reading) -> _Battle | None:
    """A row with its systems and its answer; None, and the reason counted, where it is no vote."""
    raw = row.cells.get("models")
    if isinstance(raw, list) and len(raw) == 2:
        systems = _models_of_raw_log(row.cells, raw)
    else:
        pair = row.pair_of(columns.SYSTEMS)
        systems = (row.text(pair[0]), row.text(pair[1])) if pair else ("", "")
    reason = _reason_to_leave_out(row, systems)
    if reason or systems is None:
        reading.left_out[reason] += 1
        return None
    battle = _answered(row, *systems)
    answer = battle.answer.casefold()
    if battle.choice is None and (answer in _NO_ANSWERS or (battle.column == "type" and answer in _LOG_ENTRIES)):
        reading.left_out[f"no winner ({battle.answer or 'empty'})"] += 1
        return None
    return battle


def _reason_to_leave_out(row: VoteTableRow, systems: tuple[str, str] | None) -> str:
    """Why a row is no vote that can be counted; empty where it may be one."""
    if systems is None:
        return "not blind (names were shown)"
    if not all(systems):
        return "no two models"
    if systems[0] == systems[1]:
        return "one model on both sides"
    if "anony" in row.cells and not row.truth("anony"):
        return f"not blind (anony is {row.text('anony').casefold() or 'empty'})"
    for name in ("is_valid", "valid"):
        if name in row.cells and not row.truth(name):
            return f"not valid ({name} is {row.text(name).casefold() or 'empty'})"
    return "cancelled (was_cancelled is true)" if row.truth("was_cancelled") else ""


def _answered(row: VoteTableRow, left: str, right: str) -> _Battle:
    """The row with its answer: from columns with one truth value for each, from a column of ties, or from the column of the winner."""
    names = ("type",) if "models" in row.cells else columns.WINNER
    column = next((name for name in names if name in row.cells), "")
    text, sides = row.text(column), row.pair_of(columns.ONE_HOT)
    if sides is not None and column != "winner":
        flags: dict[str, Choice] = {sides[0]: "left", sides[1]: "right", **dict.fromkeys(columns.TIE, "tie")}
        flags |= dict.fromkeys(columns.BOTH_BAD, "both_bad")
        chosen = [name for name in flags if row.truth(name)]
        if len(chosen) > 1:
            raise row.error(f"{' and '.join(row.columns[name] for name in chosen)} are true at once: only one of them can be")
        return _Battle(row, left, right, chosen[0], choice=flags[chosen[0]]) if chosen else _Battle(row, left, right, sides[0])
    drawn: list[tuple[str, Choice]] = [(name, "tie") for name in columns.TIE if row.truth(name)]
    drawn += [(name, "both_bad") for name in columns.BOTH_BAD if row.truth(name)]
    if not drawn:
        return _Battle(row, left, right, column, answer=text)
    if text.casefold() not in (*_NO_ANSWERS, "tie") and Answer(text, left, right).side not in ("tie", "both_bad"):
        raise row.error(f"is true, but {row.columns[column]} is {text!r}: only one of them can be", drawn[0][0])
    return _Battle(row, left, right, drawn[-1][0], choice=drawn[-1][1])


def _vote(battle: _Battle, choice: Choice, number: int, reading: _Reading, *, task: str, with_sound: bool) -> Vote:
    row = battle.row
    who = row.first_known(columns.VOTER)
    return Vote(
        id=f"imported-{number:08d}",
        at=_time(row.first(columns.TIME), number, reading),
        battle=f"imported-{number:08d}",
        prompt=_prompt(row),
        left=battle.left,
        right=battle.right,
        choice=choice,
        voter=None if who is None else reading.voters.setdefault(who, f"voter-{len(reading.voters) + 1:06d}"),
        task=row.text("task") or task,
        category=row.first(columns.CATEGORY),
        with_sound=with_sound,
        origin="imported",
    )


def _models_of_raw_log(cells: Mapping[str, Any], shown: Sequence[Any]) -> tuple[str, str] | None:
    """The two systems of a line of a raw log of FastChat, empty where the line does not name them; None where the voter saw their names.

    ``models`` are the titles that the voter saw above the two answers. Where the vote was blind they are empty, or "Model A" and "Model B",
    and ``states`` holds the names.
    """
    titles = [str(title).strip().removeprefix("<h3>").removesuffix("</h3>").strip() for title in shown]
    if not all(title == "" or title.lower() in ("model a", "model b") for title in titles):
        return None
    states = cells.get("states")
    if not isinstance(states, list) or len(states) != 2 or not all(isinstance(state, dict) for state in states):
        return "", ""
    left, right = (clean_name(str(state.get("model_name") or "")) for state in states)
    return left, right


def _prompt(row: VoteTableRow) -> str | None:
    """An id of the prompt: the row's own, or a hash of the first message of its conversation; None where it has neither."""
    messages = row.cells.get("conversation_a")
    if isinstance(messages, str) and messages.startswith("["):
        try:
            messages = json.loads(messages)
        except json.JSONDecodeError:
            messages = None
    if isinstance(messages, list) and messages and isinstance(messages[0], dict) and messages[0].get("content"):
        return hashlib.sha256(str(messages[0]["content"]).encode()).hexdigest()[:16]
    prompt = row.first_known(columns.PROMPT)
    if prompt is None or len(prompt) <= 64:
        return prompt
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]


def _time(text: str, number: int, reading: _Reading) -> datetime:
    """The time of a vote; rows without a time keep their order."""
    try:
        stamp = float(text)
        return datetime.fromtimestamp(stamp / (1e6 if stamp >= _MICROSECONDS_FROM else 1e3 if stamp >= _MILLISECONDS_FROM else 1), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        reading.unreadable_times += bool(text)
        return datetime.fromtimestamp(number, UTC)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _remarks(votes: Sequence[Vote], rows: Sequence[VoteTableRow], reading: _Reading) -> list[str]:
    """What a reader must know of the votes: what is not known of them, and names that may be two ways to write one."""
    remarks = []
    if reading.unreadable_times:
        remarks.append(
            f"{reading.unreadable_times} votes have a time that is neither seconds since 1970 nor ISO 8601: they keep the order of the rows"
        )
    unknown = {
        "the voter": (sum(vote.voter is None for vote in votes), "voter, judge, annotator, user_id"),
        "the prompt": (sum(vote.prompt is None for vote in votes), "prompt, prompt_id, question_id"),
    }
    for what, (count, names) in unknown.items():
        if count:
            effect = "boards of this log have no intervals" if count == len(votes) else "intervals of its boards are wider for it"
            remarks.append(f"{what} of {count} of {len(votes)} votes is not known (it is read from a column {names} or the like): {effect}")
    if any(count for count, _ in unknown.values()) and (unread := unread_columns(rows)):
        remarks.append(f"columns that were not read: {', '.join(unread)}")
    differ = "their names differ only in capitals, blanks or hyphens"
    systems = near_equal_names(name for vote in votes for name in (vote.left, vote.right))
    remarks += [f"{' and '.join(map(repr, group))} are taken for different systems, though {differ}" for group in systems]
    alike = sum(len(group) for group in near_equal_names(reading.voters))
    return remarks + ([f"{alike} voters are taken for different people, though {differ}"] if alike else [])
