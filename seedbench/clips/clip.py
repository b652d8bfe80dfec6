"""A clip: one media file as a player shows it. Its pictures come one after another, at any size and rate; its sound at any sample rate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.display import working_size
from seedbench.clips.pictures import PictureReader, PictureRecord
from seedbench.clips.probing import ProbeFacts, probe
from seedbench.clips.repeats import PictureTiming, timing_of
from seedbench.clips.sound import DecodedSound, read_sound, to_mono
from seedbench.errors import ClipError, ClipUnavailableError
from seedbench.files.hashing import file_sha256

#: The pictures of a clip stay in memory where all of them take no more bytes than this: 8 s at 720 lines and 30 frames per second. Those of
#: a longer clip are decoded again each time that they are asked for, at the same size.
KEPT_BYTES = 700_000_000


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
    """One media file. :meth:`open` checks that it can be read; pictures and sound are decoded when they are first asked for.

    What it gives is what a player shows: the default tracks, turned and stretched as the file says, without what an edit list hides, every
    picture and every packet of sound at its own time.

    Attributes:
        path: the file.
        sha256: the hash of its bytes, 64 hexadecimal digits.
        facts: what its container and packets say (:class:`~seedbench.clips.probing.ProbeFacts`).
        memo: the results of analyses of this clip (:mod:`seedbench.plugins.analysis`), by name.
    """

    def __init__(self, path: Path, sha256: str, facts: ProbeFacts) -> None:
        self.path = path
        self.sha256 = sha256
        self.facts = facts
        self.memo: dict[str, Any] = {}
        self._kept: list[np.ndarray] | np.ndarray | None = None
        self._recorded: PictureRecord | None = None
        self._audio: dict[int, Audio] = {}

    @classmethod
    def open(cls, path: Path | str) -> Clip:
        """Open a media file.

        Args:
            path: the file.

        Returns:
            The clip. Its packets were read, its first picture was decoded and its bytes were hashed.

        Raises:
            ClipError: it is not a media file, is empty, has neither picture nor sound, none of its pictures can be decoded, or it is
                longer than 600 s.
            ClipUnavailableError: it cannot be read at the moment, or is not a file.
        """
        path = Path(path)
        facts = probe(path)
        return cls(path, file_sha256(path), facts)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures that :meth:`pictures` gives: as shown, scaled down until the short side has at most 720 pixels.

        Raises:
            ClipError: the clip has no picture.
        """
        self._must_have_pictures()
        return working_size((self.facts.width, self.facts.height))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is unusual about the file, in words, such as pieces that cannot be decoded. Decodes the clip.

        Raises:
            ClipError: there are pictures, but not one can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        notes = list(self.facts.notes)
        if self.facts.has_video:
            notes += [*self._record.notes, self.timing.note]
        if self.facts.has_audio:
            notes += [*self._sound.notes, self._mono[1]]
        return tuple(note for note in notes if note)

    @property
    def time_s(self) -> np.ndarray:
        """When each picture appears (T,), in seconds from the first one. Decodes the clip.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        return self._record.time_s

    @property
    def end_s(self) -> float:
        """When the last picture leaves the screen, in seconds from the first picture. Decodes the clip.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        return self._record.end_s

    @cached_property
    def timing(self) -> PictureTiming:
        """Which pictures are not repeats of the one before, and when they were due. Decodes the clip.

        Motion is measured on these: a generator that makes 12 pictures per second and stores 24 shows each of them twice.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        return timing_of(self._record.time_s, self._record.change)

    def pictures(self, index: Sequence[int] | np.ndarray | None = None, *, short_side: int | None = None) -> Iterator[np.ndarray]:
        """The pictures one after another. Those of a long clip are decoded anew at each call, so ask once for all that you need.

        Args:
            index: ascending numbers of the pictures to give, as in :attr:`time_s`; None: all.
            short_side: scale down (by area) until the shorter side has this many pixels; None, or more than it has: no scaling.

        Yields:
            (H, W, 3) uint8, of :attr:`size` or smaller. They may be shared: do not write into them.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
            ValueError: ``index`` does not ascend.
        """
        numbers = None if index is None else np.asarray(index, int)
        if numbers is not None and (np.diff(numbers) <= 0).any():
            raise ValueError("numbers of pictures must ascend; each may be asked for once")
        if self._fits():
            _ = self._record
        if self._kept is not None:
            source: Iterator[np.ndarray] = iter(self._kept) if numbers is None else (self._kept[number] for number in numbers)
        else:
            source = self._decoded_again(numbers)
        for rgb in source:
            yield scaled_to_short_side(rgb, short_side)

    @property
    def video(self) -> Video:
        """All pictures with their own times, in memory at once: for short clips. Metrics use :meth:`pictures`.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        _ = self._record
        if isinstance(self._kept, np.ndarray):
            rgb = self._kept
        else:
            rgb = np.stack(list(self.pictures()))
            self._kept = None if self._kept is None else rgb
        return Video(rgb, self.time_s)

    def on_screen(self, fps: float) -> np.ndarray:
        """Which picture is on screen at each of the times 0, 1/fps, 2/fps, ... Decodes the clip.

        Args:
            fps: frames per second, above 0.

        Returns:
            (n,) numbers of pictures, as in :attr:`time_s`; they may repeat.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        return frames_on_screen(self.time_s, fps, self.end_s)

    def pictures_at(self, fps: float, *, short_side: int | None = None) -> Iterator[np.ndarray]:
        """The pictures at a constant rate, one after another: picture k is the one that is on screen at k/fps seconds.

        Args:
            fps: frames per second, above 0.
            short_side: as for :meth:`pictures`.

        Yields:
            (H, W, 3) uint8. A picture that stays on screen comes again: do not write into it.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        numbers = self.on_screen(fps)
        used, counts = np.unique(numbers, return_counts=True)
        for rgb, count in zip(self.pictures(used, short_side=short_side), counts, strict=True):
            for _ in range(count):
                yield rgb

    def frames(self, fps: float = 25.0, short_side: int | None = None) -> Video:
        """The pictures of :meth:`pictures_at`, in memory at once: for short clips or small pictures.

        Args:
            fps: frames per second, above 0.
            short_side: as for :meth:`pictures`.

        Returns:
            The pictures, (T, H, W, 3) uint8, and their times k/fps.

        Raises:
            ClipError: the clip has no picture, or none can be decoded.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        numbers = self.on_screen(fps)
        if isinstance(self._kept, np.ndarray) and short_side is None and np.array_equal(numbers, np.arange(len(self._kept))):
            return Video(self._kept, np.arange(len(numbers)) / fps)
        rgb = np.stack(list(self.pictures_at(fps, short_side=short_side)))
        return Video(rgb, np.arange(len(rgb)) / fps)

    def audio(self, rate: int = 16000) -> Audio:
        """Mono sound on the clock of the pictures.

        Every packet is at its own time and holes are silence; there is silence where the sound begins late. Sound before the first picture
        and after the last one is left out. Without pictures it is the whole sound. Two channels are averaged; where they cancel each other,
        the stronger one is taken (:attr:`notes` says so).

        Args:
            rate: sample rate in Hz, to which it is resampled.

        Returns:
            The sound, (N,) float32 in -1..1. It is memoised and shared: do not write into the array.

        Raises:
            ClipError: the clip has no sound.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        if rate not in self._audio:
            import soxr

            sound = self._sound
            mono, _ = self._mono
            if sound.rate != rate:
                mono = soxr.resample(mono, sound.rate, rate)
            self._audio[rate] = Audio(np.ascontiguousarray(mono, np.float32), rate)
        return self._audio[rate]

    def sound_channels(self) -> tuple[np.ndarray, int]:
        """The sound on the clock of the pictures, in one channel or two.

        Returns:
            Samples (C, N), float32 in -1..1, and their rate in Hz. Do not write into them.

        Raises:
            ClipError: the clip has no sound.
            ClipUnavailableError: the file cannot be read at the moment, or has changed since it was opened.
        """
        return self._sound.samples, self._sound.rate

    @cached_property
    def _sound(self) -> DecodedSound:
        if not self.facts.has_audio:
            raise ClipError(f"{self.path}: has no sound")
        sound = read_sound(self.path, self.facts)
        self._must_be_unchanged()
        return sound

    @cached_property
    def _mono(self) -> tuple[np.ndarray, str]:
        """The sound in one channel, and what is unusual about that."""
        return to_mono(self._sound.samples)

    @property
    def _record(self) -> PictureRecord:
        """What a whole pass over the pictures shows. The first one keeps the pictures of a short clip."""
        if self._recorded is None:
            self._must_have_pictures()
            reader = PictureReader(self.path, self.facts)
            kept: list[np.ndarray] | None = [] if self._fits() else None
            for rgb in reader.read(None if kept is not None else _nothing, compare=True):
                if kept is not None:
                    kept.append(rgb)
                    if len(kept) * rgb.nbytes > KEPT_BYTES:  # more pictures than the packets promised
                        kept = None
            self._must_be_unchanged()
            self._kept, self._recorded = kept, reader.record()
        return self._recorded

    def _decoded_again(self, numbers: np.ndarray | None) -> Iterator[np.ndarray]:
        self._must_have_pictures()
        reader = PictureReader(self.path, self.facts)
        if numbers is None:
            first = self._recorded is None
            yield from reader.read(compare=first)
            if first:
                self._must_be_unchanged()
                self._recorded = reader.record()
                return
        elif len(numbers):
            wanted, given = frozenset(numbers.tolist()), 0
            for rgb in reader.read(wanted.__contains__, last=int(numbers[-1])):
                given += 1
                yield rgb
            if given < len(numbers):
                raise ClipError(f"{self.path}: {len(numbers) - given} of its pictures cannot be decoded again; the file is damaged")
        self._must_be_unchanged()

    def _fits(self) -> bool:
        """Whether all pictures may be kept in memory: by facts of the clip alone."""
        width, height = self.size
        return 3 * width * height * self.facts.n_frames <= KEPT_BYTES

    def _must_have_pictures(self) -> None:
        if not self.facts.has_video:
            raise ClipError(f"{self.path}: has no picture")

    def _must_be_unchanged(self) -> None:
        if file_sha256(self.path) != self.sha256:
            raise ClipUnavailableError(f"{self.path}: was changed while it was read; try again when nothing writes it")


def _nothing(_: int) -> bool:
    return False


def scaled_to_short_side(rgb: np.ndarray, short_side: int | None) -> np.ndarray:
    """A picture scaled down by area, never up.

    Args:
        rgb: (H, W, 3) uint8.
        short_side: the most pixels of the shorter side; None: no scaling.

    Returns:
        (h, w, 3) uint8; the picture itself where nothing is to do.
    """
    import cv2

    height, width = rgb.shape[:2]
    side = min(height, width)
    if short_side is None or short_side >= side:
        return rgb
    scaled: np.ndarray = cv2.resize(
        rgb, (round(width * short_side / side), round(height * short_side / side)), interpolation=cv2.INTER_AREA
    )
    return scaled
