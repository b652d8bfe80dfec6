"""Hair and beards of the simulator's people, painted on an canvas."""

from __future__ import annotations

import cv2
import numpy as np

from seedbench.generators.simulator.face_canvas import FaceCanvas, blurred, noise, smooth_curve
from seedbench.generators.simulator.head import half_width
from seedbench.generators.simulator.looks import Face


def paint_hair(face: Face, canvas: FaceCanvas, rng: np.random.Generator) -> None:
    """The hair seen in front: cap, fringe, sideburns, and the strands of long hair beside the face."""
    if face.hair_style == "bald":
        return
    cap = canvas.mask(_cap(face, rng), soften=0.010)
    if face.hair_style == "long":
        cap = np.maximum(cap, canvas.mask(*(_strand(face, side) for side in (-1, 1)), soften=0.014))
    grain = _strands(face, canvas, rng)
    ragged = np.clip(cap * (1 + 0.35 * grain * (cap < 0.98)), 0, 1)
    cast = blurred(np.roll(cap, round(0.035 * canvas.scale), axis=0), 0.035 * canvas.scale)
    canvas.shade(1 - 0.38 * cast)
    canvas.lay(_hair_colours(face, canvas, grain), ragged)


def paint_hair_behind(face: Face, canvas: FaceCanvas, rng: np.random.Generator) -> None:
    """The hair seen behind neck and shoulders; only long hair has any."""
    if face.hair_style != "long":
        return
    y = np.linspace(-0.5, 1.32, 40)
    x = (face.half_width + 0.10 * face.hair_volume) * np.interp(y, [-0.5, 0.0, 0.5, 0.9, 1.32], [0.40, 0.70, 0.90, 0.93, 0.78])
    back = np.concatenate([np.stack([-x, y], axis=1), np.stack([x, y], axis=1)[::-1]])
    grain = _strands(face, canvas, rng)
    canvas.lay(_hair_colours(face, canvas, grain) * 0.62, canvas.mask(back, soften=0.012))


def _hair_line(face: Face) -> np.ndarray:
    """The edge of the hair over the forehead, (N, 2), from the left sideburn to the right one."""
    temple = float(half_width(face, -0.30))
    burn = float(half_width(face, 0.10))
    top = face.hair_line
    sweep = 0.07 * face.hair_part
    x = np.array([-burn, -burn + 0.06, -0.93 * temple, -0.72 * temple, -0.4 * temple, 0.0])
    y = np.array([0.14, 0.12, -0.22, -0.44, top - 0.01, top + 0.05 * face.widow_peak])
    right_y = y[::-1][1:].copy()
    y[3:5] += sweep
    right_y[:2] -= sweep
    points = np.concatenate([np.stack([x, y], axis=1), np.stack([-x[::-1][1:], right_y], axis=1)])
    return smooth_curve(points)


def _cap(face: Face, rng: np.random.Generator) -> np.ndarray:
    """The polygon of the hair on top of the head."""
    angle = np.linspace(-0.08, np.pi + 0.08, 120)
    volume = {"short": 0.04 + 0.09 * face.hair_volume, "long": 0.07 + 0.06 * face.hair_volume}.get(
        face.hair_style, 0.14 + 0.16 * face.hair_volume
    )
    y = -np.sin(angle)
    x = -np.cos(angle) * face.half_width
    base = np.stack([x * np.abs(np.sign(x)), y], axis=1)
    rim_y = np.clip(y, -1, 1)
    base[:, 0] = -np.sign(np.cos(angle)) * half_width(face, rim_y)
    out = np.stack([-np.cos(angle), -np.sin(angle)], axis=1)
    thick = volume * np.clip(0.35 + np.sin(angle), 0.15, 1.0)
    if face.hair_style == "curly":
        curls = np.abs(np.sin(angle * 13 + rng.uniform(0, 3))) + 0.5 * np.abs(np.sin(angle * 21 + rng.uniform(0, 3)))
        thick = thick + 0.030 * curls
    rim = base + out * thick[:, None]
    sides = np.clip((np.pi / 2 - np.abs(angle - np.pi / 2)) / 0.25, 0, 1)
    rim[:, 1] += 0.14 * (1 - sides)
    return np.concatenate([rim, _hair_line(face)[::-1]])


