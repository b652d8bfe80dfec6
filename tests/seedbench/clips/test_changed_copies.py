"""Changes of a clip that do not alter what it shows."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.clips.changed_copies import (
    at_rate,
    beside,
    cropped,
    first_seconds,
    followed_by,
    mirrored,
    resized,
    with_sound_of,
)
from seedbench.clips.degradations import ClipArrays


def clip(count: int = 4, *, fps: float = 10, size: tuple[int, int] = (8, 12), level: int = 0, seconds: float = 0.4) -> ClipArrays:
    """Pictures of levels ``level``, ``level`` + 1, ... whose left half is black, and a sound that rises from 0 to 1."""
    pictures = []
    for index in range(count):
        picture = np.zeros((*size, 3), np.uint8)
        picture[:, size[1] // 2 :] = level + index
        pictures.append(picture)
    return ClipArrays(pictures, np.arange(count) / fps, np.linspace(0, 1, round(1000 * seconds), dtype=np.float32)[None], 1000)


def levels(changed: ClipArrays) -> list[int]:
    return [int(rgb.max()) for rgb in changed.pictures]


@pytest.mark.parametrize(("fps", "expected"), [(5, [10, 12]), (20, [10, 10, 11, 11, 12, 12, 13, 13]), (10, [10, 11, 12, 13])])
def test_another_rate_shows_the_picture_of_each_moment(fps: float, expected: list[int]) -> None:
    changed = at_rate(clip(level=10), fps)
    assert levels(changed) == expected
    assert changed.time_s == pytest.approx(np.arange(len(expected)) / fps)


def test_mirrored_cropped_and_resized_pictures() -> None:
    assert int(next(iter(mirrored(clip(level=10)).pictures))[0, 0, 0]) == 10
    assert next(iter(cropped(clip(level=10), 0.5, 0.25, 1, 1).pictures)).shape == (6, 6, 3)
    assert int(next(iter(cropped(clip(level=10), 0.5, 0, 1, 1).pictures)).min()) == 10
    assert next(iter(resized(clip(), 0.5).pictures)).shape == (4, 6, 3)


def test_the_sound_of_another_clip_is_cut_or_followed_by_silence() -> None:
    long, short = clip(seconds=0.9), clip(seconds=0.2)
    assert with_sound_of(clip(), long).sound == pytest.approx(long.sound[:, :400])
    padded = with_sound_of(clip(), short).sound
    assert padded is not None
    assert padded.shape == (1, 400)
    assert not padded[:, 200:].any()
    silent = ClipArrays(clip().pictures, clip().time_s, None, 1000)
    assert with_sound_of(clip(), silent).sound is None


def test_the_beginning_has_its_pictures_and_its_sound() -> None:
    changed = first_seconds(clip(level=10), 0.2)
    assert (levels(changed), changed.time_s.tolist()) == ([10, 11], [0.0, 0.1])
    assert changed.sound is not None
    assert changed.sound.shape == (1, 200)
    assert len(first_seconds(clip(), 9).time_s) == 4


def test_one_clip_follows_another_in_its_size() -> None:
    changed = followed_by(clip(2, level=10), clip(2, level=50, size=(16, 16)))
    assert levels(changed) == [10, 11, 50, 51]
    assert changed.time_s == pytest.approx([0, 0.1, 0.2, 0.3])
    pictures = list(changed.pictures)
    assert {rgb.shape for rgb in pictures} == {(8, 12, 3)}
    assert not pictures[2][:, :2].any()  # black beside the narrower one
    assert levels(changed) == [10, 11, 50, 51]  # they can be gone through again


def test_two_clips_stand_beside_each_other_and_the_shorter_one_stays() -> None:
    pictures = list(beside(clip(level=10), clip(2, level=50, size=(4, 4))).pictures)
    assert {rgb.shape for rgb in pictures} == {(8, 20, 3)}
    assert [int(rgb[0, 11, 0]) for rgb in pictures] == [10, 11, 12, 13]
    assert [int(rgb[0, 19, 0]) for rgb in pictures] == [50, 51, 51, 51]
