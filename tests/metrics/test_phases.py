"""Paths divided into phases: contacts to milliseconds, and no contact where the velocity does not jump."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbench.metrics.analyses.parabolas import divide_path, fit_parabola, glitches, nearest_approach
from seedbench.metrics.analyses.phases import phases_of
from tests.metrics.discs import FPS, GRAVITY_PX, bouncing

T = np.arange(75) / FPS


def noisy(path: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    return path + np.random.default_rng(seed).normal(0, sigma, len(path))


@pytest.mark.parametrize("sigma", [0.0, 0.2, 0.4])
def test_contacts_of_a_bouncing_body_are_found_between_the_pictures(sigma: float) -> None:
    y, contacts = bouncing(T, top=20.0, bottom=180.0, start_s=0.3, restitution=0.7)
    phases = phases_of(T, noisy(40 * T, sigma, 1), noisy(y, sigma), sigma_px=max(sigma, 0.05), diameter_px=20.0)
    seen = [joint.time_s for joint in phases.joints if joint.kind == "impact"]
    for contact in contacts[:3]:
        assert min(abs(contact - time_s) for time_s in seen) < 0.008
    flights = [part for part, rest in zip(phases.parabolas, phases.resting, strict=True) if part.n >= 10 and not rest]
    assert all(part.acceleration[1] == pytest.approx(GRAVITY_PX, rel=0.08) for part in flights[:3])


@given(st.floats(0.5, 1.5), st.floats(0.3, 0.9), st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_the_moment_of_one_bounce_is_found_wherever_it_lies(at: float, restitution: float, seed: int) -> None:
    rise = restitution * GRAVITY_PX * at
    y = np.where(at > T, 0.5 * GRAVITY_PX * T**2, 0.5 * GRAVITY_PX * at**2 - rise * (T - at) + 0.5 * GRAVITY_PX * (T - at) ** 2)
    short = at + 2 * rise / GRAVITY_PX > T
    phases = phases_of(T[short], noisy(30 * T, 0.15, seed)[short], noisy(y, 0.15, seed + 1)[short], sigma_px=0.15, diameter_px=20.0)
    impacts = [joint.time_s for joint in phases.joints if joint.kind == "impact"]
    assert len(impacts) == 1
    assert impacts[0] == pytest.approx(at, abs=0.006)


def test_a_swing_has_no_contact() -> None:
    angle = 0.5 * np.cos(4.0 * T)
    phases = phases_of(T, 150 * np.sin(angle), 150 * np.cos(angle), sigma_px=0.1, diameter_px=20.0)
    assert not phases.joints


def test_a_fall_eased_in_and_out_stays_one_phase_and_is_no_parabola() -> None:
    share = np.clip((T - 0.3) / 0.8, 0, 1)
    y = 150 * (3 * share**2 - 2 * share**3)
    phases = phases_of(T, np.zeros(len(T)), y, sigma_px=0.1, diameter_px=20.0)
    moving = [part for part, rest in zip(phases.parabolas, phases.resting, strict=True) if not rest]
    assert len(moving) == 1
    assert moving[0].rms_px > 3.0


def test_a_leap_is_no_contact() -> None:
    x = np.where(T < 1.0, 0.0, 70.0)
    y = 0.5 * 60.0 * T**2
    phases = phases_of(T, x, y, sigma_px=0.1, diameter_px=20.0)
    assert [joint.kind for joint in phases.joints] == ["leap"]
    assert phases.joints[0].time_s == pytest.approx(1.0, abs=0.04)


def test_a_single_glitch_of_the_tracker_is_left_out() -> None:
    y = 0.5 * 60.0 * T**2
    y[30] += 9.0
    assert glitches(np.zeros(len(T)), y, 0.1).nonzero()[0].tolist() == [30]
    phases = phases_of(T, np.zeros(len(T)), y, sigma_px=0.1, diameter_px=20.0)
    assert not phases.joints
    assert not phases.used[30]


def test_unreliable_points_are_not_used() -> None:
    y = 50.0 * T
    y[20:24] += 12.0
    reliable = np.ones(len(T), bool)
    reliable[20:24] = False
    assert not phases_of(T, np.zeros(len(T)), y, sigma_px=0.1, diameter_px=20.0, reliable=reliable).joints


def test_the_division_is_the_cheapest() -> None:
    y = np.concatenate([np.zeros(20), 4.0 * np.arange(20)])
    assert divide_path(np.arange(40) / FPS, np.zeros(40), y, 0.3) in ([(0, 19), (20, 39)], [(0, 20), (21, 39)])


def test_a_fit_states_the_noise_of_its_acceleration() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(12) / 24
    accelerations = [fit_parabola(t, np.zeros(12), rng.normal(0, 1.0, 12), 0, 11).acceleration[1] for _ in range(600)]
    of_unit_noise = 2 * np.sqrt(fit_parabola(t, t, t, 0, 11).covariance[2, 2])
    assert np.std(accelerations) == pytest.approx(of_unit_noise, rel=0.1)
    assert of_unit_noise == pytest.approx(31.5, abs=0.1)


@pytest.mark.parametrize("sideways", [0.0, 0.1, 1.3, 7.7])
def test_paths_at_one_distance_all_the_time_meet_in_the_middle(sideways: float) -> None:
    before = fit_parabola(T, sideways * T, 0.3 * T**2, 0, 30)
    after = fit_parabola(T, sideways * T + 70.0, 0.3 * T**2, 31, 60)
    moment, apart = nearest_approach(before, after, 1.18, 1.26)
    assert moment == pytest.approx(1.22, abs=1e-9)
    assert apart == pytest.approx(70.0)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_rounding_does_not_change_the_division_of_a_path(seed: int) -> None:
    y = np.concatenate([np.zeros(20), 4.0 * np.arange(20)])  # the point at the bend belongs to either side
    t, other = np.arange(40) / FPS, y + np.random.default_rng(seed).uniform(-1e-11, 1e-11, 40)
    assert divide_path(t, np.zeros(40), other, 0.3) == divide_path(t, np.zeros(40), y, 0.3)


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0 / 1.001, 30.0])  # faster clips are thinned before
@pytest.mark.parametrize("start_s", [0.0, 0.35])
def test_contacts_and_flights_are_the_same_whatever_the_length_and_the_start(fps: float, start_s: float) -> None:
    t = np.arange(round(2.6 * fps)) / fps + start_s
    y, contacts = bouncing(t, top=20.0, bottom=180.0, start_s=0.3, restitution=0.75)
    rng = np.random.default_rng(0)
    x, y = 40 * t + rng.normal(0, 0.15, len(t)), y + rng.normal(0, 0.15, len(t))
    for count in range(round(1.3 * fps), len(t)):
        phases = phases_of(t[:count], x[:count], y[:count], sigma_px=0.15, diameter_px=20.0)
        inside = [contact for contact in contacts if t[0] + 4 / fps < contact < t[count - 1] - 4 / fps]
        seen = [joint.time_s for joint in phases.joints if joint.kind == "impact"]
        assert all(min(abs(contact - time_s) for time_s in seen) < 0.006 for contact in inside), count
        flights = [part for part, rest in zip(phases.parabolas, phases.resting, strict=True) if part.n >= 8 and not rest]
        assert max(part.rms_px for part in flights) < 0.4, count
