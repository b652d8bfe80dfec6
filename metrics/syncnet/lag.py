"""From two rows of embeddings to LSE-D, LSE-C and the audio-video offset, as published and with the padding left out.

The published code pads the sound with zero vectors at both ends. A zero vector is nearer to any lip embedding than unrelated sound is,
so for tracks with no relation to the sound the nearest lag is one of the largest, with some confidence. The *faithful* search keeps that,
for comparison with papers; the *masked* one averages each lag over the windows that have sound.

Sign: a positive offset means that the audio is early (it leads the picture).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.metrics.syncnet.tracks import median_filter
from seedbench.ties import middle_least

VSHIFT = 15
"""Lags searched on each side, in frames: both commands of the published code use 15 (the default 10 of its function is never used)."""
EDGE_FRAMES = 2
"""An offset within this many frames of the largest lag is no answer."""
CONFIDENCE_FRAMES = 9
SAME_DISTANCE = 1e-6
"""Mean distances that differ by less are equal; if all lags are equal, the middle one counts as the nearest."""
EPSILON = 1e-6
"""Added to every difference before the norm, as torch's pairwise_distance does."""


@dataclass(frozen=True)
class LagSearch:
    """Result of one search.

    Attributes:
        mean_distance: (2 vshift + 1,) over offsets ``vshift`` down to ``-vshift`` frames.
        offset_frames: The offset of the least distance (positive: audio early).
        lse_d: That distance (Prajwal et al. 2020).
        lse_c: The median over lags minus that distance.
        frame_confidence: (n,) the median minus the distance of each window at the chosen lag, median-filtered over 9.
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
        """Whether the least distance lies at or next to the largest lags, where it is not reliable."""
        return abs(self.offset_frames) >= self.vshift - EDGE_FRAMES


def lag_distances(lips: np.ndarray, sound: np.ndarray, *, vshift: int = VSHIFT) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each lip window to the sound at each lag. Beyond its ends the sound is a zero vector, as in the published code.

    Args:
        lips: Embeddings (n, D).
        sound: Embeddings (n, D).
        vshift: Lags searched on each side, in frames.

    Returns:
        Distances (n, 2 vshift + 1), with |lips_i - sound_(i + k - vshift) + 1e-6| at [i, k], and a mask of the same shape: where there is
        sound.

    >>> distance, has_sound = lag_distances(np.array([[3.0, 4.0]]), np.array([[3.0, 4.0]]), vshift=1)
    >>> distance.round(3).tolist(), has_sound.tolist()
    ([[5.0, 0.0, 5.0]], [[False, True, False]])
    """
    count = len(lips)
    padded = np.pad(np.asarray(sound, np.float64), ((vshift, vshift), (0, 0)))
    lips = np.asarray(lips, np.float64)
    lags = 2 * vshift + 1
    distance = np.stack([np.linalg.norm(lips - padded[k : k + count] + EPSILON, axis=1) for k in range(lags)], axis=1)
    index = np.arange(count)[:, None] + np.arange(lags) - vshift
    return distance, (index >= 0) & (index < len(sound))


def search_lags(distance: np.ndarray, has_sound: np.ndarray | None = None) -> LagSearch:
    """Find the lag at which lips and sound are nearest.

    Args:
        distance: (n, 2 vshift + 1), see :func:`lag_distances`.
        has_sound: Mask of the same shape: only these entries are averaged. None: all, as in the published code.

    Raises:
        ValueError: If a lag has nothing to average.

    >>> rng = np.random.default_rng(0)
    >>> face = rng.normal(size=(60, 16))
    >>> early = np.roll(face, -3, axis=0)          # what is seen at frame i + 3 is heard at frame i: audio leads by 3
    >>> result = search_lags(*lag_distances(face, early))
    >>> result.offset_frames, round(result.lse_d, 3)
    (3, 0.0)
    """
    weights = np.ones_like(distance) if has_sound is None else has_sound.astype(np.float64)
    if not weights.any(axis=0).all():
        raise ValueError("too few windows for this many lags")
    curve = (distance * weights).sum(axis=0) / weights.sum(axis=0)
    best = middle_least(curve, tolerance=SAME_DISTANCE)
    middle = float(np.median(curve))
    confidence = middle - distance[:, best]
    confidence = median_filter(confidence, CONFIDENCE_FRAMES)
    return LagSearch(curve, len(curve) // 2 - best, float(curve[best]), middle - float(curve[best]), confidence)
