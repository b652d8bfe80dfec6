"""Camera motion: for every picture of a shot, the similarity that lays it on the shot's first picture, from the background alone.

Corners (Shi and Tomasi, CVPR 1994) are followed by pyramidal Lucas-Kanade from a key picture to each later one, a similarity is fitted to
them by RANSAC (Fischler and Bolles 1981), and bodies that move are its outliers. A new key is taken only when the old one is
almost out of view, so that rounding does not add up from picture to picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.picture_store import Pictures, PictureStore
from seedbench.metrics.analyses.shots import shots
from seedbench.plugins.analysis import analysis
from seedbench.ties import first_greatest

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

SHORT_SIDE = 256
"""Short side in pixels of the pictures that motion is measured on."""
HIGHEST_FPS = 32.0
"""Faster clips are thinned to every second, third, ... picture until they are at or below this rate."""
SAME_S = 1e-3
"""Of shots whose lengths differ by less the first counts as the longest."""
FEWEST_CORNERS = 12
"""Fewer followed corners than this give no camera motion."""
INLIER_PX = 1.0
"""A corner belongs to the background when the similarity places it this near."""
STILL_PX = 0.35
"""A picture that drifts by less than this in every quarter was taken by a camera that stood still."""
KEY_SHARE = 0.5
"""A new key picture is taken when fewer than this share of its corners can still be followed."""


@dataclass(frozen=True)
class ShotPictures:
    """The pictures that physics is measured on: the longest shot of a clip, scaled down, at its own times.

    Attributes:
        rgb: T pictures (H, W, 3) uint8.
        time_s: (T,) seconds on the clip's clock.
        shots: How many shots the clip has.
        change: (T,) how much each picture differs from the one before, in grey levels of the most changed block; None: not measured.
    """

    rgb: Pictures
    time_s: np.ndarray
    shots: int
    change: np.ndarray | None = None


@dataclass(frozen=True)
class CameraMotion:
    """The motion of the camera over the pictures of a shot.

    Attributes:
        to_first: (T, 2, 3) float64, maps pixel (x, y) of each picture to the first picture's coordinates.
        step_px: (T,) how far the picture's centre moved since the picture before, in pixels.
        residual_px: Root mean square of what the similarities leave of the background's motion.
        known: False when the picture shows too little structure; ``to_first`` is then the identity.
        moving: Whether the camera moved at all.
    """

    to_first: np.ndarray
    step_px: np.ndarray
    residual_px: float
    known: bool
    moving: bool


def longest_shot(clip: Clip) -> ShotPictures:
    """The longest shot of a clip, scaled to :data:`SHORT_SIDE`, thinned to at most :data:`HIGHEST_FPS`.

    Kept with the clip (pictures are too large for the cache on disk): in memory, those of a long shot in a temporary file.

    Args:
        clip: The clip.

    Returns:
        The pictures with their times.

    Raises:
        ClipError: If the clip has no picture.
        ClipUnavailableError: If the temporary file cannot be written.
    """
    key = f"{__name__}.longest_shot"
    if key not in clip.memo:
        clip.memo[key] = _longest_shot(clip)
    pictures: ShotPictures = clip.memo[key]
    return pictures


def first_picture(clip: Clip) -> np.ndarray:
    """The first picture (H, W, 3) uint8 of :func:`longest_shot`. Decodes no others.

    Raises:
        ClipError: If the clip has no picture.
    """
    kept: ShotPictures | None = clip.memo.get(f"{__name__}.longest_shot")
    if kept is not None:
        return kept.rgb[0]
    numbers, _, _ = _pictures_of_longest_shot(clip)
    return next(clip.pictures(numbers[:1], short_side=SHORT_SIDE))


def _longest_shot(clip: Clip) -> ShotPictures:
    numbers, time_s, count = _pictures_of_longest_shot(clip)
    return ShotPictures(
        PictureStore(clip.pictures(numbers, short_side=SHORT_SIDE)), time_s, count, _change_since(clip.timing.change, numbers)
    )


def _change_since(change: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The largest ``change`` (N,) of all pictures after one of these ``numbers`` up to the next; the first counts by itself.

    >>> _change_since(np.array([0.0, 5, 0, 1, 7]), np.array([1, 3, 4])).tolist()
    [5.0, 1.0, 7.0]
    """
    after = np.append(numbers[:1], numbers[:-1] + 1)
    return np.array([change[first : last + 1].max() for first, last in zip(after, numbers, strict=True)])


