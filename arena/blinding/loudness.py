"""Loudness after EBU R 128: measured, and brought to one level for matched clips."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from seedbench.clips.clip import Clip

LOUDNESS_LUFS = -16.0
TRUE_PEAK_DB = -1.5
RATE = 48_000
_SILENCE_LUFS = -60.0


@dataclass(frozen=True)
class Loudness:
    """The loudness of a piece of sound.

    Attributes:
        integrated: The integrated loudness in LUFS (EBU R 128); None for silence.
        true_peak: The true peak in dB of full scale.
    """

    integrated: float | None
    true_peak: float


def loudness(samples: np.ndarray, rate: int) -> Loudness:
    """The loudness of a piece of sound after EBU R 128, measured by FFmpeg's ``ebur128``.

    Args:
        samples: (N,) or (N, C) in -1..1; more than two channels are mixed to one.
        rate: Samples a second.

    Returns:
        Integrated loudness and true peak. Sound under half a second is filled up with silence, because the gate needs 400 ms.
    """
    import av

    blocks = np.atleast_2d(np.asarray(samples, np.float32).T)
    blocks = blocks if len(blocks) <= 2 else blocks.mean(0, keepdims=True)
    if blocks.shape[1] < rate // 2:  # the gate of 400 ms needs at least as much sound
        blocks = np.pad(blocks, ((0, 0), (0, rate // 2 - blocks.shape[1])))
    layout = "stereo" if len(blocks) == 2 else "mono"
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="fltp", sample_rate=rate, layout=layout, time_base=Fraction(1, rate))
    measure, sink = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet"), graph.add("abuffersink")
    source.link_to(measure)
    measure.link_to(sink)
    graph.configure()
    readings: dict[str, str] = {}
    for start in range(0, blocks.shape[1], 4800):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(blocks[:, start : start + 4800]), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        source.push(frame)
        readings |= _drained(sink)
    source.push(None)
    readings |= _drained(sink)
    integrated = float(readings.get("lavfi.r128.I", "-70"))
    peaks = [float(value) for name, value in readings.items() if name.startswith("lavfi.r128.true_peaks_ch")]
    peak = max([float(np.abs(blocks).max(initial=0.0)), *peaks])
    return Loudness(integrated if integrated > _SILENCE_LUFS else None, 20 * math.log10(max(peak, 1e-9)))


def _drained(sink: Any) -> dict[str, str]:
    import av

    readings: dict[str, str] = {}
    while True:
        try:
            readings |= dict(sink.pull().metadata)
        except (av.error.BlockingIOError, av.error.EOFError):
            return readings


def leveled_stereo(clip: Clip, n: int) -> np.ndarray:
    """The sound of a clip at the loudness of all blind clips, -16 LUFS.

    Args:
        clip: The clip; one without sound is silent.
        n: The number of samples, at 48 kHz; shorter sound is filled up with silence, longer sound is cut.

    Returns:
        (n, 2) float32 in -1..1, both channels the same, peaks limited; silence stays silence.
    """
    given = np.asarray(clip.audio(RATE).samples, np.float32) if clip.facts.has_audio else np.zeros(n, np.float32)
    given = given[:n] if given.ndim == 1 else given[:n].mean(1)
    sound = np.zeros(n, np.float32)
    sound[: len(given)] = given
    level = loudness(sound, RATE).integrated
    if level is None:  # sound that is too soft to hear would still change the file
        return np.zeros((n, 2), np.float32)
    # A mono channel from two loudspeakers is 3 dB louder.
    sound = limited(sound * np.float32(10 ** ((LOUDNESS_LUFS - level - 10 * math.log10(2)) / 20)))
    return np.stack([sound, sound], 1)


def limited(sound: np.ndarray, *, ceiling_db: float = TRUE_PEAK_DB - 0.3) -> np.ndarray:
    """Sound with its peaks limited.

    The gain falls from 5 ms before a peak and rises until 50 ms after it. True peaks are up to 0.3 dB above the ceiling.

    Args:
        sound: (N,) in -1..1 at 48 kHz.
        ceiling_db: The highest peak at four times the rate, in dB of full scale.

    Returns:
        (N,) sound; the same array where no peak is above the ceiling.
    """
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import resample_poly

    ceiling = 10 ** (ceiling_db / 20)
    peaks = np.abs(resample_poly(sound, 4, 1)).reshape(-1, 4).max(1)[: len(sound)] if len(sound) else np.zeros(0)
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    if not len(sound) or needed.min() >= 1:
        return sound
    before, after = round(0.005 * RATE), round(0.05 * RATE)
    held = -maximum_filter1d(-needed, before + after + 1, origin=(after - before) // 2)
    window = np.hanning(2 * before + 1)
    smooth = np.convolve(np.pad(held, before, mode="edge"), window / window.sum(), mode="valid")
    return np.asarray(sound * np.minimum(smooth, needed), np.float32)
