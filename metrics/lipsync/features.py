"""The input of the estimators: features of the lips at 25 a second and of the sound at 100 a second. Pure functions of arrays.

Lips: points of FaceMesh, turned upright by the line of the eyes and divided by a *smoothed* face scale (the distance of the eyes alone
collapses on a turned head and jitters from frame to frame), left and right averaged, slow head motion filtered out, outliers limited.
Sound: log-mel, floored at a fixed depth below the loudest part (so that neither loudness nor a quiet noise floor matters), mean removed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

FPS = 25.0
SOUND_PER_FRAME = 4
"""Sound features per video frame (100 Hz)."""

MESH_POINTS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95, 185, 40, 39, 37, 0),
    *(267, 269, 270, 409, 415, 310, 311, 312, 13, 82, 81, 42, 183, 78, 33, 263, 1, 6, 152, 148, 377, 10, 234, 454),
)
"""The mesh points used: the lips, then eyes, nose, chin, forehead, sides of the face."""

_COLUMN = {point: k for k, point in enumerate(MESH_POINTS)}
_PAIRS = (
    *((61, 291), (146, 375), (91, 321), (181, 405), (84, 314), (185, 409), (40, 270), (39, 269), (37, 267)),
    *((78, 308), (95, 324), (88, 318), (178, 402), (87, 317), (183, 415), (42, 310), (81, 311), (82, 312)),
)
"""Points of the lips, the person's right and left."""
_MIDDLE = (17, 0, 14, 13, 152)

SLOW_FRAMES = 12.0
"""Motion slower than a Gaussian of this many frames is head motion, not speech."""
SMOOTH_FRAMES = 0.7
OUTLIER_LIMIT = 2.5
"""Deviations are limited to this many robust standard deviations."""
MEL_DEPTH = 11.0
"""Log-mel is floored this many nats (48 dB) below the loudest half per cent of the clip."""
VOICE_SHARE = 0.3
"""Voice is what is louder than this share of the way from the quietest to the loudest frames."""
VOICE_MARGIN = 15
"""Frames (0.6 s) kept around voice: the range of the lag search."""
MIN_MESH_SCORE = 0.5
"""Frames whose mesh score is lower are filled in by interpolation."""


@dataclass(frozen=True)
class LipFeatures:
    """Lips of one face in one stretch, at 25 a second.

    Attributes:
        shape: (T, 96) features with their velocities.
        aperture: (T,) inner lip opening as a share of the face scale (about the distance of the eyes), unfiltered.
        seen: Share 0..1 of frames with a trusted mesh.
    """

    shape: np.ndarray
    aperture: np.ndarray
    seen: float


def mesh_points(landmarks: np.ndarray) -> np.ndarray:
    """The points of a mesh that are used.

    Args:
        landmarks: (T, 468, 2 or more) full mesh.

    Returns:
        (T, 50, 2).

    >>> mesh_points(np.zeros((3, 468, 3))).shape
    (3, 50, 2)
    """
    return np.asarray(landmarks)[:, list(MESH_POINTS), :2].astype(np.float64)


def _point(points: np.ndarray, mesh_index: int) -> np.ndarray:
    return points[:, _COLUMN[mesh_index]]


def _distance(points: np.ndarray, a: int, b: int) -> np.ndarray:
    return np.linalg.norm(_point(points, a) - _point(points, b), axis=1)


def upright(points: np.ndarray) -> np.ndarray:
    """Turn points (T, 50, 2) so that the line of the eyes is level in each frame."""
    eyes = _point(points, 263) - _point(points, 33)
    angle = np.arctan2(eyes[:, 1], eyes[:, 0])
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)
    return np.einsum("tij,tpj->tpi", turn, points)


def face_scale(points: np.ndarray) -> np.ndarray:
    """Size of the face (T,), smoothed over time, in the unit of ``points`` (T, 50, 2).

    The distance of the eyes, or 3/4 of the distance from forehead to nose tip where that is larger (a head turned sideways).
    """
    raw = np.maximum(_distance(points, 33, 263), 0.75 * _distance(points, 10, 1))
    return gaussian_filter1d(median_filter(raw, 9, mode="nearest"), 4.0, mode="nearest")


