"""Notes of a report: what a reader must know of a run besides its numbers, in sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from seedbench.files.locks import run_lock
from seedbench.plugins.metric import MetricInfo
from seedbench.results.data import CellReport, SummaryRow
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, SetScoreRow, Store
from seedbench.store.damaged_clips import REGENERATED


def in_progress(store: Store, name: str) -> list[str]:
    """Whether a process works on the run now, as a note.

    Args:
        store: The database of the workspace.
        name: The name of the run.

    Returns:
        One sentence that names the process; empty where none works on it.

    Raises:
        StorageError: The locks of the database cannot be read.
    """
    holder = store.locks.holder(run_lock(name))
    return [] if holder is None else [f"This run is being worked on ({holder}). The report shows what was finished when it was written."]


def state_notes(run: RunRow, cells: Sequence[CellRow], summary: Sequence[SummaryRow]) -> list[str]:
    """Notes on a changed spec, missing cells, cells without a clip, and measures with several backends.

    Args:
        run: The stored run.
        cells: Its cells, those of the reference set apart.
        summary: The summary of the run.

    Returns:
        One sentence for each; empty where there is nothing to say.
    """
    notes = []
    if RunSpec.digest_of_json(run.spec) != run.spec_hash:
        notes.append("The spec of this run was changed in the database after the run was planned: its results may be shown wrongly.")
    unfinished = sum(cell.status == "planned" or not cell.scored for cell in cells)
    if unfinished:
        notes.append(f"This run is not finished: {unfinished} of {len(cells)} cells are missing. The same command continues it.")
    notes += _without_clip(cells)
    backends: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in summary:
        if row.backend:
            backends[row.metric, row.measure].add(row.backend)
    for (metric, measure), names in sorted(backends.items()):
        if len(names) > 1:
            notes.append(f"{metric}.{measure} was measured with {', '.join(sorted(names))}; these are never pooled or compared.")
    return notes


def _without_clip(cells: Sequence[CellRow]) -> list[str]:
    """How many cells failed, expired or were refused, and the most frequent reason of each."""
    notes = []
    verbs = {"failed": "failed", "expired": "expired", "unknown": "without a known outcome", "refused": "refused by the generator"}
    for status, verb in verbs.items():
        reasons = Counter(cell.reason or "no reason given" for cell in cells if cell.status == status)
        if reasons:
            reason, n = reasons.most_common(1)[0]
            which = "Reason" if len(reasons) == 1 else f"Most frequent reason ({n} of {reasons.total()})"
            notes.append(f"Cells {verb}: {reasons.total()} of {len(cells)}. {which}: {reason.rstrip('.')}.")
    return notes


def older_version_notes(older: Mapping[tuple[str, str], int], infos: Mapping[str, MetricInfo]) -> list[str]:
    """Notes on scores of another version of a metric than the installed one.

    Args:
        older: The version of the scores, by metric and backend (:func:`seedbench.results.versions.older_versions`).
        infos: What the metrics declare, by metric name.

    Returns:
        One note for each metric and backend.
    """
    return [
        f"Scores of {metric} under {backend} are of version {version} of the metric; version {infos[metric].version} is installed and may "
        "give other numbers and signs. To score the clips again, give the same run another name."
        for (metric, backend), version in sorted(older.items())
    ]


def clip_notes(rows: Sequence[CellRow], cells: Sequence[CellReport], unread: Sequence[str]) -> list[str]:
    """Notes on clips that cannot be read now, that are damaged or gone, or that were generated twice.

    Args:
        rows: The stored cells, those of the reference set as well.
        cells: The cells of the report.
        unread: The reason for each clip that cannot be read now (:class:`seedbench.results.cells.ClipFinder`).

    Returns:
        One sentence for each kind of problem, with the number of clips and the first reason.
    """
    notes = []
    if unread:
        notes.append(f"{len(unread)} of {len(cells)} clips cannot be read now and are not shown; their scores stand ({unread[0]}).")
    lost = [cell for cell in cells if cell.status == "succeeded" and cell.clip_path is None and cell.reason not in unread]
    if lost:
        notes.append(
            f"{len(lost)} of {len(cells)} clips are damaged, changed or gone since they were scored; their scores stand, and they are not "
            f"shown (the first: {lost[0].reason}). The run's command generates again the clips that it generated itself."
        )
    again = [row for row in rows if REGENERATED in row.facts and row.status == "succeeded" and not row.reason]
    if again:
        notes.append(f"{len(again)} of {len(rows)} clips were generated a second time (the first: {again[0].facts[REGENERATED]}).")
    return notes


def limit_notes(infos: Mapping[str, MetricInfo], summary: Sequence[SummaryRow]) -> list[str]:
    """What the numbers of the metrics do not say, for each metric with a value in the run that declares such limits.

    Args:
        infos: What the metrics declare, by metric name.
        summary: The summary of the run.

    Returns:
        One note for each, in the order of ``infos``.
    """
    with_value = {row.metric for row in summary if row.value is not None}
    limits: dict[str, list[str]] = defaultdict(list)
    for name, info in infos.items():
        if info.limits and name in with_value:
            limits[info.limits].append(name)
    return [f"{', '.join(names)}: {text}" for text, names in limits.items()]


def set_notes(set_rows: Sequence[SetScoreRow]) -> list[str]:
    """The remarks of the set metrics, each once."""
    return list(dict.fromkeys(f"{row.metric}: {remark}" for row in set_rows for remark in row.details.get("remarks", ())))
