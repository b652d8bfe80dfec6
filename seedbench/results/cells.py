"""The cells of a report: stored cells with their scores, and where their clips can be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seedbench.errors import ArtifactError, StorageError
from seedbench.plugins.metric import MetricInfo
from seedbench.results.data import CellReport, ScoreReport
from seedbench.results.versions import backend_of
from seedbench.runs.clip_facts import ClipFacts
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow
from seedbench.store.queries import checked_clip
from seedbench.store.workspace import Workspace


def duration_s_of(cell: CellRow) -> float | None:
    """The duration of a cell's clip in seconds, None where it is unknown."""
    value = cell.facts.get("clip", {}).get("duration_s")
    return float(value) if value is not None else None


class ClipFinder:
    """Finds the clips of a run, for one report.

    Attributes:
        unread: One reason for each clip that may be intact but cannot be read now.
    """

    def __init__(self, workspace: Workspace, *, needed: bool) -> None:
        self.workspace, self.needed = workspace, needed
        self.unread: list[str] = []

    def find(self, cell: CellRow) -> tuple[Path | None, str]:
        """Find the clip of a cell, and check that it is the one that was scored.

        Args:
            cell: A stored cell that succeeded.

        Returns:
            The path and ""; or None and the reason why the clip is gone, damaged or cannot be read now.

        Raises:
            StorageError: The clip cannot be read now, and clips are needed.
        """
        if self.unread and cell.clip_path is None and "://" in self.workspace.artifacts.url:  # an unreachable service is asked only once
            self.unread.append(self.unread[0])
            return None, self.unread[0]
        try:
            return checked_clip(cell, self.workspace), ""
        except ArtifactError as error:
            return None, str(error)
        except StorageError as error:
            if self.needed:
                raise
            self.unread.append(str(error))
            return None, str(error)


def cell_report(cell: CellRow, spec: RunSpec, clips: ClipFinder, infos: Mapping[str, MetricInfo]) -> CellReport:
    """A stored cell with its scores, for the report.

    Args:
        cell: The stored cell.
        spec: What the run was asked to do; it has the prompt.
        clips: Finds the file of the clip.
        infos: What the metrics declare, by metric name.

    Returns:
        The cell as plain values. One that is only planned has the status ``unknown``.

    Raises:
        StorageError: The clip cannot be read now, and clips are needed.
    """
    prompt = spec.prompt(cell.prompt_id)
    reason = cell.reason
    path = None
    if cell.status == "succeeded":
        path, unreadable = clips.find(cell)
        reason = reason or unreadable
    status = cell.status if cell.status != "planned" else "unknown"
    return CellReport(
        generator=cell.generator,
        prompt_id=cell.prompt_id,
        prompt_text=prompt.text,
        task=prompt.task,
        tags=prompt.tags,
        seed=cell.seed,
        status=status,  # type: ignore[arg-type]
        reason=reason or ("" if cell.status == "succeeded" else "not generated yet: the run was interrupted"),
        clip_path=path,
        clip_sha256=cell.clip_sha256 or "",
        duration_s=duration_s_of(cell),
        latency_s=cell.latency_s,
        cost_usd=cell.cost_usd,
        clip_facts=ClipFacts.from_stored(cell.facts.get("clip", {})),
        scores=tuple(
            ScoreReport(
                metric=row.metric,
                measure=row.measure,
                value=row.value,
                status=row.status,  # type: ignore[arg-type]
                reason=row.reason,
                backend=backend_of(row, infos),
                n_used=row.n_used,
                n_total=row.n_total,
                interval=(row.low, row.high) if row.low is not None and row.high is not None else None,
                evidence=tuple(row.evidence),
                details=row.details,
            )
            for row in cell.scores
        ),
    )
