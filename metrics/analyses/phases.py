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

from seedbench.metrics.analyses.pace import LEAST_CUT_S, LEAST_CUT_STEPS, PaceFault, pace_of
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
CUT_POINTS = 5
"""A phase of fewer points does not show what is missing beside it."""
CUT_SHARE = 0.25
"""The velocity after a cut is that of the motion continued to within this share."""
CUT_SAME_PULL = 0.5
"""The accelerations before and after a cut differ by at most this share of the larger one."""
MOST_UNSEEN_STEPS = 2.5
"""A part of the motion that was on screen, but not seen, is not missing: a cut lies between pictures at most so many steps apart."""
LONGEST_CUT_S = 0.6
SAME_STRENGTH = 1e-9
"""Strengths of joints that differ by less are equal."""

JointKind = Literal["impact", "leap", "release", "settle", "cut"]


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
        used: (n,) bool, the points that were reliable, are no glitches, repeat no other and lie in a phase.
        time_s: (n,) the times that the parabolas are functions of (:attr:`seedbench.metrics.analyses.pace.Pace.time_s`).
        faults: The faults of the pace, in order of time; ``first`` and ``last`` count the points of the whole path.
    """

    parabolas: tuple[Parabola, ...]
    joints: tuple[Joint, ...]
    resting: tuple[bool, ...]
    used: np.ndarray
    time_s: np.ndarray
    faults: tuple[PaceFault, ...] = ()


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
    moment_s, repeat, faults = _paced(time_s, x, y, sigma_px, reliable)
    used = ~repeat
    used[used] = ~glitches(x[used], y[used], sigma_px)
    if reliable is not None and (used & reliable).sum() >= 2 * SHORTEST:
        used &= reliable
    keep = np.flatnonzero(used)
    path = _Path(moment_s[keep], x[keep], y[keep], sigma, diameter_px)
    bounds = [0, *leaps(path.t, path.x, path.y, diameter_px), len(keep)]
    parts = []
    for start, end in pairwise(bounds):
        ends = start == 0, end == len(keep)
        piece = divide_path(path.t[start:end], path.x[start:end], path.y[start:end], sigma, open_ends=ends, blurred=blurred)
        parts += path.merged([path.fit(start + first, start + last) for first, last in piece])
    used[keep[: parts[0].first]] = used[keep[parts[-1].last + 1 :]] = False
    for before, after in pairwise(parts):
        used[keep[before.last + 1 : after.first]] = False
    joints = []
    for before, after in pairwise(parts):
        joint = path.joint(before, after, leap=after.first in bounds)
        missing_s = path.missing_s(before, after)
        if missing_s > 0:
            joint = replace(joint, kind="cut")
            faults.append(PaceFault("cut", int(keep[before.last]), int(keep[after.first]), -missing_s))
        joints.append(joint if moment_s is time_s else replace(joint, time_s=float(np.interp(joint.time_s, moment_s[keep], time_s[keep]))))
    return Phases(
        tuple(replace(part, first=int(keep[part.first]), last=int(keep[part.last])) for part in parts),
        tuple(joints),
        tuple(path.rests(part) for part in parts),
        used,
        moment_s,
        tuple(sorted(faults, key=lambda fault: fault.first)),
    )


def _paced(
    time_s: np.ndarray, x: np.ndarray, y: np.ndarray, sigma_px: float, reliable: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, list[PaceFault]]:
    """The moment of the motion at each point (n,), whether it repeats the one before (n,), and the faults of the pace."""
    seen = np.arange(len(time_s)) if reliable is None or reliable.sum() < 2 * SHORTEST else np.flatnonzero(reliable)
    pace = pace_of(time_s[seen], x[seen], y[seen], sigma_px=sigma_px)
    repeat = np.zeros(len(time_s), bool)
    if not pace.faults:
        return time_s, repeat, []
    repeat[seen] = pace.repeat
    moment_s = np.interp(time_s, time_s[seen], pace.time_s)
    moment_s[: seen[0]] = time_s[: seen[0]] - time_s[seen[0]] + pace.time_s[0]
    moment_s[seen[-1] + 1 :] = time_s[seen[-1] + 1 :] - time_s[seen[-1]] + pace.time_s[-1]
    faults = [replace(fault, first=int(seen[fault.first]), last=int(seen[fault.last])) for fault in pace.faults]
    return moment_s, repeat, faults


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

    def missing_s(self, before: Parabola, after: Parabola) -> float:
        """How long a part of the motion is missing between two phases, if that explains both the places and the velocities; else 0.

        The phase before, continued for some time, must come to the place of the phase after with its velocity.
        """
        if min(before.n, after.n) < CUT_POINTS or self.rests(before) or self.rests(after):
            return 0.0
        pull = np.hypot(*before.acceleration), np.hypot(*after.acceleration)
        if np.hypot(*(before.acceleration - after.acceleration)) > CUT_SAME_PULL * max(pull):
            return 0.0
        last, there = self.t[before.last], self.t[after.first]
        if there - last > MOST_UNSEEN_STEPS * self.step_s:
            return 0.0
        trial = np.arange(1, round(LONGEST_CUT_S / self.step_s) * 4 + 1) * self.step_s / 4
        ahead = np.array([self._apart(before, after, there + late, there) for late in trial])
        back = np.array([self._apart(before, after, last, last - late) for late in trial])
        off = np.maximum(ahead, back)
        best = first_least(off, tolerance=SAME_STRENGTH)
        late = float(trial[best])
        explains = off[best] < min(1.0, self._apart(before, after, there, there) / 2.0)
        return late if explains and late > max(LEAST_CUT_S, LEAST_CUT_STEPS * self.step_s) else 0.0

    def _apart(self, before: Parabola, after: Parabola, time_before: float, time_after: float) -> float:
        """How far apart two phases are at two times: 1 where places differ by half the body and what it moves between pictures, or
        velocities by :data:`CUT_SHARE`."""
        velocity, other = before.velocity_at(time_before), after.velocity_at(time_after)
        speed = max(float(np.hypot(*velocity)), float(np.hypot(*other)), 1e-9)
        apart_px = float(np.hypot(*(before.at(time_before) - after.at(time_after))))
        return max(apart_px / (0.5 * self.diameter + speed * self.step_s), float(np.hypot(*(velocity - other))) / (CUT_SHARE * speed))

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
