"""The picture of an evaluation: what was seen stands over what was heard, at its time, and who made nothing shows nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.generators.reference import sheet
from seedbench.generators.reference.evaluation import first_of_each_kind
from seedbench.generators.reference.evaluation_table import EvaluatedClip
from seedbench.suites.prompt import Prompt

RATE = 16000


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds: red then green, silent then a tone of 3 kHz."""
    pictures = [np.full((72, 128, 3), (200, 0, 0) if k < 25 else (0, 200, 0), np.uint8) for k in range(50)]
    sound = 0.5 * np.sin(2 * np.pi * 3000 * np.arange(2 * RATE) / RATE).astype(np.float32)
    sound[:RATE] = 0
    return write_clip(tmp_path / "clip.mp4", pictures, 25, sound, RATE)


def test_a_strip_shows_pictures_at_their_time_until_the_clip_ends(clip: Path) -> None:
    strip = sheet.pictures_of(Clip.open(clip), 4.0)
    width = strip.shape[1] // sheet.N_PICTURES
    colours = [strip[36, index * width + width // 2] for index in range(sheet.N_PICTURES)]
    assert [int(colour.argmax()) for colour in colours[:4]] == [0, 0, 1, 1]  # half a second each
    assert all(colour.tolist() == [236, 236, 236] for colour in colours[4:])  # the clip is over


def test_a_strip_shows_sound_at_its_time_with_high_tones_at_the_top(clip: Path) -> None:
    bands = sheet.sound_of(Clip.open(clip), 2.0).astype(float).sum(2)
    silent, heard = bands[:, : bands.shape[1] * 45 // 100], bands[:, bands.shape[1] * 55 // 100 :]
    assert silent.max() < 60 < heard.max()
    loudest = heard.mean(1).argmax() / len(bands)
    assert 0.2 < loudest < 0.5  # 3 kHz of 8, on the mel scale
    assert sheet.sound_of(Clip.open(clip), 4.0)[:, 520:].max() < 60  # after its end


def test_a_clip_without_sound_is_drawn_as_silence(tmp_path: Path) -> None:
    file = write_clip(tmp_path / "mute.mp4", [np.zeros((72, 128, 3), np.uint8)] * 25, 25, None, RATE)
    assert sheet.sound_of(Clip.open(file), 1.0).max() < 60


def test_the_page_has_a_strip_for_each_system_and_grey_where_a_clip_is_missing(clip: Path, tmp_path: Path) -> None:
    import cv2

    page = sheet.draw([sheet.PromptStrips("Red, then green.", (sheet.Strip("a", "", clip),))], tmp_path / "one.png")
    page_of_two = sheet.draw(
        [sheet.PromptStrips("Red, then green.", (sheet.Strip("a", "", clip), sheet.Strip("b", "", None)))], tmp_path / "two.png"
    )
    small, large = cv2.imread(str(page)), cv2.imread(str(page_of_two))
    assert np.array_equal(large[: len(small) - 20], small[:-20])
    lower = large[len(small) - 8 : -20, -500:-20]
    assert (lower == 236).all(2).any(1).sum() > 100


def test_the_first_prompt_of_each_kind_is_shown_with_its_figures(clip: Path) -> None:
    shots = [{"start_s": 0, "end_s": 2}]
    prompts = [
        Prompt.model_validate({"id": f"{task}-{n}", "text": f"{task} {n}", "task": task, "duration_s": 2.0, "shots": shots})
        for task in ("talking", "reference", "impact", "strength")
        for n in range(2)
    ]
    clips = [
        EvaluatedClip("joint", "talking-0", {"lipsync.offset_ms": -12.3, "lipsync.confidence": 3.21}, clip, 1.0),
        EvaluatedClip("cascaded", "impact-0", {"impact.recall": 0.5}, clip, 1.0),
    ]
    talking, reference, impact = first_of_each_kind(prompts, clips)
    assert [block.text for block in (talking, reference, impact)] == ["talking 0", "reference 0", "impact 0"]
    assert [strip.name for strip in talking.strips] == ["simulator", "joint", "cascaded"]
    assert talking.strips[1] == sheet.Strip("joint", "sound early, ms: -12\nconfidence: 3.2", clip)
    assert talking.strips[0].clip is None
    assert impact.strips[2].scored == "contacts heard: 50%\nplausible: no answer"
