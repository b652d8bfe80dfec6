"""Face tracks of a clip: BlazeFace detects faces, FaceMesh follows them with 468 points.

Detection runs on every third frame and whenever a face is lost, a second time with a border where it misses a face; in between a face is
followed by its own mesh: the upright crop around the last mesh gives a first mesh, the crop around that one the mesh that is kept (two
passes, so that the points do not depend on how the face was detected). Clips of up to 30 fps are followed on their own frames and the
points are interpolated to 25 fps by time, because repeating a frame of a 24-fps clip would make lips stutter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.face_networks import Detection, FaceNets, box_of, crop_matrix, face_nets, iou
from seedbench.metrics.analyses.shots import shots
from seedbench.plugins.analysis import analysis

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

FPS = 25.0
"""Frames a second of every face track."""

FASTEST_FPS = 37.5
"""Faces are followed through every picture of a clip slower than this."""

DETECT_EVERY = 3
"""Frames between two runs of the detector while every face is followed."""

CLOSE_UP_MARGIN = 0.5
"""Border of the second detection pass, which finds faces that fill the picture, as a share of the longer side. Set on square crops of 39
faces of real and generated clips, of 0.8 to 1.25 times the face: without a border 66 of 195 are found, with 0.15 139, 0.25 169, 0.35 185,
0.5 190."""

CLOSE_UP_SHARE = 0.4
"""Least size of a face of the second pass, as a share of the picture's shorter side; the first pass finds smaller ones. In eight clips of
sports and eight of tools the second pass gives one wrong track without this rule, none with it."""

MIN_MESH = 0.5
SAME_FACE_IOU = 0.3
MAX_GAP_S = 0.4
"""A face lost for longer than this starts a new track when it comes back."""

UNCONFIRMED_S = 1.0
"""A mesh that no detection has confirmed for longer than this is dropped: it may lie on something else."""

MIN_TRACK_S = 0.2
"""Tracks shorter than this are dropped."""


@dataclass(frozen=True)
class FaceTrack:
    """One face followed through one shot, at 25 fps.

    Attributes:
        frames: (n,) int, consecutive indices into ``clip.frames(25)``.
        boxes: (n, 4) x0 y0 x1 y1 of the mesh (forehead to chin, ear to ear) in its pixels.
        landmarks: (n, 468, 3) mesh points, x and y in the same pixels, z in pixels and negative towards the viewer; raw, not smoothed.
        mesh_score: (n,) 0..1, how sure FaceMesh is that this is a face.
        det_score: (n,) 0..1, the detector's score when it last saw the face.
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
class UnfollowedFace:
    """A face that the detector finds where none is being followed.

    Attributes:
        time_s: The time in seconds.
        box: (4,) x0 y0 x1 y1 of the detector, pixels of ``clip.frames(25)``.
        points: (4, 2) right eye, left eye, tip of the nose and middle of the mouth in the same pixels, by the detector.
        mesh_score: 0..1, how sure FaceMesh is that this is a face. From :data:`MIN_MESH` on the face is followed from here on; below, it is
            unread.
    """

    time_s: float
    box: np.ndarray
    points: np.ndarray
    mesh_score: float


@dataclass(frozen=True)
class FaceTracks:
    """All faces of a clip.

    Attributes:
        n_frames: The number of frames at 25 fps.
        width: Width of the pictures in pixels.
        height: Height of the pictures in pixels.
        tracks: The faces, longest first.
        count: (n_frames,) faces on each frame.
        unread_s: (k,) seconds at which a face was detected that the mesh cannot read, such as one in profile. The detector runs on every
            third picture, and whenever a face is lost.
        unfollowed: These faces, and the first picture of every face that is followed, in order of time.
    """

    n_frames: int
    width: int
    height: int
    tracks: list[FaceTrack]
    count: np.ndarray
    unread_s: np.ndarray = field(default_factory=lambda: np.empty(0))
    unfollowed: tuple[UnfollowedFace, ...] = ()


@dataclass(eq=False)
class _FollowedFace:
    """A face being followed, with the times, meshes and scores so far."""

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


