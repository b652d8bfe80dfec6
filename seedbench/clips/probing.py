"""The facts of a media file, from its packets and its first picture."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.cropping import Crop, container_crop, cut_anywhere
from seedbench.clips.display import Display, display_of
from seedbench.clips.media_file import MOST_PIXELS, open_media, packets_of
from seedbench.clips.streams import StreamChoice, choose_streams, notes_of_choice
from seedbench.clips.timeline import end_of_pictures, picture_times, seconds_of, usual_step_s, with_unstamped
from seedbench.errors import ClipError

#: The longest clip, in seconds: as long as a prompt may ask for.
LONGEST_S = 600.0
#: The highest rate of pictures, per second; a higher one comes from a damaged clock.
MOST_FPS = 1000.0
#: The highest rates of sound that are read; higher ones stand in damaged headers.
MOST_HZ, MOST_CHANNELS = 384_000, 8
#: Recordings of these may be joined byte by byte; then the clock jumps back by more than so many seconds (FFmpeg's own threshold).
JOINED_AS_BYTES, JUMP_S = frozenset({"mpegts", "mpeg"}), 0.1
#: Containers that store when packets are decoded, and not when pictures are shown.
WITHOUT_SHOWING_TIMES = frozenset({"avi"})
#: So many pictures without a time at the beginning come from a cut; then those without a time among the next ones belong to them.
CUT_LEADING, REORDERED = 3, 16
#: Sound that goes on for longer than this after the last picture is remarked, in seconds.
SOUND_BEYOND_S = 0.25


@dataclass(frozen=True)
class ProbeFacts:
    """What a player shows of a file, read without decoding more than its first picture.

    What an edit list hides does not count.

    Attributes:
        width, height: size of the pictures as shown, in square pixels: turned and stretched as the file says; 0 without pictures.
        fps: the rate of the pictures, in frames per second: that of the stream where their times agree with it, else the median; 0 with
            fewer than two pictures.
        duration_s: from the first picture until the last one leaves the screen, in seconds; without pictures the length of the sound. The
            header is not used: it may be wrong, and then ``notes`` says so.
        n_frames: how many pictures there are.
        has_video, has_audio: what there is; a sound track without a packet does not count, nor does a cover picture.
        audio_rate: in Hz, as stored; 0 without sound.
        channels: how many, as stored; 0 without sound.
        audio_duration_s: the end of the sound, in seconds from the first picture; without pictures from its own start.
        variable_rate: whether the times between pictures differ by more than 5 ms.
        container, video_codec, audio_codec: FFmpeg's names; "" for what is missing.
        size_bytes: of the file.
        notes: what is unusual about the file, in words.
        display: what is done to a stored picture before it is shown; None without pictures.
        start_s: the stamp of the first picture, or of the sound where there are none, on the container's clock, in seconds.
        late_sound_s: how long after the last picture the sound begins, in seconds; 0 where some is heard with the pictures.
        timed: whether pictures have times of their own; a raw stream has none.
        video_index, audio_index: which streams these are; -1: none.
    """

    width: int
    height: int
    fps: float
    duration_s: float
    n_frames: int
    has_video: bool
    has_audio: bool
    audio_rate: int
    channels: int
    audio_duration_s: float
    variable_rate: bool
    container: str
    video_codec: str
    audio_codec: str
    size_bytes: int
    notes: tuple[str, ...] = ()
    display: Display | None = None
    start_s: float = 0.0
    late_sound_s: float = 0.0
    timed: bool = True
    video_index: int = -1
    audio_index: int = -1


@dataclass
class _Track:
    """The packets of one stream that are shown, in the order of the file."""

    stream: Any
    stamps_s: list[float] = field(default_factory=list)
    durations_s: list[float] = field(default_factory=list)
    unstamped: int = 0
    leading: int = 0
    first: Any = None
    stamped: bool = False
    latest_s: float = -math.inf
    jumped_back_s: float = 0.0

    def add(self, packet: Any, *, use_dts: bool) -> None:
        if packet.dts is not None and packet.time_base is not None:
            coded_s = float(packet.dts * packet.time_base)
            self.jumped_back_s = max(self.jumped_back_s, self.latest_s - coded_s)
            self.latest_s = coded_s
        stamp = packet.dts if use_dts else packet.pts
        if packet.is_discard:
            return
        if stamp is None or packet.time_base is None:
            self.unstamped += packet.size > 0
            # after a cut, pictures of which others were coded earlier follow the first one that has a time, though they are shown before it
            self.leading += packet.size > 0 and len(self.stamps_s) < (REORDERED if self.leading >= CUT_LEADING else 1)
            return
        self.stamps_s.append(seconds_of(stamp, packet.time_base))
        self.durations_s.append(seconds_of(packet.duration or 0, packet.time_base))

    def look(self, packet: Any, *, use_dts: bool) -> None:
        """Decode until there is a first picture or piece of sound that has a time; without any time, the first at all."""
        import av

        if self.stamped:
            return
        with suppress(av.error.FFmpegError, ValueError):  # pieces that cannot be decoded are counted when all are decoded
            for frame in self.stream.codec_context.decode(packet):
                self.stamped = stamp_of(frame, use_dts=use_dts) is not None
                if self.first is None or self.stamped:
                    self.first = frame
                if self.stamped:
                    return

    @property
    def count(self) -> int:
        return len(self.stamps_s) + self.unstamped

    @property
    def empty(self) -> bool:
        return self.count == 0


def probe(path: Path) -> ProbeFacts:
    """Read the facts of a media file.

    Args:
        path: the file.

    Returns:
        The facts. A file that is cut off is no error: the facts are of the part that is there, and ``notes`` says so.

    Raises:
        ClipError: it is not a media file, is empty, has neither picture nor sound, is longer than 600 s, or its pictures are too large or
            too many.
        ClipUnavailableError: it cannot be read at the moment, or is not a file.
    """
    with open_media(path) as container:
        choice = choose_streams(container)
        if not choice.video and not choice.audio:
            raise ClipError(f"{path}: holds neither picture nor sound" + (" (only a cover picture)" if choice.covers else ""))
        tracks, cut_off = _read_packets(path, container, choice)
        videos, audios = (
            [tracks[stream.index] for stream in ranked if not tracks[stream.index].empty] for ranked in (choice.video, choice.audio)
        )
        moving = [track for track in videos if track.count > 1] or videos  # a cover picture need not be marked as one
        video, audio = moving[0] if moving else None, audios[0] if audios else None
        covers = choice.covers + len(videos) - len(moving)
        chosen = notes_of_choice([track.stream for track in moving], [track.stream for track in audios], covers)
        if video is None and choice.video:
            raise ClipError(f"{path}: has a video stream without a single picture (cut off?)")
        if video is None and audio is None:
            raise ClipError(f"{path}: has a sound stream without a packet of sound (cut off?)")
        if video is not None and video.jumped_back_s > JUMP_S and set(str(container.format.name).split(",")) & JOINED_AS_BYTES:
            raise ClipError(
                f"{path}: its clock jumps back by {video.jumped_back_s:.1f} s, as where recordings were joined byte by byte; "
                "write it anew first: ffmpeg -i IN -c copy OUT.mp4"
            )
        facts = _facts_of(path, container, video, audio, (*chosen, *cut_off))
    if facts.fps > MOST_FPS:
        raise ClipError(f"{path}: shows {facts.fps:.4g} pictures per second; its clock is damaged")
    if facts.duration_s > LONGEST_S:
        raise ClipError(f"{path}: lasts {facts.duration_s:.0f} s; clips up to {LONGEST_S:.0f} s can be scored; cut it first")
    return facts


def _read_packets(path: Path, container: Any, choice: StreamChoice) -> tuple[dict[int, _Track], list[str]]:
    """The packets of every stream that may be taken, by its index, and a note where the file breaks off."""
    tracks = {stream.index: _Track(stream) for stream in (*choice.video, *choice.audio)}
    use_dts = uses_decoding_times(container)
    for stream in choice.video:
        width, height = stream.codec_context.width or 0, stream.codec_context.height or 0
        if width * height > MOST_PIXELS:
            raise ClipError(
                f"{path}: says that its pictures have {width} x {height} pixels; up to {MOST_PIXELS / 1e6:.0f} million can be read"
            )
        stream.thread_type = "NONE"
        cut_anywhere(stream)
    cut_off: list[str] = []
    for packet in packets_of(path, container, [track.stream for track in tracks.values()], on_break=cut_off.append):
        if packet is None:
            for track in tracks.values():
                track.look(None, use_dts=use_dts)
            break
        track = tracks[packet.stream.index]
        if packet.size:
            track.add(packet, use_dts=use_dts)
        track.look(packet, use_dts=use_dts)
    return tracks, [f"the file is cut off: {reason}" for reason in cut_off]


def uses_decoding_times(container: Any) -> bool:
    """Whether the container stores when packets are decoded, and not when they are shown.

    Args:
        container: PyAV's container.
    """
    return bool(WITHOUT_SHOWING_TIMES & set(str(container.format.name).split(",")))


def stamp_of(frame: Any, *, use_dts: bool) -> float | None:
    """When a decoded picture is shown, on the container's clock.

    Args:
        frame: PyAV's frame.
        use_dts: whether the container stores decoding times alone.

    Returns:
        Seconds; None where nobody knows.
    """
    first, second = (frame.dts, frame.pts) if use_dts else (frame.pts, frame.dts)
    stamp = first if first is not None else second
    return None if stamp is None or frame.time_base is None else seconds_of(stamp, frame.time_base)


def rates_of(stream: Any) -> tuple[Fraction | None, ...]:
    """What the container and the codec say about the rate of a picture stream, in frames per second.

    Args:
        stream: PyAV's stream.
    """
    return stream.average_rate, stream.guessed_rate, stream.base_rate


def _facts_of(path: Path, container: Any, video: _Track | None, audio: _Track | None, notes: tuple[str, ...]) -> ProbeFacts:
    display, times, end_s, start_s = None, np.zeros(0), 0.0, 0.0
    if video is not None:
        crop = container_crop(container, video.stream)
        display, times, end_s, start_s = _pictures_of(path, video, crop, use_dts=uses_decoding_times(container))
        notes += display.notes
    rate, channels = (0, 0) if audio is None else _form_of_sound(audio)
    has_audio = audio is not None and 0 < rate <= MOST_HZ and 0 < channels <= MOST_CHANNELS
    if audio is not None and not has_audio:
        notes += (f"the sound is left out: {rate} Hz and {channels} channels cannot be right",)
    sound_end_s, late_sound_s = 0.0, 0.0
    if audio is not None and has_audio:
        if video is None:
            start_s = _start_of_sound(audio)
        ends = [stamp + duration - start_s for stamp, duration in zip(audio.stamps_s, audio.durations_s, strict=True)]
        sound_end_s = max(0.0, *ends) if ends else 0.0
        if sound_end_s <= 0:
            has_audio = False
            notes += ("the sound ends before the first picture",)
    if len(times) == 1:
        end_s = max(end_s, min(sound_end_s, LONGEST_S))  # one picture stays on screen as long as there is sound
    duration_s = end_s if video is not None else sound_end_s
    if video is not None and has_audio and sound_end_s > duration_s + SOUND_BEYOND_S:
        first_s = min(audio.stamps_s, default=0.0) - start_s if audio is not None else 0.0
        if first_s >= duration_s:
            late_sound_s = first_s - duration_s
            notes += (f"the sound begins {late_sound_s:.1f} s after the last picture: there is no sound while pictures are shown",)
        else:
            notes += (f"the sound goes on for {sound_end_s - duration_s:.1f} s after the last picture; that part is not judged",)
    header = float(container.duration) / 1e6 if container.duration else 0.0
    if header > max(duration_s, sound_end_s) * 1.5 + 1.0 + max(0.0, start_s):  # some count from 0 although the first picture comes later
        notes += (f"the header claims {header:.0f} s, the packets hold {max(duration_s, sound_end_s):.1f} s",)
    step, steps = usual_step_s(times), np.diff(times)
    steps = steps[steps > 0]
    width, height = display.size if display is not None else (0, 0)
    return ProbeFacts(
        width=width,
        height=height,
        fps=1.0 / step if step > 0 else 0.0,
        duration_s=duration_s,
        n_frames=len(times),
        has_video=video is not None,
        has_audio=has_audio,
        audio_rate=rate if has_audio else 0,
        channels=channels if has_audio else 0,
        audio_duration_s=sound_end_s,
        variable_rate=bool(len(steps) > 1 and float(np.ptp(steps)) > 0.005),
        container=str(container.format.name),
        video_codec=str(video.stream.codec_context.name) if video is not None else "",
        audio_codec=str(audio.stream.codec_context.name) if audio is not None and has_audio else "",
        size_bytes=path.stat().st_size,
        notes=notes,
        display=display,
        start_s=start_s,
        late_sound_s=late_sound_s,
        timed=video is not None and video.stamped,
        video_index=video.stream.index if video is not None else -1,
        audio_index=audio.stream.index if audio is not None and has_audio else -1,
    )


def _form_of_sound(audio: _Track) -> tuple[int, int]:
    """Sample rate in Hz and channels: of the first decoded piece, since headers may be wrong; else what the header says."""
    if audio.first is not None:
        return int(audio.first.sample_rate), int(audio.first.layout.nb_channels)
    context = audio.stream.codec_context
    return int(context.rate or 0), int(context.channels or 0)


def _start_of_sound(audio: _Track) -> float:
    """When the first sample is heard, on the container's clock: after what an encoder put before the sound, which no player plays."""
    first = audio.first
    if first is not None and first.pts is not None and first.time_base is not None:
        return seconds_of(first.pts, first.time_base)
    return min(audio.stamps_s, default=0.0)


