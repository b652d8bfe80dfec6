"""Onsets: when sounds begin, to a few milliseconds, and how strongly.

Candidates are peaks of librosa's spectral flux on a mel spectrogram (Böck and Widmer 2013, as in ``librosa.onset``); each is then moved
back to where the energy begins to rise, at a resolution of a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seedbench.plugins.analysis import analysis
from seedbench.ties import first_greatest

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

RATE = 16000
HOP = 160
"""Samples between frames of the flux: 10 ms."""
DYNAMIC_DB = 60.0
"""Sound this far below the loudest is silence."""
LEAST_FLUX_DB = 1.5
"""Least peak of the flux above its surroundings, dB averaged over mel bands."""
SILENT_DBFS = -60.0
"""A clip whose loudest 10 ms lie below this is silent."""
RISE_SHARE = 0.1
"""A sound begins where its energy has risen by this share of the way to its peak."""
SAME_SHARE = 1e-9
"""Energies that differ by less than this share are equal: the peak of a steady sound is its first moment."""
ATTACK_S = 0.08
"""The beginning is searched this far before the peak of the flux."""


@dataclass(frozen=True)
class Onsets:
    """The sounds of a clip.

    Attributes:
        time_s: (n,) when each begins on the clip's clock, ascending.
        level: (n,) amplitude that the sound rises to, of full scale (RMS over 2 ms).
        flux_db: (n,) strength of the onset.
        loudest_dbfs: The level of the loudest 10 ms of the clip.
    """

    time_s: np.ndarray
    level: np.ndarray
    flux_db: np.ndarray
    loudest_dbfs: float

    @property
    def silent(self) -> bool:
        """Whether there is nothing to hear."""
        return self.loudest_dbfs < SILENT_DBFS


def energy_envelope(samples: np.ndarray, rate: int, *, window_s: float = 0.002) -> np.ndarray:
    """Running mean of the squared samples over a window that looks ahead, so that it rises when a sound enters the window's end.

    Args:
        samples: Mono sound (N,).
        rate: Samples per second.
        window_s: Length of the window in seconds.

    Returns:
        Energy (N,).
    """
    width = max(1, round(window_s * rate))
    total = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2), np.zeros(width)])
    total[len(samples) + 1 :] = total[len(samples)]
    return (total[width:] - total[:-width])[: len(samples)] / width


def onset_start(energy: np.ndarray, rate: int, near_s: float) -> tuple[float, float]:
    """When a sound begins, and how loud it becomes.

    Args:
        energy: Energy (N,), see :func:`energy_envelope`.
        rate: Samples per second.
        near_s: About where the sound begins, seconds.

    Returns:
        Time of the beginning in seconds, and the amplitude the sound rises to (0 where there are too few samples).
    """
    middle = round(near_s * rate)
    reach = round(ATTACK_S * rate)
    first, last = max(0, middle - reach), min(len(energy), middle + round(0.03 * rate))
    if last - first < 8:
        return near_s, 0.0
    part = energy[first:last]
    late = part[max(0, middle - first - round(0.03 * rate)) :]
    peak = first_greatest(late, tolerance=SAME_SHARE * float(late.max())) + len(part) - len(late)
    before = part[: max(1, peak)]
    calm = float(np.quantile(before, 0.2))
    threshold = calm + RISE_SHARE * (float(part[peak]) - calm)
    below = np.flatnonzero(part[: peak + 1] < threshold)
    start = int(below[-1]) + 1 if len(below) else 0
    return (first + start) / rate, float(np.sqrt(part[peak]))


def find_onsets(samples: np.ndarray, rate: int = RATE) -> Onsets:
    """Find the onsets of a sound.

    Args:
        samples: Mono sound (N,) in -1..1.
        rate: Samples per second.

    >>> sound = np.zeros(16000, np.float32)
    >>> sound[8000:8400] = 0.5 * np.sin(2 * np.pi * 900 * np.arange(400) / 16000)
    >>> times = find_onsets(sound).time_s
    >>> len(times), abs(float(times[0]) - 0.5) < 0.004
    (1, True)
    """
    import librosa

    nothing = np.zeros(0)
    if len(samples) < 2048:
        return Onsets(nothing, nothing, nothing, -np.inf)
    energy = energy_envelope(samples, rate)
    blocks = energy[:: round(0.002 * rate)]
    loud = np.convolve(blocks, np.ones(5) / 5, mode="same").max() if len(blocks) >= 5 else blocks.max()
    loudest = float(10.0 * np.log10(loud + 1e-12))
    if loudest < SILENT_DBFS:
        return Onsets(nothing, nothing, nothing, loudest)
    power = librosa.feature.melspectrogram(y=samples.astype(np.float32), sr=rate, n_fft=512, hop_length=HOP, n_mels=64, fmin=50.0)
    decibels = librosa.power_to_db(power, ref=float(power.max()), top_db=DYNAMIC_DB)
    flux = librosa.onset.onset_strength(S=decibels, sr=rate, hop_length=HOP, lag=2, max_size=3, center=False)
    peaks = librosa.util.peak_pick(flux, pre_max=4, post_max=4, pre_avg=12, post_avg=12, delta=LEAST_FLUX_DB, wait=4)
    times: list[float] = []
    levels: list[float] = []
    strengths: list[float] = []
    for peak in peaks:
        time_s, level = onset_start(energy, rate, float(peak) * HOP / rate)
        if not times or time_s - times[-1] > 0.02:
            times.append(time_s)
            levels.append(level)
            strengths.append(float(flux[peak]))
    return Onsets(np.array(times), np.array(levels), np.array(strengths), loudest)


@analysis(version=2)
def onsets(clip: Clip) -> Onsets:
    """Onsets of a clip's sound.

    Args:
        clip: The clip.

    Returns:
        The onsets; none in a silent clip.

    Raises:
        ClipError: If the clip has no sound.
    """
    return find_onsets(clip.audio(RATE).samples)
