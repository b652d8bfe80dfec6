"""Sounds made from nothing: impacts by material, knocks, claps, bells, beeps, rolling, and the tone of a place.

Every sound begins at its first sample with a sharp attack, so that placing it at a contact's time puts its onset there.
Samples are float32 mono at 48 kHz; amplitudes are of full scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE = 48000


@dataclass(frozen=True)
class Resonance:
    """A struck thing: modes (frequency in Hz, amplitude, time constant in s), a click (share, time constant in s), its band in Hz."""

    modes: tuple[tuple[float, float, float], ...]
    click: float
    click_s: float
    click_hz: tuple[float, float]


#: Impact sounds of the materials on a hard floor.
RINGS: dict[str, Resonance] = {
    "rubber": Resonance(((118, 1.0, 0.055), (214, 0.55, 0.035), (395, 0.2, 0.02)), 0.55, 0.006, (300, 3500)),
    "wood": Resonance(((365, 0.9, 0.045), (842, 0.8, 0.032), (1490, 0.5, 0.022), (2380, 0.3, 0.014)), 0.6, 0.004, (600, 7000)),
    "steel": Resonance(
        ((1480, 0.5, 0.22), (2760, 0.8, 0.30), (4390, 0.6, 0.22), (6810, 0.4, 0.15), (410, 0.4, 0.03)), 0.5, 0.003, (1500, 14000)
    ),
    "glass": Resonance(((2350, 0.7, 0.09), (4120, 0.8, 0.11), (6740, 0.5, 0.07), (9200, 0.3, 0.04)), 0.5, 0.002, (2500, 16000)),
    "basketball": Resonance(((82, 1.0, 0.07), (168, 0.7, 0.06), (930, 0.18, 0.05), (1610, 0.08, 0.03)), 0.45, 0.007, (250, 3000)),
    "cardboard": Resonance(((68, 1.0, 0.05), (132, 0.7, 0.04), (240, 0.35, 0.03)), 0.9, 0.022, (150, 2600)),
}
#: Two bodies of a material that meet: shorter and brighter than on the floor.
CLICKS: dict[str, Resonance] = {
    "rubber": Resonance(((160, 1.0, 0.04), (330, 0.5, 0.025)), 0.5, 0.005, (300, 4000)),
    "wood": Resonance(((1050, 0.9, 0.022), (2140, 0.7, 0.016), (3420, 0.4, 0.01)), 0.6, 0.003, (900, 9000)),
    "steel": Resonance(((3150, 0.8, 0.05), (5480, 0.9, 0.06), (8720, 0.6, 0.04)), 0.6, 0.002, (2500, 16000)),
    "glass": Resonance(((3900, 0.8, 0.035), (6600, 0.9, 0.04), (10200, 0.5, 0.025)), 0.6, 0.0015, (3000, 17000)),
    "basketball": Resonance(((120, 1.0, 0.05), (260, 0.6, 0.04)), 0.5, 0.006, (250, 3000)),
    "cardboard": Resonance(((110, 1.0, 0.04), (220, 0.6, 0.03)), 0.9, 0.015, (150, 2600)),
}
_KNOCK = Resonance(((176, 0.9, 0.05), (318, 0.9, 0.04), (640, 0.5, 0.025), (1180, 0.25, 0.015)), 0.6, 0.004, (400, 5000))
_BELL = tuple(
    (1318.5 * ratio, amount, 1.1 / ratio**0.8) for ratio, amount in ((0.5, 0.25), (1, 1.0), (1.19, 0.45), (1.56, 0.35), (2.0, 0.6))
)
_BELL_HIGH = ((2.66 * 1318.5, 0.4, 0.35), (3.76 * 1318.5, 0.3, 0.22), (5.1 * 1318.5, 0.2, 0.12))


def noise(count: int, band_hz: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Noise (count,) of unit root mean square between two frequencies."""
    length = 1 << max(8, (max(1, count) - 1).bit_length())
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hz = np.fft.rfftfreq(length, 1 / RATE)
    low, high = band_hz
    spectrum *= 1 / np.sqrt((1 + (low / np.maximum(hz, 1e-3)) ** 4) * (1 + (hz / high) ** 4))
    shaped = np.fft.irfft(spectrum, length)[:count]
    return shaped / max(1e-9, float(np.sqrt(np.mean(shaped**2))))


def strike(resonance: Resonance, *, peak: float, rng: np.random.Generator) -> np.ndarray:
    """A struck thing's sound, its largest sample ``peak``; frequencies vary by 1.5% from stroke to stroke."""
    lasts_s = min(4.0, 7 * max(decay_s for _, _, decay_s in resonance.modes) + 0.03)
    time_s = np.arange(round(lasts_s * RATE)) / RATE
    sound = np.zeros(len(time_s))
    for hz, amplitude, decay_s in resonance.modes:
        pitch = hz * (1 + 0.015 * rng.uniform(-1, 1))
        sound += amplitude * np.sin(2 * np.pi * pitch * time_s + rng.uniform(0.3, 1.2)) * np.exp(-time_s / decay_s)
    click = noise(len(time_s), resonance.click_hz, rng) * np.exp(-time_s / resonance.click_s)
    sound = sound / np.abs(sound).max() + resonance.click * 2 * click / np.abs(click).max()
    return _finished(sound, peak)


