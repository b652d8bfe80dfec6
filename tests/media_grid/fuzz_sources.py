"""Very small files of many containers and codecs, to be damaged."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.media_grid.command_line import ffmpeg
from tests.media_grid.kinds import MediaKind
from tests.media_grid.maker import make_file, make_sources

KINDS = (
    MediaKind("mp4", "h264", order="b-frames", cut="edit-list"),
    MediaKind("mp4", "hevc", geometry="cropped", sound="late"),
    MediaKind("mp4", "av1", timing="variable", sound="antiphase"),
    MediaKind("mov", "h264", geometry="turned-90", sound="second-is-default"),
    MediaKind("mov", "mjpeg"),
    MediaKind("mkv", "h264", cover="first", sound="5.1"),
    MediaKind("mkv", "vp9", geometry="anamorphic", sound="holes"),
    MediaKind("webm", "av1", colour="bt709", sound="commentary-first"),
    MediaKind("webm", "vp9", timing="variable"),
    MediaKind("avi", "h264"),
    MediaKind("avi", "mpeg4", order="b-frames"),
    MediaKind("ts", "h264", order="b-frames", sound="holes"),
    MediaKind("ts", "mpeg2", sound="5.1"),
    MediaKind("flv", "h264", order="b-frames", sound="late"),
    MediaKind("mpg", "mpeg2", order="b-frames"),
)
#: Files of sound alone, by what FFmpeg writes them with.
SOUND_ONLY = {"wav": "pcm_s16le", "ogg": "libvorbis", "mp3": "libmp3lame", "flac": "flac"}
LENGTH_S = 0.8


def make_fuzz_sources(folder: Path) -> list[Path]:
    """Make the files: 0.8 s of pictures and sound, or of sound.

    Args:
        folder: where to put them; it must not exist.

    Returns:
        The files; the suffix is the container.
    """
    folder.mkdir()
    with TemporaryDirectory(dir=folder.parent) as name:
        drawn = Path(name)
        make_sources(drawn)
        for number, kind in enumerate(KINDS):
            path = make_file(kind, drawn / f"{number}", drawn)
            muxer = ("-f", "mpeg") if kind.container == "mpg" else ()
            goal = folder / f"{number:02d}.{kind.container}"
            ffmpeg("-v", "error", "-i", f"file:{path}", "-map", 0, "-c", "copy", "-t", LENGTH_S, *muxer, f"file:{goal}")
        for suffix, encoder in SOUND_ONLY.items():
            sound = ("-f", "f32le", "-ar", 48_000, "-ac", 1, "-i", drawn / "sound0.f32")
            ffmpeg("-v", "error", *sound, "-t", LENGTH_S, "-c:a", encoder, f"file:{folder / f'sound.{suffix}'}")
    return sorted(folder.iterdir())
