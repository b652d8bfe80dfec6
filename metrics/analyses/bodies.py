"""Moving bodies of a shot: which blob is which body, where its centre is to a fraction of a pixel, how large it is, when it is missing.

Foreground is :mod:`seedbench.metrics.analyses.foreground`'s, tracks are :mod:`seedbench.metrics.analyses.tracking`'s.
A blob that has grown together with its shadow, or lost a part of itself, is measured again with the body's usual outline.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.background import canvas_of
from seedbench.metrics.analyses.foreground import Blob, Difference, blobs_of, difference, shadow_like
from seedbench.metrics.analyses.motion import CameraMotion, Scene, camera_motion, longest_shot
from seedbench.metrics.analyses.tracking import SHORTEST_TRACK, associate, rejoin
from seedbench.plugins.analysis import analysis
from seedbench.ties import falling_order

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

ALIVE_LEVELS = 0.02
"""Grey levels a tile changes by on average at least, unless it is repeated."""
GREY_BODY = 0.4
"""A body more of which than this could be shadow in mid-air is grey itself."""
GREY_SIGMA_PX = 0.7
"""Noise of a grey body's centre at least: its outline is guessed where it has the background's own colour (measured on a steel ball)."""
SAME_PX = 1e-6
"""Bodies that travelled as far up to this are in the order in which they appear."""
ODD_AREA = 1.1
"""A blob this many times larger or smaller than its track's median is measured again by its outline; a grey body is in every picture."""


@dataclass(frozen=True)
class BodyTrack:
    """One body followed through a shot. Pixels are those of the shot's first picture at short side 256, the camera's motion taken out.

    ``frame`` (n,) indices into the shot's pictures; ``time_s`` (n,); ``x``, ``y`` (n,) centre, y downward; ``area`` (n,) pixels, with
    what clings to it; ``bottom`` (n,) y of the lowest pixel; ``cut`` (n,) bool: the border of the picture cuts it; ``sure`` (n,) bool:
    well told from what it touches. ``diameter`` of a disc of its median area. ``sigma_px`` noise of a coordinate, from third differences;
    more for grey bodies. ``colour`` (3,) RGB. ``shade`` share of pixels that could be a shadow, in mid-air.
    """

    frame: np.ndarray
    time_s: np.ndarray
    x: np.ndarray
    y: np.ndarray
    area: np.ndarray
    bottom: np.ndarray
    cut: np.ndarray
    sure: np.ndarray
    diameter: float
    sigma_px: float
    colour: np.ndarray
    shade: float

    @property
    def travel_px(self) -> float:
        """Diagonal of the box around all centres."""
        return float(np.hypot(np.ptp(self.x), np.ptp(self.y)))


@dataclass(frozen=True)
class Bodies:
    """The bodies of a clip's longest shot, most travelled first, and what they were measured on.

    ``time_s`` (T,) of its pictures; ``width``, ``height`` in pixels; ``alive`` (T,) share of the picture that differs at all from the
    picture before (:func:`alive`); ``trouble`` says why nothing could be followed ("" if it could).
    """

    tracks: list[BodyTrack]
    time_s: np.ndarray
    width: int
    height: int
    shots: int
    camera_moving: bool
    camera_step_px: float
    camera_residual_px: float
    alive: np.ndarray
    trouble: str = ""


def noise_px(x: np.ndarray, y: np.ndarray) -> float:
    """Noise of a coordinate, pixels, from third differences of (n,) positions: a body in free flight has none, a contact is an outlier.

    >>> t = np.arange(40.0)
    >>> round(noise_px(t, 0.1 * t**2 + np.where(t % 2, 0.1, -0.1)), 2)
    0.27
    """
    if len(x) < 8:
        return 0.2
    third = np.concatenate([np.diff(x, 3), np.diff(y, 3)])
    third = third[np.abs(third) > 1e-9]
    return float(1.4826 * np.median(np.abs(third)) / np.sqrt(20.0)) if len(third) > 3 else 0.0


