"""What differs from the still background: the difference of each picture, and blobs free of noise and shadow."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seedbench.metrics.analyses.background import LEAST_DIFFERENCE, StabilisedPictures, background_of, stretch_samples
from seedbench.ties import falling_order

SMALLEST_AREA = 20
"""Blobs of fewer pixels (at 256 lines) are noise."""
SMALLEST_BODY = 7
"""Fewest pixels of a small body: a disc of 3 pixels, less than which no noise is told from a body."""
SMALL_STRENGTH = 1.25
"""A blob too small for :data:`SMALLEST_AREA` counts when its mean difference is this many times the threshold;
noise is just above it."""
SMALL_APART_PX = 4
"""Small blobs nearer than this to a large one are its fragments."""
MOST_BLOBS = 12
MOST_SMALL = 4
SAME_WEIGHT = 1e-6
"""Blobs whose summed differences differ by less keep their order in the picture."""
SHADOW_RATIO = (0.35, 0.97)
"""A shadow leaves a share of the light between these two, about the same of each colour (Horprasert et al. 1999)."""
SHADOW_TINT = 0.07
"""How much the shares of red, green and blue may differ within a shadow."""
SHADOW_SLOPE = 0.11
"""A shadow is soft: its share of the light changes by at most this much from one pixel to the next. Outlines of bodies are sharper."""


@dataclass(frozen=True)
class BackgroundDifference:
    """How far the pictures of a shot are from its background.

    Attributes:
        background: (H, W, 3) uint8.
        threshold: The strength above which a pixel is foreground, in grey levels.
        offset: (T, 3) how much brighter each picture is than the background, by colour; subtracted beforehand.
    """

    background: np.ndarray
    threshold: float
    offset: np.ndarray

    def strength(self, picture: np.ndarray, seen: np.ndarray | None, index: int) -> np.ndarray:
        """How far each pixel is from the background: the largest difference over the colours.

        Args:
            picture: The stabilised picture (H, W, 3) uint8.
            seen: Where it shows something (H, W) bool; None: everywhere.
            index: Number of the picture in the shot.

        Returns:
            (H, W) uint8.
        """
        import cv2

        offset = self.offset[index]
        level = (
            np.clip(self.background.astype(np.float32) + offset.astype(np.float32), 0, 255)
            if np.abs(offset).max() >= 1
            else self.background
        )
        red, green, blue = cv2.split(cv2.absdiff(smoothed(picture), level.astype(np.uint8)))
        strength = np.asarray(cv2.max(cv2.max(red, green), blue))
        if seen is not None:
            strength[~seen] = 0
        return strength


@dataclass(frozen=True)
class Region:
    """Pixels of a picture, packed: the outlines of all bodies in a long shot would not fit into memory as coordinates.

    Attributes:
        left: First column.
        top: First row.
        shape: (height, width) of the box around the pixels.
        bits: Its mask, one bit a pixel, compressed.
    """

    left: int
    top: int
    shape: tuple[int, int]
    bits: bytes

    @classmethod
    def of(cls, points: np.ndarray) -> Region:
        """The region of pixels (N, 2), whole numbers (x, y).

        >>> Region.of(np.array([[7.0, 5.0], [8.0, 5.0], [8.0, 6.0]])).points().tolist()
        [[7.0, 5.0], [8.0, 5.0], [8.0, 6.0]]
        """
        columns, rows = (np.ascontiguousarray(side) for side in points.astype(int).T)
        left, top = int(columns.min()), int(rows.min())
        mask = np.zeros((int(rows.max()) - top + 1, int(columns.max()) - left + 1), bool)
        mask[rows - top, columns - left] = True
        return cls.of_mask(mask, (left, top))

    @classmethod
    def of_mask(cls, mask: np.ndarray, corner: tuple[int, int]) -> Region:
        """The region of a mask (h, w) bool without empty sides, whose first pixel is at ``corner`` (x, y)."""
        return cls(*corner, mask.shape, zlib.compress(np.packbits(mask).tobytes(), 1))

    def points(self) -> np.ndarray:
        """(N, 2) its pixels (x, y), row by row."""
        height, width = self.shape
        packed = np.frombuffer(zlib.decompress(self.bits), np.uint8)
        rows, columns = np.nonzero(np.unpackbits(packed, count=height * width).reshape(height, width))
        return np.stack([columns + self.left, rows + self.top], axis=1).astype(np.float64)


@dataclass(frozen=True)
class Blob:
    """A connected piece of foreground in one stabilised picture, in its pixels.

    Attributes:
        x: Centroid of the convex hull without shadow.
        y: Centroid of that hull, downward.
        area: Area of that hull.
        box: (left, top, right, bottom) of that hull.
        region: Its pixels.
        colour: (3,) mean RGB.
        shadow_share: Share 0..1 of pixels that could be a shadow.
        at_border: Whether the picture's border cuts it.
        reliable: Whether its outline was measured, not guessed.
    """

    x: float
    y: float
    area: float
    box: tuple[float, float, float, float]
    region: Region
    colour: np.ndarray
    shadow_share: float
    at_border: bool
    reliable: bool = True

    @property
    def points(self) -> np.ndarray:
        """(N, 2) its pixels (x, y)."""
        return self.region.points()


def smoothed(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 with less noise."""
    import cv2

    return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0.8))


