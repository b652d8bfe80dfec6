"""Votes from elsewhere: battles of LMArena's data sets, FastChat's cleaned battles and raw logs, and tables with the same columns.

Voters are numbered in the order in which they first appear; whatever named them (an address, a hash of one) is not kept.
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
    """The votes of a file, and how many of its rows were left out for which reason. Raises VoteError for a file without any."""
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
            f"{file}: no row is a vote: needed are two models and who won ({', '.join(f'{r} {c}x' for r, c in left_out.items())})"
        )
    return votes, dict(left_out)


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise VoteError(f"{file}: cannot be read ({error})") from error
    if file.suffix.lower() == ".csv":
        csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # whole conversations stand in one cell
        try:
            yield from csv.DictReader(io.StringIO(text, newline=""))
        except csv.Error as error:
            raise VoteError(f"{file}: not a table ({error})") from error
        return
    try:
        whole = text.lstrip().startswith("[")
        found = json.loads(text) if whole else [json.loads(line) for line in text.split("\n") if line.strip()]
    except json.JSONDecodeError as error:
        raise VoteError(f"{file}: neither JSON nor JSON lines ({error})") from error
    for one in found:
        if not isinstance(one, dict):
            raise VoteError(f"{file}: an entry is {type(one).__name__}, not an object with two models and a winner")
        yield one


def _vote(row: Mapping[str, Any], number: int, voters: dict[str, str], *, task: str, with_sound: bool) -> Vote | str:
    """A row as a vote, or why it is none."""
    raw = row.get("models")
    if isinstance(raw, list) and len(raw) == 2:
        named = _of_a_raw_log(row, raw)
        if named is None:
            return "not blind (names were shown)"
        left, right = named
    else:
        left, right = _first(row, _LEFT), _first(row, _RIGHT)
    if not left or not right:
        return "no two models"
    if left == right:
        return "one model on both sides"
    said = str(_first(row, _CHOICE)).strip().lower()
    if said not in _WINNERS:
        return f"no winner ({said or 'empty'})"
    if row.get("anony") is False:
        return "not blind (anony is false)"
    who = _first(row, _WHO)
    voter = voters.setdefault(who, f"voter-{len(voters) + 1:06d}") if who else f"alone-{number:06d}"
    return Vote(
        id=f"import-{number:08d}",
        at=_time(_first(row, _WHEN), number),
        battle=f"import-{number:08d}",
        prompt=_prompt(row, number),
        left=left,
        right=right,
        choice=_WINNERS[said],
        voter=voter,
        task=str(row.get("task") or task),
        category=_first(row, _CATEGORY),
        with_sound=with_sound,
        origin="imported",
    )


def _of_a_raw_log(row: Mapping[str, Any], shown: list[Any]) -> tuple[str, str] | None:
    """The two systems of a line of a raw log of FastChat, empty where it does not say; None where their names were shown.

    ``models`` is what stood over the two answers: nothing, or "Model A" and "Model B", where the vote was blind; the names stand in
    ``states`` then.
    """
    titles = [str(one).strip().removeprefix("<h3>").removesuffix("</h3>").strip() for one in shown]
    if not all(one == "" or one.lower() in ("model a", "model b") for one in titles):
        return None
    states = row.get("states")
    if not isinstance(states, list) or len(states) != 2 or not all(isinstance(one, dict) for one in states):
        return "", ""
    left, right = (str(one.get("model_name") or "") for one in states)
    return left, right


def _first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = row.get(name)
        if value not in (None, ""):
            return str(value)
    return ""


def _prompt(row: Mapping[str, Any], number: int) -> str:
    """A name for what was asked: that of the row, or a hash of the first thing said in its conversation."""
    talk = row.get("conversation_a")
    if isinstance(talk, list) and talk and isinstance(talk[0], dict) and talk[0].get("content"):
        return hashlib.sha256(str(talk[0]["content"]).encode()).hexdigest()[:16]
    asked = _first(row, _PROMPT)
    return asked if len(asked) <= 64 and asked else hashlib.sha256(asked.encode()).hexdigest()[:16] if asked else f"prompt-{number:06d}"


def _time(said: str, number: int) -> datetime:
    """A time; rows without one keep their order."""
    try:
        return datetime.fromtimestamp(float(said), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        return datetime.fromtimestamp(number, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
