"""Formats that the grid does not hold (fragments, deep colours, interlaced pictures, raw streams, animations) are shown as by a player."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.errors import ClipError
from seedbench.metrics.lipsync import LipSync
from seedbench.plugins.metric import missing_stream
from tests.media_grid.command_line import ffmpeg
from tests.media_grid.compare import copy_differences, picture_differences, sound_differences
from tests.media_grid.files import GridFiles
from tests.media_grid.mp4_boxes import add_clean_aperture
from tests.media_grid.player import Shown, play

H264 = "-c:v libx264 -crf 14 -preset superfast -pix_fmt yuv420p"
#: What FFmpeg writes each file with; a filter is put behind the one that takes the first 50 pictures.
FORMATS = {
    "fragments.mp4": f"{H264} -c:a aac -movflags frag_keyframe+empty_moov -g 10",
    "fragments-with-b-frames.mp4": f"{H264} -bf 3 -c:a aac -movflags frag_keyframe+empty_moov+delay_moov -g 10",
    "ten-bits.mp4": "-c:v libx265 -crf 12 -preset ultrafast -x265-params log-level=error:pools=none -pix_fmt yuv420p10le -c:a aac",
    "ten-bits.webm": "-c:v libvpx-vp9 -crf 10 -b:v 0 -deadline realtime -cpu-used 8 -pix_fmt yuv420p10le -c:a libopus",
    "whole-chroma.mp4": "-c:v libx264 -crf 14 -preset superfast -pix_fmt yuv444p -c:a aac",
    "prores.mov": "-c:v prores_ks -pix_fmt yuv422p10le -c:a pcm_s24le",
    "transparent.mov": "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -c:a pcm_s16be",
    "runs.mov": "-c:v qtrle -pix_fmt rgb24 -c:a alac",
    "interlaced.ts": f"{H264} -flags +ilme+ildct -x264opts tff=1 -c:a mp2",
    "interlaced-mpeg2.ts": "-c:v mpeg2video -q:v 2 -flags +ilme+ildct -pix_fmt yuv420p -c:a ac3",
    "lossless.mkv": "-c:v ffv1 -pix_fmt bgr0 -c:a flac",
    "theora.ogv": "-c:v libtheora -q:v 9 -pix_fmt yuv420p -c:a libvorbis",
    "vp8.webm": "-c:v libvpx -crf 6 -b:v 2M -deadline realtime -cpu-used 8 -pix_fmt yuv420p -c:a libvorbis",
    "opus.mp4": f"{H264} -c:a libopus",
    "mp3.mp4": f"{H264} -c:a libmp3lame",
    "at-44100-hz.mp4": f"{H264} -c:a aac -ar 44100",
    "at-8000-hz.avi": "-c:v mpeg4 -q:v 2 -c:a pcm_u8 -ar 8000",
    "at-96000-hz.mkv": f"{H264} -c:a flac -ar 96000",
    "animation.gif": "-an -c:v gif",
    "animation.png": "-an -c:v apng -f apng -plays 0",
    "windows.wmv": "-c:v wmv2 -b:v 3M -c:a wmav2",
    "phone.3gp": "-c:v mpeg4 -q:v 2 -c:a aac",
    "disc.vob": "-c:v mpeg2video -q:v 2 -c:a ac3 -f vob",
    "broadcast.mxf": "-c:v mpeg2video -q:v 2 -c:a pcm_s16le",
    "camera.m2ts": f"{H264} -c:a ac3",
    "clock-at-its-end.ts": f"{H264} -c:a aac -output_ts_offset 95442.5",
    "clock-at-37-s.mkv": f"{H264} -bf 3 -c:a libopus -output_ts_offset 37",
    "raw-stream.h264": f"-an {H264} -bf 3",
    "without-edit-list.mov": f"{H264} -c:a aac -use_editlist 0",
    "two-a-second.mp4": f"-vf fps=2 {H264} -c:a aac",
    "120-a-second.mp4": f"-vf fps=120 {H264} -c:a aac",
    "full-range-bt709.mkv": f"-vf scale=out_color_matrix=bt709:out_range=pc {H264} -color_range pc -colorspace bt709 -c:a flac",
}


def written(path: Path, options: str, files: GridFiles) -> Path:
    """50 pictures of the grid at 25 per second with their sound."""
    words = options.split()
    if "-vf" in words:
        words[words.index("-vf") + 1] = f"trim=end_frame=50,{words[words.index('-vf') + 1]}"
    else:
        words = ["-vf", "trim=end_frame=50", *words]
    sources = files.folder / "sources"
    pictures = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "160x120", "-r", 25, "-i", sources / "pictures.rgb")
    sound = ("-f", "f32le", "-ar", 48_000, "-ac", 1, "-i", sources / "sound0.f32", "-af", "atrim=start=1:end=3,asetpts=PTS-1/TB")
    ffmpeg("-v", "error", *pictures, *(() if "-an" in words else sound), *words, "-strict", -2, f"file:{path}")
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_other_formats_are_shown_as_by_a_player(name: str, grid_files: GridFiles, tmp_path: Path) -> None:
    path = written(tmp_path / name, FORMATS[name], grid_files)
    shown, clip = play(path, tmp_path), Clip.open(path)
    differences = picture_differences(np.stack(list(clip.pictures())), clip.time_s, shown, rounding_s=0.0012)
    differences += sound_differences(clip.audio(48_000).samples if clip.facts.has_audio else None, shown)
    assert differences == []
    assert not any("header" in note for note in clip.notes)


@pytest.mark.parametrize(
    ("filters", "size"),
    [
        ("scale=320:120,setsar=1/2", (320, 240)),
        ("scale=160:240,setsar=2", (320, 240)),
        ("scale=240:120,setsar=2/3", (240, 180)),
        ("scale=720:576,setsar=16/15", (768, 576)),
    ],
)
def test_pixels_become_square_by_growing_so_that_no_detail_is_lost(
    filters: str, size: tuple[int, int], grid_files: GridFiles, tmp_path: Path
) -> None:
    path = written(tmp_path / "wide.mkv", f"-vf {filters} {H264} -c:a flac", grid_files)
    clip = Clip.open(path)
    assert (clip.facts.width, clip.facts.height) == size
    ours = Shown(np.stack(list(clip.pictures())), clip.time_s, clip.audio(48_000).samples[None])
    assert copy_differences(ours, play(path, tmp_path)) == []


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize(
    ("stored", "turn"),
    [
        ("transpose=clock,scale=120:120,setsar=1", ("90",)),
        ("transpose=clock,scale=120:80,setsar=1/2", ("90",)),
        ("transpose=clock,vflip", ("90", "-display_hflip")),
        ("transpose=cclock,vflip", ("270", "-display_hflip")),
    ],
)
def test_turned_mirrored_and_stretched_at_once(
    container: str, stored: str, turn: tuple[str, ...], grid_files: GridFiles, tmp_path: Path
) -> None:
    coded = written(tmp_path / f"coded.{container}", f"-vf {stored} {H264} -an", grid_files)
    path = tmp_path / f"turned.{container}"
    ffmpeg("-v", "error", "-display_rotation", *turn, "-i", coded, "-c", "copy", path)
    _same_pictures(path, tmp_path)


@pytest.mark.parametrize(
    ("stored", "turn", "aperture"),
    [
        ("pad=192:160:16:16:magenta,transpose=clock", "90", (120, 160, 0)),
        ("scale=120:120,setsar=4/3,pad=152:160:16:16:magenta", "0", (120, 120, -4)),
    ],
)
def test_cut_and_turned_or_stretched_at_once(
    stored: str, turn: str, aperture: tuple[int, int, int], grid_files: GridFiles, tmp_path: Path
) -> None:
    coded = written(tmp_path / "coded.mp4", f"-vf {stored} {H264} -an", grid_files)
    path = tmp_path / "cut.mp4"
    ffmpeg("-v", "error", "-display_rotation", turn, "-i", coded, "-c", "copy", path)
    add_clean_aperture(path, *aperture[:2], below_middle=aperture[2])
    _same_pictures(path, tmp_path)


def _same_pictures(path: Path, folder: Path) -> None:
    clip = Clip.open(path)
    rgb = np.stack(list(clip.pictures()))
    assert picture_differences(rgb, clip.time_s, play(path, folder), rounding_s=0.0012) == []


def test_recordings_joined_byte_by_byte_are_refused_with_the_remedy(grid_files: GridFiles, tmp_path: Path) -> None:
    """Their pictures would be mixed: both begin at the same time."""
    recording = written(tmp_path / "one.ts", f"{H264} -c:a aac", grid_files).read_bytes()
    path = tmp_path / "two.ts"
    path.write_bytes(recording * 2)
    with pytest.raises(ClipError, match="clock jumps back by"):
        Clip.open(path)
    mended = tmp_path / "mended.mp4"
    ffmpeg("-v", "error", "-i", path, "-c", "copy", mended)
    assert Clip.open(mended).facts.n_frames == 100


def test_animated_webp_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "moving.webp"
    ffmpeg("-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=0.5", "-c:v", "libwebp_anim", f"file:{file}")
    with pytest.raises(ClipError, match="animated WebP cannot be read; convert it to MP4 or GIF"):
        Clip.open(file)


def test_pictures_before_the_first_that_has_a_time_are_left_out_and_counted(tmp_path: Path) -> None:
    coded, cut = tmp_path / "a.mp4", tmp_path / "cut.mkv"
    ffmpeg("-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=3", *H264.split(), "-bf", 2, coded)
    ffmpeg("-v", "error", "-ss", 1.2, "-i", coded, "-c", "copy", "-avoid_negative_ts", "disabled", cut)
    clip, whole = Clip.open(cut), Clip.open(coded)
    assert "have no time and are left out" in " ".join(clip.notes)
    assert clip.facts.n_frames == len(clip.time_s) == len(list(clip.pictures()))
    np.testing.assert_allclose(clip.time_s, np.arange(len(clip.time_s)) / 25, atol=1e-6)
    last, last_of_whole = list(clip.pictures())[-1], list(whole.pictures())[-1]
    assert np.array_equal(last, last_of_whole)


def test_sound_that_begins_after_the_pictures_is_the_reason_of_no_answer(tmp_path: Path) -> None:
    late = tmp_path / "late.mkv"
    pictures, sound = "testsrc2=size=160x120:rate=25:duration=1", "sine=440:duration=1"
    ffmpeg("-v", "error", "-f", "lavfi", "-i", pictures, "-itsoffset", 60, "-f", "lavfi", "-i", sound, *H264.split(), "-c:a", "aac", late)
    clip = Clip.open(late)
    assert clip.facts.late_sound_s == pytest.approx(59, abs=0.1)
    assert "begins 59" in missing_stream(LipSync.info, clip)
    assert clip.audio(16000).duration_s == pytest.approx(1.0, abs=0.01)
