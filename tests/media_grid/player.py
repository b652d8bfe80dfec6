"""What a player shows of a file: its pictures and sound as FFmpeg's command line decodes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.media_grid.command_line import ffmpeg
from tests.media_grid.marked_content import RATE


@dataclass(frozen=True)
class Shown:
    """What a player shows.

    Attributes:
        rgb: pictures (T, H, W, 3), uint8, upright and with square pixels.
        time_s: when each appears (T,), in seconds from the first.
        sound: (C, N) float32 at 48 kHz, from the first picture on, with silence in its holes; None without a sound track.
    """

    rgb: np.ndarray
    time_s: np.ndarray
    sound: np.ndarray | None


def play(path: Path, folder: Path) -> Shown:
    """Decode a file with FFmpeg's command line, which chooses the streams, turns the pictures and keeps the times.

    Args:
        path: the file.
        folder: for the decoded content, which is removed again.

    Returns:
        What is shown. A file without sound must not be among those asked for with sound: see ``sound`` of :class:`Shown`.
    """
    import soundfile

    pictures, times_file, wave = folder / "shown.ppm", folder / "shown.txt", folder / "shown.wav"
    messages = ffmpeg("-v", "info", "-i", f"file:{path}", "-map", 0, "-c", "copy", "-t", 0, "-f", "null", "-")
    with_sound = "Audio:" in messages
    arguments: list[object] = [
        "-v",
        "error",
        "-i",
        f"file:{path}",
        "-an",
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "1/1000000",
        "-vf",
        "scale=iw*sar:ih,setsar=1",
    ]
    arguments += [
        "-stats_enc_pre",
        times_file,
        "-stats_enc_pre_fmt",
        "{t}",
        "-pix_fmt",
        "rgb24",
        "-c:v",
        "ppm",
        "-f",
        "image2pipe",
        pictures,
    ]
    if with_sound:
        filling = f"aresample=async=1:min_comp=0.002:min_hard_comp=0.002:first_pts=0:out_sample_rate={RATE}"
        arguments += ["-vn", "-af", filling, "-c:a", "pcm_f32le", wave]
    ffmpeg(*arguments)
    times = np.array([float(line) for line in times_file.read_text().split()])
    rgb = _read_pictures(pictures.read_bytes())
    sound = None
    if with_sound:
        samples = soundfile.read(wave, dtype="float32", always_2d=True)[0].T
        begin = round(times[0] * RATE)
        sound = samples[:, begin:] if begin >= 0 else np.pad(samples, ((0, 0), (-begin, 0)))
        wave.unlink()
    pictures.unlink()
    times_file.unlink()
    return Shown(rgb, times - times[0], sound)


def _read_pictures(data: bytes) -> np.ndarray:
    """Pictures in PPM format, one after another, all of one size."""
    header = b"\n".join(data.split(b"\n", 3)[:3]) + b"\n"
    width, height = map(int, header.split()[1:3])
    size = len(header) + 3 * width * height
    return np.stack(
        [
            np.frombuffer(data, np.uint8, 3 * width * height, start + len(header)).reshape(height, width, 3)
            for start in range(0, len(data), size)
        ]
    )
