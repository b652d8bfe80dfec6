"""Held pictures are found by their cadence, and nothing else is taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbench.clips.repeats import timing_of


def motion(time_s: np.ndarray) -> np.ndarray:
    """The place of a body that is never at rest for long, as a path of three incommensurable swings."""
    return np.stack([300 * np.sin(2.1 * time_s), 200 * np.sin(3.3 * time_s + 1), 150 * np.cos(1.3 * time_s)], axis=1)


def held(made_fps: float, stored_fps: float, seconds: float, phase: float, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times and changes of a clip that is made at one rate and stored at another, and which picture each stored one shows."""
    time_s = np.arange(round(seconds * stored_fps)) / stored_fps
    shown = np.floor(time_s * made_fps + phase + 1e-6).astype(int)
    position = motion(shown / made_fps)
    rng = np.random.default_rng(5)
    change = np.concatenate([[0.0], np.linalg.norm(np.diff(position, axis=0), axis=1)]) + noise * rng.random(len(time_s))
    return time_s, change, shown


CADENCES = [(12, 24), (15, 30), (24, 30), (25, 30), (24, 25), (25, 60), (24, 60), (30, 60), (8, 24), (10, 30), (16, 24), (20, 30), (25, 50)]


@settings(max_examples=60)
@given(cadence=st.sampled_from(CADENCES), phase=st.floats(0, 0.99), seconds=st.floats(3.0, 8.0))
def test_every_cadence_is_found_with_its_rate_and_its_pictures(cadence: tuple[int, int], phase: float, seconds: float) -> None:
    made_fps, stored_fps = cadence
    time_s, change, shown = held(made_fps, stored_fps, seconds, phase)
    timing = timing_of(time_s, change)
    assert timing.held
    assert timing.fps == pytest.approx(made_fps, rel=0.002)
    first = np.flatnonzero(np.diff(shown, prepend=-1))
    assert len(np.setxor1d(timing.new[1:-1], first[1:-1])) <= 2
    assert np.ptp(np.diff(timing.new_time_s[1:])) < 1e-9


@pytest.mark.parametrize("fps", [12.0, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0])
def test_a_clip_whose_pictures_all_differ_is_not_held(fps: float) -> None:
    time_s, change, _ = held(fps, fps, 6.0, 0.0)
    timing = timing_of(time_s, change)
    assert not timing.held
    assert np.array_equal(timing.new, np.arange(len(time_s)))
    np.testing.assert_array_equal(timing.new_time_s, time_s)


@given(start=st.integers(5, 60), length=st.integers(2, 30))
def test_a_freeze_is_left_alone(start: int, length: int) -> None:
    time_s, change, _ = held(25, 25, 5.0, 0.0)
    change[start : start + length] = 0.05
    assert not timing_of(time_s, change).held


@given(st.sets(st.integers(2, 148), max_size=25), st.integers(0, 3))
def test_irregular_repeats_are_left_alone(repeats: set[int], seed: int) -> None:
    time_s, change, _ = held(25, 25, 6.0, 0.0)
    gaps = np.diff(sorted(repeats))
    if len(repeats) >= 3 and len(set(gaps.tolist())) < len(gaps) * 0.6:
        return  # it may be a cadence
    change[sorted(repeats)] = 0.05
    timing = timing_of(time_s, change)
    assert not timing.held or len(timing.new) >= len(time_s) - 12


def test_a_still_picture_has_no_cadence() -> None:
    assert not timing_of(np.arange(100) / 25, np.full(100, 0.2)).held


def test_a_variable_rate_has_no_cadence() -> None:
    time_s = np.cumsum(np.tile([0.04, 0.08], 40))
    assert not timing_of(time_s, np.tile([20.0, 0.1], 40)).held


def test_pictures_that_are_replaced_at_once_are_left_out() -> None:
    assert timing_of(np.array([0.0, 0.04, 0.04, 0.08]), np.ones(4)).new.tolist() == [0, 2, 3]
