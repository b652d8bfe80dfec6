"""What can be done with runs that are there: compare two, delete one, export one."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from seedbench.errors import ArtifactError, StorageError
from seedbench.files.hashing import file_sha256
from seedbench.files.locks import run_lock
from seedbench.report.write import write_report
from seedbench.results.data import RunReport, SummaryRow
from seedbench.results.load import find_run, in_progress, load_report, spec_of
from seedbench.results.statistics import holm, paired_difference
from seedbench.store import CellRow, RunRow, Store
from seedbench.store.recheck import checked_clip, in_use, made_for
from seedbench.store.workspace import Workspace


@dataclass(frozen=True)
class ComparedRow:
    """One generator and measure of two runs, ready for a table."""

    generator: str
    measure: str
    first: str
    second: str
    difference: str
    p: str
    n_prompts: int


def _number(row: SummaryRow | None) -> str:
    if row is None:
        return "not in this run"
    if row.value is None:
        return row.reason
    bounds = f" [{row.low:.3g}, {row.high:.3g}]" if row.low is not None and row.high is not None else ""
    return f"{row.value:.3g}{bounds} ({row.n_scored}/{row.n_scored + row.n_unscored + row.n_failed})"


def _values(
    report: RunReport, generator: str, metric: str, measure: str, backend: str, *, absolute: bool, left_out: Sequence[str]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for cell in report.cells:
        if cell.prompt_id in left_out:
            continue
        for one in cell.scores:
            if (cell.generator, one.metric, one.measure, one.backend) == (generator, metric, measure, backend) and one.value is not None:
                found[cell.prompt_id].append(abs(one.value) if absolute else one.value)
    return found


def changed_prompts(store: Store, first: str, second: str) -> list[str]:
    """Ids under which two runs asked for different things: another text, length, cast or anything else of the prompt.

    Args:
        store: The database of the workspace.
        first: The name of a run.
        second: The name of another run.

    Returns:
        The ids, in the order of the first run. :func:`compare_runs` leaves these prompts out.

    Raises:
        RunError: There is no run of that name.
    """
    asked = {prompt.id: prompt for prompt in spec_of(store, second).prompts}
    return [prompt.id for prompt in spec_of(store, first).prompts if asked.get(prompt.id, prompt) != prompt]


def compare_runs(store: Store, workspace: Workspace, first: str, second: str) -> list[ComparedRow]:
    """Two runs side by side: headline measures, paired by prompt where both have answers; Holm over the tests made. Raises RunError.

    Prompts are paired by id where both runs asked for the same under it (see :func:`changed_prompts`).
    """
    changed = changed_prompts(store, first, second)
    reports = [load_report(store, workspace, name) for name in (first, second)]
    headline = {(facts.metric, facts.measure.name): facts.measure for facts in reports[0].measures if facts.measure.headline}
    summaries = [{(row.generator, row.metric, row.measure, row.backend): row for row in report.summary} for report in reports]
    keys = [key for key in dict.fromkeys([*summaries[0], *summaries[1]]) if (key[1], key[2]) in headline and key[3]]
    rows = []
    for generator, metric, measure, backend in keys:
        absolute = headline[metric, measure].direction == "zero"
        low, high = headline[metric, measure].averaged_range
        sides = [_values(report, generator, metric, measure, backend, absolute=absolute, left_out=changed) for report in reports]
        rows.append(((generator, metric, measure, backend), paired_difference(sides[1], sides[0], low=low, high=high)))
    values = [paired.p_value(rate=headline[key[1], key[2]].rate) for key, paired in rows]
    tested = [index for index, value in enumerate(values) if value is not None]
    adjusted = dict(zip(tested, holm([value for value in values if value is not None]), strict=True))
    return [
        ComparedRow(
            generator=key[0],
            measure=f"{key[1]}.{key[2]}",
            first=_number(summaries[0].get(key)),
            second=_number(summaries[1].get(key)),
            difference="no common prompt"
            if paired.difference is None
            else f"{paired.difference:+.3g}"
            + (f" [{paired.low:+.3g}, {paired.high:+.3g}]" if paired.low is not None and paired.high is not None else ""),
            p=f"{adjusted[index]:.3f}" if index in adjusted else "too few prompts",
            n_prompts=paired.n_prompts,
        )
        for index, (key, paired) in enumerate(rows)
    ]


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
    report = load_report(store, workspace, name, moment=session, needs_clips=True)
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
