"""Sound as log mel bands, and back to samples with librosa's Griffin-Lim."""

from __future__ import annotations

import functools

import numpy as np

RATE = 16000
HOP = 160
WINDOW = 800
N_FFT = 1024
BANDS = 80
COLUMNS_PER_FRAME = RATE // HOP // 25
FLOOR = float(np.log(1e-5))
"""The lowest value of a log mel band."""
_ITERATIONS = 48


@functools.cache
def _mel_filters() -> np.ndarray:
    from librosa.filters import mel

    return np.asarray(mel(sr=RATE, n_fft=N_FFT, n_mels=BANDS, fmin=40, fmax=RATE / 2), np.float32)


def log_mel(samples: np.ndarray, rate: int) -> np.ndarray:
    """Log magnitudes in mel bands, a column every 10 ms from time 0.

    Args:
        samples: (N,) mono in -1..1.
        rate: Samples a second.

    Returns:
        (T, 80) between :data:`FLOOR` and about 4.
    """
    from librosa import stft

    if rate != RATE:
        import soxr

        samples = soxr.resample(samples, rate, RATE)
    if len(samples) < N_FFT:
        samples = np.pad(samples, (0, N_FFT - len(samples)))
    spectrum = np.abs(stft(np.asarray(samples, np.float32), n_fft=N_FFT, hop_length=HOP, win_length=WINDOW, center=True))
    return np.asarray(np.log(np.maximum(_mel_filters() @ spectrum, 1e-5)).T, np.float32)


def fitted(columns: np.ndarray, count: int) -> np.ndarray:
    """Columns cut or filled with silence to a length.

    Args:
        columns: (T, 80) log mel bands.
        count: The number of columns.

    Returns:
        (count, 80).
    """
    if len(columns) >= count:
        return columns[:count]
    return np.concatenate([columns, np.full((count - len(columns), BANDS), FLOOR, np.float32)])


def synthesised(columns: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Sound with log mel bands close to the given ones, by the algorithm of Griffin and Lim (1984).

    Args:
        columns: (T, 80) log mel bands, a column every 10 ms.
        seed: The seed of the first phases.

    Returns:
        (160 T,) float32 at 16 kHz in -1..1.
    """
    from librosa import griffinlim

    bands = np.exp(np.clip(columns, FLOOR, 6.0)).T
    bands = np.where(columns.T <= FLOOR + 0.05, 0.0, bands)
    spectrum = _spectrum_of(bands)
    samples = griffinlim(spectrum, n_iter=_ITERATIONS, hop_length=HOP, win_length=WINDOW, n_fft=N_FFT, random_state=seed)
    return np.clip(np.pad(np.asarray(samples, np.float32), (0, len(columns) * HOP - len(samples))), -1.0, 1.0)


def _spectrum_of(bands: np.ndarray) -> np.ndarray:
    """A spectrum (513, T) without negative values whose mel bands are ``bands`` (80, T), by multiplicative updates from a flat one."""
    filters = _mel_filters()
    spectrum = filters.T @ (bands / np.maximum(filters.sum(1, keepdims=True), 1e-8))
    for _ in range(12):
        spectrum *= (filters.T @ bands) / np.maximum(filters.T @ (filters @ spectrum), 1e-9)
    return np.asarray(spectrum, np.float32)
