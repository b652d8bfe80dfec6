"""Face embeddings along face tracks: a few good pictures of each face in each shot, turned into unit vectors.

Pictures are chosen by what the tracker already knows (size, turn of the head, scores), about one frame in five, so that the slow
network sees only what will be used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.face_embedders import FaceEmbedder, arcface_embedder, dlib_embedder
from seedbench.metrics.analyses.face_motion import face_view, movement
from seedbench.metrics.analyses.face_selection import (
    MIN_SHARPNESS,
    MOST_NOISE,
    ChosenPicture,
    choose_pictures,
    noise_ratio,
    perceptual_hash,
    sharpness,
    yaw_deg,
)
from seedbench.metrics.analyses.faces import FPS, FaceTrack, face_tracks
from seedbench.metrics.analyses.frame_pictures import map_frames
from seedbench.metrics.analyses.shots import shots
from seedbench.plugins.analysis import analysis

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip


MapPictures = Callable[[Sequence[int], Callable[[int, np.ndarray], np.ndarray]], Sequence[np.ndarray]]


@dataclass(frozen=True)
class FaceSamples:
    """Embedded pictures of faces, one row each, in order of time within each track.

    Attributes:
        backend: The name of the network.
        track: (n,) index into ``face_tracks(clip).tracks``.
        frame: (n,) index at 25 fps.
        time_s: (n,) seconds.
        box: (n, 4) x0 y0 x1 y1 in pixels of ``clip.frames(25)``.
        embedding: (n, D) unit vectors.
        weight: (n,) detector score times face side.
        yaw_deg: (n,) degrees, positive when the face looks to the picture's right.
        phash: (n, 8) uint8, 64-bit perceptual hash of the aligned face.
        movement: (n,) how much the face changed since the picture before in its track (:mod:`seedbench.metrics.analyses.face_motion`);
            nan for the first of a track.
        dropped: How many pictures were considered and not used, by reason.
    """

    backend: str
    track: np.ndarray
    frame: np.ndarray
    time_s: np.ndarray
    box: np.ndarray
    embedding: np.ndarray
    weight: np.ndarray
    yaw_deg: np.ndarray
    phash: np.ndarray
    movement: np.ndarray
    dropped: dict[str, int]

    def __len__(self) -> int:
        return len(self.track)


def embed_faces(
    map_pictures: MapPictures,
    tracks: Sequence[FaceTrack],
    cuts_s: np.ndarray,
    embedder: FaceEmbedder,
    *,
    duration_s: float,
) -> FaceSamples:
    """Choose and embed pictures of every track.

    Args:
        map_pictures: Called with numbers of frames at 25 fps and a function; calls it with the position and the picture (H, W, 3) uint8 of
            each, and returns the results.
        tracks: Face tracks of the clip.
        cuts_s: Times (m,) of its cuts in seconds.
        embedder: The network that turns a face into a vector.
        duration_s: Length of the clip in seconds; it bounds the number of pictures.
    """
    chosen, dropped = choose_pictures(tracks, cuts_s, duration_s)
    kept: list[ChosenPicture] = []
    faces: list[np.ndarray] = []
    views: list[np.ndarray] = []
    noise = np.zeros(len(chosen))
    view_of: dict[int, np.ndarray] = {}

    def aligned(position: int, picture: np.ndarray) -> np.ndarray:
        choice = chosen[position]
        track = tracks[choice.track]
        noise[position] = noise_ratio(picture, track.boxes[choice.row])
        view_of[position] = face_view(picture, track.boxes[choice.row])
        return embedder.align(picture, track.boxes[choice.row], track.landmarks[choice.row])

    pictures = map_pictures([int(tracks[c.track].frames[c.row]) for c in chosen], aligned)
    for position, (choice, face, ratio) in enumerate(zip(chosen, pictures, noise.tolist(), strict=True)):
        if ratio > MOST_NOISE:
            dropped["noisy"] = dropped.get("noisy", 0) + 1
        elif sharpness(face) < MIN_SHARPNESS:
            dropped["blurred"] = dropped.get("blurred", 0) + 1
        else:
            kept.append(choice)
            faces.append(face)
            views.append(view_of[position])
    vectors = embedder.embed(np.stack(faces)) if faces else np.zeros((0, 1))
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [(tracks[choice.track], choice.row) for choice in kept]
    boxes = np.array([track.boxes[row] for track, row in rows], dtype=np.float32).reshape(-1, 4)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    frame = np.array([track.frames[row] for track, row in rows], dtype=np.int32)
    return FaceSamples(
        backend=embedder.name,
        track=np.array([choice.track for choice in kept], dtype=np.int32),
        frame=frame,
        time_s=frame / FPS,
        box=boxes,
        embedding=(vectors / np.where(length > 0, length, 1.0)).astype(np.float32),
        weight=np.array([track.det_score[row] for track, row in rows], dtype=np.float32) * np.sqrt(area),
        yaw_deg=np.array([yaw_deg(track.landmarks[row : row + 1])[0] for track, row in rows], dtype=np.float32),
        phash=np.array([perceptual_hash(face) for face in faces], dtype=np.uint8).reshape(-1, 8),
        movement=_movements([choice.track for choice in kept], views),
        dropped=dropped,
    )


def _movements(track: Sequence[int], views: Sequence[np.ndarray]) -> np.ndarray:
    since_last = [
        movement(views[row - 1], views[row]) if row and track[row] == track[row - 1] else float("nan") for row in range(len(views))
    ]
    return np.array(since_last, dtype=np.float32)


def _of_clip(clip: Clip, embedder: FaceEmbedder) -> FaceSamples:
    return embed_faces(partial(map_frames, clip, FPS), face_tracks(clip).tracks, shots(clip).cuts_s, embedder, duration_s=clip.end_s)


@analysis(version=7, weights=("blazeface", "facemesh", "dlib-5point", "dlib-face"))
def face_embeddings(clip: Clip) -> FaceSamples:
    """Faces of the clip embedded by dlib (128-d).

    Args:
        clip: The clip.

    Returns:
        The samples, with vectors of 128 numbers.

    Raises:
        ClipError: If the clip has no picture.
        WeightsError: If the weights of a network are missing or cannot be read.
    """
    return _of_clip(clip, dlib_embedder())


@analysis(version=7, weights=("blazeface", "facemesh", "arcface"))
def arcface_embeddings(clip: Clip) -> FaceSamples:
    """Faces of the clip embedded by the user's ArcFace network.

    Args:
        clip: The clip.

    Returns:
        The samples, with vectors as long as the network makes them.

    Raises:
        ClipError: If the clip has no picture.
        WeightsError: If the weights of a network are missing or cannot be read.
    """
    return _of_clip(clip, arcface_embedder())
