"""Music with known beats: drums, piano or synthesiser at a tempo. Samples are float32 mono at 48 kHz."""

from __future__ import annotations

import numpy as np

from seedbench.generators.simulator.sounds import RATE, add_at, noise

#: Peak of the music alone; under speech it is played at a third of it.
PEAK = 0.45
#: Roots of four bars (semitones from the tonic) and the chords on them: a turn that never jars.
_BARS = ((0, (0, 4, 7)), (9, (0, 3, 7)), (5, (0, 4, 7)), (7, (0, 4, 7)))


def beat_times(tempo_bpm: float, duration_s: float, *, shift_s: float = 0.0) -> np.ndarray:
    """Beats (N,) in seconds within the clip; the first lies at 0, moved by ``shift_s``.

    >>> beat_times(120, 2).tolist(), beat_times(120, 2, shift_s=0.7).round(2).tolist()
    ([0.0, 0.5, 1.0, 1.5], [0.2, 0.7, 1.2, 1.7])
    """
    beat_s = 60 / tempo_bpm
    first = int(np.ceil((0 - shift_s) / beat_s - 1e-9))
    last = int(np.ceil((duration_s - shift_s) / beat_s - 1e-9))
    return np.arange(first, last) * beat_s + shift_s


def play(tempo_bpm: float, style: str, duration_s: float, rng: np.random.Generator, *, shift_s: float = 0.0) -> np.ndarray:
    """Music (N,) that fills ``duration_s``; beats fall at :func:`beat_times`, its peak is :data:`PEAK`."""
    beat_s = 60 / tempo_bpm
    track = np.zeros(round(duration_s * RATE) + 1)
    tonic = 110 * 2 ** (int(rng.integers(-3, 5)) / 12)
    kit = _Kit(rng)
    first = int(np.floor(-shift_s / beat_s)) - 4
    for beat in range(first, int(np.ceil((duration_s - shift_s) / beat_s))):
        start_s = beat * beat_s + shift_s
        root, chord = _BARS[(beat // 4) % len(_BARS)]
        for sound, after in _PLAYERS[style](beat, beat_s, tonic * 2 ** (root / 12), chord, kit):
            add_at(track, start_s + after * beat_s, sound)
    track = track[: round(duration_s * RATE)]
    return (track * (PEAK / max(1e-9, float(np.abs(track).max())))).astype(np.float32)


class _Kit:
    """Drums, each stroke the same."""

    def __init__(self, rng: np.random.Generator) -> None:
        time_s = np.arange(round(0.3 * RATE)) / RATE
        sweep = 2 * np.pi * np.cumsum(48 + 130 * np.exp(-time_s / 0.025)) / RATE
        thump = np.sin(sweep) * np.exp(-time_s / 0.11)
        tick = noise(len(time_s), (800, 6000), rng) * np.exp(-time_s / 0.003)
        self.kick = 1.0 * thump + 0.12 * tick
        rattle = noise(len(time_s), (1200, 9000), rng) * np.exp(-time_s / 0.06)
        self.snare = 0.16 * rattle + 0.5 * np.sin(2 * np.pi * 190 * time_s) * np.exp(-time_s / 0.05)
        self.hat = (0.07 * noise(len(time_s), (6000, 16000), rng) * np.exp(-time_s / 0.018))[: round(0.1 * RATE)]
        self.soft_kick = 0.6 * self.kick


def _drums(beat: int, beat_s: float, root: float, chord: tuple[int, ...], kit: _Kit) -> list[tuple[np.ndarray, float]]:
    return [(kit.snare if beat % 2 else kit.kick, 0.0), (kit.hat, 0.0), (kit.hat, 0.5)]


def _piano(beat: int, beat_s: float, root: float, chord: tuple[int, ...], kit: _Kit) -> list[tuple[np.ndarray, float]]:
    notes = [(0.8 * _key(root, 1.2), 0.0)]
    if beat % 2 == 0:
        notes += [(0.35 * _key(2 * root * 2 ** (step / 12), 0.9), 0.0) for step in chord]
    else:
        notes += [(0.45 * _key(4 * root * 2 ** (chord[beat % 3] / 12), 0.7), 0.0)]
    return notes


def _synth(beat: int, beat_s: float, root: float, chord: tuple[int, ...], kit: _Kit) -> list[tuple[np.ndarray, float]]:
    pad = sum(_saw(2 * root * 2 ** (step / 12), 0.9 * beat_s, decay_s=0.6 * beat_s) for step in chord)
    return [(kit.soft_kick, 0.0), (0.22 * np.asarray(pad), 0.0), (0.5 * _saw(root / 2, 0.45 * beat_s, decay_s=0.3), 0.0), (kit.hat, 0.5)]


_PLAYERS = {"drums": _drums, "piano": _piano, "synth": _synth}


def _key(hz: float, lasts_s: float) -> np.ndarray:
    """A struck string: partials that fade the faster the higher, sharp at the start."""
    time_s = np.arange(round(lasts_s * RATE)) / RATE
    partials = [
        np.sin(2 * np.pi * hz * n * (1 + 0.0004 * n * n) * time_s) * np.exp(-time_s * (2.2 + 1.3 * n)) / n**1.1 for n in range(1, 8)
    ]
    return np.sum(partials, axis=0) * np.clip(time_s / 0.002, 0, 1) * np.clip((lasts_s - time_s) / 0.05, 0, 1)


def _saw(hz: float, lasts_s: float, *, decay_s: float) -> np.ndarray:
    """A soft saw tooth of eight partials."""
    time_s = np.arange(round(lasts_s * RATE)) / RATE
    wave = np.sum([np.sin(2 * np.pi * hz * n * time_s) / n**1.4 for n in range(1, 9)], axis=0)
    return wave * np.exp(-time_s / decay_s) * np.clip(time_s / 0.003, 0, 1) * np.clip((lasts_s - time_s) / 0.02, 0, 1)
