"""What stands out from a still background: a background that resting bodies do not enter, and blobs free of noise and shadow.

Pictures are laid on one canvas by the camera's motion first. Each pixel's state is its median in each of a few stretches of the clip. Where
the states agree, they are the background; where they do not, because a body rested there for a while, the background grows in from around:
layer by layer each pixel takes the state that goes on most smoothly from its decided neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seedbench.metrics.analyses.motion import CameraMotion, moved

LARGEST_CANVAS = 3.0
"""A camera that sweeps over more than this many picture areas is not followed."""
STRETCHES = 6
"""Stretches of the clip in which states are told apart."""
SAMPLES = 7
"""Pictures of a stretch its median is taken from."""
SWITCH_COST = 3.0
"""Grey levels of smoothness given up rather than take a neighbouring pixel from another stretch."""
VOTES = 4
VOTE_PX = 15
"""Side of the square of pixels that vote on the stretch to take a pixel from, and how often they do."""
LEAST_DIFFERENCE = 12.0
"""Grey levels a pixel must differ from the background at least; more when the picture is noisy."""
SMALLEST_AREA = 20
"""Blobs of fewer pixels (at 256 lines) are noise."""
MOST_BLOBS = 12
SHADOW_RATIO = (0.35, 0.97)
"""A shadow leaves between these shares of the light, about the same of each colour (Horprasert et al. 1999)."""
SHADOW_TINT = 0.07
"""How much the shares of red, green and blue may differ within a shadow."""
SHADOW_SLOPE = 0.11
"""A shadow is soft: its share of the light changes by at most this much from one pixel to the next. Outlines of bodies are sharper."""


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
    sure: bool = True


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
    return _from_background(smooth, background_of(smooth, canvas.seen), canvas.seen)


def background_of(pictures: np.ndarray, seen: np.ndarray | None) -> np.ndarray:
    """What is behind everything that moves or rests for a while: (H, W, 3) uint8, from pictures (T, H, W, 3) and ``seen`` (T, H, W)."""
    import cv2

    edges = np.linspace(0, len(pictures), min(STRETCHES, len(pictures)) + 1).astype(int)
    chosen = [np.unique(np.linspace(start, end - 1, SAMPLES).astype(int)) for start, end in pairwise(edges)]
    states = np.stack([median_over_time(pictures[index], None if seen is None else seen[index]) for index in chosen])
    valid = np.stack([np.ones(states.shape[1:3], bool) if seen is None else seen[index].any(axis=0) for index in chosen])
    background = median_over_time(states, valid if seen is not None else None)
    low = np.where(valid[..., None], states, 255).min(axis=0)
    high = np.where(valid[..., None], states, 0).max(axis=0)
    open_ = ((high.astype(np.int16) - low).max(axis=2) > LEAST_DIFFERENCE).astype(np.uint8)
    open_ = cv2.dilate(cv2.morphologyEx(open_, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.ones((5, 5), np.uint8))
    return agreed(grown_in(background, states, valid, open_.astype(bool)), states, valid, open_.astype(bool))


def agreed(background: np.ndarray, states: np.ndarray, valid: np.ndarray, undecided: np.ndarray) -> np.ndarray:
    """The background (H, W, 3) with each ``undecided`` pixel taken from the stretch that shows the background best in the pixels around it.

    A body hides a whole patch for a stretch, so pixels of a patch agree on the stretches in which it is free; single mistakes are outvoted.
    """
    import cv2

    background = background.copy()
    for _ in range(VOTES):
        near = (np.abs(states.astype(np.int16) - background).max(axis=3) < 0.5 * LEAST_DIFFERENCE) & valid
        votes = np.stack([cv2.boxFilter((one & undecided).astype(np.float32), -1, (VOTE_PX, VOTE_PX)) for one in near])
        pick = np.where(valid, votes, -1.0).argmax(axis=0)
        chosen = np.take_along_axis(states, pick[None, :, :, None], axis=0)[0]
        background[undecided] = chosen[undecided]
    return background


def grown_in(background: np.ndarray, states: np.ndarray, valid: np.ndarray, undecided: np.ndarray) -> np.ndarray:
    """The background (H, W, 3) with each ``undecided`` pixel (H, W) set to the one of its ``states`` (K, H, W, 3) nearest in colour to a
    decided neighbour, from the rim inward.

    >>> states = np.stack([np.full((5, 5, 3), 90, np.uint8), np.full((5, 5, 3), 90, np.uint8)])
    >>> states[0, 1:4, 1:4] = 200  # a body rests here in the first of two stretches
    >>> undecided = (states[0] != states[1]).any(axis=2)
    >>> int(grown_in(states[0], states, np.ones((2, 5, 5), bool), undecided).max())
    90
    """
    height, width = undecided.shape
    background = background.copy()
    label = np.full((height, width), -1)
    left = undecided.copy()
    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    kinds = np.arange(len(states))
    while left.any():
        rows, columns = np.nonzero(left)
        best = np.full((len(rows), len(states)), np.inf)
        own = states[:, rows, columns].astype(np.int16)
        for dy, dx in around:
            y, x = rows + dy, columns + dx
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
            decided = inside & ~left[y, x]
            if not decided.any():
                continue
            here = np.flatnonzero(decided)
            apart = np.abs(own[:, here] - background[y[here], x[here]]).max(axis=2).T.astype(float)
            there = label[y[here], x[here]]
            apart += SWITCH_COST * ((there[:, None] >= 0) & (there[:, None] != kinds))
            best[here] = np.minimum(best[here], apart)
        best[~valid[:, rows, columns].T] = np.inf
        pick = best.argmin(axis=1)
        settled = np.isfinite(best[np.arange(len(rows)), pick])
        if not settled.any():
            break
        rows, columns, pick = rows[settled], columns[settled], pick[settled]
        background[rows, columns] = states[pick, rows, columns]
        label[rows, columns] = pick
        left[rows, columns] = False
    return background


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
        red, green, blue = cv2.split(cv2.absdiff(picture, level.astype(np.uint8)))
        strength[index] = cv2.max(cv2.max(red, green), blue)
        if seen is not None:
            strength[index][~seen[index]] = 0
    threshold = max(LEAST_DIFFERENCE, 4.0 + 6.0 * 1.4826 * float(np.median(noise)))
    return Difference(strength, background, threshold, offset)


def shadow_like(picture: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Where (h, w) bool a picture could be the background in a shadow: softly darker, by the same share in each colour. Both (h, w, 3).

    >>> wall = np.full((2, 2, 3), 200.0)
    >>> shadow_like(np.array([[[120.0, 120, 120], [135, 135, 135]]] * 2), wall).tolist()
    [[True, True], [True, True]]
    >>> shadow_like(np.array([[[120.0, 120, 120], [190, 60, 40]]] * 2), wall).any(), shadow_like(np.full((2, 2, 3), 199.0), wall).any()
    (np.False_, np.False_)
    """
    share = (picture.astype(np.float32) + 2.0) / (background.astype(np.float32) + 2.0)
    level = share.mean(axis=2)
    if min(level.shape) < 2:
        return np.zeros(level.shape, bool)
    down, across = np.gradient(level)
    dark = (level > SHADOW_RATIO[0]) & (level < SHADOW_RATIO[1])
    return dark & (np.ptp(share, axis=2) < SHADOW_TINT) & (np.hypot(down, across) < SHADOW_SLOPE)


