"""Whether a mouth can be seen. A face mesh draws lips under a mask, a hand or a blur as well, and those never follow the voice.

Two kinds of evidence are looked for in the pictures. Where lips move: does the picture between them change as the mesh opens? Where they
stand still: are there lips, redder than the skin on all sides, in a picture that stands still as well? Where neither is found it is not
known whether the lips are seen, and nothing can be said against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from seedbench.metrics.analyses.face_networks import box_of
from seedbench.metrics.analyses.faces import FaceTrack
from seedbench.metrics.analyses.frame_pictures import map_frames
from seedbench.metrics.lipsync.features import FPS, SLOW_FRAMES, face_scale, mesh_points

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

WIDTH, HEIGHT, SCALE = 64, 48, 48.0
"""A mouth picture in pixels, and the size of the face in it (about the distance of the eyes)."""
MAX_FRAMES = 250
"""Frames (10 s) that are looked at, from the middle of a track."""
OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
"""Mesh points around the lips, and around the opening between them."""
CHIN = 152
"""The lowest point of the mesh."""
SKIN_FROM, SKIN_TO = 1.3, 1.75
"""The skin around a mouth lies between its outline enlarged so much and so much."""
COLUMNS = 5
"""Pixels to the left and right of the middle of the mouth that its brightness is taken from."""

LEAST_FOLLOWING, SURE_FOLLOWING = 4.0, 5.5
"""Grey levels (rms over the mouth, of 255) by which the picture must change with one standard deviation of the opening, where lips are
redder than skin, and where they are not.

