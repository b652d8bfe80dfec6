"""A path taken apart: parabolas joined where the velocity jumps.

Positions are explained by as few stretches of constant acceleration as the noise allows (:mod:`seedbench.metrics.analyses.parabolas`).
Stretches that meet without a jump of velocity are joined
again, so that a path that is smooth but no parabola stays one phase, and its misfit shows. What is left are contacts, with times between
the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from seedbench.metrics.analyses.parabolas import SHORTEST, Parabola, fit, glitches, leaps, meeting, stretches
from seedbench.ties import first_least

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
SAME_STRENGTH = 1e-9
"""Distances, and strengths of joints, that differ by less are equal."""

Seam = Literal["impact", "leap", "release", "settle"]


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
    """A path as phases and the joints between them (one fewer). ``used`` (n,) bool: points of a phase that were sure and are no glitches.

    ``first`` and ``last`` of the parabolas count the points of the whole path.
    """

    parabolas: tuple[Parabola, ...]
    joints: tuple[Joint, ...]
    resting: tuple[bool, ...]
    used: np.ndarray


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
    path = _Path(time_s[keep], x[keep], y[keep], sigma, diameter_px)
    bounds = [0, *leaps(path.t, path.x, path.y, diameter_px), len(keep)]
    parts = []
    for start, end in pairwise(bounds):
        ends = start == 0, end == len(keep)
        piece = stretches(path.t[start:end], path.x[start:end], path.y[start:end], sigma, open_ends=ends)
        parts += path.merged([path.fit(start + first, start + last) for first, last in piece])
    used[keep[: parts[0].first]] = used[keep[parts[-1].last + 1 :]] = False
    joints = tuple(path.joint(before, after, leap=after.first in bounds) for before, after in pairwise(parts))
    return Phases(
        tuple(Parabola(int(keep[p.first]), int(keep[p.last]), p.origin_s, p.place, p.velocity, p.bend, p.rms_px, p.cov) for p in parts),
        joints,
        tuple(path.rests(part) for part in parts),
        used,
    )


@dataclass(frozen=True)
class _Path:
    """The points that are divided: times, places, noise of a coordinate and the body's diameter."""

    t: np.ndarray
    x: np.ndarray
    y: np.ndarray
    sigma: float
    diameter: float

    @property
    def step_s(self) -> float:
        return float(np.median(np.diff(self.t))) if len(self.t) > 1 else 0.04

    def fit(self, first: int, last: int) -> Parabola:
        return fit(self.t, self.x, self.y, first, last)

    def merged(self, parts: list[Parabola]) -> list[Parabola]:
        """Neighbours joined, the weakest joint first, until every joint is a jump of velocity or a body let go or laid down."""
        while len(parts) > 1:
            weights = [self.strength(before, after) for before, after in pairwise(parts)]
            weakest = first_least(weights, tolerance=SAME_STRENGTH)
            if weights[weakest] >= 1.0:
                break
            parts[weakest : weakest + 2] = [self.fit(parts[weakest].first, parts[weakest + 1].last)]
        return parts

    def rests(self, part: Parabola) -> bool:
        span = np.s_[part.first : part.last + 1]
        middle = part.at(part.origin_s)
        away = np.hypot(self.x[span] - middle[0], self.y[span] - middle[1])
        reach = np.hypot(np.ptp(self.x[span]), np.ptp(self.y[span]))
        return self.long(part) and bool(np.median(away) < 0.5 * REST_PX and reach < 2.0 * REST_PX)

    def level(self, part: Parabola) -> bool:
        """Whether the body is held or carried: neither rises nor falls."""
        return self.long(part) and bool(np.ptp(self.y[part.first : part.last + 1]) < 2.0 * REST_PX)

    def long(self, part: Parabola) -> bool:
        """Whether a phase is long enough for a rest. At the beginning no flight comes before, whose top could look like one."""
        return part.n >= (SHORTEST if part.first == 0 else REST_POINTS)

    def strength(self, before: Parabola, after: Parabola) -> float:
        """How much stronger than necessary a joint is, by the phases as they are and by the points next to it; below 1 they are one."""
        whole = self.joint(before, after, edges=(False, False))
        near = self.joint(before, after, edges=(before.n > EDGE_POINTS, after.n > EDGE_POINTS))
        strength = min(self.weight(whole), self.weight(near))
        return strength if self.level(before) == self.level(after) else max(1.0 + 1e-3, strength)

    def weight(self, joint: Joint) -> float:
        change = float(np.hypot(*joint.change))
        speed = max(float(np.hypot(*joint.before)), float(np.hypot(*joint.after)))
        return change / max(JUMP_SHARE * speed, JUMP_PX / self.step_s, JUMP_SIGMA * joint.change_sd)

    def joint(self, before: Parabola, after: Parabola, *, edges: tuple[bool, bool] | None = None, leap: bool = False) -> Joint:
        """The joint of two phases. ``edges``: whether only the points next to it speak for each; by default where a phase is no
        parabola."""
        ragged = edges or (before.rms_px > 2.0 * self.sigma, after.rms_px > 2.0 * self.sigma)
        left = self.fit(max(before.first, before.last - EDGE_POINTS + 1), before.last) if ragged[0] else before
        right = self.fit(after.first, min(after.last, after.first + EDGE_POINTS - 1)) if ragged[1] else after
        moment, _ = meeting(left, right, self.t[before.last] - 0.5 * self.step_s, self.t[after.first] + 0.5 * self.step_s)
        rest_before, rest_after = self.rests(before), self.rests(after)
        still = np.zeros(2)
        v_before = still if rest_before else left.velocity_at(moment)
        v_after = still if rest_after else right.velocity_at(moment)
        place = (left.at(moment) + right.at(moment)) / 2
        sd = float(np.hypot(left.velocity_sd(moment, self.sigma), right.velocity_sd(moment, self.sigma)))
        kind: Seam = "leap" if leap else "impact"
        held = self.level(before), self.level(after)
        if not leap and held[0] != held[1] and float(np.hypot(*(v_after - v_before))) < 2.0 * JUMP_PX / self.step_s:
            kind = "release" if held[0] else "settle"
        return Joint(moment, kind, float(place[0]), float(place[1]), v_before, v_after, sd)