def _strand(face: Face, side: int) -> np.ndarray:
    """Long hair beside one cheek, down to the shoulder."""
    y = np.linspace(-0.55, 1.36, 40)
    outer = (face.half_width + 0.06 + 0.11 * face.hair_volume) * np.interp(y, [-0.55, 0.0, 0.9, 1.36], [0.90, 1.0, 1.02, 0.90])
    inner = face.half_width * np.interp(y, [-0.55, -0.25, 0.3, 0.8, 1.36], [0.80, 0.90, 0.96, 0.86, 0.66])
    return np.concatenate([np.stack([side * outer, y], axis=1), np.stack([side * inner, y], axis=1)[::-1]])


def _strands(face: Face, canvas: FaceCanvas, rng: np.random.Generator) -> np.ndarray:
    """Hair texture about 0 with deviation 1: streaks running away from the crown, or blots for curls."""
    shape = (canvas.height, canvas.width)
    if face.hair_style == "curly":
        return 0.8 * noise(rng, shape, (0.030 * canvas.scale, 0.030 * canvas.scale)) + 0.5 * noise(rng, shape, (0.008 * canvas.scale,) * 2)
    polar = noise(rng, (256, 1024), (0.9, 24))
    dx, dy = canvas.x - 0.3 * face.hair_part, canvas.y + 1.22
    around = (np.arctan2(dx, dy) / (2 * np.pi) + 0.5) * 1023
    away = np.clip(np.hypot(dx, dy) * 90, 0, 255)
    return cv2.remap(polar, around.astype(np.float32), away.astype(np.float32), cv2.INTER_LINEAR)


def _hair_colours(face: Face, canvas: FaceCanvas, grain: np.ndarray) -> np.ndarray:
    hair = np.asarray(face.hair, np.float32)
    round_light = 1.0 - 0.42 * np.clip(np.abs(canvas.x) / (face.half_width + 0.2), 0, 1) ** 2.5 - 0.10 * np.clip(canvas.y + 0.5, 0, 1)
    band = canvas.bump(0.15 * face.hair_part, -0.80, 0.5, 0.10)
    light = np.clip(round_light + (0.13 if face.hair_style == "curly" else 0.11) * grain + 0.22 * band * (1 + 0.4 * grain), 0.25, 1.8)
    return hair * light[..., None] + (10 * band)[..., None]


def paint_beard(face: Face, canvas: FaceCanvas, rng: np.random.Generator) -> None:
    """Beard and moustache; the lips are painted over them for each frame."""
    if face.beard <= 0:
        return
    y = np.linspace(0.14, 1.0, 40)
    edge = half_width(face, y)
    grow = 1.0 + 0.05 * np.clip((y - 0.3) / 0.5, 0, 1)
    rim = np.stack([edge * grow, np.minimum(y * (1 + 0.05 * (y > 0.8)), 1.06)], axis=1)
    cheek = smooth_curve(
        np.array(
            [
                (edge[0] - 0.045, 0.14),
                (edge[8] - 0.08, 0.36),
                (face.mouth_width + 0.16, face.mouth_y - 0.10),
                (face.mouth_width + 0.075, face.mouth_y - 0.02),
                (face.mouth_width * 0.7, face.mouth_y + face.lower_lip + 0.045),
                (0.0, face.mouth_y + face.lower_lip + 0.075),
            ]
        )
    )
    right = np.concatenate([rim, [(0.0, 1.06)], cheek[::-1]])
    nose_y, lip_y = face.nose_y + 0.045, face.mouth_y - 0.95 * face.upper_lip
    half = smooth_curve(
        np.array(
            [
                (0.0, nose_y + 0.01),
                (0.12, nose_y + 0.01),
                (face.mouth_width * 0.9, face.mouth_y - 0.06),
                (face.mouth_width + 0.07, face.mouth_y + 0.06),
                (face.mouth_width + 0.015, face.mouth_y + 0.03),
                (face.mouth_width * 0.7, lip_y + 0.02),
                (0.0, lip_y),
            ]
        )
    )
    hairs = 1 + 0.22 * noise(rng, (canvas.height, canvas.width), (0.8, 2.2))
    colour = np.asarray(face.brow, np.float32) * (0.95 + 0.18 * (hairs - 1))[..., None]
    jaw = canvas.mask(right, right * (-1, 1), soften=0.028)
    lip = canvas.mask(half, half * (-1, 1), soften=0.014)
    canvas.lay(colour, np.clip(face.beard * jaw * hairs, 0, 0.90))
    canvas.lay(colour, np.clip(face.moustache * lip * hairs, 0, 0.90), cut=True)
