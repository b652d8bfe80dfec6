"""What stands out from a still background: a background that resting bodies do not enter, masks free of noise and shadow, blobs.

Pictures are laid on one canvas by the camera's motion first. The background is the median over time; where a body rested so long that
the median took it for background, the outline tells: the true background runs on smoothly across it, the body does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metrics.analyses.motion import CameraMotion, moved

LARGEST_CANVAS = 3.0
"""A camera that sweeps over more than this many picture areas is not followed."""
SAMPLES = 31
"""Pictures the median background is taken from."""
LEAST_DIFFERENCE = 12.0
"""Grey levels a pixel must differ from the background at least; more when the picture is noisy."""
SMALLEST_AREA = 20
"""Blobs of fewer pixels (at 256 lines) are noise."""
MOST_BLOBS = 12
SHADOW_RATIO = (0.35, 0.97)
"""A shadow leaves between these shares of the light, about the same of each colour (Horprasert et al. 1999)."""
SHADOW_TINT = 0.07
"""How much the shares of red, green and blue may differ within a shadow."""


@dataclass(frozen=True)
class Canvas:
    """Pictures on one plane: ``rgb`` (T, H, W, 3) uint8, ``seen`` (T, H, W) bool or None when all is seen always, ``origin`` (2,) canvas
    pixel at which the first picture's corner lies."""

    rgb: np.ndarray
    seen: np.ndarray | None
    origin: np.ndarray


@dataclass(frozen=True)
class Difference:
    """``strength`` (T, H, W) uint8: how far each pixel is from ``background`` (H, W, 3) uint8, the largest over colours; ``threshold`` in
    the same grey levels; ``offset`` (T, 3) brightness of each picture over the background's, taken off beforehand."""

    strength: np.ndarray
    background: np.ndarray
    threshold: float
    offset: np.ndarray


@dataclass(frozen=True)
class Blob:
    """A connected piece of foreground in one picture, canvas pixels.

    ``x``, ``y`` centroid of the convex hull without shadow; ``area`` of that hull; ``box`` (left, top, right, bottom) of it; ``points``
    (N, 2) its pixels; ``colour`` (3,) mean RGB; ``shade`` share of pixels that could be a shadow; ``cut`` whether the picture's border
    cuts it.
    """

    x: float
    y: float
    area: float
    box: tuple[float, float, float, float]
    points: np.ndarray
    colour: np.ndarray
    shade: float
    cut: bool


def canvas_of(rgb: np.ndarray, camera: CameraMotion) -> Canvas | None:
    """Pictures (T, H, W, 3) laid on the first one's plane; None when they would cover more than :data:`LARGEST_CANVAS` pictures."""
    import cv2

    if not camera.moving:
        return Canvas(rgb, None, np.zeros(2))
    height, width = rgb.shape[1:3]
    corners = np.array([[0.0, 0], [width, 0], [0, height], [width, height]])
    reach = np.concatenate([moved(corners, matrix) for matrix in camera.to_first])
    low, high = np.floor(reach.min(axis=0)), np.ceil(reach.max(axis=0))
    size = (high - low).astype(int)
    if size[0] * size[1] > LARGEST_CANVAS * height * width:
        return None
    pictures = np.empty((len(rgb), size[1], size[0], 3), np.uint8)
    seen = np.empty((len(rgb), size[1], size[0]), bool)
    full = np.full((height, width), 255, np.uint8)
    for index, matrix in enumerate(camera.to_first):
        shifted = matrix.copy()
        shifted[:, 2] -= low
        pictures[index] = cv2.warpAffine(rgb[index], shifted, (int(size[0]), int(size[1])), flags=cv2.INTER_LINEAR)
        seen[index] = cv2.erode(cv2.warpAffine(full, shifted, (int(size[0]), int(size[1]))), np.ones((5, 5), np.uint8)) == 255
    return Canvas(pictures, seen, -low)


