"""Whether time passes evenly: how far the speed at which a clip passes through a motion departs from a steady one.

A body that follows a law shows by its position what time it is. The law is fitted together with the time: the time shown by the body is
the clip's time plus a smooth departure, a sum of Legendre polynomials from the second on (a constant and a steady speed are no fault).
What the law itself can explain is explained by the law: its constants are free, only the departure is held to 0 where nothing demands
it (ridge regression). Repeated Gauss-Newton steps; the departure's expected size under noise alone is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

from seedbench.metrics.analyses.repeated_pictures import Repeats

FEWEST_POINTS = 10
"""Pictures of a motion that its pace is measured on."""
TERMS = 3
"""Polynomials of the departure in flights and rolls: bent one way (a ramp), both ways (ease), and one more."""
FINEST_S = 0.22
"""Where pictures are held or dropped, their count shows the pace in pieces of this length."""
MOST_TERMS = 40
SWING_TERMS_PER_S, MOST_SWING_TERMS = 2.0, 16
"""A swing shows its time over and over: it is compared in finer pieces."""
MOST_EXPECTED = 0.15
"""No answer where noise alone would show more unevenness than this."""
PRIOR_SPEED = 0.5
"""Prior standard deviation of the departure of the speed in each polynomial, as a share of the speed."""
SIDEWAYS_SHARE = 0.1
"""Prior standard deviation of sideways acceleration as a share of gravity: a tilted camera, drag."""
COUNT_STEPS = 0.3
"""Noise of a count of held and dropped pictures, in steps: a moment rounded to a step is off by 1 / sqrt(12) of it."""
JUDDER_STEPS = 0.15
"""Noise of the time of pictures after that count."""
EVEN_STEPS = 0.05
"""The same where none are."""
REPEAT_TERMS = 2
"""Polynomials in which the spread of repeated pictures over a clip is compared: bent one way (a ramp), both ways (ease). With more, four
repeats at an even distance in 19 pictures look uneven."""
FEWEST_REPEATS = 2
"""A single repeated picture is a fault of the file."""
ITERATIONS = 5
OFF = 1e6
"""Weight that holds a term at 0."""


@dataclass(frozen=True)
class PathStretch:
    """What is compared with the law: coordinates of a body over a stretch of time.

    Attributes:
        time_s: (n,) the clip's times, seconds.
        moment_s: (n,) a first guess of the moments of the motion, seconds: held and dropped pictures counted.
        values: (n, d) coordinates in pixels.
    """

    time_s: np.ndarray
    moment_s: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Pacing:
    """The result of fitting a law together with its time.

    Attributes:
        unevenness: Root mean square of the departure of the speed from a steady one, beyond the noise, as a share of the speed.
        expected: The same of noise alone.
    """

    unevenness: float
    expected: float


@dataclass(frozen=True)
class Exactness:
    """How exactly the pictures show the time.

    Attributes:
        sigma_px: Noise of a coordinate in pixels.
        step_s: Time between pictures, seconds.
        judder: Whether pictures are held or dropped.
    """

    sigma_px: float
    step_s: float
    judder: bool


Linearised = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Columns (n d, p) of the constants of a law, change (n d,) of each coordinate with time, and target (n d,) of the fit."""


