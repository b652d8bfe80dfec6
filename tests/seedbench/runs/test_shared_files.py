"""Clips that stand in a run several times are reported, by content and not by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seedbench.runs.make_spec import make_spec
from seedbench.runs.plan import remarks

MakeClip = Callable[..., Path]


def remarks_of(folder: Path, rows: list[str], **given: object) -> list[str]:
    path = folder / "clips.csv"
    path.write_text("\n".join(["generator,prompt_id,file,seed", *rows]) + "\n")
    return remarks(make_spec([f"import:path={path}"], metrics=["toy_brightness"], **given))  # type: ignore[arg-type]


def test_one_file_under_two_systems_is_reported(tmp_path: Path, make_clip: MakeClip) -> None:
    for number in range(2):
        make_clip(f"c{number}.mp4", frames=5, tone_hz=300 + 10 * number)
    (tmp_path / "copy.mp4").write_bytes((tmp_path / "c1.mp4").read_bytes())
    assert remarks_of(tmp_path, ["alpha,p1,c0.mp4,0", "alpha,p1,c1.mp4,2", "beta,p1,copy.mp4,0"]) == [
        "The same content stands under several systems (alpha, beta): 1 clip: c1.mp4 (prompt p1, seed 2) = copy.mp4 (prompt p1, seed 0)."
    ]


def test_one_file_under_two_prompts_or_seeds_of_a_system_is_reported(tmp_path: Path, make_clip: MakeClip) -> None:
    make_clip("c0.mp4", frames=5)
    assert remarks_of(tmp_path, ["alpha,p1,c0.mp4,0", "alpha,p1,c0.mp4,1", "alpha,p2,c0.mp4,0"]) == [
        "alpha: the same content several times, 1 clip: "
        "c0.mp4 (prompt p1, seed 0) = c0.mp4 (prompt p1, seed 1) = c0.mp4 (prompt p2, seed 0)."
    ]


def test_clips_that_differ_are_not_reported(tmp_path: Path, make_clip: MakeClip) -> None:
    for number in range(2):
        make_clip(f"c{number}.mp4", frames=5, tone_hz=300 + 10 * number)
    assert remarks_of(tmp_path, ["alpha,p1,c0.mp4,0", "beta,p1,c1.mp4,0"]) == []


def test_what_is_true_of_many_systems_is_one_sentence(tmp_path: Path, make_clip: MakeClip) -> None:
    make_clip("c0.mp4", frames=5)
    make_clip("c1.mp4", frames=5, tone_hz=500)
    rows = [f"m{index},p{number},c{number}.mp4,0" for index in range(7) for number in range(2)]
    sentences = remarks_of(tmp_path, [*rows, "n,p3,c0.mp4,0"])
    assert "m0, m1, m2, m3, m4 and 2 more: no clip for 1 prompt (p3) of the 3 in this run; they are not counted." in sentences
    assert len([sentence for sentence in sentences if "several systems" in sentence]) == 2
