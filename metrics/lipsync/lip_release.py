"""When lips part in the picture, and when the sound of it is heard. Pure functions of arrays.

A /p/, /b/ or /m/ ends with lips that part, and what is heard at that moment is a burst, or the step from a hum to a vowel (Stevens 1998,
Acoustic Phonetics, ch. 7). Both are found apart from each other: a shut mouth that opens quickly, and a jump of the sound above 400 Hz
after a stretch without it.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt

LOW_CUT_HZ = 400.0
"""Voice goes on below this behind the shut lips of a /b/ or an /m/."""
SMOOTH_S, RISE_S = 0.004, 0.02
LEAST_RISE_DB, LEAST_STEP_DB = 10.0, 15.0
"""The level must rise so much within ``RISE_S``, and so much above the median of the stretch before."""
SHUT_S, OPEN_S = 0.03, 0.06
"""Seconds before the rise that must be without sound, and after it that must have it."""
QUIETEST_DB = 20.0
"""What follows must come so near to the loudest parts of the clip."""
PARTED = 0.3
"""Share of the opening movement at which the lips have parted.

Set on five bursts of four GRID speakers looked at picture by picture: at the last picture with shut lips the mesh has done 0 to 35% of the
movement (it opens while pressed lips relax), at the first one with a gap 45 to 100%. With .2 or .4 the lead is 10 ms longer or 8 ms
shorter."""
SHUT_SHARE, LEAST_MOVEMENT = 0.25, 0.25
"""A mouth is shut below this share of the range of its opening, and must open by this share of it afterwards."""
LONGEST_FRAMES = 5
"""Frames that an opening movement may take."""
FARTHEST_S = 0.1
"""A burst and lips further apart in time do not belong together."""


def bursts_s(samples: np.ndarray, rate: int) -> np.ndarray:
    """When the sound above 400 Hz sets in after a stretch without it.

    Args:
        samples: (N,) mono sound.
        rate: Sample rate, Hz; at least 2000.

    Returns:
        Ascending times (n,) in seconds, to 1 ms.

    >>> sound = np.random.default_rng(0).normal(size=16000) * np.repeat([1.0, 0.001, 1.0], [6000, 2000, 8000])
    >>> bursts_s(sound, 16000).round(2).tolist()
    [0.5]
    """
    step = rate // 1000
    high = sosfiltfilt(butter(4, LOW_CUT_HZ, "high", fs=rate, output="sos"), np.asarray(samples, np.float64))
    window = np.hanning(round(SMOOTH_S * rate))
    power = np.convolve(high * high, window / window.sum(), "same")[::step]
    level = 10.0 * np.log10(power + 1e-10)
    half, before, after = (round(seconds * 1000) for seconds in (RISE_S / 2, SHUT_S, OPEN_S))
    rise = np.zeros(len(level))
    rise[half : len(level) - half] = level[2 * half :] - level[: -2 * half]
    steepest, _ = find_peaks(rise, height=LEAST_RISE_DB, distance=2 * after // 3)
    loud = np.percentile(level, 95) - QUIETEST_DB
    times = []
    for at in steepest.tolist():
        quiet, follows = level[max(0, at - half - before) : at - half + 1], level[at : at + after]
        if len(quiet) > before // 2 and follows.max() > max(loud, float(np.median(quiet)) + LEAST_STEP_DB):
            # the steepest place of an abrupt rise is anywhere within RISE_S of it: the burst is where half of the rise is reached
            around = level[at - half : at + half + 1]
            times.append((at - half + int(np.argmax(around >= (around[0] + around[-1]) / 2))) / 1000.0)
    return np.array(times)


def partings_s(aperture: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """When shut lips part.

    Args:
        aperture: (T,) inner opening of the lips, in any unit, not smoothed.
        time_s: (T,) seconds.

    Returns:
        Ascending times (n,) in seconds, interpolated between frames.

    >>> partings_s(np.repeat([0.0, 1.0, 0.0, 1.0], [3, 4, 3, 4]), np.arange(14) / 25).round(3).tolist()
    [0.092, 0.372]
    """
    shut = float(np.percentile(aperture, 2))
    reach = float(np.percentile(aperture, 95)) - shut
    times = []
    for start in range(1, len(aperture) - 1):
        lowest = aperture[start] <= aperture[start - 1] and aperture[start] < aperture[start + 1]
        if not lowest or aperture[start] > shut + SHUT_SHARE * reach:
            continue
        end = start + 1
        while end + 1 < len(aperture) and aperture[end + 1] > aperture[end] and end - start < LONGEST_FRAMES:
            end += 1
        movement = aperture[end] - aperture[start]
        if movement >= LEAST_MOVEMENT * reach:
            at = np.interp(aperture[start] + PARTED * movement, aperture[start : end + 1], time_s[start : end + 1])
            times.append(float(at))
    return np.array(times)


def leads_s(partings: np.ndarray, bursts: np.ndarray) -> np.ndarray:
    """How far lips part before a burst, for every pair that is near enough.

    Args:
        partings: (n,) times at which lips part, seconds.
        bursts: (m,) times of bursts, seconds.

    Returns:
        Seconds (k,), positive where the lips are first.

    >>> leads_s(np.array([1.0, 2.0]), np.array([1.02, 1.5])).round(2).tolist()
    [0.02]
    """
    differences = (np.asarray(bursts)[None, :] - np.asarray(partings)[:, None]).ravel()
    return differences[np.abs(differences) <= FARTHEST_S]
