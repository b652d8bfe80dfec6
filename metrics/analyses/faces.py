"""Face tracks of a clip: BlazeFace (full range, sparse) finds faces, FaceMesh follows them with 468 points.

Both networks run in LiteRT on one thread. Detection runs on every third frame and whenever a face is lost; in between a face
is followed by its own mesh: the upright crop around the last mesh gives a first mesh, the crop around that one the mesh we keep
(two passes, so that the points do not depend on how the face was found). Clips of up to 30 fps are followed on their own
frames and the points are interpolated to 25 fps by time, because repeating a frame of a 24-fps clip would make lips stutter.

Networks: Bazarevsky et al. 2019 (BlazeFace), Kartynnik et al. 2019 (FaceMesh); files by Google MediaPipe.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from seedbench.clips.clip import frames_on_screen
from seedbench.metrics.analyses.shots import shots
from seedbench.plugins.analysis import analysis

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip, Video

FPS = 25.0
"""Frames a second of every face track."""

FASTEST_FPS = 37.5
"""Faces are followed through every picture of a clip slower than this."""

DETECT_EVERY = 3
"""Frames between two runs of the detector while every face is followed."""

MIN_DETECTION = 0.5
MIN_MESH = 0.5
NMS_IOU = 0.3
SAME_FACE_IOU = 0.3
MAX_GAP_S = 0.4
"""A face lost for longer than this starts a new track when it comes back."""

UNCONFIRMED_S = 1.0
"""A mesh that no detection has confirmed for longer than this is dropped: it may sit on something else."""

MIN_TRACK_S = 0.2
"""Tracks shorter than this are dropped."""

ROI_SCALE = 1.5
"""The mesh crop is this many times the face box (MediaPipe's value)."""

_INPUT = 192
_GRID = 48
_RIGHT_EYE, _LEFT_EYE = 33, 263


@dataclass(frozen=True)
class Detection:
    """One face found by BlazeFace: ``box`` (4,) x0 y0 x1 y1 and ``eyes`` (2, 2), in pixels, and ``score`` 0..1."""

    box: np.ndarray
    eyes: np.ndarray
    score: float


@dataclass(frozen=True)
class FaceTrack:
    """One face followed through one shot, at 25 fps.

    ``frames`` (n,) int: consecutive indices into ``clip.frames(25)``. ``boxes`` (n, 4): x0 y0 x1 y1 of the mesh
    (forehead to chin, ear to ear) in its pixels. ``landmarks`` (n, 468, 3): mesh points, x and y in the same pixels, z in pixels and
    negative towards the viewer; raw, not smoothed. ``mesh_score`` (n,) 0..1: is this a face. ``det_score`` (n,) 0..1: the detector's
    score when it last saw the face.
    """

    frames: np.ndarray
    boxes: np.ndarray
    landmarks: np.ndarray
    mesh_score: np.ndarray
    det_score: np.ndarray

    @property
    def time_s(self) -> np.ndarray:
        """Times (n,) of the frames in seconds."""
        return self.frames / FPS

    @property
    def size_px(self) -> float:
        """Median of the longer side of the boxes."""
        return float(np.median(np.maximum(self.boxes[:, 2] - self.boxes[:, 0], self.boxes[:, 3] - self.boxes[:, 1])))


@dataclass(frozen=True)
class FaceTracks:
    """All faces of a clip of ``n_frames`` frames at 25 fps, ``width`` x ``height`` pixels; ``count`` (n_frames,) faces on each.

    ``tracks`` come longest first.
    """

    n_frames: int
    width: int
    height: int
    tracks: list[FaceTrack]
    count: np.ndarray


@dataclass(eq=False)
class _Open:
    """A face being followed: what was seen of it so far."""

    confirmed_s: float
    score: float
    times: list[float] = field(default_factory=list)
    landmarks: list[np.ndarray] = field(default_factory=list)
    mesh_scores: list[float] = field(default_factory=list)
    det_scores: list[float] = field(default_factory=list)

    def add(self, time_s: float, landmarks: np.ndarray, mesh_score: float) -> None:
        self.times.append(time_s)
        self.landmarks.append(landmarks)
        self.mesh_scores.append(mesh_score)
        self.det_scores.append(self.score)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes x0 y0 x1 y1, 0..1.

    >>> round(iou(np.array([0, 0, 2, 2]), np.array([1, 0, 3, 2])), 4)
    0.3333
    """
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    overlap = float(width * height)
    return overlap / float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap)


def box_of(landmarks: np.ndarray) -> np.ndarray:
    """Bounding box x0 y0 x1 y1 of points (..., n, 2 or 3): (..., 4).

    >>> box_of(np.array([[1.0, 5.0], [3.0, 2.0]])).tolist()
    [1.0, 2.0, 3.0, 5.0]
    """
    points = landmarks[..., :2]
    return np.concatenate([points.min(axis=-2), points.max(axis=-2)], axis=-1)


def crop_matrix(box: np.ndarray, right_eye: np.ndarray, left_eye: np.ndarray) -> np.ndarray:
    """The (2, 3) affine map from image pixels to the 192-pixel upright crop around a face.

    The crop is a square of ``ROI_SCALE`` times the longer side of ``box``, turned so that the eyes are level.
    Right and left are the person's own: the right eye lies left in the picture.

    >>> crop_matrix(np.array([0, 0, 128, 64]), np.array([40, 30]), np.array([80, 30])).tolist()
    [[1.0, 0.0, 32.0], [0.0, 1.0, 64.0]]
    """
    angle = math.atan2(float(left_eye[1] - right_eye[1]), float(left_eye[0] - right_eye[0]))
    scale = _INPUT / (ROI_SCALE * max(float(box[2] - box[0]), float(box[3] - box[1]), 1.0))
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], dtype=float)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos, sin], [0.0 - sin, cos]])
    return np.hstack([turn, (_INPUT / 2 - turn @ centre)[:, None]])


def decode_detections(regressors: np.ndarray, logits: np.ndarray, *, side: float, offset: tuple[float, float]) -> list[Detection]:
    """Faces from the raw outputs of BlazeFace: ``regressors`` (2304, 16), ``logits`` (2304,) of a 48 x 48 grid.

    ``side`` is the side in pixels of the square the picture was padded to, ``offset`` (x, y) the padding. Overlapping candidates are
    merged by the mean of their boxes weighted by score, as MediaPipe does.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -80, 80)))
    keep = np.flatnonzero(scores >= MIN_DETECTION)
    if len(keep) == 0:
        return []
    scores = scores[keep]
    anchors = np.stack([keep % _GRID + 0.5, keep // _GRID + 0.5], axis=1) / _GRID
    values = regressors[keep].astype(np.float64) / _INPUT
    centre, half = anchors + values[:, :2], values[:, 2:4] / 2
    points = np.concatenate([centre - half, centre + half, anchors + values[:, 4:6], anchors + values[:, 6:8]], axis=1).reshape(-1, 4, 2)
    points = points * side - np.asarray(offset, dtype=float)
    order = list(np.argsort(-scores, kind="stable"))
    found = []
    while order:
        best = order[0]
        group = [k for k in order if k == best or iou(points[best, :2].ravel(), points[k, :2].ravel()) > NMS_IOU]
        order = [k for k in order if k not in group]
        mean = np.average(points[group], axis=0, weights=scores[group])
        found.append(Detection(mean[:2].ravel(), mean[2:], float(scores[best])))
    return found


class FaceNets:
    """The two networks, loaded once a process. Pictures are (H, W, 3) uint8 RGB."""

    def __init__(self, detector: str, mesh: str) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._detector = Interpreter(detector, num_threads=1)
        self._mesh = Interpreter(mesh, num_threads=1)
        for net in (self._detector, self._mesh):
            net.allocate_tensors()

    @staticmethod
    def _run(net: object, picture: np.ndarray) -> list[np.ndarray]:
        net.set_tensor(net.get_input_details()[0]["index"], picture[None])  # type: ignore[attr-defined]
        net.invoke()  # type: ignore[attr-defined]
        return [net.get_tensor(output["index"])[0] for output in net.get_output_details()]  # type: ignore[attr-defined]

    def detect(self, rgb: np.ndarray) -> list[Detection]:
        """Every face in the picture, best first."""
        import cv2

        height, width = rgb.shape[:2]
        side = max(height, width)
        size = (max(1, round(width * _INPUT / side)), max(1, round(height * _INPUT / side)))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        x, y = (_INPUT - size[0]) // 2, (_INPUT - size[1]) // 2
        canvas = np.zeros((_INPUT, _INPUT, 3), np.float32)
        canvas[y : y + size[1], x : x + size[0]] = small.astype(np.float32) / 127.5 - 1.0
        outputs = self._run(self._detector, canvas)
        regressors, logits = sorted(outputs, key=lambda output: -output.shape[-1])
        return decode_detections(regressors, logits[:, 0], side=side, offset=(x * side / _INPUT, y * side / _INPUT))

    def mesh(self, rgb: np.ndarray, to_crop: np.ndarray) -> tuple[np.ndarray, float]:
        """Mesh (468, 3) in picture pixels and its score 0..1, from the crop that ``to_crop`` (2, 3) cuts out."""
        import cv2

        crop = cv2.warpAffine(rgb, to_crop, (_INPUT, _INPUT), flags=cv2.INTER_LINEAR)
        outputs = self._run(self._mesh, crop.astype(np.float32) / 255.0)
        points, logit = sorted((output.ravel() for output in outputs), key=lambda output: -output.size)
        back = cv2.invertAffineTransform(to_crop)
        landmarks = points.reshape(468, 3).astype(np.float64)
        landmarks[:, :2] = landmarks[:, :2] @ back[:, :2].T + back[:, 2]
        landmarks[:, 2] *= math.hypot(back[0, 0], back[1, 0])
        return landmarks, float(1.0 / (1.0 + math.exp(-min(max(float(logit[0]), -80.0), 80.0))))

    def follow(self, rgb: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, float]:
        """The mesh around the face that ``landmarks`` (n, 2 or more) of a frame before (or a first pass) outlines."""
        return self.mesh(rgb, crop_matrix(box_of(landmarks), landmarks[_RIGHT_EYE], landmarks[_LEFT_EYE]))


@functools.cache
def face_nets() -> FaceNets:
    """The networks of this process, from the weights manifest; WeightsError when they cannot be had."""
    from seedbench.plugins import weights

    return FaceNets(str(weights.path("blazeface")), str(weights.path("facemesh")))


def follow_faces(pictures: Iterable[np.ndarray], time_s: np.ndarray, nets: FaceNets, *, cuts_s: Iterable[float] = ()) -> list[_Open]:
    """Follow every face through the pictures shown at ``time_s`` (T,); no track crosses a cut."""
    cuts = sorted(cuts_s)
    live: list[_Open] = []
    done: list[_Open] = []
    since_detection = DETECT_EVERY
    for rgb, now in zip(pictures, time_s.tolist(), strict=True):
        if cuts and now >= cuts[0] - 1e-6:
            cuts = [cut for cut in cuts if cut - 1e-6 > now]
            done, live, since_detection = done + live, [], DETECT_EVERY
        seen: list[tuple[_Open, np.ndarray, float]] = []
        for face in live:
            if now - face.times[-1] > MAX_GAP_S or now - face.confirmed_s > UNCONFIRMED_S:
                continue
            first, _ = nets.follow(rgb, face.landmarks[-1])
            landmarks, score = nets.follow(rgb, first)
            box = box_of(landmarks)
            moved_on = iou(box, box_of(face.landmarks[-1])) >= SAME_FACE_IOU
            if score >= MIN_MESH and moved_on and all(iou(box, box_of(other)) < 0.5 for _, other, _ in seen):
                seen.append((face, landmarks, score))
        lost = len(seen) < len(live)
        since_detection += 1
        if lost or since_detection >= DETECT_EVERY:
            since_detection = 0
            for found in nets.detect(rgb):
                known = [face for face, landmarks, _ in seen if iou(found.box, box_of(landmarks)) >= SAME_FACE_IOU]
                if known:
                    known[0].confirmed_s, known[0].score = now, found.score
                    continue
                first, _ = nets.mesh(rgb, crop_matrix(found.box, found.eyes[0], found.eyes[1]))
                landmarks, score = nets.follow(rgb, first)
                box = box_of(landmarks)
                if score < MIN_MESH or any(iou(box, box_of(other)) >= SAME_FACE_IOU for _, other, _ in seen):
                    continue
                taken = [face for face, _, _ in seen]
                again = [face for face in live if face not in taken and iou(box, box_of(face.landmarks[-1])) >= SAME_FACE_IOU]
                face = again[0] if again and now - again[0].times[-1] <= MAX_GAP_S else _Open(now, found.score)
                face.confirmed_s, face.score = now, found.score
                seen.append((face, landmarks, score))
        for face, landmarks, score in seen:
            face.add(now, landmarks, score)
        current = [face for face, _, _ in seen]
        waiting = [face for face in live if face not in current and now - face.times[-1] <= MAX_GAP_S]
        done += [face for face in live if face not in current and face not in waiting]
        live = current + waiting
    return done + live


def at_25_fps(face: _Open, n_frames: int) -> FaceTrack | None:
    """A followed face on the 25-fps grid, points interpolated by time; None when it is shorter than ``MIN_TRACK_S``."""
    time_s = np.asarray(face.times)
    if time_s[-1] - time_s[0] < MIN_TRACK_S:
        return None
    # the frame on screen at k/25 may have begun a little before: half a frame of grace at either end keeps the ends of a track
    first, last = math.ceil((time_s[0] - 0.02) * FPS - 1e-6), math.floor((time_s[-1] + 0.02) * FPS + 1e-6)
    frames = np.arange(max(first, 0), min(last, n_frames - 1) + 1)
    if len(frames) == 0:
        return None
    landmarks = interpolate(time_s, np.stack(face.landmarks), frames / FPS)
    scores = interpolate(time_s, np.stack([face.mesh_scores, face.det_scores], axis=1), frames / FPS)
    as32 = np.float32
    return FaceTrack(
        frames.astype(np.int32),
        box_of(landmarks).astype(as32),
        landmarks.astype(as32),
        scores[:, 0].astype(as32),
        scores[:, 1].astype(as32),
    )


def interpolate(time_s: np.ndarray, values: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """Linear interpolation over the first axis: ``values`` (T, ...) at rising times (T,) to times (n,), ends held.

    >>> interpolate(np.array([0.0, 1.0]), np.array([[0.0], [10.0]]), np.array([0.25, 2.0])).ravel().tolist()
    [2.5, 10.0]
    """
    if len(time_s) == 1:
        return np.repeat(values, len(at_s), axis=0)
    right = np.clip(np.searchsorted(time_s, at_s), 1, len(time_s) - 1)
    weight = np.clip((at_s - time_s[right - 1]) / (time_s[right] - time_s[right - 1]), 0.0, 1.0)
    weight = weight.reshape(-1, *[1] * (values.ndim - 1))
    return values[right - 1] * (1.0 - weight) + values[right] * weight


def tracks_of(faces: list[_Open], n_frames: int, *, width: int, height: int) -> FaceTracks:
    """Put what was followed on the 25-fps grid, longest track first."""
    tracks = [track for track in (at_25_fps(face, n_frames) for face in faces) if track is not None]
    tracks.sort(key=lambda track: (-len(track.frames), int(track.frames[0])))
    count = np.zeros(n_frames, np.int32)
    for track in tracks:
        count[track.frames] += 1
    return FaceTracks(n_frames, width, height, tracks, count)


def enough_pictures(time_s: np.ndarray) -> np.ndarray:
    """Indices of the pictures, shown at ``time_s`` (T,), that faces are followed through: every one, or of a clip faster than
    :data:`FASTEST_FPS` those nearest to the times 0, 1/25, 2/25, ...

    They depend on the rate alone, never on how many pictures there are, and each keeps its own time: the picture on screen at a moment has
    begun up to a picture's length before, and lips read from it as if it were of that moment would come late.

    >>> enough_pictures(np.arange(7) / 30).tolist(), enough_pictures(np.arange(7) / 60).tolist()
    ([0, 1, 2, 3, 4, 5, 6], [0, 2, 5])
    """
    steps = np.diff(time_s)
    steps = steps[steps > 0]  # pictures of one time say nothing of the rate
    if not len(steps) or 1.0 / float(np.median(steps)) < FASTEST_FPS:
        return np.arange(len(time_s))
    grid = np.arange(math.floor(time_s[-1] * FPS + 1e-6) + 1) / FPS
    return np.unique(np.searchsorted((time_s[1:] + time_s[:-1]) / 2, grid - 1e-6))


def tracks_through(video: Video, end_s: float, nets: FaceNets, *, cuts_s: Iterable[float] = ()) -> FaceTracks:
    """Every face of the pictures of a clip that ends at ``end_s``, on the 25-fps grid; no track crosses a cut."""
    used = enough_pictures(video.time_s)
    faces = follow_faces((video.rgb[index] for index in used), video.time_s[used], nets, cuts_s=cuts_s)
    height, width = video.rgb.shape[1:3]
    return tracks_of(faces, len(frames_on_screen(video.time_s, FPS, end_s)), width=width, height=height)


@analysis(version=3, weights=("blazeface", "facemesh"))
def face_tracks(clip: Clip) -> FaceTracks:
    """Every face of the clip, followed within its shot. Raises ClipError for a clip without video, WeightsError without the networks."""
    return tracks_through(clip.video, clip.end_s, face_nets(), cuts_s=shots(clip).cuts_s.tolist())
