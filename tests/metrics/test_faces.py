"""Following faces: the tracker with fake networks, the decoder on synthetic outputs. No network is loaded."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.clips.clip import frames_on_screen
from seedbench.metrics.analyses.face_networks import Detection, box_of, crop_matrix, decode_detections, iou
from seedbench.metrics.analyses.faces import (
    FPS,
    MIN_MESH,
    FaceTrack,
    UnfollowedFace,
    follow_faces,
    interpolate,
    pictures_to_follow,
    tracks_on_grid,
)

GRID = 48


class FakeNetworks:
    """Stands in for the networks: each picture's number (its first pixel) says which faces, (x, y) of their middles, are on it."""

    def __init__(
        self, faces: list[list[tuple[float, float]]], *, blind: frozenset[int] = frozenset(), needs_margin: frozenset[int] = frozenset()
    ) -> None:
        self.faces = faces
        self.blind = blind
        self.needs_margin = needs_margin
        self.detections = 0

    @staticmethod
    def points(x: float, y: float) -> np.ndarray:
        """A mesh 40 pixels wide and high around (x, y), with level eyes."""
        rng = np.random.default_rng(0)
        mesh = np.concatenate([rng.uniform(-20, 20, (468, 2)), np.zeros((468, 1))], axis=1)
        mesh[0, :2], mesh[1, :2] = (-20, -20), (20, 20)
        mesh[33, :2], mesh[263, :2] = (-10, -5), (10, -5)
        return mesh + np.array([x, y, 0.0])

    def detect(self, rgb: np.ndarray, *, margin: float = 0.0) -> list[Detection]:
        self.detections += 1
        at = int(rgb[0, 0, 0])
        if at in self.blind or (at in self.needs_margin and not margin):
            return []
        eyes = np.array([[-10.0, -5.0], [10.0, -5.0]])
        nose_mouth = np.array([[0.0, 3.0], [0.0, 10.0]])
        return [
            Detection(np.array([x - 20, y - 20, x + 20, y + 20]), eyes + np.array([x, y]), 0.9, nose_mouth + np.array([x, y]))
            for x, y in self.faces[at]
        ]

    def mesh(self, rgb: np.ndarray, to_crop: np.ndarray) -> tuple[np.ndarray, float]:
        """The face nearest to the middle of the crop; score 0 when it is more than 30 pixels off."""
        middle = np.linalg.solve(to_crop[:, :2], np.array([96.0, 96.0]) - to_crop[:, 2])
        here = self.faces[int(rgb[0, 0, 0])]
        if not here:
            return self.points(*middle), 0.0
        x, y = min(here, key=lambda face: float(np.hypot(*(np.array(face) - middle))))
        return self.points(x, y), 1.0 if np.hypot(x - middle[0], y - middle[1]) < 30 else 0.0

    def follow(self, rgb: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, float]:
        return self.mesh(rgb, crop_matrix(box_of(landmarks), landmarks[33], landmarks[263]))


def pictures(count: int) -> np.ndarray:
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 4, 4, 3))


def tracked(networks: FakeNetworks, fps: float = FPS, cuts_s: tuple[float, ...] = ()) -> list[FaceTrack]:
    count = len(networks.faces)
    time_s = np.arange(count) / fps
    faces = follow_faces(pictures(count), time_s, networks, cuts_s=cuts_s)  # type: ignore[arg-type]
    return tracks_on_grid(faces, round(count / fps * FPS), width=200, height=200).tracks


def test_a_moving_face_is_one_track() -> None:
    tracks = tracked(FakeNetworks([[(50 + 2 * k, 60)] for k in range(30)]))
    assert len(tracks) == 1
    assert tracks[0].frames.tolist() == list(range(30))
    middles = (tracks[0].boxes[:, 0] + tracks[0].boxes[:, 2]) / 2
    assert middles == pytest.approx(50 + 2 * np.arange(30), abs=0.01)


def test_detection_runs_on_a_third_of_the_frames_while_nothing_is_lost() -> None:
    networks = FakeNetworks([[(50, 60)]] * 30)
    tracked(networks)
    assert networks.detections == 10


def test_a_face_that_fills_the_picture_is_found_with_a_border() -> None:
    tracks = tracked(FakeNetworks([[(50, 60)]] * 30, needs_margin=frozenset(range(30))))
    assert [len(track.frames) for track in tracks] == [30]


