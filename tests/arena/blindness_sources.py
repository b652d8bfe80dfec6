"""Clips of four generators whose files differ in all that a file can differ in, and whose pictures and sound do not.

What is seen and heard is drawn for each clip from one distribution, whoever made it: so whatever tells the makers apart afterwards was
told by the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

SIZES = ((96, 54), (128, 72), (54, 96), (64, 64))
RATES = (15, 16, 24, 25)
"""Sizes of pictures and rates in 1/s, drawn for each clip like its contents: a size is seen in the letterbox, a rate in how things move."""


@dataclass(frozen=True)
class Maker:
    """How a generator writes its files. ``gain_db`` is the loudness it mixes to; rates of sound in Hz, lengths in seconds."""

    name: str
    suffix: str
    seconds: float
    video: str
    video_options: dict[str, str]
    audio: str
    audio_rate: int
    layout: str
    gain_db: float
    tags: dict[str, str] = field(default_factory=dict)
    track_tags: dict[str, str] = field(default_factory=dict)
    muxer: dict[str, str] = field(default_factory=dict)
    bit_rate: int | None = None


#: A web service of today, an edit suite's export, a browser's recording, and two ways of older scripts.
WEB = Maker(
    "veo-secret",
    "mp4",
    0.42,
    "libx264",
    {"preset": "ultrafast", "crf": "8", "profile": "baseline"},
    "aac",
    48_000,
    "stereo",
    -8.0,
    tags={"title": "veo-secret", "comment": "made by veo", "creation_time": "2026-03-01T10:00:00Z"},
    muxer={"movflags": "+faststart"},
    bit_rate=192_000,
)
SUITE = Maker(
    "sora-secret",
    "mov",
    0.44,
    "libx264",
    {"preset": "faster", "crf": "6", "bf": "3", "g": "9", "profile": "high"},
    "aac",
    44_100,
    "mono",
    -22.0,
    tags={"encoder": "sora export 9", "artist": "sora"},
    track_tags={"handler_name": "sora sound", "language": "eng"},
    bit_rate=96_000,
)
BROWSER = Maker(
    "kling-secret",
    "webm",
    0.40,
    "libvpx-vp9",
    {"crf": "8", "b": "0", "cpu-used": "8", "deadline": "realtime"},
    "libopus",
    48_000,
    "stereo",
    -15.0,
    tags={"title": "kling-secret"},
    bit_rate=128_000,
)
SCRIPT = Maker("open-secret", "avi", 0.36, "mpeg4", {"qmin": "1", "qmax": "2"}, "pcm_s16le", 32_000, "mono", -30.0)
NEWER_SCRIPT = Maker(
    "open-secret",
    "mkv",
    0.36,
    "libx265",
    {"preset": "ultrafast", "crf": "8", "x265-params": "log-level=none:pools=none:frame-threads=1"},
    "flac",
    32_000,
    "mono",
    -30.0,
)


def makers(prompt: int) -> tuple[Maker, ...]:
    """The four that answer a prompt."""
    return WEB, SUITE, BROWSER, (SCRIPT, NEWER_SCRIPT)[prompt % 2]


def scene(rng: np.random.Generator, fps: float, seconds: float, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Discs that move before a soft ground."""
    width, height = size
    across, down = np.meshgrid((np.arange(width) + 0.5) / width - 0.5, (np.arange(height) + 0.5) / height - 0.5)
    waves = sum(
        rng.uniform(-25, 25, 3) * np.sin(rng.uniform(2, 9) * across + rng.uniform(2, 9) * down + rng.uniform(0, 6))[..., None]
        for _ in range(3)
    )
    ground = rng.uniform(40, 160, 3) + waves
    discs = [
        (rng.uniform(-0.3, 0.3, 2), rng.uniform(-0.5, 0.5, 2), rng.uniform(0.06, 0.2), rng.uniform(0, 255, 3))
        for _ in range(rng.integers(1, 5))
    ]
    for number in range(math.ceil(fps * seconds)):
        picture = ground.copy()
        for at, speed, radius, colour in discs:
            x, y = at + speed * number / fps
            cover = np.clip((radius - np.hypot(across - x, down - y)) * 40, 0, 1)[..., None]
            picture += cover * (colour - picture)
        yield np.clip(picture, 0, 255).astype(np.uint8)


def tones(rng: np.random.Generator, rate: int, seconds: float) -> np.ndarray:
    """Sound (N,) of tones below 6 kHz in a murmur, within full scale; the same seed gives the same sound at any rate."""
    time = np.arange(round(rate * seconds)) / rate
    sound = np.zeros(len(time))
    for _ in range(12):
        sound += rng.uniform(0.1, 1) * np.sin(2 * np.pi * rng.uniform(100, 6000) * time + rng.uniform(0, 6))
    sound *= 1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * rng.uniform(1, 6) * time + rng.uniform(0, 6))
    return (sound / 12).astype(np.float32)


def write(folder: Path, maker: Maker, prompt: int, *, size: tuple[int, int] | None = None, fps: int | None = None) -> Path:
    """A clip as its maker writes it. ``size`` and ``fps`` fix what is otherwise drawn."""
    import av

    rng = np.random.default_rng([prompt, sum(maker.name.encode())])
    drawn, rate = SIZES[int(rng.integers(len(SIZES)))], RATES[int(rng.integers(len(RATES)))]
    size, fps = size or drawn, fps or rate
    pictures = scene(rng, fps, maker.seconds, size)
    heard = tones(rng, maker.audio_rate, maker.seconds + 0.1) * 10 ** (maker.gain_db / 20)
    file = folder / f"{maker.name}-{prompt}.{maker.suffix}"
    with av.open(str(file), "w", options=maker.muxer) as container:
        container.metadata.update(maker.tags)
        video: Any = container.add_stream(maker.video, rate=fps, options=maker.video_options)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.codec_context.thread_count = 1
        track: Any = container.add_stream(maker.audio, rate=maker.audio_rate, layout=maker.layout)
        track.metadata.update(maker.track_tags)
        if maker.bit_rate:
            track.bit_rate = maker.bit_rate
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        _write_sound(container, track, heard, maker)
    return file


def _write_sound(container: Any, track: Any, heard: np.ndarray, maker: Maker) -> None:
    import av

    context = track.codec_context
    block = av.AudioFrame.from_ndarray(np.ascontiguousarray(heard[None]), format="fltp", layout="mono")
    block.sample_rate, block.pts, block.time_base = maker.audio_rate, 0, Fraction(1, maker.audio_rate)
    context.open(strict=False)
    convert = av.AudioResampler(
        format=context.format.name, layout=maker.layout, rate=maker.audio_rate, frame_size=context.frame_size or None
    )
    for part in [*convert.resample(block), *convert.resample(None)]:
        container.mux(track.encode(part))
    container.mux(track.encode(None))
