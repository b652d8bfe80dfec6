"""The kinematics of one body, as pure functions of arrays: flights and their gravity, energy over contacts, permanence, size.

Pixels and seconds, y downward, so that a falling body's acceleration is positive. Formulas and their golden values:
docs/metrics/physics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

FEWEST_FLIGHT_POINTS = 8
"""Fewest pictures of a flight from which gravity is measured."""
HALVES_POINTS = 12
"""A flight of this many pictures is also measured in two halves, to compare gravity at its end with gravity at its beginning."""
STANDARD_GRAVITY = 9.81
CONSISTENT = 0.1
"""Gravities whose spread beyond the noise is at most this share of their mean agree."""


@dataclass(frozen=True)
class FlightFit:
    """A parabola fitted to a body in the air.

    Attributes:
        start_s: The time of the first picture.
        end_s: The time of the last picture.
        n: The number of pictures.
        gravity: Acceleration downward, pixels per second squared.
        sideways: Acceleration across, pixels per second squared.
        gravity_sd: Standard deviation of either.
        misfit: Residual of (x linear, y quadratic) beyond the noise, over the extent of the path.
        extent_px: Diagonal of the path's box.
        needed: The acceleration that would take a body from rest over this height in this time.
        halves: (gravity, sd) of each half; empty for a short flight.
    """

    start_s: float
    end_s: float
    n: int
    gravity: float
    sideways: float
    gravity_sd: float
    misfit: float
    extent_px: float
    needed: float
    halves: tuple[tuple[float, float], ...] = ()

    @property
    def identified(self) -> bool:
        """Whether gravity is known to a quarter of its value (or of the value that this fall would need)."""
        return self.gravity_sd <= 0.25 * max(abs(self.gravity), self.needed)


def graded(value: float, *, good: float, bad: float) -> float:
    """A score that falls in a straight line.

    Args:
        value: The value to grade.
        good: The score is 1 up to this value.
        bad: The score is 0 from this value on; greater than ``good``.

    Returns:
        0..1.

    >>> [round(graded(value, good=0.1, bad=0.5), 2) for value in (0.05, 0.3, 0.9)]
    [1.0, 0.5, 0.0]
    """
    return float(np.clip((bad - value) / (bad - good), 0.0, 1.0))


def _fit_polynomial(time_s: np.ndarray, values: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients (lowest first, about the middle time), residual, and the leading one's standard deviation for unit noise."""
    u = time_s - time_s.mean()
    design = np.stack([u**power for power in range(degree + 1)], axis=1)
    solved, *_ = np.linalg.lstsq(design, values, rcond=None)
    spread = float(np.sqrt(np.linalg.pinv(design.T @ design)[degree, degree]))
    return solved, values - design @ solved, spread


def fit_flight(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, *, sigma_px: float) -> FlightFit:
    """Fit a parabola to a body in the air, by least squares: x linear and y quadratic in time.

    Args:
        time_s: Times (n,) in seconds, n >= 4.
        x: Positions (n,) in pixels.
        y: The same, y downward.
        sigma_px: Noise of a coordinate in pixels.

    >>> t = np.arange(12) / 24
    >>> free = fit_flight(t, 40 * t, 300 * t**2, sigma_px=0.0)
    >>> round(free.gravity, 9), round(free.sideways, 9), free.misfit < 1e-12
    (600.0, 0.0, True)
    """
    vertical, y_residual, spread = _fit_polynomial(time_s, y, 2)
    _, x_residual, _ = _fit_polynomial(time_s, x, 1)
    sideways, _, _ = _fit_polynomial(time_s, x, 2)
    square = float(np.mean(y_residual**2 + x_residual**2))
    extent = float(np.hypot(np.ptp(x), np.ptp(y)))
    beyond = np.sqrt(max(0.0, square - 2.0 * sigma_px**2))
    duration_s = float(time_s[-1] - time_s[0])
    halves: tuple[tuple[float, float], ...] = ()
    if len(time_s) >= HALVES_POINTS:
        middle = len(time_s) // 2
        parts = [_fit_polynomial(time_s[part], y[part], 2) for part in (np.s_[: middle + 1], np.s_[middle:])]
        halves = tuple((2.0 * float(part[0][2]), 2.0 * sigma_px * part[2]) for part in parts)
    return FlightFit(
        start_s=float(time_s[0]),
        end_s=float(time_s[-1]),
        n=len(time_s),
        gravity=2.0 * float(vertical[2]),
        sideways=2.0 * float(sideways[2]),
        gravity_sd=2.0 * sigma_px * spread,
        misfit=float(beyond / extent) if extent > 0 else 0.0,
        extent_px=extent,
        needed=2.0 * float(np.ptp(y)) / duration_s**2 if duration_s > 0 else 0.0,
        halves=halves,
    )