def detect_faces(rgb: np.ndarray, nets: FaceNets, known: list[np.ndarray]) -> list[Detection]:
    """The faces of a picture. It is searched again with a border when nothing was found, or when a known face was not found.

    The detector was trained on faces smaller than the picture, and misses those that fill it.

    Args:
        rgb: (H, W, 3) uint8.
        nets: The face networks.
        known: (468, 3) meshes of the faces that are being followed, pixels.

    Returns:
        The detections, those of the first pass first.
    """
    detections = nets.detect(rgb)
    boxes = [box_of(landmarks) for landmarks in known]
    if detections and all(any(iou(detection.box, box) >= SAME_FACE_IOU for detection in detections) for box in boxes):
        return detections
    least = CLOSE_UP_SHARE * min(rgb.shape[:2])
    again = [new for new in nets.detect(rgb, margin=CLOSE_UP_MARGIN) if float(np.ptp(new.box.reshape(2, 2), axis=0).max()) >= least]
    return detections + [new for new in again if all(iou(new.box, old.box) < SAME_FACE_IOU for old in detections)]


def follow_faces(
    pictures: Iterable[np.ndarray],
    time_s: np.ndarray,
    nets: FaceNets,
    *,
    cuts_s: Iterable[float] = (),
    unfollowed: list[UnfollowedFace] | None = None,
) -> list[_FollowedFace]:
    """Follow every face through some pictures; no track crosses a cut.

    Args:
        pictures: Pictures (H, W, 3) uint8 in order.
        time_s: Times (T,) in seconds at which they are shown.
        nets: The face networks.
        cuts_s: Times of the cuts in seconds.
        unfollowed: Takes the faces that are detected where none is followed.
    """
    cuts = sorted(cuts_s)
    live: list[_FollowedFace] = []
    done: list[_FollowedFace] = []
    since_detection = DETECT_EVERY
    for rgb, now in zip(pictures, time_s.tolist(), strict=True):
        if cuts and now >= cuts[0] - 1e-6:
            cuts = [cut for cut in cuts if cut - 1e-6 > now]
            done, live, since_detection = done + live, [], DETECT_EVERY
        seen: list[tuple[_FollowedFace, np.ndarray, float]] = []
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
            for detection in detect_faces(rgb, nets, [landmarks for _, landmarks, _ in seen]):
                known = [face for face, landmarks, _ in seen if iou(detection.box, box_of(landmarks)) >= SAME_FACE_IOU]
                if known:
                    known[0].confirmed_s, known[0].score = now, detection.score
                    continue
                first, _ = nets.mesh(rgb, crop_matrix(detection.box, detection.eyes[0], detection.eyes[1]))
                landmarks, score = nets.follow(rgb, first)
                box = box_of(landmarks)
                # a followed face whose mesh fails for a moment is no other face
                if unfollowed is not None and all(iou(detection.box, box_of(face.landmarks[-1])) < SAME_FACE_IOU for face in live):
                    points = np.concatenate([detection.eyes, detection.nose_mouth])
                    unfollowed.append(UnfollowedFace(now, detection.box, points, score))
                if score < MIN_MESH or any(iou(box, box_of(other)) >= SAME_FACE_IOU for _, other, _ in seen):
                    continue
                taken = [face for face, _, _ in seen]
                lost_here = [face for face in live if face not in taken and iou(box, box_of(face.landmarks[-1])) >= SAME_FACE_IOU]
                is_back = bool(lost_here) and now - lost_here[0].times[-1] <= MAX_GAP_S
                face = lost_here[0] if is_back else _FollowedFace(now, detection.score)
                face.confirmed_s, face.score = now, detection.score
                seen.append((face, landmarks, score))
        for face, landmarks, score in seen:
            face.add(now, landmarks, score)
        current = [face for face, _, _ in seen]
        waiting = [face for face in live if face not in current and now - face.times[-1] <= MAX_GAP_S]
        done += [face for face in live if face not in current and face not in waiting]
        live = current + waiting
    return done + live


