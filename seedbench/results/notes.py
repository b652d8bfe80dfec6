"""Notes of a report: what a reader must know of a run besides its numbers, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seedbench.files.locks import run_lock
from seedbench.plugins.metric import MetricInfo
from seedbench.results.data import CellReport, SummaryRow
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, SetScoreRow, Store
from seedbench.store.damaged_clips import REGENERATED


def in_progress(store: Store, name: str) -> list[str]:
    """A sentence where a process works on a run now."""
    holder = store.locks.holder(run_lock(name))
    return [] if holder is None else [f"This run is being worked on ({holder}); this is what there was when the report was made."]


def state_notes(run: RunRow, cells: Sequence[CellRow], summary: Sequence[SummaryRow]) -> list[str]:
    notes = []
    if RunSpec.digest_of_json(run.spec) != run.spec_hash:
        notes.append("What this run was asked to do was changed in the database since it was planned: what is shown of it may be wrong.")
    unfinished = sum(cell.status == "planned" or not cell.scored for cell in cells)
    if unfinished:
        notes.append(f"This run is not finished: {unfinished} of {len(cells)} cells are missing. The same command goes on with it.")
    for status, words in (("failed", "failed (an outage, not a property of the model)"), ("refused", "were refused by the generator")):
        count = sum(cell.status == status for cell in cells)
        if count:
            notes.append(f"{count} of {len(cells)} cells {words}; they are counted in the table.")
    mixed = {(row.metric, row.measure) for row in summary if row.backend}
    for metric, measure in sorted(mixed):
        backends = {row.backend for row in summary if (row.metric, row.measure) == (metric, measure) and row.backend}
        if len(backends) > 1:
            notes.append(f"{metric}.{measure} was measured with {', '.join(sorted(backends))}; these are never pooled or compared.")
    return notes


def older_version_notes(older: Mapping[tuple[str, str], int], infos: Mapping[str, MetricInfo]) -> list[str]:
    return [
        f"Scores of {metric} under {backend} are of version {version} of the metric; version {infos[metric].version} is installed, and its "
        "numbers and signs may be others. The same run under another name scores the clips anew."
        for (metric, backend), version in sorted(older.items())
    ]


def clip_notes(cells: Sequence[CellRow], shown: Sequence[CellReport], unread: Sequence[str]) -> list[str]:
    """What there is to say of clips that are not what they were, cannot be read now, or had to be made twice."""
    notes = []
    if unread:
        notes.append(f"{len(unread)} of {len(shown)} clips cannot be read now and are not shown; their scores stand ({unread[0]}).")
    lost = [one for one in shown if one.status == "succeeded" and one.clip_path is None and one.reason not in unread]
    if lost:
        notes.append(
            f"{len(lost)} of {len(shown)} clips are damaged, changed or gone since they were scored; their scores stand, and they are not "
            f"shown (the first: {lost[0].reason}). The run's command makes again what it made."
        )
    again = [cell for cell in cells if REGENERATED in cell.facts and cell.status == "succeeded" and not cell.reason]
    if again:
        notes.append(f"{len(again)} of {len(cells)} clips were made a second time (the first: {again[0].facts[REGENERATED]}).")
    return notes


def set_notes(of_sets: Sequence[SetScoreRow]) -> list[str]:
    """What the set metrics want said beside their numbers, once each."""
    return list(dict.fromkeys(f"{row.metric}: {remark}" for row in of_sets for remark in row.details.get("remarks", ())))
