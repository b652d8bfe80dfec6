"""Signs with text in the picture, in the font that Pillow carries (Latin letters, digits and common signs)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from seedbench.errors import GenerationRefusedError

#: Board, letters and rim of a sign in each place.
_COLOURS = {
    "studio": ((244, 244, 240), (28, 30, 34), (150, 154, 160)),
    "street": ((24, 62, 98), (250, 248, 240), (220, 214, 200)),
    "park": ((58, 40, 28), (250, 240, 214), (120, 88, 58)),
    "room": ((250, 249, 244), (24, 24, 28), (206, 200, 190)),
    "night": ((30, 14, 30), (255, 232, 190), (255, 140, 90)),
}
_OVERSAMPLE = 3
_SWAPS = "AEHKMNRSTXZ"


@lru_cache(maxsize=32)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _glyph(letter: str) -> bytes:
    mask = _font(32).getmask(letter)
    return bytes(mask) + bytes(str(mask.size), "ascii")


def check_letters(text: str) -> None:
    """Raise GenerationRefusedError if the font lacks a letter of ``text``."""
    missing = _glyph("\U0010fffe")
    for letter in text:
        if not letter.isspace() and _glyph(letter) == missing:
            raise GenerationRefusedError(f"the simulator's lettering has no {letter!r}: it knows Latin letters, digits and common signs")


def garbled(text: str, count: int, rng: np.random.Generator) -> str:
    """``text`` with ``count`` of its letters (all, if it has fewer) replaced by other capitals; spaces stay.

    >>> garbled("OPEN 24 HOURS", 2, np.random.default_rng(1))
    'OPEN 24 HXURH'
    """
    letters = list(text)
    places = [index for index, letter in enumerate(letters) if not letter.isspace()]
    for index in sorted(rng.permutation(places)[:count]):
        letters[index] = str(rng.choice([letter for letter in _SWAPS if letter != letters[index].upper()]))
    return "".join(letters)


@dataclass(frozen=True)
class SignBoard:
    """A painted sign: pixels (h, w, 3) uint8 with their cover (h, w) 0..1, where its top left corner goes, and the box of the letters.

    ``text_box`` is (left, top, right, bottom) in pixels of the frame; ``posts`` are where posts stand under it (x in pixels).
    """

    rgb: np.ndarray
    cover: np.ndarray
    left: int
    top: int
    text_box: tuple[float, float, float, float]
    posts: tuple[float, ...] = ()
    post_colour: tuple[int, int, int] = (70, 72, 76)

    def paint(self, canvas: np.ndarray) -> None:
        """Lay the sign over ``canvas`` (H, W, 3) uint8, in place; what lies outside is cut off."""
        height, width = canvas.shape[:2]
        if self.posts:
            thick = max(1, round(0.014 * height))
            foot = round(0.90 * height)
            for x in self.posts:
                post = canvas[max(0, round(self.text_box[1])) : foot, max(0, round(x)) : max(0, round(x) + thick)]
                post[...] = self.post_colour
        y0, x0 = max(0, self.top), max(0, self.left)
        y1, x1 = min(height, self.top + self.rgb.shape[0]), min(width, self.left + self.rgb.shape[1])
        part = (slice(y0 - self.top, y1 - self.top), slice(x0 - self.left, x1 - self.left))
        cover = self.cover[part][..., None]
        region = canvas[y0:y1, x0:x1]
        region[...] = np.rint(region * (1 - cover) + self.rgb[part] * cover).astype(np.uint8)


def sign_board(text: str, *, place: str, width: int, height: int, centre: tuple[float, float], text_width: float) -> SignBoard:
    """A sign that reads ``text``, its letters ``text_width`` pixels wide (smaller where they would be taller than a fifth of the frame).

    ``centre`` is where the middle of the letters goes, in pixels of a frame of ``width`` x ``height``.
    """
    from PIL import Image, ImageDraw

    over = _OVERSAMPLE
    probe = _font(100).getbbox(text)
    size = 100 * text_width * over / max(1, probe[2] - probe[0])
    size = max(6.0, min(size, 0.26 * height * over))
    font = _font(round(size))
    left, top, right, bottom = font.getbbox(text)
    ascent = font.getbbox("H")
    top, bottom = min(top, ascent[1]), max(bottom, ascent[3])
    pad_x, pad_y, rim = round(0.55 * size), round(0.42 * size), max(over, round(0.07 * size))
    wide, tall = right - left + 2 * pad_x, bottom - top + 2 * pad_y
    ground, ink, edge = _COLOURS[place]
    picture = Image.new("RGB", (wide, tall), edge)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((rim, rim, wide - 1 - rim, tall - 1 - rim), fill=ground)
    draw.text((pad_x - left, pad_y - top), text, font=font, fill=ink)
    # room around for a shadow (or, at night, a glow)
    margin = round(0.5 * size)
    pixels = cv2.copyMakeBorder(np.asarray(picture), margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    solid = np.zeros(pixels.shape[:2], np.float32)
    solid[margin : margin + tall, margin : margin + wide] = 1
    drop = round(0.08 * size)
    around = cv2.GaussianBlur(np.roll(solid, (0 if place == "night" else drop, 0), (0, 1)), (0, 0), 0.16 * size)
    halo = np.asarray(edge if place == "night" else (12, 12, 14), np.float32)
    cover = np.maximum(solid, (0.45 if place == "night" else 0.40) * around)
    rgb = np.where(solid[..., None] > 0, pixels, halo)
    target = (max(1, round(pixels.shape[1] / over)), max(1, round(pixels.shape[0] / over)))
    rgb_small = cv2.resize(np.asarray(rgb, np.float32), target, interpolation=cv2.INTER_AREA)
    cover_small = cv2.resize(cover, target, interpolation=cv2.INTER_AREA)
    x, y = round(centre[0] - target[0] / 2), round(centre[1] - target[1] / 2)
    inner = (margin + pad_x) / over, (margin + pad_y) / over
    text_box = (x + inner[0], y + inner[1], x + target[0] - inner[0], y + target[1] - inner[1])
    quarter = 0.18 * (text_box[2] - text_box[0])
    posts = () if place == "room" else (text_box[0] + quarter, text_box[2] - quarter)
    return SignBoard(np.rint(rgb_small).astype(np.uint8), cover_small, x, y, text_box, posts)
