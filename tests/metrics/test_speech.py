"""Log-mel and speech segments."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.metrics.analyses.speech import MEL_FLOOR, log_mel, speech_of, speech_probability, speech_segments


def tone(frequency: float, seconds: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(int(16000 * seconds)) / 16000)).astype(np.float32)


@pytest.mark.parametrize(("samples", "windows"), [(399, 0), (400, 1), (16000, 98), (84480, 526)])
def test_log_mel_counts_whole_windows(samples: int, windows: int) -> None:
    assert log_mel(np.zeros(samples)).shape == (windows, 40)


def test_silence_lies_at_the_floor() -> None:
    assert log_mel(np.zeros(1600)) == pytest.approx(np.log(MEL_FLOOR))


def test_a_higher_tone_peaks_in_a_higher_band() -> None:
    peaks = [int(log_mel(tone(frequency, 0.5)).mean(axis=0).argmax()) for frequency in (200, 1000, 5000)]
    assert peaks == sorted(set(peaks))


def test_an_event_is_found_at_its_time() -> None:
    sound = np.zeros(16000)
    sound[8000:8160] = 0.5
    loudest = int(log_mel(sound).sum(axis=1).argmax())
    assert 0.0125 + loudest * 0.01 == pytest.approx(0.505, abs=0.011)


@pytest.mark.parametrize(
    "sound", [np.zeros(16000, np.float32), tone(440, 1.0), 0.05 * np.random.default_rng(0).normal(size=16000).astype(np.float32)]
)
def test_silence_tones_and_noise_are_no_speech(sound: np.ndarray) -> None:
    assert speech_of(sound).duration_s == 0.0


def test_probability_has_one_value_for_each_32_ms() -> None:
    assert len(speech_probability(np.zeros(16000, np.float32))) == 32
    assert len(speech_probability(np.empty(0, np.float32))) == 0


def test_a_short_pause_does_not_divide_speech_and_a_short_sound_is_none() -> None:
    probability = np.array([0.9, 0.9, 0.1, 0.9, 0.9, 0, 0, 0, 0, 0.9, 0, 0])
    assert speech_segments(probability, 0.06).round(2).tolist() == [[0.0, 0.3]]


def test_the_level_of_silence_is_bounded() -> None:
    assert speech_of(np.zeros(16000, np.float32)).level_dbfs == -120.0
