"""The vote log: one line for each vote, without identities, in the order in which votes were given.

A log is a JSONL file, to which votes are only ever added. A rules file (:mod:`seedbench.arena.votes.rules`) decides what a board leaves
out; lines are never deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from seedbench.arena.votes.names import clean_name, known_name
from seedbench.errors import SeedBenchError
from seedbench.files.atomic import atomic_write
from seedbench.files.text_encoding import read_text
from seedbench.files.validation_messages import explain_with_field

Choice = Literal["left", "right", "tie", "both_bad"]
Profile = Literal["native", "matched"]
Kind = Literal["pair", "gold", "same", "repeat"]
Origin = Literal["people", "simulated", "imported"]


def _cleaned(value: Any) -> Any:
    return clean_name(value) if isinstance(value, str) else value


def _known(value: Any) -> Any:
    return known_name(value) if isinstance(value, str) else value


def _given(value: Any) -> Any:
    return clean_name(value) or None if isinstance(value, str) else value


SystemName = Annotated[str, BeforeValidator(_cleaned), Field(min_length=1)]
KnownVoter = Annotated[str | None, BeforeValidator(_known)]
KnownPrompt = Annotated[str | None, BeforeValidator(_given)]

OVERALL = "overall"
"""The question every vote answers; others are optional."""


class VoteError(SeedBenchError):
    """A vote log that cannot be read; the message names file and line."""


class Vote(BaseModel):
    """One person's judgement of one pair.

    ``voter`` and ``prompt`` are None where they are not known; such votes are never taken for independent of each other.
    ``left`` and ``right`` are labels of generators; ``kind`` is ``pair``, or a check: ``gold`` (one side is degraded; ``expected``
    is the other), ``same`` (one clip on both sides) or ``repeat`` (of the battle ``repeats``, sides swapped). ``answers`` holds the
    optional questions. ``heard_left`` and ``heard_right`` are the shares 0..1 of each clip that were played; ``dwell_s`` is the time that
    the server measured between showing and voting, ``shorter_s`` the length of the shorter clip; ``probability`` is the chance that this
    pair was drawn, at that time; ``style`` is left minus right by name (loudness in LU, duration in s, ...). What was not recorded is
    None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    at: datetime
    battle: str
    prompt: KnownPrompt = None
    left: SystemName
    right: SystemName
    choice: Choice
    voter: KnownVoter = None
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

    @model_validator(mode="before")
    @classmethod
    def _without_invented_names(cls, fields: Any) -> Any:
        """Earlier imports gave each vote without a voter or a prompt one of its own, which made votes look independent."""
        if isinstance(fields, dict) and fields.get("origin") == "imported" and str(fields.get("id", "")).startswith("import-"):
            number = str(fields["id"]).removeprefix("import-").lstrip("0").zfill(6)
            invented = {"voter": f"alone-{number}", "prompt": f"prompt-{number}"}
            return {name: value for name, value in fields.items() if invented.get(name) != value}
        return fields

    @model_validator(mode="after")
    def _two_models(self) -> Self:
        if self.kind == "pair" and self.left == self.right:
            raise ValueError(f"{self.left!r} is on both sides of a pair that is not a check")
        return self


def least_judging_s(shorter_s: float, heard: tuple[float | None, float | None], *, with_sound: bool) -> float:
    """The least time that judging two clips takes, in seconds.

    It is the shorter clip's length; with sound, where one clip is heard at a time, the length of what was heard of both, less a tenth:
    players count in tenths of a second, and one that lags plays a little faster.

    Args:
        shorter_s: The length of the shorter clip in seconds.
        heard: The shares 0..1 of left and right that were played; None where that is unknown.
        with_sound: Whether the clips have sound.

    >>> least_judging_s(4.0, (1.0, 1.0), with_sound=False)
    4.0
    >>> least_judging_s(4.0, (1.0, 1.0), with_sound=True)
    7.2
    >>> least_judging_s(4.0, (None, None), with_sound=True)
    4.0
    """
    left, right = heard
    return shorter_s * (max(1.0, 0.9 * (left + right)) if with_sound and left is not None and right is not None else 1.0)


def json_line(vote: Vote) -> str:
    """A vote as one line of JSON.

    Args:
        vote: The vote.

    Returns:
        Its fields, keys sorted, default values left out, so that equal votes are equal text; without a line break.
    """
    return json.dumps(vote.model_dump(mode="json", exclude_defaults=True), sort_keys=True, ensure_ascii=False)


def in_order(votes: Iterable[Vote]) -> list[Vote]:
    """Votes sorted by time.

    Args:
        votes: The votes, in any order.

    Returns:
        The votes; those of the same time by id.
    """
    return sorted(votes, key=lambda vote: (vote.at, vote.id))


def digest(votes: Sequence[Vote]) -> str:
    """The hash of a vote log.

    Args:
        votes: The votes; their order does not matter.

    Returns:
        The SHA-256 of their lines in order of time, hexadecimal.
    """
    sha256 = hashlib.sha256()
    for vote in in_order(votes):
        sha256.update(json_line(vote).encode() + b"\n")
    return sha256.hexdigest()


def write(votes: Iterable[Vote], file: Path) -> Path:
    """Write a vote log, sorted by time; the write is atomic.

    Args:
        votes: The votes, in any order.
        file: The file to write or replace.

    Returns:
        The file.
    """
    with atomic_write(file) as part:
        part.write_text("".join(json_line(vote) + "\n" for vote in in_order(votes)), encoding="utf-8", newline="\n")
    return file


@dataclass(frozen=True)
class VoteLog:
    """A vote log as it was read.

    Attributes:
        votes: The votes, sorted by time.
        n_repeated: The number of lines that were left out because they repeat an earlier one, in all they say.
    """

    votes: list[Vote]
    n_repeated: int


def read(file: Path) -> VoteLog:
    """Read a vote log.

    Args:
        file: A JSONL file, one vote a line.

    Returns:
        The log. A line that says the same as an earlier one is the same vote, which counts once.

    Raises:
        VoteError: The file cannot be read, a line is not a vote, or two votes have one id; the message names the line.
    """
    votes: dict[str, Vote] = {}
    lines: dict[str, int] = {}
    n_repeated = 0
    for number, line in enumerate(read_text(file, VoteError).split("\n"), 1):
        if not line.strip():
            continue
        try:
            vote = Vote.model_validate_json(line)
        except ValidationError as error:
            hint = "" if votes else " (votes of other arenas become a vote log with `seedbench arena import`)"
            raise VoteError(f"{file}, line {number}: {explain_with_field(error.errors()[0], Vote)}{hint}") from error
        if votes.get(vote.id) == vote:
            n_repeated += 1
        elif vote.id in votes:
            raise VoteError(f"{file}, line {number}: another vote {vote.id!r} is already on line {lines[vote.id]}")
        votes.setdefault(vote.id, vote)
        lines.setdefault(vote.id, number)
    return VoteLog(in_order(votes.values()), n_repeated)
