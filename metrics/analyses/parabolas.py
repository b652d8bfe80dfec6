"""Parabolas fitted to a path, and the cheapest division of a path into parabolas. Pure functions of arrays.

Least squares with a price for each stretch, solved exactly by dynamic programming (Bellman 1961; Jackson et al. 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.ties import first_least, middle_least

SHORTEST = 3
"""Fewest points of a stretch."""
TELEPORT_SHARE = 0.6
"""A step is a leap when it exceeds ``LEAP_SPEEDS`` times the speed next to it by more than this share of the diameter."""
LEAP_SPEEDS = 1.5
END_DIRECTION, END_SHARE = 0.7, 0.2
"""At an end of a path a step is no leap that points the same way as the one beside it (cosine) and is not much longer (share)."""
SAME_COST = 1e-6
"""Costs of two divisions of a path (squared residuals over the noise squared) that differ by less are equal: rounding reaches 1e-7."""
SAME_PX = 1e-9
GAP_STEPS = 1.6
"""Pictures are missing between two points that are further apart than this many usual steps."""


@dataclass(frozen=True)
class Parabola:
    """Motion of constant acceleration fitted to a part of a path.

    At time t, with u = t - ``origin_s``, the position is ``position`` + ``velocity`` u + ``half_acceleration`` u^2.

    Attributes:
        first: The index of the first point.
        last: The index of the last point (inclusive).
        origin_s: The time that u counts from.
        position: (2,) (x, y) pixels.
        velocity: (2,) pixels per second.
        half_acceleration: (2,) pixels per second squared.
        rms_px: Root mean square of the residual over both coordinates.
        covariance: (3, 3) of the three coefficients of a coordinate for unit noise.
    """

    first: int
    last: int
    origin_s: float
    position: np.ndarray
    velocity: np.ndarray
    half_acceleration: np.ndarray
    rms_px: float
    covariance: np.ndarray

    @property
    def n(self) -> int:
        """Points fitted."""
        return self.last - self.first + 1

    @property
    def acceleration(self) -> np.ndarray:
        """(x, y) in pixels per second squared."""
        return 2.0 * self.half_acceleration

    def at(self, time_s: float) -> np.ndarray:
        """Position (x, y) at a time."""
        u = time_s - self.origin_s
        return np.asarray(self.position + self.velocity * u + self.half_acceleration * u * u)

    def velocity_at(self, time_s: float) -> np.ndarray:
        """Velocity (x, y) at a time."""
        return np.asarray(self.velocity + 2.0 * self.half_acceleration * (time_s - self.origin_s))

    def velocity_sd(self, time_s: float, sigma_px: float) -> float:
        """Standard deviation of a velocity coordinate.

        Args:
            time_s: The time in seconds.
            sigma_px: The noise of a coordinate.

        Returns:
            Pixels per second.
        """
        row = np.array([0.0, 1.0, 2.0 * (time_s - self.origin_s)])
        return float(sigma_px * np.sqrt(row @ self.covariance @ row))


def fit_parabola(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, first: int, last: int) -> Parabola:
    """Least-squares parabola through some points of a path; through two points a line, through one a point.

    Args:
        time_s: Times (n,) in seconds, ascending.
        x: Positions (n,) in pixels.
        y: The same, y downward.
        first: Index of the first point to fit.
        last: Index of the last one, inclusive.

    >>> t = np.arange(12) / 24
    >>> parabola = fit_parabola(t, 100 * t, 50 * t**2, 0, 11)
    >>> round(float(parabola.acceleration[1]), 6), round(2 * float(np.sqrt(parabola.covariance[2, 2])), 1)
    (100.0, 31.5)
    """
    t = time_s[first : last + 1]
    origin = float(t.mean())
    u = t - origin
    degree = min(2, len(u) - 1)
    design = np.stack([u**power for power in range(degree + 1)], axis=1)
    points = np.stack([x[first : last + 1], y[first : last + 1]], axis=1)
    solved, *_ = np.linalg.lstsq(design, points, rcond=None)
    coefficients = np.zeros((3, 2))
    coefficients[: degree + 1] = solved
    cov = np.zeros((3, 3))
    cov[: degree + 1, : degree + 1] = np.linalg.pinv(design.T @ design)
    residual = points - design @ solved
    rms = float(np.sqrt(np.mean((residual**2).sum(axis=1))))
    return Parabola(first, last, origin, coefficients[0], coefficients[1], coefficients[2], rms, cov)


def glitches(x: np.ndarray, y: np.ndarray, sigma_px: float) -> np.ndarray:
    """Points that lie off a path while their neighbours agree: it bends there one way, and half as much the other way beside.

    Args:
        x: (n,) pixels.
        y: (n,) pixels.
        sigma_px: The noise of a coordinate.

    Returns:
        (n,) bool.

    >>> path = np.arange(9.0)
    >>> path[4] += 5
    >>> glitches(path, np.zeros(9), 0.2).nonzero()[0].tolist()
    [4]
    """
    off = np.zeros(len(x), bool)
    for values in (x, y):
        second = np.diff(values, 2)  # second[i] belongs to point i + 1
        for i in range(1, len(second) - 1):
            here, sides = second[i], (second[i - 1], second[i + 1])
            if abs(here) > 10 * max(sigma_px, 0.15) and all(-0.8 < side / here < -0.25 for side in sides):
                off[i + 1] = True
    return off


def divide_path(
    time_s: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    sigma_px: float,
    *,
    open_ends: tuple[bool, bool] = (False, False),
    blurred: bool = False,
) -> list[tuple[int, int]]:
    """The cheapest division of a path into parabolas.

    Each stretch costs its squared residual over ``sigma_px`` squared, plus 7 ln(2 n): the Bayesian information criterion for its seven
    parameters (three coefficients of each coordinate, and where it ends). At an open end fewer points than a stretch needs may be left
    out, each at the price of its two coordinates: where a clip ends just after a contact, or begins just before one, these points would
    spoil the stretch on the other side of it. A stretch that begins or ends with fewer than :data:`SHORTEST` points beside a gap in the
    pictures costs twice the price: such points show no curve, and a contact in the gap would look like one parabola. In blurred pictures
    so many points between two stretches may be left out at the same price:
    one that was exposed before and after a contact lies on neither, and its neighbour may be spoiled by it.

    Args:
        time_s: Times (n,) in seconds, ascending.
        x: Positions (n,) in pixels.
        y: The same.
        sigma_px: Noise of a coordinate in pixels.
        open_ends: Whether points may be left out at the beginning, and at the end.
        blurred: Whether points may be left out between two stretches.

    Returns:
        (first, last) indices of each stretch, inclusive; each has at least :data:`SHORTEST` points.

    >>> t = np.arange(12.0)
    >>> divide_path(t, 9.0 * np.maximum(t - 10, 0), np.zeros(12), 0.3, open_ends=(False, True))
    [(0, 10)]
    >>> bounce = np.abs(9.0 * (np.arange(13.0) - 6))
    >>> bounce[6] = 4.5
    >>> divide_path(np.arange(13.0), bounce, np.zeros(13), 0.3, blurred=True)
    [(0, 5), (7, 12)]
    """
    n = len(time_s)
    if n < 2 * SHORTEST:
        return [(0, n - 1)]
    price = 7.0 * np.log(2.0 * n)
    gap = np.diff(time_s) > GAP_STEPS * float(np.median(np.diff(time_s)))
    left_out = np.arange(SHORTEST)
    price_left_out = np.where(left_out > 0, (2.0 * left_out + 1.0) * np.log(2.0 * n), 0.0)
    best = np.full(n + 1, np.inf)
    best[: SHORTEST if open_ends[0] else 1] = price_left_out[: SHORTEST if open_ends[0] else 1]
    back, before = np.zeros(n + 1, int), np.arange(n + 1)
    for start in range(n - SHORTEST + 1):
        so_far = best[start]
        for skipped in range(1, SHORTEST if blurred else 1):
            if start - skipped >= SHORTEST and best[start - skipped] + price_left_out[skipped] < so_far - SAME_COST:
                so_far, before[start] = best[start - skipped] + price_left_out[skipped], start - skipped
        if not np.isfinite(so_far):
            continue
        cost = so_far + _squares(time_s, x, y, start) / sigma_px**2 + price * (1.0 + _loose_ends(gap, start, n))
        ends = np.arange(start + SHORTEST, n + 1)
        better = cost < best[ends] - SAME_COST
        best[ends[better]] = cost[better]
        back[ends[better]] = start
    end = n - first_least((best[n - left_out] + price_left_out)[: SHORTEST if open_ends[1] else 1], tolerance=SAME_COST)
    backwards = []
    while end >= SHORTEST:
        backwards.append((int(back[end]), end - 1))
        end = int(before[back[end]])
    return backwards[::-1]


def _loose_ends(gap: np.ndarray, start: int, n: int) -> np.ndarray:
    """For each stretch from ``start``, of :data:`SHORTEST` points or more: 1 where fewer than that lie beside a gap at either end, else 0.

    Args:
        gap: (n - 1,) bool, whether pictures are missing between a point and the next.
        start: The first point.
        n: The number of points.

    >>> _loose_ends(np.array([False, True, False, False]), 0, 5).tolist()
    [1.0, 1.0, 1.0]
    >>> _loose_ends(np.zeros(4, bool), 0, 5).tolist()
    [0.0, 0.0, 0.0]
    """
    last = np.arange(start + SHORTEST - 1, n)
    first_gap = bool(gap[start : start + SHORTEST - 1].any())
    last_gap = np.zeros(len(last), bool)
    for back in range(1, SHORTEST):
        last_gap |= gap[last - back]
    return (last_gap | first_gap).astype(float)


def _squares(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, start: int) -> np.ndarray:
    """Squared residuals of the parabolas from ``start`` to each end at least :data:`SHORTEST` points later."""
    u = time_s[start:] - time_s[start]
    count = np.arange(SHORTEST, len(u) + 1)
    scale = u[count - 1]
    powers = [np.cumsum(u**power)[count - 1] / scale**power for power in range(5)]
    normal = np.stack([np.stack([powers[i + j] for j in range(3)], axis=1) for i in range(3)], axis=1)
    total = np.zeros(len(count))
    for values in (x[start:] - x[start], y[start:] - y[start]):
        right = np.stack([np.cumsum(values * u**power)[count - 1] / scale**power for power in range(3)], axis=1)
        solved = np.linalg.solve(normal, right[..., None])[..., 0]
        total += np.maximum(np.cumsum(values**2)[count - 1] - (solved * right).sum(axis=1), 0.0)
    return total


def leaps(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, diameter_px: float) -> list[int]:
    """The points that a body reaches by a step much longer than its speeds before and after explain: it jumps.

    Args:
        time_s: (n,) ascending times.
        x: (n,) pixels.
        y: (n,) pixels.
        diameter_px: The diameter of the body.

    Returns:
        Indices of these points.

    >>> leaps(np.arange(9.0), np.array([0.0, 1, 2, 3, 30, 31, 32, 33, 34]), np.zeros(9), 10.0)
    [4]
    """
    if len(time_s) < 4:
        return []
    gap = np.diff(time_s)
    step = np.hypot(np.diff(x), np.diff(y))
    speed = step / gap
    beside = np.maximum(np.concatenate([[0.0], speed[:-1]]), np.concatenate([speed[1:], [0.0]]))
    far = step - LEAP_SPEEDS * beside * gap > TELEPORT_SHARE * diameter_px
    for end, next_to_it in ((0, 1), (len(step) - 1, len(step) - 2)):
        # At an end of the path only one speed is known: a long step the same way may be that of pictures that were dropped.
        along = float(
            (x[end + 1] - x[end]) * (x[next_to_it + 1] - x[next_to_it]) + (y[end + 1] - y[end]) * (y[next_to_it + 1] - y[next_to_it])
        )
        far[end] &= along < END_DIRECTION * step[end] * step[next_to_it] or step[next_to_it] < END_SHARE * step[end]
    return [int(k) + 1 for k in np.flatnonzero(far)]


def nearest_approach(before: Parabola, after: Parabola, low_s: float, high_s: float) -> tuple[float, float]:
    """When two parabolas come nearest each other between two times, and how near.

    Args:
        before: One parabola.
        after: The other.
        low_s: The first time in seconds.
        high_s: The last time in seconds.

    Returns:
        Time in seconds (the middle of the stretch where the distance is the same for a while) and distance in pixels.
    """
    trial = np.linspace(low_s, high_s, 201)
    apart = np.array([np.hypot(*(before.at(moment) - after.at(moment))) for moment in trial])
    nearest = middle_least(apart, tolerance=SAME_PX)
    return float(trial[nearest]), float(apart[nearest])