def alive(rgb: np.ndarray) -> np.ndarray:
    """Share (T,) of 8 x 8 tiles of each picture (T, H, W, 3) that differ from the one before by more than :data:`ALIVE_LEVELS` on average.

    A filmed picture is alive all over, if only by its noise; one that is repeated is dead all over. The first counts as the second.

    >>> pictures = np.zeros((3, 16, 16, 3), np.uint8)
    >>> pictures[1, :, 8:] = 1
    >>> pictures[2] = pictures[1]
    >>> alive(pictures).tolist()
    [0.5, 0.5, 0.0]
    """
    import cv2

    changes = [cv2.resize(cv2.absdiff(a, b).astype(np.float32), (8, 8), interpolation=cv2.INTER_AREA) for a, b in pairwise(rgb)]
    shares = [float((change.mean(axis=2) > ALIVE_LEVELS).mean()) for change in changes]
    return np.array([shares[0], *shares]) if shares else np.zeros(len(rgb))


def usual_of(blobs: list[Blob]) -> Blob | None:
    """The blob of a track that shows the body best: whole, of median area among those in which it moves (a body at rest lies in its own
    shadow)."""
    places = np.array([(blob.x, blob.y) for blob in blobs])
    steps = np.hypot(*np.diff(places, axis=0, prepend=places[:1]).T)
    whole = [index for index, blob in enumerate(blobs) if not blob.cut]
    moving = [index for index in whole if steps[index] > 0.12 * np.sqrt(4 * blobs[index].area / np.pi)]
    chosen = moving if len(moving) >= max(SHORTEST_TRACK, 0.15 * len(whole)) else whole
    if not chosen:
        return None
    grey = float(np.median([blobs[index].shade for index in chosen])) >= GREY_BODY
    middle = float(np.quantile([blobs[index].area for index in chosen], 0.8 if grey else 0.5))
    return min((blobs[index] for index in chosen), key=lambda blob: abs(blob.area - middle))


def remeasured(blob: Blob, usual: Blob, picture: np.ndarray, strength: np.ndarray, found: Difference) -> Blob | None:
    """``blob`` measured with the outline of ``usual``, where it fits the foreground best; None when it fits nowhere well.

    ``picture`` (H, W, 3), ``strength`` (H, W): what may be shadow counts for a quarter, unless the body itself looks like one.
    """
    import cv2

    corner = np.array(usual.box[:2])
    shape = (int(usual.box[3] - corner[1]) + 1, int(usual.box[2] - corner[0]) + 1)
    stencil = np.zeros(shape, np.float32)
    stencil[(usual.points[:, 1] - corner[1]).astype(int), (usual.points[:, 0] - corner[0]).astype(int)] = 1.0
    stencil = np.pad(stencil, 2)
    centre = np.array([usual.x, usual.y]) - corner + 2
    left, top = (max(0, int(value) - 6) for value in (min(blob.box[0], blob.x - shape[1] / 2), min(blob.box[1], blob.y - shape[0] / 2)))
    right, bottom = int(max(blob.box[2], blob.x + shape[1] / 2)) + 7, int(max(blob.box[3], blob.y + shape[0] / 2)) + 7
    window = strength[top:bottom, left:right]
    if window.shape[0] < stencil.shape[0] or window.shape[1] < stencil.shape[1]:
        return None
    grey = usual.shade >= GREY_BODY
    weight = np.clip(window.astype(np.float32) / (found.threshold * (0.5 if grey else 1.0)), 0, 1)
    if not grey:
        weight[shadow_like(picture[top:bottom, left:right], found.background[top:bottom, left:right])] *= 0.25
    fit = -cv2.matchTemplate(weight, stencil, cv2.TM_SQDIFF)
    _, best, _, (column, row) = cv2.minMaxLoc(fit)
    if -best > (0.7 if grey else 0.5) * float(stencil.sum()):
        return None
    place = np.array([column + _peak(fit[row], column), row + _peak(fit[:, column], row)]) + centre + (left, top)
    points = usual.points + (place - (usual.x, usual.y))
    low, high = points.min(axis=0), points.max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Blob(float(place[0]), float(place[1]), blob.area, box, points, blob.colour, blob.shade, blob.cut, blob.sure)