def _pictures_of_longest_shot(clip: Clip) -> tuple[np.ndarray, np.ndarray, int]:
    """Numbers and times (T,) of the pictures of the longest shot, and how many shots there are."""
    bounds_s = shots(clip).bounds_s
    start, end = bounds_s[first_greatest(bounds_s[:, 1] - bounds_s[:, 0], tolerance=SAME_S)]
    timing = clip.timing
    appears_s = clip.time_s[timing.new]  # shots are bounded by the times at which pictures appear
    rows = np.flatnonzero((appears_s >= start - 1e-6) & (appears_s < end - 1e-6))
    if len(rows) > 1:
        fps = 1.0 / float(np.median(np.diff(timing.new_time_s[rows])))
        rows = rows[:: max(1, int(np.ceil(fps / HIGHEST_FPS - 1e-3)))]
    return timing.new[rows], timing.new_time_s[rows], len(bounds_s)


def compose_maps(after: np.ndarray, before: np.ndarray) -> np.ndarray:
    """One affine map for two.

    Args:
        after: (2, 3) the map that is applied second.
        before: (2, 3) the map that is applied first.

    Returns:
        (2, 3).

    >>> shift = np.array([[1.0, 0, 2], [0, 1, 3]])
    >>> compose_maps(shift, shift)[:, 2].tolist()
    [4.0, 6.0]
    """
    return np.concatenate([after[:, :2] @ before[:, :2], (after[:, :2] @ before[:, 2] + after[:, 2])[:, None]], axis=1)


def inverse_map(matrix: np.ndarray) -> np.ndarray:
    """The 2x3 map that undoes ``matrix``.

    >>> inverse_map(np.array([[2.0, 0, 2], [0, 2, 4]]))[:, 2].tolist()
    [-1.0, -2.0]
    """
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, -(linear @ matrix[:, 2])[:, None]], axis=1)


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points under an affine map.

    Args:
        points: (N, 2) points (x, y).
        matrix: (2, 3) the map.

    Returns:
        (N, 2).
    """
    return points @ matrix[:, :2].T + matrix[:, 2]


def fit_similarity(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The similarity that carries points to others, by RANSAC. The draw is seeded: the same points give the same answer.

    Args:
        source: Points (N, 2).
        target: Where each should go (N, 2).

    Returns:
        The map (2, 3) and the mask (N,) of its inliers; None if no similarity fits.
    """
    import cv2

    cv2.setRNGSeed(7)
    matrix, inlier = cv2.estimateAffinePartial2D(source, target, method=cv2.RANSAC, ransacReprojThreshold=INLIER_PX, maxIters=500)
    if matrix is None or inlier is None:
        return None
    return np.asarray(matrix, np.float64), inlier[:, 0].astype(bool)


def camera_motion_of(rgb: Pictures) -> CameraMotion:
    """Measure the camera's motion over the pictures of one shot.

    Args:
        rgb: T pictures (H, W, 3) uint8, at least one.
    """
    import cv2

    count = len(rgb)
    height, width = rgb[0].shape[:2]
    identity = np.array([[1.0, 0, 0], [0, 1, 0]])
    to_first = np.tile(identity, (count, 1, 1))
    squares: list[float] = []
    key, key_grey = 0, cv2.cvtColor(rgb[0], cv2.COLOR_RGB2GRAY)
    key_corners = _corners(key_grey)
    known = len(key_corners) >= FEWEST_CORNERS
    drifts: list[float] = []
    to_key, before = identity, key_grey
    for index, picture in enumerate(rgb):
        if index == 0:
            continue
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        match = _map_to_key(key_grey, grey, key_corners, inverse_map(to_key))
        if match is None and key != index - 1:
            key, key_grey, key_corners, to_key = index - 1, before, _corners(before), identity
            match = _map_to_key(key_grey, grey, key_corners, identity)
        before = grey
        if match is None:
            known = False
            break
        to_key, share, rms_px, shift_px = match
        if shift_px < STILL_PX:
            to_key = identity
        drifts.append(shift_px)
        squares.append(rms_px**2)
        to_first[index] = compose_maps(to_first[key], to_key)
        if share < KEY_SHARE:
            key, key_grey, key_corners, to_key = index, grey, _corners(grey), identity
    still = not drifts or (float(np.quantile(drifts, 0.9)) < STILL_PX and max(drifts) < 3.0 * STILL_PX)
    if not known or still:
        return CameraMotion(np.tile(identity, (count, 1, 1)), np.zeros(count), 0.0, known, False)
    centre = np.array([[width / 2, height / 2]])
    steps = [
        float(np.linalg.norm(transform_points(centre, compose_maps(inverse_map(before), now)) - centre))
        for before, now in pairwise(to_first)
    ]
    residual = float(np.sqrt(np.mean(squares))) if squares else 0.0
    return CameraMotion(to_first, np.array([0.0, *steps])[:count], residual, True, True)


