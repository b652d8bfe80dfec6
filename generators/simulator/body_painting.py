"""Painting bodies: how metres become pixels, the wall and the floor, and the bodies themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from seedbench.generators.simulator.bodies import BodyPath, Solid

#: Where the floor is, and the free height over it, in shares of the frame's height.
FLOOR = 0.86
HEADROOM = 0.72
#: Share of the frame's width that the bodies' ways may take.
SPAN = 0.84
#: No body is drawn with a smaller radius than this share of the frame's short side (14 pixels across at 256).
SMALLEST = 7.2 / 256

_BASE = {
    "rubber": (196, 52, 44),
    "wood": (176, 122, 70),
    "steel": (66, 74, 92),
    "glass": (54, 138, 150),
    "basketball": (210, 104, 40),
    "cardboard": (178, 138, 92),
}
_MARK = {
    "rubber": (246, 238, 224),
    "wood": (112, 70, 36),
    "steel": (206, 210, 216),
    "glass": (214, 240, 236),
    "basketball": (44, 28, 22),
    "cardboard": (206, 178, 132),
}
#: Colour of the second of two bodies that meet, so that eyes can tell them apart.
_SECOND = {
    "rubber": (46, 92, 176),
    "wood": (120, 62, 44),
    "steel": (168, 128, 62),
    "glass": (196, 120, 40),
    "basketball": (120, 60, 130),
    "cardboard": (140, 104, 66),
}
_SECOND_MARK = (240, 226, 202)
_SHINE = {"rubber": 0.25, "wood": 0.15, "steel": 0.9, "glass": 0.9, "basketball": 0.1, "cardboard": 0.0}
_SUN = np.array([-0.45, -0.62, 0.64])


@dataclass(frozen=True)
class PixelScale:
    """From metres to pixels: ``x_px = centre_x_px + px_per_m * (x_m - middle_m)``, ``y_px = floor_y_px - px_per_m * y_m``."""

    px_per_m: float
    centre_x_px: float
    middle_m: float
    floor_y_px: float

    def to_px(self, positions_m: np.ndarray) -> np.ndarray:
        """Pixels (N, 2) of positions (N, 2) in metres."""
        return np.stack(
            [
                self.centre_x_px + self.px_per_m * (positions_m[:, 0] - self.middle_m),
                self.floor_y_px - self.px_per_m * positions_m[:, 1],
            ],
            axis=1,
        )


def pixel_scale_for(
    paths: Sequence[BodyPath], radii: Sequence[float], *, duration_s: float, width: int, height: int, top_m: float = 0.0
) -> PixelScale:
    """The scale at which all paths stay in the picture for the whole clip; ``top_m`` is the highest thing besides the bodies."""
    times = np.arange(0, duration_s, 0.01)
    tracks = [path.at(times) for path in paths]
    low = min(float(track[:, 0].min()) - radius for track, radius in zip(tracks, radii, strict=True))
    high = max(float(track[:, 0].max()) + radius for track, radius in zip(tracks, radii, strict=True))
    top = max([float(track[:, 1].max()) + radius for track, radius in zip(tracks, radii, strict=True)] + [top_m, 0.7])
    scale = min(HEADROOM * height / top, SPAN * width / max(high - low, 0.5))
    return PixelScale(px_per_m=scale, centre_x_px=width / 2, middle_m=(low + high) / 2, floor_y_px=round(FLOOR * height))


def paint_floor(canvas: np.ndarray, pixel_scale: PixelScale, rng: np.random.Generator) -> None:
    """A floor under the bodies and, on the wall, a rule with a tick every 25 cm; in place."""
    height, width = canvas.shape[:2]
    edge = round(pixel_scale.floor_y_px - 0.030 * height)
    rows = np.linspace(0, 1, height - edge)[:, None, None]
    wood = np.asarray((138, 112, 88)) * (1 - rows) + np.asarray((98, 78, 60)) * rows
    streaks = cv2.resize(rng.standard_normal((max(2, (height - edge) // 2), 6)).astype(np.float32), (width, height - edge))
    canvas[edge:] = np.clip(wood + 4 * streaks[..., None], 0, 255).astype(np.uint8)
    line = max(1, round(height / 170))
    canvas[edge - 2 * line : edge] = (226, 224, 218)
    canvas[edge : edge + line] = (70, 56, 44)
    x = round(0.045 * width)
    thin = max(1, round(height / 256))
    for count in range(int(edge / (0.25 * pixel_scale.px_per_m)) + 1):
        y = round(pixel_scale.floor_y_px - 0.25 * count * pixel_scale.px_per_m)
        if 0 <= y < edge - 2 * line:
            length = round((0.030 if count % 4 == 0 else 0.016) * width)
            canvas[y : y + thin, x : x + length] = (58, 62, 68)
    canvas[: edge - 2 * line, x - thin : x] = (58, 62, 68)


def paint_holder(canvas: np.ndarray, pixel_scale: PixelScale, *, x_m: float, y_m: float, radius_m: float, shelf: bool) -> None:
    """What holds a body before it is let go: an arm from above whose magnet touches its top, or (thrown) a shelf it leaves to the right."""
    (x, y), unit = pixel_scale.to_px(np.array([[x_m, y_m]]))[0], pixel_scale.px_per_m
    dark, light = (74, 78, 86), (116, 121, 130)
    radius = radius_m * unit
    if shelf:
        left, thick = x - 2.2 * radius, max(2.0, 0.10 * radius + 0.006 * canvas.shape[0])
        _fill(canvas, 0, y + radius, x + 0.25 * radius, y + radius + thick, light)
        _fill(canvas, max(0.0, left), y + radius + thick, max(0.0, left) + thick, pixel_scale.floor_y_px, dark)
    else:
        thin = max(1.0, 0.004 * canvas.shape[0])
        _fill(canvas, x - thin, 0, x + thin, y - 1.45 * radius, dark)
        _fill(canvas, x - 0.42 * radius, y - 1.45 * radius, x + 0.42 * radius, y - 1.06 * radius, light)


def paint_string(canvas: np.ndarray, pivot_px: tuple[float, float], bob_px: tuple[float, float]) -> None:
    """A pendulum's string, thin and pale, in place."""
    ends = [tuple(round(value * 16) for value in end) for end in (pivot_px, bob_px)]
    left, right = sorted(round(end[0]) for end in (pivot_px, bob_px))
    part = canvas[:, max(0, left - 4) : right + 5]
    drawn = part.copy()
    ends = [(x - 16 * max(0, left - 4), y) for x, y in ends]
    cv2.line(drawn, ends[0], ends[1], (96, 96, 98), max(1, round(canvas.shape[0] / 360)), cv2.LINE_AA, 4)
    part[...] = cv2.addWeighted(drawn, 0.5, part, 0.5, 0)