def median_over_time(pictures: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """Median (H, W, 3) uint8 over pictures (T, H, W, 3); ``valid`` (T, H, W) leaves samples out. Where nothing is valid: 0.

    >>> stack = np.array([10, 20, 90], np.uint8).reshape(3, 1, 1, 1).repeat(3, axis=3)
    >>> median_over_time(stack, None)[0, 0, 0], median_over_time(stack, np.array([True, False, False]).reshape(3, 1, 1))[0, 0, 0]
    (np.uint8(20), np.uint8(10))
    """
    if valid is None:
        middle = (len(pictures) - 1) // 2
        return np.asarray(np.partition(pictures, middle, axis=0)[middle])
    ordered = np.sort(np.where(valid[..., None], pictures, 999).astype(np.uint16), axis=0)
    middle = np.maximum(valid.sum(axis=0) - 1, 0) // 2
    chosen = np.take_along_axis(ordered, middle[None, :, :, None], axis=0)[0]
    return np.where(chosen > 255, 0, chosen).astype(np.uint8)


def difference(canvas: Canvas) -> Difference:
    """How far every pixel is from a background without resting bodies."""
    import cv2

    smooth = np.stack([cv2.GaussianBlur(picture, (3, 3), 0.8) for picture in canvas.rgb])
    every = max(1, len(smooth) // SAMPLES)
    valid = canvas.seen[::every] if canvas.seen is not None else None
    background = median_over_time(smooth[::every], valid)
    found = _from_background(smooth, background, canvas.seen)
    repaired = without_resting_bodies(smooth, found, canvas.seen)
    return found if repaired is None else _from_background(smooth, repaired, canvas.seen)


def _from_background(smooth: np.ndarray, background: np.ndarray, seen: np.ndarray | None) -> Difference:
    import cv2

    count, height, width = smooth.shape[:3]
    strength = np.empty((count, height, width), np.uint8)
    offset = np.zeros((count, 3))
    thinned = np.s_[::4, ::4]
    noise = []
    for index, picture in enumerate(smooth):
        signed = picture[thinned].astype(np.int16) - background[thinned]
        if seen is not None:
            signed = signed[seen[index][thinned]]
        offset[index] = np.median(signed.reshape(-1, 3), axis=0) if signed.size else 0.0
        noise.append(float(np.median(np.abs(signed.reshape(-1, 3) - offset[index]))) if signed.size else 0.0)
        level = (
            np.clip(background.astype(np.float32) + offset[index].astype(np.float32), 0, 255)
            if np.abs(offset[index]).max() >= 1
            else background
        )
        strength[index] = cv2.absdiff(picture, level.astype(np.uint8)).max(axis=2)
        if seen is not None:
            strength[index][~seen[index]] = 0
    threshold = max(LEAST_DIFFERENCE, 4.0 + 6.0 * 1.4826 * float(np.median(noise)))
    return Difference(strength, background, threshold, offset)


def without_resting_bodies(smooth: np.ndarray, found: Difference, seen: np.ndarray | None) -> np.ndarray | None:
    """A background (H, W, 3) in which regions that the median took from a resting body are replaced; None when there are none.

    A region is suspect when it differs from the median for at least 8% of the time and looks the same all that while. Whichever of the two
    states has the weaker edge along the region's outline is the background.
    """
    import cv2

    mask = found.strength > found.threshold
    share = mask.mean(axis=0)
    suspects = (share > 0.08).astype(np.uint8)
    suspects = cv2.morphologyEx(suspects, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(suspects)
    background = found.background.copy()
    changed = False
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < SMALLEST_AREA:
            continue
        left, top, wide, high = stats[label, :4]
        box = np.s_[max(0, top - 4) : top + high + 4, max(0, left - 4) : left + wide + 4]
        inside = labels[box] == label
        changed |= _repair(
            smooth[(slice(None), *box)],
            mask[(slice(None), *box)],
            inside,
            background[box],
            None if seen is None else seen[(slice(None), *box)],
        )
    return background if changed else None


def _repair(pictures: np.ndarray, mask: np.ndarray, inside: np.ndarray, background: np.ndarray, seen: np.ndarray | None) -> bool:
    """Replace, within ``inside``, what the median took from a resting body; ``background`` (h, w, 3) is changed in place."""
    import cv2

    away = mask & inside
    if seen is not None:
        away &= seen
    other = median_over_time(pictures, away)
    spread = np.where(away, np.abs(pictures.astype(np.int16) - other).max(axis=3), 0).sum(axis=0) / np.maximum(away.sum(axis=0), 1)
    steady = (inside & (spread < 8.0)).astype(np.uint8)
    steady = cv2.morphologyEx(steady, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(steady)
    changed = False
    for label in range(1, count):
        if stats[label, cv2.CC_STAT_AREA] < SMALLEST_AREA:
            continue
        region = (labels == label).astype(np.uint8)
        grown = cv2.dilate(region, np.ones((5, 5), np.uint8)).astype(bool)
        swapped = np.where(region[..., None].astype(bool), other, background)
        outline = cv2.morphologyEx(region, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(bool)
        if _edge(swapped, outline) < 0.8 * _edge(background, outline):
            grow = grown & inside & away.any(axis=0)
            background[grow] = other[grow]
            changed = True
    return changed


def _edge(picture: np.ndarray, outline: np.ndarray) -> float:
    """Mean gradient of a picture along an outline, the largest over colours."""
    import cv2

    across, down = (cv2.Sobel(picture, cv2.CV_32F, dx, 1 - dx, ksize=3) for dx in (1, 0))
    return float(np.hypot(across, down).max(axis=2)[outline].mean())


def shadow_like(picture: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Where (h, w) bool a picture could be the background in a shadow: darker, by the same share in each colour. Both (h, w, 3).

    >>> wall = np.full((1, 2, 3), 200.0)
    >>> shadow_like(np.array([[[120.0, 120, 120], [190, 60, 40]]]), wall).tolist()
    [[True, False]]
    """
    share = (picture.astype(np.float32) + 2.0) / (background.astype(np.float32) + 2.0)
    level = share.mean(axis=2)
    return (level > SHADOW_RATIO[0]) & (level < SHADOW_RATIO[1]) & (np.ptp(share, axis=2) < SHADOW_TINT)


def blobs_of(picture: np.ndarray, strength: np.ndarray, seen: np.ndarray | None, found: Difference, index: int) -> list[Blob]:
    """The blobs of one picture (H, W, 3), largest first; ``strength`` (H, W) its difference from the background."""
    import cv2

    above = (strength > found.threshold).astype(np.uint8)
    core = cv2.morphologyEx(above, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core)
    order = [label for label in np.argsort(-stats[:, cv2.CC_STAT_AREA]) if label and stats[label, cv2.CC_STAT_AREA] >= SMALLEST_AREA]
    blobs: list[Blob] = []
    for label in order[:MOST_BLOBS]:
        left, top, wide, high = (int(value) for value in stats[label, :4])
        box = np.s_[top : top + high, left : left + wide]
        piece = labels[box] == label
        patch = picture[box].astype(np.float32) - found.offset[index].astype(np.float32)
        shade = shadow_like(patch, found.background[box]) & piece
        share = float(shade.sum() / piece.sum())
        blobs.extend(_blob(kept, patch, (left, top), share, strength.shape, seen) for kept in _bodies_in(piece, shade))
    return blobs


def _bodies_in(piece: np.ndarray, shade: np.ndarray) -> list[np.ndarray]:
    """The parts (h, w) bool of a connected piece that are no shadow; the piece itself when that would leave almost nothing."""
    import cv2

    solid = cv2.morphologyEx((piece & ~shade).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if solid.sum() < max(SMALLEST_AREA, 0.3 * piece.sum()):
        return [piece]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    largest = stats[1:, cv2.CC_STAT_AREA].max()
    return [labels == label for label in range(1, count) if stats[label, cv2.CC_STAT_AREA] >= max(SMALLEST_AREA, 0.25 * largest)]


def _blob(
    piece: np.ndarray, patch: np.ndarray, corner: tuple[int, int], share: float, size: tuple[int, ...], seen: np.ndarray | None
) -> Blob:
    import cv2

    rows, columns = np.nonzero(piece)
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    filled = cv2.fillConvexPoly(np.zeros(piece.shape, np.uint8), hull, 1).astype(bool)
    rows, columns = np.nonzero(filled)
    points = np.stack([columns + corner[0], rows + corner[1]], axis=1).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    height, width = size
    cut = bool(low.min() <= 1 or high[0] >= width - 2 or high[1] >= height - 2)
    if not cut and seen is not None:
        around = seen[max(0, int(low[1]) - 2) : int(high[1]) + 3, max(0, int(low[0]) - 2) : int(high[0]) + 3]
        cut = not bool(around.all())
    return Blob(
        x=float(points[:, 0].mean()),
        y=float(points[:, 1].mean()),
        area=float(len(points)),
        box=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        points=points,
        colour=patch[piece].mean(axis=0),
        shade=share,
        cut=cut,
    )