def _corners(grey: np.ndarray) -> np.ndarray:
    """Corners (N, 2) spread over the picture: the best of each of 4 x 6 tiles, so that one busy body does not take them all."""
    import cv2

    height, width = grey.shape
    rows, columns = np.linspace(0, height, 5).astype(int), np.linspace(0, width, 7).astype(int)
    kept = []
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            tile = np.ascontiguousarray(grey[top:bottom, left:right])
            if tile.std() < 1.0:
                continue
            corners = cv2.goodFeaturesToTrack(tile, maxCorners=8, qualityLevel=0.05, minDistance=7)
            if corners is not None:
                kept.append(corners[:, 0] + (left, top))
    return np.concatenate(kept).astype(np.float32) if kept else np.zeros((0, 2), np.float32)


def largest_drift(points: np.ndarray, motion: np.ndarray) -> float:
    """Largest, over the quarters of a picture, of the length of the median ``motion`` (N, 2) of ``points`` (N, 2): noise averages out.

    >>> points = np.array([[x, y] for x in range(10) for y in range(10)], float)
    >>> largest_drift(points, np.tile([3.0, 4.0], (100, 1))), largest_drift(points, 0.1 * (points - 4.5)) > 0.2
    (5.0, True)
    """
    middle = np.median(points, axis=0)
    quarter = (points[:, 0] > middle[0]) * 2 + (points[:, 1] > middle[1])
    drifts = [np.median(motion[quarter == number], axis=0) for number in range(4) if (quarter == number).sum() >= 3]
    return float(max((np.hypot(*drift) for drift in drifts), default=0.0))


def _map_to_key(key: np.ndarray, now: np.ndarray, corners: np.ndarray, guess: np.ndarray) -> tuple[np.ndarray, float, float, float] | None:
    """Map (2, 3) from ``now`` to ``key``, share of corners still followed, rms error, the drift, pixels."""
    import cv2

    if len(corners) < FEWEST_CORNERS:
        return None
    start = np.ascontiguousarray(transform_points(corners, guess)[:, None], np.float32)
    guided = cv2.OPTFLOW_USE_INITIAL_FLOW
    there, status, _ = cv2.calcOpticalFlowPyrLK(key, now, corners[:, None], start, winSize=(15, 15), maxLevel=3, flags=guided)
    inside = (there[:, 0] > 4).all(axis=1) & (there[:, 0] < np.array(now.shape[::-1]) - 5).all(axis=1)
    good = (status[:, 0] == 1) & inside
    if good.sum() < FEWEST_CORNERS:
        return None
    fit = fit_similarity(there[good, 0], corners[good])
    if fit is None or fit[1].sum() < max(FEWEST_CORNERS // 2, 0.3 * good.sum()):
        return None
    matrix, inlier = fit
    error = transform_points(there[good, 0][inlier], matrix) - corners[good][inlier]
    shift = largest_drift(corners[good], there[good, 0] - corners[good])
    return (
        matrix,
        float(good.mean() * inlier.mean()),
        float(np.sqrt(np.mean((error**2).sum(axis=1)))),
        shift,
    )


@analysis(version=1)
def camera_motion(clip: Clip) -> CameraMotion:
    """Camera motion over the longest shot of a clip.

    Args:
        clip: The clip.

    Returns:
        The motion, in pixels of :func:`longest_shot`.

    Raises:
        ClipError: If the clip has no picture.
    """
    return camera_motion_of(longest_shot(clip).rgb)
