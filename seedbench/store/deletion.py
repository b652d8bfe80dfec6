"""Deleting a run, and the clips that no other run uses."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.files.locks import run_lock
from seedbench.store import CellRow, RunRow, Store
from seedbench.store.queries import find_run
from seedbench.store.workspace import Workspace


def delete_run(store: Store, workspace: Workspace, name: str) -> int:
    """Delete a run, and those clips made for it that no other run uses.

    The clips are removed first, one by one. While it is checked that no other run uses a clip, and while that clip is removed, no other
    process can write. The run itself is removed last: if the deletion is interrupted, the same command completes it.

    Args:
        store: the database of the run.
        workspace: where its clips are.
        name: the run.

    Returns:
        How many clips were removed.

    Raises:
        RunError: there is no such run.
        HeldError: another process works on it.
        StorageError: a clip cannot be removed; the run is still there.
    """
    with store.session() as session:
        name = find_run(session, name).name
    with store.locks.hold(run_lock(name)):
        with store.session() as session:
            run = find_run(session, name)
            clips, truths = artifacts_of(run)
            run_id = run.id
        removed = 0
        for sha256, suffix in sorted(clips | truths):
            with store.writing() as session:
                if not is_used_elsewhere(session, sha256, suffix, except_run=run_id) and workspace.artifacts.remove(sha256, suffix):
                    removed += (sha256, suffix) in clips
        with store.writing() as session:
            session.delete(session.get_one(RunRow, run_id))
    return removed


def is_used_elsewhere(session: Session, sha256: str, suffix: str, *, except_run: int) -> bool:
    """Whether another run has an artifact, as a clip or as the ground truth of a clip.

    Args:
        session: an open session.
        sha256: the hash of the artifact.
        suffix: the ending of its name, with the dot.
        except_run: the database id of the run that does not count.

    Returns:
        True if the artifact must stay.
    """
    matches = (CellRow.clip_sha256 == sha256) & (CellRow.clip_suffix == suffix) & CellRow.clip_path.is_(None)
    if suffix == ".json":
        matches |= CellRow.truth_sha256 == sha256
    return session.scalar(select(CellRow.id).where(CellRow.run_id != except_run, matches).limit(1)) is not None


def artifacts_of(run: RunRow) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The artifacts (sha256, suffix) that were made for a run: its clips, and their ground truth."""
    clips = {(str(cell.clip_sha256), cell.clip_suffix) for cell in run.cells if cell.clip_sha256 and cell.clip_path is None}
    return clips, {(str(cell.truth_sha256), ".json") for cell in run.cells if cell.truth_sha256}
