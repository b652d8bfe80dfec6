"""Writing media files: the one way in which SeedBench makes clips."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.media_file import reason_of
from seedbench.errors import ClipError, StorageError

#: x264 with its macroblock tree gave other bytes for the same pictures in 2 runs of 10; without it, the same in all.
_SAME_BYTES = {"threads": "1", "x264-params": "mbtree=0"}
#: Ticks per second of the clock of pictures.
CLOCK_HZ = 90_000


def write_clip(
    path: Path,
    frames: Iterable[np.ndarray],
    fps: float,
    audio: np.ndarray | None = None,
    rate: int = 48000,
    *,
    crf: int = 18,
    preset: str = "veryfast",
    times_s: Iterable[float] | None = None,
    video_codec: str = "libx264",
    audio_bitrate: int = 160_000,
) -> Path:
    """Write an MP4 (H.264 and AAC). Equal input gives equal bytes.

    Args:
        path: the file to write.
        frames: pictures (H, W, 3), uint8 RGB, all of one size. An odd width or height is made even by repeating the last line.
        fps: frames per second.
        audio: (N,) or (N, 2), float in -1..1; None: no sound stream.
        rate: sample rate of ``audio``, in Hz.
        crf: x264's constant rate factor, 0 (lossless) to 51 (worst).
        preset: x264's preset.
        times_s: when each picture appears, in seconds, instead of at a constant rate.
        video_codec: FFmpeg's name of the encoder; ``crf`` and ``preset`` apply to libx264 alone.
        audio_bitrate: in bits per second.

    Returns:
        ``path``.

    Raises:
        ClipError: ``frames`` is empty.
        StorageError: the file cannot be written.

    Whatever is raised, also by ``frames`` and by Ctrl-C: nothing is left of the file, since a part of a clip looks like a clip.
    """
    import av

    base = Fraction(1, CLOCK_HZ)
    times = iter(times_s) if times_s is not None else None
    try:
        with av.open(str(path), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
            video: Any = None
            sound: Any = None
            ticks = -1
            if audio is not None:
                audio = np.atleast_2d(np.asarray(audio, np.float32).T)
            for index, frame in enumerate(frames):
                height, width = frame.shape[:2]
                if height % 2 or width % 2:
                    frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
                if video is None:
                    video = container.add_stream(video_codec, rate=Fraction(fps).limit_denominator(1001))
                    video.width, video.height = frame.shape[1], frame.shape[0]
                    video.pix_fmt = "yuv420p"
                    video.options = {"crf": str(crf), "preset": preset, **_SAME_BYTES} if video_codec == "libx264" else {}
                    video.codec_context.time_base = base
                    video.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT
                    if audio is not None:
                        sound = container.add_stream("aac", rate=rate, layout="stereo" if audio.shape[0] == 2 else "mono")
                        sound.bit_rate = audio_bitrate
                        sound.codec_context.flags |= 1 << 23
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
                seconds = next(times) if times is not None else index / fps
                ticks = max(ticks + 1, round(seconds * CLOCK_HZ))  # pictures at one time come one tick after the other
                picture.pts, picture.time_base = ticks, base
                container.mux(video.encode(picture))
            if video is None:
                raise ClipError(f"{path}: a clip needs at least one picture")
            container.mux(video.encode(None))
            if sound is not None and audio is not None:
                for start in range(0, audio.shape[1], 1024):
                    block = np.ascontiguousarray(np.clip(audio[:, start : start + 1024], -1.0, 1.0))
                    packet = av.AudioFrame.from_ndarray(block, format="fltp", layout=sound.codec_context.layout.name)
                    packet.sample_rate, packet.pts, packet.time_base = rate, start, Fraction(1, rate)
                    container.mux(sound.encode(packet))
                container.mux(sound.encode(None))
    except BaseException as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        if isinstance(error, OSError | av.error.FFmpegError):
            raise StorageError(f"{path}: could not be written ({reason_of(error)})") from error
        raise
    return path
