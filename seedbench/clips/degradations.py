"""Degrading a finished clip by a stated amount: the ground truth of calibration and of the gate's self-test.

Each degradation changes one thing. Pictures keep their size and, but for ``cut-out``, their times; the degraded clip is
encoded anew (H.264, near lossless).
Pictures are changed one after another while they are written, so that a long clip takes no more memory than a short one.
Where the encoding itself matters, compare with the degradation ``rewrite``, which does nothing else, and not with the original file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seedbench.clips import time_maps
from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.errors import SeedBenchError, UnknownNameError, did_you_mean


@dataclass(frozen=True)
class ClipArrays:
    """The content of a clip as arrays, on one clock: time 0 is the first picture.

    Attributes:
        pictures: T pictures (H, W, 3), uint8, one after another; they can be gone through several times.
        time_s: their times (T,), in seconds.
        sound: (C, N) float32 in -1..1, with C = 1 or 2 channels; None for a clip without a sound stream.
        rate: sample rate of the sound, in Hz.
        crf: the x264 constant rate factor that the clip is to be written with (0 lossless, 51 worst).
    """

    pictures: Iterable[np.ndarray]
    time_s: np.ndarray
    sound: np.ndarray | None
    rate: int
    crf: int = 10


@dataclass(frozen=True)
class ChangedPictures:
    """Pictures that are made anew each time that they are gone through.

    Attributes:
        begin: gives them one after another, from the first on.
    """

    begin: Callable[[], Iterator[np.ndarray]]

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.begin()


@dataclass(frozen=True)
class Degradation:
    """One way to degrade a clip.

    Attributes:
        apply: the function; it takes a clip and an amount and returns a changed copy.
        amount: what the amount means, with its unit.
        low, high: the range that the amount must lie in.
    """

    apply: Callable[[ClipArrays, float], ClipArrays]
    amount: str
    low: float = -math.inf
    high: float = math.inf


def delay_sound(clip: ClipArrays, amount_ms: float) -> ClipArrays:
    """Move the sound in time; silence fills the gap, and the length stays.

    Args:
        clip: the clip.
        amount_ms: how much later the sound comes, in milliseconds; negative: earlier. It is rounded to whole samples.

    Returns:
        A copy with the sound moved. A later sound is a negative offset (:data:`seedbench.plugins.metric.OFFSET_SIGN`).

    Raises:
        SeedBenchError: the clip has no sound.

    >>> clip = ClipArrays(np.zeros((2, 2, 2, 3), np.uint8), np.array([0.0, 0.04]), np.array([[1.0, 2.0, 3.0]]), 1000)
    >>> delay_sound(clip, 1).sound.tolist(), delay_sound(clip, -2).sound.tolist()
    ([[0.0, 1.0, 2.0]], [[3.0, 0.0, 0.0]])
    """
    sound = _sound_of(clip, "delay-sound")
    offset = round(amount_ms * clip.rate / 1000)
    moved = np.zeros_like(sound)
    size = sound.shape[1]
    if abs(offset) < size:
        moved[:, max(0, offset) : size + min(0, offset)] = sound[:, max(0, -offset) : size - max(0, offset)]
    return replace(clip, sound=moved)


def drop_sound(clip: ClipArrays, amount: float) -> ClipArrays:
    """Silence the end of the sound, or remove the sound stream.

    Args:
        clip: the clip.
        amount: the share of the sound to silence, from the end, 0..1; 1 removes the stream.

    Returns:
        A copy with less sound, or with none.

    Raises:
        SeedBenchError: the clip has no sound, and ``amount`` is less than 1.
    """
    if amount >= 1:
        return replace(clip, sound=None)
    sound = _sound_of(clip, "drop-sound").copy()
    sound[:, round(sound.shape[1] * (1 - amount)) :] = 0
    return replace(clip, sound=sound)


def freeze(clip: ClipArrays, from_s: float) -> ClipArrays:
    """Let the picture stand still; the sound goes on.

    Args:
        clip: the clip.
        from_s: from when on, in seconds from the first picture.

    Returns:
        A copy in which the picture at ``from_s`` is repeated to the end.
    """
    last = max(0, int(np.searchsorted(clip.time_s, from_s, side="right")) - 1)
    return _choose_pictures(clip, np.minimum(np.arange(len(clip.time_s)), last))


def flicker(clip: ClipArrays, amplitude: float) -> ClipArrays:
    """Make every second picture brighter and every other one darker.

    Args:
        clip: the clip.
        amplitude: the difference between the two, as a share of full scale, 0..1; half of it each way.

    Returns:
        A copy with changed pictures, cut off at black and white.
    """
    return _change_pictures(clip, lambda rgb, index: rgb.astype(np.float64) + (-1.0 if index % 2 else 1.0) * amplitude * 127.5)


def blur(clip: ClipArrays, sigma_px: float) -> ClipArrays:
    """Blur all pictures with a Gaussian.

    Args:
        clip: the clip.
        sigma_px: its standard deviation, in pixels of the working size.

    Returns:
        A copy with blurred pictures.
    """
    import cv2

    return _change_pictures(clip, lambda rgb, _: cv2.GaussianBlur(rgb, (0, 0), sigma_px).astype(np.float32))


def retime(clip: ClipArrays, factor: float) -> ClipArrays:
    """Change the speed of the pictures; the sound and the length stay.

    Args:
        clip: the clip.
        factor: how many times as slow they are; 0.5 is twice as fast.

    Returns:
        A copy in which pictures are repeated, or left out with the last one repeated to the end.
    """
    source = np.searchsorted(clip.time_s, clip.time_s / factor + 1e-6, side="right") - 1
    return _choose_pictures(clip, np.clip(source, 0, len(clip.time_s) - 1))


def ease(clip: ClipArrays, amount: float) -> ClipArrays:
    """Let the pictures start and end slowly (:func:`seedbench.clips.time_maps.eased`); the nearest picture is shown, the sound stays."""
    return _show_moments(clip, time_maps.eased(clip.time_s, amount))


def speed_ramp(clip: ClipArrays, ratio: float) -> ClipArrays:
    """Let the speed of the pictures change steadily (:func:`seedbench.clips.time_maps.ramped`); the nearest picture is shown."""
    return _show_moments(clip, time_maps.ramped(clip.time_s, ratio))


def wobble(clip: ClipArrays, depth: float) -> ClipArrays:
    """Let the speed of the pictures go up and down (:func:`seedbench.clips.time_maps.wobbled`); the nearest picture is shown."""
    return _show_moments(clip, time_maps.wobbled(clip.time_s, depth))


def pause(clip: ClipArrays, pause_s: float) -> ClipArrays:
    """Let the pictures stand still in the middle and then go on; the sound and the length stay."""
    return _show_moments(clip, time_maps.paused(clip.time_s, pause_s))


def cut_out(clip: ClipArrays, missing_s: float) -> ClipArrays:
    """Cut a part out of the middle of the pictures.

    Args:
        clip: the clip.
        missing_s: how much, in seconds.

    Returns:
        A shorter copy. The sound is not cut in the middle; it ends with the pictures.
    """
    shorter = _show_moments(clip, time_maps.cut_out(clip.time_s, missing_s))
    step_s = float(np.median(np.diff(clip.time_s))) if len(clip.time_s) > 1 else 0.0
    end_s = float(shorter.time_s[-1]) + step_s
    return replace(shorter, sound=None if clip.sound is None else clip.sound[:, : round(end_s * clip.rate)])


def reencode(clip: ClipArrays, crf: float) -> ClipArrays:
    """Compress the clip hard when it is written.

    Args:
        clip: the clip.
        crf: x264's constant rate factor, 0..51 (18 good, 40 poor, 51 worst), rounded to a whole number.

    Returns:
        A copy with the same arrays and this ``crf``.
    """
    return replace(clip, crf=round(crf))


def blacken(clip: ClipArrays, from_s: float) -> ClipArrays:
    """Make the picture black; the sound goes on.

    Args:
        clip: the clip.
        from_s: from when on, in seconds from the first picture.

    Returns:
        A copy with black pictures from there to the end.
    """
    black = clip.time_s >= from_s
    return _change_pictures(clip, lambda rgb, index: np.zeros_like(rgb) if black[index] else rgb)


def rewrite(clip: ClipArrays, amount: float) -> ClipArrays:
    """Change nothing: the clip is only written anew, as it is for every other degradation.

    Args:
        clip: the clip.
        amount: ignored.

    Returns:
        The clip itself.
    """
    return clip


#: All degradations by name. The order is that of the listing.
DEGRADATIONS: dict[str, Degradation] = {
    "delay-sound": Degradation(delay_sound, "ms by which the sound comes later; negative: earlier", -600_000, 600_000),
    "drop-sound": Degradation(drop_sound, "share of the sound, 1: no sound stream", 0, 1),
    "freeze": Degradation(freeze, "s from which the picture stands still", 0, 600),
    "flicker": Degradation(flicker, "amplitude, 0..1", 0, 1),
    "blur": Degradation(blur, "sigma in px", 0.05, 100),
    "retime": Degradation(retime, "factor, above 1: slower", 0.05, 20),
    "ease": Degradation(ease, "0..1, 1: from rest to rest", 0, 1),
    "speed-ramp": Degradation(speed_ramp, "speed at the end over speed at the beginning", 0.05, 20),
    "wobble": Degradation(wobble, "0..1, share by which the speed goes up and down", 0, 1),
    "pause": Degradation(pause, "s for which the picture stands still in the middle", 0, 600),
    "cut-out": Degradation(cut_out, "s that are cut out of the middle of the pictures", 0, 600),
    "reencode": Degradation(reencode, "x264 rate factor, 0..51", 0, 51),
    "blacken": Degradation(blacken, "s from which the picture is black", 0, 600),
    "rewrite": Degradation(rewrite, "ignored"),
}

#: Names of earlier versions, which scripts and stored studies may use. They are listed nowhere.
ALIASES = {"shift-sound": "delay-sound", "intact": "rewrite"}


def degrade_clip(source: Path, out: Path, degradations: Mapping[str, float]) -> Path:
    """Write a degraded copy of a clip.

    Args:
        source: the clip; it is only read.
        out: the file to write, an .mp4; not ``source`` itself.
        degradations: names of :data:`DEGRADATIONS` with their amounts, applied in this order.

    Returns:
        ``out``.

    Raises:
        UnknownNameError: there is no degradation of that name.
        SeedBenchError: an amount is outside its range, or the clip has no sound to degrade.
        ClipError: ``source`` cannot be read as a clip.
        StorageError: ``out`` cannot be written.
    """
    steps = [(_degradation(name, amount), amount) for name, amount in degradations.items()]
    if out.resolve() == source.resolve() or (out.exists() and source.exists() and out.samefile(source)):
        raise SeedBenchError(f"{out} is the clip itself; name another file to write to")
    if out.suffix.lower() != ".mp4":
        raise SeedBenchError(f"{out}: the degraded copy is an .mp4; give it a name that ends so")
    opened = Clip.open(source)
    clip = arrays_of(opened)
    for degradation, amount in steps:
        clip = degradation.apply(clip, amount)
    return write_arrays(out, clip, opened.facts.fps)


def write_arrays(out: Path, clip: ClipArrays, fps: float | None) -> Path:
    """Write a changed clip.

    Args:
        out: the file to write, an .mp4.
        clip: its content.
        fps: the rate that the file states; None: 25. The pictures have their own times.

    Returns:
        ``out``.

    Raises:
        ClipError: there is no picture.
        StorageError: ``out`` cannot be written.
    """
    sound = None if clip.sound is None else clip.sound.T if clip.sound.shape[0] == 2 else clip.sound[0]
    return write_clip(out, clip.pictures, fps or 25.0, sound, clip.rate, crf=clip.crf, times_s=clip.time_s, audio_bitrate=256_000)


def _degradation(name: str, amount: float) -> Degradation:
    """The degradation of that name. Raises UnknownNameError, or SeedBenchError for an amount that it cannot take."""
    degradation = DEGRADATIONS.get(ALIASES.get(name, name))
    if degradation is None:
        raise UnknownNameError(f"there is no degradation called {name!r}{did_you_mean(name, DEGRADATIONS, list_known=True)}")
    if not math.isfinite(amount) or not degradation.low <= amount <= degradation.high:
        bounds = f" from {degradation.low:g} to {degradation.high:g}" if math.isfinite(degradation.low) else ""
        raise SeedBenchError(f"{name}={amount:g}: the amount must be a number{bounds} ({degradation.amount})")
    return degradation


def arrays_of(clip: Clip) -> ClipArrays:
    """The content of a clip as arrays.

    Args:
        clip: the clip. Its pictures are decoded when they are gone through.

    Returns:
        Pictures as a player shows them, and the sound at 48 kHz; more than two channels are mixed to two.

    Raises:
        ClipError: the clip has no picture.
    """
    pictures = ChangedPictures(clip.pictures)
    if not clip.facts.has_audio:
        return ClipArrays(pictures, clip.time_s, None, 48000)
    (channels, stored_rate), rate = clip.sound_channels(), 48000
    if stored_rate != rate:
        import soxr

        channels = soxr.resample(channels.T, stored_rate, rate).T
    return ClipArrays(pictures, clip.time_s, np.ascontiguousarray(channels, np.float32), rate)


def _sound_of(clip: ClipArrays, name: str) -> np.ndarray:
    if clip.sound is None:
        raise SeedBenchError(f"{name}: the clip has no sound; leave this degradation out")
    return clip.sound


def _change_pictures(clip: ClipArrays, change: Callable[[np.ndarray, int], np.ndarray]) -> ClipArrays:
    """A copy in which each picture is ``change`` of it and its number, rounded and cut off at black and white."""

    def changed() -> Iterator[np.ndarray]:
        for index, rgb in enumerate(clip.pictures):
            yield np.clip(np.rint(change(rgb, index)), 0, 255).astype(np.uint8)

    return replace(clip, pictures=ChangedPictures(changed))


def _choose_pictures(clip: ClipArrays, numbers: np.ndarray) -> ClipArrays:
    """A copy with the pictures of these numbers, which never descend."""

    counts = np.bincount(numbers)

    def chosen() -> Iterator[np.ndarray]:
        for count, rgb in zip(counts, clip.pictures, strict=False):  # the pictures after the last number are not wanted
            for _ in range(count):
                yield rgb

    return replace(clip, pictures=ChangedPictures(chosen))


def _show_moments(clip: ClipArrays, moments_s: np.ndarray) -> ClipArrays:
    """A copy that shows the picture nearest to each moment; shorter where there are fewer moments than pictures."""
    numbers = time_maps.nearest_pictures(clip.time_s, moments_s)
    return replace(_choose_pictures(clip, numbers), time_s=clip.time_s[: len(numbers)])
