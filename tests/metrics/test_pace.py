"""Held, dropped, frozen and cut pictures are known by the motion of a body, and a steady motion has none of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbench.clips import time_maps
from seedbench.metrics.analyses.pace import Pace, pace_of
from seedbench.metrics.analyses.parabolas import leaps
from seedbench.metrics.analyses.phases import phases_of

FPS = 30
T = np.arange(60) / FPS
X, Y = 150.0 * T, 20.0 + 60.0 * T**2
SIGMA = 0.2


def seen(numbers: np.ndarray, *, x: np.ndarray = X, y: np.ndarray = Y, seed: int = 0) -> Pace:
    """The pace of a path whose pictures have these numbers, shown at a constant rate."""
    rng = np.random.default_rng(seed)
    noisy = [values[numbers] + rng.normal(0, SIGMA, len(numbers)) for values in (x, y)]
    return pace_of(np.arange(len(numbers)) / FPS, *noisy, sigma_px=SIGMA)


def test_a_held_and_a_dropped_picture_are_no_freeze_and_no_cut() -> None:
    pace = seen(np.delete(np.insert(np.arange(60), 20, 19), 40))
    assert [(fault.kind, fault.last - fault.first) for fault in pace.faults] == [("held", 1), ("dropped", 1)]
    assert pace.repeat.nonzero()[0].tolist() == [20]


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_a_motion_that_stops_and_goes_on_is_frozen_for_as_long(seconds: float) -> None:
    count = round(seconds * FPS)
    freezes = seen(np.concatenate([np.arange(30), np.full(count, 29), np.arange(30, 60)])).of("freeze")
    assert [fault.off_s for fault in freezes] == [pytest.approx(seconds, abs=0.04)]


def test_a_motion_without_a_part_is_cut_by_as_much() -> None:
    cuts = seen(np.delete(np.arange(60), np.arange(30, 36))).of("cut")
    assert [(fault.first, -fault.off_s) for fault in cuts] == [(29, pytest.approx(0.2, abs=0.04))]


def test_the_top_of_a_throw_a_bounce_and_the_end_of_a_swing_are_not_held() -> None:
    assert not seen(np.arange(60), x=np.zeros(60), y=200 * (T - 1) ** 2).faults
    assert not seen(np.arange(60), y=180 * np.abs(np.sin(4 * T))).faults
    assert not seen(np.arange(60), x=150 * np.cos(5 * T), y=np.zeros(60)).faults


def test_a_body_at_rest_before_and_after_its_motion_is_not_frozen() -> None:
    x = np.concatenate([np.zeros(20), np.cumsum(np.full(20, 6.0)), np.full(20, 120.0)])
    assert not seen(np.arange(60), x=x, y=np.zeros(60)).faults


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 3), st.floats(0, 400), st.floats(-200, 200))
def test_a_steady_motion_keeps_its_own_times(seed: int, angle: float, pull: float, speed: float) -> None:
    x, y = speed * np.cos(angle) * T, speed * np.sin(angle) * T + 0.5 * pull * T**2
    pace = seen(np.arange(60), x=x, y=y, seed=seed)
    assert not pace.faults
    assert pace.time_s.tolist() == (np.arange(60) / FPS).tolist()


def test_the_moments_of_a_motion_are_those_of_its_own_time() -> None:
    numbers = time_maps.nearest_pictures(T, time_maps.wobbled(T, 0.5))
    pace = seen(numbers)
    apart = FPS * pace.time_s - numbers
    assert np.ptp(apart) < 2.5  # a frame or two of a second, where the pictures as shown are off by as much as four
    assert np.ptp(np.arange(60) - numbers) > np.ptp(apart)


def test_a_cut_at_the_top_of_a_throw_is_no_kick() -> None:
    fall = 260 * (T - 1) ** 2
    numbers = np.delete(np.arange(15, 46), np.arange(12, 18))
    rng = np.random.default_rng(2)
    phases = phases_of(
        np.arange(len(numbers)) / FPS,
        3.0 * T[numbers] + rng.normal(0, SIGMA, len(numbers)),
        fall[numbers] + rng.normal(0, SIGMA, len(numbers)),
        sigma_px=SIGMA,
        diameter_px=16.0,
    )
    assert [joint.kind for joint in phases.joints] == ["cut"]
    assert [fault.kind for fault in phases.faults] == ["cut"]
    assert -phases.faults[0].off_s == pytest.approx(0.2, abs=0.07)


def test_a_bounce_is_no_cut() -> None:
    y = 200 - 90 * np.abs(np.sin(np.pi * T / 0.7))
    phases = phases_of(T, 40 * T, y, sigma_px=SIGMA, diameter_px=16.0)
    assert not phases.faults


def test_the_time_of_a_contact_is_that_of_the_clip_though_pictures_are_held() -> None:
    numbers = np.insert(np.arange(60), [12, 14], [11, 13])
    y = np.where(T < 1.0, 200 * T**2, 200 - 200 * (T - 1) + 200 * (T - 1) ** 2)
    phases = phases_of(np.arange(62) / FPS, 90 * T[numbers], y[numbers], sigma_px=SIGMA, diameter_px=16.0)
    assert [joint.kind for joint in phases.joints] == ["impact"]
    assert phases.joints[0].time_s == pytest.approx(32 / FPS, abs=0.01)


def test_a_long_last_step_along_the_path_is_no_leap_and_one_across_it_is() -> None:
    numbers = np.append(np.arange(20), 23)
    assert leaps(np.arange(21) / FPS, 9.0 * numbers, np.zeros(21), 10.0) == []
    aside = np.append(np.zeros(20), 40.0)
    assert leaps(np.arange(21) / FPS, np.append(9.0 * np.arange(20), 171.0), aside, 10.0) == [20]


def test_a_part_of_the_motion_that_is_not_seen_is_not_cut() -> None:
    seen_pictures = np.delete(np.arange(15, 46), np.arange(12, 18))
    fall = 260 * (T - 1) ** 2
    phases = phases_of(T[seen_pictures], 3.0 * T[seen_pictures], fall[seen_pictures], sigma_px=SIGMA, diameter_px=16.0)
    assert not phases.faults


def test_the_picture_in_which_a_body_bounces_makes_no_dropped_ones() -> None:
    steps = np.array([6.2, 7.0, 8.5, -2.9, -5.6, -3.9, -3.2, -2.5, -1.4, -0.5, 0.4])
    y = np.concatenate([[0.0], np.cumsum(steps)])
    assert not pace_of(np.arange(len(y)) / 24, np.zeros(len(y)), y, sigma_px=0.07).faults
