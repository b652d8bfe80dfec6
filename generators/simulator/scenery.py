"""The places a scene is set in: a still picture for each place, wider than the frame, painted once a clip and blurred for each shot."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Rgb = tuple[int, int, int]

#: A plate is this much wider than the frame: room for a pan.
PLATE_WIDTH = 1.4

#: Colour of the light: what red, green and blue are multiplied by.
LIGHTS: dict[str, tuple[float, float, float]] = {
    "day": (1.0, 1.0, 1.0),
    "warm": (1.07, 0.95, 0.79),
    "cool": (0.84, 0.95, 1.08),
    "dim": (0.58, 0.58, 0.64),
}


def plate(place: str, width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """A sharp picture (height, width, 3) uint8 of ``place`` in even light; ``rng`` decides the details."""
    canvas = np.zeros((height, width, 3), np.uint8)
    _PAINTERS[place](canvas, rng)
    grain = cv2.resize(rng.standard_normal((height // 3 + 1, width // 3 + 1)).astype(np.float32), (width, height)) * 1.6
    return np.clip(canvas + grain[..., None], 0, 255).astype(np.uint8)


def view(picture: np.ndarray, width: int, height: int, *, zoom: float, blur: float, light: str, offset: float = 0.0) -> np.ndarray:
    """The part of a plate that a camera sees: (height, width, 3) uint8.

    ``zoom`` 1 shows the plate's whole height; ``blur`` is the sigma as a share of the height; ``offset`` -1..1 moves the view from the
    plate's left to its right end. Dark places are not lit any darker.
    """
    tall, wide = picture.shape[:2]
    part_h, part_w = tall / zoom, tall / zoom * width / height
    left = (wide - part_w) / 2 * (1 + offset)
    top = (tall - part_h) * 0.42
    matrix = np.array([[part_w / width, 0, left + 0.5 * part_w / width - 0.5], [0, part_h / height, top + 0.5 * part_h / height - 0.5]])
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur * tall / zoom)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return lit(seen, light)


def lit(picture: np.ndarray, light: str) -> np.ndarray:
    """A picture in the colour of a light."""
    return np.clip(picture * np.asarray(LIGHTS[light], np.float32), 0, 255).astype(np.uint8)


def _rows(canvas: np.ndarray, top: float, bottom: float, above: Rgb, below: Rgb) -> None:
    """Rows from ``top`` to ``bottom`` (shares of the height) in a gradient."""
    height = canvas.shape[0]
    first, last = round(top * height), round(bottom * height)
    if last > first:
        share = np.linspace(0, 1, last - first)[:, None, None]
        canvas[first:last] = np.rint(np.asarray(above) * (1 - share) + np.asarray(below) * share).astype(np.uint8)


def _box(canvas: np.ndarray, left: float, top: float, right: float, bottom: float, colour: Rgb) -> None:
    """A filled rectangle; x and y in heights of the picture."""
    height = canvas.shape[0]
    corners = [round(value * height) for value in (left, top, right, bottom)]
    cv2.rectangle(canvas, (corners[0], corners[1]), (corners[2] - 1, corners[3] - 1), colour, -1)


def _disc(canvas: np.ndarray, x: float, y: float, radius: float, colour: Rgb, *, flat: float = 1.0) -> None:
    """A filled ellipse, ``flat`` times as high as wide; in heights of the picture."""
    height = canvas.shape[0]
    size = (2 * radius * height, 2 * radius * flat * height)
    cv2.ellipse(canvas, ((x * height, y * height), size, 0), colour, -1, cv2.LINE_AA)


def _glow(canvas: np.ndarray, x: float, y: float, radius: float, colour: Rgb, strength: float) -> None:
    """Light added around a point, fading as a Gaussian; in heights of the picture."""
    height, width = canvas.shape[:2]
    columns = np.exp(-0.5 * ((np.arange(width) / height - x) / radius) ** 2)
    rows = np.exp(-0.5 * ((np.arange(height) / height - y) / radius) ** 2)
    added = strength * np.outer(rows, columns)[..., None] * np.asarray(colour, np.float32)
    canvas[...] = np.clip(canvas + added, 0, 255).astype(np.uint8)


def _shade(colour: Rgb, factor: float) -> Rgb:
    red, green, blue = (int(np.clip(channel * factor, 0, 255)) for channel in colour)
    return red, green, blue


def _studio(canvas: np.ndarray, rng: np.random.Generator) -> None:
    wide = canvas.shape[1] / canvas.shape[0]
    _rows(canvas, 0, 1, (112, 119, 127), (86, 92, 100))
    _glow(canvas, wide / 2 + rng.uniform(-0.15, 0.15), 0.34, 0.45, (92, 92, 90), 0.62)
    cloth = cv2.resize(rng.standard_normal((5, 9)).astype(np.float32), canvas.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    canvas[...] = np.clip(canvas + 3.5 * cloth[..., None], 0, 255).astype(np.uint8)


def _houses(canvas: np.ndarray, rng: np.random.Generator, walls: list[Rgb], window: Callable[[], Rgb], ground: float, shade: float) -> None:
    """A row of houses whose feet stand at ``ground``, each with rows of windows."""
    wide = canvas.shape[1] / canvas.shape[0]
    x = -rng.uniform(0.0, 0.15)
    last = -1
    while x < wide:
        width, top = rng.uniform(0.30, 0.46), rng.uniform(-0.05, 0.22)
        pick = int(rng.integers(len(walls) - 1))
        last = pick if pick != last else len(walls) - 1
        wall = walls[last]
        _box(canvas, x, top, x + width, ground, wall)
        _box(canvas, x, top, x + 0.012, ground, _shade(wall, 0.72))
        _box(canvas, x, top, x + width, top + 0.018, _shade(wall, 1.18))
        count = max(2, int(width / 0.12))
        step = width / count
        for row in np.arange(top + 0.06, ground - 0.24, 0.145):
            for index in range(count):
                left = x + (index + 0.22) * step
                _box(canvas, left - 0.006, row - 0.006, left + 0.56 * step + 0.006, row + 0.092, _shade(wall, 1.22))
                _box(canvas, left, row, left + 0.56 * step, row + 0.085, window())
        front = _shade(wall, 0.5)
        _box(canvas, x + 0.02, ground - 0.185, x + width - 0.02, ground, front)
        _box(canvas, x + 0.04, ground - 0.145, x + width * 0.62, ground - 0.03, window())
        awning = [(168, 58, 50), (52, 92, 120), (70, 110, 74), (196, 160, 84)][int(rng.integers(4))]
        _box(canvas, x + 0.015, ground - 0.205, x + width - 0.015, ground - 0.160, _shade(awning, shade))
        x += width


def _street(canvas: np.ndarray, rng: np.random.Generator) -> None:
    _rows(canvas, 0, 0.5, (150, 186, 218), (206, 220, 228))
    walls: list[Rgb] = [(166, 110, 88), (196, 176, 146), (140, 146, 152), (182, 150, 112), (122, 104, 98)]

    def window() -> Rgb:
        return [(92, 112, 128), (74, 90, 104), (120, 140, 152), (150, 166, 172)][int(rng.integers(4))]

    _houses(canvas, rng, walls, window, 0.76, 1.0)
    _rows(canvas, 0.76, 0.84, (176, 172, 166), (160, 156, 150))
    _rows(canvas, 0.84, 0.852, (120, 118, 114), (110, 108, 104))
    _rows(canvas, 0.852, 1, (84, 86, 90), (66, 68, 72))


def _night(canvas: np.ndarray, rng: np.random.Generator) -> None:
    wide = canvas.shape[1] / canvas.shape[0]
    _rows(canvas, 0, 0.76, (18, 22, 46), (50, 46, 78))
    walls: list[Rgb] = [(30, 32, 52), (38, 36, 54), (26, 30, 46), (42, 40, 60)]

    def window() -> Rgb:
        return [(232, 190, 110), (36, 40, 60), (30, 34, 52), (206, 160, 92), (34, 38, 58)][int(rng.integers(5))]

    _houses(canvas, rng, walls, window, 0.78, 0.3)
    _rows(canvas, 0.78, 1, (40, 40, 56), (24, 25, 36))
    for _ in range(9):
        colour = [(255, 196, 110), (255, 120, 84), (120, 170, 255), (255, 226, 170)][int(rng.integers(4))]
        x, y = rng.uniform(0, wide), rng.uniform(0.42, 0.78)
        _glow(canvas, x, y, 0.035, colour, 0.8)
        _glow(canvas, x, 1.56 - y, 0.06, colour, 0.16)


def _park(canvas: np.ndarray, rng: np.random.Generator) -> None:
    wide = canvas.shape[1] / canvas.shape[0]
    _rows(canvas, 0, 0.62, (128, 178, 222), (214, 228, 232))
    for x in np.arange(-0.1, wide + 0.1, 0.07):
        green = [(112, 146, 104), (98, 134, 92), (124, 156, 112)][int(rng.integers(3))]
        _disc(canvas, x, 0.60 + rng.uniform(-0.03, 0.02), rng.uniform(0.06, 0.12), green)
    _rows(canvas, 0.62, 1, (126, 164, 84), (84, 126, 58))
    for x in np.arange(rng.uniform(0.0, 0.2), wide, 0.44) + rng.uniform(-0.05, 0.05):
        foot, crown = rng.uniform(0.66, 0.74), rng.uniform(0.22, 0.30)
        _disc(canvas, x + 0.08, foot + 0.005, 0.17, (74, 112, 54), flat=0.12)
        _box(canvas, x - 0.018, crown, x + 0.018, foot, (96, 74, 56))
        leaf = [(66, 110, 54), (82, 124, 58), (58, 100, 60)][int(rng.integers(3))]
        for _ in range(34):
            away, turn = 0.15 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
            at_x, at_y = x + away * np.cos(turn) * 1.15, crown + away * np.sin(turn)
            _disc(canvas, at_x, at_y, rng.uniform(0.028, 0.055), _shade(leaf, 1.12 - 0.9 * (at_y - crown + 0.1) + rng.uniform(-0.06, 0.06)))
    path = np.array([[0.18, 1.0], [0.62, 1.0], [0.52, 0.64], [0.49, 0.64]]) * [wide, 1] * canvas.shape[0]
    cv2.fillPoly(canvas, [np.rint(path).astype(np.int32)], (204, 190, 160), cv2.LINE_AA)


def _room(canvas: np.ndarray, rng: np.random.Generator) -> None:
    wide = canvas.shape[1] / canvas.shape[0]
    wall = [(206, 190, 168), (176, 188, 182), (196, 182, 186), (186, 190, 202)][int(rng.integers(4))]
    _rows(canvas, 0, 0.84, _shade(wall, 1.04), _shade(wall, 0.86))
    _rows(canvas, 0.82, 0.84, (238, 234, 226), (226, 222, 214))
    _rows(canvas, 0.84, 1, (146, 108, 76), (116, 84, 58))
    for x in np.arange(0, wide, 0.16):
        _box(canvas, x, 0.84, x + 0.004, 1, (108, 78, 54))
    inset = 0.143 * wide  # what a view in the middle does not show
    left = inset + rng.uniform(0.07, 0.13)  # the window with its curtains
    _box(canvas, left, 0.10, left + 0.36, 0.58, (244, 242, 236))
    _box(canvas, left + 0.02, 0.12, left + 0.34, 0.56, (190, 216, 234))
    _box(canvas, left + 0.02, 0.42, left + 0.34, 0.56, (150, 180, 138))
    _box(canvas, left + 0.172, 0.10, left + 0.188, 0.58, (244, 242, 236))
    curtain = [(168, 88, 74), (84, 112, 134), (122, 136, 98)][int(rng.integers(3))]
    for side in (left - 0.07, left + 0.33):
        _box(canvas, side, 0.07, side + 0.10, 0.80, curtain)
        for fold in (0.02, 0.05, 0.08):
            _box(canvas, side + fold, 0.07, side + fold + 0.010, 0.80, _shade(curtain, 0.86))
    if wide > 1.7:
        _book_case(canvas, rng, wide - inset - rng.uniform(0.66, 0.72))
    frame = left + 0.36 + rng.uniform(0.17, 0.22)  # a picture on the wall
    if wide > 2.2:
        _box(canvas, frame, 0.20, frame + 0.24, 0.40, (84, 62, 46))
        _box(canvas, frame + 0.014, 0.214, frame + 0.226, 0.386, (232, 226, 212))
        _disc(canvas, frame + 0.09, 0.30, 0.05, (206, 146, 92))
        _box(canvas, frame + 0.12, 0.27, frame + 0.20, 0.37, (96, 128, 140))
    lamp = wide - inset - rng.uniform(0.10, 0.14)
    _box(canvas, lamp - 0.006, 0.36, lamp + 0.006, 0.88, (70, 66, 62))
    points = np.array([[lamp - 0.09, 0.36], [lamp + 0.09, 0.36], [lamp + 0.05, 0.22], [lamp - 0.05, 0.22]]) * canvas.shape[0]
    cv2.fillPoly(canvas, [np.rint(points).astype(np.int32)], (250, 232, 192), cv2.LINE_AA)
    _glow(canvas, lamp, 0.32, 0.18, (255, 214, 150), 0.28)


def _book_case(canvas: np.ndarray, rng: np.random.Generator, shelf: float) -> None:
    """A book case whose left side stands at ``shelf``."""
    _box(canvas, shelf, 0.16, shelf + 0.46, 0.86, (122, 86, 58))
    for row in (0.19, 0.355, 0.52, 0.685):
        _box(canvas, shelf + 0.02, row, shelf + 0.44, row + 0.145, (78, 54, 38))
        x = shelf + 0.025
        while x < shelf + 0.40:
            book, tall = rng.uniform(0.014, 0.030), rng.uniform(0.085, 0.13)
            colour = [(166, 62, 54), (62, 92, 124), (204, 176, 108), (92, 124, 90), (226, 220, 206), (70, 62, 82)][int(rng.integers(6))]
            if rng.random() < 0.9:
                _box(canvas, x, row + 0.145 - tall, x + book, row + 0.145, colour)
            x += book + 0.003


_PAINTERS: dict[str, Callable[[np.ndarray, np.random.Generator], None]] = {
    "studio": _studio,
    "street": _street,
    "park": _park,
    "room": _room,
    "night": _night,
}
