"""What lips and sound are trained on: variants that stay in sync, speech that is not in a batch twice."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.metrics.lipsync.augmentation import add_second_voices, shift_formants, varied_window, vary_faces
from seedbench.metrics.lipsync.estimators import lag_curve, peak
from seedbench.metrics.lipsync.same_speech import sound_correlations, speech_groups


def ramp(rows: int, slope: float) -> np.ndarray:
    """Rows that say what time it is."""
    return (slope * np.arange(rows, dtype=np.float32))[:, None]


def test_a_varied_window_states_the_lag_that_it_has() -> None:
    rng = np.random.default_rng(0)
    rates = []
    for _ in range(50):  # each row holds the moment that it belongs to, in seconds; the sound is 3 frames early
        lips, sound, lag = varied_window(ramp(400, 1 / 25), ramp(1600, 1 / 100) + 3 / 25, 3.0, 60, 8, rng)
        assert (len(lips), len(sound)) == (60, 240)
        rates.append(25 * float(lips[40, 0] - lips[20, 0]) / 20)
        if 1.0 < lips[0, 0] < 12.0:  # elsewhere the sound may begin or end within the window
            heard = np.interp(4 * (30 - lag), np.arange(240), sound[:, 0])
            assert heard == pytest.approx(lips[30, 0], abs=0.002)
    assert np.std(rates) == pytest.approx(0.04, abs=0.015)


def test_a_shifted_formant_moves_to_another_band() -> None:
    sound = np.zeros((64, 5, 40))
    sound[:, :, 20] = 1.0
    peaks = shift_formants(sound, np.random.default_rng(1))[:, 0].argmax(axis=1)
    assert peaks.min() < 20 < peaks.max()
    assert abs(peaks - 20).max() <= 3


def test_a_second_voice_fills_silence_and_leaves_loud_speech() -> None:
    rng = np.random.default_rng(2)
    sounds = np.where(rng.random((100, 200, 1)) < 0.5, -11.0, 0.0) * np.ones(40)
    mixed = add_second_voices(sounds - sounds.mean(axis=1, keepdims=True), np.ones(40), rng)
    silence = np.array([values[quiet].mean() - values[~quiet].mean() for values, quiet in zip(mixed, sounds < -5, strict=True)])
    changed = silence > -10.9
    assert changed.mean() == pytest.approx(0.3, abs=0.12)
    assert silence[changed].max() < -3.0


def test_one_sound_alone_gets_no_second_voice() -> None:
    sound = np.random.default_rng(3).normal(size=(1, 100, 40))
    assert np.array_equal(add_second_voices(sound, np.ones(40), np.random.default_rng(3)), sound)


def test_another_face_moves_at_the_same_time() -> None:
    lips = np.random.default_rng(4).normal(size=(3, 120, 96))
    varied = vary_faces(lips, np.random.default_rng(4))
    for before, after in zip(lips, varied, strict=True):
        assert peak(lag_curve(before, after)).lag == pytest.approx(0.0, abs=0.1)
        assert not np.allclose(before, after, atol=0.1)


def test_the_same_speech_is_known_at_another_time_and_under_noise() -> None:
    rng = np.random.default_rng(5)
    speech, other = rng.normal(size=(600, 40)), rng.normal(size=(500, 40))
    noisy = speech[90:] + 0.3 * rng.normal(size=(510, 40))
    assert speech_groups([speech, other, noisy]).tolist() == [0, 1, 0]
    correlations = sound_correlations([speech, other, noisy])
    assert correlations[0, 2] == pytest.approx(1 / np.sqrt(1.09), abs=0.02)
    assert correlations[0, 1] < 0.1
    assert np.array_equal(correlations, correlations.T)


def test_no_clips_have_no_speech_in_common() -> None:
    assert sound_correlations([]).shape == (0, 0)
