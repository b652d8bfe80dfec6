"""From two rows of embeddings to LSE-D, LSE-C and the audio-video offset, as published and with the padding left out.

The published code pads the sound with zero vectors at both ends. A zero vector is nearer to any lip embedding than unrelated sound is,
so tracks with no relation to the sound are pulled to the largest lags and gain a confidence. The *faithful* search keeps that, for
comparison with papers; the *masked* one averages each lag over the windows that really have sound.

Sign: a positive offset means that the audio is early (it leads the picture).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.metrics.syncnet.tracks import median_filter
from seedbench.ties import middle_least

VSHIFT = 15
"""Lags searched on each side, in frames: both command lines of the published code use 15 (its function default of 10 is never used)."""
EDGE = 2
"""An offset within this many frames of the largest lag is no answer."""
CONFIDENCE_FRAMES = 9
SAME_DISTANCE = 1e-6
"""Mean distances that differ by less are equal: where all lags are, the middle one is the nearest."""
EPSILON = 1e-6
"""Added to every difference before the norm, as torch's pairwise_distance does."""


@dataclass(frozen=True)
class LagSearch:
    """Result of one search: ``mean_distance`` (2 vshift + 1,) over offsets ``vshift`` down to ``-vshift``.

    ``offset_frames`` is that of the least distance (positive: audio early), ``lse_d`` that distance, ``lse_c`` the median over lags less
    it.
    ``frame_confidence`` (n,) is the median less the distance of each window at the chosen lag, median-filtered over 9.
    """

    mean_distance: np.ndarray
    offset_frames: int
    lse_d: float
    lse_c: float
    frame_confidence: np.ndarray

    @property
    def vshift(self) -> int:
        """Lags searched on each side."""
        return len(self.mean_distance) // 2

    @property
    def offsets(self) -> np.ndarray:
        """Offset in frames (2 vshift + 1,) of each entry of ``mean_distance``."""
        return self.vshift - np.arange(len(self.mean_distance))

    @property
    def on_edge(self) -> bool:
        """Whether the least distance lies at or next to the largest lags, where it means nothing."""
        return abs(self.offset_frames) >= self.vshift - EDGE


def distances(lips: np.ndarray, sound: np.ndarray, *, vshift: int = VSHIFT) -> tuple[np.ndarray, np.ndarray]:
    """Distances (n, 2 vshift + 1) of each lip window to the sound at each lag, and where that sound is real (same shape).

    ``lips`` and ``sound`` are (n, D); beyond its ends sound is a zero vector. Entry [i, k] is |lips_i - sound_(i + k - vshift) + 1e-6|.

    >>> found, real = distances(np.array([[3.0, 4.0]]), np.array([[3.0, 4.0]]), vshift=1)
    >>> found.round(3).tolist(), real.tolist()
    ([[5.0, 0.0, 5.0]], [[False, True, False]])
    """
    count = len(lips)
    padded = np.pad(np.asarray(sound, np.float64), ((vshift, vshift), (0, 0)))
    lips = np.asarray(lips, np.float64)
    lags = 2 * vshift + 1
    found = np.stack([np.linalg.norm(lips - padded[k : k + count] + EPSILON, axis=1) for k in range(lags)], axis=1)
    index = np.arange(count)[:, None] + np.arange(lags) - vshift
    return found, (index >= 0) & (index < len(sound))


def search(distance: np.ndarray, real: np.ndarray | None = None) -> LagSearch:
    """Lag search over ``distance`` (n, 2 vshift + 1); ``real`` (same shape) leaves out the rest, None keeps all (the published way).

    ValueError when some lag has nothing to average.

    >>> rng = np.random.default_rng(0)
    >>> face = rng.normal(size=(60, 16))
    >>> early = np.roll(face, -3, axis=0)          # what is seen at frame i + 3 is heard at frame i: audio leads by 3
    >>> found = search(*distances(face, early))
    >>> found.offset_frames, round(found.lse_d, 3)
    (3, 0.0)
    """
    weights = np.ones_like(distance) if real is None else real.astype(np.float64)
    if not weights.any(axis=0).all():
        raise ValueError("too few windows for this many lags")
    curve = (distance * weights).sum(axis=0) / weights.sum(axis=0)
    best = middle_least(curve, tolerance=SAME_DISTANCE)
    middle = float(np.median(curve))
    confidence = middle - distance[:, best]
    confidence = median_filter(confidence, CONFIDENCE_FRAMES)
    return LagSearch(curve, len(curve) // 2 - best, float(curve[best]), middle - float(curve[best]), confidence)
