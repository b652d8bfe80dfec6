"""Draws a talking person into a picture.

What does not move is painted once for each identity (:mod:`generators.simulator.head`) and scaled once for each size; a frame costs the
mouth, the jaw's pull on the skin, and one resampling that turns, tilts and places the head.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from generators.simulator.hair import paint_beard, paint_body, paint_glasses, paint_hair, paint_hair_behind
from generators.simulator.head import Easel, Sheet, lids, paint_brows, paint_eyes, paint_skin, stroke
from generators.simulator.lips import SHUT, Mouth, drop_jaw, paint_mouth
from generators.simulator.looks import Face

__all__ = ["FacePainter", "Mouth"]

MAX_YAW_RAD = 0.61  # yaw = 1: 35 degrees
HEAD_BOX = (-1.5, -1.5, 1.5, 1.9)
BODY_BOX = (-1.85, 0.25, 1.85, 7.0)
_DEPTH = 0.52  # how far the middle of the face is before its sides, in half head heights
_NOSE = 0.16  # how far the nose stands out of that
_SHARPNESS = 1.3  # pixels of a layer for each pixel of the picture


class _Layers(NamedTuple):
    behind: Sheet
    body: Sheet
    open_eyes: Sheet
    shut_eyes: Sheet


@lru_cache(maxsize=16)
def _layers(face: Face) -> _Layers:
    """Everything of a person that stays as it is, at full detail."""

    def head(*, shut: bool) -> Sheet:
        rng = np.random.default_rng([face.identity & 0xFFFFFFFF, 1])
        easel = Easel.of_box(*HEAD_BOX)
        paint_skin(face, easel, rng)
        paint_eyes(face, easel, shut=shut)
        paint_brows(face, easel, rng)
        paint_beard(face, easel, rng)
        paint_glasses(face, easel)
        paint_hair(face, easel, rng)
        return easel.sheet()

    rng = np.random.default_rng([face.identity & 0xFFFFFFFF, 2])
    behind, body = Easel.of_box(*HEAD_BOX), Easel.of_box(*BODY_BOX, scale=100)
    paint_hair_behind(face, behind, rng)
    paint_body(face, body, rng)
    return _Layers(behind.sheet(), body.sheet(), head(shut=False), head(shut=True))


class FacePainter:
    """Draws one person at one size. ``height_px`` is the head's height, crown to chin, with the mouth shut and without the hair's volume."""

    def __init__(self, face: Face, height_px: int) -> None:
        if height_px < 8:
            raise ValueError(f"a head of {height_px} pixels is too small to draw")
        self.face = face
        self.height_px = height_px
        self._unit = height_px / 2
        full = _layers(face)
        scale = min(full.open_eyes.scale, _SHARPNESS * self._unit)
        self._layers = _Layers(*(sheet.at_scale(min(scale, sheet.scale)) for sheet in full))
        self._blinks: dict[int, np.ndarray] = {}

    def paint(
        self,
        canvas: np.ndarray,
        *,
        centre: tuple[float, float],
        mouth: Mouth = SHUT,
        yaw: float = 0.0,
        roll_rad: float = 0.0,
        blink: float = 0.0,
        gain: tuple[float, float, float] = (1.0, 1.0, 1.0),
        body: tuple[float, float] | None = None,
    ) -> None:
        """Draw head, neck and shoulders into ``canvas`` (H, W, 3) uint8 RGB, in place; what lies outside the picture is cut off.

        ``centre`` is (x, y) of the head's middle in pixels; ``body`` is where that middle would be with the body at rest (left out: the same), so that a
        head can nod over quiet shoulders. ``yaw`` -1..1 turns the face, 1 to the picture's right by 35 degrees; ``roll_rad`` tilts it clockwise; ``blink``
        0 (eyes open) to 1 (shut). ``gain`` multiplies red, green and blue: the colour of the light.
        """
        light = np.asarray(gain, np.float32)
        rest = centre if body is None else body
        _place(canvas, self._layers.behind, self._unit, centre, roll_rad, light)
        _place(canvas, self._layers.body, self._unit, rest, 0.15 * roll_rad, light)
        head = self._posed_head(mouth, blink)
        _place(canvas, head, self._unit, centre, roll_rad, light, turn=MAX_YAW_RAD * float(np.clip(yaw, -1, 1)), nose_y=self.face.nose_y)

    def _posed_head(self, mouth: Mouth, blink: float) -> Sheet:
        """The head with this mouth and these lids, seen from the front."""
        still = self._layers.open_eyes
        mouth = Mouth(float(np.clip(mouth.open, 0, 1)), float(np.clip(mouth.width, 0, 1)))
        rgba = self._blinked(blink).copy()
        height, width = rgba.shape[:2]
        if mouth.open > 0:
            top, left, right = (round((value - start) * still.scale) for value, start in ((self.face.mouth_y - 0.03, still.top), (-1.0, still.left), (1.0, still.left)))
            rows, columns = np.arange(top, height, dtype=np.float32), np.arange(left, right, dtype=np.float32)
            lift = drop_jaw(self.face, mouth, still.left + (columns + 0.5) / still.scale, still.top + (rows + 0.5) / still.scale)
            source_y = rows[:, None] - lift * still.scale
            source_x = np.broadcast_to(columns, source_y.shape)
            rgba[top:, left:right] = cv2.remap(rgba, np.ascontiguousarray(source_x), source_y, cv2.INTER_LINEAR)
        paint_mouth(self.face, mouth, rgba, left=still.left, top=still.top, scale=still.scale)
        return Sheet(rgba, still.left, still.top, still.scale)

    def _blinked(self, blink: float) -> np.ndarray:
        """Head pixels with the lids lowered, in eight steps, each made once."""
        step = round(8 * float(np.clip(blink, 0, 1)))
        if step in (0, 8):
            return (self._layers.shut_eyes if step else self._layers.open_eyes).rgba
        if step not in self._blinks:
            still = self._layers.open_eyes
            easel = Easel.over(still)
            shut = self._layers.shut_eyes.rgba[..., :3]
            for side in (-1, 1):
                lid, _ = lids(self.face, side, upper_share=1 - step / 8)
                upper, _ = lids(self.face, side)
                easel.lay(shut, easel.mask(np.concatenate([upper - (0, 0.05), lid[::-1]])), cut=True)
                easel.lay((34, 24, 22), 0.85 * easel.mask(stroke(lid, 0.018)), cut=True)
            self._blinks[step] = np.dstack([easel.rgb, still.rgba[..., 3]])
        return self._blinks[step]


def _place(
    canvas: np.ndarray,
    sheet: Sheet,
    unit: float,
    centre: tuple[float, float],
    roll_rad: float,
    light: np.ndarray,
    *,
    turn: float = 0.0,
    nose_y: float = 0.4,
) -> None:
    """Resample ``sheet`` with ``unit`` pixels to a face unit, turned and tilted about ``centre``, and blend it over ``canvas``."""
    height, width = sheet.rgba.shape[:2]
    right, bottom = sheet.left + width / sheet.scale, sheet.top + height / sheet.scale
    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    corners = np.array([(x * cos - y * sin, x * sin + y * cos) for x in (sheet.left, right) for y in (sheet.top, bottom)]) * unit + centre
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int), (canvas.shape[1], canvas.shape[0]))
    if x0 >= x1 or y0 >= y1:
        return
    x = ((np.arange(x0, x1, dtype=np.float32) + 0.5 - np.float32(centre[0])) / unit)[None, :].astype(np.float32)
    y = ((np.arange(y0, y1, dtype=np.float32) + 0.5 - np.float32(centre[1])) / unit)[:, None].astype(np.float32)
    face_x, face_y = x * np.float32(cos) + y * np.float32(sin), y * np.float32(cos) - x * np.float32(sin)
    if turn:
        face_x = _turned(face_x, face_y, turn, nose_y)
    source_x = (face_x - np.float32(sheet.left)) * np.float32(sheet.scale) - np.float32(0.5)
    source_y = (face_y - np.float32(sheet.top)) * np.float32(sheet.scale) - np.float32(0.5)
    drawn = cv2.remap(sheet.rgba, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    region = canvas[y0:y1, x0:x1]
    see_through = 1.0 - drawn[..., 3:] * np.float32(1 / 255)
    np.clip(region * see_through + drawn[..., :3] * light + 0.5, 0, 255, out=drawn[..., :3])
    region[...] = drawn[..., :3]


def _turned(x: np.ndarray, y: np.ndarray, turn: float, nose_y: float) -> np.ndarray:
    """Where on the frontal face the point now seen at (x, y) is: x of it, for a head turned by ``turn`` radians to the right.

    The face is taken for a cylinder-like shell (depth falls with x squared, straight beyond the cheeks) with a nose on it.
    """
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    start = x - sin * np.float32(0.30)
    source = start / cos
    bridge = np.float32(_NOSE) * np.exp(-(((y - np.float32(nose_y - 0.06)) / np.where(y < nose_y - 0.06, np.float32(0.26), np.float32(0.07))) ** 2))
    for _ in range(4):
        near = np.minimum(np.abs(source), np.float32(0.8))
        depth = np.float32(_DEPTH) * (1 - near * near - 2 * np.float32(0.8) * 0.4 * (np.abs(source) - near)) - np.float32(0.30)
        depth = depth + bridge * np.exp(-((source / np.float32(0.13)) ** 2))
        source = (x - sin * depth) / cos
    return source
