"""A clip: one media file, opened once, decoded once, seen at any size, rate and sample rate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.media import Decoded, ProbeFacts, decode, probe
from seedbench.errors import ClipError, ClipUnavailableError
from seedbench.files.hashing import file_sha256


@dataclass(frozen=True)
class Video:
    """Pictures: ``rgb`` (T, H, W, 3) uint8 and their times ``time_s`` (T,) in seconds from the first picture."""

    rgb: np.ndarray
    time_s: np.ndarray

    def __len__(self) -> int:
        return len(self.rgb)


@dataclass(frozen=True)
class Audio:
    """Mono sound: ``samples`` (N,) float32 in -1..1 at ``rate`` Hz; sample 0 lies at the time of the first picture."""

    samples: np.ndarray
    rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def frames_on_screen(time_s: np.ndarray, fps: float, end_s: float) -> np.ndarray:
    """Index of the picture on screen at each of the times 0, 1/fps, 2/fps, ... before ``end_s``.

    >>> frames_on_screen(np.array([0.0, 0.04, 0.08, 0.2]), 10, 0.3)
    array([0, 2, 3])
    """
    count = max(1, int(np.floor(end_s * fps + 1e-6)))
    wanted = np.arange(count) / fps
    return np.clip(np.searchsorted(time_s, wanted + 1e-4, side="right") - 1, 0, len(time_s) - 1)


class Clip:
    """One media file. ``open`` checks that it can be read; pictures and sound are decoded together at the first use, once.

    ``memo`` holds the analyses of this clip (:mod:`seedbench.plugins.analysis`).
    """

    def __init__(self, path: Path, sha256: str, facts: ProbeFacts) -> None:
        self.path = path
        self.sha256 = sha256
        self.facts = facts
        self.memo: dict[str, Any] = {}
        self._frames: dict[tuple[float, int | None], Video] = {}
        self._audio: dict[int, Audio] = {}

    @classmethod
    def open(cls, path: Path | str) -> Clip:
        """Open a media file. Raises ClipError, one sentence, when it cannot be a clip."""
        path = Path(path)
        facts = probe(path)
        return cls(path, file_sha256(path), facts)

    @cached_property
    def _decoded(self) -> Decoded:
        """Everything in the file. Raises ClipUnavailableError where the file is no longer the one that was opened."""
        found = decode(self.path, self.facts)
        if file_sha256(self.path) != self.sha256:
            raise ClipUnavailableError(f"{self.path}: was changed while it was read")
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd about the file, in words, known once it is decoded."""
        return self._decoded.notes

    @property
    def end_s(self) -> float:
        """When the last picture leaves the screen, in seconds from the first one."""
        times = self.video.time_s
        step = 1.0 / self.facts.fps if self.facts.fps > 0 else 0.04
        return float(times[-1] + step)

    @property
    def video(self) -> Video:
        """All pictures as stored, at the working size (short side at most 720). Raises ClipError if there are none."""
        if not self.facts.has_video:
            raise ClipError(f"{self.path}: has no picture")
        return Video(self._decoded.rgb, self._decoded.time_s)

    def frames(self, fps: float = 25.0, short_side: int | None = None) -> Video:
        """The clip seen at a constant rate: at time k/fps the picture that is on screen then.

        ``short_side`` scales down (area) to that many pixels and never up. Memoised; arrays are shared, do not write into them.
        """
        import cv2

        native = self.video
        side = min(native.rgb.shape[1:3])
        if short_side is not None and short_side >= side:
            short_side = None
        key = (fps, short_side)
        if key not in self._frames:
            index = frames_on_screen(native.time_s, fps, self.end_s)
            same = len(index) == len(native) and bool((index == np.arange(len(index))).all())
            if short_side is None:
                rgb = native.rgb if same else native.rgb[index]
            else:
                height, width = native.rgb.shape[1:3]
                size = (round(width * short_side / side), round(height * short_side / side))
                used = np.unique(index)
                small = np.stack([cv2.resize(native.rgb[i], size, interpolation=cv2.INTER_AREA) for i in used])
                rgb = small[np.searchsorted(used, index)]
            self._frames[key] = Video(rgb, np.arange(len(index)) / fps)
        return self._frames[key]

    def audio(self, rate: int = 16000) -> Audio:
        """Mono sound at ``rate`` Hz, laid on the pictures' clock: leading silence is added, or sound before the first picture cut.

        Channels are averaged. Raises ClipError if the file has no sound. Memoised; do not write into the array.
        """
        if not self.facts.has_audio:
            raise ClipError(f"{self.path}: has no sound")
        if rate not in self._audio:
            import soxr

            decoded = self._decoded
            mono = decoded.audio.mean(axis=0)
            shift = round(decoded.audio_start_s * decoded.audio_rate)
            mono = mono[-shift:] if shift < 0 else np.concatenate([np.zeros(shift, np.float32), mono])
            if decoded.audio_rate != rate:
                mono = soxr.resample(mono, decoded.audio_rate, rate)
            self._audio[rate] = Audio(np.ascontiguousarray(mono, np.float32), rate)
        return self._audio[rate]

    @property
    def audio_start_s(self) -> float:
        """Where the stored sound begins on the pictures' clock, in seconds (negative: before the first picture)."""
        return self._decoded.audio_start_s

    def sound_channels(self) -> tuple[np.ndarray, int]:
        """The sound as stored: (C, N) float32 and its rate; its first sample lies at the container's own audio start."""
        if not self.facts.has_audio:
            raise ClipError(f"{self.path}: has no sound")
        return self._decoded.audio, self._decoded.audio_rate
