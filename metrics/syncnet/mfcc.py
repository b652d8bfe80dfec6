"""Mel-frequency cepstra exactly as SyncNet was trained on them: the defaults of python_speech_features on 16-bit samples.

25-ms rectangular windows every 10 ms, pre-emphasis 0.97, 512-point power spectrum, 26 triangular mel filters from 0 to 8 kHz, log,
orthonormal DCT-II, 13 coefficients, lifter 22, and the first one replaced by the log energy of the window.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import dct

RATE = 16_000
WINDOW = 400
HOP = 160
POINTS = 512
FILTERS = 26
COEFFICIENTS = 13
LIFTER = 22
PRE_EMPHASIS = 0.97


def int16_samples(samples: np.ndarray) -> np.ndarray:
    """Samples as 16-bit integers, rounded and clipped as a WAV file holds them.

    The scale matters: samples in -1..1 would shift the energy coefficient by 2 ln 32768 = 20.79 and raise no error.

    Args:
        samples: (N,) in -1..1.

    Returns:
        (N,) int16.

    >>> int16_samples(np.array([-2.0, 0.5, 1.0]))
    array([-32768,  16384,  32767], dtype=int16)
    """
    return np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)


def frame_count(n_samples: int) -> int:
    """Columns of the cepstrogram: 1 + ceil((N - 400) / 160), at least 1; the last window is filled with zeros.

    >>> frame_count(16_000), frame_count(round(5.28 * 16_000))
    (99, 527)
    """
    return 1 if n_samples <= WINDOW else 1 + math.ceil((n_samples - WINDOW) / HOP)


def mel_filters() -> np.ndarray:
    """Triangular filters (26, 257) between 28 points evenly spaced in mel (2595 log10(1 + f/700)) from 0 to 8 kHz."""
    top = 2595.0 * np.log10(1.0 + RATE / 2 / 700.0)
    hertz = 700.0 * (10.0 ** (np.linspace(0.0, top, FILTERS + 2) / 2595.0) - 1.0)
    edges = np.floor((POINTS + 1) * hertz / RATE)
    bins = np.arange(POINTS // 2 + 1)
    filters = np.zeros((FILTERS, len(bins)))
    for row, (left, centre, right) in enumerate(zip(edges[:-2], edges[1:-1], edges[2:], strict=True)):
        rising = (bins >= left) & (bins < centre)
        falling = (bins >= centre) & (bins < right)
        filters[row, rising] = (bins[rising] - left) / (centre - left)
        filters[row, falling] = (right - bins[falling]) / (right - centre)
    return filters


def mfcc(samples: np.ndarray) -> np.ndarray:
    """Mel-frequency cepstral coefficients. Empty windows count as energy 2.2e-16, so that silence is finite.

    Args:
        samples: Sound (N,) at 16 kHz on the 16-bit scale.

    Returns:
        (n, 13).

    Raises:
        ValueError: If there are no samples.

    >>> tone = (1e4 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.int16)
    >>> mfcc(tone)[50, :3].round(3).tolist()
    [19.512, 19.509, 2.644]
    """
    signal = np.asarray(samples, np.float64)
    if not len(signal):
        raise ValueError("no samples")
    signal = np.append(signal[0], signal[1:] - PRE_EMPHASIS * signal[:-1])
    count = frame_count(len(signal))
    signal = np.pad(signal, (0, max(0, (count - 1) * HOP + WINDOW - len(signal))))
    windows = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::HOP][:count]
    power = np.abs(np.fft.rfft(windows, POINTS)) ** 2 / POINTS
    tiny = np.finfo(np.float64).eps
    energy = power.sum(axis=1)
    energy[energy == 0] = tiny
    bands = power @ mel_filters().T
    bands[bands == 0] = tiny
    cepstra = dct(np.log(bands), type=2, axis=1, norm="ortho")[:, :COEFFICIENTS]
    cepstra *= 1.0 + LIFTER / 2.0 * np.sin(np.pi * np.arange(COEFFICIENTS) / LIFTER)
    cepstra[:, 0] = np.log(energy)
    return cepstra
