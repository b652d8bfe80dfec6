"""A photograph that is moved, zoomed or grainy does not move; a mouth that opens does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from seedbench.metrics.analyses.face_motion import face_view, movement
from seedbench.metrics.identity.within_shot import LEAST_MOVEMENT

BOX = np.array([60.0, 60.0, 140.0, 140.0])


def picture(*, mouth_px: int = 0) -> np.ndarray:
    import cv2

    coarse = np.random.default_rng(4).integers(60, 200, (14, 14), dtype=np.uint8)
    canvas = cv2.resize(coarse, (200, 200), interpolation=cv2.INTER_CUBIC)
    if mouth_px:
        cv2.ellipse(canvas, (100, 120), (14, mouth_px), 0, 0, 360, 30, -1)
    return np.repeat(canvas[:, :, None], 3, axis=2)


def shifted(rgb: np.ndarray) -> np.ndarray:
    import cv2

    return np.asarray(cv2.warpAffine(rgb, np.array([[1.0, 0.0, 3.4], [0.0, 1.0, -2.3]]), (200, 200), borderMode=cv2.BORDER_REFLECT))


def zoomed(rgb: np.ndarray) -> np.ndarray:
    import cv2

    return np.asarray(cv2.warpAffine(rgb, np.array([[1.05, 0.0, -5.0], [0.0, 1.05, -5.0]]), (200, 200), borderMode=cv2.BORDER_REFLECT))


def grainy(rgb: np.ndarray) -> np.ndarray:
    return np.clip(rgb + np.random.default_rng(0).normal(0, 6, rgb.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [shifted, zoomed, grainy])
def test_a_photograph_does_not_move(change: Callable[[np.ndarray], np.ndarray]) -> None:
    before, after = face_view(picture(), BOX), face_view(change(picture()), BOX)
    assert movement(before, after) < LEAST_MOVEMENT


def test_a_mouth_that_opens_moves() -> None:
    closed, opened = face_view(shifted(picture(mouth_px=3)), BOX), face_view(picture(mouth_px=11), BOX)
    assert movement(closed, opened) > 2 * LEAST_MOVEMENT


def test_pictures_that_cannot_be_aligned_count_as_movement() -> None:
    assert movement(face_view(picture(), BOX), np.full((96, 96), 128, np.uint8)) > LEAST_MOVEMENT
