"""Variants of talking clips for training: other rates of speech, other voices, other faces, a second voice behind.

A hundred clips are few. Each window that is trained on is varied at random in ways that leave lips and sound in sync. The sizes are what
differs between clips anyway: rates of speech by some per cent, formants by a tenth, mouths by a sixth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seedbench.metrics.lipsync.features import SOUND_PER_FRAME

RATE_SD = 0.04
"""Standard deviation of the rate of speech, as a share."""
FORMANT_SHIFT_SD = 1.0
"""Standard deviation, in mel bands, of the shift of the formants; high bands
are shifted more than low ones, as by a shorter vocal tract."""
SECOND_VOICE_SHARE = 0.3
"""Share of windows with another clip's sound behind the voice."""
SECOND_VOICE_NATS = (2.0, 5.0)
"""How much weaker that sound is, in nats of power (9 to 22 dB)."""
FACE_SD = 0.15
"""Standard deviation of the gain of each lip feature, and of the mixing between features, as a share."""


def varied_window(
    lips: np.ndarray, sound: np.ndarray, offset: float, length: int, max_shift: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, float]:
    """A window at another rate of speech, its sound shifted by a random lag.

    Args:
        lips: (T, D) lip features at 25 fps.
        sound: (4 T, bands) sound features at 100 a second.
        offset: Their known offset in frames (positive: sound early).
        length: Frames of the window.
        max_shift: The largest lag in frames.
        rng: The source of random numbers.

    Returns:
        Lips (length, D), sound (4 length, bands) and the lag between them in frames.
    """
    rate = float(np.exp(rng.normal() * RATE_SD))
    start = float(rng.integers(0, max(1, int(len(lips) - length * rate))))
    shift, quarter = int(rng.integers(-max_shift, max_shift + 1)), int(rng.integers(-1, 2))
    sound_rows = np.arange(SOUND_PER_FRAME * length) + SOUND_PER_FRAME * shift + quarter
    return (
        _rows_at(lips, start + np.arange(length) * rate),
        _rows_at(sound, SOUND_PER_FRAME * start + sound_rows * rate),
        offset / rate + shift + quarter / SOUND_PER_FRAME,
    )


def _rows_at(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Rows of ``values`` at fractional positions, the ends repeated."""
    positions = np.clip(positions, 0, len(values) - 1.001)
    below = positions.astype(int)
    weight = (positions - below)[:, None].astype(np.float32)
    return values[below] * (1 - weight) + values[below + 1] * weight


def shift_formants(sounds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each sound with its spectrum stretched by a random amount.

    Args:
        sounds: (B, N, bands) sound features.
        rng: The source of random numbers.

    Returns:
        (B, N, bands).
    """
    bands = np.arange(sounds.shape[2])
    shifts = rng.normal(size=len(sounds)) * FORMANT_SHIFT_SD
    return np.stack(
        [_rows_at(sound.T, bands + shift * (0.3 + bands / len(bands))).T for sound, shift in zip(sounds, shifts.tolist(), strict=True)]
    )


def add_second_voices(sounds: np.ndarray, scale: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some of the sounds with another sound of the batch behind them, at another time and weaker.

    Args:
        sounds: (B, N, bands) log-mel without its mean, divided by ``scale``.
        scale: (bands,) what the log-mel was divided by.
        rng: The source of random numbers.

    Returns:
        (B, N, bands).
    """
    mixed = sounds.copy()
    for k in range(len(mixed)):
        if len(mixed) < 2 or rng.random() >= SECOND_VOICE_SHARE:
            continue
        other = mixed[(k + 1 + int(rng.integers(len(mixed) - 1))) % len(mixed)]
        other = np.roll(other, int(rng.integers(len(other))), axis=0)
        both = np.logaddexp(mixed[k] * scale, other * scale - rng.uniform(*SECOND_VOICE_NATS))
        mixed[k] = (both - both.mean(axis=0)) / scale
    return mixed


def vary_faces(lips: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lips of each window with other gains of the features, and with some of each feature in the others.

    Args:
        lips: (B, T, 2 D) lip features, then their velocities, which are varied alike.
        rng: The source of random numbers.

    Returns:
        (B, T, 2 D).
    """
    windows, half = len(lips), lips.shape[2] // 2
    gains = 1 + FACE_SD * rng.normal(size=(windows, 1, half))
    scaled = lips * np.concatenate([gains, gains], axis=-1).astype(np.float32)
    mixing = rng.normal(size=(windows, half, half)) * FACE_SD / np.sqrt(half)
    return scaled + np.concatenate([scaled[..., :half] @ mixing, scaled[..., half:] @ mixing], axis=-1).astype(np.float32)


def varied_batch(
    windows: Sequence[tuple[np.ndarray, np.ndarray, float]], scale: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows as one batch, with other voices and faces.

    Args:
        windows: What :func:`varied_window` returns, of one length.
        scale: (bands,) what the log-mel was divided by.
        rng: The source of random numbers.

    Returns:
        Lips (B, T, D), sound (B, 4 T, bands) and lags (B,) in frames, float32.
    """
    lips, sounds, lags = zip(*windows, strict=True)
    sound = add_second_voices(shift_formants(np.stack(sounds), rng), scale, rng)
    return vary_faces(np.stack(lips), rng).astype(np.float32), sound.astype(np.float32), np.array(lags, np.float32)
