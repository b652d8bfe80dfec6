"""A small renderer of known motion for the tests: shaded discs with soft shadows over a textured wall, noise, a camera that pans."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

FPS = 25.0
GRAVITY_PX = 900.0
"""Gravity in the drawn scenes, pixels per second squared."""

Colour = tuple[int, int, int]


def wall(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A cloudy wall (height, width, 3) float32 with enough corners to follow."""
    import cv2

    coarse = np.random.default_rng(seed).uniform(-1, 1, (height // 8 + 2, width // 8 + 2, 3)).astype(np.float32)
    return np.clip(135 + 38 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 255)


def draw(
    background: np.ndarray,
    discs: Sequence[tuple[float, float, float, Colour]],
    rng: np.random.Generator,
    *,
    noise: float = 2.0,
    floor: float | None = None,
) -> np.ndarray:
    """One picture (H, W, 3) uint8 of discs (x, y, radius, colour); with ``floor`` each has a soft shadow at that height."""
    picture = background.copy()
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    for x, y, radius, _ in discs if floor is not None else ():
        over = max(0.0, floor - (y + radius))
        far = ((columns - x) / (1.1 * radius + 0.1 * over)) ** 2 + ((rows - floor - 2) / (0.35 * radius + 0.05 * over)) ** 2
        picture *= 1 - (0.45 / (1 + over / 30) * np.exp(-far))[..., None]
    for x, y, radius, colour in discs:
        cover = np.clip(radius - np.hypot(columns - x, rows - y) + 0.5, 0, 1)[..., None]
        shade = 1 - 0.4 * np.clip(((columns - x + radius * 0.3) ** 2 + (rows - y + radius * 0.3) ** 2) / (2 * radius**2), 0, 1)
        picture = picture * (1 - cover) + cover * np.array(colour, np.float32) * shade[..., None]
    return np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)


def bouncing(
    time_s: np.ndarray, *, top: float, bottom: float, start_s: float = 0.2, restitution: float = 0.8, gravity: float = GRAVITY_PX
) -> tuple[np.ndarray, list[float]]:
    """Height y (n,) of a body released at ``top`` at ``start_s``, bouncing at ``bottom``, and the times of its contacts."""
    contacts: list[float] = []
    pieces = [(start_s, top, 0.0)]
    at, speed = start_s + np.sqrt(2 * (bottom - top) / gravity), np.sqrt(2 * (bottom - top) * gravity)
    while at < time_s[-1] and speed > 15.0 and len(contacts) < 50:
        contacts.append(float(at))
        speed *= restitution
        pieces.append((at, bottom, -speed))
        at += 2 * speed / gravity
    resting = at if speed <= 15.0 else np.inf
    y = np.empty(len(time_s))
    for index, moment in enumerate(time_s):
        begin, position, velocity = next((piece for piece in reversed(pieces) if moment >= piece[0]), (moment, top, 0.0))
        since = moment - begin
        y[index] = bottom if moment >= resting else position + velocity * since + (0.5 * gravity * since**2 if moment >= start_s else 0.0)
    return y, contacts


def film(
    paths: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    height: int = 144,
    width: int = 256,
    radius: float = 9.0,
    colours: Sequence[Colour] = ((205, 60, 40), (40, 70, 200), (40, 170, 60)),
    floor: float | None = None,
    noise: float = 2.0,
    radii: np.ndarray | None = None,
    pan: np.ndarray | None = None,
    hidden: Sequence[int] = (),
    seed: int = 0,
) -> np.ndarray:
    """Pictures (T, height, width, 3) of bodies on paths (x (T,), y (T,)); ``pan`` (T,) pixels the camera has moved to the right."""
    rng = np.random.default_rng(seed)
    count = len(paths[0][0])
    room = 0 if pan is None else int(np.ceil(pan.max())) + 2
    scene = wall(height, width + room, seed)
    pictures = []
    for index in range(count):
        size = radius if radii is None else float(radii[index])
        discs = [(float(x[index]), float(y[index]), size, colour) for (x, y), colour in zip(paths, colours, strict=False)]
        picture = draw(scene, [] if index in hidden else discs, rng, noise=noise, floor=floor)
        if pan is not None:
            import cv2

            picture = cv2.warpAffine(picture, np.array([[1.0, 0, -pan[index]], [0, 1, 0]]), (width, height))
        pictures.append(picture[:, :width])
    return np.stack(pictures)


def long_exposed(
    path_of: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    time_s: np.ndarray,
    exposure_s: float,
    *,
    floor: float | None = None,
    radius: float = 9.0,
    subframes: int = 12,
    noise: float = 2.0,
) -> np.ndarray:
    """Pictures (T, 144, 256, 3) of a body, each the mean of what is seen during ``exposure_s`` around its time.

    ``path_of``: from ascending times (n,) to x (n,) and y (n,).
    """
    rng = np.random.default_rng(0)
    scene = wall(144, 256)
    offsets = ((np.arange(subframes) + 0.5) / subframes - 0.5) * exposure_s
    x, y = (values.reshape(len(time_s), subframes) for values in path_of((time_s[:, None] + offsets).ravel()))
    pictures = []
    for across, down in zip(x, y, strict=True):
        moves = max(np.ptp(across), np.ptp(down)) > 0.05
        places = list(zip(across, down, strict=True))[: None if moves else 1]
        seen = [draw(scene, [(a, b, radius, (205, 60, 40))], rng, noise=0.0, floor=floor) for a, b in places]
        mean = np.mean(seen, axis=0, dtype=np.float32)
        pictures.append(np.clip(mean + rng.normal(0, noise, mean.shape), 0, 255).astype(np.uint8))
    return np.stack(pictures)
