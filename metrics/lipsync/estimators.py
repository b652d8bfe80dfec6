"""Lag estimators: how well lips and sound fit at every lag of +-15 frames, and how unusual the best fit is.

A lag of +k frames means that the sound is k frames early: lips at frame t belong to the sound of frame t - k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from seedbench.metrics.lipsync.features import aperture_in_speech_band, voice_energy
from seedbench.ties import first_greatest

MAX_LAG = 15
"""Frames (0.6 s) searched on each side, as SyncNet's tools do."""
LAGS = np.arange(-MAX_LAG, MAX_LAG + 1)
SAME_HEIGHT = 1e-9
"""Heights of a curve that differ by less are equal: the earliest lag is taken, and a curve with less curvature is flat."""
MIN_OVERLAP = 10
"""Frames that must overlap for a lag to count."""
DRAWS = 199
"""Sounds drawn for a null: p-values are multiples of 1 / 200."""


def lag_curve(lips: np.ndarray, sound: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Correlation of lips with sound at each lag, as a weighted mean over components.

    Only the overlap counts: nothing is padded, so unrelated tracks do not peak at the edges.

    Args:
        lips: (..., T, k) at 25 fps.
        sound: (..., T, k) at 25 fps; the leading axes of both are broadcast.
        weights: Of the components (k,); None: equal.

    Returns:
        (..., 31): one value for each of :data:`LAGS`; 0 where fewer than :data:`MIN_OVERLAP` frames overlap.

    >>> x = np.random.default_rng(0).normal(size=(80, 2))
    >>> int(LAGS[lag_curve(x, np.roll(x, -3, axis=0)).argmax()])
    3
    """
    n = min(lips.shape[-2], sound.shape[-2])
    lips, sound = _centred(lips[..., :n, :]), _centred(sound[..., :n, :])
    weights = np.ones(lips.shape[-1]) if weights is None else weights
    lags = LAGS[n - np.abs(LAGS) >= MIN_OVERLAP]
    lip_spans = np.maximum(0, lags), n + np.minimum(0, lags)
    sound_spans = np.maximum(0, -lags), n - np.maximum(0, lags)
    overlap = (n - np.abs(lags))[:, None]
    lip_sum, lip_power = _sums(lips, lip_spans), _sums(lips * lips, lip_spans)
    sound_sum, sound_power = _sums(sound, sound_spans), _sums(sound * sound, sound_spans)
    power = (lip_power - lip_sum**2 / overlap) * (sound_power - sound_sum**2 / overlap)
    products = _lagged_products(lips, sound, lags) - lip_sum * sound_sum / overlap
    curve = np.zeros((*products.shape[:-2], len(LAGS)))
    curve[..., lags + MAX_LAG] = (products / np.sqrt(np.maximum(power, 0.0) + 1e-12)) @ weights / weights.sum()
    return curve


def _centred(values: np.ndarray) -> np.ndarray:
    """``values`` (..., T, k) less their mean over time: sums of squares of values far from 0 would lose their last digits."""
    return values - values.mean(axis=-2, keepdims=True)


def _sums(values: np.ndarray, spans: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Sums of ``values`` (..., T, k) over L spans (starts, ends) of rows: (..., L, k)."""
    running = np.concatenate([np.zeros_like(values[..., :1, :]), np.cumsum(values, axis=-2)], axis=-2)
    return running[..., spans[1], :] - running[..., spans[0], :]


def _lagged_products(lips: np.ndarray, sound: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Sums over t of ``lips`` (..., t + lag, k) times ``sound`` (..., t, k) where both exist: (..., L, k)."""
    length = next_fast_len(lips.shape[-2] + MAX_LAG, real=True)  # the zeros at the end keep the two ends from overlapping
    spectrum = rfft(lips, length, axis=-2) * np.conj(rfft(sound, length, axis=-2))
    return np.asarray(irfft(spectrum, length, axis=-2)[..., lags, :])


def lag_terms(lips: np.ndarray, sound: np.ndarray, lags: Sequence[int], weights: np.ndarray | None = None) -> np.ndarray:
    """What each frame adds to :func:`lag_curve`.

    Args:
        lips: (T, k) at 25 fps.
        sound: (T, k) at 25 fps.
        lags: n whole lags.
        weights: Of the components (k,); None: equal.

    Returns:
        (T, n), 0 outside the overlap; the sums over T are the curve at these lags.

    >>> x = np.random.default_rng(0).normal(size=(80, 2))
    >>> bool(np.allclose(lag_terms(x, x[::-1], [-1, 3]).sum(axis=0), lag_curve(x, x[::-1])[[14, 18]]))
    True
    """
    n = min(len(lips), len(sound))
    weights = np.ones(lips.shape[1]) if weights is None else weights
    terms = np.zeros((n, len(lags)))
    for index, lag in enumerate(lags):
        if n - abs(lag) < MIN_OVERLAP:
            continue
        here = slice(max(0, lag), n + min(0, lag))
        v, a = lips[here], sound[max(0, -lag) : n - max(0, lag)]
        v, a = v - v.mean(axis=0), a - a.mean(axis=0)
        power = (v * v).sum(axis=0) * (a * a).sum(axis=0)
        terms[here, index] = (v * a / np.sqrt(power + 1e-12)) @ weights / weights.sum()
    return terms


@dataclass(frozen=True)
class LagPeak:
    """The best lag of a curve.

    Attributes:
        lag: Frames at 25 fps, interpolated.
        height: The curve at the maximum over whole frames.
        edge: Whether it lies at one of the last two lags.
    """

    lag: float
    height: float
    edge: bool


def peak(curve: np.ndarray) -> LagPeak:
    """The maximum of a lag curve, refined by a parabola through its neighbours.

    Args:
        curve: (31,) the fit at each of :data:`LAGS`.

    Returns:
        The maximum.

    >>> peak(np.exp(-0.5 * ((LAGS - 2.25) / 2) ** 2)).lag.__round__(1)
    2.2
    """
    index = first_greatest(curve, tolerance=SAME_HEIGHT)
    lag = float(LAGS[index])
    if 0 < index < len(curve) - 1:
        left, middle, right = curve[index - 1], curve[index], curve[index + 1]
        curvature = left - 2 * middle + right
        if curvature < -SAME_HEIGHT:
            lag += float(np.clip(0.5 * (left - right) / curvature, -0.5, 0.5))
    return LagPeak(lag, float(curve[index]), abs(int(LAGS[index])) >= MAX_LAG - 1)


def null_heights(pairs: Sequence[tuple[np.ndarray, np.ndarray]], *, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Peak heights (``draws``,) under the null hypothesis: lips against unrelated sounds that vary as fast.

    Each sound is replaced by one with the same spectrum and random phases (Theiler et al. 1992), which keeps its autocorrelation, the cause
    of high chance peaks. Circular shifts keep it too, but a clip of 4 s has few independent shifts: 18 to 22% of unrelated tracks had
    p < 5%. The curves of several stretches are pooled as the observed ones are.

    Args:
        pairs: Lips (T,) and sound (T,) of each stretch, at one rate.
        draws: How many sounds are drawn.
        seed: Seed of the draws; the same stretches have the same heights.
    """
    rng = np.random.default_rng(seed)
    frames = np.array([len(lips) for lips, _ in pairs], dtype=float)
    curves = [lag_curve(lips[:, None], _random_phase_copies(sound, draws, rng)[..., None]) for lips, sound in pairs]
    return np.asarray(np.average(np.stack(curves), axis=0, weights=frames).max(axis=-1))


def _random_phase_copies(values: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Series (``draws``, T) with the spectrum of ``values`` (T,) and random phases."""
    sizes = np.abs(np.fft.rfft(values - values.mean()))
    phases = np.exp(2j * np.pi * rng.random((draws, len(sizes))))
    if len(values) % 2 == 0:
        phases[:, -1] = 1.0  # the highest frequency has no phase
    return np.fft.irfft(sizes * phases, len(values))


def null_p_value(height: float, null: np.ndarray) -> float:
    """Share of null heights at least as high, counting the observed one.

    Args:
        height: The observed height.
        null: (n,) heights under the null hypothesis.

    Returns:
        0..1, never 0.

    >>> null_p_value(2.0, np.array([0.0, 1.0, 3.0]))
    0.5
    """
    return (1 + int((null >= height).sum())) / (1 + len(null))


def aperture_evidence(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The plain estimator: lip opening against voice energy, pooled over stretches.

    Args:
        pairs: Lip opening (T,) and sound features (4 T, bands) of each stretch.

    Returns:
        Lag curve (31,) and the heights (n,) of its peaks under the null hypothesis.
    """
    both = [(aperture_in_speech_band(opening), voice_energy(sound)) for opening, sound in pairs]
    frames = np.array([len(opening) for opening, _ in both], dtype=float)
    curves = [lag_curve(opening[:, None], energy[:, None]) for opening, energy in both]
    return np.average(np.stack(curves), axis=0, weights=frames), null_heights(both)
