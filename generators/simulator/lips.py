"""The mouth of one frame: lips, teeth, tongue, and the skin that follows the jaw."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from seedbench.generators.simulator.face_canvas import blurred
from seedbench.generators.simulator.looks import Face

JAW_DROP = 0.29  # how far the chin falls at full opening, in half head heights
GAP = 0.28  # between the lips at full opening
_EAGER = 0.85  # small openings show more than in proportion: speech has few large ones
_OVERSAMPLE = 3


@dataclass(frozen=True)
class Mouth:
    """The state of a mouth: ``open`` 0 (lips meet) to 1 (jaw dropped), ``width`` 0 (rounded) to 1 (spread), 0.5 at rest."""

    open: float = 0.0
    width: float = 0.5


SHUT = Mouth()


def drop_jaw(face: Face, mouth: Mouth, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much higher the skin now at (x, y) was with the mouth shut: (len(y), len(x)) in face units.

    >>> from seedbench.generators.simulator.looks import face_of
    >>> from seedbench.generators.simulator.stage_block import Look
    >>> drop = drop_jaw(face_of(Look()), Mouth(open=1.0), np.zeros(1), np.array([0.0, 1.2]))
    >>> float(drop[0, 0]), round(float(drop[1, 0]), 2)
    (0.0, 0.29)
    """
    fall = JAW_DROP * mouth.open**_EAGER
    down = np.clip((y - face.mouth_y + 0.02) / (0.22 + fall), 0, 1)
    side = np.clip((1.12 * face.half_width - np.abs(x)) / (0.75 * face.half_width), 0, 1)
    return np.outer(fall * down * down * (3 - 2 * down), side * side * (3 - 2 * side)).astype(np.float32)


@dataclass(frozen=True)
class LipShape:
    """Edges of the lips, (N, 2) each from the left to the right corner, in face units."""

    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray

    @property
    def gap(self) -> float:
        """Opening between the inner edges in the middle, in face units."""
        middle = len(self.upper_inner) // 2
        return float(self.lower_inner[middle, 1] - self.upper_inner[middle, 1])


def lips_of(face: Face, mouth: Mouth) -> LipShape:
    """Where the lips are.

    >>> from seedbench.generators.simulator.looks import face_of
    >>> from seedbench.generators.simulator.stage_block import Look
    >>> face = face_of(Look())
    >>> lips_of(face, Mouth(open=0.0)).gap, round(lips_of(face, Mouth(open=1.0)).gap, 3)
    (0.0, 0.28)
    """
    u = np.linspace(-1, 1, 41)
    spread = mouth.width - 0.5
    half = face.mouth_width * (1 + 0.42 * spread) * (1 - 0.10 * mouth.open)
    pucker = 1 - 0.55 * spread
    gap = GAP * mouth.open**_EAGER
    corner_y = face.mouth_y + 0.25 * gap - 0.02 * max(spread, 0.0)
    x = half * u
    arch = (1 - np.abs(u) ** 2.2) ** 0.75
    line = corner_y + 0.010 * np.cos(np.pi * u) * (1 - u**2) - 0.011 * np.abs(u) ** 2.5
    upper_inner = line - (0.25 * gap + 0.008) * arch + 0.008 * arch
    lower_inner = line + 0.75 * gap * (1 - np.abs(u) ** 2.6) ** 0.7
    thin = 1 - 0.22 * mouth.open
    bow = 1 - 0.30 * face.cupid * np.exp(-((u / 0.13) ** 2)) + 0.10 * face.cupid * np.exp(-(((np.abs(u) - 0.25) / 0.15) ** 2))
    upper_outer = upper_inner - face.upper_lip * pucker * thin * bow * (1 - np.abs(u) ** 1.9) ** 0.85
    lower_outer = lower_inner + face.lower_lip * pucker * thin * (1 - np.abs(u) ** 2.3) ** 0.8
    return LipShape(*(np.stack([x, edge], axis=1) for edge in (upper_outer, upper_inner, lower_inner, lower_outer)))


