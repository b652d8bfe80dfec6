"""How well onsets fit the stops that are seen, compared with chance: the same sound at all other times of the same clip.

Two curves are compared, how suddenly the fastest parts stop and how strongly sounds begin, so that strong hits count more than faint ones
and dozens of onsets are no problem. The chance level comes from circular shifts of the sound. How often chance would do as well is counted
on the same onsets at random times: two seconds have only 17 shifts that do not overlap. Pure functions of arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.metrics.analyses.part_motion import Stops, way_weights
from seedbench.ties import first_greatest

CURVE_RATE = 100
"""Values of both curves a second."""
BLUR_S = 0.03
"""Standard deviation by which onsets are blurred: about half the time between two pictures. Between .015 and .045 the AUC of ten filmed
pieces changed by at most .03."""
NEAR_S = 0.05
"""Stops and onsets are compared at the best lag within this time: sound and picture are rarely nearer in filmed clips (a picture lasts 40
ms). Between .03 and .08 the AUC of ten filmed pieces changed by at most .02."""
FAR_S = 0.25
"""An offset is searched within this time, where the clip has enough hits to tell it from chance."""
SHORTEST_S = 1.0
"""A shorter stretch has too few other times to compare with: 10 that do not overlap."""
ABOVE_CHANCE = 0.05
"""The offset is given where a fit as good comes by chance at most this often."""
RANDOM_TIMES = 30
"""Sounds with the same onsets at random times; each is tried at all circular shifts."""
MOST_LEFT_OUT = 40
"""The strongest onsets that are left out one at a time, to find the uncertainty."""
FEWEST_LEFT_OUT = 4
"""With fewer onsets the uncertainty of the alignment is not known: an interval of two or three values is as wide as the scale."""
SAME = 1e-6
"""Correlations that differ by less are equal."""


@dataclass(frozen=True)
class AlignedCurves:
    """The two curves on one clock.

    Attributes:
        seen: (W, N) how suddenly parts stop in each way, square root of picture heights a second, :data:`CURVE_RATE` values a second.
        onset_s: (n,) when sounds begin, seconds from the first value.
        strength: (n,) how strongly, dB of the spectral flux.
    """

    seen: np.ndarray
    onset_s: np.ndarray
    strength: np.ndarray

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n / CURVE_RATE

    @property
    def n(self) -> int:
        """Number N of values."""
        return self.seen.shape[1]

    @property
    def heard(self) -> np.ndarray:
        """(N,) the onsets as a curve, blurred by :data:`BLUR_S`; its ends are joined."""
        from scipy.ndimage import gaussian_filter1d

        position = self.onset_s * CURVE_RATE
        step = np.floor(position).astype(int)
        curve = np.zeros(self.n)
        for number, share in ((step, 1.0 - (position - step)), (step + 1, position - step)):
            np.add.at(curve, number % len(curve), share * self.strength)
        return np.asarray(gaussian_filter1d(curve, BLUR_S * CURVE_RATE, mode="wrap"))

    def without(self, number: int) -> AlignedCurves:
        """The curves without one onset."""
        return AlignedCurves(self.seen, np.delete(self.onset_s, number), np.delete(self.strength, number))


@dataclass(frozen=True)
class CurveFit:
    """How well two curves fit.

    Attributes:
        alignment: (best - chance) / (1 - chance): 1 where the curves are equal, 0 on average for a sound that has nothing to do with the
            picture, below 0 where it fits worse than at other times.
        best: Correlation at the best lag within :data:`NEAR_S`.
        chance: Mean of the same over all circular shifts of the sound.
        p: Share 0..1 of sounds with the same onsets at random times that fit as well.
        offset_s: Lag of the best fit, positive: sound early; None where no fit exceeds chance.
        curve: (2 FAR_S * CURVE_RATE + 1,) correlation at each lag from -:data:`FAR_S` on.
    """

    alignment: float
    best: float
    chance: float
    p: float
    offset_s: float | None
    curve: np.ndarray


def with_contacts(stops: Stops, contact_s: np.ndarray, speed: np.ndarray) -> Stops:
    """Stops with contacts of followed bodies, which the flow of a small or fast body misses, and in which two bodies hand on their speed.

    Args:
        stops: The stops.
        contact_s: (n,) times of the contacts in seconds.
        speed: (n,) their speeds in any unit.

    Returns:
        The stops, where the fastest contact counts as much as the strongest stop.
    """
    if not len(contact_s) or len(stops.time_s) < 2:
        return stops
    strongest = float(stops.strength.max()) or 1.0
    picture_s = float(np.median(np.diff(stops.time_s)))
    near = np.maximum(0.0, 1.0 - np.abs(stops.time_s[:, None] - contact_s) / picture_s)
    return Stops(stops.time_s, np.maximum(stops.strength, strongest * (near**2 * speed / speed.max()).max(axis=1)))


def aligned_curves(stops: Stops, onset_s: np.ndarray, strength: np.ndarray) -> AlignedCurves:
    """Stops as a curve and the onsets within the time in which stops can be seen.

    Args:
        stops: The stops.
        onset_s: (n,) times of the onsets in seconds, ascending.
        strength: (n,) their strength in dB.

    Returns:
        The curves; empty with fewer than two stops.
    """
    if len(stops.time_s) < 2:
        return AlignedCurves(np.zeros((len(stops.strength), 0)), np.zeros(0), np.zeros(0))
    start, end = float(stops.time_s[0]), float(stops.time_s[-1])
    count = int(np.floor((end - start) * CURVE_RATE + SAME)) + 1
    time_s = start + np.arange(count) / CURVE_RATE
    seen = np.stack([np.interp(time_s, stops.time_s, np.sqrt(strength)) for strength in stops.strength])
    inside = (onset_s >= start - NEAR_S) & (onset_s <= end + NEAR_S)
    return AlignedCurves(seen, onset_s[inside] - start, strength[inside])


def correlation_by_shift(curves: AlignedCurves) -> np.ndarray:
    """Correlation (N,) of the curves for each circular shift, in the way that fits best; each way counts by its weight.

    Chance is compared with the same best of all ways, so that it has the same advantage.

    Args:
        curves: The curves.

    Returns:
        Value s is with the sound s steps later; 0 where a curve is flat.

    >>> curves = AlignedCurves(np.tile(np.eye(100)[50], (8, 1)), np.array([0.47]), np.ones(1))
    >>> int(np.argmax(correlation_by_shift(curves)))
    3
    """
    seen = curves.seen - curves.seen.mean(axis=1, keepdims=True)
    heard = curves.heard - curves.heard.mean()
    size = np.linalg.norm(seen, axis=1) * np.linalg.norm(heard)
    product = np.fft.irfft(np.fft.rfft(seen, axis=1) * np.conj(np.fft.rfft(heard)), curves.n, axis=1)
    correlation = np.where(size[:, None] > SAME, product / np.maximum(size, SAME)[:, None], 0.0)
    return np.asarray((way_weights()[:, None] * correlation).max(axis=0))


def fit_curves(curves: AlignedCurves) -> CurveFit:
    """Compare the curves with chance.

    Args:
        curves: At least :data:`SHORTEST_S` long, with at least one onset.

    >>> hit_s = np.array([0.4, 1.3, 1.7, 3.1, 4.2])
    >>> seen = np.tile(AlignedCurves(np.zeros((1, 500)), hit_s, np.ones(5)).heard, (8, 1))
    >>> same, other = (fit_curves(AlignedCurves(seen, hit_s + late, np.ones(5))) for late in (0.02, 0.5))
    >>> round(same.alignment, 2), same.p < 0.05, round(same.offset_s, 3), other.alignment < 0.2, other.offset_s
    (1.0, True, -0.02, True, None)
    """
    by_shift = correlation_by_shift(curves)
    random = _at_random_times(curves)
    near, far = (round(reach * CURVE_RATE) for reach in (NEAR_S, FAR_S))
    around = _best_around(by_shift, near)
    p = _share_as_good(by_shift, random, near)
    offset = None
    if p <= ABOVE_CHANCE:
        offset = _peak(by_shift, near)
    elif _share_as_good(by_shift, random, far) <= ABOVE_CHANCE:
        offset = _peak(by_shift, far)
    lags = np.arange(-far, far + 1)
    return CurveFit(_alignment(by_shift, near), float(around[0]), float(around.mean()), p, offset, by_shift[lags % len(by_shift)])


def _best_around(by_shift: np.ndarray, reach: int) -> np.ndarray:
    """Best correlation within ``reach`` steps of each shift, along the last axis."""
    from scipy.ndimage import maximum_filter1d

    return np.asarray(maximum_filter1d(by_shift, 2 * reach + 1, mode="wrap", axis=-1))


def _at_random_times(curves: AlignedCurves) -> np.ndarray:
    """Correlation (:data:`RANDOM_TIMES`, N) of the picture with the same onsets at random times, for each circular shift."""
    rng = np.random.default_rng(0)
    # whole steps, so that the blur of an onset between two steps stays what it is
    moved = [curves.onset_s + rng.integers(0, curves.n, len(curves.onset_s)) / CURVE_RATE for _ in range(RANDOM_TIMES)]
    return np.stack([correlation_by_shift(AlignedCurves(curves.seen, onset_s, curves.strength)) for onset_s in moved])


def _share_as_good(by_shift: np.ndarray, random: np.ndarray, reach: int) -> float:
    return float(np.mean(_best_around(random, reach) >= _best_around(by_shift, reach)[0] - SAME))


def _peak(by_shift: np.ndarray, reach: int) -> float | None:
    """Lag in seconds of the greatest correlation within ``reach`` steps of no shift, between steps by a parabola.

    Where the correlation still rises there, the peak beyond is taken; None where it lies beyond :data:`FAR_S`.
    """
    lags = np.arange(-reach, reach + 1)
    top = int(lags[first_greatest(by_shift[lags % len(by_shift)], tolerance=SAME)])
    outward = 1 if top > 0 else -1
    while abs(top) >= reach and by_shift[(top + outward) % len(by_shift)] > by_shift[top % len(by_shift)] + SAME:
        top += outward
        if abs(top) > FAR_S * CURVE_RATE:
            return None
    before, at, after = (float(by_shift[(top + step) % len(by_shift)]) for step in (-1, 0, 1))
    bend = before - 2.0 * at + after
    between = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < -SAME else 0.0
    return (top + between) / CURVE_RATE


@dataclass(frozen=True)
class FitIntervals:
    """95% intervals by the jackknife over onsets.

    Attributes:
        alignment: Of the alignment; None with fewer than :data:`FEWEST_LEFT_OUT` onsets.
        offset_s: Of the offset, at least as wide as the time between two pictures allows; None without an offset.
    """

    alignment: tuple[float, float] | None
    offset_s: tuple[float, float] | None


def intervals_of(fit: CurveFit, curves: AlignedCurves, *, picture_s: float) -> FitIntervals:
    """Leave out one onset at a time and see how much the result changes.

    Args:
        fit: The result with all onsets.
        curves: The curves.
        picture_s: Seconds between two pictures. The moment of a stop is known to about a picture: uniform errors have a standard
            deviation of ``picture_s`` / sqrt(12), which shrinks with the number of onsets.
    """
    from scipy.stats import t as student

    order = np.argsort(-curves.strength, kind="stable")[:MOST_LEFT_OUT]
    n = len(order)
    grain = picture_s / np.sqrt(12.0 * max(n, 1))
    if n < 2:
        return FitIntervals(None, None if fit.offset_s is None else _around(fit.offset_s, 1.96 * grain))
    near, far = (round(reach * CURVE_RATE) for reach in (NEAR_S, FAR_S))
    parts = [correlation_by_shift(curves.without(int(number))) for number in order]
    quantile = float(student.ppf(0.975, n - 1))
    low, high = _around(fit.alignment, quantile * _jackknife_error([_alignment(part, near) for part in parts]))
    alignment = None if n < FEWEST_LEFT_OUT else (max(-1.0, low), min(1.0, high))
    if fit.offset_s is None:
        return FitIntervals(alignment, None)
    lags = [_peak(part, near if fit.p <= ABOVE_CHANCE else far) for part in parts]
    error = _jackknife_error([fit.offset_s if lag is None else lag for lag in lags])
    return FitIntervals(alignment, _around(fit.offset_s, quantile * float(np.hypot(error, grain))))


def _alignment(by_shift: np.ndarray, reach: int) -> float:
    around = _best_around(by_shift, reach)
    return float((around[0] - around.mean()) / (1.0 - around.mean()))


def _around(value: float, half: float) -> tuple[float, float]:
    return value - half, value + half


def _jackknife_error(values: list[float]) -> float:
    """Standard error of a statistic by its values with one part left out each."""
    array = np.array(values)
    return float(np.sqrt((len(array) - 1) * array.var()))
