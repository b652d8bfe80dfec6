"""What people do besides talking: they sway, nod, blink; and what their mouths do while they talk. All curves over the clip's frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbench.generators.simulator.speech import REST, SpokenText, mouth_track

BLINK_S = 0.2


@dataclass(frozen=True)
class Acting:
    """One person over all frames (each (N,)): shifts in head heights, turn -1..1, tilt in radians, lids and lips 0..1."""

    shift_x: np.ndarray
    shift_y: np.ndarray
    body_x: np.ndarray
    body_y: np.ndarray
    yaw: np.ndarray
    roll_rad: np.ndarray
    blink: np.ndarray
    lips_open: np.ndarray
    lips_width: np.ndarray


#: Mouths are drawn by the ends of the voices' phonemes, and this much earlier: the bursts of 60 p, b and m of nineteen clips are heard
#: 11 ms before those ends. With this lead the lips of a simulated speaker part when the burst is heard, as those of filmed ones do. With
#: 70 ms they parted 39 ms before it, and a lip-sync model with SyncNet's zero read 0.
LIP_LEAD_S = 0.025


def act(times_s: np.ndarray, lines: Sequence[tuple[float, SpokenText]], rng: np.random.Generator) -> Acting:
    """Idle motion and mouth of one person at ``times_s`` (N,) who says ``lines`` (start in seconds, speech)."""
    lips_open, lips_width = np.full(len(times_s), REST[0]), np.full(len(times_s), REST[1])
    talking = np.zeros(len(times_s))
    for start_s, speech in lines:
        opened, width = mouth_track(speech.phonemes, times_s - start_s + LIP_LEAD_S)
        during = (times_s >= start_s - 0.15) & (times_s <= start_s + speech.duration_s + 0.15)
        lips_open = np.where(during, np.maximum(lips_open, opened), lips_open)
        lips_width = np.where(during, width, lips_width)
        talking = np.maximum(talking, np.clip(np.minimum(times_s - start_s, start_s + speech.duration_s - times_s) / 0.3 + 0.5, 0, 1))
    nod, shake = _sway(times_s, rng, (1.1, 2.3)), _sway(times_s, rng, (0.7, 1.5))
    slow_x, slow_y, lean = (_sway(times_s, rng, (0.12, 0.45)) for _ in range(3))
    return Acting(
        shift_x=0.016 * slow_x + 0.004 * talking * shake,
        shift_y=0.007 * slow_y + 0.010 * talking * nod,
        body_x=0.010 * slow_x,
        body_y=0.005 * slow_y,
        yaw=0.07 * lean + 0.05 * talking * shake,
        roll_rad=0.014 * slow_x + 0.014 * talking * _sway(times_s, rng, (0.5, 1.2)),
        blink=blinks(times_s, rng),
        lips_open=lips_open,
        lips_width=lips_width,
    )


def blinks(times_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How far the lids are lowered, 0..1 (N,): a blink of 0.2 s every two to five seconds."""
    lowered = np.zeros(len(times_s))
    at_s = rng.uniform(0.4, 3.0)
    while len(times_s) and at_s < times_s[-1] + BLINK_S:
        lowered = np.maximum(lowered, np.clip(1.35 - np.abs(times_s - at_s) / (BLINK_S / 2) * 1.35, 0, 1))
        at_s += rng.uniform(2.0, 5.0)
    return lowered


def _sway(times_s: np.ndarray, rng: np.random.Generator, band_hz: tuple[float, float]) -> np.ndarray:
    """A smooth wandering about 0, mostly within -1..1: three sines of random rate and phase."""
    rates, phases = rng.uniform(*band_hz, 3), rng.uniform(0, 2 * np.pi, 3)
    return np.sum(
        [amount * np.sin(2 * np.pi * hz * times_s + phase) for amount, hz, phase in zip((0.55, 0.35, 0.25), rates, phases, strict=True)],
        axis=0,
    )
