"""Looking up runs and clips."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.errors import ArtifactError, ClipError, RunError, StorageError, did_you_mean
from seedbench.files.hashing import file_sha256
from seedbench.store import CellRow, RunRow
from seedbench.store.workspace import Workspace


def find_run(session: Session, name: str | None) -> RunRow:
    """The run called ``name``, or the newest one. Raises RunError."""
    query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id.desc())
    runs = list(session.scalars(query if name is None else query.where(RunRow.name == name)))
    if runs:
        return runs[0]
    names = list(session.scalars(select(RunRow.name)))
    if name is None or not names:
        raise RunError("there is no run yet; make one with `seedbench run`")
    raise RunError(f"there is no run called {name!r}{did_you_mean(name, names, list_known=True)}")


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