def fill_bad_frames(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Replace rows of ``values`` (T, ...) where ``good`` (T,) is False by linear interpolation from the others (unchanged if none is good).

    >>> fill_bad_frames(np.array([[0.0], [9.0], [2.0]]), np.array([True, False, True])).ravel().tolist()
    [0.0, 1.0, 2.0]
    """
    if good.all() or not good.any():
        return values
    flat = values.reshape(len(values), -1)
    rows = np.arange(len(values))
    return np.stack([np.interp(rows, rows[good], column[good]) for column in flat.T], axis=1).reshape(values.shape)


def speech_band(values: np.ndarray) -> np.ndarray:
    """Keep the motion of speech in ``values`` (T, D): a slow Gaussian mean is subtracted, the rest lightly smoothed."""
    fast = values - gaussian_filter1d(values, SLOW_FRAMES, axis=0, mode="nearest")
    return gaussian_filter1d(fast, SMOOTH_FRAMES, axis=0, mode="nearest")


def limit_outliers(values: np.ndarray) -> np.ndarray:
    """Limit the outliers of each column: unchanged near the median, never more than ``OUTLIER_LIMIT`` robust standard deviations from it.

    >>> limit_outliers(np.array([[-1.0], [0.0], [1.0], [-0.5], [0.5], [-1.5], [1.5], [-0.2], [0.2], [1000.0]])).max().round(2)
    np.float64(2.91)
    """
    middle = np.median(values, axis=0)
    # the 80th percentile, not the median: in a clip half of which is silence the median deviation is that of resting lips
    width = OUTLIER_LIMIT * (np.percentile(np.abs(values - middle), 80, axis=0) / 1.2816 + 1e-6)
    return middle + np.tanh((values - middle) / width) * width


def _with_velocity(values: np.ndarray) -> np.ndarray:
    clean = limit_outliers(speech_band(values))
    return np.concatenate([clean, 2.0 * np.gradient(clean, axis=0)], axis=1)


def _symmetric_shape(points: np.ndarray) -> np.ndarray:
    """Lip outline with left and right averaged, relative to the nose: (T, 48) from upright, scaled points."""
    lips = points - (_point(points, 1) + _point(points, 6))[:, None] / 2
    columns = []
    for right, left in _PAIRS:
        columns.append((_point(lips, left)[:, 0] - _point(lips, right)[:, 0]) / 2)
        columns.append((_point(lips, left)[:, 1] + _point(lips, right)[:, 1]) / 2)
    columns += [_point(lips, middle)[:, 1] for middle in _MIDDLE]
    columns.append((_point(lips, 148)[:, 1] + _point(lips, 377)[:, 1]) / 2)
    columns += [
        _distance(points, 13, 14),
        (_distance(points, 82, 87) + _distance(points, 312, 317)) / 2,
        (_distance(points, 81, 178) + _distance(points, 311, 402)) / 2,
        _distance(points, 0, 13),
        _distance(points, 14, 17),
        _distance(points, 0, 17),
    ]
    return np.stack(columns, axis=1)


def lip_aperture(points: np.ndarray) -> np.ndarray:
    """Inner opening of the lips (T,): mean gap at the middle and beside it, in the unit of ``points`` (T, 50, 2)."""
    return (_distance(points, 82, 87) + _distance(points, 13, 14) + _distance(points, 312, 317)) / 3


def lip_features(points: np.ndarray, mesh_score: np.ndarray) -> LipFeatures:
    """Lip features of one stretch of a face.

    Args:
        points: Mesh points (T, 50, 2) at 25 fps in pixels, with any origin; see :func:`mesh_points`.
        mesh_score: (T,) 0..1.
    """
    good = mesh_score > MIN_MESH_SCORE
    level = fill_bad_frames(upright(points), good)
    scaled = level / face_scale(level)[:, None, None]
    return LipFeatures(_with_velocity(_symmetric_shape(scaled)), lip_aperture(scaled), float(good.mean()))


def sound_features(log_mel: np.ndarray, n_frames: int, *, centre_s: float = 0.0125) -> np.ndarray:
    """Sound features at 100 Hz; sample k is at k / 100 s. Beyond the end of the sound the last window is repeated.

    Args:
        log_mel: (N, bands); window n is centred at ``centre_s`` + n / 100 s.
        n_frames: Number of video frames at 25 fps.
        centre_s: Centre of the first window in seconds.

    Returns:
        (4 n_frames, bands).

    >>> sound_features(np.zeros((90, 40)), 25).shape
    (100, 40)
    """
    floored = np.maximum(log_mel - np.percentile(log_mel, 99.5), -MEL_DEPTH)
    smooth = gaussian_filter1d(floored, 1.0, axis=0, mode="nearest")
    smooth = smooth - smooth.mean(axis=0)
    position = np.clip(np.arange(SOUND_PER_FRAME * n_frames) - centre_s * 100.0, 0.0, len(smooth) - 1.0)
    below = np.minimum(position.astype(int), max(len(smooth) - 2, 0))
    weight = (position - below)[:, None]
    return smooth[below] * (1.0 - weight) + smooth[np.minimum(below + 1, len(smooth) - 1)] * weight


def voice_energy(sound: np.ndarray) -> np.ndarray:
    """Energy of the voice: mean of the log-mel below about 3.5 kHz, smoothed.

    Args:
        sound: (4 T, bands) sound features.

    Returns:
        (T,) at 25 a second.
    """
    voice = gaussian_filter1d(sound[:, : sound.shape[1] * 3 // 4].mean(axis=1), 1.5, mode="nearest")
    return voice[::SOUND_PER_FRAME]


def voiced_stretches(sound: np.ndarray) -> list[tuple[int, int]]:
    """Where there is voice, with ``VOICE_MARGIN`` frames around it.

    Long silences are left out: the step from silence to speech would outweigh the speech itself.

    Args:
        sound: (4 T, bands) sound features.

    Returns:
        (start, end) of each stretch in frames at 25 fps, ends excluded.

    >>> sound = np.full((400, 40), -8.0)
    >>> sound[160:320] = 0.0
    >>> voiced_stretches(sound)
    [(25, 96)]
    """
    energy = voice_energy(sound)
    low, high = np.percentile(energy, [2, 98])
    voiced = energy > low + VOICE_SHARE * (high - low)
    near = np.convolve(voiced, np.ones(2 * VOICE_MARGIN + 1), mode="same") > 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[0], near.astype(int), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def aperture_in_speech_band(aperture: np.ndarray) -> np.ndarray:
    """The part of a lip opening that is due to speech, outliers limited.

    Args:
        aperture: (T,) lip opening at 25 fps.

    Returns:
        (T,) in the same unit, about 0.
    """
    return limit_outliers(speech_band(aperture[:, None]))[:, 0]
