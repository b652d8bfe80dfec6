"""The vote log: one line for each vote, without identities, in the order in which votes were given.

A log is a JSONL file. It never changes but by growing; what a board leaves out is decided by a rules file
(:mod:`seedbench.arena.votes.rules`), not by deleting lines.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from seedbench.errors import SeedBenchError
from seedbench.files.atomic import atomic_write
from seedbench.files.validation_messages import explain_with_field

Choice = Literal["left", "right", "tie", "both_bad"]
Profile = Literal["native", "matched"]
Kind = Literal["pair", "gold", "same", "repeat"]
Origin = Literal["people", "simulated", "imported"]

OVERALL = "overall"
"""The question every vote answers; others are optional."""


class VoteError(SeedBenchError):
    """A vote log that cannot be read; the message names file and line."""


class Vote(BaseModel):
    """What one person said of one pair.

    ``left`` and ``right`` are labels of generators; ``kind`` is ``pair``, or a check: ``gold`` (one side broken on purpose; ``expected``
    is the other), ``same`` (one clip on both sides) or ``repeat`` (of the battle ``repeats``, sides swapped). ``answers`` holds the
    optional questions. ``heard_left`` and ``heard_right`` are shares 0..1 of each clip that were played; ``dwell_s`` is what the server saw
    between showing and voting, ``shorter_s`` the length of the shorter clip; ``probability`` that of drawing this pair when it was drawn;
    ``style`` is left minus right by name (loudness in LU, duration in s, ...). What was not recorded is None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    at: datetime
    battle: str
    prompt: str
    left: str = Field(min_length=1)
    right: str = Field(min_length=1)
    choice: Choice
    voter: str
    task: str = "unknown"
    category: str = ""
    profile: Profile = "native"
    with_sound: bool = True
    kind: Kind = "pair"
    expected: Literal["left", "right"] | None = None
    repeats: str | None = None
    answers: dict[str, Choice] = {}
    heard_left: float | None = Field(default=None, ge=0, le=1)
    heard_right: float | None = Field(default=None, ge=0, le=1)
    dwell_s: float | None = Field(default=None, ge=0)
    shorter_s: float | None = Field(default=None, ge=0)
    sound_check: bool | None = None
    captions: bool = False
    probability: float | None = Field(default=None, gt=0, le=1)
    style: dict[str, float] = {}
    origin: Origin = "people"

    @model_validator(mode="after")
    def _two_models(self) -> Self:
        if self.kind == "pair" and self.left == self.right:
            raise ValueError(f"{self.left!r} stands on both sides of a pair that is no check")
        return self


def least_s(shorter_s: float, heard: tuple[float | None, float | None], *, with_sound: bool) -> float:
    """Seconds that judging two clips takes at the least: the shorter's length; with sound, where one is heard at a time, what was heard of
    both. A tenth is let off: players count in tenths of a second and catch up by running a little faster.

    >>> least_s(4.0, (1.0, 1.0), with_sound=False), least_s(4.0, (1.0, 1.0), with_sound=True), least_s(4.0, (None, None), with_sound=True)
    (4.0, 7.2, 4.0)
    """
    left, right = heard
    return shorter_s * (max(1.0, 0.9 * (left + right)) if with_sound and left is not None and right is not None else 1.0)


def line_of(vote: Vote) -> str:
    """A vote as its one line: keys sorted, what is at its default left out, so that equal votes are equal text."""
    return json.dumps(vote.model_dump(mode="json", exclude_defaults=True), sort_keys=True, ensure_ascii=False)


def in_order(votes: Iterable[Vote]) -> list[Vote]:
    """Votes by time, those of one moment by id."""
    return sorted(votes, key=lambda vote: (vote.at, vote.id))


def digest(votes: Sequence[Vote]) -> str:
    """SHA-256 of the votes in order, whichever way they came."""
    whole = hashlib.sha256()
    for vote in in_order(votes):
        whole.update(line_of(vote).encode() + b"\n")
    return whole.hexdigest()


def write(votes: Iterable[Vote], file: Path) -> Path:
    """Write a log, in order; the file appears whole or not at all."""
    with atomic_write(file) as place:
        place.write_text("".join(line_of(vote) + "\n" for vote in in_order(votes)), encoding="utf-8", newline="\n")
    return file


def read(file: Path) -> list[Vote]:
    """Read a log. Raises VoteError, with the line, for what is no vote, and for one id twice."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise VoteError(f"{file}: cannot be read as a vote log ({error})") from error
    votes: list[Vote] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            vote = Vote.model_validate_json(line)
        except ValidationError as error:
            raise VoteError(f"{file}, line {number}: {explain_with_field(error.errors()[0], Vote)}") from error
        if vote.id in seen:
            raise VoteError(f"{file}, line {number}: the vote {vote.id!r} stands on line {seen[vote.id]} already")
        seen[vote.id] = number
        votes.append(vote)
    return in_order(votes)
