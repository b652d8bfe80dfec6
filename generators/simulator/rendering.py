"""Renders the plan of a scene picture by picture.

What stands still in a shot (place, floor, signs) is painted once; a frame costs a copy of it, the people, the bodies and a little
sensor noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from seedbench.generators.simulator import body_painting, scenery
from seedbench.generators.simulator.body_painting import PixelScale
from seedbench.generators.simulator.face import FacePainter, Mouth
from seedbench.generators.simulator.plan import ScenePlan, ShotPlan

_PAN_ROOM = 1.28  # width of what is painted for a pan, in frame widths
_NOISE_ROOM = 48


def frames(scene: ScenePlan) -> Iterator[np.ndarray]:
    """All pictures (height, width, 3) uint8 RGB of a scene, in order."""
    freeze_s = scene.degradation.freeze_from_s
    moving = scene.n_frames if freeze_s is None else min(scene.n_frames, max(1, round(freeze_s * scene.fps)))
    picture = np.zeros((scene.height, scene.width, 3), np.uint8)
    for index, fresh in enumerate(_unfrozen(scene, moving)):
        picture = _flickered(fresh, index, scene.degradation.flicker)
        yield picture
    for _ in range(scene.n_frames - moving):
        yield picture


def _unfrozen(scene: ScenePlan, count: int) -> Iterator[np.ndarray]:
    grain = _Grain(scene)
    plates: dict[str, np.ndarray] = {}
    for shot in scene.shots:
        painters = [FacePainter(person.face, person.head_px) for person in shot.people]
        tracks = {number: _track_px(scene, number) for number in range(len(scene.bodies))} if shot.bodies else {}
        background, signs = None, None
        for frame in range(shot.first, min(shot.last, count)):
            shown = [sign for sign in scene.signs if sign.first <= frame < sign.last]
            if background is None or shown != signs:
                background, signs = _background(scene, shot, frame, plates), shown
            moved, zoom = shot.camera_at(frame, scene.width)
            canvas = _window(background, scene.width, moved) if shot.camera == "pan" else background.copy()
            if shot.bodies:
                _paint_bodies(canvas, scene, shot, frame, tracks, moved)
            for person, painter in zip(shot.people, painters, strict=True):
                acting, head = scene.acting[person.id], person.head_px
                painter.paint(
                    canvas,
                    centre=(person.x - moved + head * acting.shift_x[frame], person.y + head * acting.shift_y[frame]),
                    body=(person.x - moved + head * acting.body_x[frame], person.y + head * acting.body_y[frame]),
                    mouth=Mouth(float(acting.lips_open[frame]), float(acting.lips_width[frame])),
                    yaw=float(np.clip(person.yaw + acting.yaw[frame], -1, 1)),
                    roll_rad=float(acting.roll_rad[frame]),
                    blink=float(acting.blink[frame]),
                    gain=scenery.LIGHTS[shot.light],
                )
            if zoom != 1:
                canvas = _magnified(canvas, zoom)
            yield grain.over(canvas)
        if shot.last >= count:
            return


def head_centre(scene: ScenePlan, shot: ShotPlan, name: str, frame: int) -> tuple[float, float, float]:
    """Where the middle of a person's head is in a frame, and the height of the head, in pixels of the picture."""
    person = next(item for item in shot.people if item.id == name)
    acting = scene.acting[name]
    moved, zoom = shot.camera_at(frame, scene.width)
    x = person.x - moved + person.head_px * acting.shift_x[frame]
    y = person.y + person.head_px * acting.shift_y[frame]
    middle = scene.width / 2, scene.height / 2
    return middle[0] + zoom * (x - middle[0]), middle[1] + zoom * (y - middle[1]), zoom * person.head_px


def body_centres(scene: ScenePlan, number: int) -> np.ndarray:
    """Where a body is in every frame (T, 2), in pixels of the picture; NaN in shots that do not show it."""
    track = _track_px(scene, number)
    seen = np.full_like(track, np.nan)
    middle = np.array([scene.width / 2, scene.height / 2])
    for shot in scene.shots:
        if shot.bodies:
            for frame in range(shot.first, shot.last):
                moved, zoom = shot.camera_at(frame, scene.width)
                seen[frame] = middle + zoom * (track[frame] - (moved, 0) - middle)
    return seen


def _pixel_scale(scene: ScenePlan) -> PixelScale:
    if scene.pixel_scale is None:
        raise ValueError(f"{scene.prompt.id}: no bodies in this scene")
    return scene.pixel_scale


def _track_px(scene: ScenePlan, number: int) -> np.ndarray:
    return _pixel_scale(scene).to_px(scene.bodies[number].path.at(scene.times_s))


