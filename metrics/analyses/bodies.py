"""Moving bodies of a shot: which blob is which body, where its centre is to a fraction of a pixel, how large it is, when it is missing.

Blobs come from :mod:`seedbench.metrics.analyses.foreground`, tracks from :mod:`seedbench.metrics.analyses.tracking`.
A blob that merged with its shadow, or lost a part of the body, is measured again with the body's typical outline. Where pictures are
exposed for so long that the body is blurred by its motion, this outline is smeared by as much as the body moves in that time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.background import StabilisedPictures, stabilise
from seedbench.metrics.analyses.foreground import BackgroundDifference, Blob, background_difference, blobs_of
from seedbench.metrics.analyses.motion import CameraMotion, ShotPictures, camera_motion, longest_shot
from seedbench.metrics.analyses.outlines import (
    GREY_BODY,
    Outline,
    Streaks,
    fitted_centre,
    is_odd,
    outline_of,
    sharp_areas,
    streaks_of,
    usual_areas,
)
from seedbench.metrics.analyses.picture_store import Pictures
from seedbench.metrics.analyses.repeated_pictures import Repeats, repeats_of
from seedbench.metrics.analyses.tracking import SHORTEST_TRACK, link_blobs, rejoin_tracks
from seedbench.plugins.analysis import analysis
from seedbench.ties import falling_order

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

CHANGE_LEVELS = 0.02
"""A tile whose mean change is below this, in grey levels, is repeated from the picture before."""
GREY_SIGMA_PX = 0.7
"""Least noise of a grey body's centre: its outline is a guess where it has the background's colour (measured on a steel ball)."""
SAME_PX = 1e-6
"""Bodies whose travel differs by less keep the order in which they appear."""


@dataclass(frozen=True)
class BodyTrack:
    """One body followed through a shot.

    Pixels are those of the shot's first picture at short side 256, the camera's motion taken out.

    Attributes:
        frame: (n,) indices into the shot's pictures.
        time_s: (n,) seconds.
        x: (n,) centre, pixels.
        y: (n,) centre, pixels, downward.
        area: (n,) pixels, with what merged with it, without what motion blur adds.
        at_border: (n,) bool, whether the border of the picture cuts it.
        reliable: (n,) bool, whether it is separated well from what it touches.
        diameter: Of a disc of its median area, pixels.
        sigma_px: Noise of a coordinate, from third differences; more for grey bodies.
        colour: (3,) RGB.
        shadow_share: Share 0..1 of pixels that could be a shadow, in mid-air.
        exposure_s: For how long the body is blurred by its motion in each picture, seconds; 0 where it is sharp.
        merged: (n,) bool, where the area is not that of the body alone; None: nowhere.
    """

    frame: np.ndarray
    time_s: np.ndarray
    x: np.ndarray
    y: np.ndarray
    area: np.ndarray
    at_border: np.ndarray
    reliable: np.ndarray
    diameter: float
    sigma_px: float
    colour: np.ndarray
    shadow_share: float
    exposure_s: float = 0.0
    merged: np.ndarray | None = None

    @property
    def area_known(self) -> np.ndarray:
        """(n,) bool, where ``area`` is that of the whole body alone."""
        return ~self.at_border if self.merged is None else ~(self.at_border | self.merged)

    @property
    def travel_px(self) -> float:
        """Diagonal of the box around all centres."""
        return float(np.hypot(np.ptp(self.x), np.ptp(self.y)))


@dataclass(frozen=True)
class Bodies:
    """The bodies of a clip's longest shot, and what they were measured on.

    Attributes:
        tracks: The bodies, most travelled first.
        time_s: (T,) times of the shot's pictures.
        width: Width of the pictures in pixels.
        height: Height of the pictures in pixels.
        shots: How many shots the clip has.
        camera_moving: Whether the camera moved at all.
        camera_step_px: The camera's motion from picture to picture, pixels.
        camera_residual_px: What is left of the background's motion, root mean square in pixels.
        changing: (T,) share 0..1 of the picture that differs at all from the picture before (:func:`changing_share`).
        problem: Why nothing could be followed; empty if it could.
        repeats: Which pictures repeat the one before; None: not looked for.
    """

    tracks: list[BodyTrack]
    time_s: np.ndarray
    width: int
    height: int
    shots: int
    camera_moving: bool
    camera_step_px: float
    camera_residual_px: float
    changing: np.ndarray
    problem: str = ""
    repeats: Repeats | None = None


def noise_px(x: np.ndarray, y: np.ndarray) -> float:
    """Standard deviation of the noise of a coordinate, from third differences of the positions.

    The third differences of free flight are 0 and a contact is an outlier, so their median absolute value (times 1.4826, over the square
    root of 20, the sum of squares of the weights 1, -3, 3, -1) is the noise.

    Args:
        x: Positions (n,) in pixels.
        y: The same.

    Returns:
        Pixels; 0.2 with fewer than 8 positions.

    >>> t = np.arange(40.0)
    >>> round(noise_px(t, 0.1 * t**2 + np.where(t % 2, 0.1, -0.1)), 2)
    0.27
    """
    if len(x) < 8:
        return 0.2
    third = np.concatenate([np.diff(x, 3), np.diff(y, 3)])
    third = third[np.abs(third) > 1e-9]
    return float(1.4826 * np.median(np.abs(third)) / np.sqrt(20.0)) if len(third) > 3 else 0.0


def changing_share(rgb: Pictures) -> np.ndarray:
    """Share (T,) of 8 x 8 tiles of each picture that differ from the one before by more than :data:`CHANGE_LEVELS` on average.

    In a filmed picture every tile changes, if only by noise; in a repeated one none does. The first picture gets the value of the second.

    Args:
        rgb: T pictures (H, W, 3) uint8.

    Returns:
        (T,) shares 0..1.

    >>> pictures = np.zeros((3, 16, 16, 3), np.uint8)
    >>> pictures[1, :, 8:] = 1
    >>> pictures[2] = pictures[1]
    >>> changing_share(pictures).tolist()
    [0.5, 0.5, 0.0]
    """
    import cv2

    changes = (cv2.resize(cv2.absdiff(a, b).astype(np.float32), (8, 8), interpolation=cv2.INTER_AREA) for a, b in pairwise(rgb))
    shares = [float((change.mean(axis=2) > CHANGE_LEVELS).mean()) for change in changes]
    return np.array([shares[0], *shares]) if shares else np.zeros(len(rgb))


@dataclass
class _FollowedBlobs:
    """The blobs of one track, and which of them must be measured again."""

    frames: np.ndarray
    blobs: list[Blob]
    streaks: Streaks
    outline: Outline | None
    odd: np.ndarray

    @classmethod
    def of(cls, frames: np.ndarray, blobs: list[Blob], time_s: np.ndarray) -> _FollowedBlobs:
        streaks = streaks_of(time_s[frames], blobs)
        outline = outline_of(blobs, streaks)
        odd = np.zeros(len(blobs), bool)
        if outline is not None and _moves(blobs):
            rows = zip(blobs, streaks.motion, streaks.added, usual_areas(blobs), strict=True)
            odd = np.array([is_odd(blob, outline, motion, added, usual) for blob, motion, added, usual in rows])
        return cls(frames, blobs, streaks, outline, odd)

    def body(self, time_s: np.ndarray, origin: np.ndarray) -> BodyTrack:
        """The body that the blobs show, in pixels of the shot's first picture, whose corner is at ``origin``."""
        shares = [blob.shadow_share for blob in self.blobs]
        shadow_share = float(np.median(shares)) if self.outline is None else self.outline.shadow_share
        x = np.array([blob.x for blob in self.blobs]) - origin[0]
        y = np.array([blob.y for blob in self.blobs]) - origin[1]
        at_border = np.array([blob.at_border for blob in self.blobs])
        area = sharp_areas(self.blobs, self.streaks)
        median_area = float(np.median(area[~at_border] if (~at_border).any() else area))
        return BodyTrack(
            frame=self.frames,
            time_s=time_s[self.frames],
            x=x,
            y=y,
            area=area,
            at_border=at_border,
            reliable=np.array([blob.reliable for blob in self.blobs]) & ~at_border,
            diameter=float(np.sqrt(4 * median_area / np.pi)),
            sigma_px=max(noise_px(x, y), GREY_SIGMA_PX if shadow_share >= GREY_BODY else 0.0),
            colour=np.median([blob.colour for blob in self.blobs], axis=0),
            shadow_share=shadow_share,
            exposure_s=self.streaks.exposure_s,
            merged=self.odd & (self.outline is None or not self.outline.grey),
        )


