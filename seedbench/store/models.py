"""The tables of runs: runs, cells, scores."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class RunTable(DeclarativeBase):
    """Base of the tables of runs."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


def now() -> datetime:
    """The time in UTC, in whole seconds and without a time zone: the form that all databases store alike."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class RunRow(RunTable):
    """One run. ``spec`` holds everything that decides its results, prompts included."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    spec: Mapped[dict[str, Any]]
    spec_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(DateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime)
    provenance: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cells: Mapped[list[CellRow]] = relationship(back_populates="run", cascade="all, delete-orphan", order_by="CellRow.position")
    set_scores: Mapped[list[SetScoreRow]] = relationship(cascade="all, delete-orphan")


class CellRow(RunTable):
    """One generator on one prompt with one seed. ``clip_path`` is set only for files of the user's, which are never moved."""

    __tablename__ = "cells"
    __table_args__ = (UniqueConstraint("run_id", "generator", "prompt_id", "seed"), Index("cells_by_key", "key"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    key: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(20))
    generator: Mapped[str] = mapped_column(String(200))
    prompt_id: Mapped[str] = mapped_column(String(200))
    seed: Mapped[int]
    status: Mapped[str] = mapped_column(String(20), default="planned")
    reason: Mapped[str] = mapped_column(Text, default="")
    clip_sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    clip_suffix: Mapped[str] = mapped_column(String(20), default="")
    clip_path: Mapped[str | None] = mapped_column(Text)
    truth_sha256: Mapped[str | None] = mapped_column(String(64))
    seed_used: Mapped[int | None]
    latency_s: Mapped[float | None] = mapped_column(Float)
    cost_usd: Mapped[float | None] = mapped_column(Float)
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    scored: Mapped[bool] = mapped_column(default=False)
    run: Mapped[RunRow] = relationship(back_populates="cells")
    scores: Mapped[list[ScoreRow]] = relationship(back_populates="cell", cascade="all, delete-orphan", order_by="ScoreRow.id")


class ScoreRow(RunTable):
    """One measure of one clip: a value, or none with a reason."""

    __tablename__ = "scores"
    __table_args__ = (UniqueConstraint("cell_id", "metric", "measure"), Index("scores_by_key", "key"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    cell_id: Mapped[int] = mapped_column(ForeignKey("cells.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(String(64))
    metric: Mapped[str] = mapped_column(String(100))
    measure: Mapped[str] = mapped_column(String(100))
    metric_version: Mapped[int]
    value: Mapped[float | None] = mapped_column(Float)
    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    backend: Mapped[str] = mapped_column(String(100), default="")
    n_used: Mapped[int | None]
    n_total: Mapped[int | None]
    low: Mapped[float | None] = mapped_column(Float)
    high: Mapped[float | None] = mapped_column(Float)
    evidence: Mapped[list[Any]] = mapped_column(default=list)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cell: Mapped[CellRow] = relationship(back_populates="scores")


class SetScoreRow(RunTable):
    """One measure of a whole set of clips of one generator against the run's reference set."""

    __tablename__ = "set_scores"
    __table_args__ = (UniqueConstraint("run_id", "generator", "metric", "measure"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    generator: Mapped[str] = mapped_column(String(200))
    metric: Mapped[str] = mapped_column(String(100))
    measure: Mapped[str] = mapped_column(String(100))
    metric_version: Mapped[int]
    value: Mapped[float | None] = mapped_column(Float)
    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text, default="")
    backend: Mapped[str] = mapped_column(String(100), default="")
    n_used: Mapped[int | None]
    n_total: Mapped[int | None]
    low: Mapped[float | None] = mapped_column(Float)
    high: Mapped[float | None] = mapped_column(Float)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
