"""Draws a talking person into a picture.

What does not move is painted once for each identity (:mod:`seedbench.generators.simulator.head`) and scaled once for each size;
a frame costs the mouth, the jaw's pull on the skin, and one resampling that turns, tilts and places the head.
"""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from seedbench.generators.simulator.clothes import paint_body, paint_glasses
from seedbench.generators.simulator.face_canvas import FaceCanvas, FaceLayer, stroke
from seedbench.generators.simulator.hair import paint_beard, paint_hair, paint_hair_behind
from seedbench.generators.simulator.head import lids, paint_brows, paint_eyes, paint_skin
from seedbench.generators.simulator.lips import JAW_DROP, SHUT, Mouth, drop_jaw, paint_mouth
from seedbench.generators.simulator.looks import Face

__all__ = ["FacePainter", "Mouth"]

MAX_YAW_RAD = 0.52  # yaw = 1: 30 degrees
HEAD_BOX = (-1.5, -1.5, 1.5, 1.9)
BODY_BOX = (-1.85, 0.25, 1.85, 7.0)
_DEPTH = 0.52  # how far the middle of the face is before its sides, in half head heights
_PIVOT = 0.22  # depth of the axis the picture turns about
_NOSE = 0.16  # how far the nose stands out of that
_SHARPNESS = 1.3  # pixels of a layer for each pixel of the picture


class _Layers(NamedTuple):
    behind: FaceLayer
    body: FaceLayer
    open_eyes: FaceLayer
    shut_eyes: FaceLayer


@lru_cache(maxsize=16)
def _layers(face: Face) -> _Layers:
    """Everything of a person that stays as it is, at full detail."""

    draws = [np.random.default_rng([face.identity & 0xFFFFFFFF, layer]) for layer in range(3)]
    skin = FaceCanvas.of_box(*HEAD_BOX)
    paint_skin(face, skin, draws[0])

    def head(*, shut: bool) -> FaceLayer:
        rng = np.random.default_rng([face.identity & 0xFFFFFFFF, 3])
        canvas = copy.deepcopy(skin)
        paint_eyes(face, canvas, shut=shut)
        paint_brows(face, canvas, rng)
        paint_beard(face, canvas, rng)
        paint_glasses(face, canvas)
        paint_hair(face, canvas, rng)
        return canvas.layer()

    behind, body = FaceCanvas.of_box(*HEAD_BOX), FaceCanvas.of_box(*BODY_BOX, scale=100)
    paint_hair_behind(face, behind, draws[1])
    paint_body(face, body, draws[2])
    return _Layers(behind.layer(), body.layer(), head(shut=False), head(shut=True))