def on_25_fps_grid(face: _FollowedFace, n_frames: int) -> FaceTrack | None:
    """A followed face on the 25-fps grid, points interpolated by time; None when it is shorter than ``MIN_TRACK_S``."""
    time_s = np.asarray(face.times)
    if time_s[-1] - time_s[0] < MIN_TRACK_S:
        return None
    # the frame on screen at k/25 may have begun a little before: a tolerance of half a frame at either end keeps the ends of a track
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
    """Linear interpolation over the first axis, constant beyond the ends.

    Args:
        time_s: (T,) ascending times.
        values: (T, ...) values at these times.
        at_s: (n,) times to interpolate at.

    Returns:
        (n, ...).

    >>> interpolate(np.array([0.0, 1.0]), np.array([[0.0], [10.0]]), np.array([0.25, 2.0])).ravel().tolist()
    [2.5, 10.0]
    """
    if len(time_s) == 1:
        return np.repeat(values, len(at_s), axis=0)
    right = np.clip(np.searchsorted(time_s, at_s), 1, len(time_s) - 1)
    weight = np.clip((at_s - time_s[right - 1]) / (time_s[right] - time_s[right - 1]), 0.0, 1.0)
    weight = weight.reshape(-1, *[1] * (values.ndim - 1))
    return values[right - 1] * (1.0 - weight) + values[right] * weight


def tracks_on_grid(faces: list[_FollowedFace], n_frames: int, *, width: int, height: int) -> FaceTracks:
    """The followed faces as tracks on the 25-fps grid of ``n_frames`` frames, longest track first."""
    tracks = [track for track in (on_25_fps_grid(face, n_frames) for face in faces) if track is not None]
    tracks.sort(key=lambda track: (-len(track.frames), int(track.frames[0])))
    count = np.zeros(n_frames, np.int32)
    for track in tracks:
        count[track.frames] += 1
    return FaceTracks(n_frames, width, height, tracks, count)


def pictures_to_follow(time_s: np.ndarray) -> np.ndarray:
    """Indices of the pictures that faces are followed through: every one, or of a clip faster than :data:`FASTEST_FPS` those nearest to the
    times 0, 1/25, 2/25, ...

    They depend on the rate alone, never on how many pictures there are. Each keeps its own time: the picture on screen at a moment appeared
    up to a picture's length before it, so lips taken from it as if they were of that moment would be late.

    Args:
        time_s: Times (T,) in seconds at which the pictures appear.

    >>> pictures_to_follow(np.arange(7) / 30).tolist(), pictures_to_follow(np.arange(7) / 60).tolist()
    ([0, 1, 2, 3, 4, 5, 6], [0, 2, 5])
    """
    steps = np.diff(time_s)
    steps = steps[steps > 0]  # pictures with the same time give no rate
    if not len(steps) or 1.0 / float(np.median(steps)) < FASTEST_FPS:
        return np.arange(len(time_s))
    grid = np.arange(math.floor(time_s[-1] * FPS + 1e-6) + 1) / FPS
    return np.unique(np.searchsorted((time_s[1:] + time_s[:-1]) / 2, grid - 1e-6))


@analysis(version=7, weights=("blazeface", "facemesh"))
def face_tracks(clip: Clip) -> FaceTracks:
    """Every face of the clip, followed within its shot.

    Args:
        clip: The clip.

    Returns:
        The tracks at 25 fps, longest first.

    Raises:
        ClipError: If the clip has no picture.
        WeightsError: If the weights of the face networks are missing or cannot be read.
    """
    cuts_s = shots(clip).cuts_s.tolist()
    timing = clip.timing  # pictures that are held are followed once, at the times at which they were due
    used = pictures_to_follow(timing.new_time_s)
    unfollowed: list[UnfollowedFace] = []
    pictures = clip.pictures(timing.new[used])
    faces = follow_faces(pictures, timing.new_time_s[used], face_nets(), cuts_s=cuts_s, unfollowed=unfollowed)
    width, height = clip.size
    tracks = tracks_on_grid(faces, len(clip.on_screen(FPS)), width=width, height=height)
    unread_s = np.array([face.time_s for face in unfollowed if face.mesh_score < MIN_MESH])
    return replace(tracks, unread_s=unread_s, unfollowed=tuple(unfollowed))