def impact(material: str, speed_m_s: float, rng: np.random.Generator, *, body: bool = False) -> np.ndarray:
    """A body of ``material`` that meets the floor (or another body) at ``speed_m_s``: the faster, the louder.

    >>> loud, soft = (impact("wood", speed, np.random.default_rng(0)) for speed in (5.0, 1.0))
    >>> round(float(abs(loud).max()), 2), round(float(abs(soft).max()), 2)
    (0.6, 0.22)
    """
    reference = 1.0 if body else 5.0
    peak = 0.6 * float(np.clip((max(speed_m_s, 0.05) / reference) ** 0.62, 0.05, 1.2))
    return strike((CLICKS if body else RINGS)[material], peak=min(peak, 0.7), rng=rng)


def knock(rng: np.random.Generator) -> np.ndarray:
    """A knuckle on a wooden door."""
    return strike(_KNOCK, peak=0.5, rng=rng)


def clap(rng: np.random.Generator) -> np.ndarray:
    """One hand clap in a small room."""
    time_s = np.arange(round(0.25 * RATE)) / RATE
    near = noise(len(time_s), (700, 5500), rng) * np.exp(-time_s / 0.008)
    far = noise(len(time_s), (500, 4000), rng) * np.exp(-time_s / 0.045) * (time_s > 0.004)
    return _finished(near + 0.25 * far, 0.6)


def bell(rng: np.random.Generator) -> np.ndarray:
    """A small bell, struck once; it rings for about three seconds."""
    return strike(Resonance((*_BELL, *_BELL_HIGH), 0.15, 0.003, (2000, 12000)), peak=0.4, rng=rng)


def beep(rng: np.random.Generator) -> np.ndarray:
    """A beep of 1 kHz, 150 ms."""
    time_s = np.arange(round(0.15 * RATE)) / RATE
    shape = np.clip(time_s / 0.001, 0, 1) * np.clip((0.15 - time_s) / 0.01, 0, 1)
    tone = np.sin(2 * np.pi * 1000 * time_s) + 0.15 * np.sin(2 * np.pi * 3000 * time_s)
    return _finished(tone * shape, 0.35)


EVENT_SOUNDS = {"knock": knock, "clap": clap, "bell": bell, "beep": beep}


def rolling(speed_m_s: np.ndarray, radius_m: float, rng: np.random.Generator) -> np.ndarray:
    """The rumble of a body that rolls at these speeds (N,), one for each sample: (N,), soft, once louder and softer a turn."""
    turns = np.cumsum(np.abs(speed_m_s)) / RATE / (2 * np.pi * radius_m)
    loudness = 0.012 * np.clip(np.abs(speed_m_s), 0, 3) ** 0.8 * (1 + 0.3 * np.cos(2 * np.pi * turns))
    return (noise(len(speed_m_s), (70, 420), rng) * loudness).astype(np.float32)


#: Level (root mean square of full scale) and band of the quiet that is heard in a place.
_TONES = {
    "studio": (0.0005, (60, 1500)),
    "room": (0.0006, (50, 1200)),
    "street": (0.0020, (60, 900)),
    "park": (0.0012, (300, 2500)),
    "night": (0.0010, (80, 800)),
}


def ambience(place: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """What is heard in an empty place: (count,), -66 dB of full scale in a studio to -54 dB on a street."""
    level, band_hz = _TONES[place]
    return (level * noise(count, band_hz, rng)).astype(np.float32)


def add_at(track: np.ndarray, start_s: float, sound: np.ndarray) -> None:
    """Add ``sound`` to ``track`` from ``start_s`` on, in place; what lies outside is cut off.

    >>> track = np.zeros(4)
    >>> add_at(track, -1 / RATE, np.array([1.0, 2.0, 3.0]))
    >>> track.tolist()
    [2.0, 3.0, 0.0, 0.0]
    """
    start = round(start_s * RATE)
    begin, end = max(0, start), min(len(track), start + len(sound))
    if begin < end:
        track[begin:end] += sound[begin - start : end - start]


def _finished(sound: np.ndarray, peak: float) -> np.ndarray:
    """Scaled to ``peak``, faded out at the end so that it stops without a click."""
    fade = min(len(sound), round(0.01 * RATE))
    sound = sound * (peak / np.abs(sound).max())
    sound[-fade:] *= np.linspace(1, 0, fade)
    return sound.astype(np.float32)
