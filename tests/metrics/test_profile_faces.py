"""Faces in profile: which detections are one face, and how steady its vectors are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from seedbench.metrics.analyses.face_selection import MOST_NOISE, noise_ratio
from seedbench.metrics.analyses.faces import UnfollowedFace
from seedbench.metrics.analyses.profile_faces import CHIP_POINTS, ProfileFaces, embed_profiles, profile_detections
from seedbench.metrics.identity.profiles import PROFILE_SCALE, profile_courses
from seedbench.metrics.identity.schedule import schedule_of_cuts

NO_CUTS = np.zeros(0)


def detection(time_s: float, *, x: float = 50.0, read: bool = False, to_right: bool = True) -> UnfollowedFace:
    eyes = x + (-5.0 if to_right else 5.0)
    points = np.array([[eyes - 3, 40.0], [eyes + 3, 40.0], [x, 55.0], [x, 70.0]])
    return UnfollowedFace(time_s, np.array([x - 40, 10.0, x + 40, 90.0]), points, 1.0 if read else 0.0)


def chain(count: int, *, every_s: float = 0.2, read_at: int = 4) -> list[UnfollowedFace]:
    return [detection(k * every_s, read=k == read_at) for k in range(count)]


def test_unread_detections_in_one_position_are_one_face() -> None:
    faces = profile_detections(chain(10), NO_CUTS)
    assert [len(face) for face in faces] == [9]


def test_a_position_in_which_the_mesh_never_reads_a_face_shows_none() -> None:
    assert profile_detections(chain(10, read_at=99), NO_CUTS) == []


def test_faces_in_two_positions_are_two_faces() -> None:
    both = sorted(chain(10) + [detection(k * 0.2 + 0.01, x=250, read=k == 0) for k in range(10)], key=lambda face: face.time_s)
    assert [len(face) for face in profile_detections(both, NO_CUTS)] == [9, 9]


def test_no_face_goes_on_across_a_cut_or_a_long_gap() -> None:
    assert [len(face) for face in profile_detections(chain(10), np.array([1.1]))] == [5]
    assert profile_detections(chain(10, every_s=1.2), NO_CUTS) == []


def test_only_pictures_that_look_to_the_usual_side_are_kept() -> None:
    faces = [detection(0.0, read=True), *[detection(0.2 * k, to_right=k != 3) for k in range(1, 9)]]
    (kept,) = profile_detections(faces, NO_CUTS)
    assert [round(face.time_s, 1) for face in kept] == [0.2, 0.4, 0.8, 1.0, 1.2, 1.4, 1.6]


class CornerColours:
    """A network whose vector is the colour of four places of the chip."""

    def embed(self, faces: np.ndarray) -> np.ndarray:
        spots = CHIP_POINTS.round().astype(int)
        return np.stack([faces[:, y, x].astype(float) for x, y in spots], axis=1).reshape(len(faces), -1)


def textured(seed: int = 0) -> np.ndarray:
    import cv2

    coarse = np.random.default_rng(seed).integers(30, 220, (12, 12, 3), dtype=np.uint8)
    return cv2.resize(coarse, (100, 100), interpolation=cv2.INTER_CUBIC)


def showing(picture: np.ndarray) -> Callable[[Sequence[int], Callable[[int, np.ndarray], np.ndarray]], list[np.ndarray]]:
    return lambda frames, use: [use(at, picture) for at in range(len(frames))]


def test_at_most_twelve_pictures_of_a_face_are_embedded_by_the_detectors_points() -> None:
    (face,) = profile_detections(chain(31), NO_CUTS)
    profiles = embed_profiles(showing(textured()), [face], CornerColours())  # type: ignore[arg-type]
    assert len(profiles) == 12
    assert (profiles.time_s[0], profiles.time_s[-1]) == (pytest.approx(0.0), pytest.approx(6.0))
    assert np.linalg.norm(profiles.embedding, axis=1) == pytest.approx(np.ones(12), abs=1e-6)


def test_noisy_pictures_of_a_face_are_not_embedded() -> None:
    noisy = np.random.default_rng(1).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    (face,) = profile_detections(chain(10), NO_CUTS)
    assert len(embed_profiles(showing(noisy), [face], CornerColours())) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("sigma", [5.0, 10.0, 20.0])
def test_the_noise_of_a_picture_is_measured_beside_its_contrast(sigma: float) -> None:
    clean = textured().astype(np.float64)
    noise = np.random.default_rng(2).normal(0, sigma, (100, 100, 1))  # the same in all colours, so that grey keeps its deviation
    picture = np.clip(clean + noise, 0, 255).astype(np.uint8)
    box = np.array([0, 0, 100, 100])
    assert noise_ratio(textured(), box) < 0.05 < MOST_NOISE
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(float)
    assert noise_ratio(picture, box) * grey.std() == pytest.approx(sigma, rel=0.25)


def profiles_of(vectors: np.ndarray) -> ProfileFaces:
    return ProfileFaces(np.zeros(len(vectors), np.int32), 0.2 * np.arange(len(vectors)), vectors.astype(np.float32))


def around(centre: np.ndarray, count: int, seed: int, spread: float) -> np.ndarray:
    vectors = centre + spread * np.random.default_rng(seed).normal(size=(count, len(centre)))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_steady_face_in_profile_keeps_its_identity() -> None:
    (course,) = profile_courses(profiles_of(around(np.eye(64)[0], 12, 0, 0.02)), schedule_of_cuts(NO_CUTS, end_s=5.0))
    assert course.in_profile
    assert course.similarity == pytest.approx(1.0, abs=0.1)


def test_a_face_in_profile_that_is_replaced_loses_its_identity() -> None:
    first = np.eye(64)[0]
    other = PROFILE_SCALE.strangers * first + np.sqrt(1 - PROFILE_SCALE.strangers**2) * np.eye(64)[1]
    vectors = np.concatenate([around(first, 6, 0, 0.01), around(other, 6, 1, 0.01)])
    (course,) = profile_courses(profiles_of(vectors), schedule_of_cuts(NO_CUTS, end_s=5.0))
    assert course.similarity is not None
    assert course.similarity < 0.2
    assert course.drift_per_s is not None
    assert course.drift_per_s < -0.2


def test_too_few_pictures_in_profile_give_a_reason() -> None:
    (course,) = profile_courses(profiles_of(around(np.eye(64)[0], 7, 0, 0.02)), schedule_of_cuts(NO_CUTS, end_s=5.0))
    assert course.similarity is None
    assert "in profile" in course.reason


def test_a_still_picture_of_a_profile_has_no_answer() -> None:
    (course,) = profile_courses(profiles_of(np.tile(np.eye(8)[0], (12, 1))), schedule_of_cuts(NO_CUTS, end_s=5.0))
    assert course.similarity is None
