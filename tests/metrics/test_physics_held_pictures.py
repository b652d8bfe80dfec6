"""Pictures that are shown twice, because a clip is stored at a higher rate than it was made at, change nothing for physics."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.metrics.physics import Physics
from seedbench.plugins.metric import Sample, Score
from seedbench.suites.prompt import Event, Prompt
from tests.metrics.discs import bouncing, film

GRAVITY_PX = 500.0
FALL_PX = 90.0
DROP = Event(kind="drop", start_s=0.4, height_m=FALL_PX * 9.81 / GRAVITY_PX)
PROMPT = Prompt(id="x", text="x", task="motion", duration_s=4.0, events=(DROP,))


def fall_at(fps: int) -> np.ndarray:
    time_s = np.arange(round(2.6 * fps)) / fps
    y, _ = bouncing(time_s, top=25.0, bottom=25.0 + FALL_PX, start_s=0.4, restitution=0.7, gravity=GRAVITY_PX)
    return film([(np.full(len(time_s), 120.0), y)], floor=124.0, noise=1.0)


def scored(path: Path) -> dict[str, Score]:
    return {score.measure: score for score in Physics().score(Clip.open(path), Sample(prompt=PROMPT))}


def stored_at(path: Path, pictures: np.ndarray, made_fps: int, stored_fps: int) -> Path:
    count = int(len(pictures) * Fraction(stored_fps, made_fps))
    shown = [int(number * Fraction(made_fps, stored_fps)) for number in range(count)]
    return write_clip(path, [pictures[number] for number in shown], stored_fps)


@pytest.mark.parametrize(("made_fps", "stored_fps"), [(15, 30), (24, 25), (24, 30), (25, 60), (12, 24)])
def test_a_fall_is_the_same_however_it_is_stored(tmp_path: Path, made_fps: int, stored_fps: int) -> None:
    pictures = fall_at(made_fps)
    plain = scored(write_clip(tmp_path / "plain.mp4", list(pictures), made_fps))
    held = scored(stored_at(tmp_path / "held.mp4", pictures, made_fps, stored_fps))
    for scores in (plain, held):
        assert scores["plausibility"].value == pytest.approx(1.0, abs=0.03)
    assert plain["gravity_m_s2"].value == pytest.approx(9.81, rel=0.03)
    assert held["gravity_m_s2"].value == pytest.approx(plain["gravity_m_s2"].value, rel=0.03)


def test_a_freeze_is_no_cadence_and_is_seen(tmp_path: Path) -> None:
    pictures = fall_at(24)
    frozen = np.concatenate([pictures[:14], np.repeat(pictures[14:15], 8, axis=0), pictures[14:-8]])
    value = scored(write_clip(tmp_path / "frozen.mp4", list(frozen), 24))["plausibility"].value
    assert value is None or value < 0.9
