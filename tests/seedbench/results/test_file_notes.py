"""What is unusual about the files of a run: one sentence for each kind, with the clips counted by generator."""

from __future__ import annotations

from seedbench.results.data import CellReport
from seedbench.results.file_notes import MOST_KINDS, file_notes
from seedbench.runs.clip_facts import ClipFacts

HELD = "made at 12 pictures per second and stored at 24; motion is measured on the 12"


def cells(generator: str, *notes: tuple[str, ...]) -> list[CellReport]:
    return [
        CellReport(
            generator=generator,
            prompt_id=f"p{i}",
            prompt_text="",
            task="text",
            seed=0,
            status="succeeded",
            clip_facts=ClipFacts(notes=of_clip),
        )
        for i, of_clip in enumerate(notes)
    ]


def test_what_several_clips_have_is_one_sentence_with_their_number() -> None:
    assert file_notes([*cells("gen-x", (HELD,), (HELD,)), *cells("gen-y", (), (HELD,), ())]) == [
        f"All 2 clips of gen-x, 1 of 3 of gen-y: {HELD}."
    ]


def test_what_a_single_clip_has_is_left_to_its_place_beside_the_clip() -> None:
    assert file_notes(cells("gen-x", ("the cover picture is left out",), ())) == []


def test_amounts_become_a_range_and_other_rates_another_kind() -> None:
    gaps = [(f"the sound has gaps of {ms} ms in all; they are silence",) for ms in (126, 40)]
    rates = [("made at 12 and stored at 24",), ("made at 15 and stored at 30",)] * 2
    assert file_notes([*cells("x", *gaps, ()), *cells("y", *rates)]) == [
        "2 of 3 clips of x: the sound has gaps of 40 to 126 ms in all; they are silence.",
        "2 of 4 clips of y: made at 12 and stored at 24.",
        "2 of 4 clips of y: made at 15 and stored at 30.",
    ]


def test_with_many_generators_the_most_frequent_are_named_and_the_others_counted() -> None:
    many = [cell for index in range(5) for cell in cells(f"g{index}", *[(HELD,)] * (6 - index), ())]
    assert file_notes(many) == [f"6 of 7 clips of g0, 5 of 6 of g1, 4 of 5 of g2, 5 clips of 2 other generators: {HELD}."]


def test_kinds_without_a_sentence_are_counted() -> None:
    notes = tuple(f"note {letter}" for letter in "abcdefghijk")
    sentences = file_notes(cells("x", notes, notes))
    assert len(sentences) == MOST_KINDS + 1
    assert "3 more kinds" in sentences[-1]


def test_facts_that_an_earlier_version_did_not_store_are_unknown() -> None:
    assert ClipFacts.from_stored({}) == ClipFacts()
    assert ClipFacts.from_stored({"fps": 0.0, "notes": []}) == ClipFacts()
    assert ClipFacts.from_stored({"fps": 24.99999999999998, "effective_fps": 12.5}) == ClipFacts(fps=25.0, effective_fps=12.5)
