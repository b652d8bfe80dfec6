"""Re-timings: the pace is the stated one, nothing goes backwards, and what lies outside the motion stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.clips import time_maps
from seedbench.clips.degradations import ClipArrays, cut_out, ease, pause, speed_ramp, wobble

TIMES = np.arange(101) / 50
EVERY = [
    (time_maps.eased, 1.0),
    (time_maps.eased, 0.4),
    (time_maps.ramped, 0.25),
    (time_maps.ramped, 2.7),
    (time_maps.wobbled, 0.6),
    (time_maps.paused, 0.5),
    (time_maps.cut_out, 0.2),
]


@pytest.mark.parametrize(("remap", "amount"), EVERY)
def test_no_re_timing_goes_backwards_or_beyond_the_clip(remap: Callable[..., np.ndarray], amount: float) -> None:
    for span_s in (None, (0.5, 1.2)):
        moments = remap(TIMES, amount, span_s=span_s)
        assert np.diff(moments).min() > -1e-12
        assert moments[0] == TIMES[0]
        assert moments[-1] <= TIMES[-1] + 1e-9


@pytest.mark.parametrize(("remap", "amount"), EVERY)
def test_what_comes_before_the_motion_stays(remap: Callable[..., np.ndarray], amount: float) -> None:
    before = TIMES < 0.5
    assert remap(TIMES, amount, span_s=(0.5, 1.2))[: before.sum()] == pytest.approx(TIMES[before])


def test_the_speed_is_the_stated_one() -> None:
    speed = np.diff(time_maps.ramped(TIMES, 2.5)) * 50
    assert speed[-1] / speed[0] == pytest.approx(2.5, rel=0.03)
    assert np.ptp(np.diff(time_maps.wobbled(TIMES, 0.5)) * 50) == pytest.approx(1.0, abs=0.02)
    eased = np.diff(time_maps.eased(TIMES, 0.4)) * 50
    assert (eased[0], eased[50]) == (pytest.approx(0.6, abs=0.02), pytest.approx(1.2, abs=0.02))
    assert (np.diff(time_maps.paused(TIMES, 0.5)) < 0.01).sum() == 25
    missing = np.diff(time_maps.cut_out(TIMES, 0.2))
    assert (len(missing), missing.max()) == (90, pytest.approx(0.22))


@given(st.lists(st.floats(-1, 3), min_size=1, max_size=30))
def test_no_other_picture_is_nearer_than_the_chosen_one(moments: list[float]) -> None:
    wanted = np.array(moments)
    chosen = TIMES[time_maps.nearest_pictures(TIMES, wanted)]
    assert np.abs(chosen - wanted) == pytest.approx(np.abs(TIMES[None] - wanted[:, None]).min(axis=1), abs=1e-8)


def test_pictures_are_shown_at_the_pace_of_the_re_timing() -> None:
    pictures = [np.full((2, 2, 3), level, np.uint8) for level in range(10)]
    clip = ClipArrays(pictures, np.arange(10) / 10, np.ones((1, 1000), np.float32), 1000)

    def levels(changed: ClipArrays) -> list[int]:
        return [int(rgb[0, 0, 0]) for rgb in changed.pictures]

    assert levels(pause(clip, 0.3)) == [0, 1, 2, 3, 4, 4, 4, 4, 5, 6]
    assert levels(ease(clip, 1.0))[:3] == [0, 0, 1]
    assert levels(speed_ramp(clip, 4.0))[-1] == 9
    assert levels(wobble(clip, 0.0)) == list(range(10))
    shorter = cut_out(clip, 0.3)
    assert levels(shorter) == [0, 1, 2, 3, 7, 8, 9]
    assert shorter.sound is not None
    assert (len(shorter.time_s), shorter.sound.shape) == (7, (1, 700))