def flights_pacing(flights: Sequence[PathStretch], exactness: Exactness) -> Pacing | None:
    """The pace of flights of one body: parabolas of one gravity.

    Args:
        flights: Each with coordinates (n, 2): x, y downward.
        exactness: How exactly the pictures show the time.

    Returns:
        The pace; None with fewer than :data:`FEWEST_POINTS` pictures.
    """
    if not flights:
        return None
    number = np.concatenate([np.full(len(flight.time_s), k) for k, flight in enumerate(flights)])
    time_s = np.concatenate([flight.time_s for flight in flights])
    values = np.concatenate([flight.values for flight in flights])
    starts = np.array([flight.time_s.mean() for flight in flights])

    def linearise(moment_s: np.ndarray) -> Linearised:
        u = moment_s - starts[number]
        own = np.zeros((len(u), 2 * len(flights)))
        own[np.arange(len(u)), 2 * number] = 1.0
        own[np.arange(len(u)), 2 * number + 1] = u
        nothing = np.zeros_like(own)
        half = 0.5 * u[:, None] ** 2
        columns = np.concatenate([np.block([own, nothing, half, 0 * half]), np.block([nothing, own, 0 * half, half])])
        target = values.T.ravel()
        solved, *_ = np.linalg.lstsq(columns, target, rcond=None)
        count = 2 * len(flights)
        slope_x = solved[2 * number + 1] + solved[-2] * u
        slope_y = solved[count + 2 * number + 1] + solved[-1] * u
        return columns, np.concatenate([slope_x, slope_y]), target

    def prior(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
        solved, *_ = np.linalg.lstsq(columns, target, rcond=None)
        weight = np.zeros(columns.shape[1])
        weight[-2] = 1.0 / max(SIDEWAYS_SHARE * abs(float(solved[-1])), 1.0)
        return weight

    return _fitted(time_s, np.concatenate([flight.moment_s for flight in flights]), 2, linearise, prior, exactness, TERMS)


def counted_pacing(course: PathStretch, exactness: Exactness) -> Pacing | None:
    """The pace by held and dropped pictures alone, for a motion whose law has no time of its own: rolling, which any slope may hasten.

    Args:
        course: Its coordinates are not looked at.
        exactness: How exactly the pictures show the time.

    Returns:
        The pace; None with fewer than :data:`FEWEST_POINTS` pictures, or where no picture is held or dropped.
    """
    time_s = course.time_s
    if len(time_s) < FEWEST_POINTS or not exactness.judder:
        return None
    first, span = float(time_s.min()), float(np.ptp(time_s))
    position = 2.0 * (time_s - first) / span - 1.0
    return max(_counted(position, span, course.moment_s - time_s, exactness, TERMS), key=lambda pacing: pacing.unevenness)


def repeats_pacing(repeats: Repeats, *, longest: float) -> Pacing | None:
    """The pace of a whole clip by where in it pictures are repeated: evenly where an even motion was slowed, crowded where it was not.

    It shows less unevenness than there is: where the motion is faster than the pictures, none is repeated.

    Args:
        repeats: Which pictures repeat the one before. Stretches where that is not known are left out.
        longest: The most repeats in a row that are no freeze. Freezes are left out, as are repeats at the beginning and at the end, where a
            clip may stand still before and after its motion.

    Returns:
        The pace; None with fewer than :data:`FEWEST_POINTS` pictures or :data:`FEWEST_REPEATS` repeats.

    >>> every_fourth, first_half = np.arange(40) % 4 == 2, (np.arange(40) < 20) & (np.arange(40) % 2 == 1)
    >>> known = np.ones(40, bool)
    >>> [round(repeats_pacing(Repeats(repeated, known), longest=3).unevenness, 2) for repeated in (every_fourth, first_half)]
    [0.0, 0.35]
    """
    repeated = repeats.repeated[repeats.known]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], repeated, [False]]).astype(int)))
    counted = np.ones(len(repeated), bool)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if start <= 1 or end == len(repeated) or end - start > longest:
            counted[start:end] = False
    kept = repeated[counted]
    if len(kept) < FEWEST_POINTS or kept.sum() < FEWEST_REPEATS:
        return None
    steps, new = np.arange(len(kept)), np.cumsum(~kept) - 1.0
    scale = steps[-1] / new[-1]  # a steady speed is no fault
    departs, gives = _smooth_rates(2.0 * steps / steps[-1] - 1.0, float(steps[-1]), scale * new - steps, REPEAT_TERMS)
    return _unevenness(departs, gives, (scale * COUNT_STEPS) ** 2 * np.eye(len(steps)))


def swing_pacing(swing: PathStretch, exactness: Exactness, *, omega: float) -> Pacing | None:
    """The pace of a swing: a sinusoid whose amplitude changes steadily.

    Args:
        swing: One coordinate (n, 1), along the arc, in pixels.
        exactness: How exactly the pictures show the time.
        omega: Angular frequency, rad/s; it is refined.

    Returns:
        The pace; None with fewer than :data:`FEWEST_POINTS` pictures.
    """
    start, target = float(swing.time_s.mean()), swing.values[:, 0]
    state = {"omega": omega}

    def linearise(moment_s: np.ndarray) -> Linearised:
        u = moment_s - start
        for _ in range(3):
            w = state["omega"]
            cos, sin = np.cos(w * u), np.sin(w * u)
            columns = np.stack([np.ones_like(u), cos, sin, u * cos, u * sin], axis=1)
            (_, a, b, aa, bb), *_ = np.linalg.lstsq(columns, target, rcond=None)
            # Of what grows with time, the part a quarter of a period apart from the swing is a change of its frequency, the rest one of its
            # amplitude. A column of its own for the frequency would depend on these columns.
            state["omega"] = w + float((aa * b - bb * a) / max(a * a + b * b, 1e-12))
        slope = aa * cos + bb * sin + w * (-(a + aa * u) * sin + (b + bb * u) * cos)
        return columns, slope, target

    terms = int(np.clip(round(SWING_TERMS_PER_S * float(np.ptp(swing.time_s))), TERMS, MOST_SWING_TERMS))
    return _fitted(swing.time_s, swing.moment_s, 1, linearise, None, exactness, terms)


