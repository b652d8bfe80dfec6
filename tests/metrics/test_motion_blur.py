"""Bodies blurred by their motion: exposures of up to a whole picture change neither places nor what physics says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbench.metrics.analyses.bodies import BodyTrack, bodies_of
from seedbench.metrics.analyses.contacts import BodyMotion, motion_of
from seedbench.metrics.analyses.motion import CameraMotion, ShotPictures
from seedbench.metrics.analyses.motion_blur import blur_of, sharpened, smeared, velocities
from seedbench.metrics.analyses.phases import phases_of
from seedbench.metrics.physics.judge import PhysicsVerdict, judge
from seedbench.suites.prompt import Event
from tests.metrics.discs import bouncing, long_exposed

GRAVITY_PX = 500.0
FALL_PX = 90.0
FLOOR = 124.0
DROP = Event(kind="drop", start_s=0.4, height_m=FALL_PX * 9.81 / GRAVITY_PX)


def dropped(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, _ = bouncing(time_s, top=FLOOR - 9.0 - FALL_PX, bottom=FLOOR - 9.0, start_s=0.4, restitution=0.7, gravity=GRAVITY_PX)
    return np.full(len(time_s), 120.0), y


def thrown(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 20.0 + 150.0 * time_s, 110.0 - 300.0 * time_s + 0.5 * GRAVITY_PX * time_s**2


def swung(time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    angle = 0.6 * np.cos(5.0 * time_s)
    return 128.0 + 80.0 * np.sin(angle), 30.0 + 80.0 * np.cos(angle)


def followed(pictures: np.ndarray, time_s: np.ndarray, event: Event) -> tuple[BodyTrack, BodyMotion, PhysicsVerdict]:
    still = CameraMotion(np.tile(np.eye(2, 3), (len(time_s), 1, 1)), np.zeros(len(time_s)), 0.0, True, False)
    seen = bodies_of(ShotPictures(pictures, time_s, 1), still)
    moving = motion_of(seen.tracks)
    return moving.tracks[0], moving, judge([event], seen, moving)


@pytest.mark.parametrize("fps", [16.0, 24.0, 30.0])
@pytest.mark.parametrize("degrees", [90, 180, 270, 360])
def test_a_fall_is_the_same_whatever_the_exposure(fps: float, degrees: int) -> None:
    time_s = np.arange(round(2.2 * fps)) / fps
    track, moving, verdict = followed(long_exposed(dropped, time_s, degrees / 360 / fps, floor=FLOOR), time_s, DROP)
    assert verdict.plausibility.value == pytest.approx(1.0, abs=0.03)
    assert verdict.gravity_m_s2 == pytest.approx(9.81, rel=0.03)
    assert verdict.restitution == pytest.approx(0.7, abs=0.04)
    first = next(contact for contact in moving.contacts if contact.kind == "floor")
    assert first.time_s == pytest.approx(0.4 + np.sqrt(2 * FALL_PX / GRAVITY_PX), abs=0.012)
    if degrees >= 270 and fps < 30:
        assert 0.3 / fps < track.exposure_s <= 1.0 / fps


@pytest.mark.parametrize("degrees", [180, 360])
def test_a_thrown_body_does_not_seem_to_grow_with_its_speed(degrees: int) -> None:
    time_s = np.arange(29) / 24.0
    track, _, verdict = followed(long_exposed(thrown, time_s, degrees / 360 / 24.0), time_s, Event(kind="throw", start_s=0.0))
    x, y = thrown(track.time_s)
    whole = ~track.at_border
    assert np.quantile(np.hypot(track.x - x, track.y - y)[whole], 0.85) < 0.5
    assert np.ptp(np.quantile(np.sqrt(track.area[whole]), (0.1, 0.9))) < 0.1 * np.sqrt(np.median(track.area))
    assert verdict.plausibility.value == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("degrees", [180, 360])
def test_a_blurred_pendulum_swings_as_a_sharp_one(degrees: int) -> None:
    time_s = np.arange(72) / 24.0
    _, _, sharp = followed(long_exposed(swung, time_s, 0.0, subframes=1), time_s, Event(kind="pendulum", height_m=0.4))
    _, _, blurred = followed(long_exposed(swung, time_s, degrees / 360 / 24.0), time_s, Event(kind="pendulum", height_m=0.4))
    assert sharp.gravity_m_s2 is not None
    assert blurred.gravity_m_s2 == pytest.approx(sharp.gravity_m_s2, rel=0.03)
    assert blurred.plausibility.value == pytest.approx(1.0, abs=0.03)


def test_a_sharp_body_has_no_exposure() -> None:
    time_s = np.arange(50) / 24.0
    track, _, _ = followed(long_exposed(dropped, time_s, 0.0, subframes=1, floor=FLOOR), time_s, DROP)
    assert track.exposure_s == 0.0


@given(st.floats(0.008, 0.04), st.floats(8.0, 60.0), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_exposure_is_the_slope_of_the_length_over_the_speed(exposure_s: float, size: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    speed = rng.uniform(50.0, 900.0, 40)
    along = size + exposure_s * speed + rng.uniform(-0.5, 0.5, 40)
    area = 0.785 * size**2 + size * exposure_s * speed
    seen_s, growth = blur_of(speed, along, np.full(40, size), area)
    assert seen_s == pytest.approx(exposure_s, rel=0.15)
    assert growth == pytest.approx(size * exposure_s, rel=0.01)


def test_a_body_that_comes_nearer_or_turns_is_not_taken_for_blurred() -> None:
    speed = np.linspace(100.0, 700.0, 30)
    nearer = 20.0 * (1.0 + speed / 1000.0)
    assert blur_of(speed, nearer, nearer, 0.785 * nearer**2) == (0.0, 0.0)
    longer = 20.0 * (1.0 + speed / 1000.0)
    assert blur_of(speed, longer, 400.0 / longer, np.full(30, 314.0)) == (0.0, 0.0)


@given(st.integers(-12, 12), st.integers(-12, 12))
def test_sharpening_undoes_smearing(right: int, down: int) -> None:
    rows, columns = np.mgrid[-9:10, -9:10]
    disc = np.hypot(rows, columns) <= 9.3
    streak = np.array([float(right), float(down)])
    blurred = smeared(disc, streak)
    assert blurred.shape == (19 + abs(down), 19 + abs(right))
    back = sharpened(blurred, streak)
    assert back.shape == disc.shape
    assert (back & disc).sum() == disc.sum()
    assert back.sum() <= 1.15 * disc.sum()


def test_beside_a_turn_the_velocity_is_that_of_the_calm_side() -> None:
    time_s = np.arange(9) / 24.0
    y = np.abs(240.0 * (time_s - 0.16))
    velocity, turns = velocities(time_s, np.stack([np.zeros(9), y], axis=1))
    assert turns.nonzero()[0].tolist() == [4]
    assert np.abs(velocity[:, 1]) == pytest.approx(np.full(9, 240.0), rel=0.2)


@given(st.floats(0.55, 1.0), st.integers(0, 20))
@settings(max_examples=20, deadline=None)
def test_a_contact_within_an_exposure_is_found_between_the_pictures(at: float, seed: int) -> None:
    fps, fine = 24.0, np.arange(0.0, 1.6, 1 / 2400)
    fall = 0.5 * 900.0 * at**2
    y = np.where(fine < at, 450.0 * fine**2, fall - 600.0 * at * (fine - at) + 450.0 * (fine - at) ** 2)
    count = int(min(1.5, at * 7 / 3) * fps)
    mean = y[: count * 100].reshape(count, 100).mean(axis=1) + np.random.default_rng(seed).normal(0, 0.15, count)
    time_s = (np.arange(count) + 0.5) / fps
    phases = phases_of(time_s, 30.0 * time_s, mean, sigma_px=0.15, diameter_px=20.0, blurred=True)
    impacts = [joint.time_s for joint in phases.joints if joint.kind == "impact"]
    assert len(impacts) == 1
    assert impacts[0] == pytest.approx(at, abs=0.006)
