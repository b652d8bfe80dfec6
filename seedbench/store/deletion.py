"""Deleting a run, and the clips that no other run uses."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.files.locks import run_lock
from seedbench.store import CellRow, RunRow, Store
from seedbench.store.queries import find_run
from seedbench.store.workspace import Workspace


def delete_run(store: Store, workspace: Workspace, name: str) -> int:
    """Forget a run and the clips made for it that no other run uses.

    Clips go first, each after a look whether another run has taken it over, with all who write kept waiting for the length of that look
    and of the removal; the run goes last. So whatever ends this midway, the same command goes on.

    Returns:
        How many clips were there and went.

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
            clips, truths = made_for(run)
            run_id = run.id
        removed = 0
        for sha256, suffix in sorted(clips | truths):
            with store.writing() as session:
                if not in_use(session, sha256, suffix, but_for=run_id) and workspace.artifacts.remove(sha256, suffix):
                    removed += (sha256, suffix) in clips
        with store.writing() as session:
            session.delete(session.get_one(RunRow, run_id))
    return removed


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
