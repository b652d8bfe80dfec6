"""Cuts are found where they are, and flashes, fades, pans, freezes and flicker are not taken for cuts."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.metrics.analyses.shots import Shots, changes_of, find_shots, is_flash, score_ratios, shot_bounds

FPS = 25.0


def picture(seed: int, width: int = 128) -> np.ndarray:
    """A smooth random picture (72, width, 3)."""
    import cv2

    coarse = np.random.default_rng(seed).integers(20, 236, (6, width // 16, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, 72), interpolation=cv2.INTER_CUBIC)


def still(seed: int, count: int) -> list[np.ndarray]:
    return [picture(seed)] * count


def shots_of(pictures: list[np.ndarray], fps: float = FPS) -> Shots:
    return find_shots(changes_of(pictures), np.arange(len(pictures)) / fps, len(pictures) / fps)


@pytest.mark.parametrize("fps", [24.0, 25.0, 30.0, 60.0])
def test_two_plates_have_one_cut_at_its_frame(fps: float) -> None:
    shots = shots_of(still(1, 20) + still(2, 30), fps)
    assert shots.cuts_s.tolist() == [20 / fps]
    assert shots.bounds_s == pytest.approx(np.array([[0, 20 / fps], [20 / fps, 50 / fps]]))


def test_a_still_clip_and_a_single_picture_have_no_cut() -> None:
    assert shots_of(still(1, 40)).cuts_s.size == 0
    assert shots_of(still(1, 1)).bounds_s.tolist() == [[0.0, 0.04]]


@pytest.mark.parametrize("length", [1, 2, 4])
def test_a_flash_is_no_cut(length: int) -> None:
    white = [np.full((72, 128, 3), 250, np.uint8)] * length
    assert shots_of(still(1, 20) + white + still(1, 20)).cuts_s.size == 0


def test_a_flash_on_a_cut_leaves_one_cut() -> None:
    white = [np.full((72, 128, 3), 250, np.uint8)]
    cuts = shots_of(still(1, 20) + white + still(2, 20)).cuts_s
    assert len(cuts) == 1
    assert cuts[0] in (20 / FPS, 21 / FPS)


@pytest.mark.parametrize("length", [6, 12, 25])
def test_a_fade_is_no_cut(length: int) -> None:
    fade = [(picture(1) * level).astype(np.uint8) for level in np.linspace(1, 0, length)]
    assert shots_of(still(1, 15) + fade + fade[::-1] + still(1, 15)).cuts_s.size == 0


def test_a_whip_pan_is_no_cut() -> None:
    wide = picture(5, width=1280)
    offsets = np.concatenate([np.zeros(15), np.cumsum(np.full(10, 80)), np.full(15, 800)]).astype(int)
    assert shots_of([wide[:, start : start + 128] for start in offsets]).cuts_s.size == 0


def test_flicker_is_no_cut() -> None:
    dark = (picture(1) * 0.5).astype(np.uint8)
    assert shots_of([picture(1) if index % 2 else dark for index in range(40)]).cuts_s.size == 0


def test_a_faint_change_counts_only_where_a_cut_is_declared() -> None:
    blend = (0.9 * picture(1) + 0.1 * picture(2)).astype(np.uint8)
    other = picture(1).copy()
    other[10:36, 30:58] = picture(2)[10:36, 30:58]
    assert shots_of(still(1, 20) + [blend] * 20).faint_s.size == 0
    shots = shots_of(still(1, 20) + [other] * 20)
    assert (shots.cuts_s.size, shots.faint_s.tolist()) == (0, [20 / FPS])


@pytest.mark.parametrize("gain", [0.4, 0.7, 1.3])
def test_a_switched_lamp_is_no_cut(gain: float) -> None:
    lit = np.clip(picture(1) * gain, 0, 255).astype(np.uint8)
    shots = shots_of(still(1, 20) + [lit] * 20)
    assert shots.score.max() > 6
    assert shots.cuts_s.size == shots.faint_s.size == 0


def test_another_person_in_the_same_room_is_a_cut() -> None:
    before, after = picture(1), picture(1)
    before[10:70, 45:85] = (230, 180, 150)
    after[10:70, 45:85] = (90, 40, 120)
    assert shots_of([before] * 20 + [after] * 20).cuts_s.tolist() == [20 / FPS]


def test_the_shot_of_a_time_starts_with_its_cut() -> None:
    shots = shots_of(still(1, 20) + still(2, 20) + still(3, 20))
    assert [shots.shot_of(time) for time in (0.0, 0.79, 0.8, 1.59, 1.6, 2.3)] == [0, 0, 1, 1, 2, 2]


def test_bounds_follow_on_each_other() -> None:
    edges = shot_bounds(np.array([1.0, 2.5]), 4.0)
    assert edges.tolist() == [[0.0, 1.0], [1.0, 2.5], [2.5, 4.0]]


def test_repeated_frames_do_not_raise_the_ratio_of_movement() -> None:
    score = np.tile([0.0, 6.0], 20)
    assert score_ratios(score, np.arange(40) / 30)[5:35].max() < 3.0


def test_pictures_far_apart_in_time_can_be_cut() -> None:
    shots = find_shots(changes_of(still(1, 5) + still(2, 5)), np.arange(10) * 0.5, 5.0)
    assert shots.cuts_s.tolist() == [2.5]


@pytest.mark.parametrize("fps", [10.0, 24.0, 25.0, 30.0 / 1.001, 30.0, 50.0, 60.0])
def test_cuts_are_the_same_whatever_the_length_and_the_start(fps: float) -> None:
    step = fps / FPS
    pictures = still(1, round(30 * step)) + still(2, round(30 * step))
    all_cuts = set()
    for first in range(3):
        for count in range(len(pictures) - first - 2, len(pictures) - first + 1):
            time_s = (np.arange(count) + first) / fps
            shown = find_shots(changes_of(pictures[first : first + count]), time_s - time_s[0], count / fps)
            all_cuts.add(tuple(np.round((shown.cuts_s + time_s[0]) * fps, 6).tolist()))
    assert all_cuts == {(float(round(30 * step)),)}


@pytest.mark.parametrize("fps", [10.0, 20.0, 30.0, 50.0, 60.0])
def test_a_picture_exactly_one_flash_length_away_is_always_treated_alike(fps: float) -> None:
    away, before = round(0.3 * fps), round(fps)
    pictures = np.repeat([10, 250, 10], [before, away, before]).astype(np.uint8).reshape(-1, 1, 1, 1)
    clocks = [(np.arange(len(pictures)) + first) / fps - first / fps for first in range(60)]
    assert len({is_flash(pictures, time_s, before) for time_s in clocks}) == 1
