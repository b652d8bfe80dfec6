"""The tables of the arena. Votes are only ever added: a vote that is taken back gets a row in another table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, DateTime, Float, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class ArenaBase(DeclarativeBase):
    """The base class of the arena's tables."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class StudyRow(ArenaBase):
    """One study: settings and rules as they were when it was prepared. ``key`` signs voters' cookies and is never exported."""

    __tablename__ = "arena_studies"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime] = mapped_column(DateTime)
    settings: Mapped[dict[str, Any]]
    rules: Mapped[dict[str, Any]]
    key: Mapped[bytes] = mapped_column(LargeBinary(32))


class ClipRow(ArenaBase):
    """A clip as it is shown. ``generator`` is never sent to a voter before the vote; ``file`` lies in the study's folder and has
    ``file_sha256`` as its content; ``run`` is the run it came from. Both are empty where an old study does not know them."""

    __tablename__ = "arena_clips"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("arena_studies.id"), index=True)
    generator: Mapped[str] = mapped_column(String(200))
    source_sha256: Mapped[str] = mapped_column(String(64))
    run: Mapped[str] = mapped_column(String(200), default="", server_default="")
    broken: Mapped[str] = mapped_column(String(100), default="")
    file: Mapped[str] = mapped_column(String(100))
    file_sha256: Mapped[str] = mapped_column(String(64), default="", server_default="")
    duration_s: Mapped[float] = mapped_column(Float)
    style: Mapped[dict[str, Any]]


class PairRow(ArenaBase):
    """Two clips of one prompt and seed. ``kind`` and ``expected`` (first, second) make it a check; ``captions`` are start and end in
    seconds, and the words, of each line that was to be said."""

    __tablename__ = "arena_pairs"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("arena_studies.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    expected: Mapped[str | None] = mapped_column(String(10))
    first_id: Mapped[int] = mapped_column(ForeignKey("arena_clips.id"))
    second_id: Mapped[int] = mapped_column(ForeignKey("arena_clips.id"))
    run: Mapped[str] = mapped_column(String(200))
    prompt: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    seed: Mapped[int]
    task: Mapped[str] = mapped_column(String(40))
    category: Mapped[str] = mapped_column(String(200), default="")
    profile: Mapped[str] = mapped_column(String(10))
    with_sound: Mapped[bool] = mapped_column(Boolean)
    captions: Mapped[list[Any]] = mapped_column(default=list)


class VoterRow(ArenaBase):
    """A voter, identified by a keyed hash of a cookie; without an address or a name."""

    __tablename__ = "arena_voters"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("arena_studies.id"), index=True)
    first_at: Mapped[datetime] = mapped_column(DateTime)
    consented_at: Mapped[datetime | None] = mapped_column(DateTime)
    sound_check: Mapped[bool | None] = mapped_column(Boolean)


class BattleRow(ArenaBase):
    """A pair that is shown to a voter: open until the vote. ``probability`` is the chance with which it was drawn."""

    __tablename__ = "arena_battles"
    __table_args__ = (Index("arena_open_battles", "voter_id", "closed_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("arena_studies.id"), index=True)
    pair_id: Mapped[int] = mapped_column(ForeignKey("arena_pairs.id"))
    voter_id: Mapped[str] = mapped_column(ForeignKey("arena_voters.id"))
    first_left: Mapped[bool] = mapped_column(Boolean)
    kind: Mapped[str] = mapped_column(String(10))
    repeats: Mapped[str | None] = mapped_column(String(32))
    probability: Mapped[float | None] = mapped_column(Float)
    opened_at: Mapped[datetime] = mapped_column(DateTime)
    shown_at: Mapped[datetime | None] = mapped_column(DateTime)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime)
    revealed_at: Mapped[datetime | None] = mapped_column(DateTime)


class VoteRow(ArenaBase):
    """One vote as it was given. It is never changed and never deleted."""

    __tablename__ = "arena_votes"
    __table_args__ = (UniqueConstraint("battle_id", "voter_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("arena_studies.id"), index=True)
    battle_id: Mapped[str] = mapped_column(ForeignKey("arena_battles.id"))
    voter_id: Mapped[str] = mapped_column(ForeignKey("arena_voters.id"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime)
    choice: Mapped[str] = mapped_column(String(10))
    answers: Mapped[dict[str, Any]]
    comment: Mapped[str] = mapped_column(Text, default="")
    heard_left: Mapped[float] = mapped_column(Float)
    heard_right: Mapped[float] = mapped_column(Float)
    dwell_s: Mapped[float] = mapped_column(Float)
    captions: Mapped[bool] = mapped_column(Boolean, default=False)
    sound_check: Mapped[bool | None] = mapped_column(Boolean)
    origin: Mapped[str] = mapped_column(String(10))


class UndoneRow(ArenaBase):
    """A vote taken back by its voter."""

    __tablename__ = "arena_undone"

    vote_id: Mapped[int] = mapped_column(ForeignKey("arena_votes.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime)


class IncidentRow(ArenaBase):
    """An entry of the incident log: a refused request, its kind and details, and the voter's keyed hash (empty for nobody's)."""

    __tablename__ = "arena_incidents"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("arena_studies.id"), index=True)
    at: Mapped[datetime] = mapped_column(DateTime)
    voter_id: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(String(200))
