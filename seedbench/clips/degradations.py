"""Breaking a finished clip on purpose by a stated amount: the ground truth of calibration and of the gate's self-test.

Each breakage changes one thing. Pictures keep their own times and size; the broken clip is written anew (H.264, near lossless).
Where encoding matters, compare with the breakage ``intact``, which only rewrites, and not with the original file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.clips.media import write_clip
from seedbench.errors import SeedBenchError, did_you_mean


@dataclass(frozen=True)
class Tape:
    """A clip taken apart: pictures (T, H, W, 3) uint8, their times (T,), sound (C, N) float32 or None, its rate.

    ``crf`` is the rate factor the result is written with.
    """

    rgb: np.ndarray
    time_s: np.ndarray
    sound: np.ndarray | None
    rate: int
    crf: int = 10


def delay_sound(tape: Tape, amount_ms: float) -> Tape:
    """Sound later by ``amount_ms`` (negative: earlier); silence fills the gap, the length stays.

    >>> tape = Tape(np.zeros((2, 2, 2, 3), np.uint8), np.array([0.0, 0.04]), np.array([[1.0, 2.0, 3.0]]), 1000)
    >>> delay_sound(tape, 1).sound.tolist(), delay_sound(tape, -2).sound.tolist()
    ([[0.0, 1.0, 2.0]], [[3.0, 0.0, 0.0]])
    """
    sound = _sound_of(tape, "delay-sound")
    offset = round(amount_ms * tape.rate / 1000)
    moved = np.zeros_like(sound)
    size = sound.shape[1]
    if abs(offset) < size:
        moved[:, max(0, offset) : size + min(0, offset)] = sound[:, max(0, -offset) : size - max(0, offset)]
    return _with(tape, sound=moved)


def drop_sound(tape: Tape, amount: float) -> Tape:
    """No sound stream at all (``amount`` 1), or this share of the sound silenced from the end."""
    if amount >= 1:
        return Tape(tape.rgb, tape.time_s, None, tape.rate, tape.crf)
    sound = _sound_of(tape, "drop-sound").copy()
    sound[:, round(sound.shape[1] * (1 - amount)) :] = 0
    return _with(tape, sound=sound)


def freeze(tape: Tape, from_s: float) -> Tape:
    """From ``from_s`` on the picture stands still; the sound goes on."""
    held = np.minimum(np.arange(len(tape.rgb)), max(0, int(np.searchsorted(tape.time_s, from_s, side="right")) - 1))
    return _with(tape, rgb=tape.rgb[held])


def flicker(tape: Tape, amplitude: float) -> Tape:
    """Every second picture brighter and every other darker by ``amplitude`` (0..1 of full scale, half each way)."""
    sign = np.where(np.arange(len(tape.rgb)) % 2, -1.0, 1.0)[:, None, None, None]
    return _each(tape, lambda rgb, index: rgb.astype(np.float32) + sign[index] * amplitude * 127.5)


def blur(tape: Tape, sigma_px: float) -> Tape:
    """Gaussian blur of ``sigma_px`` pixels."""
    import cv2

    return _each(tape, lambda rgb, _: cv2.GaussianBlur(rgb, (0, 0), sigma_px).astype(np.float32))


def retime(tape: Tape, factor: float) -> Tape:
    """The pictures ``factor`` times as slow (0.5: twice as fast), sound and length unchanged: pictures are held, or the last one is."""
    source = np.clip(np.searchsorted(tape.time_s, tape.time_s / factor + 1e-6, side="right") - 1, 0, len(tape.rgb) - 1)
    return _with(tape, rgb=tape.rgb[source])


def reencode(tape: Tape, crf: float) -> Tape:
    """Compress hard: x264 at this constant rate factor (18 good, 40 poor, 51 worst)."""
    return Tape(tape.rgb, tape.time_s, tape.sound, tape.rate, round(crf))


def blacken(tape: Tape, from_s: float) -> Tape:
    """From ``from_s`` on the picture is black."""
    rgb = tape.rgb.copy()
    rgb[tape.time_s >= from_s] = 0
    return _with(tape, rgb=rgb)


def intact(tape: Tape, amount: float) -> Tape:
    """Nothing but the rewriting that every other breakage goes through as well."""
    return tape


#: name -> (function, unit of the amount)
BREAKAGES: dict[str, tuple[Callable[[Tape, float], Tape], str]] = {
    "delay-sound": (delay_sound, "ms by which the sound comes later; negative: earlier"),
    "drop-sound": (drop_sound, "share of the sound, 1: no sound stream"),
    "freeze": (freeze, "s from which the picture stands still"),
    "flicker": (flicker, "amplitude, 0..1"),
    "blur": (blur, "sigma in px"),
    "retime": (retime, "factor, above 1: slower"),
    "reencode": (reencode, "x264 rate factor, 0..51"),
    "blacken": (blacken, "s from which the picture is black"),
    "intact": (intact, "ignored"),
}

#: Old names that scripts and stored studies use; each means what the new one means. They are listed nowhere.
OLD_NAMES = {"shift-sound": "delay-sound"}


#: Least and largest amount that makes sense.
_AMOUNTS: dict[str, tuple[float, float]] = {
    "delay-sound": (-600_000, 600_000),
    "drop-sound": (0, 1),
    "freeze": (0, 600),
    "flicker": (0, 1),
    "blur": (0.05, 100),
    "retime": (0.05, 20),
    "reencode": (0, 51),
    "blacken": (0, 600),
}


def _check_amount(name: str, amount: float) -> None:
    """Raise SeedBenchError for an amount outside its range, or that is no finite number."""
    low, high = _AMOUNTS.get(OLD_NAMES.get(name, name), (-math.inf, math.inf))
    if not math.isfinite(amount) or not low <= amount <= high:
        bounds = f" from {low:g} to {high:g}" if math.isfinite(low) else ""
        raise SeedBenchError(f"{name}={amount:g}: the amount must be a number{bounds} ({BREAKAGES[OLD_NAMES.get(name, name)][1]})")


def break_clip(source: Path, out: Path, breakages: dict[str, float]) -> Path:
    """Write a broken copy of ``source`` to ``out`` (.mp4) and return it; ``source`` is only read.

    ``breakages``: names of :data:`BREAKAGES` (or :data:`OLD_NAMES`) with their amounts, applied in the order given.
    Raises UnknownNameError, ClipError, StorageError, or SeedBenchError for an amount that makes no sense.
    """
    from seedbench.errors import UnknownNameError

    unknown = [name for name in breakages if OLD_NAMES.get(name, name) not in BREAKAGES]
    if unknown:
        raise UnknownNameError(f"there is no breakage called {unknown[0]!r}{did_you_mean(unknown[0], BREAKAGES, list_known=True)}")
    for name, amount in breakages.items():
        _check_amount(name, amount)
    if out.resolve() == source.resolve():
        raise SeedBenchError(f"{out} is the clip itself; name another file")
    clip = Clip.open(source)
    tape = _tape(clip)
    for name, amount in breakages.items():
        tape = BREAKAGES[OLD_NAMES.get(name, name)][0](tape, amount)
    audio = tape.sound.T if tape.sound is not None and tape.sound.shape[0] == 2 else tape.sound[0] if tape.sound is not None else None
    try:
        return write_clip(out, tape.rgb, clip.facts.fps or 25.0, audio, tape.rate, crf=tape.crf, times_s=tape.time_s, audio_bitrate=256_000)
    except KeyboardInterrupt:
        out.unlink(missing_ok=True)  # half of a clip looks like a clip
        raise


def _tape(clip: Clip) -> Tape:
    """The clip on one clock: sound begins with the first picture; more than two channels are folded into one."""
    video = clip.video
    if not clip.facts.has_audio:
        return Tape(video.rgb, video.time_s, None, 48000)
    sound, rate = clip.sound_channels(), 48000
    channels = 2 if sound[0].shape[0] == 2 else 1
    if channels == 1:
        return Tape(video.rgb, video.time_s, clip.audio(rate).samples[None], rate)
    import soxr

    both = soxr.resample(sound[0].T, sound[1], rate).T if sound[1] != rate else sound[0]
    offset = round(clip.audio_start_s * rate)
    both = both[:, -offset:] if offset < 0 else np.pad(both, ((0, 0), (offset, 0)))
    return Tape(video.rgb, video.time_s, np.ascontiguousarray(both, np.float32), rate)


def _sound_of(tape: Tape, what: str) -> np.ndarray:
    if tape.sound is None:
        raise SeedBenchError(f"{what}: the clip has no sound")
    return tape.sound


def _with(tape: Tape, *, rgb: np.ndarray | None = None, sound: np.ndarray | None = None) -> Tape:
    return Tape(tape.rgb if rgb is None else rgb, tape.time_s, tape.sound if sound is None else sound, tape.rate, tape.crf)


def _each(tape: Tape, change: Callable[[np.ndarray, int], np.ndarray]) -> Tape:
    changed = [np.clip(np.rint(change(rgb, index)), 0, 255).astype(np.uint8) for index, rgb in enumerate(tape.rgb)]
    return _with(tape, rgb=np.stack(changed))
