"""Which pictures of a face are embedded: by size, turn of the head, scores and distance from cuts. Pure functions of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbench.metrics.analyses.faces import FaceTrack

STRIDE = 5
"""At most one frame in this many (at 25 fps) is embedded: neighbouring frames add nothing new."""
MOST_PER_FACE = 10
LEAST_PER_FACE = 4
"""Bounds on the pictures embedded of one face in one shot; four give two to each half of the split-half check."""
BUDGET_PER_S = 7.0
"""Pictures embedded per second of clip, over all faces: bounds the cost (dlib needs about 0.08 s for one)."""
MIN_SIDE_PX = 32.0
"""Least length of the longer side of a face box. 39 faces of real and generated clips, scaled down: at 32 px each still has cosine 0.954
or more to itself, and 99 % of the strangers lie below 0.932 (0.925 at 96 px); at 24 px it is 0.926, and 0.949."""
MIN_SCORE = 0.5
"""Least detector and mesh score. BlazeFace gives good close-ups 0.52..0.85, so 0.6, used with other detectors, would drop some."""
MAX_YAW_DEG = 60.0
MIN_SHARPNESS = 0.003
"""Least variance of the Laplacian over the variance of the aligned face (150 px); real clips lie at 0.03..0.4."""
MOST_NOISE = 0.15
"""Greatest :func:`noise_ratio`; in more noise people resemble each other. Set on 39 faces of real and generated clips with noise added, and
on pairs of different people of them: up to 0.1 none of them, from 0.1 to 0.15 3 % of the pairs reach the cosine of one person (2 % without
noise), from 0.15 to 0.2 8 %, from 0.2 to 0.3 12 %, above 0.3 19 % and more. Without noise the faces lie at 0.008 to 0.029, at an eighth of
the light below 0.073, at 32 px below 0.115; noise of 20 of 255 gives 0.09 to 0.40, of 40 at least 0.17."""
NETWORK_PX = 150
"""Pictures of faces larger than this are made smaller before noise is measured, as dlib's network sees them."""
CUT_MARGIN_S = 0.06
"""Frames this near a cut are not used: resampled or interpolated pictures may mix two shots."""
_RIGHT_SIDE, _LEFT_SIDE = 234, 454


@dataclass(frozen=True)
class ChosenPicture:
    """One picture chosen for embedding: row ``row`` of track number ``track``."""

    track: int
    row: int


def yaw_deg(landmarks: np.ndarray) -> np.ndarray:
    """Turn of the head: the angle, seen from above, of the line from the person's right to the left side of the face.

    Args:
        landmarks: (n, 468, 3) meshes.

    Returns:
        (n,) degrees, positive when the face looks to the picture's right.
    """
    line = landmarks[:, _LEFT_SIDE] - landmarks[:, _RIGHT_SIDE]
    return np.degrees(np.arctan2(line[:, 2], line[:, 0]))


def sharpness(face: np.ndarray) -> float:
    """Variance of the Laplacian over the variance of the grey picture.

    Args:
        face: (H, W, 3) uint8.

    Returns:
        At least 0; about 0 for a blurred or flat face.
    """
    import cv2

    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var() / max(float(grey.var()), 1.0))


def noise_ratio(rgb: np.ndarray, box: np.ndarray) -> float:
    """Standard deviation of the noise over that of the grey picture of a face, at the size at which it was filmed.

    Noise by the median of the differences of two Laplacians (the mask of Immerkaer 1996), which edges and lines hardly change.

    Args:
        rgb: (H, W, 3) uint8.
        box: (4,) x0 y0 x1 y1 of the face in pixels.

    Returns:
        At least 0.

    >>> flat = np.full((40, 40, 3), 90, np.uint8)
    >>> noise_ratio(flat, np.array([0, 0, 40, 40]))
    0.0
    """
    import cv2

    x0, y0, x1, y1 = (round(float(edge)) for edge in box)
    face = rgb[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)]
    if min(face.shape[:2]) < 3:
        return 0.0
    if max(face.shape[:2]) > NETWORK_PX:
        scale = NETWORK_PX / max(face.shape[:2])
        face = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(np.ascontiguousarray(face), cv2.COLOR_RGB2GRAY).astype(np.float32)
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(grey, -1, mask)[1:-1, 1:-1])
    # the mask multiplies the deviation of noise by 6; the median of |x| of a normal distribution is 0.6745 deviations
    return float(np.median(response) / 0.6745 / 6.0 / max(float(grey.std()), 1.0))


