"""Writing and reading media through PyAV: the low level that clips, the simulator, degradations and previews share.

PyAV's log level is never set. By default, FFmpeg's messages are dropped without calling Python. With a log level, each message needs the
interpreter's lock: a decoding thread that reports a corrupt picture then waits for ever for a main thread that holds the lock and waits for
that thread (``av.logging``, PyAV 18.1). Scoring a clip that is cut off would never end.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.errors import ClipError, ClipUnavailableError, StorageError

#: The most pixels of the short side of decoded pictures; none of SeedBench's metrics needs more.
SHORT_SIDE_CAP = 720
#: The most bytes that the decoded pictures of one clip may take; larger ones are scaled down (by facts of the clip alone).
PICTURE_BYTES_CAP = 1_500_000_000
#: The longest clip, in seconds: as long as a prompt may ask for.
LONGEST_S = 600.0


@dataclass(frozen=True)
class ProbeFacts:
    """What the container and its packets say, read without decoding a picture.

    Attributes:
        width, height: size of the stored pictures, in pixels; 0 without a video stream.
        fps: the median rate of the packets' times, in frames per second; 0 with fewer than two pictures.
        duration_s: from the packets, in seconds. The header is not used: it may be wrong, and then ``notes`` says so.
        n_frames: how many pictures the packets hold.
        has_video, has_audio: which streams there are; an audio stream without sound does not count.
        audio_rate: in Hz; 0 without an audio stream.
        channels: how many; 0 without an audio stream.
        audio_duration_s: the end of the sound, in seconds.
        variable_rate: whether the times between pictures differ by more than 5 ms.
        container, video_codec, audio_codec: FFmpeg's names; "" for a stream that is missing.
        size_bytes: of the file.
        notes: what is unusual about the file, in words.
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


@dataclass(frozen=True)
class Decoded:
    """The decoded content of a file.

    Attributes:
        rgb: pictures (T, H, W, 3), uint8, at the working size.
        time_s: their times (T,), in seconds from the first picture.
        audio: (C, N) float32 in -1..1.
        audio_rate: in Hz.
        audio_start_s: when the first sample is heard, in seconds from the first picture; negative: before it.
        notes: what is unusual about the file, in words.
    """

    rgb: np.ndarray
    time_s: np.ndarray
    audio: np.ndarray
    audio_rate: int
    audio_start_s: float
    notes: tuple[str, ...] = ()


def _open(path: Path) -> Any:
    import av

    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise ClipUnavailableError(f"{path}: is a folder, not a media file")
        if not stat.S_ISREG(state.st_mode):
            raise ClipUnavailableError(f"{path}: is a pipe or a device, not a media file")
        if state.st_size == 0:
            raise ClipError(f"{path}: the file is empty (0 bytes)")
        return av.open(str(path))
    except FileNotFoundError as error:
        raise ClipUnavailableError(f"{path}: there is no such file") from error
    except PermissionError as error:
        raise ClipUnavailableError(f"{path}: may not be read ({error.strerror})") from error
    except (av.error.FFmpegError, OSError) as error:
        _raise_if_passing(path, error)
        raise ClipError(f"{path}: is not a media file that can be read, or is cut off ({_reason(error)})") from error


#: Errors of the machine and not of the file: no memory, too many open files.
_PASSING = frozenset({errno.ENOMEM, errno.EMFILE, errno.ENFILE})


