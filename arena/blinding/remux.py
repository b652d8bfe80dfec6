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
from seedbench.clips.media_file import open_media, packets_of
from seedbench.clips.probing import ProbeFacts
from seedbench.errors import SeedBenchError

FILE_SIZE_STEP = 64 * 1024
"""The size of a file is a multiple of this, in bytes."""


class BlindingError(SeedBenchError):
    """A clip that cannot be shown blind; the message says why."""


def remux(source: Path, goal: Path, facts: ProbeFacts, *, constant_fps: float | None = None) -> None:
    """Copy pictures and sound into a new MP4 file without metadata; add a silent track where there is no sound.

    The tracks are those that the clip is judged by. Sound that begins after the last picture is left out.

    Args:
        source: The clip.
        goal: The MP4 file to write.
        facts: What it is (:func:`seedbench.clips.probing.probe`); it has pictures.
        constant_fps: Frames a second of which each picture, also the last one, gets the same duration. All AAC frames then get the same
            size, since the size that they need shows which codec the sound came from.

    Raises:
        BlindingError: The clip cannot be copied; no file is left.
    """
    import av

    try:
        with open_media(source) as given, av.open(str(goal), "w", format="mp4", options=_OPTIONS) as container:
            video = given.streams[facts.video_index]
            sound = given.streams[facts.audio_index] if facts.has_audio else None
            picture_track = container.add_stream_from_template(video, opaque=True)
            picture_track.metadata.clear()
            _keep_turned(picture_track, facts)
            sound_track = (
                container.add_stream_from_template(sound) if sound is not None else container.add_stream("aac", rate=RATE, layout="stereo")
            )
            sound_track.metadata.clear()
            streams = [video] if sound is None else [video, sound]
            cleaners = {stream: packet_cleaner(stream, constant_size=constant_fps is not None) for stream in streams}
            # MPEG-TS, and cuts of longer recordings, may begin at any time
            begin = Fraction(max(0, given.start_time or 0), av.time_base)
            end, last_picture_s, n_sounds = 0.0, facts.start_s + facts.duration_s, 0
            for packet in _with_decoding_times(packets_of(source, given, list(cleaners), on_break=_refuse_part)):
                if packet.stream.type == "audio":
                    if packet.pts * packet.time_base >= last_picture_s:
                        continue
                    n_sounds += 1
                start = round(begin / packet.time_base)
                packet.pts, packet.dts = packet.pts - start, packet.dts - start
                if packet.stream.type == "video":
                    if constant_fps is not None:
                        packet.duration = round(1 / constant_fps / packet.time_base)
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                track = picture_track if packet.stream.type == "video" else sound_track
                for cleaned in cleaners[packet.stream](packet):
                    cleaned.stream = track
                    container.mux(cleaned)
            if sound is not None and not n_sounds:
                raise ValueError("its sound begins after its last picture")
            if sound is None:
                _add_silence(container, sound_track, end)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        with suppress(OSError):
            goal.unlink(missing_ok=True)
        raise BlindingError(f"{source.name} cannot be brought into a form that does not show who made it ({error})") from error


def _refuse_part(reason: str) -> None:
    raise ValueError(f"the file breaks off: {reason}")


def _keep_turned(track: Any, facts: ProbeFacts) -> None:
    """Say in the container that pictures are turned: what a codec says of it goes with the encoder's own data."""
    display = facts.display
    if display is None or not (display.transposed or display.mirrored or display.upturned):
        return
    across, down = (-65536 if display.mirrored else 65536), (-65536 if display.upturned else 65536)
    turn = (0, down, 0, across, 0, 0) if display.transposed else (across, 0, 0, 0, down, 0)
    track.set_display_matrix([*turn, 0, 0, 1 << 30])


def _with_decoding_times(packets: Iterable[Any]) -> Iterator[Any]:
    """Packets with a decoding time each, which Matroska lacks for the first pictures. Raises ValueError for a packet without any time."""
    waiting: list[Any] = []
    for packet in packets:
        if not packet.size:
            continue
        if packet.pts is None:
            raise ValueError("a packet has no presentation time")
        if packet.stream.type == "video":
            waiting.append(packet)
            if packet.dts is None:
                continue
            for index, early in enumerate(waiting):
                early.dts = packet.dts - (len(waiting) - 1 - index) * max(1, packet.duration or 1)
            yield from waiting
            waiting = []
        else:
            packet.dts = packet.pts if packet.dts is None else packet.dts
            yield packet
    if waiting:
        raise ValueError("pictures have no decoding time")


#: 120,000 is a multiple of all usual rates, those of NTSC included: pictures keep their times whatever the clock of the source was, and the
#: rounding of lengths does not depend on the order in which pictures were coded.
_OPTIONS = {
    "fflags": "+bitexact",
    "movflags": "+faststart",
    "video_track_timescale": "120000",
    "movie_timescale": "120000",
    "write_btrt": "0",
}


def _add_silence(container: Any, stream: Any, duration_s: float) -> None:
    import av

    stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT
    for start in range(0, max(1024, round(duration_s * RATE)), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def pad_to_one_size(files: Sequence[Path], *, step: int = FILE_SIZE_STEP) -> int:
    """Pad MP4 files to one size with a box at the end that players skip.

    Args:
        files: The files, which are changed.
        step: The size is the least multiple of so many bytes that is enough for all.

    Returns:
        The size in bytes.
    """
    most = max(file.stat().st_size for file in files)
    size = -(-(most + 8) // step) * step
    for file in files:
        free = size - file.stat().st_size
        with file.open("ab") as opened:
            opened.write(free.to_bytes(4, "big") + b"free" + bytes(free - 8))
    return size