def background_difference(stabilised: StabilisedPictures) -> BackgroundDifference:
    """The difference of every pixel from a background without resting bodies.

    Args:
        stabilised: The pictures of a shot without the camera's motion.
    """
    background = background_of(_stretches(stabilised))
    count = len(stabilised)
    offset = np.zeros((count, 3))
    thinned = np.s_[::4, ::4]
    noise = []
    for index in range(count):
        seen = stabilised.seen(index)
        signed = smoothed(stabilised.picture(index))[thinned].astype(np.int16) - background[thinned]
        if seen is not None:
            signed = signed[seen[thinned]]
        offset[index] = np.median(signed.reshape(-1, 3), axis=0) if signed.size else 0.0
        noise.append(float(np.median(np.abs(signed.reshape(-1, 3) - offset[index]))) if signed.size else 0.0)
    threshold = max(LEAST_DIFFERENCE, 4.0 + 6.0 * 1.4826 * float(np.median(noise)))
    return BackgroundDifference(background, threshold, offset)


def _stretches(stabilised: StabilisedPictures) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    for numbers in stretch_samples(len(stabilised)):
        pictures = np.stack([smoothed(stabilised.picture(int(index))) for index in numbers])
        masks = [mask for mask in (stabilised.seen(int(index)) for index in numbers) if mask is not None]
        yield pictures, np.stack(masks) if masks else None


