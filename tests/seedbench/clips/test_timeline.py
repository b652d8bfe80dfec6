"""Times of pictures out of what containers store."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.clips.timeline import USUAL_RATES, end_of_pictures, picture_times

RATES = st.sampled_from(USUAL_RATES)


@given(rate=RATES, count=st.integers(2, 400), first_ms=st.integers(0, 5000), rate_known=st.booleans())
def test_stamps_rounded_to_milliseconds_give_the_times_of_their_rate(rate: Fraction, count: int, first_ms: int, rate_known: bool) -> None:
    true = np.arange(count) / float(rate)
    stamps = np.rint(true * 1000 + first_ms) / 1000
    times = picture_times(stamps.tolist(), 0.001, [rate] if rate_known else ())
    if rate_known:
        np.testing.assert_allclose(times, true, atol=1e-9)
    else:  # 23.976 and 24 differ by less than the rounding in a short clip
        assert np.abs(times - true).max() <= 0.0011


@given(rate=RATES, dropped=st.sets(st.integers(1, 58), max_size=20))
def test_dropped_pictures_leave_the_others_at_their_times(rate: Fraction, dropped: set[int]) -> None:
    true = np.array([k for k in range(60) if k not in dropped]) / float(rate)
    np.testing.assert_allclose(picture_times(np.rint(true * 1000) / 1000, 0.001, [rate]), true, atol=1e-9)


@given(st.lists(st.integers(1, 400), min_size=2, max_size=60))
def test_times_of_a_variable_rate_are_those_of_the_container(steps_ms: list[int]) -> None:
    stamps = np.cumsum([0, *steps_ms]) / 1000
    times = picture_times(stamps.tolist(), 0.001, [None, Fraction(25)])
    assert np.abs(times - stamps).max() <= 0.00102


@given(rate=RATES, count=st.integers(8, 400), hz=st.sampled_from([90_000, 16_000, 12_800, 30_000, 1_000_000]))
def test_a_copy_to_a_finer_clock_keeps_no_rounding_to_milliseconds(rate: Fraction, count: int, hz: int) -> None:
    true = np.arange(count) / float(rate)
    stamps = np.rint(np.rint(true * 1000) / 1000 * hz) / hz
    np.testing.assert_allclose(picture_times(stamps.tolist(), 1 / hz, [rate]), true, atol=1.1 / hz)


def test_a_fine_clock_is_believed_to_the_last_digit() -> None:
    stamps = [0.0, 0.0401, 0.0799, 0.1202]
    assert picture_times(stamps, 1 / 90_000, [Fraction(25)]).tolist() == stamps


@given(order=st.permutations(range(12)))
def test_pictures_keep_the_order_of_the_decoder(order: list[int]) -> None:
    np.testing.assert_allclose(picture_times([k / 25 for k in order], 0.04), np.arange(12) / 25, atol=1e-9)


@pytest.mark.parametrize(("last_s", "end_s"), [(0.04, 0.16), (0.0, 0.16), (0.3, 0.42), (50.0, 0.16), (0.001, 0.16)])
def test_the_last_picture_stays_as_long_as_can_be_believed(last_s: float, end_s: float) -> None:
    assert end_of_pictures(np.arange(4) / 25, last_s) == pytest.approx(end_s)
