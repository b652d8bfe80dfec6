"""Glasses and clothes of the simulator's people, painted on a canvas."""

from __future__ import annotations

import numpy as np

from seedbench.generators.simulator.face_canvas import FaceCanvas, noise, smooth_curve, stroke
from seedbench.generators.simulator.head import half_width
from seedbench.generators.simulator.looks import Face


def paint_glasses(face: Face, canvas: FaceCanvas) -> None:
    """Rims about the eyes, a bridge, temples, and a faint reflection."""
    if not face.glasses:
        return
    angle = np.linspace(0, 2 * np.pi, 60)
    power = 0.45 + 0.55 * face.glasses_round
    wide, high = 0.215, 0.135 + 0.05 * face.glasses_round
    cos, sin = np.cos(angle), np.sin(angle)
    loop = np.stack([wide * np.sign(cos) * np.abs(cos) ** power, high * np.sign(sin) * np.abs(sin) ** power], axis=1)
    thick = 0.012 + 0.022 * face.glasses_dark
    frame = np.zeros((canvas.height, canvas.width), np.float32)
    lens = np.zeros_like(frame)
    for side in (-1, 1):
        centre = np.array([side * max(face.eye_x, wide + 0.045), face.eye_y + 0.02])
        grown = 1 + thick / np.array([wide, high])
        lens = np.maximum(lens, canvas.mask(loop + centre))
        frame = np.maximum(frame, canvas.mask(loop * grown + centre) - canvas.mask(loop + centre))
        end = centre + np.array([side * wide, -0.02])
        frame = np.maximum(
            frame, canvas.mask(stroke(np.array([end, (side * float(half_width(face, 0.0)), face.eye_y - 0.02)]), 2.0 * thick))
        )
    inner = max(face.eye_x, wide + 0.045) - wide
    bridge = np.stack([np.linspace(-inner, inner, 12), face.eye_y - 0.01 - 0.02 * np.sin(np.linspace(0, np.pi, 12))], axis=1)
    frame = np.maximum(frame, canvas.mask(stroke(bridge, 1.5 * thick)))
    canvas.lay((255, 255, 255), 0.05 * lens * np.clip(1 - (canvas.y - face.eye_y + 0.1) / 0.15, 0, 1), cut=True)
    tone = 120 - 95 * face.glasses_dark
    canvas.lay((tone, tone * 0.92, tone * 0.88), frame)


def paint_body(face: Face, canvas: FaceCanvas, rng: np.random.Generator) -> None:
    """Neck, shoulders and a shirt down to the hips."""
    skin = np.asarray(face.skin, np.float32)
    neck = 0.60 * float(half_width(face, 0.7)) + 0.10
    y = np.linspace(0.3, 1.75, 30)
    x = neck * np.interp(y, [0.3, 0.95, 1.25, 1.42, 1.75], [1.0, 0.97, 1.05, 1.30, 1.9])
    column = np.concatenate([np.stack([-x, y], axis=1), np.stack([x, y], axis=1)[::-1]])
    shadow = 0.58 + 0.30 * np.clip((canvas.y - 1.02) / 0.45, 0, 1) - 0.22 * np.clip(np.abs(canvas.x) / neck, 0, 1.2) ** 3
    canvas.lay(skin * np.stack([shadow**0.9, shadow, shadow * 0.99], axis=-1), canvas.mask(column))
    cords = canvas.pair(0.10, 1.40, 0.05, 0.10) - 0.8 * canvas.bump(0, 1.42, 0.06, 0.07)
    canvas.shade(1 + 0.06 * cords)
    broad = 1.42 + 0.25 * (face.half_width - 0.62)
    side = smooth_curve(
        np.array(
            [
                (neck * 1.12, 1.24),
                (neck * 1.5, 1.36),
                (broad * 0.80, 1.52),
                (broad, 1.72),
                (broad + 0.14, 2.2),
                (broad + 0.2, 3.2),
                (broad + 0.2, 7.2),
            ]
        )
    )
    depth = {"crew": 1.50, "v": 1.86, "shirt": 1.70}[face.collar]
    across = np.linspace(1, 0, 14)
    curve = across if face.collar != "crew" else 1 - np.sqrt(1 - across**2)
    opening = np.stack([neck * 1.12 * across, depth - (depth - 1.24) * curve], axis=1)
    right = np.concatenate([side, [(0.0, 7.2)], opening[::-1]])
    cloth = canvas.mask(right, right * (-1, 1))
    centre = canvas.mask(np.array([(-0.02, depth), (0.02, depth), (0.02, 7.2), (-0.02, 7.2)]))
    cloth = np.maximum(cloth, centre)
    folds = noise(rng, (canvas.height, canvas.width), (9, 30))
    light = 0.97 - 0.30 * np.clip(np.abs(canvas.x) / (broad + 0.2), 0, 1) ** 4 + 0.035 * folds - 0.03 * np.clip((canvas.y - 1.5) / 3, 0, 1)
    light -= 0.20 * np.exp(-(((np.abs(canvas.x) - broad + 0.18) / 0.05) ** 2)) * np.clip((canvas.y - 2.1) / 0.3, 0, 1)
    canvas.lay(np.asarray(face.clothes, np.float32) * light[..., None], cloth)
    hem = np.concatenate([opening * (-1, 1), opening[::-1]])
    seam = canvas.mask(np.concatenate([hem, (hem + np.array([0, 0.055]))[::-1]]), soften=0.004)
    canvas.lay(np.asarray(face.clothes, np.float32) * 0.74, 0.9 * seam, cut=True)
    if face.collar == "shirt":
        flap = np.array([(neck * 1.02, 1.18), (neck * 1.42, 1.36), (neck * 0.75, 1.76), (0.03, 1.66)])
        canvas.lay(np.asarray(face.clothes, np.float32) * 1.08, canvas.mask(flap, flap * (-1, 1)))
        rims = [stroke(part, 0.018) for part in (flap[1:3], flap[2:4], flap[1:3] * (-1, 1), flap[2:4] * (-1, 1))]
        canvas.lay(np.asarray(face.clothes, np.float32) * 0.6, 0.8 * canvas.mask(*rims), cut=True)
