"""A path divided into phases: parabolas that meet where the velocity jumps.

Positions are explained by as few stretches of constant acceleration as the noise allows (:mod:`seedbench.metrics.analyses.parabolas`).
Stretches that meet without a jump of velocity are joined
again, so that a path that is smooth but no parabola stays one phase with a large misfit. The joints that remain are contacts, with times
between the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from seedbench.metrics.analyses.parabolas import SHORTEST, Parabola, divide_path, fit_parabola, glitches, leaps, nearest_approach
from seedbench.ties import first_least

LEAST_SIGMA_PX = 0.3
"""Least noise assumed: shadows and compression disturb outlines."""
REST_PX = 1.5
"""A body whose centre stays within this is at rest, if it does so for at least ``REST_POINTS``."""
REST_POINTS = 6
"""At the top of its flight a body is as slow as at rest, but for fewer points."""
JUMP_SHARE = 0.25
"""A velocity jumps when it changes by more than this share of the larger speed, ``JUMP_PX`` and ``JUMP_SIGMA``."""
JUMP_PX = 1.0
"""Pixels per picture."""
JUMP_SIGMA = 4.0
"""Standard deviations."""
EDGE_POINTS = 6
"""Points next to a joint that represent a phase which is no parabola as a whole."""
SAME_STRENGTH = 1e-9
"""Strengths of joints that differ by less are equal."""

JointKind = Literal["impact", "leap", "release", "settle"]


@dataclass(frozen=True)
class Joint:
    """A point where two phases of a path meet.

    Attributes:
        time_s: The time in seconds.
        kind: How they meet.
        x: Pixels.
        y: Pixels, downward.
        before: (2,) velocity before, pixels per second.
        after: (2,) velocity after.
        change_sd: Standard deviation of a coordinate of the change of velocity.
    """

    time_s: float
    kind: JointKind
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
    """A path as phases and the joints between them.

    Attributes:
        parabolas: The phases in order of time; their ``first`` and ``last`` count the points of the whole path.
        joints: The joints in order of time, one fewer.
        resting: Whether the body is at rest in each phase.
        used: (n,) bool, the points that were reliable, are no glitches and lie in a phase.
    """

    parabolas: tuple[Parabola, ...]
    joints: tuple[Joint, ...]
    resting: tuple[bool, ...]
    used: np.ndarray


def phases_of(
    time_s: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    *,
    sigma_px: float,
    diameter_px: float,
    reliable: np.ndarray | None = None,
    blurred: bool = False,
) -> Phases:
    """Divide a path into phases.

    Args:
        time_s: Times (n,) in seconds, ascending.
        x: Positions (n,) in pixels.
        y: The same, y downward.
        sigma_px: Noise of a coordinate in pixels.
        diameter_px: Diameter of the body in pixels.
        reliable: Points to use, (n,) bool; None: all.
        blurred: Whether pictures are exposed for so long that one in which the body turns shows it on neither side of the contact.

    >>> t = np.arange(40) / 25
    >>> fall = np.where(t < 0.8, 100 * t**2, 64 - 100 * (t - 0.8) + 100 * (t - 0.8) ** 2)
    >>> phases = phases_of(t, 30 * t, fall, sigma_px=0.1, diameter_px=10.0)
    >>> [joint.kind for joint in phases.joints], round(phases.joints[0].time_s, 3)
    (['impact'], 0.8)
    """
    sigma = max(sigma_px, LEAST_SIGMA_PX)
    used = ~glitches(x, y, sigma_px)
    if reliable is not None and (used & reliable).sum() >= 2 * SHORTEST:
        used &= reliable
    keep = np.flatnonzero(used)
    path = _Path(time_s[keep], x[keep], y[keep], sigma, diameter_px)
    bounds = [0, *leaps(path.t, path.x, path.y, diameter_px), len(keep)]
    parts = []
    for start, end in pairwise(bounds):
        ends = start == 0, end == len(keep)
        piece = divide_path(path.t[start:end], path.x[start:end], path.y[start:end], sigma, open_ends=ends, blurred=blurred)
        parts += path.merged([path.fit(start + first, start + last) for first, last in piece])
    used[keep[: parts[0].first]] = used[keep[parts[-1].last + 1 :]] = False
    for before, after in pairwise(parts):
        used[keep[before.last + 1 : after.first]] = False
    joints = tuple(path.joint(before, after, leap=after.first in bounds) for before, after in pairwise(parts))
    return Phases(
        tuple(replace(part, first=int(keep[part.first]), last=int(keep[part.last])) for part in parts),
        joints,
        tuple(path.rests(part) for part in parts),
        used,
    )


@dataclass(frozen=True)
class _Path:
    """The points that are divided: times, positions, noise of a coordinate and the body's diameter."""

    t: np.ndarray
    x: np.ndarray
    y: np.ndarray
    sigma: float
    diameter: float

    @property
    def step_s(self) -> float:
        return float(np.median(np.diff(self.t))) if len(self.t) > 1 else 0.04

    def fit(self, first: int, last: int) -> Parabola:
        return fit_parabola(self.t, self.x, self.y, first, last)

    def merged(self, parts: list[Parabola]) -> list[Parabola]:
        """Neighbours merged, the weakest joint first, until at every joint the velocity jumps or a body is released or put down."""
        while len(parts) > 1:
            strengths = [self.strength(before, after) for before, after in pairwise(parts)]
            weakest = first_least(strengths, tolerance=SAME_STRENGTH)
            if strengths[weakest] >= 1.0:
                break
            parts[weakest : weakest + 2] = [self.fit(parts[weakest].first, parts[weakest + 1].last)]
        return parts

    def rests(self, part: Parabola) -> bool:
        span = np.s_[part.first : part.last + 1]
        middle = part.at(part.origin_s)
        away = np.hypot(self.x[span] - middle[0], self.y[span] - middle[1])
        reach = np.hypot(np.ptp(self.x[span]), np.ptp(self.y[span]))
        return self.long_enough_for_rest(part) and bool(np.median(away) < 0.5 * REST_PX and reach < 2.0 * REST_PX)

    def is_level(self, part: Parabola) -> bool:
        """Whether the body is held or carried: neither rises nor falls."""
        return self.long_enough_for_rest(part) and bool(np.ptp(self.y[part.first : part.last + 1]) < 2.0 * REST_PX)

    def long_enough_for_rest(self, part: Parabola) -> bool:
        """Whether a phase is long enough to be a rest. The first phase may be short: no flight precedes it whose top could look like
        rest."""
        return part.n >= (SHORTEST if part.first == 0 else REST_POINTS)

    def strength(self, before: Parabola, after: Parabola) -> float:
        """Strength of a joint over the strength needed, by whole phases and by the points next to it; below 1 the phases are merged."""
        whole = self.joint(before, after, edges=(False, False))
        near = self.joint(before, after, edges=(before.n > EDGE_POINTS, after.n > EDGE_POINTS))
        strength = min(self.jump_strength(whole), self.jump_strength(near))
        return strength if self.is_level(before) == self.is_level(after) else max(1.0 + 1e-3, strength)

    def jump_strength(self, joint: Joint) -> float:
        """Change of velocity over the least change that counts as a jump."""
        change = float(np.hypot(*joint.change))
        speed = max(float(np.hypot(*joint.before)), float(np.hypot(*joint.after)))
        return change / max(JUMP_SHARE * speed, JUMP_PX / self.step_s, JUMP_SIGMA * joint.change_sd)

    def joint(self, before: Parabola, after: Parabola, *, edges: tuple[bool, bool] | None = None, leap: bool = False) -> Joint:
        """The joint of two phases.

        ``edges``: whether only the points next to the joint represent the phase before, and after; by default where a phase is no parabola.
        """
        use_edge = edges or (before.rms_px > 2.0 * self.sigma, after.rms_px > 2.0 * self.sigma)
        left = self.fit(max(before.first, before.last - EDGE_POINTS + 1), before.last) if use_edge[0] else before
        right = self.fit(after.first, min(after.last, after.first + EDGE_POINTS - 1)) if use_edge[1] else after
        moment, _ = nearest_approach(left, right, self.t[before.last] - 0.5 * self.step_s, self.t[after.first] + 0.5 * self.step_s)
        rest_before, rest_after = self.rests(before), self.rests(after)
        still = np.zeros(2)
        v_before = still if rest_before else left.velocity_at(moment)
        v_after = still if rest_after else right.velocity_at(moment)
        middle = (left.at(moment) + right.at(moment)) / 2
        sd = float(np.hypot(left.velocity_sd(moment, self.sigma), right.velocity_sd(moment, self.sigma)))
        kind: JointKind = "leap" if leap else "impact"
        held = self.is_level(before), self.is_level(after)
        if not leap and held[0] != held[1] and float(np.hypot(*(v_after - v_before))) < 2.0 * JUMP_PX / self.step_s:
            kind = "release" if held[0] else "settle"
        return Joint(moment, kind, float(middle[0]), float(middle[1]), v_before, v_after, sd)