def _raise_if_passing(path: Path, error: Exception) -> None:
    """Raise ClipUnavailableError for an error that does not come from the file's content: it must not lead to a score of half a clip."""
    passing = isinstance(error, MemoryError) or getattr(error, "errno", None) in _PASSING
    if isinstance(error, OSError) and not passing:  # FFmpeg raises these for damaged files as well: decide by reading the file
        try:
            with path.open("rb") as stream:
                while stream.read(1 << 20):
                    pass
        except OSError:
            passing = True
    if passing:
        raise ClipUnavailableError(f"{path}: could not be read ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).split("\n")[0]


def probe(path: Path) -> ProbeFacts:
    """Read the facts of a media file from its packets.

    Args:
        path: the file.

    Returns:
        The facts. A file that is cut off is no error: the facts are of the part that is there, and ``notes`` says so.

    Raises:
        ClipError: it is not a media file, is empty, has neither picture nor sound, or is longer than 180 s.
        ClipUnavailableError: it cannot be read at the moment, or is not a file.
    """
    import av

    with _open(path) as container:
        video = container.streams.video[0] if container.streams.video else None
        audio = container.streams.audio[0] if container.streams.audio else None
        if video is None and audio is None:
            raise ClipError(f"{path}: holds neither picture nor sound")
        times: list[float] = []
        audio_end = 0.0
        notes: list[str] = []
        try:
            for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
                if packet.pts is None or packet.time_base is None:
                    continue
                start = float(packet.pts * packet.time_base)
                if video is not None and packet.stream.index == video.index:
                    times.append(start)
                elif packet.duration:
                    audio_end = max(audio_end, start + float(packet.duration * packet.time_base))
                else:
                    audio_end = max(audio_end, start)
        except (av.error.FFmpegError, OSError) as error:
            _raise_if_passing(path, error)
            notes.append(f"the file is cut off: {_reason(error)}")
        times.sort()
        n_frames = len(times)
        if video is not None and n_frames == 0:
            raise ClipError(f"{path}: has a video stream without a single picture (cut off?)")
        steps = np.diff(times) if n_frames > 1 else np.array([])
        steps = steps[steps > 0]
        step = float(np.median(steps)) if len(steps) else 0.0
        duration = times[-1] - times[0] + step if n_frames else audio_end
        header = float(container.duration) / 1e6 if container.duration else 0.0
        if header > max(duration, audio_end) * 1.5 + 1.0:
            notes.append(f"the header claims {header:.0f} s, the packets hold {max(duration, audio_end):.1f} s")
        facts = ProbeFacts(
            width=video.width if video is not None else 0,
            height=video.height if video is not None else 0,
            fps=1.0 / step if step > 0 else 0.0,
            duration_s=duration,
            n_frames=n_frames,
            has_video=video is not None,
            has_audio=audio is not None and audio_end > 0,
            audio_rate=int(audio.rate or 0) if audio is not None else 0,
            channels=int(audio.channels or 0) if audio is not None else 0,
            audio_duration_s=audio_end,
            variable_rate=bool(len(steps) > 1 and float(np.ptp(steps)) > 0.005),
            container=str(container.format.name),
            video_codec=str(video.codec_context.name) if video is not None else "",
            audio_codec=str(audio.codec_context.name) if audio is not None else "",
            size_bytes=path.stat().st_size,
            notes=tuple(notes),
        )
    if facts.duration_s > LONGEST_S:
        raise ClipError(f"{path}: lasts {facts.duration_s:.0f} s; clips up to {LONGEST_S:.0f} s can be scored; cut it first")
    return facts


def working_size(facts: ProbeFacts) -> tuple[int, int]:
    """The size at which a clip's pictures are decoded: short side at most 720 pixels, all pictures together at most 1.5 GB.

    Args:
        facts: what :func:`probe` returned.

    Returns:
        Width and height in pixels: as stored, or scaled down to even numbers.

    >>> from dataclasses import replace
    >>> facts = ProbeFacts(1920, 1080, 25, 5, 125, True, False, 0, 0, 0.0, False, "mp4", "h264", "", 1)
    >>> working_size(facts)
    (1280, 720)
    >>> working_size(replace(facts, width=454, height=256))
    (454, 256)
    """
    scale = min(1.0, SHORT_SIDE_CAP / max(1, min(facts.width, facts.height)))
    total = 3.0 * facts.width * facts.height * max(1, facts.n_frames)
    scale = min(scale, (PICTURE_BYTES_CAP / total) ** 0.5 if total else 1.0)
    if scale >= 1.0:
        return facts.width, facts.height
    return max(2, round(facts.width * scale / 2) * 2), max(2, round(facts.height * scale / 2) * 2)


def decode(path: Path, facts: ProbeFacts) -> Decoded:
    """Decode a file: pictures at the working size, sound at its own rate.

    Args:
        path: the file.
        facts: what :func:`probe` returned for it.

    Returns:
        Its content. Where decoding stops early, what was decoded until then, with a note.

    Raises:
        ClipError: there are pictures, but not one can be decoded.
        ClipUnavailableError: the file cannot be read at the moment.
    """
    import av
    from av.video.reformatter import VideoReformatter

    width, height = working_size(facts)
    pictures: list[np.ndarray] = []
    times: list[float] = []
    sound: list[np.ndarray] = []
    sound_start: float | None = None
    notes = list(facts.notes)
    with _open(path) as container:
        video = container.streams.video[0] if facts.has_video else None
        audio = container.streams.audio[0] if facts.has_audio else None
        rate = facts.audio_rate
        resampler = av.AudioResampler(format="fltp", rate=rate) if audio is not None else None
        scaler = VideoReformatter()  # one for all pictures: creating a scaler costs more than the scaling
        if video is not None:
            video.thread_type = "AUTO"
        try:
            for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
                for frame in packet.decode():
                    if frame.pts is None:
                        continue
                    if isinstance(frame, av.VideoFrame):
                        scaled = scaler.reformat(frame, width=width, height=height, format="rgb24", interpolation="AREA", threads=1)
                        pictures.append(scaled.to_ndarray())
                        times.append(float(frame.time))
                    elif resampler is not None:
                        if sound_start is None:
                            sound_start = float(frame.time)
                        sound.extend(part.to_ndarray() for part in resampler.resample(frame))
            if resampler is not None and sound:
                sound.extend(part.to_ndarray() for part in resampler.resample(None))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            _raise_if_passing(path, error)
            notes.append(f"decoding stopped after {len(pictures)} pictures: {_reason(error)}")
    if facts.has_video and not pictures:
        raise ClipError(f"{path}: no picture can be decoded; the file is damaged")
    order = np.argsort(times, kind="stable")
    start = times[order[0]] if pictures else 0.0
    rgb = np.stack([pictures[i] for i in order]) if pictures else np.zeros((0, 0, 0, 3), np.uint8)
    samples = np.concatenate(sound, axis=1) if sound else np.zeros((max(1, facts.channels), 0), np.float32)
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        notes.append("the sound has infinite or undefined values; they were set to silence")
    return Decoded(
        rgb=rgb,
        time_s=np.array([times[i] - start for i in order]),
        audio=samples.astype(np.float32, copy=False),
        audio_rate=facts.audio_rate,
        audio_start_s=(sound_start or 0.0) - start if pictures else 0.0,
        notes=tuple(notes),
    )


#: x264 with its macroblock tree gave other bytes for the same pictures in 2 runs of 10; without it, the same in all.
_SAME_BYTES = {"threads": "1", "x264-params": "mbtree=0"}


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
        StorageError: the file cannot be written; nothing is left of it.
    """
    import av

    base = Fraction(1, 90_000)
    times = iter(times_s) if times_s is not None else None
    try:
        with av.open(str(path), "w", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
            video: Any = None
            sound: Any = None
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
                picture.pts, picture.time_base = round(seconds * 90_000), base
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
    except (OSError, av.error.FFmpegError) as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise StorageError(f"{path}: could not be written ({_reason(error)})") from error
    return path
