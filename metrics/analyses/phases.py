"""A path taken apart: parabolas joined where the velocity jumps.

Positions are explained by as few stretches of constant acceleration as the noise allows (least squares with a price for each stretch,
solved exactly by dynamic programming: Bellman 1961; Jackson et al. 2005). Stretches that meet without a jump of velocity are joined
again, so that a path that is smooth but no parabola stays one phase, and its misfit shows. What is left are contacts, with times between
the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

SHORTEST = 3
"""Fewest points of a stretch."""
LEAST_SIGMA_PX = 0.3
"""Noise assumed at least: outlines touch shadows and compression."""
REST_PX = 1.5
"""A body whose centre stays within this is at rest, if it does so for at least ..."""
REST_POINTS = 6
"""... this many points; at the top of its flight a body is as slow for fewer."""
JUMP_SHARE = 0.25
"""A velocity jumps when it changes by more than this share of the larger speed, ..."""
JUMP_PX = 1.0
"""... by more than this many pixels a picture, ..."""
JUMP_SIGMA = 4.0
"""... and by more than this many standard deviations."""
EDGE_POINTS = 6
"""Points next to a joint that speak for a phase which is no parabola as a whole."""
TELEPORT_SHARE = 0.6
"""Paths that miss each other by more than this share of the body's diameter are no contact but a leap."""

Seam = Literal["impact", "leap", "release", "settle"]


@dataclass(frozen=True)
class Parabola:
    """Motion of constant acceleration fitted to points ``first`` to ``last`` (inclusive) of a path.

    At time t, with u = t - ``origin_s``: position = ``place`` + ``velocity`` u + ``bend`` u^2, each (x, y), pixels and seconds.
    ``rms_px`` of the residual over both coordinates; ``cov`` (3, 3): covariance of the three coefficients of a coordinate for unit noise.
    """

    first: int
    last: int
    origin_s: float
    place: np.ndarray
    velocity: np.ndarray
    bend: np.ndarray
    rms_px: float
    cov: np.ndarray

    @property
    def n(self) -> int:
        """Points fitted."""
        return self.last - self.first + 1

    @property
    def acceleration(self) -> np.ndarray:
        """(x, y) in pixels per second squared."""
        return 2.0 * self.bend

    def at(self, time_s: float) -> np.ndarray:
        """Position (x, y) at a time."""
        u = time_s - self.origin_s
        return np.asarray(self.place + self.velocity * u + self.bend * u * u)

    def velocity_at(self, time_s: float) -> np.ndarray:
        """Velocity (x, y) at a time."""
        return np.asarray(self.velocity + 2.0 * self.bend * (time_s - self.origin_s))

    def velocity_sd(self, time_s: float, sigma_px: float) -> float:
        """Standard deviation of a velocity coordinate at a time, for noise ``sigma_px``."""
        row = np.array([0.0, 1.0, 2.0 * (time_s - self.origin_s)])
        return float(sigma_px * np.sqrt(row @ self.cov @ row))

    def acceleration_sd(self, sigma_px: float) -> float:
        """Standard deviation of an acceleration coordinate, for noise ``sigma_px``."""
        return float(2.0 * sigma_px * np.sqrt(self.cov[2, 2]))


@dataclass(frozen=True)
class Joint:
    """Where two phases meet: when, where, how, and the velocities (x, y) before and after, pixels per second.

    ``change_sd``: standard deviation of a coordinate of the change of velocity.
    """

    time_s: float
    kind: Seam
    x: float
    y: float
    before: np.ndarray
    after: np.ndarray
    change_sd: float

    @property
    def change(self) -> np.ndarray:
        """Velocity after less velocity before, pixels per second."""
        return np.asarray(self.after - self.before)


@dataclass(frozen=True)
class Phases:
    """A path as phases and the joints between them (one fewer). ``used`` (n,) bool: points that were sure and are no glitches.

    ``first`` and ``last`` of the parabolas count the points of the whole path.
    """

    parabolas: tuple[Parabola, ...]
    joints: tuple[Joint, ...]
    resting: tuple[bool, ...]
    used: np.ndarray


