"""Importing votes of other arenas: LMArena's battles, FastChat's cleaned battles and raw logs, and tables with the same columns.

Voters are numbered in the order in which they first appear; their names there (an address, a hash of one) are not kept.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seedbench.arena.votes.log import Choice, Vote, VoteError

_WINNERS: dict[str, Choice] = {
    "model_a": "left",
    "model_b": "right",
    "a": "left",
    "b": "right",
    "left": "left",
    "right": "right",
    "tie": "tie",
    "tie (bothbad)": "both_bad",
    "both_bad": "both_bad",
    "bothbad": "both_bad",
    "leftvote": "left",
    "rightvote": "right",
    "tievote": "tie",
    "bothbad_vote": "both_bad",
}
_LEFT, _RIGHT = ("model_a", "left", "model_left"), ("model_b", "right", "model_right")
_CHOICE = ("winner", "type", "choice", "vote")
_WHO = ("judge", "judge_hash", "user_id", "evaluation_session_id", "voter", "ip")
_WHEN = ("tstamp", "timestamp", "at", "time")
_PROMPT = ("prompt", "prompt_id", "question", "question_id", "id")
_CATEGORY = ("category", "language")


def read(file: Path, *, task: str = "unknown", with_sound: bool = True) -> tuple[list[Vote], dict[str, int]]:
    """Read the votes of another arena.

    Args:
        file: JSON, JSON lines or CSV, with the columns of LMArena or FastChat.
        task: The task of rows that name none.
        with_sound: Whether the clips had sound.

    Returns:
        The votes in the order of the rows, and the number of rows left out for each reason.

    Raises:
        VoteError: The file cannot be read, or none of its rows is a vote.
    """
    rows = list(_rows(file))
    votes: list[Vote] = []
    left_out: Counter[str] = Counter()
    voters: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        vote = _vote(row, number, voters, task=task, with_sound=with_sound)
        if isinstance(vote, Vote):
            votes.append(vote)
        else:
            left_out[vote] += 1
    if not votes:
        raise VoteError(
            f"{file}: no row is a vote: a row needs two models and a winner ({', '.join(f'{r} {c}x' for r, c in left_out.items())})"
        )
    return votes, dict(left_out)


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise VoteError(f"{file}: cannot be read ({error})") from error
    if file.suffix.lower() == ".csv":
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # one cell may hold a conversation
        try:
            yield from csv.DictReader(io.StringIO(text, newline=""))
        except csv.Error as error:
            raise VoteError(f"{file}: not a CSV table ({error})") from error
        return
    try:
        is_list = text.lstrip().startswith("[")
        entries = json.loads(text) if is_list else [json.loads(line) for line in text.split("\n") if line.strip()]
    except json.JSONDecodeError as error:
        raise VoteError(f"{file}: neither JSON nor JSON lines ({error})") from error
    for entry in entries:
        if not isinstance(entry, dict):
            raise VoteError(f"{file}: an entry is {type(entry).__name__}, not an object with two models and a winner")
        yield entry


def _vote(row: Mapping[str, Any], number: int, voters: dict[str, str], *, task: str, with_sound: bool) -> Vote | str:
    """A row as a vote, or the reason why it is left out."""
    raw = row.get("models")
    if isinstance(raw, list) and len(raw) == 2:
        named = _models_of_raw_log(row, raw)
        if named is None:
            return "not blind (names were shown)"
        left, right = named
    else:
        left, right = _first(row, _LEFT), _first(row, _RIGHT)
    if not left or not right:
        return "no two models"
    if left == right:
        return "one model on both sides"
    winner = str(_first(row, _CHOICE)).strip().lower()
    if winner not in _WINNERS:
        return f"no winner ({winner or 'empty'})"
    if row.get("anony") is False:
        return "not blind (anony is false)"
    who = _first(row, _WHO)
    voter = voters.setdefault(who, f"voter-{len(voters) + 1:06d}") if who else None
    return Vote(
        id=f"imported-{number:08d}",
        at=_time(_first(row, _WHEN), number),
        battle=f"imported-{number:08d}",
        prompt=_prompt(row),
        left=left,
        right=right,
        choice=_WINNERS[winner],
        voter=voter,
        task=str(row.get("task") or task),
        category=_first(row, _CATEGORY),
        with_sound=with_sound,
        origin="imported",
    )


def _models_of_raw_log(row: Mapping[str, Any], shown: list[Any]) -> tuple[str, str] | None:
    """The two systems of a line of a raw log of FastChat, empty where the line does not name them; None where the voter saw their names.

    ``models`` are the titles that the voter saw above the two answers. Where the vote was blind they are empty, or "Model A" and "Model B",
    and ``states`` holds the names.
    """
    titles = [str(title).strip().removeprefix("<h3>").removesuffix("</h3>").strip() for title in shown]
    if not all(title == "" or title.lower() in ("model a", "model b") for title in titles):
        return None
    states = row.get("states")
    if not isinstance(states, list) or len(states) != 2 or not all(isinstance(state, dict) for state in states):
        return "", ""
    left, right = (str(state.get("model_name") or "") for state in states)
    return left, right


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = row.get(name)
        if value not in (None, ""):
            return str(value)
    return ""


def _prompt(row: Mapping[str, Any]) -> str | None:
    """An id of the prompt: the row's own, or a hash of the first message of its conversation; None where it has neither."""
    messages = row.get("conversation_a")
    if isinstance(messages, list) and messages and isinstance(messages[0], dict) and messages[0].get("content"):
        return hashlib.sha256(str(messages[0]["content"]).encode()).hexdigest()[:16]
    prompt = _first(row, _PROMPT)
    if not prompt:
        return None
    return prompt if len(prompt) <= 64 else hashlib.sha256(prompt.encode()).hexdigest()[:16]


def _time(text: str, number: int) -> datetime:
    """The time of a vote; rows without a time keep their order."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(number, UTC)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