def test_a_followed_face_is_confirmed_with_a_border() -> None:
    tracks = tracked(FakeNetworks([[(50, 60)]] * 60, needs_margin=frozenset(range(1, 60))))
    assert [len(track.frames) for track in tracks] == [60]


def test_two_faces_are_two_tracks_and_are_counted() -> None:
    networks = FakeNetworks([[(50, 60), (130, 60)] if k < 20 else [(50, 60)] for k in range(30)])
    faces = follow_faces(pictures(30), np.arange(30) / FPS, networks)  # type: ignore[arg-type]
    tracks = tracks_on_grid(faces, 30, width=200, height=200)
    assert [len(track.frames) for track in tracks.tracks] == [30, 20]
    assert tracks.count.tolist() == [2] * 20 + [1] * 10


def test_no_track_crosses_a_cut() -> None:
    tracks = tracked(FakeNetworks([[(50, 60)]] * 30), cuts_s=(0.6,))
    assert sorted(track.frames.tolist()[0] for track in tracks) == [0, 15]


def test_a_face_that_jumps_is_another_track() -> None:
    tracks = tracked(FakeNetworks([[(50, 60)] if k < 15 else [(150, 150)] for k in range(30)]))
    assert sorted(track.frames.tolist()[0] for track in tracks) == [0, 15]


@pytest.mark.parametrize(("gap", "count"), [(6, 1), (14, 2)])
def test_a_short_gap_is_bridged_and_a_long_one_is_not(gap: int, count: int) -> None:
    tracks = tracked(FakeNetworks([[] if 12 <= k < 12 + gap else [(50, 60)] for k in range(40)]))
    assert len(tracks) == count


def test_a_mesh_that_no_detection_confirms_is_given_up() -> None:
    networks = FakeNetworks([[(50, 60)]] * 60, blind=frozenset(range(1, 60)))
    assert len(tracked(networks)[0].frames) == 26


def test_points_of_a_24_fps_clip_are_interpolated_by_time() -> None:
    tracks = tracked(FakeNetworks([[(50 + 2 * k, 60)] for k in range(48)]), fps=24.0)
    middles = (tracks[0].boxes[:, 0] + tracks[0].boxes[:, 2]) / 2
    assert middles[10] == pytest.approx(50 + 2 * 10 * 24 / 25, abs=0.01)


def test_a_clip_without_a_face_has_no_track() -> None:
    assert tracked(FakeNetworks([[] for _ in range(20)])) == []


def test_a_detection_is_decoded_to_pixels_of_the_padded_picture() -> None:
    logits = np.full(GRID * GRID, -20.0)
    regressors = np.zeros((GRID * GRID, 16))
    cell = 10 * GRID + 20
    logits[cell] = 2.0
    regressors[cell, :12] = [0, 0, 48, 48, -12, -6, 12, -6, 0, 4, 0, 9]
    detections = decode_detections(regressors, logits, side=192.0, offset=(0.0, 42.0))
    assert len(detections) == 1
    assert detections[0].box.tolist() == pytest.approx([82 - 24, 42 - 24 - 42, 82 + 24, 42 + 24 - 42])
    assert detections[0].eyes.ravel().tolist() == pytest.approx([70, -6, 94, -6])
    assert detections[0].nose_mouth.ravel().tolist() == pytest.approx([82, 4, 82, 9])
    assert detections[0].score == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_overlapping_candidates_are_merged_and_far_ones_are_not() -> None:
    logits = np.full(GRID * GRID, -20.0)
    regressors = np.zeros((GRID * GRID, 16))
    for cell in (10 * GRID + 20, 10 * GRID + 21, 40 * GRID + 40):
        logits[cell] = 1.0
        regressors[cell, 2:4] = 40
    assert len(decode_detections(regressors, logits, side=192.0, offset=(0.0, 0.0))) == 2


def test_the_crop_levels_the_eyes() -> None:
    matrix = crop_matrix(np.array([0, 0, 100, 100]), np.array([30.0, 40.0]), np.array([60.0, 70.0]))
    right, left = (matrix[:, :2] @ np.array(eye) + matrix[:, 2] for eye in ((30.0, 40.0), (60.0, 70.0)))
    assert right[1] == pytest.approx(left[1])
    assert left[0] > right[0]


