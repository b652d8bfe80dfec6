"""Copies of a clip look and sound like the file in a player: degraded copies, previews, and what voters of an arena see.

The copies are decoded by FFmpeg's command line, as the file is, and compared by content: the number of the picture on screen and the lag of
the sound.
"""

from __future__ import annotations

from itertools import cycle, islice, product
from pathlib import Path

import pytest

from seedbench.arena.blinding.remux import BlindingError
from tests.media_grid.compare import copy_differences
from tests.media_grid.copies import ENCODED, NATIVE
from tests.media_grid.files import GridFiles
from tests.media_grid.kinds import FACTORS, MediaKind, grid
from tests.media_grid.maker import make_file
from tests.media_grid.player import play

KINDS = grid()[0]
#: Each file is copied in one of these ways, the next file in the next way; tests/benchmarks/copies_of_media.py copies each in all of them.
WAYS = list(islice(cycle(ENCODED), len(KINDS)))


@pytest.mark.parametrize(("kind", "way"), zip(KINDS, WAYS, strict=True), ids=str)
def test_encoded_copies_look_and_sound_like_the_file(kind: MediaKind, way: str, grid_files: GridFiles, tmp_path: Path) -> None:
    path, shown = grid_files.get(kind)
    copy = play(ENCODED[way](path, tmp_path), tmp_path)
    assert copy_differences(copy, shown) == []
    if way == "degraded":
        assert len(copy.rgb) == len(shown.rgb)


def test_every_container_and_codec_is_copied_in_every_way() -> None:
    pairs = list(zip(KINDS, WAYS, strict=True))
    assert {(kind.container, way) for kind, way in pairs} == set(product(FACTORS["container"], ENCODED))
    assert {(kind.codec, way) for kind, way in pairs} == set(product(FACTORS["codec"], ENCODED))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.codec in ("h264", "vp9", "av1")], ids=str)
def test_native_clips_look_and_sound_like_the_file_or_are_refused_with_the_reason(
    kind: MediaKind, grid_files: GridFiles, tmp_path: Path
) -> None:
    path, shown = grid_files.get(kind)
    refusal = ""
    try:
        copy = play(NATIVE(path, tmp_path), tmp_path)
    except BlindingError as error:
        refusal = str(error)
    if refusal:
        assert path.name in refusal
        assert "\n" not in refusal
        return
    assert len(copy.rgb) == len(shown.rgb)
    assert copy_differences(copy, shown) == []


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "flv"])
@pytest.mark.parametrize("geometry", ["plain", "turned-90", "turned-180", "turned-270", "mirrored"])
def test_turned_h264_is_shown_natively_upright(container: str, geometry: str, grid_files: GridFiles, tmp_path: Path) -> None:
    path, shown = grid_files.get(MediaKind(container=container, geometry=geometry))
    assert copy_differences(play(NATIVE(path, tmp_path), tmp_path), shown) == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (MediaKind(container="avi"), "AVI does not say when pictures are shown"),
        (MediaKind(geometry="cropped"), "browsers do not cut pictures"),
        (MediaKind(codec="hevc"), "browsers do not play hevc"),
    ],
    ids=str,
)
def test_what_a_browser_would_show_otherwise_is_not_shown_natively(
    kind: MediaKind, reason: str, grid_files: GridFiles, tmp_path: Path
) -> None:
    path, _ = grid_files.get(kind)
    with pytest.raises(BlindingError, match=reason):
        NATIVE(path, tmp_path)
    assert not (tmp_path / "native.mp4").exists()


def test_sound_that_begins_after_the_pictures_is_not_waited_for_natively(grid_files: GridFiles, tmp_path: Path) -> None:
    source = make_file(MediaKind(container="mkv", sound="far-away"), tmp_path / "far", grid_files.folder / "sources")
    with pytest.raises(BlindingError, match="begins after its last picture"):
        NATIVE(source, tmp_path)
