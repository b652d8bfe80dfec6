"""Who speaks when: pure functions on drawn fits with known speakers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.metrics.lipsync.estimators import LAGS
from seedbench.metrics.lipsync.model import WINDOW_FRAMES
from seedbench.metrics.lipsync.turns import NOBODY, best_stretch, most_likely_states, speech_units, stretches_of, who_speaks

UNIT = 20
FRAMES = np.full(8, UNIT)


def fits(speaks: list[bool], lag: int, seed: int, strength: float = 6.0) -> np.ndarray:
    """Summed fits (units, 31) of a face that speaks in some units at ``lag``; elsewhere those of unrelated lips."""
    rng = np.random.default_rng(seed)
    sums = rng.normal(size=(len(speaks), len(LAGS))) * np.sqrt(UNIT * WINDOW_FRAMES) * 0.4
    sums[speaks, lag + 15] += strength * UNIT
    return sums


ALL_ON_SCREEN = np.ones((2, 8), bool)


def test_units_cover_the_speech_once_and_leave_pauses_out() -> None:
    units = speech_units(np.array([[0.2, 2.2], [3.0, 3.4]]), 100)
    covered = [frame for start, end in units for frame in range(start, end)]
    assert covered == [*range(5, 55), *range(75, 85)]
    assert max(end - start for start, end in units) <= 1.5 * UNIT


def test_speech_after_the_last_picture_has_no_units() -> None:
    assert speech_units(np.array([[1.0, 2.0], [5.0, 6.0]]), 40) == [(25, 40)]


def test_speakers_in_turn_are_told_apart_though_their_lags_differ() -> None:
    first = [True] * 3 + [False] * 5
    second = [False] * 3 + [True] * 5
    speakers = who_speaks(np.stack([fits(first, 2, 1), fits(second, -4, 2)]), FRAMES, ALL_ON_SCREEN)
    assert speakers.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]


def test_a_voice_of_nobody_on_screen_is_given_to_nobody() -> None:
    shown = [True] * 4 + [False] * 4
    speakers = who_speaks(fits(shown, 0, 3)[None], FRAMES, ALL_ON_SCREEN[:1])
    assert speakers.tolist() == [0] * 4 + [NOBODY] * 4


def test_a_face_that_is_off_screen_does_not_speak() -> None:
    on_screen = np.array([[True] * 4 + [False] * 4])
    assert who_speaks(fits([True] * 8, 0, 4)[None], FRAMES, on_screen).tolist() == [0] * 4 + [NOBODY] * 4


def test_equal_faces_are_decided_by_their_order_not_by_rounding() -> None:
    same = fits([True] * 8, 0, 5)
    for nudge in (1e-12, -1e-12):
        assert (who_speaks(np.stack([same, same + nudge]), FRAMES, ALL_ON_SCREEN) == 0).all()


@pytest.mark.parametrize("spoken", [2, 4, 8])
def test_the_best_stretch_sees_a_part_that_fits(spoken: int) -> None:
    silent = best_stretch(fits([False] * 8, 0, 6), FRAMES)
    assert best_stretch(fits([True] * spoken + [False] * (8 - spoken), 0, 6), FRAMES) > silent


def test_less_than_a_window_of_speech_has_no_best_stretch() -> None:
    assert best_stretch(fits([True], 0, 7), FRAMES[:1]) == -np.inf


@given(st.lists(st.lists(st.floats(-5, 5), min_size=4, max_size=4), min_size=1, max_size=3), st.floats(0, 5))
def test_no_sequence_of_states_is_likelier_than_the_one_returned(rows: list[list[float]], cost: float) -> None:
    gains = np.array(rows)

    def total(sequence: tuple[int, ...]) -> float:
        changes = sum(a != b for a, b in itertools.pairwise(sequence))
        return float(sum(gains[state, step] for step, state in enumerate(sequence))) - cost * changes

    best = max(total(tuple(sequence)) for sequence in np.ndindex(*[len(rows)] * 4))
    assert total(tuple(most_likely_states(gains, cost).tolist())) == pytest.approx(best, abs=1e-6)


def test_turns_of_a_face_are_not_joined_across_another_speaker() -> None:
    units = [(0, 20), (20, 30), (30, 50)]
    assert stretches_of(units, np.array([0, 1, 0]), 0) == [(0, 20), (30, 50)]
    assert stretches_of(units, np.array([0, NOBODY, 0]), 0) == [(0, 50)]
