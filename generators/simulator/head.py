"""The skin of a head, its eyes and its brows, painted on an canvas.

Skin is shaded as a relief (a sum of smooth bumps over an ellipsoid) lit from above, because face detectors expect sockets, a nose
and cheeks; what has an edge is drawn as antialiased polygons.
"""

from __future__ import annotations

import numpy as np

from seedbench.generators.simulator.face_canvas import FaceCanvas, blurred, noise, stroke
from seedbench.generators.simulator.looks import Face


def half_width(face: Face, y: np.ndarray | float) -> np.ndarray:
    """Half width of the head without hair at height ``y``, 0 outside -1..1."""
    y = np.asarray(y, np.float32)
    upper = (1.0 - np.clip(-y, 0, 1) ** 2.3) ** (1 / 2.1)
    below = np.clip(y, 0, 1)
    lower = (1.0 - below**face.jaw_fullness) ** face.chin_roundness
    jaw = 1.0 - (1.0 - face.jaw_width) * _step(below / 0.75)
    return face.half_width * np.where(y < 0, upper, lower * jaw)


def outline(face: Face, grow: float = 0.0) -> np.ndarray:
    """The head's outline (N, 2), clockwise from the crown."""
    angle = np.linspace(0, np.pi, 90)
    y = -np.cos(angle)
    right = np.stack([half_width(face, y) * (1 + grow), y * (1 + grow)], axis=1)
    return np.concatenate([right, right[::-1] * (-1, 1)])


def _step(share: np.ndarray) -> np.ndarray:
    """Smooth step from 0 at 0 to 1 at 1."""
    within = np.clip(share, 0.0, 1.0)
    return np.asarray(within * within * (3.0 - 2.0 * within))


def relief(face: Face, canvas: FaceCanvas) -> np.ndarray:
    """Height of the skin over the picture plane, in face units, (h, w)."""
    across = np.clip(np.abs(canvas.x) / (half_width(face, 0.9 * canvas.y) * 1.05 + 0.02), 0, 1)
    height = 0.62 * np.sqrt(1.0 - 0.985 * across**2.4) * (1.0 - 0.55 * np.clip(np.abs(canvas.y), 0, 1) ** 3)
    nose_y, eye_y = face.nose_y, face.eye_y
    brow_y = eye_y - face.brow_gap
    height += 0.030 * (0.5 + face.eye_depth) * canvas.pair(0.27, brow_y - 0.01, 0.24, 0.085)
    height -= 0.055 * (0.4 + face.eye_depth) * canvas.pair(face.eye_x, eye_y - 0.01, 0.17, 0.10)
    height -= 0.025 * (0.3 + face.age) * canvas.pair(face.eye_x, eye_y + 0.115, 0.15, 0.05)
    height += 0.065 * (0.3 + face.cheekbones) * canvas.pair(0.62 * face.half_width, 0.22, 0.17, 0.13)
    height += 0.060 * (2 * face.cheek_fat - 0.9) * canvas.pair(0.55 * face.half_width, 0.5, 0.16, 0.2)
    # nose: a ridge that grows towards the tip, the tip, the wings
    length = nose_y - eye_y
    along = np.clip((canvas.y - eye_y + 0.05) / max(length, 0.1), 0, 1.0)
    end = _step((canvas.y - eye_y + 0.14) / 0.16) / (1.0 + np.exp(np.minimum((canvas.y - nose_y + 0.035) / 0.022, 40.0)))
    wide = (0.045 + 0.05 * face.nose_bridge) + (face.nose_width * 0.40 - 0.03) * along
    height += face.nose_height * (0.05 + 0.13 * along**1.3) * np.exp(-((canvas.x / wide) ** 2)) * end
    height += 0.055 * face.nose_height * canvas.bump(0, nose_y - 0.055, 0.055 + 0.035 * face.nose_tip, 0.05)
    height += 0.070 * canvas.pair(face.nose_width * 0.72, nose_y - 0.035, face.nose_width * 0.28, 0.042)
    # around the mouth
    middle = (nose_y + face.mouth_y) / 2
    height -= 0.014 * canvas.bump(0, middle, 0.030, 0.07)
    height += 0.035 * canvas.bump(0, face.mouth_y, face.mouth_width * 1.1, 0.15)
    chin_y = 0.5 * (face.mouth_y + 1.0)
    height -= 0.035 * canvas.bump(0, face.mouth_y + face.lower_lip + 0.045, 0.13, 0.035)
    height += 0.055 * face.chin_bump * canvas.bump(0, chin_y + 0.06, 0.14, 0.10)
    fold_x = (
        face.nose_width + 0.03 + 0.9 * np.clip(canvas.y - nose_y + 0.03, 0, 1) ** 1.1 * (face.mouth_width + 0.06 - face.nose_width) / 0.25
    )
    within = _step((canvas.y - nose_y + 0.08) / 0.08) * _step((face.mouth_y + 0.06 - canvas.y) / 0.12)
    height -= (0.006 + 0.024 * face.age) * np.exp(-(((np.abs(canvas.x) - fold_x) / 0.028) ** 2)) * within
    wrinkles = np.exp(-((((canvas.y + 0.42) % 0.085 - 0.0425) / 0.014) ** 2)) * canvas.bump(0, -0.40, 0.35, 0.12)
    height -= 0.010 * max(0.0, face.age - 0.55) * wrinkles
    return blurred(height.astype(np.float32), 0.012 * canvas.scale)