def _fitted(
    time_s: np.ndarray,
    moment_s: np.ndarray,
    coordinates: int,
    linearise: Callable[[np.ndarray], Linearised],
    prior: Callable[[np.ndarray, np.ndarray], np.ndarray] | None,
    exactness: Exactness,
    terms: int,
) -> Pacing | None:
    """Fit constants of a law and the departure of its time; see the module."""
    if len(time_s) < FEWEST_POINTS:
        return None
    first, span = float(time_s.min()), float(np.ptp(time_s))
    position = 2.0 * (time_s - first) / span - 1.0
    series = np.eye(terms + 2)[2:]
    rates = np.stack([legendre.legval(position, legendre.legder(row)) for row in series], axis=1) * 2.0 / span
    scale = PRIOR_SPEED / np.sqrt(np.mean(rates**2, axis=0))  # each term departs by the prior speed where its coefficient is 1
    shifts = np.stack([legendre.legval(position, row) for row in series], axis=1) * scale
    rates = rates * scale
    departure = np.zeros(terms)
    time_sd = exactness.step_s * (JUDDER_STEPS if exactness.judder else EVEN_STEPS)
    for step in range(ITERATIONS + terms - TERMS):
        free_terms = min(terms, TERMS + max(0, step - 1))  # coarse first: a far departure of a swing is found from near
        columns, slope, target = linearise(moment_s + shifts @ departure)
        noise = np.sqrt(exactness.sigma_px**2 + (slope * time_sd) ** 2)
        constants = columns.shape[1]
        design = np.concatenate([columns, slope[:, None] * np.tile(shifts, (coordinates, 1))], axis=1) / noise[:, None]
        aim = (target + slope * np.tile(shifts @ departure, coordinates)) / noise
        size = np.sqrt((design**2).sum(axis=0)) + 1e-12
        held = np.zeros(design.shape[1])
        held[constants:] = 1.0
        held[constants + free_terms :] = OFF
        if prior is not None:
            held[:constants] = prior(columns, target)
        normal = design.T @ design / np.outer(size, size) + np.diag((held / size) ** 2)
        gain = np.linalg.solve(normal + 1e-12 * np.eye(len(normal)), design.T / size[:, None])
        solved = gain @ aim / size
        rest = aim - design @ solved
        departure = solved[constants:]
        slowest = float((rates @ departure).min())
        if slowest < -0.95:
            departure = departure * 0.95 / -slowest
    free = max(1.0, len(aim) - float(np.trace(design @ (gain / size[:, None]))))
    excess = max(1.0, float(rest @ rest) / free)
    spread = (gain / size[:, None])[constants:]
    covariance = excess * spread @ spread.T
    coarse = _unevenness(rates @ departure, rates, covariance)
    if not exactness.judder:
        return coarse
    # What the count of held and dropped pictures says of the pace, coarsely together with the law, and by itself as finely as it can.
    late = moment_s - time_s
    counted, of_count = _smooth_rates(position, span, late, terms)
    of_both = np.concatenate([rates, of_count], axis=1)
    noise_of_count = (exactness.step_s * COUNT_STEPS) ** 2 * np.eye(len(late))
    together = _unevenness(rates @ departure + counted, of_both, _blocks(covariance, noise_of_count))
    finely = _counted(position, span, late, exactness, terms)[1]
    return finely if finely.expected <= MOST_EXPECTED and finely.unevenness > together.unevenness else together


def _counted(position: np.ndarray, span: float, late: np.ndarray, exactness: Exactness, terms: int) -> tuple[Pacing, Pacing]:
    """The pace by a count of held and dropped pictures, coarse and as fine as it can be (the coarse one again where that is noise)."""
    covariance = (exactness.step_s * COUNT_STEPS) ** 2 * np.eye(len(late))
    coarse, of_coarse = _smooth_rates(position, span, late, terms)
    fine, of_fine = _smooth_rates(position, span, late, max(terms, min(round(span / FINEST_S), MOST_TERMS, len(late) // 3)))
    pacings = _unevenness(coarse, of_coarse, covariance), _unevenness(fine, of_fine, covariance)
    return (pacings[0], pacings[1] if pacings[1].expected <= MOST_EXPECTED else pacings[0])


def _smooth_rates(position: np.ndarray, span: float, late: np.ndarray, terms: int) -> tuple[np.ndarray, np.ndarray]:
    """Departure of the speed (n,) of smoothed delays (n,), and the (n, n) linear map that gives it."""
    series = np.eye(terms + 2)
    values = np.stack([legendre.legval(position, row) for row in series], axis=1)
    rates = np.stack([legendre.legval(position, legendre.legder(row)) for row in series[2:]], axis=1) * 2.0 / span
    gives = rates @ np.linalg.pinv(values)[2:]
    return gives @ late, gives


def _blocks(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The matrix with two square blocks on its diagonal."""
    joined = np.zeros((len(first) + len(second),) * 2)
    joined[: len(first), : len(first)] = first
    joined[len(first) :, len(first) :] = second
    return joined


def _unevenness(speed: np.ndarray, gives: np.ndarray, covariance: np.ndarray) -> Pacing:
    """The pace for departures of the speed (n,) = ``gives`` (n, k) of k values with this covariance."""
    speed, gives = speed - speed.mean(), gives - gives.mean(axis=0)  # a steady speed is no fault
    of_noise = float(np.mean(np.einsum("ij,jk,ik->i", gives, covariance, gives)))
    return Pacing(float(np.sqrt(max(0.0, float(np.mean(speed**2)) - of_noise))), float(np.sqrt(of_noise)))
