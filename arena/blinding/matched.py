"""Clips as voters get them: nothing in the file shows who made it.

``native`` keeps pictures and sound as they came and rewrites only the container: no tags, no names, no dates, no encoder settings in the
stream. ``matched`` also makes the clips of one prompt alike where a viewer or a browser could distinguish them without watching: one
canvas, rate, length, encoder and loudness. Either way a clip without sound gets a silent track, and all clips of a prompt become files of
one size. A clip that cannot be brought into such a form is refused; it is never shown as it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from seedbench.arena.blinding.loudness import RATE, leveled_stereo, loudness
from seedbench.arena.blinding.remux import BlindingError, remux
from seedbench.arena.votes.log import Profile
from seedbench.clips.clip import Clip
from seedbench.clips.cropping import NO_CROP
from seedbench.clips.probing import ProbeFacts, probe
from seedbench.clips.writing import write_clip

MAX_FPS = 30.0
PLAYABLE_VIDEO = frozenset({"h264", "av1", "vp9"})
"""Codecs of video that browsers play from an MP4 file (tried)."""
PLAYABLE_SOUND = frozenset({"aac", "opus", "mp3"})


@dataclass(frozen=True)
class MatchedCanvas:
    """What the matched clips of a prompt share.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        fps: Frames a second.
        duration_s: Length in seconds.
    """

    width: int
    height: int
    fps: float
    duration_s: float


@dataclass(frozen=True)
class BlindClip:
    """A file that is ready to be shown, with the covariates of style as they were before matching.

    Attributes:
        file: The file.
        profile: ``native`` or ``matched``.
        duration_s: Length in seconds.
        width: Width in pixels.
        height: Height in pixels.
        fps: Frames a second.
        loudness: Integrated loudness in LUFS; None for silence.
    """

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


def canvas_of(clips: Sequence[ProbeFacts], *, width: int = 854, height: int = 480) -> MatchedCanvas:
    """The canvas of the clips of one prompt.

    Args:
        clips: The facts of the clips.
        width: Width in pixels.
        height: Height in pixels.

    Returns:
        The given size, the slowest rate of the clips (at most 30 frames a second) and the shortest length.

    Raises:
        BlindingError: There are no clips, or one has no moving picture.
    """
    if not clips:
        raise BlindingError("there are no clips to match")
    if any(facts.fps <= 0 for facts in clips):
        raise BlindingError("a clip of a single picture cannot be matched with others")
    return MatchedCanvas(width, height, min(MAX_FPS, *(facts.fps for facts in clips)), min(facts.duration_s for facts in clips))


def native(source: Path, goal: Path) -> BlindClip:
    """Write a clip's own coded pictures and sound into a container without metadata.

    Args:
        source: The clip.
        goal: The MP4 file to write.

    Raises:
        BlindingError: The clip has no pictures, or browsers do not play it from an MP4 file.
        ClipError: The clip cannot be read.
    """
    clip = Clip.open(source)
    facts = clip.facts
    if not facts.has_video:
        raise BlindingError(f"{source.name} has no pictures")
    seen, heard = _codec(facts.video_codec), _codec(facts.audio_codec)
    if seen not in PLAYABLE_VIDEO:
        raise BlindingError(f"browsers do not play {seen}: {source.name} can be shown matched, not native")
    if facts.has_audio and heard not in PLAYABLE_SOUND:
        raise BlindingError(f"browsers do not play {heard} from an MP4: {source.name} can be shown matched, not native")
    if facts.container == "avi":
        raise BlindingError(f"AVI does not say when pictures are shown: {source.name} can be shown matched, not native")
    if facts.display is not None and facts.display.crop != NO_CROP:
        raise BlindingError(f"browsers do not cut pictures as its container asks for: {source.name} can be shown matched, not native")
    remux(source, goal, facts)
    return _blind_clip(clip, goal, "native")


def _codec(decoder: str) -> str:
    """The codec of a decoder: AV1 is read by libdav1d, MP3 by mp3float."""
    import av

    return str(av.Codec(decoder).canonical_name) if decoder else ""


def matched(source: Path, goal: Path, canvas: MatchedCanvas) -> BlindClip:
    """Write a clip on a canvas: letterboxed, at the canvas's rate and length, at -16 LUFS with true peaks under -1.5 dB, by one encoder.

    Args:
        source: The clip.
        goal: The MP4 file to write.
        canvas: What the clips of its prompt share.

    Raises:
        BlindingError: The clip has no pictures, or is shorter than the canvas.
        ClipError: The clip cannot be read.
    """
    clip = Clip.open(source)
    if not clip.facts.has_video:
        raise BlindingError(f"{source.name} has no pictures")
    if clip.facts.duration_s + 0.5 / canvas.fps < canvas.duration_s:
        raise BlindingError(f"{source.name} lasts {clip.facts.duration_s:.2f} s, the others are shown for {canvas.duration_s:.2f} s")
    # Rounded down: otherwise only the shortest clip would repeat its last picture.
    n_frames = max(1, math.floor(canvas.duration_s * canvas.fps + 1e-6))
    n_samples = round(n_frames / canvas.fps * RATE)
    encoded = goal.with_suffix(".encoded.mp4")
    try:
        write_clip(
            encoded, _letterboxed(clip, canvas, n_frames), canvas.fps, leveled_stereo(clip, n_samples), RATE, crf=20, preset="veryfast"
        )
        remux(encoded, goal, probe(encoded), constant_fps=canvas.fps)
    finally:
        with suppress(OSError):
            encoded.unlink(missing_ok=True)
    return _blind_clip(clip, goal, "matched")


def _blind_clip(clip: Clip, goal: Path, profile: Profile) -> BlindClip:
    shown = probe(goal)
    level = loudness(clip.audio(RATE).samples, RATE).integrated if clip.facts.has_audio else None
    return BlindClip(goal, profile, shown.duration_s, clip.facts.width, clip.facts.height, clip.facts.fps, level)


def _letterboxed(clip: Clip, canvas: MatchedCanvas, n_frames: int) -> Iterator[np.ndarray]:
    """The pictures on the canvas, one after another; the last one is repeated where the clip ends before the canvas does."""
    import cv2

    w, h = clip.size
    scale = min(canvas.width / w, canvas.height / h)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    left, top = (canvas.width - size[0]) // 2, (canvas.height - size[1]) // 2
    frame = np.zeros((canvas.height, canvas.width, 3), np.uint8)
    n_given = 0
    for rgb in islice(clip.pictures_at(canvas.fps), n_frames):
        picture = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        frame = np.zeros_like(frame)
        frame[top : top + size[1], left : left + size[0]] = picture
        n_given += 1
        yield frame
    for _ in range(n_given, n_frames):
        yield frame
