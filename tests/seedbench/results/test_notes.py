"""The notes of a report: how many cells have no clip, and why."""

from __future__ import annotations

import pytest

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.results.data import SummaryRow
from seedbench.results.notes import limit_notes, state_notes
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow

SPEC = RunSpec(suite="s", suite_version="1", suite_sha256="0", prompts=(), generators=(), metrics=())


def notes_of(*cells: tuple[str, str]) -> list[str]:
    run = RunRow(name="run", spec=SPEC.as_json(), spec_hash=SPEC.digest())
    return state_notes(run, [CellRow(status=status, reason=reason, scored=True) for status, reason in cells], [])


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ([("failed", "HTTP 503")], "Cells failed: 1 of 2. Reason: HTTP 503."),
        ([("failed", "the file holds no picture."), ("failed", "the file holds no picture.")],
         "Cells failed: 2 of 3. Reason: the file holds no picture."),
        ([("failed", "a"), ("failed", "b"), ("failed", "b")],
         "Cells failed: 3 of 4. Most frequent reason (2 of 3): b."),
        ([("refused", "policy")], "Cells refused by the generator: 1 of 2. Reason: policy."),
        ([("refused", ""), ("refused", "")], "Cells refused by the generator: 2 of 3. Reason: no reason given."),
    ],
)  # fmt: skip
def test_cells_without_a_clip_are_counted_with_their_most_frequent_reason(cells: list[tuple[str, str]], note: str) -> None:
    assert notes_of(("succeeded", ""), *cells) == [note]


def test_failed_and_refused_cells_have_notes_of_their_own_and_others_none() -> None:
    assert len(notes_of(("failed", "a"), ("refused", "b"))) == 2
    assert notes_of(("succeeded", "")) == []


def test_the_limits_of_a_metric_are_said_where_it_has_a_value() -> None:
    measure = Measure(name="d", title="d", unit="", direction="down", meaning="")
    infos = {
        name: MetricInfo(name=name, title=name, meaning="", citation="", version=1, measures=(measure,), limits=limits)
        for name, limits in (("one", "No ranking."), ("two", "No ranking."), ("silent", ""), ("unused", "Never shown."))
    }
    with_value = [SummaryRow(generator="g", metric=name, measure="d", value=1.0, n_scored=4) for name in ("one", "two", "silent")]
    without = SummaryRow(generator="g", metric="unused", measure="d", value=None, n_scored=0, reason="no clip")
    assert limit_notes(infos, [*with_value, without]) == ["one, two: No ranking."]