def _pictures_of(path: Path, video: _Track, crop: Crop, *, use_dts: bool) -> tuple[Display, np.ndarray, float, float]:
    """How the pictures are shown, their times, when the last one leaves the screen, and the stamp of the first one."""
    stream, first = video.stream, video.first
    if first is None:
        if stream.codec_context.name == "webp":  # FFmpeg's decoder reads still ones alone
            raise ClipError(f"{path}: animated WebP cannot be read; convert it to MP4 or GIF (or the file is damaged)")
        raise ClipError(f"{path}: no picture can be decoded; the file is damaged")
    if first.width * first.height > MOST_PIXELS:
        raise ClipError(
            f"{path}: its pictures have {first.width} x {first.height} pixels; up to {MOST_PIXELS / 1e6:.0f} million can be read"
        )
    stamp = stamp_of(first, use_dts=use_dts)
    tick = float(stream.time_base or 0)
    aspect = float(stream.sample_aspect_ratio or 0)
    if stamp is None or not video.stamps_s:  # no times at all, as in a raw stream: the rate of the stream is all there is
        rate = next((float(rate) for rate in rates_of(stream) if rate), 25.0)
        times = np.arange(video.count) / rate
        return display_of(first, aspect, crop), times, end_of_pictures(times, 0.0), stamp or 0.0
    unstamped = video.unstamped - video.leading  # what leads without a time is left out, see PictureReader
    offset_s = stamp - min(video.stamps_s) if use_dts else 0.0  # the decoder gives pictures out later than packets go in
    shown = [(s + offset_s, d) for s, d in zip(video.stamps_s, video.durations_s, strict=True) if s + offset_s >= stamp - 1e-9]
    last_step_s = max(shown)[1] if shown else 0.0
    times = picture_times(with_unstamped([s for s, _ in shown] or [stamp], unstamped), tick, rates_of(stream))
    return display_of(first, aspect, crop), times, end_of_pictures(times, last_step_s), stamp