class FacePainter:
    """Draws one person at one size; ``height_px`` is the head's height, crown to chin, mouth shut, without the hair's volume."""

    def __init__(self, face: Face, height_px: int) -> None:
        if height_px < 8:
            raise ValueError(f"a head of {height_px} pixels is too small to draw")
        self.face = face
        self.height_px = height_px
        self._unit = height_px / 2
        full = _layers(face)
        scale = min(full.open_eyes.scale, _SHARPNESS * self._unit)
        self._layers = _Layers(*(layer.at_scale(min(scale, layer.scale)) for layer in full))
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

        ``centre`` is (x, y) of the head's middle in pixels; ``body`` is where that middle would be with the body at rest (left
        out: the same), so that a head can nod over quiet shoulders. ``yaw`` -1..1 turns the face, 1 to the picture's right by 30
        degrees; ``roll_rad`` tilts it clockwise; ``blink`` is 0 (eyes open) to 1 (shut). ``gain`` multiplies red, green and blue:
        the colour of the light.
        """
        light = np.asarray(gain, np.float32)
        rest = centre if body is None else body
        turn = MAX_YAW_RAD * float(np.clip(yaw, -1, 1))
        behind = (centre[0] - 0.2 * np.sin(turn) * self._unit, centre[1])
        _place(canvas, self._layers.behind, self._unit, behind, roll_rad, light)
        _place(canvas, self._layers.body, self._unit, rest, 0.15 * roll_rad, light)
        head = self._posed_head(mouth, blink)
        _place(canvas, head, self._unit, centre, roll_rad, light, turn=turn, nose_y=self.face.nose_y)

    def _posed_head(self, mouth: Mouth, blink: float) -> FaceLayer:
        """The head with this mouth and these lids, seen from the front."""
        still = self._layers.open_eyes
        mouth = Mouth(float(np.clip(mouth.open, 0, 1)), float(np.clip(mouth.width, 0, 1)))
        lids_lowered = self._blinked(blink)
        height, width = lids_lowered.shape[:2]
        longer = round(JAW_DROP * still.scale) + 1 if mouth.open > 0 else 0
        rgba = cv2.copyMakeBorder(lids_lowered, 0, longer, 0, 0, cv2.BORDER_CONSTANT)
        if mouth.open > 0:
            top = round((self.face.mouth_y - 0.03 - still.top) * still.scale)
            rows, columns = np.arange(top, height + longer, dtype=np.float32), np.arange(width, dtype=np.float32)
            lift = drop_jaw(self.face, mouth, still.left + (columns + 0.5) / still.scale, still.top + (rows + 0.5) / still.scale)
            source_x = np.repeat(columns[None, :], len(rows), axis=0)
            source_y = rows[:, None] - lift * np.float32(still.scale)
            rgba[top:] = cv2.remap(lids_lowered, source_x, source_y, cv2.INTER_LINEAR)
        paint_mouth(self.face, mouth, rgba, left=still.left, top=still.top, scale=still.scale)
        return FaceLayer(rgba, still.left, still.top, still.scale)

    def _blinked(self, blink: float) -> np.ndarray:
        """Head pixels with the lids lowered, in eight steps, each made once."""
        step = round(8 * float(np.clip(blink, 0, 1)))
        if step in (0, 8):
            return (self._layers.shut_eyes if step else self._layers.open_eyes).rgba
        if step not in self._blinks:
            still = self._layers.open_eyes
            canvas = FaceCanvas.over(still)
            shut = self._layers.shut_eyes.rgba[..., :3]
            for side in (-1, 1):
                lid, _ = lids(self.face, side, upper_share=1 - step / 8)
                upper, _ = lids(self.face, side)
                canvas.lay(shut, canvas.mask(np.concatenate([upper - (0, 0.05), lid[::-1]])), cut=True)
                canvas.lay((34, 24, 22), 0.85 * canvas.mask(stroke(lid, 0.018)), cut=True)
            self._blinks[step] = np.dstack([np.rint(canvas.rgb).astype(np.uint8), still.rgba[..., 3]])
        return self._blinks[step]


def _place(
    canvas: np.ndarray,
    layer: FaceLayer,
    unit: float,
    centre: tuple[float, float],
    roll_rad: float,
    light: np.ndarray,
    *,
    turn: float = 0.0,
    nose_y: float = 0.4,
) -> None:
    """Resample ``layer`` with ``unit`` pixels to a face unit, turned and tilted about ``centre``, and blend it over ``canvas``."""
    height, width = layer.rgba.shape[:2]
    if not height:
        return
    right, bottom = layer.left + width / layer.scale, layer.top + height / layer.scale
    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    corners = np.array([(x * cos - y * sin, x * sin + y * cos) for x in (layer.left, right) for y in (layer.top, bottom)]) * unit + centre
    room = np.array([0.1 * unit if turn else 0.0, 0.0])
    x0, y0 = np.maximum(np.floor(corners.min(axis=0) - room).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0) + room).astype(int), (canvas.shape[1], canvas.shape[0]))
    if x0 >= x1 or y0 >= y1:
        return
    # from pixels of the canvas to face units to pixels of the layer
    step = layer.scale / unit
    to_sheet = np.array([[cos, sin], [-sin, cos]]) * step
    shift = to_sheet @ (np.array([x0, y0]) + 0.5 - centre) - np.array([layer.left, layer.top]) * layer.scale - 0.5
    matrix = np.column_stack([to_sheet, shift])
    size = (int(x1 - x0), int(y1 - y0))
    if turn:
        columns, rows = np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32)[:, None]
        source_x, source_y = (np.float32(a) * columns + np.float32(b) * rows + np.float32(c) for a, b, c in matrix)
        source_x += _turn(layer, source_x, source_y, turn, nose_y)
        drawn = cv2.remap(layer.rgba, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    else:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        drawn = cv2.warpAffine(layer.rgba, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT)
    region = canvas[y0:y1, x0:x1]
    see_through = 255 - drawn[..., 3:].astype(np.uint16)
    lit = np.minimum(np.arange(256, dtype=np.float32)[:, None] * light + 0.5, 255).astype(np.uint8)[None]
    colours = cv2.LUT(np.ascontiguousarray(drawn[..., :3]), lit)
    region[...] = cv2.add(((region * see_through + 127) // 255).astype(np.uint8), colours)


def _turn(layer: FaceLayer, source_x: np.ndarray, source_y: np.ndarray, turn: float, nose_y: float) -> np.ndarray:
    """What to add to ``source_x`` (h, w) pixels of the frontal layer when the head is turned by ``turn`` radians to the picture's right.

    The head is taken for a shell whose depth falls towards cheeks, crown and chin, with a nose on it. The shift is smooth: it is worked
    out on every fourth pixel.
    """
    coarse = (source_x.shape[1] // 4 + 2, source_x.shape[0] // 4 + 2)
    x, y = (cv2.resize(source, coarse, interpolation=cv2.INTER_AREA) / np.float32(layer.scale) for source in (source_x, source_y))
    x, y = x + np.float32(layer.left), y + np.float32(layer.top)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    over_tip = np.where(y < nose_y - 0.06, np.float32(0.26), np.float32(0.07))
    bridge = np.float32(_NOSE) * np.exp(-(((y - np.float32(nose_y - 0.06)) / over_tip) ** 2))
    rounding = np.float32(0.42) * np.maximum(-y - np.float32(0.2), 0) ** 2 + np.float32(0.12) * np.maximum(y, 0) ** 2
    source = x
    for _ in range(5):
        near = np.minimum(np.abs(source), np.float32(0.75))
        depth = np.float32(_DEPTH) * (1 - near * near - np.float32(0.6) * (np.abs(source) - near))
        depth = depth - rounding + bridge * np.exp(-((source / np.float32(0.13)) ** 2))
        source = (x - sin * (depth - np.float32(_PIVOT))) / cos
    shift = (source - x) * np.float32(layer.scale)
    return cv2.resize(shift, (source_x.shape[1], source_x.shape[0]), interpolation=cv2.INTER_LINEAR)
