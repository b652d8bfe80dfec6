"""Exporting a run: one folder with its spec, samples, media and report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from seedbench.errors import ArtifactError, StorageError
from seedbench.files.hashing import file_sha256
from seedbench.report.write import write_report
from seedbench.results.load import load_report
from seedbench.results.notes import in_progress
from seedbench.store import CellRow, Store
from seedbench.store.queries import checked_clip, find_run
from seedbench.store.workspace import Workspace


def export_run(
    store: Store, workspace: Workspace, name: str, out: Path, *, on_message: Callable[[str], object] = lambda text: None
) -> Path:
    """Write a self-contained folder: ``spec.json``, ``samples.jsonl``, ``media/``, and the report with its tables.

    Args:
        store: The database of the workspace.
        workspace: Where the clips are.
        name: The run.
        out: The folder to write; it must not exist.
        on_message: Called with one sentence for each clip that is left out because it is damaged, changed or gone, and with one where
            the run is still being worked on.

    Returns:
        The folder.

    Raises:
        RunError: There is no such run.
        StorageError: The folder exists or cannot be written, or the clips cannot be read now.
    """
    with store.reading() as session:
        return _export(session, store, workspace, name, out, on_message)


def _export(session: Session, store: Store, workspace: Workspace, name: str, out: Path, on_message: Callable[[str], object]) -> Path:
    report = load_report(store, workspace, name, session=session, needs_clips=True)
    try:
        out.mkdir(parents=True)
    except FileExistsError:
        raise StorageError(f"{out} exists already; name a folder that does not exist yet") from None
    except OSError as error:
        raise StorageError(f"{out} cannot be created ({error.strerror})") from error
    try:
        (out / "media").mkdir()
        run = find_run(session, name)
        (out / "spec.json").write_text(json.dumps(run.spec, indent=1))
        samples = [_sample(cell, workspace, out / "media") for cell in run.cells]
        (out / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    except OSError as error:
        raise StorageError(f"{out} cannot be written ({error.strerror})") from error
    for text in in_progress(store, name):
        on_message(text)
    for sample in samples:
        if sample["media_missing"]:
            on_message(f"{sample['generator']}, {sample['prompt_id']}, seed {sample['seed']}: {sample['media_missing']}")
    write_report(report, out)
    return out


def _copied(cell: CellRow, workspace: Workspace, media: Path) -> tuple[str | None, str]:
    """Copy a cell's clip into ``media``: the name of the checked copy, or None and the reason."""
    if cell.status != "succeeded":
        return None, ""
    name = f"{cell.clip_sha256}{cell.clip_suffix}"
    copy = media / name
    try:
        source = checked_clip(cell, workspace)
        if not copy.exists():
            shutil.copyfile(source, copy)
        if file_sha256(copy) != cell.clip_sha256:
            copy.unlink()
            raise ArtifactError(f"{source.name} was changed while it was copied")
    except ArtifactError as error:
        return None, f"its clip is left out: {error}"
    return name, ""


def _sample(cell: CellRow, workspace: Workspace, media: Path) -> dict[str, object]:
    name, missing = _copied(cell, workspace, media)
    return {
        "generator": cell.generator,
        "role": cell.role,
        "prompt_id": cell.prompt_id,
        "seed": cell.seed,
        "status": cell.status,
        "reason": cell.reason,
        "media": f"media/{name}" if name else None,
        "media_missing": missing,
        "latency_s": cell.latency_s,
        "cost_usd": cell.cost_usd,
        "facts": cell.facts,
        "scores": [
            {
                "metric": row.metric,
                "measure": row.measure,
                "value": row.value,
                "status": row.status,
                "reason": row.reason,
                "backend": row.backend,
                "version": row.metric_version,
                "details": row.details,
            }
            for row in cell.scores
        ],
    }
