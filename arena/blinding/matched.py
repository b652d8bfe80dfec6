"""Clips as voters get them: nothing in the file tells who made it.

``native`` keeps pictures and sound as they came and rewrites the container alone: no tags, no names, no dates, no encoder's settings in the
stream. ``matched`` also makes the clips of one prompt alike where a viewer or a browser could tell them apart without looking: one canvas,
one rate, one length, one encoder, one loudness. Either way a clip without sound gets a silent track, and all clips of a prompt end up as
files of one size. What cannot be brought into such a form is refused; it is never shown as it was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.arena.votes.log import Profile
from seedbench.clips.clip import Clip
from seedbench.clips.media import ProbeFacts, write_clip
from seedbench.errors import SeedBenchError

LOUDNESS_LUFS = -16.0
TRUE_PEAK_DB = -1.5
MOST_FPS = 30.0
RATE = 48_000
BUCKET = 64 * 1024
"""Files are as long as a multiple of this, in bytes."""
SOUND_BYTES = 2 * 6144 // 8
"""A frame of stereo AAC is never longer (ISO/IEC 14496-3); in matched clips every one is as long."""
PLAYED = frozenset({"h264", "av1", "vp9"})
"""Video that the browsers we tried play from an MP4."""
HEARD = frozenset({"aac", "opus", "mp3"})
_SILENCE_LUFS = -60.0


class PresentationError(SeedBenchError):
    """A clip that cannot be shown blind; the message says why."""


@dataclass(frozen=True)
class Loudness:
    """After EBU R 128: integrated loudness in LUFS (None for silence) and the true peak in dB of full scale."""

    integrated: float | None
    true_peak: float


@dataclass(frozen=True)
class Canvas:
    """What the matched clips of a prompt have in common: size in pixels, rate, length in seconds."""

    width: int
    height: int
    fps: float
    duration_s: float


@dataclass(frozen=True)
class Presented:
    """A file ready to be shown, and what style covariates are made of (before anything was matched): ``loudness`` is None for silence."""

    file: Path
    profile: Profile
    duration_s: float
    width: int
    height: int
    fps: float
    loudness: float | None

    @property
    def with_sound(self) -> bool:
        """Whether there is anything to hear."""
        return self.loudness is not None


def loudness(samples: np.ndarray, rate: int) -> Loudness:
    """Loudness of samples (N,) or (N, C) in -1..1, by FFmpeg's ``ebur128``."""
    import av

    blocks = np.atleast_2d(np.asarray(samples, np.float32).T)
    blocks = blocks if len(blocks) <= 2 else blocks.mean(0, keepdims=True)
    if blocks.shape[1] < rate // 2:  # a gate of 400 ms needs something to gate
        blocks = np.pad(blocks, ((0, 0), (0, rate // 2 - blocks.shape[1])))
    layout = "stereo" if len(blocks) == 2 else "mono"
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="fltp", sample_rate=rate, layout=layout, time_base=Fraction(1, rate))
    measure, sink = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet"), graph.add("abuffersink")
    source.link_to(measure)
    measure.link_to(sink)
    graph.configure()
    found: dict[str, str] = {}
    for start in range(0, blocks.shape[1], 4800):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(blocks[:, start : start + 4800]), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        source.push(frame)
        found |= _drained(sink)
    source.push(None)
    found |= _drained(sink)
    integrated = float(found.get("lavfi.r128.I", "-70"))
    peaks = [float(value) for name, value in found.items() if name.startswith("lavfi.r128.true_peaks_ch")]
    peak = max([float(np.abs(blocks).max(initial=0.0)), *peaks])
    return Loudness(integrated if integrated > _SILENCE_LUFS else None, 20 * math.log10(max(peak, 1e-9)))


def _drained(sink: Any) -> dict[str, str]:
    import av

    found: dict[str, str] = {}
    while True:
        try:
            found |= dict(sink.pull().metadata)
        except (av.error.BlockingIOError, av.error.EOFError):
            return found


def canvas_of(clips: Sequence[ProbeFacts], *, width: int = 854, height: int = 480) -> Canvas:
    """What the matched clips of one prompt share: the given size, the slowest rate (at most 30), the shortest length.

    Raises PresentationError for no clips.
    """
    if not clips:
        raise PresentationError("there is no clip to match")
    return Canvas(width, height, min(MOST_FPS, *(facts.fps for facts in clips)), min(facts.duration_s for facts in clips))


def native(source: Path, goal: Path) -> Presented:
    """Write the clip's own pictures and sound into a container that tells nothing. Raises PresentationError, ClipError."""
    clip = Clip.open(source)
    facts = clip.facts
    if not facts.has_video:
        raise PresentationError(f"{source.name} has no pictures")
    seen, heard = _codec(facts.video_codec), _codec(facts.audio_codec)
    if seen not in PLAYED:
        raise PresentationError(f"browsers do not play {seen}: {source.name} can be shown matched, not native")
    if facts.has_audio and heard not in HEARD:
        raise PresentationError(f"browsers do not play {heard} from an MP4: {source.name} can be shown matched, not native")
    _remux(source, goal)
    return _presented(clip, goal, "native")


def _codec(decoder: str) -> str:
    """What a decoder decodes: AV1 is read by libdav1d, MP3 by mp3float."""
    import av

    return str(av.Codec(decoder).canonical_name) if decoder else ""


def matched(source: Path, goal: Path, canvas: Canvas) -> Presented:
    """Write the clip on a canvas: letterboxed, at its rate and length, -16 LUFS with true peaks under -1.5 dB, by one encoder."""
    clip = Clip.open(source)
    if not clip.facts.has_video:
        raise PresentationError(f"{source.name} has no pictures")
    if clip.facts.duration_s + 0.5 / canvas.fps < canvas.duration_s:
        raise PresentationError(f"{source.name} lasts {clip.facts.duration_s:.2f} s, the others are shown for {canvas.duration_s:.2f} s")
    # Rounded down: the shortest clip would be the only one to hold its last picture.
    n_frames = max(1, math.floor(canvas.duration_s * canvas.fps + 1e-6))
    n_samples = round(n_frames / canvas.fps * RATE)
    whole = goal.with_suffix(".whole.mp4")
    try:
        write_clip(whole, _letterboxed(clip, canvas, n_frames), canvas.fps, _levelled(clip, n_samples), RATE, crf=20, preset="veryfast")
        _remux(whole, goal, even_fps=canvas.fps)
    finally:
        with suppress(OSError):
            whole.unlink(missing_ok=True)
    return _presented(clip, goal, "matched")


def _presented(clip: Clip, goal: Path, profile: Profile) -> Presented:
    from seedbench.clips.media import probe

    shown = probe(goal)
    level = loudness(clip.audio(RATE).samples, RATE).integrated if clip.facts.has_audio else None
    return Presented(goal, profile, shown.duration_s, clip.facts.width, clip.facts.height, clip.facts.fps, level)


def _letterboxed(clip: Clip, canvas: Canvas, n_frames: int) -> Iterator[np.ndarray]:
    import cv2

    rgb = clip.frames(canvas.fps).rgb
    if not len(rgb):
        raise PresentationError("a clip holds no picture that can be decoded")
    h, w = rgb.shape[1:3]
    scale = min(canvas.width / w, canvas.height / h)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    left, top = (canvas.width - size[0]) // 2, (canvas.height - size[1]) // 2
    for number in range(n_frames):
        board = np.zeros((canvas.height, canvas.width, 3), np.uint8)
        picture = cv2.resize(rgb[min(number, len(rgb) - 1)], size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        board[top : top + size[1], left : left + size[0]] = picture
        yield board


def _levelled(clip: Clip, n: int) -> np.ndarray:
    """Stereo sound (n, 2) at 48 kHz and -16 LUFS; silence stays silence."""
    given = np.asarray(clip.audio(RATE).samples, np.float32) if clip.facts.has_audio else np.zeros(n, np.float32)
    given = given[:n] if given.ndim == 1 else given[:n].mean(1)
    sound = np.zeros(n, np.float32)
    sound[: len(given)] = given
    level = loudness(sound, RATE).integrated
    if level is None:  # what is too soft to hear would still be seen in the file
        return np.zeros((n, 2), np.float32)
    # A mono channel on two loudspeakers counts twice: 3 dB.
    sound = limited(sound * np.float32(10 ** ((LOUDNESS_LUFS - level - 10 * math.log10(2)) / 20)))
    return np.stack([sound, sound], 1)


def limited(sound: np.ndarray, *, ceiling_db: float = TRUE_PEAK_DB - 0.3) -> np.ndarray:
    """Sound (N,) at 48 kHz whose peaks are turned down to the ceiling (5 ms before, 50 ms after them); true peaks lie up to 0.3 dB above
    sampled ones."""
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import resample_poly

    ceiling = 10 ** (ceiling_db / 20)
    peaks = np.abs(resample_poly(sound, 4, 1)).reshape(-1, 4).max(1)[: len(sound)] if len(sound) else np.zeros(0)
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    if not len(sound) or needed.min() >= 1:
        return sound
    before, after = round(0.005 * RATE), round(0.05 * RATE)
    held = -maximum_filter1d(-needed, before + after + 1, origin=(after - before) // 2)
    window = np.hanning(2 * before + 1)
    smooth = np.convolve(np.pad(held, before, mode="edge"), window / window.sum(), mode="valid")
    return np.asarray(sound * np.minimum(smooth, needed), np.float32)


def _remux(source: Path, goal: Path, *, even_fps: float | None = None) -> None:
    """Copy pictures and sound into a fresh MP4 without a word about anything; add a silent track where there is no sound.

    ``even_fps``: pictures of this rate all last as long, the last one too. AAC takes equally many bytes throughout, since how many it would
    need tells which codec the sound went through before.
    """
    import av

    try:
        with av.open(str(source)) as given, av.open(str(goal), "w", format="mp4", options=_OPTIONS) as made:
            video = given.streams.video[0]
            sound = given.streams.audio[0] if given.streams.audio else None
            pictures = made.add_stream_from_template(video, opaque=True)
            pictures.metadata.clear()
            heard = made.add_stream_from_template(sound) if sound is not None else made.add_stream("aac", rate=RATE, layout="stereo")
            heard.metadata.clear()
            wordless = {one: _wordless(one, even=even_fps is not None) for one in (video, sound) if one is not None}
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
                    made.mux(kept)
            if sound is None:
                _silence(made, heard, end)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        with suppress(OSError):
            goal.unlink(missing_ok=True)
        raise PresentationError(f"{source.name} cannot be brought into a form that tells nothing of its maker ({error})") from error


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
            for place, early in enumerate(held):
                early.dts = packet.dts - (len(held) - 1 - place) * max(1, packet.duration or 1)
            yield from held
            held = []
        else:
            packet.dts = packet.pts if packet.dts is None else packet.dts
            yield packet
    if held:
        raise ValueError("pictures have no time of decoding")


def _wordless(stream: Any, *, even: bool) -> Callable[[Any], list[Any]]:
    """What makes packets of a stream such that the encoder says nothing about itself in them."""
    from av.bitstream import BitStreamFilterContext

    codec, extra = stream.codec_context.codec.canonical_name, bytes(stream.codec_context.extradata or b"")
    if codec == "h264" and extra[:1] == b"\1":  # lengths before units: FFmpeg's own filter would leave start codes, which an MP4 has not
        return lambda packet: _rewritten(packet, wordless_h264(bytes(packet), 1 + (extra[4] & 3)))
    if codec in _STRIP:
        return BitStreamFilterContext(_STRIP[codec], stream).filter
    if codec == "aac" and even:
        return lambda packet: _rewritten(packet, even_aac(wordless_aac(bytes(packet))))
    if codec == "aac":
        return lambda packet: _rewritten(packet, wordless_aac(bytes(packet), adts=not extra))
    if codec == "mp3":
        return lambda packet: _rewritten(packet, wordless_mp3(bytes(packet)))
    return lambda packet: [packet]


def _rewritten(packet: Any, content: bytes) -> list[Any]:
    import av

    if len(content) == packet.size:
        packet.update(content)
        return [packet]
    if not content:
        return []
    made = av.Packet(content)
    made.pts, made.dts, made.duration, made.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    made.is_keyframe = packet.is_keyframe
    return [made]


def wordless_h264(picture: bytes, length: int) -> bytes:
    """The units of a picture, each after its size in ``length`` bytes, without what codes no picture: SEI, delimiters, filler.

    Raises ValueError for units that are cut off.

    >>> wordless_h264(bytes.fromhex("0003 06aaaa 0002 65bb"), 2).hex()
    '000265bb'
    """
    kept, at = b"", 0
    while at < len(picture):
        end = at + length + int.from_bytes(picture[at : at + length])
        if not at + length < end <= len(picture):
            raise ValueError("a picture is cut off")
        if picture[at + length] & 31 not in _NO_PICTURE:
            kept += picture[at:end]
        at = end
    return kept


def wordless_aac(frame: bytes, *, adts: bool = False) -> bytes:
    """An AAC frame with nothing in the fill elements that it begins with: encoders write their names there (ISO/IEC 14496-3,
    ``fill_element``). With ``adts`` it has the header of a stream of its own, whose checksum, if any, holds no more.

    >>> wordless_aac(bytes.fromhex("de0200") + b"Lavc62.28.102" + bytes.fromhex("0042")).hex()
    'de0200000000000000000000000000000042'
    """
    n = 8 * len(frame)
    bits = int.from_bytes(frame)

    def read(at: int, length: int) -> int:
        return bits >> max(0, n - at - length) & (1 << length) - 1

    at = 0 if not adts else 56 if len(frame) > 1 and frame[1] & 1 else 72
    while at + 19 <= n and read(at, 3) == _FILL_ELEMENT:
        count, at = read(at + 3, 4), at + 7
        if count == 15:
            count, at = count + read(at, 8) - 1, at + 8
        if at + 8 * count > n:
            break
        if count and read(at, 4) == 0:  # no extension of the sound
            bits &= ~((1 << 8 * count) - 1 << n - at - 8 * count)
        at += 8 * count
    return bits.to_bytes(len(frame))


def even_aac(frame: bytes, *, size: int = SOUND_BYTES) -> bytes:
    """A raw AAC frame brought to ``size`` bytes by fill elements before it. Raises ValueError for one that is too long.

    >>> even_aac(bytes.fromhex("210049"), size=12).hex()
    'c4000183060c183060210049'
    """
    missing = size - len(frame) - 7
    bits = 0
    for _ in range(8):  # beside whole bytes an element takes 7 bits: eight of them take 7 bytes
        taken = min(max(missing, 0), 270)
        missing -= taken
        count, more = (taken, b"") if taken < 15 else (15, bytes([taken - 15]))
        bits = (bits << 7 | _FILL_ELEMENT << 4 | count) << 8 * taken | int.from_bytes(more) << 8 * (taken - 1 if more else 0)
    if missing:
        raise ValueError(f"{len(frame)} bytes of sound do not become {size}")
    return (bits << 8 * len(frame) | int.from_bytes(frame)).to_bytes(size)


def wordless_mp3(frame: bytes) -> bytes:
    """An MP3 frame whose stuffing does not name the encoder.

    >>> wordless_mp3(b"..LAME3.100UUUU..")
    b'..UUUUUUUUUUUUU..'
    """
    return re.sub(rb"(?:LAME|Lavc|Lavf|GOGO)[0-9][0-9.]{1,9}", lambda found: b"U" * len(found.group()), frame)


_FILL_ELEMENT = 6
#: 120,000 is divided by all usual rates, those of NTSC among them: pictures keep their times, whatever the clock of the source was, and
#: lengths are not rounded one way or the other by the order in which pictures were coded.
_OPTIONS = {
    "fflags": "+bitexact",
    "movflags": "+faststart",
    "video_track_timescale": "120000",
    "movie_timescale": "120000",
    "write_btrt": "0",
}
_NO_PICTURE = frozenset({6, 9, 12})
#: The same for H.264 with start codes, as MPEG-TS has it, and metadata and padding of AV1.
_STRIP = {"h264": "filter_units=remove_types=6|9|12", "av1": "filter_units=remove_types=5|15"}


def _silence(container: Any, stream: Any, duration_s: float) -> None:
    import av

    stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT
    for start in range(0, max(1024, round(duration_s * RATE)), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def pad(files: Sequence[Path], *, bucket: int = BUCKET) -> int:
    """Bring MP4 files to one size, a multiple of ``bucket``, by a box that players skip at the end of each; gives the size in bytes."""
    most = max(file.stat().st_size for file in files)
    size = -(-(most + 8) // bucket) * bucket
    for file in files:
        free = size - file.stat().st_size
        with file.open("ab") as opened:
            opened.write(free.to_bytes(4, "big") + b"free" + bytes(free - 8))
    return size