def paint_beam(canvas: np.ndarray, pivot_px: tuple[float, float]) -> None:
    """The beam that a pendulum hangs from, in place."""
    x, y = pivot_px
    unit = canvas.shape[0] / 256
    _fill(canvas, x - 34 * unit, y - 9 * unit, x + 34 * unit, y, (112, 84, 58))
    _fill(canvas, x - 34 * unit, y - 2.5 * unit, x + 34 * unit, y, (88, 64, 44))


def paint_shadow(canvas: np.ndarray, pixel_scale: PixelScale, x_px: float, lowest_px: float, radius_px: float) -> None:
    """A soft shadow on the floor under a body, the fainter and wider the higher it is; in place."""
    over = max(0.0, pixel_scale.floor_y_px - lowest_px) / canvas.shape[0]
    strength, spread = 0.42 * math.exp(-over / 0.15), radius_px * (0.8 + 1.6 * over)
    tall = 0.012 * canvas.shape[0] * (1 + over)
    y = pixel_scale.floor_y_px + 0.3 * tall
    top, bottom = (
        max(int(pixel_scale.floor_y_px - 0.030 * canvas.shape[0]) + 2, int(y - 3 * tall)),
        min(canvas.shape[0], int(y + 3 * tall) + 1),
    )
    left, right = max(0, int(x_px - 2.5 * spread)), min(canvas.shape[1], int(x_px + 2.5 * spread) + 1)
    if top >= bottom or left >= right:
        return
    across = np.exp(-(np.abs((np.arange(left, right) + 0.5 - x_px) / spread) ** 3))
    down = np.exp(-(((np.arange(top, bottom) + 0.5 - y) / tall) ** 2))
    region = canvas[top:bottom, left:right]
    region[...] = np.rint(region * (1 - strength * np.outer(down, across)[..., None])).astype(np.uint8)


