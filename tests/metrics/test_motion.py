"""Camera motion from the background alone, with a body moving in front of it."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.metrics.analyses.motion import camera_motion_of, compose_maps, inverse_map, transform_points
from tests.metrics.discs import FPS, bouncing, film

T = np.arange(40) / FPS
Y, _ = bouncing(T, top=25.0, bottom=115.0)
BALL = (60.0 + 50.0 * T, Y)


def test_a_still_camera_is_still_in_spite_of_noise_and_a_moving_body() -> None:
    motion = camera_motion_of(film([BALL], floor=124.0, noise=3.0))
    assert motion.known
    assert not motion.moving
    assert (motion.to_first == np.eye(2, 3)).all()


def test_a_pan_is_recovered_to_a_fraction_of_a_pixel() -> None:
    pan = np.cumsum(1.5 + 0.6 * np.sin(4 * T))
    pan -= pan[0]
    motion = camera_motion_of(film([(BALL[0] + 40, BALL[1])], pan=pan))
    assert motion.known
    assert motion.moving
    assert np.abs(motion.to_first[:, 0, 2] - pan).max() < 0.3
    assert np.median(motion.step_px[1:]) == pytest.approx(np.median(np.diff(pan)), abs=0.1)
    assert motion.residual_px < 0.5


def test_a_bare_wall_gives_no_camera_motion() -> None:
    motion = camera_motion_of(np.full((10, 96, 128, 3), 90, np.uint8))
    assert not motion.known
    assert not motion.moving


def test_a_map_and_its_inverse_compose_to_the_identity() -> None:
    turn = np.array([[0.9, -0.2, 5.0], [0.2, 0.9, -3.0]])
    points = np.array([[1.0, 2.0], [30.0, -4.0]])
    assert transform_points(transform_points(points, turn), inverse_map(turn)) == pytest.approx(points)
    assert compose_maps(turn, inverse_map(turn)) == pytest.approx(np.eye(2, 3))
