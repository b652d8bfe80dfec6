"""Face embeddings along face tracks: a few good pictures of each face in each shot, turned into unit vectors.

Pictures are chosen by what the tracker already knows (size, turn of the head, scores), about one frame in five, so that the slow
network sees only what will be used. Two networks can do it: dlib's ResNet (embedded backend) and any ArcFace-like torchscript file
the user supplies.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from seedbench.clips.clip import frames_on_screen
from seedbench.metrics.analyses.faces import FPS, FaceTrack, face_tracks
from seedbench.metrics.analyses.shots import shots
from seedbench.plugins.analysis import analysis

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

STRIDE = 5
"""At most one frame in so many (at 25 fps) is embedded: neighbours tell nothing new."""
MOST_PER_FACE = 10
LEAST_PER_FACE = 4
"""Bounds on the pictures embedded of one face in one shot; four give two to each half of the split-half check."""
BUDGET_PER_S = 7.0
"""Pictures embedded per second of clip, over all faces: bounds the cost (dlib needs about 0.08 s for one)."""
MIN_SIDE_PX = 48.0
"""Longer side of the face box below which an embedding means little."""
MIN_SCORE = 0.5
"""Least detector and mesh score. BlazeFace gives good close-ups 0.52..0.85, so 0.6, used with other detectors, would drop some."""
MAX_YAW_DEG = 60.0
MIN_SHARPNESS = 0.003
"""Least variance of the Laplacian over the variance of the aligned face (150 px); real clips lie at 0.03..0.4."""
CUT_MARGIN_S = 0.06
"""Frames this near a cut are not used: resampled or interpolated pictures may mix two shots."""
CHIP_PX = 150

_ARCFACE_PX = 112
_ARCFACE_POINTS = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
"""Where ArcFace's training crops have eyes, nose and mouth corners, in a 112-pixel square (insightface's alignment template)."""
_RIGHT_EYE, _LEFT_EYE, _NOSE, _MOUTH = (33, 133), (362, 263), 4, (61, 291)
_RIGHT_SIDE, _LEFT_SIDE = 234, 454


@dataclass(frozen=True)
class FaceSamples:
    """Embedded pictures of faces, one row each, in order of time within each track.

    ``track`` (n,) index into ``face_tracks(clip).tracks``, ``frame`` (n,) at 25 fps, ``time_s`` (n,), ``box`` (n, 4) pixels of
    ``clip.frames(25)``, ``embedding`` (n, D) unit vectors, ``weight`` (n,) detector score times face side, ``yaw_deg`` (n,) positive
    when the face looks to the picture's right, ``phash`` (n, 8) uint8: 64-bit perceptual hash of the aligned face.
    ``dropped`` counts pictures looked at and not used, by reason.
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
    dropped: dict[str, int]

    def __len__(self) -> int:
        return len(self.track)


@dataclass(frozen=True)
class _Choice:
    """One picture chosen for embedding: row ``at`` of track number ``track``."""

    track: int
    at: int


