"""The outline of a body: how it is smeared by motion, and where it lies in a picture in which it merged with something or lost a part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.metrics.analyses.foreground import BackgroundDifference, Blob, shadow_like
from seedbench.metrics.analyses.motion_blur import (
    blur_of,
    extents,
    sharpened,
    smeared,
    streak_pictures,
    velocities,
)
from seedbench.metrics.analyses.tracking import SHORTEST_TRACK

GREY_BODY = 0.4
"""If more than this share of a body looks like shadow while it is in mid-air, the body itself is grey."""
ODD_AREA = 1.1
"""A blob this many times larger or smaller than its body's outline is measured again by that outline; a grey body in every picture."""
SAME_SHAPE = 0.05
"""A blob has the proportions of an outline when each side is off by at most this share, or by a pixel."""
NEAR_PICTURES = 7
"""Pictures over which the size of a body that comes nearer hardly changes."""
MOST_NEARER = 1.35
"""Most by which the diameter of a body may differ from its outline's because it is nearer or further away."""
AS_GOOD = 0.1
"""Places at which an outline fits worse than at the best one by at most this share of its pixels are as good as the best one."""
UNSURE = 0.5
"""Where such places lie further apart than this many outlines, the body is somewhere in a large blob (a dark shadow), not measured."""

ALIKE = 0.15
"""Blobs whose areas are off the median by at most this share of it show a body equally well."""


@dataclass(frozen=True)
class Streaks:
    """How a body is blurred by its motion in the pictures of its track.

    Attributes:
        exposure_s: For how long it looks exposed, seconds; 0: it is sharp.
        motion: (n, 2) its motion (x, y) during the exposure, pixels.
        added: (n,) what the blur adds to its area, pixels.
    """

    exposure_s: float
    motion: np.ndarray
    added: np.ndarray


@dataclass(frozen=True)
class Outline:
    """The sharp outline of a body.

    Attributes:
        mask: (h, w) bool.
        area: Its area without what blur adds, pixels.
        centre: (2,) centroid (x, y) of the mask, in its pixels.
        grey: Whether the body looks like shadow.
        shadow_share: Share 0..1 of its pixels that look like shadow.
    """

    mask: np.ndarray
    area: float
    centre: np.ndarray
    grey: bool
    shadow_share: float


def streaks_of(time_s: np.ndarray, blobs: list[Blob]) -> Streaks:
    """How a body is blurred by its motion.

    Args:
        time_s: Times (n,) of its pictures in seconds, ascending.
        blobs: The body in each of them.
    """
    sharp = Streaks(0.0, np.zeros((len(blobs), 2)), np.zeros(len(blobs)))
    if len(blobs) < SHORTEST_TRACK:
        return sharp
    velocity, turns = velocities(time_s, np.array([(blob.x, blob.y) for blob in blobs]))
    turns |= np.array([blob.at_border or not blob.reliable for blob in blobs])
    speed = np.hypot(*velocity.T)
    used = streak_pictures(speed, turns, time_s)
    if not len(used):
        return sharp
    area = np.array([blob.area for blob in blobs])
    sizes = np.array([extents(blobs[index].points, velocity[index] / speed[index]) for index in used])
    exposure_s, growth = blur_of(speed[used], sizes[:, 0], sizes[:, 1], area[used])
    exposure_s = min(exposure_s, float(np.median(np.diff(time_s))))
    return sharp if not exposure_s else Streaks(exposure_s, exposure_s * velocity, growth * speed)


def outline_of(blobs: list[Blob], streaks: Streaks) -> Outline | None:
    """The outline of a track's body, from the blob that shows it best; None when the picture's border cuts every one.

    It is not cut, and of median area among the blobs in which the body moves (a body at rest merges with its shadow). Of blobs of almost
    this area, the one that is blurred least is taken.

    Args:
        blobs: The blobs of the track.
        streaks: How motion blurs them.
    """
    positions = np.array([(blob.x, blob.y) for blob in blobs])
    area = sharp_areas(blobs, streaks)
    steps = np.hypot(*np.diff(positions, axis=0, prepend=positions[:1]).T)
    uncut = [index for index, blob in enumerate(blobs) if not blob.at_border]
    moving = [index for index in uncut if steps[index] > 0.12 * np.sqrt(4 * area[index] / np.pi)]
    chosen = moving if len(moving) >= max(SHORTEST_TRACK, 0.15 * len(uncut)) else uncut
    if not chosen:
        return None
    grey = float(np.median([blobs[index].shadow_share for index in chosen])) >= GREY_BODY
    off = np.abs(area - float(np.quantile(area[chosen], 0.8 if grey else 0.5)))
    nearest = min(off[chosen])
    alike = [index for index in chosen if off[index] <= max(nearest, ALIKE * area[index])]
    best = min(alike, key=lambda index: (float(np.hypot(*streaks.motion[index])), off[index]))
    points, share = blobs[best].points, blobs[best].shadow_share
    corner = points.min(axis=0)
    mask = np.zeros((points.max(axis=0) - corner).astype(int)[::-1] + 1, bool)
    mask[(points[:, 1] - corner[1]).astype(int), (points[:, 0] - corner[0]).astype(int)] = True
    mask = sharpened(mask, streaks.motion[best])
    return Outline(mask, float(area[best]), np.argwhere(mask).mean(axis=0)[::-1], share >= GREY_BODY, share)