def fit(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, first: int, last: int) -> Parabola:
    """Least-squares parabola through points ``first``..``last`` of a path; with two points a line, with one a point.

    >>> t = np.arange(12) / 24
    >>> found = fit(t, 100 * t, 50 * t**2, 0, 11)
    >>> round(float(found.acceleration[1]), 6), round(found.acceleration_sd(1.0), 1)
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
    """Points (n,) bool that lie off while both neighbours agree: bend there one way, and half as much the other way on both sides.

    >>> path = np.arange(9.0)
    >>> path[4] += 5
    >>> glitches(path, np.zeros(9), 0.2).nonzero()[0].tolist()
    [4]
    """
    off = np.zeros(len(x), bool)
    for values in (x, y):
        bend = np.diff(values, 2)  # bend[i] belongs to point i + 1
        for i in range(1, len(bend) - 1):
            here, sides = bend[i], (bend[i - 1], bend[i + 1])
            if abs(here) > 10 * max(sigma_px, 0.15) and all(-0.8 < side / here < -0.25 for side in sides):
                off[i + 1] = True
    return off


def stretches(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, sigma_px: float) -> list[tuple[int, int]]:
    """The cheapest division of a path (n,) into parabolas of at least :data:`SHORTEST` points: list of (first, last).

    Each stretch costs its squared residual over ``sigma_px`` squared, plus 3.5 ln(2 n): half its seven parameters' share by the Bayesian
    information criterion, times two.
    """
    n = len(time_s)
    if n < 2 * SHORTEST:
        return [(0, n - 1)]
    price = 7.0 * np.log(2.0 * n)
    best = np.full(n + 1, np.inf)
    best[0] = 0.0
    back = np.zeros(n + 1, int)
    for start in range(n - SHORTEST + 1):
        if not np.isfinite(best[start]):
            continue
        cost = best[start] + _squares(time_s, x, y, start) / sigma_px**2 + price
        ends = np.arange(start + SHORTEST, n + 1)
        better = cost < best[ends]
        best[ends[better]] = cost[better]
        back[ends[better]] = start
    found, end = [], n
    while end > 0:
        found.append((int(back[end]), end - 1))
        end = int(back[end])
    return found[::-1]


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


def phases_of(
    time_s: np.ndarray, x: np.ndarray, y: np.ndarray, *, sigma_px: float, diameter_px: float, sure: np.ndarray | None = None
) -> Phases:
    """Divide a path (n,) into phases. ``sigma_px`` noise of a coordinate, ``diameter_px`` the body's size, ``sure`` (n,) bool: points to
    use.

    >>> t = np.arange(40) / 25
    >>> fall = np.where(t < 0.8, 100 * t**2, 64 - 100 * (t - 0.8) + 100 * (t - 0.8) ** 2)
    >>> found = phases_of(t, 30 * t, fall, sigma_px=0.1, diameter_px=10.0)
    >>> [joint.kind for joint in found.joints], round(found.joints[0].time_s, 3)
    (['impact'], 0.8)
    """
    sigma = max(sigma_px, LEAST_SIGMA_PX)
    used = ~glitches(x, y, sigma_px)
    if sure is not None and (used & sure).sum() >= 2 * SHORTEST:
        used &= sure
    keep = np.flatnonzero(used)
    t, px, py = time_s[keep], x[keep], y[keep]
    step_s = float(np.median(np.diff(t))) if len(t) > 1 else 0.04
    parts = [fit(t, px, py, first, last) for first, last in stretches(t, px, py, sigma)]
    while len(parts) > 1:
        weights = [_strength(before, after, t, px, py, step_s, sigma, diameter_px) for before, after in pairwise(parts)]
        weakest = int(np.argmin(weights))
        if weights[weakest] >= 1.0:
            break
        parts[weakest : weakest + 2] = [fit(t, px, py, parts[weakest].first, parts[weakest + 1].last)]
    joints = tuple(_joint(before, after, t, px, py, step_s, sigma, diameter_px) for before, after in pairwise(parts))
    return Phases(
        tuple(Parabola(int(keep[p.first]), int(keep[p.last]), p.origin_s, p.place, p.velocity, p.bend, p.rms_px, p.cov) for p in parts),
        joints,
        tuple(_rests(part, px, py) for part in parts),
        used,
    )


def _rests(part: Parabola, x: np.ndarray, y: np.ndarray) -> bool:
    span = np.s_[part.first : part.last + 1]
    ends = part.at(part.origin_s)
    away = np.hypot(x[span] - ends[0], y[span] - ends[1])
    return bool(part.n >= REST_POINTS and np.median(away) < 0.5 * REST_PX and np.hypot(np.ptp(x[span]), np.ptp(y[span])) < 2.0 * REST_PX)


def meeting(before: Parabola, after: Parabola, time_s: np.ndarray, step_s: float) -> tuple[float, float]:
    """Time at which two successive parabolas come nearest each other, half a picture beyond the gap at most, and how near, pixels."""
    low, high = time_s[before.last] - 0.5 * step_s, time_s[after.first] + 0.5 * step_s
    trial = np.linspace(low, high, 201)
    apart = np.array([np.hypot(*(before.at(moment) - after.at(moment))) for moment in trial])
    nearest = int(apart.argmin())
    return float(trial[nearest]), float(apart[nearest])


def _strength(
    before: Parabola, after: Parabola, t: np.ndarray, x: np.ndarray, y: np.ndarray, step_s: float, sigma: float, diameter: float
) -> float:
    """How much stronger than necessary the joint of two phases is, as they are and by the points next to it; below 1 they are one."""
    whole = _joint(before, after, t, x, y, step_s, sigma, diameter, edges=(False, False))
    near = _joint(before, after, t, x, y, step_s, sigma, diameter, edges=(before.n > EDGE_POINTS, after.n > EDGE_POINTS))
    strength = min(_weight(whole, step_s), _weight(near, step_s))
    return strength if _rests(before, x, y) == _rests(after, x, y) else max(1.0 + 1e-3, strength)


def _weight(joint: Joint, step_s: float) -> float:
    if joint.kind == "leap":
        return 100.0
    change = float(np.hypot(*joint.change))
    speed = max(float(np.hypot(*joint.before)), float(np.hypot(*joint.after)))
    return change / max(JUMP_SHARE * speed, JUMP_PX / step_s, JUMP_SIGMA * joint.change_sd)


def _joint(
    before: Parabola,
    after: Parabola,
    t: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    step_s: float,
    sigma: float,
    diameter: float,
    edges: tuple[bool, bool] | None = None,
) -> Joint:
    """The joint of two phases. ``edges``: whether only the points next to it speak for each; by default where a phase is no parabola."""
    ragged = edges or (before.rms_px > 2.0 * sigma, after.rms_px > 2.0 * sigma)
    left = fit(t, x, y, max(before.first, before.last - EDGE_POINTS + 1), before.last) if ragged[0] else before
    right = fit(t, x, y, after.first, min(after.last, after.first + EDGE_POINTS - 1)) if ragged[1] else after
    moment, gap = meeting(left, right, t, step_s)
    rest_before, rest_after = _rests(before, x, y), _rests(after, x, y)
    still = np.zeros(2)
    v_before = still if rest_before else left.velocity_at(moment)
    v_after = still if rest_after else right.velocity_at(moment)
    place = (left.at(moment) + right.at(moment)) / 2
    sd = float(np.hypot(left.velocity_sd(moment, sigma), right.velocity_sd(moment, sigma)))
    kind: Seam = "impact"
    if gap > max(TELEPORT_SHARE * diameter, 3.0):
        kind = "leap"
    elif rest_before != rest_after and float(np.hypot(*(v_after - v_before))) < 2.0 * JUMP_PX / step_s:
        kind = "release" if rest_before else "settle"
    return Joint(moment, kind, float(place[0]), float(place[1]), v_before, v_after, sd)