def shadow_like(picture: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Where a picture could be the background in a shadow: softly darker, by the same share in each colour.

    Args:
        picture: (h, w, 3).
        background: (h, w, 3).

    Returns:
        (h, w) bool.

    >>> wall = np.full((2, 2, 3), 200.0)
    >>> shadow_like(np.array([[[120.0, 120, 120], [135, 135, 135]]] * 2), wall).tolist()
    [[True, True], [True, True]]
    >>> shadow_like(np.array([[[120.0, 120, 120], [190, 60, 40]]] * 2), wall).any(), shadow_like(np.full((2, 2, 3), 199.0), wall).any()
    (np.False_, np.False_)
    """
    share = (picture.astype(np.float32) + 2.0) / (background.astype(np.float32) + 2.0)
    red, green, blue = share[..., 0], share[..., 1], share[..., 2]
    level = (red + green + blue) / np.float32(3.0)
    if min(level.shape) < 2:
        return np.zeros(level.shape, bool)
    down, across = np.gradient(level)
    dark = (level > SHADOW_RATIO[0]) & (level < SHADOW_RATIO[1])
    tint = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return dark & (tint < SHADOW_TINT) & (np.hypot(down, across) < SHADOW_SLOPE)


def blobs_of(
    picture: np.ndarray, strength: np.ndarray, seen: np.ndarray | None, difference: BackgroundDifference, index: int
) -> list[Blob]:
    """The blobs of one picture, largest first.

    Args:
        picture: The stabilised picture (H, W, 3) uint8.
        strength: Its difference from the background (H, W) uint8.
        seen: Where it shows something (H, W) bool; None: everywhere.
        difference: The difference of the whole shot.
        index: Number of the picture in the shot.
    """
    import cv2

    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    above = cv2.morphologyEx((strength > difference.threshold).astype(np.uint8), cv2.MORPH_CLOSE, disc)
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
        patch = picture[box].astype(np.float32) - difference.offset[index].astype(np.float32)
        shadow = shadow_like(patch, difference.background[box]) & piece
        share = float(shadow.sum() / piece.sum())
        blobs.append(_blob(_without_shadow(piece, shadow), patch, (left, top), share, strength.shape, seen))
    is_large = np.zeros(len(stats), np.uint8)
    is_large[order] = 1
    return blobs + _small_blobs(picture, strength, seen, difference, index, is_large[labels])


def _small_blobs(
    picture: np.ndarray, strength: np.ndarray, seen: np.ndarray | None, difference: BackgroundDifference, index: int, large: np.ndarray
) -> list[Blob]:
    """The strongest small blobs that are no fragments of a large one.

    Args:
        picture: The stabilised picture (H, W, 3) uint8.
        strength: Its difference from the background (H, W) uint8.
        seen: Where it shows something (H, W) bool; None: everywhere.
        difference: The difference of the whole shot.
        index: Number of the picture in the shot.
        large: (H, W) uint8, 1 where a large blob is.
    """
    import cv2

    near = cv2.dilate(large, np.ones((2 * SMALL_APART_PX + 1, 2 * SMALL_APART_PX + 1), np.uint8))
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    above = ((strength > difference.threshold) & (near == 0)).astype(np.uint8)
    if not above.any():
        return []
    core = cv2.morphologyEx(above, cv2.MORPH_OPEN, cross)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(core)
    small: list[tuple[float, Blob]] = []
    for label in range(1, count):
        left, top, wide, high, area = (int(value) for value in stats[label])
        box = np.s_[top : top + high, left : left + wide]
        piece = labels[box] == label
        level = float(strength[box][piece].mean())
        if area < SMALLEST_BODY or level < SMALL_STRENGTH * difference.threshold or max(wide, high) > 3 * min(wide, high):
            continue
        patch = picture[box].astype(np.float32) - difference.offset[index].astype(np.float32)
        small.append((level * area, _blob(piece, patch, (left, top), 0.0, strength.shape, seen)))
    strongest = falling_order([weight for weight, _ in small], tolerance=SAME_WEIGHT)
    return [small[k][1] for k in strongest[:MOST_SMALL]]


def _without_shadow(piece: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """The parts (h, w) bool of a connected piece that are no shadow; the piece itself when that would leave almost nothing."""
    import cv2

    sharp = cv2.morphologyEx((piece & ~shadow).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
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
    area, low, high = len(rows), (int(columns.min()), int(rows.min())), (int(columns.max()), int(rows.max()))
    shown = filled[low[1] : high[1] + 1, low[0] : high[0] + 1]
    low, high = (low[0] + corner[0], low[1] + corner[1]), (high[0] + corner[0], high[1] + corner[1])
    height, width = size
    at_border = bool(min(low) <= 1 or high[0] >= width - 2 or high[1] >= height - 2)
    if not at_border and seen is not None:
        around = seen[max(0, low[1] - 2) : high[1] + 3, max(0, low[0] - 2) : high[0] + 3]
        at_border = not bool(around.all())
    return Blob(
        x=float((columns + corner[0]).mean()),
        y=float((rows + corner[1]).mean()),
        area=float(area),
        box=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        region=Region.of_mask(shown, low),
        colour=patch[piece].mean(axis=0),
        shadow_share=share,
        at_border=at_border,
    )
