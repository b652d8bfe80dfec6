"""Log mel bands and back: the right band, the right time, the same samples each time."""

from __future__ import annotations

import numpy as np
import pytest
from librosa import mel_frequencies

from seedbench.generators.reference.sound import BANDS, COLUMNS_PER_FRAME, FLOOR, HOP, RATE, fitted, log_mel, synthesised

CENTRES = mel_frequencies(n_mels=BANDS + 2, fmin=40, fmax=RATE / 2)[1:-1]


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def click(at_s: float, seconds: float = 1.0) -> np.ndarray:
    samples = np.zeros(round(seconds * RATE), np.float32)
    start = round(at_s * RATE)
    samples[start : start + 48] = 0.5 * np.random.default_rng(0).standard_normal(48)
    return samples


@pytest.mark.parametrize("hertz", [220, 1000, 3500])
@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_a_tone_is_loudest_in_its_band(hertz: float, rate: int) -> None:
    bands = log_mel(tone(hertz, rate=rate), rate)[20:80].mean(0)
    assert abs(int(bands.argmax()) - int(np.abs(CENTRES - hertz).argmin())) <= 1


def test_silence_is_the_floor() -> None:
    bands = log_mel(np.zeros(RATE, np.float32), RATE)
    assert bands.shape == (101, BANDS)
    assert (bands == np.float32(FLOOR)).all()


def test_there_is_a_column_every_10_ms() -> None:
    bands = log_mel(click(0.5), RATE)
    assert abs(int(bands.mean(1).argmax()) - 50) <= 1
    assert COLUMNS_PER_FRAME == 4


@pytest.mark.parametrize("length", [0, 1, 500])
def test_a_sound_shorter_than_a_window_is_filled_with_silence(length: int) -> None:
    assert log_mel(np.zeros(length, np.float32), RATE).shape == (7, BANDS)


def test_columns_are_cut_or_filled_with_silence() -> None:
    columns = np.ones((5, BANDS), np.float32)
    assert fitted(columns, 3).shape == (3, BANDS)
    longer = fitted(columns, 8)
    assert (longer[:5] == 1).all()
    assert (longer[5:] == np.float32(FLOOR)).all()


@pytest.mark.parametrize("hertz", [220, 1000, 3500])
def test_a_synthesised_tone_keeps_its_frequency(hertz: float) -> None:
    samples = synthesised(log_mel(tone(hertz), RATE)[:100])
    spectrum = np.abs(np.fft.rfft(samples))
    heard = np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()]
    band = int(np.abs(CENTRES - hertz).argmin())
    assert CENTRES[max(0, band - 2)] < heard < CENTRES[band + 2]


@pytest.mark.parametrize("at_s", [0.2, 0.53, 0.8])
def test_a_synthesised_click_keeps_its_time(at_s: float) -> None:
    samples = synthesised(log_mel(click(at_s), RATE)[:100])
    energy = samples**2
    centre_s = float((energy * np.arange(len(samples))).sum() / energy.sum()) / RATE
    assert centre_s == pytest.approx(at_s + 0.0015, abs=0.02)
    near = energy[round((at_s - 0.05) * RATE) : round((at_s + 0.05) * RATE)]
    assert near.sum() > 0.9 * energy.sum()


def test_synthesised_sound_keeps_its_level() -> None:
    asked = tone(440)
    samples = synthesised(log_mel(asked, RATE)[:100])
    assert np.sqrt((samples**2).mean()) == pytest.approx(np.sqrt((asked**2).mean()), rel=0.3)


@pytest.mark.parametrize("columns", [12, 50, 101])
def test_the_length_is_that_of_the_columns(columns: int) -> None:
    samples = synthesised(np.full((columns, BANDS), -4.0, np.float32))
    assert samples.shape == (columns * HOP,)
    assert samples.dtype == np.float32


def test_silence_stays_silent() -> None:
    assert np.abs(synthesised(np.full((50, BANDS), FLOOR, np.float32))).max() < 1e-6


def test_the_same_seed_gives_the_same_samples() -> None:
    columns = log_mel(np.random.default_rng(1).standard_normal(RATE // 2).astype(np.float32) * 0.1, RATE)
    assert np.array_equal(synthesised(columns, seed=3), synthesised(columns, seed=3))
    assert not np.array_equal(synthesised(columns, seed=3), synthesised(columns, seed=4))


@pytest.mark.parametrize("level", [4.0, 50.0])
def test_samples_never_leave_the_range(level: float) -> None:
    samples = synthesised(np.full((50, BANDS), level, np.float32))
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.0
