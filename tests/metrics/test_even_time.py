"""The pace of a motion is measured together with its law: even time is even in spite of noise, judder, drag and tilt; eased time is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from seedbench.clips import time_maps
from seedbench.metrics.analyses.repeated_pictures import Repeats
from seedbench.metrics.physics.even_time import (
    Exactness,
    Pacing,
    PathStretch,
    counted_pacing,
    flights_pacing,
    repeats_pacing,
    swing_pacing,
)
from seedbench.metrics.physics.timing import EVEN, UNEVEN, frozen_pictures

FPS = 30
SIGMA = 0.3
SMOOTH = Exactness(SIGMA, 1 / FPS, False)
UNEVEN_TIMES = [
    (lambda t: time_maps.eased(t, 1.0)),
    (lambda t: time_maps.ramped(t, 1.6 / 0.6)),
    (lambda t: time_maps.ramped(t, 0.6 / 1.6)),
]


def noisy(values: np.ndarray, seed: int) -> np.ndarray:
    return values + np.random.default_rng(seed).normal(0, SIGMA, values.shape)


def thrown(moment_s: np.ndarray, time_s: np.ndarray, *, tilt: float = 0.0, drag: float = 0.0, seed: int = 0) -> Pacing:
    """The pace of one throw of 0.9 s, 200 pixels wide and 100 high, whose moments are shown at some times."""
    speed = 220 * moment_s - 0.5 * drag * 220 * moment_s**2
    places = np.stack([speed + 0.5 * tilt * 990 * moment_s**2, 990 / 2 * (moment_s - 0.45) ** 2], axis=1)
    pacing = flights_pacing([PathStretch(time_s, time_s, noisy(places, seed))], SMOOTH)
    assert pacing is not None
    return pacing


def swung(moment_s: np.ndarray, time_s: np.ndarray) -> Pacing:
    pacing = swing_pacing(
        PathStretch(time_s, time_s, noisy(120 * np.exp(-0.05 * moment_s) * np.cos(3.5 * moment_s), 1)[:, None]), SMOOTH, omega=3.4
    )
    assert pacing is not None
    return pacing


@pytest.mark.parametrize("seed", range(5))
def test_a_throw_is_even_with_noise_a_tilted_camera_and_some_drag(seed: int) -> None:
    t = np.arange(28) / FPS
    assert thrown(t, t, seed=seed).unevenness < EVEN
    assert thrown(t, t, tilt=0.1, seed=seed).unevenness < EVEN
    assert thrown(t, t, drag=0.1, seed=seed).unevenness < EVEN


@pytest.mark.parametrize("remap", UNEVEN_TIMES)
def test_a_throw_that_is_eased_or_ramped_is_uneven_though_no_picture_is_held(remap: Callable[[np.ndarray], np.ndarray]) -> None:
    t = np.arange(28) / FPS
    assert thrown(remap(t), t).unevenness > (EVEN + UNEVEN) / 2


@pytest.mark.parametrize("remap", [UNEVEN_TIMES[0], UNEVEN_TIMES[2]])  # motion_law sees the other: its swings are too different for a fit
def test_a_swing_shows_its_pace(remap: Callable[[np.ndarray], np.ndarray]) -> None:
    t = np.arange(150) / FPS
    assert swung(t, t).unevenness < EVEN
    assert swung(remap(t), t).unevenness > (EVEN + UNEVEN) / 2


@pytest.mark.parametrize("speed", [0.8, 0.9, 1.1])
def test_a_steady_speed_with_judder_is_even(speed: float) -> None:
    t = np.arange(60) / FPS
    moment_s = np.round(speed * t * FPS) / FPS
    pacing = counted_pacing(PathStretch(t, moment_s, np.zeros((60, 1))), Exactness(SIGMA, 1 / FPS, True))
    assert pacing is not None
    assert pacing.unevenness < EVEN


@pytest.mark.parametrize("remap", [*UNEVEN_TIMES, lambda t: time_maps.wobbled(t, 0.8)])
def test_held_and_dropped_pictures_alone_show_an_uneven_pace(remap: Callable[[np.ndarray], np.ndarray]) -> None:
    t = np.arange(90) / FPS
    moment_s = np.round(remap(t) * FPS) / FPS
    pacing = counted_pacing(PathStretch(t, moment_s, np.zeros((90, 1))), Exactness(SIGMA, 1 / FPS, True))
    assert pacing is not None
    assert pacing.unevenness > 0.2


def test_too_few_pictures_and_a_roll_without_held_ones_have_no_pace() -> None:
    t = np.arange(8) / FPS
    assert flights_pacing([PathStretch(t, t, np.zeros((8, 2)))], SMOOTH) is None
    assert flights_pacing([], SMOOTH) is None
    t = np.arange(40) / FPS
    assert counted_pacing(PathStretch(t, t, np.zeros((40, 1))), SMOOTH) is None


def test_a_picture_is_frozen_only_where_a_filmed_one_stops_in_the_middle_of_a_motion() -> None:
    t = np.arange(60) / FPS
    changing = np.ones(60)
    changing[20:32] = 0.0
    assert frozen_pictures(changing, t, (0.1, 1.5)) == [(pytest.approx(19 / FPS), pytest.approx(31 / FPS))]
    assert frozen_pictures(changing, t, (1.2, 1.8)) == []
    assert frozen_pictures(0.4 * changing, t, (0.1, 1.5)) == []


def repeats_at(moment_s: np.ndarray, time_s: np.ndarray) -> Repeats:
    """The repeats of a clip that shows the nearest picture to each moment."""
    shown = time_maps.nearest_pictures(time_s, moment_s)
    return Repeats(np.append(False, np.diff(shown) == 0), np.ones(len(time_s), bool))


@pytest.mark.parametrize("count", [19, 45, 90, 229])  # of 25 pictures eased, all repeats lie at the very ends
def test_repeats_of_a_steady_speed_are_even_and_those_of_a_slow_start_or_a_ramp_are_not(count: int) -> None:
    t = np.arange(count) / FPS
    for speed in (0.9, 0.8, 0.667, 0.5, 0.4):
        steady = repeats_pacing(repeats_at(speed * t, t), longest=3)
        assert steady is None or steady.unevenness < EVEN / 2
    for remap in UNEVEN_TIMES:
        uneven = repeats_pacing(repeats_at(remap(t), t), longest=3)
        assert uneven is not None
        assert uneven.unevenness > 1.25 * EVEN


def test_a_single_repeat_a_freeze_and_a_stand_still_at_the_ends_are_no_uneven_pace() -> None:
    every = np.arange(40)
    known = np.ones(40, bool)
    for repeated in (every == 12, (every > 12) & (every < 20), every < 9, every > 30, (every < 9) | (every > 30)):
        assert repeats_pacing(Repeats(repeated & (every > 0), known), longest=3) is None


def test_stretches_in_which_a_repeat_would_not_be_seen_are_left_out() -> None:
    every = np.arange(60)
    late = (every >= 30) & (every % 4 == 1)
    everywhere = repeats_pacing(Repeats(late, every >= 0), longest=3)
    in_motion = repeats_pacing(Repeats(late, every >= 30), longest=3)
    assert everywhere is not None
    assert in_motion is not None
    assert everywhere.unevenness > EVEN
    assert in_motion.unevenness == 0.0