def lit(height: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Diffuse light about 1 on what faces the viewer, and the sheen 0..1, for a relief in face units."""
    slope_y, slope_x = np.gradient(height * scale)
    norm = np.sqrt(slope_x**2 + slope_y**2 + 1.0)
    towards = (0.22 * slope_x + 0.55 * slope_y + 0.82) / norm / 1.012
    diffuse = 0.30 + 0.74 * np.clip(0.5 + 0.5 * towards, 0, 1) ** 1.6
    half = np.clip((0.12 * slope_x + 0.32 * slope_y + 0.94) / norm, 0, 1)
    return diffuse.astype(np.float32), (half**24).astype(np.float32)


def paint_skin(face: Face, canvas: FaceCanvas, rng: np.random.Generator) -> None:
    """Ears, then the head's skin with its relief, blush, spots and shadows."""
    skin = np.asarray(face.skin, np.float32)
    angle = np.linspace(0, 2 * np.pi, 40)
    for side in (-1, 1):
        x = side * (float(half_width(face, 0.08)) + 0.005)
        ear = np.stack([x + 0.085 * face.ears * np.cos(angle), 0.09 + 0.19 * face.ears * np.sin(angle)], axis=1)
        canvas.lay(skin * (0.80, 0.74, 0.72), canvas.mask(ear))
        inner = np.stack([x + side * 0.02 + 0.04 * face.ears * np.cos(angle), 0.08 + 0.12 * face.ears * np.sin(angle)], axis=1)
        canvas.lay(skin * (0.62, 0.52, 0.50), canvas.mask(inner, soften=0.015))
    diffuse, sheen = lit(relief(face, canvas), canvas.scale)
    shape = (canvas.height, canvas.width)
    tone = np.broadcast_to(skin, (*shape, 3)).copy()
    blush = 0.5 * canvas.pair(0.55 * face.half_width, 0.28, 0.2, 0.16) + 0.5 * canvas.bump(0, face.nose_y - 0.04, 0.12, 0.1)
    tone *= 1 - blush[..., None] * np.array([0.0, 0.09, 0.08], np.float32)
    mottle = 0.014 * noise(rng, shape, (3, 3)) + 0.012 * noise(rng, shape, (12, 12)) + 0.010 * noise(rng, shape, (0.8, 0.8))
    tone *= 1 + mottle[..., None]
    if face.freckles:
        spots = np.clip(noise(rng, shape, (1.6, 1.6)) - 1.7, 0, 1) * (canvas.pair(0.3, 0.22, 0.3, 0.16) + canvas.bump(0, 0.2, 0.2, 0.16))
        tone *= 1 - (face.freckles * spots.clip(0, 1))[..., None] * np.array([0.28, 0.38, 0.42], np.float32)
    jaw = _step((canvas.y - face.nose_y - 0.02) / 0.1) * (1 - canvas.bump(0, face.mouth_y, face.mouth_width, 0.09))
    tone *= 1 - (face.stubble * jaw)[..., None] * np.array([0.30, 0.27, 0.22], np.float32)
    # shadows are redder than light: light goes through skin
    tone *= np.stack([diffuse**0.85, diffuse, diffuse**1.06], axis=-1)
    tone += (sheen * (26 + 0.10 * (255 - skin.mean())))[..., None] * np.array([1.0, 0.95, 0.9], np.float32)
    canvas.lay(tone, canvas.mask(outline(face)))
    nostrils = canvas.pair(face.nose_width * 0.42, face.nose_y - 0.004, 0.036, 0.017) ** 1.0
    under = canvas.bump(0, face.nose_y + 0.022, face.nose_width * 0.85, 0.022)
    wings = canvas.pair(face.nose_width * 1.02, face.nose_y - 0.04, 0.016, 0.045)
    canvas.shade(1 - 0.62 * np.clip(nostrils * 1.3, 0, 1) - 0.16 * under - 0.20 * wings)


def paint_eyes(face: Face, canvas: FaceCanvas, *, shut: bool) -> None:
    """Both eyes, open or shut, with lids, lashes and folds."""
    skin = np.asarray(face.skin, np.float32)
    lash = np.array([34, 24, 22], np.float32)
    socket = canvas.pair(face.eye_x, face.eye_y - 0.5 * face.brow_gap, face.eye_length * 1.1, 0.06)
    canvas.shade(1 - (0.06 + 0.10 * face.eye_depth + 0.22 * face.makeup) * socket)
    for side in (-1, 1):
        upper, lower = lids(face, side)
        if shut:
            line = lower * (1, 1) + (0, 0.004)
            canvas.lay(lash, 0.85 * canvas.mask(stroke(line, 0.016 + 0.012 * face.makeup), soften=0.003), cut=True)
            canvas.lay(skin * 0.72, 0.5 * canvas.mask(stroke(upper - (0, 0.03), 0.010), soften=0.006), cut=True)
            continue
        eye = canvas.mask(np.concatenate([upper, lower[::-1]]))
        white = np.array([232, 226, 222], np.float32)
        depth = np.clip((canvas.y - (face.eye_y - face.eye_open)) / (1.4 * face.eye_open), 0, 1)
        shaded = white * (0.62 + 0.38 * _step(depth * 1.3))[..., None]
        canvas.lay(shaded, eye, cut=True)
        centre_x, centre_y = side * face.eye_x, face.eye_y - 0.10 * face.eye_open
        radius = np.hypot(canvas.x - centre_x, canvas.y - centre_y) / face.iris_size
        edge = 0.5 / (face.iris_size * canvas.scale)
        iris = np.clip((1 - radius) / (2 * edge) + 0.5, 0, 1) * eye
        ring = 0.55 + 0.75 * np.clip(1 - radius, 0, 1) ** 0.6
        ring *= 0.75 + 0.25 * _step(depth * 1.2)
        canvas.lay(np.asarray(face.eyes, np.float32) * ring[..., None], iris, cut=True)
        canvas.lay((14, 12, 12), np.clip((0.46 - radius) / (2 * edge) + 0.5, 0, 1) * eye, cut=True)
        glint = np.hypot(canvas.x - centre_x + 0.022, canvas.y - centre_y + 0.026) / 0.017
        canvas.lay((250, 250, 250), 0.9 * np.clip((1 - glint) * 2, 0, 1) * eye, cut=True)
        canvas.lay(skin * (0.55, 0.45, 0.43), 0.7 * canvas.mask(stroke(lower, 0.008), soften=0.004), cut=True)
        thick = 0.013 + 0.020 * face.makeup
        canvas.lay(lash, 0.9 * canvas.mask(stroke(upper - (0, thick / 3), thick), soften=0.003), cut=True)
        fold = upper * (1, 1) - (0, 0.018 + 0.030 * face.lid_fold)
        canvas.lay(skin * (0.58, 0.50, 0.48), (0.25 + 0.4 * face.lid_fold) * canvas.mask(stroke(fold, 0.011), soften=0.005), cut=True)
        corner = canvas.bump(side * (face.eye_x - face.eye_length * 0.93), face.eye_y + 0.005, 0.014, 0.012) * eye
        canvas.lay((196, 128, 118), 0.8 * corner, cut=True)


def lids(face: Face, side: int, *, upper_share: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower edge of an eye, (N, 2) each, from the inner to the outer corner; ``upper_share`` 1 open .. 0 shut."""
    along = np.linspace(0, 1, 24)
    rise = face.eye_tilt * face.eye_length * (0.5 - along)
    x = side * (face.eye_x + face.eye_length * (2 * along - 1))
    above = face.eye_open * np.sin(np.pi * along**0.85) ** 0.8
    below = 0.52 * face.eye_open * np.sin(np.pi * along**1.15) ** 0.9
    lower_y = face.eye_y + rise + below
    upper_y = face.eye_y + rise - above
    return np.stack([x, lower_y + (upper_y - lower_y) * upper_share], axis=1), np.stack([x, lower_y], axis=1)


def paint_brows(face: Face, canvas: FaceCanvas, rng: np.random.Generator) -> None:
    """Two brows of fine hairs."""
    along = np.linspace(0, 1, 24)
    hairs = 1 + 0.35 * noise(rng, (canvas.height, canvas.width), (3.0, 0.7))
    for side in (-1, 1):
        x = side * (face.eye_x + face.brow_length * (2 * along - 1.12))
        y = face.eye_y - face.brow_gap - face.brow_arch * np.sin(np.pi * along**1.3) + face.brow_tilt * face.brow_length * (0.5 - along)
        half = 0.5 * face.brow_thickness * np.interp(along, [0, 0.12, 0.55, 1], [0.6, 1.0, 0.9, 0.12])
        brow = np.concatenate([np.stack([x, y - half], axis=1), np.stack([x, y + half], axis=1)[::-1]])
        coverage = canvas.mask(brow, soften=0.010) * np.clip(face.brow_density * hairs, 0.5 * face.brow_density, 1)
        canvas.lay(face.brow, coverage, cut=True)
