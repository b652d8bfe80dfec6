"""The zero of a model in nature: lips that part, bursts that are heard, and what follows from both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seedbench.metrics.lipsync.known_offsets import CorpusError
from seedbench.metrics.lipsync.lip_release import bursts_s, leads_s, partings_s
from seedbench.metrics.lipsync.zero import SpeakerReading, estimate_zero, read_speakers

RATE = 16000


def syllables(bursts: list[float], *, duration_s: float = 4.0) -> np.ndarray:
    """Noise that stops 80 ms before each of ``bursts`` and sets in again at it."""
    rng = np.random.default_rng(0)
    time_s = np.arange(round(duration_s * RATE)) / RATE
    sound = rng.normal(size=len(time_s)) * 0.1
    for burst in bursts:
        sound[(time_s >= burst - 0.08) & (time_s < burst)] *= 1e-3
    return sound


def mouth(partings: list[float], *, duration_s: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """A mouth at 25 fps that shuts before each of ``partings`` and opens within 80 ms from it."""
    time_s = np.arange(round(duration_s * 25)) / 25
    opening = np.ones(len(time_s))
    for parting in partings:
        opening = np.minimum(opening, np.clip(np.maximum((time_s - parting) / 0.08, (parting - 0.08 - time_s) / 0.08), 0.0, 1.0))
    return opening, time_s


def test_bursts_are_found_to_a_few_milliseconds() -> None:
    known = [0.613, 1.402, 2.777, 3.1]
    assert bursts_s(syllables(known), RATE) == pytest.approx(known, abs=0.006)


def test_a_voice_that_hums_behind_shut_lips_hides_no_burst() -> None:
    hum = 0.05 * np.sin(2 * np.pi * 120 * np.arange(4 * RATE) / RATE)
    assert bursts_s(syllables([1.402]) + hum, RATE) == pytest.approx([1.402], abs=0.006)


def test_steady_sound_and_silence_have_no_burst() -> None:
    assert len(bursts_s(syllables([]), RATE)) == len(bursts_s(np.zeros(RATE), RATE)) == 0


def test_lips_that_part_are_found_between_pictures() -> None:
    known = np.array([0.61, 1.40, 2.79, 3.1])
    # a third of the movement of 80 ms has been done when the lips count as parted
    assert partings_s(*mouth(known.tolist())) == pytest.approx(known + 0.024, abs=0.012)


def test_lips_and_bursts_far_apart_make_no_pair() -> None:
    assert leads_s(np.array([1.0, 2.0]), np.array([1.02, 2.3])) == pytest.approx([0.02])


def test_a_late_recording_gives_the_same_zero() -> None:
    def readings(late_ms: float) -> list[SpeakerReading]:
        # the sound comes late: the model reads less, and the lips lead the bursts by more
        leads = (0.005, 0.012, -0.004)
        return [SpeakerReading("a", 50.0 - late_ms, np.array([lead + late_ms / 1000])) for lead in leads]

    in_time, late = estimate_zero(readings(0.0), stated=True), estimate_zero(readings(30.0), stated=True)
    assert in_time.zero[0] == pytest.approx(late.zero[0]) == pytest.approx(50.0 + 4.33, abs=0.01)
    assert in_time.zero[1] < in_time.zero[0] < in_time.zero[2]


def test_too_few_speakers_have_no_interval_and_no_zero() -> None:
    with pytest.raises(CorpusError, match="needs 3 of each"):
        estimate_zero([SpeakerReading("a", 40.0, np.array([0.01]))] * 2, stated=False)


def test_a_folder_without_clips_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no media file"):
        read_speakers(tmp_path, None)  # type: ignore[arg-type]