def _peak(values: np.ndarray, at: int) -> float:
    """Where between samples a parabola through the highest of ``values`` and its neighbours peaks, -0.5..0.5."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


def _finished(frames: np.ndarray, blobs: list[Blob], shade: float, time_s: np.ndarray, origin: np.ndarray) -> BodyTrack:
    x = np.array([blob.x for blob in blobs]) - origin[0]
    y = np.array([blob.y for blob in blobs]) - origin[1]
    cut = np.array([blob.cut for blob in blobs])
    area = np.array([blob.area for blob in blobs])
    usual = float(np.median(area[~cut] if (~cut).any() else area))
    return BodyTrack(
        frame=frames,
        time_s=time_s[frames],
        x=x,
        y=y,
        area=area,
        bottom=np.array([blob.box[3] for blob in blobs]) - origin[1],
        cut=cut,
        sure=np.array([blob.sure for blob in blobs]) & ~cut,
        diameter=float(np.sqrt(4 * usual / np.pi)),
        sigma_px=max(noise_px(x, y), GREY_SIGMA_PX if shade >= GREY_BODY else 0.0),
        colour=np.median([blob.colour for blob in blobs], axis=0),
        shade=shade,
    )


def is_shadow(track: BodyTrack, others: list[BodyTrack]) -> bool:
    """Whether a track could be the shadow of another: all shade, always below and level while the other moves, and beneath it."""
    if track.shade < 0.7:
        return False
    for other in others:
        _, mine, theirs = np.intersect1d(track.frame, other.frame, return_indices=True)
        if other.shade >= track.shade or len(mine) < 0.7 * len(track.frame):
            continue
        beside = track.x[mine] - other.x[theirs]
        if (
            np.ptp(np.quantile(track.y, (0.1, 0.9))) < 0.5 * other.diameter
            and np.std(beside) < 0.5 * other.diameter
            and np.median(track.y[mine] - other.y[theirs]) > 0
        ):
            return True
    return False


def bodies_of(scene: Scene, camera: CameraMotion) -> Bodies:
    """The moving bodies of a shot."""
    rgb, time_s = scene.rgb, scene.time_s
    height, width = rgb.shape[1:3]
    step = float(np.median(camera.step_px)) if len(camera.step_px) else 0.0
    facts = (time_s, width, height, scene.shots, camera.moving, step, camera.residual_px, alive(rgb))
    canvas = canvas_of(rgb, camera) if len(rgb) >= SHORTEST_TRACK else None
    if canvas is None:
        return Bodies(
            [], *facts, trouble="the shot is too short" if len(rgb) < SHORTEST_TRACK else "the camera sweeps too far to be followed"
        )
    found = difference(canvas)
    seen = canvas.seen
    blobs = [
        blobs_of(picture, found.strength[index], None if seen is None else seen[index], found, index)
        for index, picture in enumerate(canvas.rgb)
    ]
    tracks = []
    for frames, mine in rejoin(associate(blobs), time_s):
        usual = usual_of(mine)
        if usual is not None:
            mine = [_checked(blob, usual, canvas.rgb[frame], found, int(frame)) for frame, blob in zip(frames, mine, strict=True)]
        shade = float(np.median([blob.shade for blob in mine])) if usual is None else usual.shade
        tracks.append(_finished(frames, mine, shade, time_s, canvas.origin))
    kept = [track for track in tracks if not is_shadow(track, [other for other in tracks if other is not track])]
    kept = [kept[k] for k in falling_order([track.travel_px for track in kept], tolerance=SAME_PX)]
    return Bodies(kept, *facts)


def _checked(blob: Blob, usual: Blob, picture: np.ndarray, found: Difference, frame: int) -> Blob:
    grey = usual.shade >= GREY_BODY
    if blob.cut or (not grey and 1 / ODD_AREA < blob.area / usual.area < ODD_AREA):
        return blob
    return remeasured(blob, usual, picture, found.strength[frame], found) or replace(blob, sure=False)


@analysis(version=2)
def bodies(clip: Clip) -> Bodies:
    """The moving bodies of a clip's longest shot. Raises ClipError if it has no picture."""
    return bodies_of(longest_shot(clip), camera_motion(clip))
