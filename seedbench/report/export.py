"""Exporting a run: a folder that holds spec, samples, media and report, and needs nothing else."""

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


def export_run(store: Store, workspace: Workspace, name: str, out: Path, *, tell: Callable[[str], object] = lambda text: None) -> Path:
    """Write a self-contained folder: ``spec.json``, ``samples.jsonl``, ``media/``, and the report with its tables.

    Args:
        store: the database.
        workspace: where the clips are.
        name: the run.
        out: the folder; it must not be there yet.
        tell: is told, in a sentence each, which clips are not in the folder because they are damaged, changed or gone, and whether the
            run is still being worked on.

    Raises:
        RunError: there is no such run.
        StorageError: the folder is there already, or cannot be written; or the clips cannot be read now.
    """
    with store.reading() as session:
        return _export(session, store, workspace, name, out, tell)


def _export(session: Session, store: Store, workspace: Workspace, name: str, out: Path, tell: Callable[[str], object]) -> Path:
    report = load_report(store, workspace, name, session=session, needs_clips=True)
    try:
        out.mkdir(parents=True)
    except FileExistsError:
        raise StorageError(f"{out} is there already; name a folder that does not exist yet") from None
    except OSError as error:
        raise StorageError(f"{out} cannot be made ({error.strerror})") from error
    try:
        (out / "media").mkdir()
        run = find_run(session, name)
        (out / "spec.json").write_text(json.dumps(run.spec, indent=1))
        lines = [_sample(cell, workspace, out / "media") for cell in run.cells]
        (out / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    except OSError as error:
        raise StorageError(f"{out} cannot be written ({error.strerror})") from error
    for text in in_progress(store, name):
        tell(text)
    for line in lines:
        if line["media_missing"]:
            tell(f"{line['generator']}, {line['prompt_id']}, seed {line['seed']}: {line['media_missing']}")
    write_report(report, out)
    return out


def _copied(cell: CellRow, workspace: Workspace, media: Path) -> tuple[str | None, str]:
    """The name under which a cell's clip lies in ``media``, its copy checked; or None, and why."""
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