def sharp_areas(blobs: list[Blob], streaks: Streaks) -> np.ndarray:
    """Areas (n,) of a track's blobs without what the blur adds, at least a quarter of what is seen, pixels."""
    area = np.array([blob.area for blob in blobs])
    return np.asarray(np.maximum(area - streaks.added, 0.25 * area))


def usual_areas(blobs: list[Blob]) -> np.ndarray:
    """Median areas (n,) of the blobs of a track over :data:`NEAR_PICTURES` pictures around each, pixels."""
    area = np.array([blob.area for blob in blobs])
    padded = np.pad(area, NEAR_PICTURES // 2, mode="reflect" if len(area) > NEAR_PICTURES // 2 else "edge")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, NEAR_PICTURES), axis=1))


def is_odd(blob: Blob, outline: Outline, motion: np.ndarray, added: float, usual: float) -> bool:
    """Whether a blob must be measured again: it is larger or smaller than its body, and not as the same shape is at another distance.

    Args:
        blob: The blob.
        outline: The outline of its body.
        motion: (2,) the body's motion during the exposure, pixels.
        added: What the blur adds to its area, pixels.
        usual: The body's area in the pictures around this one, with what blur adds.
    """
    share = blob.area / (outline.area + added)
    if blob.at_border:
        return share > ODD_AREA  # the border may cut what merged with the body, and not the body
    if outline.grey:
        return True
    if 1 / ODD_AREA < share < ODD_AREA:
        return False
    return not 1 / ODD_AREA < blob.area / usual < ODD_AREA or not _has_shape_of(blob, outline, motion, share)


def _has_shape_of(blob: Blob, outline: Outline, motion: np.ndarray, share: float) -> bool:
    """Whether a blob of ``share`` times the outline's area has its proportions, so that the body is nearer or further away."""
    if not 1 / MOST_NEARER**2 < share < MOST_NEARER**2:
        return False
    high, wide = np.array(outline.mask.shape) * np.sqrt(share) + np.abs(motion[::-1])
    off = np.abs([blob.box[2] - blob.box[0] + 1 - wide, blob.box[3] - blob.box[1] + 1 - high])
    return bool((off <= np.maximum(1.0, SAME_SHAPE * np.array([wide, high]))).all())


def fitted_centre(
    blob: Blob, outline: Outline, motion: np.ndarray, picture: np.ndarray, strength: np.ndarray, difference: BackgroundDifference
) -> tuple[float, float] | None:
    """The centre of a body, where its outline fits the foreground around a blob best.

    Pixels that may be shadow count for a quarter, unless the body itself is grey.

    Args:
        blob: The blob to measure.
        outline: The outline of its body.
        motion: (2,) the body's motion during the exposure, pixels.
        picture: The picture (H, W, 3) uint8 of ``blob``.
        strength: Its difference from the background (H, W) uint8.
        difference: The difference of the whole shot.

    Returns:
        x and y in pixels; None when the outline fits nowhere well, or as well at places far apart.
    """
    import cv2

    mask = smeared(outline.mask, motion)
    shape = mask.shape
    stencil = np.pad(mask.astype(np.float32), 2)
    centre = outline.centre + (np.array(shape[::-1]) - outline.mask.shape[::-1]) / 2.0 + 2
    left, top = (max(0, int(value) - 6) for value in (min(blob.box[0], blob.x - shape[1] / 2), min(blob.box[1], blob.y - shape[0] / 2)))
    right, bottom = int(max(blob.box[2], blob.x + shape[1] / 2)) + 7, int(max(blob.box[3], blob.y + shape[0] / 2)) + 7
    window = strength[top:bottom, left:right]
    if window.shape[0] < stencil.shape[0] or window.shape[1] < stencil.shape[1]:
        return None
    weight = np.clip(window.astype(np.float32) / (difference.threshold * (0.5 if outline.grey else 1.0)), 0, 1)
    if not outline.grey:
        weight[shadow_like(picture[top:bottom, left:right], difference.background[top:bottom, left:right])] *= 0.25
    fit = -cv2.matchTemplate(weight, stencil, cv2.TM_SQDIFF)
    _, best, _, (column, row) = cv2.minMaxLoc(fit)
    size = float(stencil.sum())
    if -best > (0.7 if outline.grey else 0.5) * size:
        return None
    as_good = np.argwhere(fit >= best - AS_GOOD * size)
    if not outline.grey and (np.ptp(as_good, axis=0) > UNSURE * np.array(shape)).any():
        return None
    centre_xy = np.array([column + _subpixel_peak(fit[row], column), row + _subpixel_peak(fit[:, column], row)]) + centre + (left, top)
    return float(centre_xy[0]), float(centre_xy[1])


def _subpixel_peak(values: np.ndarray, index: int) -> float:
    """Offset, -0.5..0.5 samples, of the peak of a parabola through the highest of ``values``, at ``index``, and its neighbours."""
    if not 0 < index < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[index - 1 : index + 2])
    curvature = before - 2 * here + after
    return 0.0 if curvature >= 0 else float(np.clip(0.5 * (before - after) / curvature, -0.5, 0.5))
