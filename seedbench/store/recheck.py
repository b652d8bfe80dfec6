"""The clips of a run, looked at again: whether they are what they were, and what becomes of a cell whose clip is damaged or gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from seedbench.errors import ArtifactError, ClipError, StorageError
from seedbench.files.hashing import file_sha256
from seedbench.store import CellRow, RunRow, SetScoreRow
from seedbench.store.workspace import Workspace

#: Under this name a cell's facts say why its clip was made a second time.
MADE_AGAIN = "made_again"


def clip_path(cell: CellRow, workspace: Workspace) -> Path:
    """Where a cell's clip can be read.

    What is in the store is checked (ArtifactError: gone or damaged; StorageError: the store cannot be reached); a file of the user's is
    not, whoever scores it sees to that.
    """
    if cell.clip_path is not None:
        return Path(cell.clip_path)
    if cell.clip_sha256 is None:
        raise StorageError(f"{cell.generator}/{cell.prompt_id} has no clip")
    return workspace.artifacts.local(cell.clip_sha256, cell.clip_suffix)


def checked_clip(cell: CellRow, workspace: Workspace) -> Path:
    """As :func:`clip_path`, with the user's files checked as well. Raises ArtifactError where the clip is not the one that was scored."""
    path = clip_path(cell, workspace)
    if cell.clip_path is not None:
        try:
            found = file_sha256(path)
        except ClipError as error:
            raise ArtifactError(f"{path.name} {str(error).removeprefix(f'{path}: ')}") from error
        if found != cell.clip_sha256:
            raise ArtifactError(f"{path.name} has changed since it was taken into the run")
    return path


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


def in_use(session: Session, sha256: str, suffix: str, *, but_for: int) -> bool:
    """Whether a run other than the one with the id ``but_for`` has that artifact, as a clip or as the truth of one."""
    found = (CellRow.clip_sha256 == sha256) & (CellRow.clip_suffix == suffix) & CellRow.clip_path.is_(None)
    if suffix == ".json":
        found |= CellRow.truth_sha256 == sha256
    return session.scalar(select(CellRow.id).where(CellRow.run_id != but_for, found).limit(1)) is not None


def made_for(run: RunRow) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The artifacts (sha256, suffix) of a run: of its clips that were made for it, and of their truth."""
    clips = {(str(cell.clip_sha256), cell.clip_suffix) for cell in run.cells if cell.clip_sha256 and cell.clip_path is None}
    return clips, {(str(cell.truth_sha256), ".json") for cell in run.cells if cell.truth_sha256}