def spread_beyond_noise(values: Sequence[float], sds: Sequence[float]) -> tuple[float, float]:
    """Weighted mean of measurements, and their spread beyond the noise as a coefficient of variation.

    The variance between measurements is estimated after DerSimonian and Laird (1986); it is 0 when the noise explains all of it.

    Args:
        values: The measurements (n,).
        sds: Their standard deviations (n,).

    >>> spread_beyond_noise([10.0, 10.1, 9.9], [0.2, 0.2, 0.2])
    (10.0, 0.0)
    >>> mean, spread = spread_beyond_noise([5.0, 15.0], [0.1, 0.1])
    >>> round(mean, 3), round(spread, 2)
    (10.0, 0.71)
    """
    a, sd = np.asarray(values, float), np.maximum(np.asarray(sds, float), 1e-9)
    weight = 1.0 / sd**2
    mean = float((weight * a).sum() / weight.sum())
    if len(a) < 2:
        return mean, 0.0
    excess = float((weight * (a - mean) ** 2).sum()) - (len(a) - 1)
    between = max(0.0, excess / float(weight.sum() - (weight**2).sum() / weight.sum()))
    return mean, float(np.sqrt(between) / max(abs(mean), 1e-9))


def gravity_of(flights: Sequence[FlightFit]) -> tuple[float, float]:
    """Mean gravity of flights and halves of flights.

    Args:
        flights: The flights, at least one.

    Returns:
        Pixels per second squared, and the spread beyond noise (coefficient of variation).
    """
    parts = [half for flight in flights for half in (flight.halves or ((flight.gravity, flight.gravity_sd),))]
    return spread_beyond_noise([value for value, _ in parts], [sd for _, sd in parts])


def best_gravity(flights: Sequence[FlightFit]) -> tuple[float, float]:
    """Gravity of a body: the weighted mean of its flights where they agree within :data:`CONSISTENT`, else that of its first flight.

    Args:
        flights: The flights, at least one.

    Returns:
        Pixels per second squared, and the standard deviation.
    """
    known = [flight for flight in flights if flight.identified]
    if len(known) > 1:
        mean, spread = spread_beyond_noise([flight.gravity for flight in known], [flight.gravity_sd for flight in known])
        if spread <= CONSISTENT:
            return mean, float(np.sum([1.0 / max(flight.gravity_sd, 1e-9) ** 2 for flight in known]) ** -0.5)
    return flights[0].gravity, flights[0].gravity_sd


def gravity_consistency(flights: Sequence[FlightFit]) -> float:
    """How well flights agree on one gravity that points down.

    A spread of up to 10% costs nothing and one of 50% everything; sideways acceleration of up to 10% of gravity costs nothing and one of
    60% everything.

    Args:
        flights: The flights, at least one.

    Returns:
        0..1. A body that falls at constant speed, or upward, gets 0.
    """
    mean, spread = gravity_of(flights)
    falls = [flight.gravity + 2.0 * flight.gravity_sd > 0.1 * flight.needed and flight.gravity > 0 for flight in flights]
    if mean <= 0 or not any(falls):
        return 0.0
    sideways = np.mean([max(0.0, abs(flight.sideways) - 2.0 * flight.gravity_sd) for flight in flights]) / mean
    return float(np.mean(falls)) * graded(spread, good=CONSISTENT, bad=0.5) * graded(float(sideways), good=0.1, bad=0.6)


def gravity_in_metres(gravity_px: float, *, fallen_px: float, height_m: float) -> float:
    """Gravity in m/s^2, from a fall of known height.

    Args:
        gravity_px: Pixels per second squared.
        fallen_px: The height of the fall in pixels.
        height_m: The same height in metres.

    Returns:
        m/s^2.

    >>> round(gravity_in_metres(1962.0, fallen_px=300.0, height_m=1.5), 2)
    9.81
    """
    return gravity_px * height_m / fallen_px


