"""Stops of the fastest part of a picture: a thin stick, a moving camera, cuts, rates."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from seedbench.metrics.analyses.part_motion import DIRECTIONS, PartMotion, moved, stops_of, thinned

SIZE = (144, 256)


def textured(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(cv2.GaussianBlur(rng.integers(0, 255, (SIZE[0] + 60, SIZE[1] + 60, 3), np.uint8), (0, 0), 3))


def stick_pictures(position: np.ndarray, *, sideways: bool = False, camera_px: float = 0.0) -> Iterator[np.ndarray]:
    """A thin bright stick across a still or drifting background, at a distance in pixels along its way."""
    wall = textured()
    for number, at in enumerate(position):
        drift = round(camera_px * number)
        picture = wall[drift : drift + SIZE[0], drift : drift + SIZE[1]].copy()
        first = round(float(at))
        if sideways:
            picture[40:120, first : first + 8] = 250
        else:
            picture[first : first + 8, 60:160] = 250
        yield picture


def strokes(period: int = 12, count: int = 4) -> np.ndarray:
    """A stick that is raised slowly and hits: down 5 pixels a picture for a third of the period, then up at half that speed."""
    stroke = np.concatenate([np.full(period // 3, 5.0), np.full(2 * period // 3, -2.5)])
    return np.concatenate([[30.0], 30.0 + np.cumsum(np.tile(stroke, count))])


def strongest(pictures: Iterator[np.ndarray], count: int) -> list[int]:
    """The pictures with the strongest stops."""
    distance = moved(pictures)
    stops = stops_of(PartMotion(np.arange(len(distance) + 1) / 25, distance * 25))
    return sorted(round(float(time) * 25) for time in stops.time_s[np.argsort(-stops.strongest)[:count]])


@pytest.mark.parametrize("sideways", [False, True])
@pytest.mark.parametrize("camera_px", [0.0, 0.7])
def test_a_stick_stops_where_it_hits_whatever_its_direction_and_the_camera(sideways: bool, camera_px: float) -> None:
    hits = [4, 16, 28, 40]
    seen = strongest(stick_pictures(strokes(), sideways=sideways, camera_px=camera_px), 4)
    assert seen == pytest.approx(hits, abs=1)


def test_still_pictures_have_no_speed() -> None:
    assert moved(iter([textured()] * 4)).max() < 1e-3


def test_a_cut_is_no_stop() -> None:
    speed = np.full((3, DIRECTIONS), 1.0)
    speed[1] = np.nan
    assert stops_of(PartMotion(np.arange(4) / 25, speed)).strongest.tolist() == [0.0, 0.0]


def test_a_downward_stop_counts_more_than_an_upward_one() -> None:
    down, up = np.zeros((2, DIRECTIONS)), np.zeros((2, DIRECTIONS))
    down[0, DIRECTIONS // 4] = up[0, 3 * DIRECTIONS // 4] = 1.0
    at = np.arange(3) / 25
    assert stops_of(PartMotion(at, down)).strongest[0] > stops_of(PartMotion(at, up)).strongest[0] > 0


@pytest.mark.parametrize("fps", [12.0, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 120.0])
def test_at_most_thirty_pictures_a_second_are_compared(fps: float) -> None:
    kept = thinned(np.arange(240) / fps)
    assert len(kept) <= 240 / fps * 30 * 1.03 + 1
    assert len(set(np.diff(kept).tolist())) == 1
