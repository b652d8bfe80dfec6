"""The clips of a run, looked at again: whether they are what they were, and what becomes of a cell whose clip is damaged or gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seedbench.errors import ArtifactError
from seedbench.store import CellRow, SetScoreRow
from seedbench.store.queries import clip_path
from seedbench.store.workspace import Workspace

#: Under this name a cell's facts say why its clip was made a second time.
MADE_AGAIN = "made_again"


def lost_clips(cells: Iterable[CellRow], workspace: Workspace) -> Iterator[tuple[CellRow, str]]:
    """The cells whose clip was made for a run and is gone or damaged in the store, each with the reason. Raises StorageError."""
    for cell in cells:
        if cell.status == "succeeded" and cell.clip_path is None:
            try:
                clip_path(cell, workspace)
            except ArtifactError as error:
                yield cell, str(error)


def plan_again(cell: CellRow, why: str) -> None:
    """Put a cell whose clip is lost back to planned. Its scores stay until it is known whether the same clip comes again."""
    cell.status, cell.reason = "planned", f"{why}; the command of the run makes it again"
    cell.facts = {**cell.facts, MADE_AGAIN: why}
    cell.run.finished_at = None


def settle_again(session: Session, cell: CellRow, sha256: str | None, reason: str) -> bool:
    """Make room for what came of a planned cell, which may have had a clip before (:func:`plan_again`).

    Args:
        session: that of the cell.
        cell: the cell, still as it was planned.
        sha256: the content of its new clip; None where none came.
        reason: why none came.

    Returns:
        Whether there is something to record. Not so where a lost clip could not be made again: the cell then keeps the scores that were
        measured on it, and says why there is no clip. Scores of another content, and of sets that it was in, are removed; where the same
        content comes again, only those of sets that were not scored over all their clips.
    """
    if cell.clip_sha256 is None:
        return True
    if sha256 is None and cell.scored:
        cell.status, cell.reason = "succeeded", f"{cell.facts.get(MADE_AGAIN)}; it could not be made again ({reason}), its scores stand"
        return False
    same = sha256 == cell.clip_sha256
    if not same:
        cell.scores.clear()
    cell.scored = False
    sets = select(SetScoreRow).where(SetScoreRow.run_id == cell.run_id)
    rows = list(session.scalars(sets if cell.role == "reference" else sets.where(SetScoreRow.generator == cell.generator)))
    stand = {(row.generator, row.metric) for row in rows if same and _of_all_clips(session, row)}
    for row in rows:
        if (row.generator, row.metric) not in stand:  # all measures of a metric are of one comparison
            session.delete(row)
    return True


def _of_all_clips(session: Session, row: SetScoreRow) -> bool:
    """Whether a set was scored with no clip left out, neither of the generator nor (which only the remarks tell) of the reference.

    A metric may count clips of the same content once, so their contents are counted, and not ``n_total``, which has failed cells as well.
    """
    mine = (CellRow.run_id == row.run_id, CellRow.generator == row.generator, CellRow.role != "reference")
    contents = session.scalar(select(func.count(CellRow.clip_sha256.distinct())).where(*mine)) or 0
    left_out = any(" left out (" in remark for remark in row.details.get("remarks", ()))
    return row.status == "scored" and (row.n_used or 0) >= contents and not left_out