def blobs_of(picture: np.ndarray, strength: np.ndarray, seen: np.ndarray | None, found: Difference, index: int) -> list[Blob]:
    """The blobs of one picture (H, W, 3), largest first; ``strength`` (H, W) its difference from the background."""
    import cv2

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    above = cv2.morphologyEx((strength > found.threshold).astype(np.uint8), cv2.MORPH_CLOSE, disc)
    core = cv2.morphologyEx(above, cv2.MORPH_OPEN, disc)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(core)
    order = [
        label
        for label in np.argsort(-stats[:, cv2.CC_STAT_AREA], kind="stable")
        if label and stats[label, cv2.CC_STAT_AREA] >= SMALLEST_AREA
    ]
    blobs: list[Blob] = []
    for label in order[:MOST_BLOBS]:
        left, top, wide, high = (int(value) for value in stats[label, :4])
        box = np.s_[top : top + high, left : left + wide]
        piece = labels[box] == label
        patch = picture[box].astype(np.float32) - found.offset[index].astype(np.float32)
        shade = shadow_like(patch, found.background[box]) & piece
        share = float(shade.sum() / piece.sum())
        blobs.append(_blob(_without_shade(piece, shade), patch, (left, top), share, strength.shape, seen))
    return blobs


def _without_shade(piece: np.ndarray, shade: np.ndarray) -> np.ndarray:
    """The parts (h, w) bool of a connected piece that are no shadow; the piece itself when that would leave almost nothing."""
    import cv2

    sharp = cv2.morphologyEx((piece & ~shade).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    solid = cv2.morphologyEx(sharp, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if solid.sum() < max(SMALLEST_AREA, 0.5 * piece.sum()):
        return piece
    _, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    areas = stats[:, cv2.CC_STAT_AREA].astype(float)
    areas[0] = 0.0
    return (areas >= 0.15 * areas.max())[labels] & piece


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