def test_iou_of_boxes_apart_is_zero() -> None:
    assert iou(np.array([0, 0, 1, 1]), np.array([2, 0, 3, 1])) == 0.0


def test_interpolation_of_one_sample_holds_it() -> None:
    assert interpolate(np.array([0.3]), np.array([[7.0]]), np.array([0.0, 1.0])).ravel().tolist() == [7.0, 7.0]


def swaying(fps: float, count: int, start_s: float) -> tuple[FaceTrack, np.ndarray, np.ndarray]:
    """The track of a face that sways twice a second, filmed at ``fps`` from ``start_s`` on: where it is seen to be at its frames, where it
    was then, and its speed there, pixels and pixels per second."""
    time_s = np.arange(count) / fps

    def position(at_s: np.ndarray) -> np.ndarray:
        return 100.0 + 12.0 * np.sin(4.0 * np.pi * (at_s + start_s))

    networks = FakeNetworks([[(float(x), 50.0)] for x in position(time_s)])
    pictures = np.zeros((count, 8, 8, 3), np.uint8)
    pictures[:, 0, 0, 0] = np.arange(count)
    used = pictures_to_follow(time_s)
    faces = follow_faces(pictures[used], time_s[used], networks)  # type: ignore[arg-type]
    tracks = tracks_on_grid(faces, len(frames_on_screen(time_s, FPS, count / fps)), width=8, height=8)
    (track,) = tracks.tracks
    speed = 48.0 * np.pi * np.cos(4.0 * np.pi * (track.time_s + start_s))
    return track, position(track.time_s), speed


@pytest.mark.parametrize("fps", [15.0, 24.0, 25.0, 30.0 / 1.001, 30.0, 33.0, 48.0, 50.0, 60.0 / 1.001, 60.0, 120.0])
def test_faces_are_seen_at_their_time_whatever_the_length_and_the_rate(fps: float) -> None:
    before: np.ndarray | None = None
    for count in range(round(fps), round(fps) + 7):  # 7: in five of six lengths 30 pictures a second were once held ones
        track, there, speed = swaying(fps, count, start_s=0.013)
        seen = track.landmarks[:, 0, 0] + 20.0
        inside = np.s_[1:-2]  # the ends are held
        late_s = -float(((seen - there) * speed)[inside].sum() / (speed**2)[inside].sum())
        assert abs(late_s) < 0.001, count
        if before is not None:  # a picture more changes nothing of what was seen but the end
            common = min(len(before), len(seen)) - 2
            np.testing.assert_allclose(seen[:common], before[:common], atol=1e-4)
        before = seen


def test_pictures_with_the_same_time_give_no_rate() -> None:
    assert pictures_to_follow(np.zeros(5)).tolist() == [0, 1, 2, 3, 4]
    assert pictures_to_follow(np.array([0.0, 0.0, 0.0, 0.04, 0.08])).tolist() == [0, 1, 2, 3, 4]


class ProfileOnTheRight(FakeNetworks):
    """Networks whose mesh cannot read faces in the right half."""

    def mesh(self, rgb: np.ndarray, to_crop: np.ndarray) -> tuple[np.ndarray, float]:
        points, score = super().mesh(rgb, to_crop)
        return points, score if points[0, 0] < 100 else 0.0


def test_a_face_that_is_detected_and_cannot_be_read_is_recorded_with_its_times() -> None:
    unfollowed: list[UnfollowedFace] = []
    networks = ProfileOnTheRight([[(50, 60), (150, 60)] if k < 15 else [(50, 60)] for k in range(30)])
    faces = follow_faces(pictures(30), np.arange(30) / FPS, networks, unfollowed=unfollowed)  # type: ignore[arg-type]
    assert len(faces) == 1
    assert [face.time_s for face in unfollowed if face.mesh_score < MIN_MESH] == pytest.approx([k / FPS for k in (0, 3, 6, 9, 12)])
    begun = [face for face in unfollowed if face.mesh_score >= MIN_MESH]
    assert [(face.time_s, face.points[2].tolist()) for face in begun] == [(0.0, [50.0, 63.0])]
