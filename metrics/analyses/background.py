"""The background of a shot: what is behind everything that moves or rests for a while. Pure functions of arrays.

The pictures are first mapped to one plane by the camera's motion. Each pixel's state is its median in each of a few stretches of the clip.
Where the states agree, they are the background. Where they do not, because a body rested there for a while, the background is filled in
from the edge inward: layer by layer each pixel takes the state whose colour is nearest to its neighbours that are already decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seedbench.metrics.analyses.motion import CameraMotion, transform_points
from seedbench.metrics.analyses.picture_store import Pictures

LARGEST_AREA = 3.0
"""The pictures may cover at most this many picture areas; a camera that moves further is not followed."""
STRETCHES = 6
"""Stretches of the clip; each pixel has one state per stretch."""
SAMPLES = 7
"""Pictures of a stretch from which its median is taken."""
SWITCH_COST = 3.0
"""Extra cost, in grey levels, of taking a pixel from another stretch than its neighbour."""
RARE_COST = 6.0
"""Extra cost, in grey levels, of a state that no other stretch shares: a soft shadow that passes has no edge by which it is told apart."""
VOTES = 4
"""Rounds of voting on the stretch from which each undecided pixel is taken."""
VOTE_PX = 15
"""Side of the square of pixels that vote."""
LEAST_DIFFERENCE = 12.0
"""Least difference of a pixel from the background, in grey levels; higher when the picture is noisy."""


@dataclass(frozen=True)
class StabilisedPictures:
    """The pictures of a shot with the camera's motion taken out, all on the plane of the first one. Each is made when it is asked for.

    Attributes:
        rgb: T pictures as they were taken, (h, w, 3) uint8.
        to_plane: (T, 2, 3) maps each to the plane; None where the camera stands still.
        size: (width, height) of the plane in pixels.
        origin: (2,) pixel (x, y) of the plane at which the first picture's corner lies.
    """

    rgb: Pictures
    to_plane: np.ndarray | None
    size: tuple[int, int]
    origin: np.ndarray

    def __len__(self) -> int:
        return len(self.rgb)

    def picture(self, index: int) -> np.ndarray:
        """Picture ``index`` on the plane, (H, W, 3) uint8."""
        import cv2

        if self.to_plane is None:
            return self.rgb[index]
        return np.asarray(cv2.warpAffine(self.rgb[index], self.to_plane[index], self.size, flags=cv2.INTER_LINEAR))

    def seen(self, index: int) -> np.ndarray | None:
        """Where picture ``index`` shows something, (H, W) bool; None where every picture shows all of the plane."""
        import cv2

        if self.to_plane is None:
            return None
        full = np.full(self.rgb[0].shape[:2], 255, np.uint8)
        return np.asarray(cv2.erode(cv2.warpAffine(full, self.to_plane[index], self.size), np.ones((5, 5), np.uint8)) == 255)


def stabilise(rgb: Pictures, camera: CameraMotion) -> StabilisedPictures | None:
    """Take the camera's motion out of the pictures of a shot.

    Args:
        rgb: T pictures (H, W, 3) uint8.
        camera: The camera's motion over the same pictures.

    Returns:
        The pictures on the plane of the first one; None when they would cover more than :data:`LARGEST_AREA` times its area.
    """
    height, width = rgb[0].shape[:2]
    if not camera.moving:
        return StabilisedPictures(rgb, None, (width, height), np.zeros(2))
    corners = np.array([[0.0, 0], [width, 0], [0, height], [width, height]])
    reach = np.concatenate([transform_points(corners, matrix) for matrix in camera.to_first])
    low, high = np.floor(reach.min(axis=0)), np.ceil(reach.max(axis=0))
    size = (high - low).astype(int)
    if size[0] * size[1] > LARGEST_AREA * height * width:
        return None
    to_plane = camera.to_first.copy()
    to_plane[:, :, 2] -= low
    return StabilisedPictures(rgb, to_plane, (int(size[0]), int(size[1])), -low)


def median_over_time(pictures: np.ndarray, valid: np.ndarray | None) -> np.ndarray:
    """Median of pictures over time.

    Args:
        pictures: (T, H, W, 3) uint8.
        valid: (T, H, W) bool, the samples to use; None for all.

    Returns:
        (H, W, 3) uint8, the lower one of two medians; 0 where nothing is valid.

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


def stretch_samples(count: int) -> list[np.ndarray]:
    """The pictures from which the background is taken: at most :data:`SAMPLES` of each of :data:`STRETCHES` stretches of the shot.

    >>> [index.tolist() for index in stretch_samples(14)]
    [[0, 1], [2, 3], [4, 5, 6], [7, 8], [9, 10], [11, 12, 13]]
    >>> sum(len(index) for index in stretch_samples(4500))
    42
    """
    edges = np.linspace(0, count, min(STRETCHES, count) + 1).astype(int)
    return [np.unique(np.linspace(start, end - 1, SAMPLES).astype(int)) for start, end in pairwise(edges)]