def is_shadow(track: BodyTrack, others: list[BodyTrack]) -> bool:
    """Whether a track could be the shadow of another body: it looks like shadow, and keeps one height below that body and beside it."""
    if track.shadow_share < 0.7:
        return False
    for other in others:
        _, own, others_rows = np.intersect1d(track.frame, other.frame, return_indices=True)
        if other.shadow_share >= track.shadow_share or len(own) < 0.7 * len(track.frame):
            continue
        beside = track.x[own] - other.x[others_rows]
        if (
            np.ptp(np.quantile(track.y, (0.1, 0.9))) < 0.5 * other.diameter
            and np.std(beside) < 0.5 * other.diameter
            and np.median(track.y[own] - other.y[others_rows]) > 0
        ):
            return True
    return False


def bodies_of(shot: ShotPictures, camera: CameraMotion) -> Bodies:
    """Follow the moving bodies of a shot.

    Args:
        shot: The pictures of the shot.
        camera: The camera's motion over them.

    Returns:
        The bodies, most travelled first; without any and with ``problem`` set when the shot is too short or the camera moves too far.
    """
    rgb, time_s = shot.rgb, shot.time_s
    height, width = rgb[0].shape[:2]
    step = float(np.median(camera.step_px)) if len(camera.step_px) else 0.0
    changing = changing_share(rgb)
    facts = (time_s, width, height, shot.shots, camera.moving, step, camera.residual_px, changing)
    stabilised = stabilise(rgb, camera) if len(rgb) >= SHORTEST_TRACK else None
    if stabilised is None:
        too_short = len(rgb) < SHORTEST_TRACK
        return Bodies([], *facts, problem="the shot is too short" if too_short else "the camera moves too far to be followed")
    difference = background_difference(stabilised)
    blobs = []
    for index in range(len(stabilised)):
        picture, seen = stabilised.picture(index), stabilised.seen(index)
        blobs.append(blobs_of(picture, difference.strength(picture, seen, index), seen, difference, index))
    followed = [_FollowedBlobs.of(frames, track_blobs, time_s) for frames, track_blobs in rejoin_tracks(link_blobs(blobs), time_s)]
    _measure_odd_again(followed, stabilised, difference)
    tracks = [track.body(time_s, stabilised.origin) for track in followed]
    kept = [track for track in tracks if not is_shadow(track, [other for other in tracks if other is not track])]
    kept = [kept[k] for k in falling_order([track.travel_px for track in kept], tolerance=SAME_PX)]
    return Bodies(kept, *facts, repeats=repeats_of(time_s, shot.change, changing))


