"""Pictures in bounded memory: the same pictures and the same bodies, however many are kept in a file."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.errors import ClipUnavailableError
from seedbench.metrics.analyses.bodies import bodies_of
from seedbench.metrics.analyses.foreground import Region
from seedbench.metrics.analyses.motion import ShotPictures, camera_motion_of
from seedbench.metrics.analyses.picture_store import PictureStore
from tests.metrics.discs import FPS, bouncing, film


def numbered(count: int) -> Iterator[np.ndarray]:
    for number in range(count):
        yield np.full((4, 6, 3), number, np.uint8)


@pytest.mark.parametrize("in_memory_bytes", [0, 72, 200, 10_000])
def test_every_picture_comes_back_in_any_order(in_memory_bytes: int) -> None:
    store = PictureStore(numbered(9), in_memory_bytes=in_memory_bytes)
    assert len(store) == 9
    assert [int(picture[0, 0, 0]) for picture in store] == list(range(9))
    for number in (8, 0, 5, 1, 8):
        assert (store[number] == number).all()
        assert store[number].shape == (4, 6, 3)
    with pytest.raises(IndexError):
        store[9]


def test_a_long_shot_is_not_held_in_memory() -> None:
    tracemalloc.start()
    store = PictureStore((np.zeros((200, 200, 3), np.uint8) for _ in range(200)), in_memory_bytes=1_000_000)
    for _ in store:
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(store) == 200
    assert peak < 3_000_000


def test_a_full_disk_is_an_error_that_may_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(ClipUnavailableError, match="could not be kept"):
        PictureStore(numbered(3), in_memory_bytes=80)


@pytest.mark.parametrize("camera_pans", [False, True])
def test_bodies_are_the_same_from_memory_and_from_a_file(camera_pans: bool) -> None:
    time_s = np.arange(40) / FPS
    y, _ = bouncing(time_s, top=25.0, bottom=115.0)
    pan = 1.5 * np.arange(40) if camera_pans else None
    pictures = film([(90.0 + 50.0 * time_s, y)], floor=124.0, pan=pan)
    in_file = PictureStore(iter(pictures), in_memory_bytes=0)
    expected = bodies_of(ShotPictures(pictures, time_s, 1), camera_motion_of(pictures))
    seen = bodies_of(ShotPictures(in_file, time_s, 1), camera_motion_of(in_file))
    assert expected.camera_moving == camera_pans
    assert len(seen.tracks) == len(expected.tracks) > 0
    for track, other in zip(seen.tracks, expected.tracks, strict=True):
        assert np.array_equal(track.x, other.x)
        assert np.array_equal(track.area, other.area)
    assert np.array_equal(seen.changing, expected.changing)


@given(st.sets(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=60))
def test_a_region_holds_its_pixels_row_by_row(pixels: set[tuple[int, int]]) -> None:
    points = np.array(sorted(pixels, key=lambda pixel: (pixel[1], pixel[0])), float)
    assert np.array_equal(Region.of(points).points(), points)
