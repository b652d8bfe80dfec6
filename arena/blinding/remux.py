"""A clip's coded pictures and sound, copied into a new MP4 file without metadata; and files padded to one size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.arena.blinding.loudness import RATE
from seedbench.arena.blinding.metadata_stripping import packet_cleaner
from seedbench.errors import SeedBenchError

FILE_SIZE_STEP = 64 * 1024
"""Files are as long as a multiple of this, in bytes."""


class BlindingError(SeedBenchError):
    """A clip that cannot be shown blind; the message says why."""


def remux(source: Path, goal: Path, *, even_fps: float | None = None) -> None:
    """Copy pictures and sound into a fresh MP4 without a word about anything; add a silent track where there is no sound.

    ``even_fps``: pictures of this rate all last as long, the last one too. AAC takes equally many bytes throughout, since how many it would
    need tells which codec the sound went through before.
    """
    import av

    try:
        with av.open(str(source)) as given, av.open(str(goal), "w", format="mp4", options=_OPTIONS) as container:
            video = given.streams.video[0]
            sound = given.streams.audio[0] if given.streams.audio else None
            pictures = container.add_stream_from_template(video, opaque=True)
            pictures.metadata.clear()
            heard = (
                container.add_stream_from_template(sound) if sound is not None else container.add_stream("aac", rate=RATE, layout="stereo")
            )
            heard.metadata.clear()
            wordless = {stream: packet_cleaner(stream, even=even_fps is not None) for stream in (video, sound) if stream is not None}
            begin = Fraction(max(0, given.start_time or 0), av.time_base)  # MPEG-TS and cuts of longer recordings begin anywhere
            end = 0.0
            for packet in _timed(given.demux(list(wordless))):
                late = round(begin / packet.time_base)
                packet.pts, packet.dts = packet.pts - late, packet.dts - late
                if packet.stream.type == "video":
                    if even_fps is not None:
                        packet.duration = round(1 / even_fps / packet.time_base)
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                goes_to = pictures if packet.stream.type == "video" else heard
                for kept in wordless[packet.stream](packet):
                    kept.stream = goes_to
                    container.mux(kept)
            if sound is None:
                _silence(container, heard, end)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        with suppress(OSError):
            goal.unlink(missing_ok=True)
        raise BlindingError(f"{source.name} cannot be brought into a form that tells nothing of its maker ({error})") from error


def _timed(packets: Iterable[Any]) -> Iterator[Any]:
    """Packets with a time of decoding each; Matroska tells none of the first pictures. Raises ValueError for a packet without any time."""
    held: list[Any] = []
    for packet in packets:
        if not packet.size:
            continue
        if packet.pts is None:
            raise ValueError("a packet has no time")
        if packet.stream.type == "video":
            held.append(packet)
            if packet.dts is None:
                continue
            for index, early in enumerate(held):
                early.dts = packet.dts - (len(held) - 1 - index) * max(1, packet.duration or 1)
            yield from held
            held = []
        else:
            packet.dts = packet.pts if packet.dts is None else packet.dts
            yield packet
    if held:
        raise ValueError("pictures have no time of decoding")


#: 120,000 is divided by all usual rates, those of NTSC among them: pictures keep their times, whatever the clock of the source was, and
#: lengths are not rounded one way or the other by the order in which pictures were coded.
_OPTIONS = {
    "fflags": "+bitexact",
    "movflags": "+faststart",
    "video_track_timescale": "120000",
    "movie_timescale": "120000",
    "write_btrt": "0",
}


def _silence(container: Any, stream: Any, duration_s: float) -> None:
    import av

    stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT
    for start in range(0, max(1024, round(duration_s * RATE)), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def pad_to_one_size(files: Sequence[Path], *, bucket: int = FILE_SIZE_STEP) -> int:
    """Bring MP4 files to one size, a multiple of ``bucket``, by a box that players skip at the end of each; gives the size in bytes."""
    most = max(file.stat().st_size for file in files)
    size = -(-(most + 8) // bucket) * bucket
    for file in files:
        free = size - file.stat().st_size
        with file.open("ab") as opened:
            opened.write(free.to_bytes(4, "big") + b"free" + bytes(free - 8))
    return size