Set on 49 uncovered real faces (GRID, generated; full and half size: 2.1 to 18.7, below 4.0 in nine), 24 drawn ones (5.6 to 20.9), and 162
covers of twelve kinds drawn over seventeen of the faces. The lips of 113 of the covers were judged not to follow the voice without this
rule, and of none with it; at crf 42 three of eight and none. With 30% more it is none either; with 20% less it is three, with 30% less
five."""
FLAT, EVEN = 0.04, 0.9
"""Bounds of the median gradient divided by the mean: bars and boxes, which have edges and nothing between, reach 0.01 to 0.03 (a few 0.2),
cloth and blur, which have no edges, 0.9 to 1.1; uncovered mouths, real and drawn, 0.06 to 0.87."""
SOME_REDNESS_SD = 0.5
"""By how many standard deviations (within lips and skin, CIE a*) lips that move must be redder than the skin around them: uncovered faces
0.4 to 2.6, median 1.8; covers -1.3 to 0.3, mosaics up to 1.6."""
LEAST_REDNESS, LEAST_REDNESS_SD, LEAST_QUARTER = 2.5, 0.7, 0.5
"""For lips that stand still: in CIE a*, in standard deviations, and in CIE a* in each quarter of the mouth. Lips are so in 44 of 49
uncovered real faces and 20 of 24 drawn ones; no cover but a mosaic and a blur is."""
STILL_PICTURE = 2.0
"""Grey levels by which the picture of a mouth may vary while lips stand still."""


@dataclass(frozen=True)
class MouthPictures:
    """Pictures of one mouth, turned upright and scaled alike.

    Attributes:
        lab: (T, 48, 64, 3) uint8, CIE L*a*b* as OpenCV scales it.
        points: (T, 468, 2) the mesh in pixels of these pictures.
    """

    lab: np.ndarray
    points: np.ndarray


@dataclass(frozen=True)
class MouthEvidence:
    """What the pictures of a mouth show.

    Attributes:
        following: Grey levels by which the picture changes with one standard deviation of the opening.
        changing: Grey levels by which it changes at all.
        evenness: Median gradient divided by the mean, 0..about 1; high where there are no edges.
        redness: By how much lips are redder than the skin around them, CIE a*.
        redness_sd: The same in standard deviations.
        quarter: The same in the quarter of the mouth where it is least.
    """

    following: float
    changing: float
    evenness: float
    redness: float
    redness_sd: float
    quarter: float

    @property
    def seen(self) -> bool:
        """Whether lips are seen, moving or still."""
        if not FLAT <= self.evenness <= EVEN:
            return False
        needed = LEAST_FOLLOWING if self.redness_sd >= SOME_REDNESS_SD else SURE_FOLLOWING
        if self.following >= needed:
            return True
        red = self.redness >= LEAST_REDNESS and self.redness_sd >= LEAST_REDNESS_SD and self.quarter >= LEAST_QUARTER
        return red and self.changing <= STILL_PICTURE


def mouth_matrix(points: np.ndarray, scale: float) -> np.ndarray:
    """The map from a picture to the upright mouth picture: (2, 3).

    Args:
        points: (468, 2) mesh in pixels.
        scale: The face scale in pixels.
    """
    eyes = points[263] - points[33]
    turn = np.arctan2(eyes[1], eyes[0])
    cos, sin = np.cos(turn) * SCALE / scale, np.sin(turn) * SCALE / scale
    rotation = np.array([[cos, sin], [-sin, cos]])
    middle = points[[61, 291, 0, 17]].mean(axis=0)
    return np.hstack([rotation, (np.array([WIDTH, HEIGHT]) / 2 - rotation @ middle)[:, None]])


def mouth_pictures(clip: Clip, track: FaceTrack) -> MouthPictures:
    """The mouth of one track, from the pictures of the clip.

    Args:
        clip: The clip.
        track: The face.

    Returns:
        At most ``MAX_FRAMES`` pictures.

    Raises:
        ClipError: If the clip cannot be read.
    """
    first = max(0, (len(track.frames) - MAX_FRAMES) // 2)
    part = slice(first, first + MAX_FRAMES)
    points = track.landmarks[part, :, :2].astype(np.float64)
    scales = face_scale(mesh_points(track.landmarks))[part]
    matrices = [mouth_matrix(mesh, float(scale)) for mesh, scale in zip(points, scales, strict=True)]

    def cut(at: int, rgb: np.ndarray) -> np.ndarray:
        x0, y0, x1, y1 = np.clip(box_of(points[at]), 0, [*rgb.shape[1::-1]] * 2).astype(int).tolist()
        face, matrix = rgb[y0 : y1 + 1, x0 : x1 + 1], matrices[at].copy()
        if not face.size:
            return np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        matrix[:, 2] += matrix[:, :2] @ [x0, y0]
        larger = scales[at] / SCALE
        if larger > 1.5:  # so that no pixel between is left out
            face = cv2.GaussianBlur(face, (0, 0), 0.4 * larger)
        return cv2.cvtColor(cv2.warpAffine(face, matrix, (WIDTH, HEIGHT)), cv2.COLOR_RGB2LAB)

    lab = map_frames(clip, FPS, track.frames[part].tolist(), cut)
    moved = [mesh @ matrix[:, :2].T + matrix[:, 2] for mesh, matrix in zip(points, matrices, strict=True)]
    return MouthPictures(np.stack(lab), np.stack(moved))


def mouth_evidence(mouth: MouthPictures) -> MouthEvidence:
    """What the pictures of a mouth show.

    Args:
        mouth: The pictures.

    Returns:
        The evidence.
    """
    following, changing = _following(mouth)
    frames = range(0, len(mouth.lab), 3)
    looks = np.array([_looks(mouth.lab[k].astype(np.float64), mouth.points[k]) for k in frames])
    evenness, quarters, lips, skin, spread = looks[:, 0], looks[:, 1:5], looks[:, 5], looks[:, 6], looks[:, 7]
    redness = float((lips - skin).mean())
    return MouthEvidence(
        following=following,
        changing=changing,
        evenness=float(np.median(evenness)),
        redness=redness,
        redness_sd=redness / max(float(np.sqrt(spread.mean())), 1e-6),
        quarter=float(np.median(quarters, axis=0).min()),
    )


def _following(mouth: MouthPictures) -> tuple[float, float]:
    """How the brightness along the middle of the mouth changes with the opening, and how it changes at all."""
    gap = np.linalg.norm(mouth.points[:, 13] - mouth.points[:, 14], axis=1)
    middle = np.rint((mouth.points[:, 13, 0] + mouth.points[:, 14, 0]) / 2).astype(int).clip(COLUMNS, WIDTH - COLUMNS - 1)
    columns = middle[:, None] + np.arange(-COLUMNS, COLUMNS + 1)
    rows = mouth.lab[np.arange(len(gap))[:, None], :, columns, 0].astype(np.float64).mean(axis=1)
    rows = (rows - rows.mean(axis=1, keepdims=True))[:, HEIGHT // 4 : 3 * HEIGHT // 4 + 1]  # less the light of the frame
    rows -= gaussian_filter1d(rows, SLOW_FRAMES, axis=0)
    gap = gap - gaussian_filter1d(gap, SLOW_FRAMES)
    spread = max(float(gap.std()), 1e-6)
    together = (rows * gap[:, None]).mean(axis=0) / spread
    return float(np.sqrt((together**2).mean())), float(np.sqrt((rows**2).mean()))


def _looks(lab: np.ndarray, points: np.ndarray) -> tuple[float, ...]:
    """Of one picture: evenness of gradients, redness in four quarters, mean a* of lips and of skin, and their mean variance."""
    lips, skin, all_of_it = _regions(points)
    steps = np.hypot(*np.gradient(lab[..., 0]))[all_of_it]
    evenness = (float(np.median(steps)) + 0.05) / (float(steps.mean()) + 0.05) if steps.size else 1.0
    red, middle = lab[..., 1], points[[61, 291]].mean(axis=0)
    below, right = np.arange(HEIGHT)[:, None] > middle[1], np.arange(WIDTH)[None, :] > middle[0]
    quarters = [
        float(red[lips & part].mean() - red[skin & part].mean()) if (lips & part).any() and (skin & part).any() else 0.0
        for part in (below & right, below & ~right, ~below & right, ~below & ~right)
    ]
    if not lips.any() or not skin.any():
        return evenness, *quarters, 0.0, 0.0, 1.0
    return evenness, *quarters, red[lips].mean(), red[skin].mean(), (red[lips].var() + red[skin].var()) / 2


def _regions(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lips, the skin around them, and both with the opening, each (48, 64) bool."""

    def filled(outline: np.ndarray) -> np.ndarray:
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], 1, shift=4)
        return mask.astype(bool)

    outer, inner = points[list(OUTER)], points[list(INNER)]
    middle = outer.mean(axis=0)
    mouth, near, far = filled(outer), filled(middle + SKIN_FROM * (outer - middle)), filled(middle + SKIN_TO * (outer - middle))
    skin = far & ~near
    return mouth & ~filled(inner), skin, mouth | skin


def chin_outside(track: FaceTrack, height: int) -> bool:
    """Whether the chin is below the picture in at least half of the frames of a face.

    The mesh may then keep the mouth of a speaker shut: of five filmed speakers cut off just below the lower lip, those of two did.

    Args:
        track: The face.
        height: The height of the pictures that it was followed in.

    Returns:
        True if it is.
    """
    return bool(np.mean(track.landmarks[:, CHIN, 1] >= height) >= 0.5)


def why_unseen(clip: Clip, tracks: Sequence[FaceTrack]) -> str:
    """Why nothing can be said against lips that do not follow the voice.

    Args:
        clip: The clip.
        tracks: The faces taken for the speaker, one at a time.

    Returns:
        The reason; empty where the lips are seen during at least half of the frames of these faces.

    Raises:
        ClipError: If the clip cannot be read.
    """
    frames = [len(track.frames) for track in tracks]
    seen = [n for n, track in zip(frames, tracks, strict=True) if mouth_evidence(mouth_pictures(clip, track)).seen]
    if 2 * sum(seen) >= sum(frames):
        return ""
    return "the lips are not seen well enough to judge them: the mouth may be covered, blurred, too dark or compressed too much"