def paint_mouth(face: Face, mouth: Mouth, rgba: np.ndarray, *, left: float, top: float, scale: float) -> None:
    """Draw lips and what is between them over ``rgba`` (h, w, 4) uint8, opaque there, whose top left corner is (``left``, ``top``)."""
    lips = lips_of(face, mouth)
    margin = 0.10
    column = [round((value - left) * scale) for value in (lips.upper_outer[0, 0] - margin, lips.upper_outer[-1, 0] + margin)]
    row = [round((value - top) * scale) for value in (lips.upper_outer[:, 1].min() - margin, lips.lower_outer[:, 1].max() + margin)]
    column, row = list(np.clip(column, 0, rgba.shape[1])), list(np.clip(row, 0, rgba.shape[0]))
    size = (column[1] - column[0], row[1] - row[0])
    origin = np.array([left + column[0] / scale, top + row[0] / scale])

    def coverage(*polygons: np.ndarray) -> np.ndarray:
        layer = np.zeros((size[1] * _OVERSAMPLE, size[0] * _OVERSAMPLE), np.uint8)
        for polygon in polygons:
            points = (polygon - origin) * (scale * _OVERSAMPLE) - 0.5
            cv2.fillPoly(layer, [np.round(points * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
        return cv2.resize(layer, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0

    patch = rgba[row[0] : row[1], column[0] : column[1], :3].astype(np.float32)
    y = (origin[1] + (np.arange(size[1], dtype=np.float32) + 0.5) / scale)[:, None]
    x = (origin[0] + (np.arange(size[0], dtype=np.float32) + 0.5) / scale)[None, :]
    middle_x, half = 0.0, lips.upper_inner[-1, 0]
    upper_y = np.interp(x[0], lips.upper_inner[:, 0], lips.upper_outer[:, 1])[None, :]
    inner_y = np.interp(x[0], lips.upper_inner[:, 0], lips.upper_inner[:, 1])[None, :]
    lower_y = np.interp(x[0], lips.lower_inner[:, 0], lips.lower_inner[:, 1])[None, :]
    below_y = np.interp(x[0], lips.lower_outer[:, 0], lips.lower_outer[:, 1])[None, :]

    def lay(colour: np.ndarray, cover: np.ndarray) -> None:
        patch[...] += (colour - patch) * cover[..., None]

    skin = np.asarray(face.skin, np.float32)
    tint = np.array([0.80, 0.52, 0.52], np.float32) + (1 - face.lip_red) * np.array([0.02, 0.12, 0.10], np.float32)
    lip = skin * tint + np.array([18, 0, 4], np.float32) * face.lip_red
    lip += (np.array([190, 108, 104], np.float32) - lip) * np.clip((160 - skin.mean()) / 130, 0, 0.6)  # lips stand out from dark skin too
    # the shadow the lower lip casts, and the dimples of the corners
    cast = np.exp(-(((y - below_y - 0.025) / 0.022) ** 2) - ((x - middle_x) / (0.62 * half)) ** 2)
    dimples = np.exp(-(((np.abs(x) - half - 0.012) / 0.022) ** 2) - ((y - lips.upper_inner[0, 1]) / 0.028) ** 2)
    patch *= (1 - 0.20 * cast - 0.22 * dimples)[..., None]
    full = coverage(np.concatenate([lips.upper_outer, lips.upper_inner[::-1]]), np.concatenate([lips.lower_inner, lips.lower_outer[::-1]]))
    full = blurred(full, 0.007 * scale)
    in_upper = np.clip((y - upper_y) / np.maximum(inner_y - upper_y, 1e-3), 0, 1)
    in_lower = np.clip((y - lower_y) / np.maximum(below_y - lower_y, 1e-3), 0, 1)
    light = np.where(
        y < (inner_y + lower_y) / 2, 0.98 - 0.24 * in_upper, 0.82 + 0.34 * np.sin(np.pi * np.clip(in_lower * 0.9 + 0.06, 0, 1))
    )
    light = light - 0.12 * np.clip(np.abs(x) / half, 0, 1) ** 3
    sheen = (26 + 30 * face.lip_red) * np.exp(-(((in_lower - 0.42) / 0.2) ** 2) - (x / (0.45 * half)) ** 2) * (y > lower_y)
    lay(lip * light[..., None] + sheen[..., None], 0.93 * full)
    if mouth.open > 0.004:
        inside = coverage(np.concatenate([lips.upper_inner, lips.lower_inner[::-1]]))
        deep = np.clip((y - inner_y) / 0.06, 0, 1)
        colour = np.array([44, 12, 14], np.float32) * (0.55 + 0.35 * deep)[..., None]
        gap = lips.gap
        tongue = np.exp(-((x / (0.60 * half)) ** 4)) * np.clip((y - (lower_y - 0.26 * gap)) / 0.035, 0, 1) * min(1.0, gap / 0.08)
        colour = colour + (np.array([142, 60, 62], np.float32) - colour) * (0.85 * tongue)[..., None]
        teeth_y = inner_y + np.minimum(0.055, 0.32 * gap) * np.sqrt(np.clip(1 - (x / (0.93 * half)) ** 2, 0, 1))
        seams = 1 - 0.10 * np.exp(-(((np.abs(x) % 0.052) / 0.006) ** 2))
        teeth = np.clip((teeth_y - y) * scale + 0.5, 0, 1) * np.clip(gap / 0.03, 0, 1)
        ivory = (
            np.array([226, 219, 206], np.float32)
            * (seams * (0.72 + 0.28 * np.clip((y - inner_y) / 0.02, 0, 1)) * (1 - 0.35 * (x / half) ** 2))[..., None]
        )
        colour = colour + (ivory - colour) * teeth[..., None]
        lay(colour, inside)
    line = coverage(_ribbon(lips.upper_inner, 0.014))
    lay(lip * 0.34, (0.80 - 0.45 * min(1.0, mouth.open * 6)) * line)
    rgba[row[0] : row[1], column[0] : column[1], :3] = np.clip(patch + 0.5, 0, 255).astype(np.uint8)


def _ribbon(line: np.ndarray, thickness: float) -> np.ndarray:
    offset = np.array([0.0, thickness / 2])
    return np.concatenate([line - offset, (line + offset)[::-1]])
