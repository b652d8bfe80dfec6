"""Cells whose clip is damaged or gone: finding them, planning the clip again, and which scores stand when it is made again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seedbench.errors import ArtifactError
from seedbench.store import CellRow, SetDifferenceRow, SetScoreRow
from seedbench.store.queries import clip_path
from seedbench.store.workspace import Workspace

#: The key in a cell's ``facts`` that says why its clip was made a second time.
REGENERATED = "made_again"


def cells_without_clip(cells: Iterable[CellRow], workspace: Workspace) -> Iterator[tuple[CellRow, str]]:
    """Find the cells whose clip was made for a run and is gone or damaged in the store.

    Args:
        cells: stored cells; those without a clip, and those with a file of the user's, are passed over.
        workspace: where the clips are.

    Yields:
        Each such cell, with the reason.

    Raises:
        StorageError: the store cannot be read.
    """
    for cell in cells:
        if cell.status == "succeeded" and cell.clip_path is None:
            try:
                clip_path(cell, workspace)
            except ArtifactError as error:
                yield cell, str(error)


def plan_regeneration(cell: CellRow, reason: str) -> None:
    """Plan a cell again whose clip is lost. Its scores stay until it is known whether the same clip is made again.

    Args:
        cell: the cell, in an open session that writes; it is changed.
        reason: why the clip is lost, a clause.
    """
    cell.status, cell.reason = "planned", f"{reason}; the command of the run makes it again"
    cell.facts = {**cell.facts, REGENERATED: reason}
    cell.run.finished_at = None


def reconcile_scores(session: Session, cell: CellRow, sha256: str | None, reason: str) -> bool:
    """Decide which scores of a cell stand, before the result of its generation is recorded. Others are removed.

    Scores of another content, and of the sets that it was part of, are removed. Where the same content is made again, only those scores of
    sets are removed that were not scored over all their clips. Differences of these sets from others are removed, and measured again.

    Args:
        session: the session of the cell.
        cell: the cell, still as it was planned. It may have had a clip before (:func:`plan_regeneration`).
        sha256: the content of its new clip; None where there is none.
        reason: why there is none.

    Returns:
        Whether the result is to be recorded. False where a lost clip could not be made again: the cell then keeps the scores that were
        measured on it, and its ``reason`` says why there is no clip.
    """
    if cell.clip_sha256 is None:
        return True
    if sha256 is None and cell.scored:
        cell.status, cell.reason = "succeeded", f"{cell.facts.get(REGENERATED)}; it could not be made again ({reason}), its scores stand"
        return False
    same_content = sha256 == cell.clip_sha256
    if not same_content:
        cell.scores.clear()
    cell.scored = False
    query = select(SetScoreRow).where(SetScoreRow.run_id == cell.run_id)
    rows = list(session.scalars(query if cell.role == "reference" else query.where(SetScoreRow.generator == cell.generator)))
    standing = {(row.generator, row.metric) for row in rows if same_content and _covers_all_clips(session, row)}
    for row in rows:
        if (row.generator, row.metric) not in standing:  # all measures of a metric come from one comparison
            session.delete(row)
    for difference in session.scalars(select(SetDifferenceRow).where(SetDifferenceRow.run_id == cell.run_id)):
        if cell.role == "reference" or cell.generator in (difference.first, difference.second):
            session.delete(difference)
    return True


def _covers_all_clips(session: Session, row: SetScoreRow) -> bool:
    """Whether a set was scored with no clip left out, neither of the generator nor of the reference (which only the remarks say).

    Contents are counted: a metric may count clips of the same content once, and ``n_total`` includes failed cells.
    """
    of_generator = (CellRow.run_id == row.run_id, CellRow.generator == row.generator, CellRow.role != "reference")
    contents = session.scalar(select(func.count(CellRow.clip_sha256.distinct())).where(*of_generator)) or 0
    left_out = any(" left out (" in remark for remark in row.details.get("remarks", ()))
    return row.status == "scored" and (row.n_used or 0) >= contents and not left_out