def paint_body(
    canvas: np.ndarray,
    solid: Solid,
    x_px: float,
    y_px: float,
    radius_px: float,
    angle_rad: float,
    light: np.ndarray,
    *,
    second: bool = False,
) -> None:
    """A body with its middle at (x, y) in pixels (the middle of the first pixel is 0.5), turned clockwise by ``angle_rad``; in place."""
    height, width = canvas.shape[:2]
    x0, x1 = max(0, math.floor(x_px - radius_px - 1)), min(width, math.ceil(x_px + radius_px + 1))
    y0, y1 = max(0, math.floor(y_px - radius_px - 1)), min(height, math.ceil(y_px + radius_px + 1))
    if x0 >= x1 or y0 >= y1:
        return
    u = ((np.arange(x0, x1) + 0.5 - x_px) / radius_px)[None, :]
    v = ((np.arange(y0, y1) + 0.5 - y_px) / radius_px)[:, None]
    base = np.asarray((_SECOND if second else _BASE)[solid.material], float)
    mark = np.asarray(_SECOND_MARK if second else _MARK[solid.material], float)
    colour, cover = _box_colours(base, mark, u, v, radius_px) if solid.box else _ball_colours(solid, base, mark, u, v, radius_px, angle_rad)
    colour = np.clip(colour * light, 0, 255)
    region = canvas[y0:y1, x0:x1]
    region[...] = np.rint(region * (1 - cover[..., None]) + colour * cover[..., None]).astype(np.uint8)


def _ball_colours(
    solid: Solid, colour: np.ndarray, mark: np.ndarray, u: np.ndarray, v: np.ndarray, radius_px: float, angle_rad: float
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (h, w, 3) and cover (h, w) of a ball on a grid of places in radii."""
    away = np.sqrt(u * u + v * v)
    cover = np.clip((1 - away) * radius_px + 0.5, 0, 1)
    near = np.sqrt(np.clip(1 - away**2, 0, 1))
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    turned_x, turned_y = u * cos + v * sin, v * cos - u * sin
    soft = max(0.06, 0.9 / radius_px)  # marks are as soft as a pixel
    if solid.material == "basketball":
        seams = [np.abs(turned_x), np.abs(turned_y), np.abs(np.abs(turned_x) - 0.72 + 0.35 * turned_y**2)]
        marked = np.max([np.clip((0.075 - seam) / soft + 0.5, 0, 1) for seam in seams], axis=0)
    elif solid.material == "wood":
        rings = 0.5 + 0.5 * np.sin(16 * np.sqrt((turned_x - 0.45) ** 2 + (0.7 * turned_y) ** 2))
        stripe = np.clip((0.13 - np.abs(turned_x + 0.1)) / soft + 0.5, 0, 1)
        marked = np.maximum(0.30 * rings, stripe)
    elif solid.material == "steel":
        spot = np.hypot(turned_x - 0.48, turned_y)
        marked = np.clip((0.26 - spot) / soft + 0.5, 0, 1)
    else:
        marked = np.clip((0.20 - np.abs(turned_x - 0.18 * np.sin(3 * turned_y))) / soft + 0.5, 0, 1)
    base = colour * (1 - marked[..., None]) + mark * marked[..., None]
    facing = np.clip(u * _SUN[0] + v * _SUN[1] + near * _SUN[2], 0, 1)
    glint = np.clip(2 * near * facing - _SUN[2], 0, 1) ** 24 * _SHINE[solid.material]
    bounced = 0.12 * np.clip(v, 0, 1)
    return base * (0.42 + 0.72 * facing + bounced)[..., None] + 235 * glint[..., None], cover


def _box_colours(colour: np.ndarray, mark: np.ndarray, u: np.ndarray, v: np.ndarray, radius_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Colours and cover of an upright box, with a strip of tape down the middle."""
    cover = np.clip((1 - np.abs(u)) * radius_px + 0.5, 0, 1) * np.clip((1 - np.abs(v)) * radius_px + 0.5, 0, 1)
    soft = 0.9 / radius_px
    tape = np.clip((0.14 - np.abs(u)) / soft + 0.5, 0, 1) * np.ones_like(v)
    base = colour * (1 - tape[..., None]) + mark * tape[..., None]
    rim = np.clip((np.maximum(np.abs(u), np.abs(v)) - 0.93) / soft + 0.5, 0, 1)
    return base * (1.02 - 0.16 * v - 0.10 * u - 0.22 * rim)[..., None], cover


def _fill(canvas: np.ndarray, left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int]) -> None:
    height, width = canvas.shape[:2]
    x0, x1 = max(0, round(left)), min(width, max(round(left) + 1, round(right)))
    y0, y1 = max(0, round(top)), min(height, max(round(top) + 1, round(bottom)))
    canvas[y0:y1, x0:x1] = colour
