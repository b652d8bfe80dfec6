"""A clip: one media file, opened once, decoded once, available at any size, frame rate and sample rate."""

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
    """Pictures.

    Attributes:
        rgb: (T, H, W, 3) uint8.
        time_s: when each picture appears (T,), in seconds from the first one.
    """

    rgb: np.ndarray
    time_s: np.ndarray

    def __len__(self) -> int:
        return len(self.rgb)


@dataclass(frozen=True)
class Audio:
    """Mono sound.

    Attributes:
        samples: (N,) float32 in -1..1. Sample 0 is heard at the time of the first picture.
        rate: sample rate in Hz.
    """

    samples: np.ndarray
    rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def frames_on_screen(time_s: np.ndarray, fps: float, end_s: float) -> np.ndarray:
    """Which picture is on screen at each of the times 0, 1/fps, 2/fps, ... before ``end_s``.

    Args:
        time_s: when each picture appears (T,), in seconds, ascending.
        fps: frames per second of the answer.
        end_s: the end, in seconds.

    Returns:
        Indices into ``time_s``, at least one.

    >>> frames_on_screen(np.array([0.0, 0.04, 0.08, 0.2]), 10, 0.3)
    array([0, 2, 3])
    """
    count = max(1, int(np.floor(end_s * fps + 1e-6)))
    wanted = np.arange(count) / fps
    return np.clip(np.searchsorted(time_s, wanted + 1e-4, side="right") - 1, 0, len(time_s) - 1)


class Clip:
    """One media file. :meth:`open` checks that it can be read; pictures and sound are decoded once, at the first use.

    Attributes:
        path: the file.
        sha256: the hash of its bytes, 64 hexadecimal digits.
        facts: what its container and packets say (:class:`~seedbench.clips.media.ProbeFacts`).
        memo: the results of analyses of this clip (:mod:`seedbench.plugins.analysis`), by name.
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
        """Open a media file.

        Args:
            path: the file.

        Returns:
            The clip. Its packets were read and its bytes hashed; nothing is decoded yet.

        Raises:
            ClipError: it is not a media file, is empty, has neither picture nor sound, or is longer than 180 s.
            ClipUnavailableError: it cannot be read at the moment, or is not a file.
        """
        path = Path(path)
        facts = probe(path)
        return cls(path, file_sha256(path), facts)

    @cached_property
    def _decoded(self) -> Decoded:
        """Everything in the file. Raises ClipUnavailableError where the file has changed since it was opened."""
        decoded = decode(self.path, self.facts)
        if file_sha256(self.path) != self.sha256:
            raise ClipUnavailableError(f"{self.path}: was changed while it was read; try again when nothing writes it")
        return decoded

    @property
    def notes(self) -> tuple[str, ...]:
        """What is unusual about the file, in words, such as where decoding stopped. Decodes the clip.

        Raises:
            ClipError: there are pictures, but not one can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        return self._decoded.notes

    @property
    def end_s(self) -> float:
        """When the last picture leaves the screen, in seconds from the first picture. Decodes the clip.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        times = self.video.time_s
        step = 1.0 / self.facts.fps if self.facts.fps > 0 else 0.04
        return float(times[-1] + step)

    @property
    def video(self) -> Video:
        """All pictures with their own times, at the working size: the short side has at most 720 pixels.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        if not self.facts.has_video:
            raise ClipError(f"{self.path}: has no picture")
        return Video(self._decoded.rgb, self._decoded.time_s)

    def frames(self, fps: float = 25.0, short_side: int | None = None) -> Video:
        """The pictures at a constant rate: picture k is the one that is on screen at k/fps seconds.

        Args:
            fps: frames per second, above 0.
            short_side: scale down (by area) until the shorter side has this many pixels; None, or more than it has: no scaling.

        Returns:
            The pictures, (T, H, W, 3) uint8, and their times k/fps. They are memoised and shared: do not write into the arrays.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
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
        """Mono sound on the clock of the pictures: silence is added before it, or sound before the first picture is cut.

        Args:
            rate: sample rate in Hz; the average of all channels is resampled to it.

        Returns:
            The sound, (N,) float32 in -1..1. It is memoised and shared: do not write into the array.

        Raises:
            ClipError: the clip has no sound, or it has pictures of which none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
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
        """When the stored sound begins, in seconds from the first picture (negative: before it)."""
        return self._decoded.audio_start_s

    def sound_channels(self) -> tuple[np.ndarray, int]:
        """The sound as stored.

        Returns:
            Samples (C, N), float32 in -1..1, and their rate in Hz. The first sample is heard at :attr:`audio_start_s`. Do not
            write into them.

        Raises:
            ClipError: the clip has no sound, or it has pictures of which none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        if not self.facts.has_audio:
            raise ClipError(f"{self.path}: has no sound")
        return self._decoded.audio, self._decoded.audio_rate