def perceptual_hash(face: np.ndarray) -> np.ndarray:
    """64 bits of a face: signs of the 8 x 8 lowest cosine coefficients of the 32-pixel grey picture against their median.

    Args:
        face: (H, W, 3) uint8.

    Returns:
        (8,) uint8.
    """
    import cv2

    grey = cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(grey)[:8, :8]
    return np.packbits(low > np.median(low))


def near_cut(time_s: np.ndarray, cuts_s: np.ndarray) -> np.ndarray:
    """Which times lie nearer than :data:`CUT_MARGIN_S` to a cut. A time exactly that far away does not.

    Args:
        time_s: (n,) seconds.
        cuts_s: (m,) seconds.

    Returns:
        (n,) bool.

    >>> near_cut(np.array([0.96, 1.0]), np.array([1.02])).tolist()
    [False, True]
    """
    return np.asarray((np.abs(time_s[:, None] - cuts_s[None]) < CUT_MARGIN_S - 1e-6).any(axis=1))


def choose_pictures(tracks: Sequence[FaceTrack], cuts_s: np.ndarray, duration_s: float) -> tuple[list[ChosenPicture], dict[str, int]]:
    """Choose the pictures to embed.

    A face in a shot gets between ``LEAST_PER_FACE`` and ``MOST_PER_FACE`` pictures spread evenly over it; when there are more
    faces than the budget allows, those that are largest and seen longest are kept.

    Args:
        tracks: Face tracks of the clip.
        cuts_s: Times (m,) of its cuts in seconds.
        duration_s: Its length in seconds.

    Returns:
        The pictures, in order of track and time, and how many were left out, by reason.
    """
    dropped: dict[str, int] = {}
    groups: list[tuple[float, list[ChosenPicture]]] = []
    for number, track in enumerate(tracks):
        time_s = track.time_s
        side = np.maximum(track.boxes[:, 2] - track.boxes[:, 0], track.boxes[:, 3] - track.boxes[:, 1])
        reasons = {
            "near a cut": near_cut(time_s, cuts_s),
            "small": side < MIN_SIDE_PX,
            "uncertain": np.minimum(track.det_score, track.mesh_score) < MIN_SCORE,
            "turned away": np.abs(yaw_deg(track.landmarks)) > MAX_YAW_DEG,
        }
        shot = np.searchsorted(cuts_s, time_s + 1e-6, side="right")
        for index in np.unique(shot):
            seen = np.flatnonzero(shot == index)[STRIDE // 2 :: STRIDE]
            good = seen
            for reason, bad in reasons.items():
                dropped[reason] = dropped.get(reason, 0) + int(bad[good].sum())
                good = good[~bad[good]]
            if len(good):
                groups.append((float(side[good].mean() * len(good)), [ChosenPicture(number, int(row)) for row in good]))
    groups.sort(key=lambda group: -group[0])
    budget = max(LEAST_PER_FACE, round(BUDGET_PER_S * duration_s))
    over = groups[budget // LEAST_PER_FACE :]
    if over:
        dropped["more faces than the budget"] = sum(len(pictures) for _, pictures in over)
        groups = groups[: budget // LEAST_PER_FACE]
    each = min(MOST_PER_FACE, max(LEAST_PER_FACE, budget // max(len(groups), 1)))
    chosen = [picture for _, pictures in groups for picture in _evenly_spaced(pictures, each)]
    return sorted(chosen, key=lambda picture: (picture.track, picture.row)), {reason: count for reason, count in dropped.items() if count}


def _evenly_spaced(pictures: list[ChosenPicture], count: int) -> list[ChosenPicture]:
    if len(pictures) <= count:
        return pictures
    return [pictures[round(float(position))] for position in np.linspace(0, len(pictures) - 1, count)]
