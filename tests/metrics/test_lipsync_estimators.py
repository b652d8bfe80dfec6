"""Lag curves, peaks, nulls, CCA and the encoder's arithmetic, on signals whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from seedbench.metrics.lipsync.cca import COSINES, KERNEL_WIDTH, Cca, fit_cca, random_frequencies, ridge_cca
from seedbench.metrics.lipsync.encoder import LIP_LAYERS, SOUND_LAYERS, LipSyncEncoder, conv1d
from seedbench.metrics.lipsync.estimators import (
    DRAWS,
    LAGS,
    MAX_LAG,
    _random_phase_copies,
    aperture_evidence,
    lag_curve,
    null_heights,
    null_p_value,
    peak,
)

RNG = np.random.default_rng(5)


def smooth_noise(rng: np.random.Generator, n: int, k: int = 1) -> np.ndarray:
    return np.stack([np.convolve(rng.normal(size=n + 8), np.hanning(9), mode="valid") for _ in range(k)], axis=1)


@settings(max_examples=30, deadline=None)
@given(st.integers(-12, 12), st.integers(0, 1000))
def test_a_known_shift_comes_back_exactly(shift: int, seed: int) -> None:
    source = smooth_noise(np.random.default_rng(seed), 160, 2)
    lips, sound = source[20:140], source[20 + shift : 140 + shift]  # sound[t] = lips[t + shift]: early by shift frames
    assert LAGS[lag_curve(lips, sound).argmax()] == shift


def test_positive_means_the_sound_is_early() -> None:
    lips, sound = np.zeros((100, 1)), np.zeros((100, 1))
    lips[50:55], sound[45:50] = 1.0, 1.0  # the mouth opens at frame 50, its sound came at 45
    assert LAGS[lag_curve(lips, sound).argmax()] == 5


def test_a_stack_of_sounds_gives_the_curve_of_each() -> None:
    lips, sounds = smooth_noise(RNG, 90, 3), np.stack([smooth_noise(RNG, 90, 3) for _ in range(4)])
    weights = np.array([1.0, 2.0, 0.5])
    alone = np.stack([lag_curve(lips, sound, weights) for sound in sounds])
    assert lag_curve(lips, sounds, weights) == pytest.approx(alone)


def test_exchanging_lips_and_sound_mirrors_the_curve() -> None:
    lips, sound = smooth_noise(RNG, 90, 3), smooth_noise(RNG, 90, 3)
    assert lag_curve(sound, lips)[::-1] == pytest.approx(lag_curve(lips, sound))


def test_unrelated_tracks_do_not_peak_at_the_edge() -> None:
    rng = np.random.default_rng(1)
    lags = [abs(int(LAGS[lag_curve(smooth_noise(rng, 100), smooth_noise(rng, 100)).argmax()])) for _ in range(300)]
    assert np.mean(lags) == pytest.approx(7.7, abs=1.0)


@pytest.mark.parametrize("true", [-3.5, -0.25, 0.0, 1.4, 7.3])
def test_the_peak_is_found_between_frames(true: float) -> None:
    assert peak(np.exp(-0.5 * ((LAGS - true) / 2.5) ** 2)).lag == pytest.approx(true, abs=0.06)


@pytest.mark.parametrize(("lag", "edge"), [(15, True), (-14, True), (13, False)])
def test_a_peak_at_the_edge_is_marked(lag: int, edge: bool) -> None:
    assert peak(np.exp(-0.5 * ((LAGS - lag) / 2.5) ** 2)).edge is edge


@pytest.mark.parametrize("frames", [100])
@pytest.mark.parametrize("smooth", [0.0, 0.9])
def test_unrelated_tracks_are_called_related_no_more_often_than_p_says(frames: int, smooth: float) -> None:
    rng, trials = np.random.default_rng(frames), 150
    values = []
    for _ in range(trials):
        tracks = lfilter([1.0], [1.0, -smooth], rng.normal(size=(2, frames + 100)))[:, 100:]
        curve, null = aperture_evidence([(np.abs(tracks[0]), np.repeat(tracks[1], 4)[:, None] * np.ones(40))])
        values.append(null_p_value(float(curve.max()), null))
    for level in (0.05, 0.2):
        assert np.mean(np.array(values) <= level) <= level + 3.5 * np.sqrt(level * (1 - level) / trials)
    assert np.mean(values) < 0.65  # and not because every p is high


def test_a_null_sound_has_the_spectrum_of_the_sound() -> None:
    rng = np.random.default_rng(4)
    for n in (60, 61):
        sound = smooth_noise(rng, n)[:, 0]
        drawn = _random_phase_copies(sound, 5, rng)
        assert np.abs(np.fft.rfft(drawn))[:, 1:] == pytest.approx(np.tile(np.abs(np.fft.rfft(sound - sound.mean()))[1:], (5, 1)))
        assert not np.allclose(drawn[0], drawn[1])


def test_null_heights_of_stretches_are_pooled_as_the_curve_is() -> None:
    rng = np.random.default_rng(5)
    pairs = [(smooth_noise(rng, 90)[:, 0], smooth_noise(rng, 90)[:, 0]) for _ in range(4)]
    alone, pooled = null_heights(pairs[:1]), null_heights(pairs)
    assert len(alone) == DRAWS
    assert pooled.mean() < alone.mean()
    assert np.array_equal(pooled, null_heights(pairs))


def test_the_plain_estimator_follows_the_voice() -> None:
    opening = np.abs(smooth_noise(RNG, 150))[:, 0]
    sound = np.repeat(np.roll(opening, 4), 4)[:, None] * np.ones(40)  # the sound comes 4 frames after the lips
    curve, null = aperture_evidence([(opening, sound)])
    assert peak(curve).lag == pytest.approx(-4, abs=0.6)
    assert null_p_value(float(curve.max()), null) < 0.05


def test_more_noise_makes_a_lower_peak() -> None:
    lips = smooth_noise(RNG, 150, 2)
    heights = [lag_curve(lips, lips + noise * RNG.normal(size=lips.shape)).max() for noise in (0.0, 1.0, 3.0, 9.0)]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == pytest.approx(1.0)


def test_cca_finds_only_the_shared_direction() -> None:
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(4000, 1))
    x = np.hstack([shared + 0.5 * rng.normal(size=(4000, 1)), rng.normal(size=(4000, 2))])
    y = np.hstack([rng.normal(size=(4000, 2)), shared + 0.5 * rng.normal(size=(4000, 1))])
    correlations = ridge_cca(x - x.mean(0), y - y.mean(0), ridge=0.0, k=2)[2]
    assert correlations[0] == pytest.approx(0.8, abs=0.02)
    assert correlations[1] < 0.06


def test_a_fitted_cca_recovers_offsets_of_clips_it_has_not_seen() -> None:
    rng = np.random.default_rng(4)
    mixing_lips, mixing_sound = rng.normal(size=(2, 96)), rng.normal(size=(2, 40))

    def clip(offset: int) -> tuple[np.ndarray, np.ndarray]:
        source = smooth_noise(rng, 200, 2)
        lips = source[20:160] @ mixing_lips
        heard = np.repeat(source[20 + offset : 160 + offset], 4, axis=0) @ mixing_sound
        return lips + 0.1 * rng.normal(size=lips.shape), heard + 0.1 * rng.normal(size=heard.shape)

    offsets = [0.0, 1.0, -1.0, 0.0, 2.0]
    clips = [clip(int(offset)) for offset in offsets]
    fitted: Cca = fit_cca([lips for lips, _ in clips], [sound for _, sound in clips], offsets)
    for offset in (-6, 0, 9):
        lips, sound = clip(offset)
        assert LAGS[lag_curve(fitted.lips(lips), fitted.sound(sound), fitted.weights).argmax()] == offset


def test_a_fitted_cca_finds_a_relation_that_is_not_linear() -> None:
    rng = np.random.default_rng(8)
    mixing = rng.normal(size=(1, 96)), rng.normal(size=(1, 40))

    def clip() -> tuple[np.ndarray, np.ndarray]:
        """The sound is loud where the lips are far from their middle, on either side."""
        opening = smooth_noise(rng, 250, 1)
        heard = np.repeat(np.abs(opening) - np.abs(opening).mean(), 4, axis=0)
        return opening @ mixing[0] + 0.1 * rng.normal(size=(250, 96)), heard @ mixing[1] + 0.1 * rng.normal(size=(1000, 40))

    clips = [clip() for _ in range(12)]
    fitted = fit_cca([lips for lips, _ in clips], [sound for _, sound in clips], [0.0] * len(clips))
    lips, sound = clip()
    first = lag_curve(fitted.lips(lips)[:, :1], fitted.sound(sound)[:, :1])
    assert LAGS[first.argmax()] == 0
    assert first.max() > 0.5


def test_random_features_approximate_a_gaussian_kernel() -> None:
    rng = np.random.default_rng(9)
    rows = rng.normal(size=(40, 32))
    cosines = np.concatenate([np.cos(rows @ random_frequencies(rng, 32) + rng.uniform(0, 2 * np.pi, COSINES)) for _ in range(40)], axis=1)
    kernel = 2 * cosines @ cosines.T / cosines.shape[1]
    squared = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    assert kernel == pytest.approx(np.exp(-squared / (2 * (KERNEL_WIDTH**2 * 2 * 32))), abs=0.05)


def test_the_encoder_equals_torch() -> None:
    import torch

    rng = np.random.default_rng(6)
    x, weight, bias = rng.normal(size=(21, 3)), rng.normal(size=(4, 3, 5)), rng.normal(size=4)
    wanted = torch.nn.functional.conv1d(torch.from_numpy(x.T[None]), torch.from_numpy(weight), torch.from_numpy(bias), stride=2, padding=2)[
        0
    ].numpy()
    assert conv1d(x, weight, bias, 2) == pytest.approx(wanted.T)


def test_encoded_lips_and_sound_are_unit_vectors_at_25_a_second() -> None:
    rng = np.random.default_rng(7)

    def row(inputs: int, layers: tuple[tuple[int, int], ...]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
        sizes = [inputs, *[8] * len(layers)]
        weights = tuple(rng.normal(size=(8, into, width)) for into, (width, _) in zip(sizes, layers, strict=False))
        return weights, tuple(rng.normal(size=8) for _ in layers)

    encoder = LipSyncEncoder(*row(96, LIP_LAYERS), *row(40, SOUND_LAYERS), np.ones(96), np.ones(40))
    lips, sound = encoder.lips(rng.normal(size=(50, 96))), encoder.sound(rng.normal(size=(200, 40)))
    assert lips.shape == sound.shape == (50, 8)
    assert np.linalg.norm(sound, axis=1) == pytest.approx(1.0)


def test_a_lag_that_leaves_no_overlap_counts_nothing() -> None:
    curve = lag_curve(smooth_noise(RNG, 20), smooth_noise(RNG, 20))
    assert curve[0] == 0.0
    assert curve[MAX_LAG] != 0.0


@pytest.mark.parametrize("seed", range(8))
def test_rounding_does_not_move_a_peak(seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-1e-15, 1e-15, len(LAGS))
    flat, twin = np.full(len(LAGS), 0.25), np.exp(-0.5 * ((LAGS - 13.5) / 2.0) ** 2)
    assert (peak(flat + noise).lag, peak(flat + noise).edge) == (-15.0, True)
    assert (peak(twin + noise).lag, peak(twin + noise).edge) == (pytest.approx(13.5), False)
