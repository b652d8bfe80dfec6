"""Faces too small for the face tracks, which may speak: looked for in enlarged parts of a few pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.face_networks import FaceNets, box_of, crop_matrix, face_nets, iou
from seedbench.metrics.analyses.faces import MIN_MESH, FaceTrack
from seedbench.metrics.analyses.frame_pictures import map_frames
from seedbench.metrics.lipsync.features import FPS

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

LOOKS = 4
"""Pictures that are searched, spread evenly over the frames of speech."""
LEAST_LOOKS = 2
"""Pictures in which another face must be seen: a single detection may be wrong. None is seen in five real clips with one face."""
TILE_PX = 240
"""Side of the parts that are searched; the detector sees 192 pixels, so that faces of 20 px are large enough (one of 33 px in a picture of
660 px is not found otherwise)."""
LARGE_PICTURE_PARTS = 4
"""The longer side of a large picture is searched in about this many parts, so that the cost is limited."""
SAME_PLACE_IOU = 0.1


def small_faces_seen(clip: Clip, tracks: Sequence[FaceTrack], frames: np.ndarray) -> bool:
    """Whether a face that no track follows is seen.

    Args:
        clip: The clip.
        tracks: All faces that are followed.
        frames: (n,) frames at 25 fps during speech, ascending.

    Returns:
        True if the mesh finds such a face in at least :data:`LEAST_LOOKS` of the pictures searched.

    Raises:
        WeightsError: If the weights of the face networks are missing or cannot be read.
    """
    chosen = np.unique(frames[np.linspace(0, len(frames) - 1, LOOKS).astype(int)]).tolist() if len(frames) else []
    nets = face_nets()
    seen = map_frames(clip, FPS, chosen, lambda at, rgb: has_other_face(rgb, boxes_at(tracks, chosen[at]), nets))
    return sum(seen) >= LEAST_LOOKS


def boxes_at(tracks: Sequence[FaceTrack], frame: int) -> list[np.ndarray]:
    """The boxes (4,) of the faces that are followed on a frame."""
    return [track.boxes[frame - track.frames[0]] for track in tracks if track.frames[0] <= frame <= track.frames[-1]]


def tiles(height: int, width: int) -> tuple[int, list[tuple[int, int]]]:
    """The parts of a picture that are searched; they overlap by at least a quarter.

    Args:
        height: Of the picture, pixels.
        width: Of the picture, pixels.

    Returns:
        Their side in pixels, and the corner (y, x) of each.

    >>> tiles(240, 400)
    (240, [(0, 0), (0, 160)])
    """
    side = max(TILE_PX, max(height, width) // LARGE_PICTURE_PARTS)

    def starts(length: int) -> list[int]:
        count = max(1, math.ceil((length - side) / (0.75 * side)) + 1)
        return [round(max(0, length - side) * k / max(1, count - 1)) for k in range(count)]

    return side, [(y, x) for y in starts(height) for x in starts(width)]


def has_other_face(rgb: np.ndarray, known: Sequence[np.ndarray], nets: FaceNets) -> bool:
    """Whether a picture shows a face that is not among the known ones.

    Args:
        rgb: (H, W, 3) uint8.
        known: Boxes (4,) of the faces that are followed.
        nets: The face networks.

    Returns:
        True if the detector sees one and the mesh confirms it.
    """
    side, corners = tiles(*rgb.shape[:2])
    for y, x in corners:
        part = np.ascontiguousarray(rgb[y : y + side, x : x + side])
        for detection in nets.detect(part):
            first, _ = nets.mesh(part, crop_matrix(detection.box, detection.eyes[0], detection.eyes[1]))
            landmarks, score = nets.follow(part, first)
            box = box_of(landmarks) + np.array([x, y, x, y])
            if score >= MIN_MESH and not any(_same_place(box, other) for other in known):
                return True
    return False


def _same_place(box: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes overlap, or the middle of the first lies in the second (a part of a face that fills the picture)."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return iou(box, other) >= SAME_PLACE_IOU or bool(other[0] <= x <= other[2] and other[1] <= y <= other[3])
