"""Faces in profile: the detector finds them, the mesh cannot read them.

They are followed by their position, aligned by the detector's own points and embedded, so that a face in profile can be compared with
itself. Their vectors are compared only with each other: a face in profile is not comparable with the same face from the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.face_embedders import CHIP_PX, DlibEmbedder, dlib_embedder, similarity_transform
from seedbench.metrics.analyses.face_embeddings import MapPictures
from seedbench.metrics.analyses.face_networks import iou
from seedbench.metrics.analyses.face_selection import MIN_SHARPNESS, MIN_SIDE_PX, MOST_NOISE, noise_ratio, sharpness
from seedbench.metrics.analyses.faces import FPS, MIN_MESH, SAME_FACE_IOU, UnfollowedFace, face_tracks
from seedbench.metrics.analyses.frame_pictures import map_frames
from seedbench.metrics.analyses.shots import shots
from seedbench.plugins.analysis import analysis

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

LONGEST_GAP_S = 1.0
"""A face in profile that is not detected for longer than this is not followed further: detections of such faces are often missing (of a
man in profile, in 15 of 42 pictures, the longest time without one is 0.84 s)."""
LEAST_DETECTIONS = 3
MOST_PICTURES = 12
"""Pictures embedded of one face; bounds the cost (dlib needs about 0.08 s for one)."""
CHIP_POINTS = np.array([[52.0, 58.0], [98.0, 58.0], [75.0, 85.0], [75.0, 107.0]])
"""Where right eye, left eye, nose and mouth lie in dlib's face chip of 150 pixels with a border of a quarter."""


@dataclass(frozen=True)
class ProfileFaces:
    """Embedded pictures of faces in profile, one row each, in order of time within each face.

    Attributes:
        face: (n,) the number of the face.
        time_s: (n,) seconds.
        embedding: (n, D) unit vectors; comparable only with each other.
    """

    face: np.ndarray
    time_s: np.ndarray
    embedding: np.ndarray

    def __len__(self) -> int:
        return len(self.face)


def profile_detections(detections: Sequence[UnfollowedFace], cuts_s: np.ndarray) -> list[list[UnfollowedFace]]:
    """The detections of each face in profile, linked by position within a shot.

    The detector alone takes hands and balls for faces now and then. So a face counts only if the mesh reads it at least once.

    Args:
        detections: Faces that were detected and not followed, in order of time.
        cuts_s: Times (m,) of the cuts in seconds.

    Returns:
        The unread detections of each face that look to the side most of them look to, at least three.
    """
    chains: list[list[UnfollowedFace]] = []
    for face in detections:
        for chain in chains:
            last = chain[-1]
            uncut = not ((cuts_s > last.time_s + 1e-6) & (cuts_s <= face.time_s + 1e-6)).any()
            if uncut and 0 < face.time_s - last.time_s <= LONGEST_GAP_S + 1e-6 and iou(face.box, last.box) >= SAME_FACE_IOU:
                chain.append(face)
                break
        else:
            chains.append([face])
    kept = []
    for chain in chains:
        unread = [face for face in chain if face.mesh_score < MIN_MESH]
        if len(unread) == len(chain) or not unread:
            continue
        to_right = np.array([face.points[2, 0] >= face.points[:2, 0].mean() for face in unread])
        side = to_right.mean() >= 0.5
        one_side = [face for face, right in zip(unread, to_right.tolist(), strict=True) if right == side]
        if len(one_side) >= LEAST_DETECTIONS:
            kept.append(one_side)
    return kept


def embed_profiles(map_pictures: MapPictures, faces: Sequence[Sequence[UnfollowedFace]], embedder: DlibEmbedder) -> ProfileFaces:
    """Embed pictures of faces in profile, aligned by the detector's points.

    Args:
        map_pictures: Calls a function with the pictures of some frames at 25 fps.
        faces: The detections of each face.
        embedder: dlib's network.

    Returns:
        The embedded pictures, at most twelve of each face, without those that are small, blurred or noisy.
    """
    large = [[seen for seen in face if float(np.ptp(seen.box.reshape(2, 2), axis=0).max()) >= MIN_SIDE_PX] for face in faces]
    picked = [
        (number, face[round(float(position))])
        for number, face in enumerate(large)
        for position in np.linspace(0, len(face) - 1, min(len(face), MOST_PICTURES))
    ]
    noise = np.zeros(len(picked))

    def aligned(at: int, picture: np.ndarray) -> np.ndarray:
        import cv2

        noise[at] = noise_ratio(picture, picked[at][1].box)
        return cv2.warpAffine(picture, similarity_transform(picked[at][1].points, CHIP_POINTS), (CHIP_PX, CHIP_PX))

    chips = map_pictures([int(seen.time_s * FPS + 0.5) for _, seen in picked], aligned)
    clear = [at for at, chip in enumerate(chips) if sharpness(chip) >= MIN_SHARPNESS and noise[at] <= MOST_NOISE]
    vectors = embedder.embed(np.stack([chips[at] for at in clear])) if clear else np.zeros((0, 1))
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return ProfileFaces(
        face=np.array([picked[at][0] for at in clear], dtype=np.int32),
        time_s=np.array([picked[at][1].time_s for at in clear]),
        embedding=(vectors / np.where(length > 0, length, 1.0)).astype(np.float32),
    )


@analysis(version=1, weights=("blazeface", "facemesh", "dlib-5point", "dlib-face"))
def profile_faces(clip: Clip) -> ProfileFaces:
    """Faces of the clip in profile, embedded by dlib (128-d).

    Args:
        clip: The clip.

    Returns:
        The embedded pictures, with vectors of 128 numbers.

    Raises:
        ClipError: If the clip has no picture.
        WeightsError: If the weights of a network are missing or cannot be read.
    """
    faces = profile_detections(face_tracks(clip).unfollowed, shots(clip).cuts_s)
    return embed_profiles(partial(map_frames, clip, FPS), faces, dlib_embedder())
