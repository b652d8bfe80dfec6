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
    """One run.

    Attributes:
        id: the database's number of the run.
        name: unique; what users call the run.
        spec: everything that decides the results, prompts included, as JSON (:class:`seedbench.runs.spec.RunSpec`).
        spec_hash: the hash of the spec as it was planned.
        created_at, finished_at: in UTC, without a time zone; ``finished_at`` is None while cells are missing.
        provenance: how the run was made, as JSON: command, versions, weights, machine, what the metrics declared.
        cells: its cells, in the order of the plan.
        set_scores: the scores of sets of clips.
        set_differences: what was measured of two sets of clips against each other.
    """

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
    set_differences: Mapped[list[SetDifferenceRow]] = relationship(cascade="all, delete-orphan")


class CellRow(RunTable):
    """One generator on one prompt with one seed.

    Attributes:
        id, run_id: the database's numbers of the cell and of its run.
        position: its place in the plan, from 0.
        key: the hash of all that decides the clip; a new run takes over the clips of cells with the same key.
        role: ``system``, ``ceiling``, or ``reference`` for the reference set, whose cells no report shows.
        generator: the label of the generator.
        prompt_id, seed: what was asked for.
        status: ``planned``, or the status of the :class:`seedbench.plugins.generator.Generation`.
        reason: why there is no clip, or why it is lost.
        clip_sha256: the hash of the clip; None where there is none.
        clip_suffix: the ending of the clip's name, with the dot.
        clip_path: the file, for files of the user's only, which are never moved; None: the clip is in the artifact store.
        truth_sha256: the artifact with the true content of the clip; None where it is not known.
        seed_used, latency_s, cost_usd: as the generator returned them; seconds and US dollars.
        facts: what else is known of the cell, as JSON: of the ``clip``, of the ``generator``, the ``seconds`` that each metric took.
        scored: whether nothing is left to score.
        run, scores: the run, and one score for each metric and measure.
    """

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
    """One measure of one clip: a value, or none with a reason.

    Attributes:
        id, cell_id: the database's numbers of the score and of its cell.
        key: the hash of all that decides the score; scores of one key are equal.
        metric, measure, metric_version: what was measured, by which version.
        value, status, reason, backend, n_used, n_total: as in :class:`seedbench.plugins.metric.Score`.
        low, high: the interval of the value; both None where the metric gives none.
        evidence: panels, as :func:`seedbench.plugins.evidence.as_json` returns them.
        details: what else the metric kept, as JSON.
        cell: the cell.
    """

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
    """One measure of all clips of one generator against the run's reference set.

    Attributes:
        id, run_id: the database's numbers of the score and of its run.
        generator: the label of the generator.
        metric, measure, metric_version: what was measured, by which version.
        value, status, reason, backend: as in :class:`seedbench.plugins.metric.Score`.
        n_used, n_total: how many clips the value was computed from, and how many there were.
        low, high: the interval of the value; both None where the metric gives none.
        details: what else is known, as JSON; ``remarks`` are sentences for the report.
    """

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


class SetDifferenceRow(RunTable):
    """Two generators of a run compared as sets of clips, under one measure.

    Attributes:
        id, run_id: the database's numbers of the difference and of its run.
        first, second: the labels of the generators.
        metric, measure, metric_version: what was measured, by which version.
        backend, value, low, high, p, n_prompts, method, reason, remark: as in :class:`seedbench.plugins.set_difference.SetDifference`.
    """

    __tablename__ = "set_differences"
    __table_args__ = (UniqueConstraint("run_id", "first", "second", "metric", "measure"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    first: Mapped[str] = mapped_column(String(200))
    second: Mapped[str] = mapped_column(String(200))
    metric: Mapped[str] = mapped_column(String(100))
    measure: Mapped[str] = mapped_column(String(100))
    metric_version: Mapped[int]
    backend: Mapped[str] = mapped_column(String(100), default="")
    value: Mapped[float | None] = mapped_column(Float)
    low: Mapped[float | None] = mapped_column(Float)
    high: Mapped[float | None] = mapped_column(Float)
    p: Mapped[float | None] = mapped_column(Float)
    n_prompts: Mapped[int]
    method: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    remark: Mapped[str] = mapped_column(Text, default="")
