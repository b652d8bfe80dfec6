"""The notes of a report: how many cells have no clip, and why."""

from __future__ import annotations

import pytest

from seedbench.results.notes import state_notes
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
