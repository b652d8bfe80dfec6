"""Sound is placed packet by packet: holes stay holes, jitter is no hole, and channels do not cancel."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.clips.sound import Piece, in_place, to_mono

RATE = 48_000


def pieces(places: list[int], size: int) -> list[Piece]:
    return [Piece(at, np.full((1, size), 1.0, np.float32)) for at in places]


def placed(places: list[int], size: int) -> list[int]:
    return [at for at, _ in in_place(pieces(places, size), RATE)]


@given(
    size=st.sampled_from([480, 960, 1024, 1152]),
    kept=st.lists(st.booleans(), min_size=12, max_size=80),
    rounding=st.sampled_from([1, 48]),
)
def test_missing_packets_leave_holes_of_their_length(size: int, kept: list[bool], rounding: int) -> None:
    true = [k * size for k, keep in enumerate(kept) if keep]
    stamps = [round(at / rounding) * rounding for at in true]
    got = placed(stamps, size)
    assert len(got) == len(true)
    assert max((abs(a - b) for a, b in zip(got, true, strict=True)), default=0) <= 2 * rounding


@given(st.lists(st.integers(-190, 190), min_size=20, max_size=60))
def test_jitter_of_stamps_makes_no_hole(jitter: list[int]) -> None:
    got = placed([k * 960 + off for k, off in enumerate(jitter)], 960)
    assert {after - before for before, after in pairwise(got)} == {960}


def test_a_single_stamp_that_is_off_moves_nothing() -> None:
    stamps = [k * 960 for k in range(20)]
    stamps[7] += 5000
    assert placed(stamps, 960) == [k * 960 for k in range(20)]


def test_sound_that_goes_back_is_laid_over_what_is_there() -> None:
    stamps = [k * 960 for k in range(10)] + [k * 960 - 1920 for k in range(10, 20)]
    assert placed(stamps, 960)[10] == 10 * 960 - 1920


def test_no_sound_has_no_places() -> None:
    assert placed([], 960) == []


def test_a_clock_that_runs_slow_is_followed() -> None:
    stamps = [round(k * 961.0) for k in range(3000)]  # one sample in a thousand: 60 ms in a minute
    got = placed(stamps, 960)
    assert max(abs(a - b) for a, b in zip(got, stamps, strict=True)) <= 0.0085 * RATE


@pytest.mark.parametrize("weaker", [1.0, 0.9, 0.7])
def test_channels_that_cancel_are_heard_through_the_stronger_one(weaker: float) -> None:
    tone = np.sin(np.arange(4800) / 10).astype(np.float32)
    mono, note = to_mono(np.stack([weaker * tone, -tone]))
    assert np.array_equal(mono, -tone if weaker < 1 else tone)
    assert "cancel" in note


def test_ordinary_stereo_is_averaged() -> None:
    rng = np.random.default_rng(0)
    both = rng.normal(size=(2, 4800)).astype(np.float32)
    mono, note = to_mono(both)
    np.testing.assert_allclose(mono, both.mean(axis=0), atol=1e-7)
    assert note == ""