def background_of(stretches: Iterable[tuple[np.ndarray, np.ndarray | None]]) -> np.ndarray:
    """The background of a shot, without bodies that rest for a while.

    Args:
        stretches: Of each stretch the chosen pictures (K, H, W, 3) uint8 and where each shows something, (K, H, W) bool; None: everywhere.

    Returns:
        (H, W, 3) uint8.
    """
    import cv2

    medians, shown = [], []
    for pictures, seen in stretches:
        medians.append(median_over_time(pictures, seen))
        shown.append(None if seen is None else seen.any(axis=0))
    states = np.stack(medians)
    valid = np.stack([np.ones(states.shape[1:3], bool) if mask is None else mask for mask in shown])
    background = median_over_time(states, None if any(mask is None for mask in shown) else valid)
    low = np.where(valid[..., None], states, 255).min(axis=0)
    high = np.where(valid[..., None], states, 0).max(axis=0)
    changed = ((high.astype(np.int16) - low).max(axis=2) > LEAST_DIFFERENCE).astype(np.uint8)
    changed = cv2.dilate(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.ones((5, 5), np.uint8))
    undecided = changed.astype(bool)
    return settle_by_vote(fill_inward(background, states, valid, undecided), states, valid, undecided)


def settle_by_vote(background: np.ndarray, states: np.ndarray, valid: np.ndarray, undecided: np.ndarray) -> np.ndarray:
    """The background (H, W, 3) with each ``undecided`` pixel taken from the stretch that shows the background best in the pixels around it.

    A body hides a whole patch for a stretch, so pixels of a patch agree on the stretches in which it is free; single mistakes are outvoted.

    Args:
        background: (H, W, 3) uint8.
        states: (K, H, W, 3) uint8, the median of each of K stretches.
        valid: (K, H, W) bool, where a stretch shows something.
        undecided: (H, W) bool, the pixels to settle.

    Returns:
        A new background (H, W, 3) uint8.
    """
    import cv2

    background = background.copy()
    for _ in range(VOTES):
        near = (np.abs(states.astype(np.int16) - background).max(axis=3) < 0.5 * LEAST_DIFFERENCE) & valid
        votes = np.stack([cv2.boxFilter((mask & undecided).astype(np.float32), -1, (VOTE_PX, VOTE_PX)) for mask in near])
        pick = np.where(valid, votes, -1.0).argmax(axis=0)
        chosen = np.take_along_axis(states, pick[None, :, :, None], axis=0)[0]
        background[undecided] = chosen[undecided]
    return background


def fill_inward(background: np.ndarray, states: np.ndarray, valid: np.ndarray, undecided: np.ndarray) -> np.ndarray:
    """The background with each undecided pixel set to the one of its states nearest in colour to a decided neighbour, from the edge inward.

    Args:
        background: (H, W, 3) uint8.
        states: (K, H, W, 3) uint8, the colours that each pixel may have.
        valid: (K, H, W) bool, the states that may be used.
        undecided: (H, W) bool, the pixels to fill.

    Returns:
        A new background (H, W, 3) uint8.

    >>> states = np.stack([np.full((5, 5, 3), 90, np.uint8), np.full((5, 5, 3), 90, np.uint8)])
    >>> states[0, 1:4, 1:4] = 200  # a body rests here in the first of two stretches
    >>> undecided = (states[0] != states[1]).any(axis=2)
    >>> int(fill_inward(states[0], states, np.ones((2, 5, 5), bool), undecided).max())
    90
    """
    import cv2

    height, width = undecided.shape
    background = background.copy()
    label = np.full((height, width), -1)
    left = undecided.copy()
    around = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    rare = RARE_COST * (1.0 - _shared(states, valid, undecided))
    kinds = np.arange(len(states))
    while left.any():
        edge = left & cv2.dilate((~left).astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        rows, columns = np.nonzero(edge)
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
        best += rare[:, rows, columns].T
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


def _shared(states: np.ndarray, valid: np.ndarray, undecided: np.ndarray) -> np.ndarray:
    """(K, H, W) float32: the share of the other stretches whose colour is that of a stretch; computed where ``undecided``."""
    shared = np.zeros(valid.shape, np.float32)
    colours, shown = states[:, undecided].astype(np.int16), valid[:, undecided]
    others = np.maximum(shown.sum(axis=0) - 1, 1)
    for kind in range(len(states)):
        alike = (np.abs(colours - colours[kind]).max(axis=2) < 0.5 * LEAST_DIFFERENCE) & shown
        shared[kind][undecided] = (alike.sum(axis=0) - shown[kind]) / others
    return shared
