"""The pace at which a clip passes through a motion: pictures that are held or dropped, a motion that freezes, a motion with a part cut out.

How far a body moves between two pictures, divided by the mean of its velocities before and after, is the time that the motion took
there (exact for constant acceleration). Where that is no time, the picture is a repeat; where it is two or three steps, pictures were
dropped. Such faults are those of a file, not of the motion, and single ones are common in filmed clips. A body that stands still for
longer and goes on with the speed that it had was frozen; one that is further along its path than so few dropped pictures explain has a
part of its motion cut out. Set on eight filmed bodies (0 to 2 dropped and 0 to 1 held pictures each, no freeze, no cut) and twelve of the
simulator (none), and on the same with pictures chosen anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

HELD_SHARE = 0.35
"""A picture in which the motion took less than this share of its time is a repeat."""
DROPPED_STEPS = 0.6
"""Pictures were dropped where the motion took longer than its time by more than this many steps between pictures."""
DROPPED_BY_EACH = 0.4
"""And by more than this many steps at the velocity before it, and at that after it."""
SAME_DIRECTION = 0.7
"""The velocities before and after a fault of the pace point the same way: the cosine of their angle is at least this."""
TURNS = 0.5
"""A body turns between steps whose directions have a smaller cosine."""
LARGEST_RATIO = 2.5
"""They differ in size by at most this factor."""
LEAST_STEP_PX = 1.0
LEAST_STEP_SIGMA = 12.0
"""A motion has a pace where it moves between pictures by at least so many pixels, and standard deviations of its noise."""
LEAST_FREEZE_S = 0.1
LEAST_FREEZE_STEPS = 2.5
"""A freeze lasts longer than this many seconds, and steps between pictures; a shorter one is held pictures."""
LEAST_CUT_S = 0.07
LEAST_CUT_STEPS = 2.5
"""More than so many seconds, and steps between pictures, are missing where a motion is cut; fewer are dropped pictures."""
MOST_SIGMA_PX = 0.5
"""Most noise that is allowed for: held and dropped pictures look like noise themselves."""
NEAR = 3
"""Velocities are those of the nearest regular steps, at most this many steps away."""

FaultKind = Literal["held", "dropped", "freeze", "cut"]

LENGTHENED: tuple[FaultKind, ...] = ("freeze", "cut")
"""The faults that make a clip longer or shorter than the motion."""


@dataclass(frozen=True)
class PaceFault:
    """A place where the clip does not pass through a motion at its pace.

    Attributes:
        kind: ``held`` (repeated pictures), ``dropped`` (missing pictures), ``freeze`` (the motion stops and goes on as it was), ``cut``
            (a part of the motion is missing).
        first: The index of the last point before the fault.
        last: The index of the first point after it.
        off_s: How much longer (positive: held, freeze) or shorter (negative: dropped, cut) the clip takes than the motion does, seconds.
    """

    kind: FaultKind
    first: int
    last: int
    off_s: float


@dataclass(frozen=True)
class Pace:
    """The pace of a path.

    Attributes:
        time_s: (n,) when the motion is where each picture shows it, seconds from the same zero as the clip's times. They are the
            clip's own times where there is no fault.
        repeat: (n,) bool, points that repeat the one before.
        faults: The faults in order of time.
    """

    time_s: np.ndarray
    repeat: np.ndarray
    faults: tuple[PaceFault, ...] = ()

    def of(self, kind: FaultKind) -> list[PaceFault]:
        """The faults of one kind."""
        return [fault for fault in self.faults if fault.kind == kind]


def pace_of(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, *, sigma_px: float) -> Pace:
    """Find the faults of the pace of a path.

    Args:
        time_s: Times (n,) of the pictures in seconds, ascending.
        x: Positions (n,) in pixels.
        y: The same.
        sigma_px: Noise of a coordinate in pixels.

    Returns:
        The pace. A path with less than 6 points has no faults.

    >>> seen = np.array([0, 1, 2, 3, 3, 4, 5, 7, 8, 9, 10])
    >>> pace = pace_of(np.arange(11) / 25, 8.0 * seen, np.zeros(11), sigma_px=0.2)
    >>> [(fault.kind, fault.first, fault.last) for fault in pace.faults], (25 * pace.time_s).round(2).tolist() == seen.tolist()
    ([('held', 3, 4), ('dropped', 6, 7)], True)
    """
    nothing = Pace(time_s, np.zeros(len(time_s), bool))
    if len(time_s) < 6:
        return nothing
    gap = np.diff(time_s)
    step_s = float(np.median(gap))
    least_px = max(LEAST_STEP_PX, LEAST_STEP_SIGMA * min(sigma_px, MOST_SIGMA_PX))
    takes = _time_taken(gap, np.stack([np.diff(x), np.diff(y)], axis=1), step_s, least_px)
    off = gap - takes
    if not off.any():
        return nothing
    faults = _faults(off, takes <= 0, step_s)
    lengthened = np.isin(np.arange(len(gap)), [k for fault in faults if fault.kind in LENGTHENED for k in range(fault.first, fault.last)])
    # Held and dropped pictures average out over a clip; its length is that of the motion.
    even = takes[~lengthened].sum()
    scale = gap[~lengthened].sum() / even if even > 0 else 1.0
    return Pace(time_s[0] + np.concatenate([[0.0], np.cumsum(takes * scale)]), np.concatenate([[False], takes <= 0]), tuple(faults))


def _time_taken(gap: np.ndarray, moved: np.ndarray, step_s: float, least_px: float) -> np.ndarray:
    """How long the motion took between pictures (n - 1,), seconds: ``gap`` where the pace is regular or cannot be known."""
    takes = gap.copy()
    speed = moved / gap[:, None]
    size = np.hypot(*speed.T)
    moving = size * step_s >= least_px
    for start, end in _still_runs(size, moving):
        if _goes_on(speed[start - 1], speed[end]):
            takes[start:end] = 0.0
    for _ in range(2):  # a dropped picture beside another one is measured with the regular steps around both
        regular = moving & (takes == gap)
        for k in np.flatnonzero(moving & (takes > 0)).tolist():
            before = next((j for j in range(k - 1, max(-1, k - 1 - NEAR), -1) if regular[j]), None)
            after = next((j for j in range(k + 1, min(len(gap), k + 1 + NEAR)) if regular[j]), None)
            if before is None or after is None or not _goes_on(speed[before], speed[after]):
                continue
            if _turns(speed, moving, before - 1, before) or _turns(speed, moving, after, after + 1):
                continue  # a step in which the body bounced has the velocity of neither flight
            mean = (speed[before] + speed[after]) / 2
            along = float(moved[k] @ mean / (mean @ mean))
            across = float(np.hypot(*(moved[k] - along * mean)))
            dropped = along > gap[k] + DROPPED_STEPS * step_s and across < 0.5 * along * float(np.hypot(*mean))
            # Beside a bounce that is not seen as a turn: a step over dropped pictures is longer than both.
            by_each = [float(moved[k] @ speed[beside] / (speed[beside] @ speed[beside])) for beside in (before, after)]
            dropped = dropped and min(by_each) > gap[k] + DROPPED_BY_EACH * step_s
            takes[k] = gap[k] + round((along - gap[k]) / step_s) * step_s if dropped else gap[k]
    return takes


def _still_runs(size: np.ndarray, moving: np.ndarray) -> list[tuple[int, int]]:
    """Runs of steps (first, last + 1) with much less speed than the steps on both sides of them, which move."""
    runs = []
    for start in range(1, len(size) - 1):
        if not moving[start - 1] or size[start] >= HELD_SHARE * size[start - 1]:
            continue
        end = start
        while end < len(size) and size[end] < HELD_SHARE * size[start - 1]:
            end += 1
        if end < len(size) and moving[end] and size[start:end].max() < HELD_SHARE * size[end]:
            runs.append((start, end))
    return runs


def _turns(speed: np.ndarray, moving: np.ndarray, first: int, second: int) -> bool:
    """Whether a body that moves in both of two steps turns between them; not where one of them lies outside the path."""
    if first < 0 or second >= len(speed) or not (moving[first] and moving[second]):
        return False
    sizes = float(np.hypot(*speed[first])) * float(np.hypot(*speed[second]))
    return float(speed[first] @ speed[second]) < TURNS * sizes


def _goes_on(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two velocities (2,) are those of one motion: nearly the same direction, and a speed of the same order."""
    sizes = float(np.hypot(*before)), float(np.hypot(*after))
    return max(sizes) <= LARGEST_RATIO * min(sizes) and float(before @ after) >= SAME_DIRECTION * sizes[0] * sizes[1]


def _faults(off: np.ndarray, repeat: np.ndarray, step_s: float) -> list[PaceFault]:
    faults = []
    k = 0
    while k < len(off):
        end = k + 1
        if repeat[k]:
            while end < len(off) and repeat[end]:
                end += 1
            lasts = float(off[k:end].sum())
            frozen = lasts > max(LEAST_FREEZE_S, LEAST_FREEZE_STEPS * step_s)
            faults.append(PaceFault("freeze" if frozen else "held", k, end, lasts))
        elif off[k] < 0:
            cut = -off[k] > max(LEAST_CUT_S, LEAST_CUT_STEPS * step_s)
            faults.append(PaceFault("cut" if cut else "dropped", k, k + 1, float(off[k])))
        k = end
    return faults
