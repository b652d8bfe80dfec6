"""Summaries for the prompts of each tag value."""

from __future__ import annotations

from collections.abc import Collection

from seedbench.results.data import SliceSummary, SummaryRow
from seedbench.results.slices import notes_on_slices, slice_summaries, slices_of
from seedbench.suites.prompt import Prompt


def prompt(name: str, **tags: tuple[str, ...]) -> Prompt:
    return Prompt(id=name, text=name, task="unknown", tags=tags)


PROMPTS = [
    prompt("a", style=("anime",), dimension=("colour", "motion"), note=("first",)),
    prompt("b", style=("real",), dimension=("motion",), note=("second",)),
    prompt("c", style=("anime",)),
]


def test_prompts_are_grouped_by_each_value_of_each_tag() -> None:
    assert slices_of(PROMPTS) == {
        ("style", "anime"): ["a", "c"],
        ("style", "real"): ["b"],
        ("dimension", "colour"): ["a"],
        ("dimension", "motion"): ["a", "b"],
    }


def test_tags_that_group_nothing_are_left_out_with_a_note() -> None:
    assert notes_on_slices(PROMPTS) == ["Results are not grouped by the tag 'note': no two prompts share a value."]
    free = [prompt(f"p{n}", words=("w", f"w{n}")) for n in range(60)]
    assert slices_of(free) == {}
    assert notes_on_slices(free) == ["Results are not grouped by the tag 'words': it has 61 values, and at most 50 are summarised."]
    assert notes_on_slices([prompt("a")]) == []


def test_each_group_is_summarised_over_its_own_prompts() -> None:
    def summarise(ids: Collection[str]) -> list[SummaryRow]:
        return [SummaryRow(generator="g", metric="m", measure="v", value=float(len(ids)), n_scored=len(ids))]

    rows = slice_summaries(PROMPTS, summarise)
    assert [(row.tag, row.tag_value, row.n_prompts, row.row.value) for row in rows] == [
        ("style", "anime", 2, 2.0),
        ("style", "real", 1, 1.0),
        ("dimension", "colour", 1, 1.0),
        ("dimension", "motion", 2, 2.0),
    ]
    assert isinstance(rows[0], SliceSummary)
