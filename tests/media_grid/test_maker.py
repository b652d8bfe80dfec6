"""Files of the grid are what they shall be: a player shows their known pictures at their known times, with their known sound.

This holds the makers and FFmpeg's command line against the drawn content, without anything of SeedBench.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.media_grid import marked_content as content
from tests.media_grid.compare import picture_differences, sound_differences
from tests.media_grid.files import GridFiles
from tests.media_grid.kinds import MediaKind, grid
from tests.media_grid.maker import HOLES_S, new_picture_time_s
from tests.media_grid.player import Shown

KINDS, _ = grid()
#: How far FFmpeg's command line itself is off the drawn times, in seconds: 1 ms is the unit of Matroska and FLV.
ROUNDING_S = 0.0012


def rounding_s(kind: MediaKind) -> float:
    """How far the times of a file's pictures may be off those of the drawn ones, in seconds."""
    if kind.container == "avi":
        return 3.1 / float(kind.stored_fps)  # no times, only a rate: what sound encoders put before the sound holds the first picture
    if kind.container == "ts" and kind.timing == "variable":
        return 0.02  # FFmpeg guesses the time of a key frame from the picture before
    return 0.6 / float(kind.stored_fps) if kind.stored_fps != kind.fps else ROUNDING_S


def numbers(shown: Shown) -> list[int]:
    return [content.number_of(picture) for picture in shown.rgb]


@pytest.mark.parametrize("number", [0, 1, 77, 150, 191])
def test_a_number_is_read_off_at_every_size(number: int) -> None:
    import cv2

    drawn = content.picture(number)
    for size in ((160, 120), (161, 121), (80, 60), (640, 360)):
        scaled = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
        assert content.is_upright(scaled)
        assert content.number_of(scaled) == number
        assert content.patch_error(scaled) < 3


@pytest.mark.parametrize(
    "turn", [lambda p: p[::-1], lambda p: p[:, ::-1], lambda p: np.rot90(p), lambda p: np.rot90(p, 2), lambda p: p[20:]]
)
def test_a_turned_mirrored_or_cut_picture_is_not_upright(turn: object) -> None:
    assert not content.is_upright(turn(content.picture(5)))  # type: ignore[operator]


@pytest.mark.parametrize("late_ms", [-40.0, -3.0, 0.0, 12.5])
def test_the_lag_of_a_sound_is_measured(late_ms: float) -> None:
    sound = content.sound()[: 2 * content.RATE]
    lags = content.lags_ms(np.roll(sound, round(late_ms * content.RATE / 1000)), sound)
    assert np.nanmedian(lags) == pytest.approx(late_ms, abs=0.03)


def test_another_sound_has_no_lag() -> None:
    lags = content.lags_ms(content.sound(1)[: content.RATE], content.sound(0)[: content.RATE])
    assert np.isinf(lags[~np.isnan(lags)]).all()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_player_shows_the_drawn_pictures_upright_in_order_and_in_their_colours(kind: MediaKind, grid_files: GridFiles) -> None:
    _, shown = grid_files.get(kind)
    assert all(content.is_upright(picture) for picture in shown.rgb)
    seen = numbers(shown)
    assert seen == sorted(seen)
    assert max(content.patch_error(picture) for picture in shown.rgb[::5]) < 8
    if kind.cut == "whole":
        assert sorted(set(seen)) == list(range(round(2 * kind.fps)))
        assert len(seen) == pytest.approx(2 * kind.stored_fps, abs=1)
    else:
        assert seen[0] > 4
        assert sorted(set(seen)) == list(range(seen[0], round(2 * kind.fps)))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_player_shows_each_picture_at_its_time(kind: MediaKind, grid_files: GridFiles) -> None:
    _, shown = grid_files.get(kind)
    seen = np.array(numbers(shown))
    first = np.diff(seen, prepend=-1) > 0
    expected = np.array([new_picture_time_s(kind, number) - new_picture_time_s(kind, seen[0]) for number in seen[first]])
    assert np.abs(shown.time_s[first] - expected).max() < rounding_s(kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.container != "avi"], ids=str)
def test_a_player_plays_the_drawn_sound_at_its_time(kind: MediaKind, grid_files: GridFiles) -> None:
    """In AVI, nothing says how much a sound encoder put before the sound."""
    _, shown = grid_files.get(kind)
    if kind.sound == "none":
        assert shown.sound is None
        return
    assert shown.sound is not None
    begin = new_picture_time_s(kind, numbers(shown)[0])
    expected = content.sound()[round((content.BEFORE_S + begin) * content.RATE) : round((content.BEFORE_S + 2) * content.RATE)].copy()
    if kind.sound == "holes":
        for start, end in HOLES_S:
            expected[max(0, round((start - begin - 0.03) * content.RATE)) : max(0, round((end - begin + 0.03) * content.RATE))] = 0
    if kind.sound == "late":
        expected[: round(0.33 * content.RATE)] = 0
    if kind.sound == "shorter":
        expected = expected[: max(0, round((1.37 - begin) * content.RATE))]
    loudest = shown.sound[int(np.argmax((shown.sound**2).sum(axis=1)))]
    lags = content.lags_ms(loudest, expected)
    assert np.nanmax(np.abs(lags)) < 2.0


def test_differences_are_seen(grid_files: GridFiles) -> None:
    """The comparison with a player can fail, each part of it."""
    _, shown = grid_files.get(MediaKind())
    assert shown.sound is not None
    mono = shown.sound[0]

    def pictures(rgb: np.ndarray, late_s: float = 0.0) -> str:
        return " ".join(picture_differences(rgb, shown.time_s * (1 + late_s), shown, rounding_s=0.001))

    assert pictures(shown.rgb) == ""
    assert "order" in pictures(shown.rgb[np.r_[0, 2, 1, 3 : len(shown.rgb)]])
    assert "turned" in pictures(shown.rgb[:, ::-1])
    assert "levels" in pictures(np.clip(shown.rgb * 1.16 - 18, 0, 255).astype(np.uint8))  # limited range shown as full
    assert "49 pictures" in pictures(shown.rgb[1:])
    assert "160 x 100" in pictures(shown.rgb[:, 10:110])
    assert "times" in pictures(shown.rgb, 0.01)
    assert sound_differences(mono, shown) == []
    assert sound_differences(-mono, shown) == []
    assert "+5.0 ms late" in sound_differences(np.roll(mono, 240), shown)[0]
    assert "another sound" in sound_differences(content.sound(1)[: len(mono)], shown)[0]
    assert sound_differences(None, shown) == ["one has sound, the other none"]
    silent = replace(shown, sound=np.where(np.arange(len(mono)) // 24_000 == 1, 0, shown.sound))
    assert "silence" in sound_differences(mono, silent)[0]