def _moves(blobs: Sequence[Blob]) -> bool:
    """Whether blobs span their own size: what moves less is not judged, and need not be measured more precisely."""
    x, y, area = np.array([(blob.x, blob.y, blob.area) for blob in blobs]).T
    return float(np.hypot(np.ptp(x), np.ptp(y))) >= float(np.sqrt(4 * np.median(area) / np.pi))


def _measure_odd_again(tracks: Sequence[_FollowedBlobs], stabilised: StabilisedPictures, difference: BackgroundDifference) -> None:
    """Measure the odd blobs of all tracks again, picture by picture: a picture costs more than the blobs of many tracks in it."""
    at_frame: dict[int, list[tuple[_FollowedBlobs, Outline, int]]] = {}
    for track in tracks:
        if track.outline is not None:
            for row in np.flatnonzero(track.odd).tolist():
                at_frame.setdefault(int(track.frames[row]), []).append((track, track.outline, row))
    for frame, odd in at_frame.items():
        picture, seen = stabilised.picture(frame), stabilised.seen(frame)
        strength = difference.strength(picture, seen, frame)
        for track, outline, row in odd:
            blob = track.blobs[row]
            centre = fitted_centre(blob, outline, track.streaks.motion[row], picture, strength, difference)
            if centre is None:
                track.blobs[row] = replace(blob, reliable=False)
            elif not (blob.at_border and _is_cut(centre, outline, picture, seen)):
                track.blobs[row] = replace(blob, x=centre[0], y=centre[1], at_border=False)


def _is_cut(centre: tuple[float, float], outline: Outline, picture: np.ndarray, seen: np.ndarray | None) -> bool:
    """Whether an outline around a centre reaches out of what the picture (H, W, 3) shows: ``seen`` (H, W) bool, None: all of it."""
    high, wide = outline.mask.shape
    height, width = picture.shape[:2]
    left, top = int(centre[0] - wide / 2) - 1, int(centre[1] - high / 2) - 1
    right, bottom = int(centre[0] + wide / 2) + 2, int(centre[1] + high / 2) + 2
    if left < 0 or top < 0 or right > width or bottom > height:
        return True
    return seen is not None and not bool(seen[top:bottom, left:right].all())


@analysis(version=6)
def bodies(clip: Clip) -> Bodies:
    """The moving bodies of a clip's longest shot.

    Args:
        clip: The clip.

    Returns:
        The bodies, with the problem where nothing could be followed.

    Raises:
        ClipError: If the clip has no picture.
    """
    return bodies_of(longest_shot(clip), camera_motion(clip))
