"""A clip is what a player shows of the file: pictures, their times and sound are those of FFmpeg's command line, for all kinds of files.

What FFmpeg's command line itself makes of the files is held against their drawn content by ``tests/media_grid/test_maker.py``.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.cropping import NO_CROP, Crop
from seedbench.clips.display import display_of
from tests.media_grid.compare import picture_differences, sound_differences
from tests.media_grid.files import GridFiles
from tests.media_grid.kinds import MediaKind, grid
from tests.media_grid.marked_content import is_upright, number_of, patch_error
from tests.media_grid.player import Shown

KINDS = grid()[0]


def rounding_s(kind: MediaKind) -> float:
    """How far times may be apart: those of coarse containers are snapped to the rate of the stream."""
    if kind.container == "ts" and kind.timing == "variable":
        return 0.02  # the packet of a key frame has no time; FFmpeg guesses it from the picture before
    return 0.0012


def decoded(path: Path) -> tuple[Clip, np.ndarray]:
    clip = Clip.open(path)
    return clip, np.stack(list(clip.pictures()))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_pictures_and_sound_are_those_that_a_player_shows(kind: MediaKind, grid_files: GridFiles) -> None:
    path, shown = grid_files.get(kind)
    clip, rgb = decoded(path)
    differences = picture_differences(rgb, clip.time_s, shown, rounding_s=rounding_s(kind))
    differences += sound_differences(clip.audio(48_000).samples if clip.facts.has_audio else None, shown)
    assert differences == []
    assert max(patch_error(picture) for picture in rgb[::5]) < 8


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_facts_are_of_what_is_shown(kind: MediaKind, grid_files: GridFiles) -> None:
    path, shown = grid_files.get(kind)
    facts = Clip.open(path).facts
    assert (facts.height, facts.width, facts.n_frames) == (*shown.rgb.shape[1:3], len(shown.rgb))
    assert facts.has_audio == (shown.sound is not None)
    step = 1.0 / float(kind.stored_fps)
    last = 0.031 if kind.timing == "variable" else step
    assert facts.duration_s == pytest.approx(shown.time_s[-1] + last, abs=0.03 if kind.timing == "variable" else 0.002)
    if kind.timing != "variable":
        assert facts.fps == pytest.approx(float(kind.stored_fps), rel=4e-4)  # one tick of MPEG's clock at 59.94
    if kind.container != "avi":  # where a sound encoder puts something before the sound, FFmpeg's AVI holds its first picture
        assert facts.variable_rate == (kind.timing == "variable")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "-in-" in kind.timing and kind.container != "avi"], ids=str)
def test_held_pictures_are_known_with_the_rate_at_which_they_were_drawn(kind: MediaKind, grid_files: GridFiles) -> None:
    path, _ = grid_files.get(kind)
    clip, rgb = decoded(path)
    new = [number_of(rgb[index]) for index in clip.timing.new]
    assert new == list(range(new[0], new[0] + len(new)))
    assert new[-1] == number_of(rgb[-1])
    assert clip.timing.fps == pytest.approx(float(kind.fps), rel=0.002)
    assert np.abs(np.diff(clip.timing.new_time_s) - 1 / float(kind.fps)).max() < 0.003


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "-in-" not in kind.timing and kind.container != "avi"], ids=str)
def test_where_every_picture_is_new_none_is_taken_for_a_repeat(kind: MediaKind, grid_files: GridFiles) -> None:
    path, shown = grid_files.get(kind)
    assert Clip.open(path).timing.new.tolist() == list(range(len(shown.rgb)))


@pytest.mark.parametrize("kind", [MediaKind(cover="first", container="mkv"), MediaKind(sound="commentary-first", container="mkv")], ids=str)
def test_what_is_left_out_of_a_file_is_remarked(kind: MediaKind, grid_files: GridFiles) -> None:
    path, _ = grid_files.get(kind)
    notes = " ".join(Clip.open(path).notes)
    assert ("cover picture" if kind.cover == "first" else "of 2 sound tracks") in notes


def test_the_least_scaled_picture_of_a_cropped_file_is_still_what_is_shown(grid_files: GridFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    path, shown = grid_files.get(MediaKind(geometry="cropped"))
    monkeypatch.setattr("seedbench.clips.display.SHORT_SIDE_CAP", 60)
    _, rgb = decoded(path)
    assert rgb.shape[1:3] == (60, 80)
    assert all(is_upright(picture) for picture in rgb)
    assert [number_of(picture) for picture in rgb] == [number_of(picture) for picture in shown.rgb]


def test_a_crop_that_leaves_nothing_is_not_heeded() -> None:
    frame = SimpleNamespace(width=64, height=48, side_data=())
    shown = display_of(frame, 1.0, Crop(left=40, right=24))
    assert shown.size == (64, 48)
    assert shown.crop == NO_CROP
    assert "more than its pictures" in shown.notes[0]


def test_a_player_that_shows_something_else_is_noticed(grid_files: GridFiles) -> None:
    """The comparison is not blind: another file's view differs."""
    path, _ = grid_files.get(MediaKind())
    _, other = grid_files.get(MediaKind(sound="second-is-default", timing="24-in-25"))
    clip, rgb = decoded(path)
    assert picture_differences(rgb, clip.time_s, other, rounding_s=0.0012) != []
    wrong = Shown(other.rgb, other.time_s, None)
    assert sound_differences(clip.audio(48_000).samples, wrong) != []
