"""Small faces: the parts that are searched, and which detections count, with networks that see a marked pixel."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.metrics.analyses.face_networks import Detection
from seedbench.metrics.lipsync.small_faces import has_other_face, tiles


class MarkedPixel:
    """Networks that see a face of 20 px around each white pixel; the mesh confirms it or not."""

    def __init__(self, score: float = 1.0) -> None:
        self.score = score

    def detect(self, rgb: np.ndarray) -> list[Detection]:
        places = np.argwhere(rgb[:, :, 0] == 255)[:, ::-1]
        nose_mouth = np.array([[0, 2], [0, 5]])
        return [Detection(np.concatenate([at - 10, at + 10]), np.array([at - 3, at + 3]), 0.9, at + nose_mouth) for at in places]

    def mesh(self, rgb: np.ndarray, to_crop: np.ndarray) -> tuple[np.ndarray, float]:
        middle = np.linalg.solve(to_crop[:, :2], np.array([96.0, 96.0]) - to_crop[:, 2])
        points = np.zeros((468, 3))
        points[:, :2] = middle + np.linspace(-10, 10, 468)[:, None]
        return points, self.score

    def follow(self, rgb: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, float]:
        return landmarks, self.score


def marked(x: int, y: int) -> np.ndarray:
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[y, x] = 255
    return picture


@pytest.mark.parametrize(("height", "width"), [(100, 100), (360, 640), (1080, 1920), (2160, 3840), (500, 90)])
def test_the_parts_cover_the_picture_and_are_few(height: int, width: int) -> None:
    side, corners = tiles(height, width)
    covered = np.zeros((height, width), bool)
    for y, x in corners:
        covered[y : y + side, x : x + side] = True
    assert covered.all()
    assert len(corners) <= 24


@pytest.mark.parametrize(("x", "y"), [(30, 30), (320, 180), (600, 340)])
def test_a_small_face_is_seen_wherever_it_is(x: int, y: int) -> None:
    assert has_other_face(marked(x, y), [], MarkedPixel())  # type: ignore[arg-type]


def test_a_face_that_is_followed_is_no_other_face() -> None:
    known = [np.array([200.0, 100.0, 440.0, 300.0])]
    assert not has_other_face(marked(320, 180), known, MarkedPixel())  # type: ignore[arg-type]
    assert has_other_face(marked(600, 340), known, MarkedPixel())  # type: ignore[arg-type]


def test_a_detection_that_the_mesh_does_not_confirm_does_not_count() -> None:
    assert not has_other_face(marked(320, 180), [], MarkedPixel(score=0.2))  # type: ignore[arg-type]
