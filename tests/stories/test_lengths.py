"""One picture more or less at either end of a clip, or another frame rate, changes measures only a little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.generators.simulator import Simulator
from seedbench.metrics.analyses.speech import speech
from seedbench.metrics.impact import ImpactAlignment
from seedbench.metrics.lipsync import LipSync
from seedbench.metrics.physics import Physics
from seedbench.plugins.generator import Request
from seedbench.plugins.metric import Metric, Sample
from seedbench.suites.prompt import Prompt
from tests.stories.kernel_answers import PROMPTS

OF: dict[str, Prompt] = {prompt.id: prompt for prompt in PROMPTS}
SAME_MS = 3.0
"""Offsets of clips that differ by a picture differ by at most this."""


def rendered(prompt: Prompt, fps: int, folder: Path) -> Clip:
    """The simulator's clip of a prompt."""
    generation = Simulator().generate(Request(prompt=prompt, seed=0, width=320, height=180, fps=fps), folder)
    assert generation.file is not None
    return Clip.open(generation.file)


def cut(clip: Clip, first: int, count: int, folder: Path) -> Clip:
    """``count`` pictures from the ``first`` on with their sound, as a clip of its own."""
    fps, rate = clip.facts.fps, 48_000
    start_s = clip.video.time_s[first]
    sound = clip.audio(rate).samples[round(start_s * rate) : round((start_s + count / fps) * rate)]
    return Clip.open(write_clip(folder / f"{first}-{count}.mp4", clip.video.rgb[first : first + count], fps, sound, rate, crf=12))


def values(metric: Metric, clip: Clip, prompt: Prompt) -> dict[str, float | None]:
    """The value of each measure."""
    return {score.measure: score.value for score in metric.score(clip, Sample(prompt=prompt))}


@pytest.mark.parametrize(("fps", "first", "counts"), [(25, 0, range(44, 51)), (24, 1, range(43, 46)), (60, 3, (108, 109))])
def test_a_fall_is_judged_alike_whatever_the_length_the_start_and_the_rate(
    tmp_path: Path, fps: int, first: int, counts: range | tuple[int, ...]
) -> None:
    """Some of the lengths end one or two pictures after a contact."""
    clip = rendered(OF["drop"], fps, tmp_path)
    for count in counts:
        part = cut(clip, first, count, tmp_path)
        motion, sound = values(Physics(), part, OF["drop"]), values(ImpactAlignment(), part, OF["drop"])
        assert motion["plausibility"] == pytest.approx(1.0, abs=0.02), count
        assert motion["gravity_m_s2"] == pytest.approx(9.81, rel=0.04), count
        assert motion["restitution"] == pytest.approx(0.6, abs=0.05), count
        assert sound["offset_ms"] == pytest.approx(0.0, abs=SAME_MS), count
        assert sound["f1"] == 1.0, count


def test_the_offset_of_lips_is_the_same_whatever_the_length(tmp_path: Path) -> None:
    """At 30 pictures a second: for five of six lengths, offsets were once read from repeated pictures, up to 15 ms late."""
    clip = rendered(OF["talk"], 30, tmp_path)
    measured = [values(LipSync(), cut(clip, 0, count, tmp_path), OF["talk"]) for count in (90, 91, 94)]
    offsets = [measures["offset_ms"] for measures in measured]
    assert all(offset is not None for offset in offsets)
    assert np.ptp(np.array(offsets, float)) < SAME_MS
    assert {measures["matched"] for measures in measured} == {1.0}


def test_speech_is_detected_at_its_times_whatever_the_length(tmp_path: Path) -> None:
    clip = rendered(OF["talk"], 25, tmp_path)
    whole = speech(clip).segments_s
    for count in range(71, 80, 2):
        part = speech(cut(clip, 0, count, tmp_path)).segments_s
        expected = whole[whole[:, 0] < count / 25 - 0.1]
        assert part[:, 0] == pytest.approx(expected[:, 0], abs=0.033)
        assert part[:-1, 1] == pytest.approx(expected[:-1, 1], abs=0.033)
        assert part[-1, 1] == pytest.approx(min(expected[-1, 1], count / 25), abs=0.07)