class FaceEmbedder(Protocol):
    """Turns aligned faces into vectors."""

    name: str

    def align(self, rgb: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The aligned face (S, S, 3) uint8 from a picture (H, W, 3), a mesh box (4,) and mesh points (468, 3)."""
        ...

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Vectors (n, D), not yet normalised, of aligned faces (n, S, S, 3) uint8."""
        ...


class DlibEmbedder:
    """dlib's 5-point alignment and its 128-d ResNet (King 2017; weights CC0)."""

    name = "dlib-resnet128"

    def __init__(self, shape_predictor: str, network: str) -> None:
        import dlib

        self._points = dlib.shape_predictor(shape_predictor)
        self._network = dlib.face_recognition_model_v1(network)

    def align(self, rgb: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """dlib's own 150-pixel chip, aligned by its five points inside the mesh box."""
        import dlib

        picture = np.ascontiguousarray(rgb)
        shape = self._points(picture, dlib.rectangle(*(round(float(edge)) for edge in box)))
        return dlib.get_face_chip(picture, shape, size=CHIP_PX)

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Descriptors (n, 128)."""
        return np.array(self._network.compute_face_descriptor(list(np.ascontiguousarray(faces))), dtype=np.float64)


class ArcFaceEmbedder:
    """A torchscript network that maps (n, 3, 112, 112) RGB in -1..1 to (n, D), as ArcFace models do (Deng et al. 2019)."""

    name = "arcface"

    def __init__(self, network: str) -> None:
        import torch

        from seedbench.errors import WeightsError

        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)  # torchscript is the format such networks are passed on in
                self._network = torch.jit.load(network, map_location="cpu").eval()
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise WeightsError(f"{network} is not a torchscript file ({reason}); export it with torch.jit.save") from error

    def align(self, rgb: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The face turned, scaled and shifted so that eyes, nose and mouth corners lie on ArcFace's template."""
        import cv2

        matrix = similarity_transform(five_points(landmarks), _ARCFACE_POINTS)
        return cv2.warpAffine(rgb, matrix, (_ARCFACE_PX, _ARCFACE_PX), flags=cv2.INTER_LINEAR)

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Vectors (n, D). Raises WeightsError when the network takes or gives something else."""
        import torch

        from seedbench.errors import WeightsError

        batch = torch.from_numpy(np.ascontiguousarray(faces)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        try:
            with torch.inference_mode():
                vectors = self._network(batch)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise WeightsError(f"the arcface network does not take (n, 3, 112, 112) pictures ({reason})") from error
        if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2 or len(vectors) != len(faces):
            raise WeightsError("the arcface network does not give one vector a face")
        return vectors.double().numpy()


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Right eye, left eye, nose tip, right and left mouth corner (5, 2) of a 468-point mesh (468, 2 or 3)."""
    xy = landmarks[:, :2].astype(np.float64)
    return np.stack([xy[list(_RIGHT_EYE)].mean(axis=0), xy[list(_LEFT_EYE)].mean(axis=0), xy[_NOSE], xy[_MOUTH[0]], xy[_MOUTH[1]]])


def similarity_transform(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The (2, 3) turn, scale and shift that carries points (n, 2) nearest to others, least squares, no mirroring.

    >>> corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> similarity_transform(corners, 2 * corners + [3, 4]).round(6).tolist()
    [[2.0, -0.0, 3.0], [0.0, 2.0, 4.0]]
    """
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middle, target - aim
    spread = float((a**2).sum())
    cos = float((a * b).sum()) / spread
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.hstack([turn, (aim - turn @ middle)[:, None]])


def yaw_deg(landmarks: np.ndarray) -> np.ndarray:
    """Turn of the head in degrees (n,), positive when the face looks to the picture's right, from meshes (n, 468, 3).

    The angle, seen from above, of the line from the person's right to the left side of the face.
    """
    line = landmarks[:, _LEFT_SIDE] - landmarks[:, _RIGHT_SIDE]
    return np.degrees(np.arctan2(line[:, 2], line[:, 0]))


def sharpness(face: np.ndarray) -> float:
    """Variance of the Laplacian over the variance of the grey picture: 0 for a blurred or flat face (H, W, 3)."""
    import cv2

    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var() / max(float(grey.var()), 1.0))


def perceptual_hash(face: np.ndarray) -> np.ndarray:
    """64 bits (8,) uint8: signs of the 8 x 8 lowest cosine coefficients of the 32-pixel grey picture against their median."""
    import cv2

    grey = cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(grey)[:8, :8]
    return np.packbits(low > np.median(low))


def near_cut(time_s: np.ndarray, cuts_s: np.ndarray) -> np.ndarray:
    """Which of the times (n,) lie nearer than :data:`CUT_MARGIN_S` to one of the cuts (m,); one as far as that, up to rounding, does not.

    >>> near_cut(np.array([0.96, 1.0]), np.array([1.02])).tolist()
    [False, True]
    """
    return np.asarray((np.abs(time_s[:, None] - cuts_s[None]) < CUT_MARGIN_S - 1e-6).any(axis=1))


def choose(tracks: Sequence[FaceTrack], cuts_s: np.ndarray, duration_s: float) -> tuple[list[_Choice], dict[str, int]]:
    """Which pictures to embed, and how many were passed over, by reason.

    A face in a shot gets between ``LEAST_PER_FACE`` and ``MOST_PER_FACE`` pictures spread evenly over it; when there are more
    faces than the budget feeds, the largest and longest seen are kept.
    """
    dropped: dict[str, int] = {}
    groups: list[tuple[float, list[_Choice]]] = []
    for number, track in enumerate(tracks):
        time_s = track.time_s
        side = np.maximum(track.boxes[:, 2] - track.boxes[:, 0], track.boxes[:, 3] - track.boxes[:, 1])
        reasons = {
            "near a cut": near_cut(time_s, cuts_s),
            "small": side < MIN_SIDE_PX,
            "uncertain": np.minimum(track.det_score, track.mesh_score) < MIN_SCORE,
            "turned away": np.abs(yaw_deg(track.landmarks)) > MAX_YAW_DEG,
        }
        shot = np.searchsorted(cuts_s, time_s + 1e-6, side="right")
        for index in np.unique(shot):
            seen = np.flatnonzero(shot == index)[STRIDE // 2 :: STRIDE]
            good = seen
            for reason, bad in reasons.items():
                dropped[reason] = dropped.get(reason, 0) + int(bad[good].sum())
                good = good[~bad[good]]
            if len(good):
                groups.append((float(side[good].mean() * len(good)), [_Choice(number, int(at)) for at in good]))
    groups.sort(key=lambda group: -group[0])
    budget = max(LEAST_PER_FACE, round(BUDGET_PER_S * duration_s))
    over = groups[budget // LEAST_PER_FACE :]
    if over:
        dropped["more faces than the budget"] = sum(len(pictures) for _, pictures in over)
        groups = groups[: budget // LEAST_PER_FACE]
    each = min(MOST_PER_FACE, max(LEAST_PER_FACE, budget // max(len(groups), 1)))
    chosen = [picture for _, pictures in groups for picture in _spread(pictures, each)]
    return sorted(chosen, key=lambda choice: (choice.track, choice.at)), {reason: count for reason, count in dropped.items() if count}


def _spread(items: list[_Choice], count: int) -> list[_Choice]:
    if len(items) <= count:
        return items
    return [items[round(float(at))] for at in np.linspace(0, len(items) - 1, count)]


def embed_faces(
    picture_at: Callable[[int], np.ndarray],
    tracks: Sequence[FaceTrack],
    cuts_s: np.ndarray,
    embedder: FaceEmbedder,
    *,
    duration_s: float,
) -> FaceSamples:
    """Embed chosen pictures of every track. ``picture_at`` gives the picture (H, W, 3) uint8 of a frame at 25 fps."""
    chosen, dropped = choose(tracks, cuts_s, duration_s)
    kept: list[_Choice] = []
    faces: list[np.ndarray] = []
    for choice in chosen:
        track = tracks[choice.track]
        face = embedder.align(picture_at(int(track.frames[choice.at])), track.boxes[choice.at], track.landmarks[choice.at])
        if sharpness(face) < MIN_SHARPNESS:
            dropped["blurred"] = dropped.get("blurred", 0) + 1
        else:
            kept.append(choice)
            faces.append(face)
    vectors = embedder.embed(np.stack(faces)) if faces else np.zeros((0, 1))
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [(tracks[choice.track], choice.at) for choice in kept]
    boxes = np.array([track.boxes[at] for track, at in rows], dtype=np.float32).reshape(-1, 4)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    frame = np.array([track.frames[at] for track, at in rows], dtype=np.int32)
    return FaceSamples(
        backend=embedder.name,
        track=np.array([choice.track for choice in kept], dtype=np.int32),
        frame=frame,
        time_s=frame / FPS,
        box=boxes,
        embedding=(vectors / np.where(length > 0, length, 1.0)).astype(np.float32),
        weight=np.array([track.det_score[at] for track, at in rows], dtype=np.float32) * np.sqrt(area),
        yaw_deg=np.array([yaw_deg(track.landmarks[at : at + 1])[0] for track, at in rows], dtype=np.float32),
        phash=np.array([perceptual_hash(face) for face in faces], dtype=np.uint8).reshape(-1, 8),
        dropped=dropped,
    )


@functools.cache
def dlib_embedder() -> DlibEmbedder:
    """dlib's networks, loaded once a process; WeightsError when they cannot be had."""
    from seedbench.plugins import weights

    return DlibEmbedder(str(weights.path("dlib-5point")), str(weights.path("dlib-face")))


@functools.cache
def arcface_embedder() -> ArcFaceEmbedder:
    """The user's network, loaded once a process; WeightsError when there is none."""
    from seedbench.plugins import weights

    return ArcFaceEmbedder(str(weights.path("arcface")))


def picture_at(clip: Clip) -> Callable[[int], np.ndarray]:
    """The picture of a frame of ``clip.frames(25)``, without making all of them."""
    index = frames_on_screen(clip.video.time_s, FPS, clip.end_s)
    return lambda frame: clip.video.rgb[index[frame]]


def _of_clip(clip: Clip, embedder: FaceEmbedder) -> FaceSamples:
    return embed_faces(picture_at(clip), face_tracks(clip).tracks, shots(clip).cuts_s, embedder, duration_s=clip.end_s)


@analysis(version=3, weights=("blazeface", "facemesh", "dlib-5point", "dlib-face"))
def face_embeddings(clip: Clip) -> FaceSamples:
    """Faces of the clip embedded by dlib (128-d). Raises ClipError without video, WeightsError without the networks."""
    return _of_clip(clip, dlib_embedder())


@analysis(version=3, weights=("blazeface", "facemesh", "arcface"))
def arcface_embeddings(clip: Clip) -> FaceSamples:
    """Faces of the clip embedded by the user's ArcFace network. Raises ClipError without video, WeightsError without the networks."""
    return _of_clip(clip, arcface_embedder())