def _background(scene: ScenePlan, shot: ShotPlan, frame: int, plates: dict[str, np.ndarray]) -> np.ndarray:
    """Everything of a shot that stands still: (height, width or the room for a pan, 3)."""
    if shot.place not in plates:
        size = round(scene.width * scenery.PLATE_WIDTH), scene.height
        plates[shot.place] = scenery.plate(shot.place, *size, scene.streams.rng(f"place {shot.place}"))
    wide = round(scene.width * _PAN_ROOM) if shot.camera == "pan" else scene.width
    aside = (wide - scene.width) / 2
    seen = scenery.view(plates[shot.place], wide, scene.height, zoom=shot.zoom, blur=shot.blur, light=shot.light, offset=shot.aside)
    if shot.bodies:
        pixel_scale = replace(_pixel_scale(scene), centre_x_px=_pixel_scale(scene).centre_x_px + aside)
        unlit = seen.copy()
        body_painting.paint_floor(unlit, pixel_scale, scene.streams.rng("floor"))
        for body in scene.bodies:
            if body.path.swing is not None:
                x, y = pixel_scale.to_px(np.array([body.path.swing.pivot]))[0]
                body_painting.paint_beam(unlit, (float(x), float(y)))
            elif body.kind in ("drop", "bounce", "throw") and body.path.pieces[0].position[1] > 1.5 * body.radius_m:
                x_m, y_m = body.path.pieces[0].position
                body_painting.paint_holder(unlit, pixel_scale, x_m=x_m, y_m=y_m, radius_m=body.radius_m, shelf=body.kind == "throw")
        changed = (unlit != seen).any(axis=2)
        seen[changed] = scenery.lit(unlit, shot.light)[changed]
    for sign in scene.signs:
        if sign.first <= frame < sign.last:
            replace(sign.board, left=sign.board.left + round(aside), posts=tuple(x + aside for x in sign.board.posts)).paint(seen)
    return seen


def _paint_bodies(canvas: np.ndarray, scene: ScenePlan, shot: ShotPlan, frame: int, tracks: dict[int, np.ndarray], moved: float) -> None:
    light = np.asarray(scenery.LIGHTS[shot.light])
    pixel_scale = replace(_pixel_scale(scene), centre_x_px=_pixel_scale(scene).centre_x_px - moved)
    radii = [body.radius_m * pixel_scale.px_per_m for body in scene.bodies]
    for number, radius in enumerate(radii):
        x, y = tracks[number][frame] - (moved, 0)
        body_painting.paint_shadow(canvas, pixel_scale, x, y + radius, radius)
    for number, (body, radius) in enumerate(zip(scene.bodies, radii, strict=True)):
        x, y = tracks[number][frame] - (moved, 0)
        swing = body.path.swing
        if swing is not None:
            pivot = pixel_scale.to_px(np.array([swing.pivot]))[0]
            body_painting.paint_string(canvas, (float(pivot[0]), float(pivot[1])), (float(x), float(y)))
            angle = -float(swing.angles(np.array([frame / scene.fps]))[0])
        else:
            angle = (x + moved - tracks[number][0][0]) / radius
        second = number > 0 and scene.bodies[number - 1].event == body.event
        body_painting.paint_body(canvas, body.solid, float(x), float(y), radius, angle, light, second=second)


def _window(background: np.ndarray, width: int, moved: float) -> np.ndarray:
    """The frame-wide part of a wider background that a pan has come to, to a fraction of a pixel."""
    left = (background.shape[1] - width) / 2 + moved
    matrix = np.array([[1.0, 0.0, left], [0.0, 1.0, 0.0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(background, matrix, (width, background.shape[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _magnified(canvas: np.ndarray, zoom: float) -> np.ndarray:
    height, width = canvas.shape[:2]
    matrix = np.array([[1 / zoom, 0, (1 - 1 / zoom) * width / 2], [0, 1 / zoom, (1 - 1 / zoom) * height / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(canvas, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _flickered(picture: np.ndarray, index: int, amplitude: float) -> np.ndarray:
    """Brighter in even pictures and darker in odd ones, ``amplitude`` of full scale from one to the next."""
    if not amplitude:
        return picture
    half = np.full_like(picture, round(127.5 * amplitude))
    return cv2.subtract(picture, half) if index % 2 else cv2.add(picture, half)


class _Grain:
    """Sensor noise of about one level, other in each frame: one field, larger than the frame, looked at from another corner each time."""

    def __init__(self, scene: ScenePlan) -> None:
        rng = scene.streams.rng("grain")
        size = scene.height + _NOISE_ROOM, scene.width + _NOISE_ROOM
        field = np.rint(1.05 * rng.standard_normal(size)).astype(np.int8)
        self._plus = np.repeat(np.maximum(field, 0).astype(np.uint8)[..., None], 3, axis=2)
        self._minus = np.repeat(np.maximum(-field, 0).astype(np.uint8)[..., None], 3, axis=2)
        self._rng = rng

    def over(self, canvas: np.ndarray) -> np.ndarray:
        """The picture with noise."""
        height, width = canvas.shape[:2]
        top, left = self._rng.integers(0, _NOISE_ROOM, 2)
        part = (slice(top, top + height), slice(left, left + width))
        return cv2.subtract(cv2.add(canvas, self._plus[part]), self._minus[part])
