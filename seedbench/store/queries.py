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
    """Look up a run.

    Args:
        session: an open session.
        name: the name of the run; None: the newest.

    Returns:
        The row, which belongs to the session.

    Raises:
        RunError: there is no such run; the message suggests the nearest name.
    """
    query = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id.desc())
    runs = list(session.scalars(query if name is None else query.where(RunRow.name == name)))
    if runs:
        return runs[0]
    names = list(session.scalars(select(RunRow.name)))
    if name is None or not names:
        raise RunError("there is no run yet; start one with `seedbench run`")
    raise RunError(f"there is no run called {name!r}{did_you_mean(name, names, list_known=True)}")


def clip_path(cell: CellRow, workspace: Workspace) -> Path:
    """The path of a cell's clip on this machine. A clip in the artifact store is checked; a file of the user's is not.

    Args:
        cell: the cell.
        workspace: where the clips are.

    Returns:
        The file. Do not write into it. A file of the user's may be gone.

    Raises:
        ArtifactError: the clip is gone from the store, or damaged.
        StorageError: the cell has no clip, or the store cannot be reached.
    """
    if cell.clip_path is not None:
        return Path(cell.clip_path)
    if cell.clip_sha256 is None:
        raise StorageError(f"{cell.generator}/{cell.prompt_id} has no clip")
    return workspace.artifacts.local(cell.clip_sha256, cell.clip_suffix)


def checked_clip(cell: CellRow, workspace: Workspace) -> Path:
    """The path of a cell's clip on this machine, certain to have the content that was scored: a file of the user's is checked as well.

    Args:
        cell: the cell.
        workspace: where the clips are.

    Returns:
        The file. Do not write into it.

    Raises:
        ArtifactError: the clip is gone, damaged, or has changed since it was taken into the run.
        StorageError: the cell has no clip, or the store cannot be reached.
    """
    path = clip_path(cell, workspace)
    if cell.clip_path is not None:
        try:
            sha256 = file_sha256(path)
        except ClipError as error:
            raise ArtifactError(f"{path.name} {str(error).removeprefix(f'{path}: ')}") from error
        if sha256 != cell.clip_sha256:
            raise ArtifactError(f"{path.name} has changed since it was taken into the run")
    return path
