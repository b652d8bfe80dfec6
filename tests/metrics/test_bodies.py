"""Bodies followed end to end through drawn pictures: to half a pixel, through shadow, noise, rest, meetings and leaps."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.metrics.analyses.background import fill_inward, stabilise
from seedbench.metrics.analyses.bodies import Bodies, BodyTrack, bodies_of, noise_px
from seedbench.metrics.analyses.foreground import background_difference
from seedbench.metrics.analyses.motion import CameraMotion, ShotPictures, camera_motion_of
from tests.metrics.discs import FPS, bouncing, film, wall

T = np.arange(60) / FPS
FLOOR = 124.0
Y, CONTACTS = bouncing(T, top=25.0, bottom=FLOOR - 9.0)


def followed(pictures: np.ndarray, *, still: bool = True) -> Bodies:
    count = len(pictures)
    camera = CameraMotion(np.tile(np.eye(2, 3), (count, 1, 1)), np.zeros(count), 0.0, True, False) if still else camera_motion_of(pictures)
    return bodies_of(ShotPictures(pictures, T[:count], 1), camera)


def rms(track: BodyTrack, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.sqrt(np.mean((track.x - x[track.frame]) ** 2 + (track.y - y[track.frame]) ** 2)))


@pytest.mark.parametrize("noise", [0.5, 4.0])
def test_a_bouncing_body_is_followed_to_half_a_pixel_in_spite_of_its_shadow(noise: float) -> None:
    x = 50.0 + 60.0 * T
    (track, *rest) = followed(film([(x, Y)], floor=FLOOR, noise=noise)).tracks
    assert len(track.frame) == len(T)
    assert rms(track, x, Y) < 0.5
    assert 18.0 <= track.diameter < 22.0
    assert all(other.travel_px < 0.5 * track.diameter for other in rest)


def test_a_body_is_where_it_was_on_the_first_picture_s_plane_when_the_camera_pans() -> None:
    x = 90.0 + 50.0 * T
    pan = 1.2 * np.arange(len(T)) + 3 * np.sin(3 * T)
    bodies = followed(film([(x, Y)], pan=pan), still=False)
    assert bodies.camera_moving
    track = bodies.tracks[0]
    assert len(track.frame) == len(T)
    assert rms(track, x, Y) < 0.5


def test_a_body_that_rests_for_most_of_the_clip_does_not_enter_the_background() -> None:
    y, _ = bouncing(T, top=25.0, bottom=FLOOR - 9.0, restitution=0.05)
    x = np.full(len(T), 120.0)
    pictures = film([(x, y)])
    still = CameraMotion(np.tile(np.eye(2, 3), (len(T), 1, 1)), np.zeros(len(T)), 0.0, True, False)
    stabilised = stabilise(pictures, still)
    assert stabilised is not None
    background = background_difference(stabilised).background.astype(float)
    assert np.abs(background - wall(144, 256)).max(axis=2).mean() < 3.0
    assert np.abs(background - wall(144, 256))[100:130, 105:135].mean() < 4.0
    (track,) = followed(pictures).tracks
    assert len(track.frame) == len(T)
    assert rms(track, x, y) < 0.5


def test_two_bodies_that_meet_stay_two() -> None:
    first = np.where(T < 1.2, 40.0 + 60.0 * T, 112.0 + 6.0 * (T - 1.2))
    second = np.where(T < 1.2, 130.0, 130.0 + 54.0 * (T - 1.2))
    level = np.full(len(T), 90.0)
    tracks = followed(film([(first, level), (second, level)])).tracks
    assert len(tracks) == 2
    assert min(rms(track, first, level) for track in tracks) < 0.7
    assert min(rms(track, second, level) for track in tracks) < 0.7
    assert all(not track.reliable.all() for track in tracks)  # pictures in which they touch are marked


def test_a_body_that_leaps_is_one_body() -> None:
    x = np.where(T < 1.0, 60.0, 130.0)
    (track,) = followed(film([(x, Y)])).tracks
    assert len(track.frame) == len(T)
    assert rms(track, x, Y) < 0.5


def test_a_body_that_is_missing_for_a_while_is_one_body() -> None:
    hidden = range(25, 33)
    (track,) = followed(film([(60.0 + 20.0 * T, Y)], hidden=hidden)).tracks
    assert sorted(set(range(len(T))) - set(track.frame.tolist())) == list(hidden)


def test_a_body_that_leaves_over_the_top_and_comes_back_is_one() -> None:
    y = 40.0 - 260.0 * T + 0.5 * 260.0 * T**2
    track = followed(film([(np.full(len(T), 100.0), y)])).tracks[0]
    assert {0, 45} <= set(track.frame.tolist())
    assert y[25] < -30
    assert 25 not in track.frame


def test_nothing_is_followed_in_a_still_picture() -> None:
    bodies = followed(np.repeat(film([(np.array([80.0]), np.array([60.0]))]), 30, axis=0))
    assert bodies.tracks == []
    assert (bodies.changing == 0).all()


def test_a_flickering_lamp_moves_no_body() -> None:
    pictures = film([(np.full(len(T), 120.0), Y)]).astype(np.float32)
    pictures *= (1 + 0.06 * np.where(np.arange(len(T)) % 2, 1, -1))[:, None, None, None]
    tracks = followed(np.clip(pictures, 0, 255).astype(np.uint8)).tracks
    assert rms(tracks[0], np.full(len(T), 120.0), Y) < 0.7


def test_the_noise_of_a_path_is_measured() -> None:
    rng = np.random.default_rng(3)
    t = np.arange(200) / FPS
    path = 50 * t**2 + rng.normal(0, 0.3, 200)
    assert noise_px(100 * t + rng.normal(0, 0.3, 200), path) == pytest.approx(0.3, rel=0.2)


@pytest.mark.parametrize("radius", [2.2, 3.0])
def test_a_small_fast_body_is_followed(radius: float) -> None:
    x, y = 20.0 + 220.0 * T, 120.0 - 260.0 * T + 0.5 * 400.0 * T**2
    pictures = film([(x[:26], y[:26])], radius=radius)
    track = followed(pictures).tracks[0]
    assert len(track.frame) >= 20
    assert rms(track, x, y) < 0.7


def test_a_soft_shadow_that_passes_does_not_creep_into_the_background() -> None:
    plain = np.full((40, 40, 3), 100, np.uint8)
    rows, columns = np.mgrid[0:40, 0:40]
    dark = np.clip(16 - np.hypot(rows - 20, columns - 20), 0, None)  # one level darker from pixel to pixel: no edge
    shaded = (plain - 3 * dark[..., None]).astype(np.uint8)
    states = np.stack([shaded, plain, plain, plain])
    undecided = dark > 4
    filled = fill_inward(plain, states, np.ones((4, 40, 40), bool), undecided)
    assert int(filled.min()) == 100
