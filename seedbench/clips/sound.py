"""Decoding the sound of a file onto the clock of its pictures: every packet at its own time, holes are silence."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.clips.media_file import open_media, packets_of, raise_if_passing, reason_of
from seedbench.clips.probing import MOST_CHANNELS, ProbeFacts
from seedbench.clips.timeline import seconds_of

#: The highest rate at which sound is kept, in Hz; what is stored at a higher one is resampled.
KEPT_HZ = 48_000
#: A packet is moved to its own time where it is off by more than this, in seconds: more than containers round and recorders jitter, less
#: than the shortest packet of the usual codecs.
OFF_S = 0.008
#: So many packets must agree that the sound has moved; a single stamp that is off is a jitter.
AGREEING = 5
#: The same for the last packets of a file, which no later ones confirm.
UNCONFIRMED_S = 0.03
#: A hole that is a whole number of packets to within this many seconds needs no confirmation.
WHOLE_S = 0.0015
#: Two channels cancel where their mean holds less than this share of their mean power.
CANCELLED = 0.1


@dataclass(frozen=True)
class DecodedSound:
    """Sound on the clock of the pictures.

    Attributes:
        samples: (C, N) float32 in -1..1, one or two channels. Sample 0 is heard when the first picture appears; the sound ends with the
            pictures. Without pictures it is the whole sound.
        rate: in Hz, at most 48,000.
        notes: what is unusual, in words.
    """

    samples: np.ndarray
    rate: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """The sound of one packet.

    Attributes:
        at: where its stamp puts the first sample, in samples from the first picture.
        samples: (C, n).
    """

    at: int
    samples: np.ndarray


def read_sound(path: Path, facts: ProbeFacts) -> DecodedSound:
    """Decode the sound of a file.

    Sound before the first picture and after the last one is left out. More than two channels are mixed to two as players do.

    Args:
        path: the file.
        facts: what :func:`~seedbench.clips.probing.probe` returned for it; it has sound.

    Returns:
        The sound. Where packets are missing or cannot be decoded, silence in their place, with a note.

    Raises:
        ClipUnavailableError: the file cannot be read at the moment.
    """
    rate, end = facts.audio_rate, round(facts.duration_s * facts.audio_rate)
    samples = np.zeros((min(facts.channels, 2), end), np.float32)
    notes: list[str] = []
    filled, reached = 0, None
    for at, block in in_place(_pieces(path, facts, notes), rate):
        first, last = max(at, 0), min(at + block.shape[1], end)
        if first < last:
            samples[:, first:last] = block[:, first - at : last - at]
        if reached is not None:
            filled += max(0, min(at, end) - max(reached, 0))
        reached = at + block.shape[1]
    if not facts.has_video and reached is not None:
        samples = samples[:, : max(0, reached)]  # what an encoder added at the end counts in the packets and is not heard
    if filled > 0:
        notes.append(f"the sound has gaps of {1000 * filled / rate:.0f} ms in all; they are silence")
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
        notes.append("the sound has infinite or undefined values; they were set to silence")
    if rate > KEPT_HZ:
        import soxr

        samples, rate = np.ascontiguousarray(soxr.resample(samples.T, rate, KEPT_HZ).T), KEPT_HZ
    return DecodedSound(samples, rate, tuple(notes))


def in_place(pieces: Iterable[Piece], rate: int) -> Iterator[tuple[int, np.ndarray]]:
    """Where each piece of sound belongs.

    Pieces follow each other without a gap as long as their stamps are off by no more than rounding and jitter. Where several stamps in a
    row agree that the sound has moved, it is moved: forward, which leaves a hole, or back, over what is there.

    Args:
        pieces: the pieces in their order.
        rate: samples per second.

    Yields:
        The place of the first sample, counted from the first picture, and the samples (C, n).

    >>> pieces = [Piece(at, np.ones((1, 20))) for at in (0, 20, 41, 59, 180, 200, 220, 240, 260)]
    >>> [at for at, _ in in_place(pieces, 1000)]
    [0, 20, 40, 60, 180, 200, 220, 240, 260]
    """
    ahead: deque[Piece] = deque()
    next_at: int | None = None
    for piece in chain(pieces, [None] * (AGREEING - 1)):
        if piece is not None:
            ahead.append(piece)
            if len(ahead) < AGREEING:
                continue
        if not ahead:
            return
        expected = ahead[0].at if next_at is None else next_at
        offs, then = [], expected
        for later in ahead:
            offs.append(later.at - then)
            then += later.samples.shape[1]
        moved = sorted(offs)[len(offs) // 2]
        size = ahead[0].samples.shape[1]
        whole = size > 0 and offs[0] > 0 and abs(offs[0] - round(offs[0] / size) * size) <= WHOLE_S * rate  # as lost packets leave it
        far = OFF_S * rate if len(ahead) == AGREEING or whole else UNCONFIRMED_S * rate
        if next_at is None:
            expected += moved if abs(moved) <= OFF_S * rate else 0  # the first stamp jitters as the others do
        elif abs(moved) > far and abs(offs[0]) > far:
            expected += moved if abs(offs[0] - moved) <= far else offs[0]
        current = ahead.popleft()
        yield expected, current.samples
        next_at = expected + current.samples.shape[1]


def _pieces(path: Path, facts: ProbeFacts, notes: list[str]) -> Iterator[Piece]:
    """The sound of each packet, in one or two channels, with its place. Adds to ``notes`` what could not be decoded."""
    import av

    failures, reason = 0, ""
    with open_media(path) as container:
        stream = container.streams[facts.audio_index]
        mixer = _Mixer(facts)
        for packet in packets_of(path, container, [stream]):
            try:
                frames = stream.codec_context.decode(packet)
                pieces = [(frame, mixer.mixed(frame)) for frame in frames if frame.pts is not None and frame.time_base is not None]
            except (av.error.FFmpegError, OSError, ValueError) as error:
                raise_if_passing(path, error)
                failures, reason = failures + 1, reason_of(error)
                continue
            for frame, samples in pieces:
                yield Piece(round((seconds_of(frame.pts, frame.time_base) - facts.start_s) * facts.audio_rate), samples)
    if failures:
        amount = "1 piece" if failures == 1 else f"{failures} pieces"
        notes.append(f"{amount} of the sound could not be decoded: {reason}")


class _Mixer:
    """Turns decoded sound into float samples at the rate of the stream, in one channel or two."""

    def __init__(self, facts: ProbeFacts) -> None:
        self._rate, self._channels = facts.audio_rate, min(facts.channels, 2)
        self._resamplers: dict[tuple[str, str, int], Any] = {}

    def mixed(self, frame: Any) -> np.ndarray:
        """(C, n) float32. Raises ValueError for more channels than a decoder gives for a file that is not damaged."""
        import av

        if frame.layout.nb_channels > MOST_CHANNELS:  # PyAV would read beyond its planes
            raise ValueError(f"{frame.layout.nb_channels} channels")
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form not in self._resamplers:  # the form may change within a file
            layout = "mono" if self._channels == 1 else "stereo"
            keep = frame.layout.nb_channels == self._channels
            # whole numbers when channels are mixed: only then does FFmpeg keep the sum of many within the range
            self._resamplers[form] = av.AudioResampler("fltp" if keep else "s32p", None if keep else layout, self._rate)
        parts = [part.to_ndarray() for part in self._resamplers[form].resample(frame)]
        samples = np.concatenate(parts, axis=1) if parts else np.zeros((self._channels, 0), np.float32)
        return samples if samples.dtype == np.float32 else (samples / 2.0**31).astype(np.float32)


def to_mono(samples: np.ndarray) -> tuple[np.ndarray, str]:
    """One channel out of one or two: their mean, or the stronger one where they cancel each other.

    Args:
        samples: (C, N).

    Returns:
        (N,), and a note where the channels cancel.

    >>> left = np.array([1.0, -1.0, 0.5], np.float32)
    >>> to_mono(np.stack([left, -left]))[0].tolist(), to_mono(np.stack([left, left]))[1]
    ([1.0, -1.0, 0.5], '')
    """
    mean: np.ndarray = samples.mean(axis=0)
    if len(samples) < 2:
        return mean, ""
    powers = [float(np.vdot(channel, channel)) for channel in samples]
    if float(np.vdot(mean, mean)) >= CANCELLED * sum(powers) / len(powers):
        return mean, ""
    return samples[int(np.argmax(powers))], "the channels of the sound cancel each other; the stronger one is heard alone"