def energy_gain(before: np.ndarray, after: np.ndarray, *, speed_sd: float) -> tuple[float, float]:
    """Relative gain of kinetic energy over a contact.

    Args:
        before: (2,) velocity before, not zero.
        after: (2,) velocity after, in the same unit.
        speed_sd: Standard deviation of a coordinate of either velocity.

    Returns:
        The gain (-1: all energy is lost) and its standard deviation.

    >>> gain, sd = energy_gain(np.array([0.0, 10.0]), np.array([0.0, -11.0]), speed_sd=0.0)
    >>> round(gain, 2), sd
    (0.21, 0.0)
    """
    square_before, square_after = float(before @ before), float(after @ after)
    gain = square_after / square_before - 1.0
    return gain, float(2.0 * speed_sd * np.sqrt(square_after + square_after**2 / square_before) / square_before)


def restitutions(peaks: Sequence[float]) -> list[float]:
    """Coefficient of restitution of each bounce: sqrt(h[k+1] / h[k]).

    Args:
        peaks: The heights between which the bounces lie, above the floor.

    Returns:
        One value for each two heights whose first is above 0.

    >>> [round(value, 2) for value in restitutions([1.0, 0.64, 0.4096, 0.2621])]
    [0.8, 0.8, 0.8]
    """
    return [float(np.sqrt(max(0.0, after) / before)) for before, after in pairwise(peaks) if before > 0]


def permanence_score(*, missing: float, odd_size: float, leaps: int, grown: float) -> float:
    """How steadily a body exists: seen in every picture, of constant size, without jumps.

    Args:
        missing: Share 0..1 of pictures in which it is not seen.
        odd_size: Share 0..1 of pictures in which its size is unusual.
        leaps: How often it jumps; each jump multiplies the score by 0.3.
        grown: Relative change of its diameter.

    Returns:
        0..1.

    >>> permanence_score(missing=0.0, odd_size=0.0, leaps=0, grown=0.02), permanence_score(missing=0.2, odd_size=0.0, leaps=1, grown=0.0)
    (1.0, 0.24)
    """
    return (1.0 - missing) * (1.0 - odd_size) * 0.3**leaps * graded(abs(grown), good=0.1, bad=0.6)


def opposition(first: np.ndarray, second: np.ndarray) -> float:
    """How oppositely two changes of velocity point. Needs no masses.

    Args:
        first: (2,) change of one body's velocity.
        second: (2,) change of the other's.

    Returns:
        0..1: 1 antiparallel, 0 at a right angle or less apart.

    >>> opposition(np.array([1.0, 0.0]), np.array([-2.0, 0.0])), opposition(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    (1.0, 0.0)
    """
    size = float(np.hypot(*first) * np.hypot(*second))
    return min(1.0, max(0.0, -float(first @ second) / size)) if size > 0 else 0.0


def frozen_from_s(changing: np.ndarray, time_s: np.ndarray, *, least_s: float = 0.4) -> float | None:
    """When a picture that used to change everywhere freezes (is repeated) to the end, for at least ``least_s``; None if it does not.

    A drawn scene never changes everywhere, because its still parts are exactly still. It cannot be distinguished from a frozen one this
    way, and is not called frozen.

    Args:
        changing: Share (T,) of the picture that changes from one picture to the next.
        time_s: Times (T,) in seconds.
        least_s: Least duration of a freeze in seconds.

    >>> frozen_from_s(np.repeat([1.0, 0.0], 50), np.arange(100) / 25)
    2.0
    """
    if len(changing) < 16:
        return None
    width = 9
    padded = np.pad(changing, width // 2, mode="edge")
    frozen = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1) < 0.35
    edges = np.flatnonzero(np.diff(np.concatenate([[0], frozen.astype(int), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        elsewhere = np.concatenate([changing[:start], changing[end:]])
        if end == len(frozen) and time_s[end - 1] - time_s[start] >= least_s and len(elsewhere) >= 8 and np.median(elsewhere) >= 0.8:
            return float(time_s[start])
    return None
