"""Clips as voters get them: nothing in the file tells who made it.

``native`` keeps pictures and sound as they came and rewrites the container alone: no tags, no names, no dates, no encoder's settings in the
stream. ``matched`` also makes the clips of one prompt alike where a viewer or a browser could tell them apart without looking: one canvas,
one rate, one length, one encoder, one loudness. Either way a clip without sound gets a silent track, and all clips of a prompt end up as
files of one size. What cannot be brought into such a form is refused; it is never shown as it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seedbench.arena.blinding.loudness import RATE, leveled_stereo, loudness
from seedbench.arena.blinding.remux import BlindingError, remux
from seedbench.arena.votes.log import Profile
from seedbench.clips.clip import Clip
from seedbench.clips.media import ProbeFacts, write_clip

MAX_FPS = 30.0
PLAYABLE_VIDEO = frozenset({"h264", "av1", "vp9"})
"""Video that the browsers we tried play from an MP4."""
PLAYABLE_SOUND = frozenset({"aac", "opus", "mp3"})


@dataclass(frozen=True)
class MatchedCanvas:
    """What the matched clips of a prompt have in common: size in pixels, rate, length in seconds."""

    width: int
    height: int
    fps: float
    duration_s: float


@dataclass(frozen=True)
class BlindClip:
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


def canvas_of(clips: Sequence[ProbeFacts], *, width: int = 854, height: int = 480) -> MatchedCanvas:
    """What the matched clips of one prompt share: the given size, the slowest rate (at most 30), the shortest length.

    Raises PresentationError for no clips.
    """
    if not clips:
        raise BlindingError("there is no clip to match")
    return MatchedCanvas(width, height, min(MAX_FPS, *(facts.fps for facts in clips)), min(facts.duration_s for facts in clips))


def native(source: Path, goal: Path) -> BlindClip:
    """Write the clip's own pictures and sound into a container that tells nothing. Raises PresentationError, ClipError."""
    clip = Clip.open(source)
    facts = clip.facts
    if not facts.has_video:
        raise BlindingError(f"{source.name} has no pictures")
    seen, heard = _codec(facts.video_codec), _codec(facts.audio_codec)
    if seen not in PLAYABLE_VIDEO:
        raise BlindingError(f"browsers do not play {seen}: {source.name} can be shown matched, not native")
    if facts.has_audio and heard not in PLAYABLE_SOUND:
        raise BlindingError(f"browsers do not play {heard} from an MP4: {source.name} can be shown matched, not native")
    remux(source, goal)
    return _presented(clip, goal, "native")


def _codec(decoder: str) -> str:
    """What a decoder decodes: AV1 is read by libdav1d, MP3 by mp3float."""
    import av

    return str(av.Codec(decoder).canonical_name) if decoder else ""


def matched(source: Path, goal: Path, canvas: MatchedCanvas) -> BlindClip:
    """Write the clip on a canvas: letterboxed, at its rate and length, -16 LUFS with true peaks under -1.5 dB, by one encoder."""
    clip = Clip.open(source)
    if not clip.facts.has_video:
        raise BlindingError(f"{source.name} has no pictures")
    if clip.facts.duration_s + 0.5 / canvas.fps < canvas.duration_s:
        raise BlindingError(f"{source.name} lasts {clip.facts.duration_s:.2f} s, the others are shown for {canvas.duration_s:.2f} s")
    # Rounded down: the shortest clip would be the only one to hold its last picture.
    n_frames = max(1, math.floor(canvas.duration_s * canvas.fps + 1e-6))
    n_samples = round(n_frames / canvas.fps * RATE)
    whole = goal.with_suffix(".whole.mp4")
    try:
        write_clip(
            whole, _letterboxed(clip, canvas, n_frames), canvas.fps, leveled_stereo(clip, n_samples), RATE, crf=20, preset="veryfast"
        )
        remux(whole, goal, even_fps=canvas.fps)
    finally:
        with suppress(OSError):
            whole.unlink(missing_ok=True)
    return _presented(clip, goal, "matched")


def _presented(clip: Clip, goal: Path, profile: Profile) -> BlindClip:
    from seedbench.clips.media import probe

    shown = probe(goal)
    level = loudness(clip.audio(RATE).samples, RATE).integrated if clip.facts.has_audio else None
    return BlindClip(goal, profile, shown.duration_s, clip.facts.width, clip.facts.height, clip.facts.fps, level)


def _letterboxed(clip: Clip, canvas: MatchedCanvas, n_frames: int) -> Iterator[np.ndarray]:
    import cv2

    rgb = clip.frames(canvas.fps).rgb
    if not len(rgb):
        raise BlindingError("a clip holds no picture that can be decoded")
    h, w = rgb.shape[1:3]
    scale = min(canvas.width / w, canvas.height / h)
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    left, top = (canvas.width - size[0]) // 2, (canvas.height - size[1]) // 2
    for number in range(n_frames):
        board = np.zeros((canvas.height, canvas.width, 3), np.uint8)
        picture = cv2.resize(rgb[min(number, len(rgb) - 1)], size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        board[top : top + size[1], left : left + size[0]] = picture
        yield board
