"""Whether a clip passes through a body's motion evenly, without a stop and without a gap: three axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies, BodyTrack
from seedbench.metrics.analyses.pace import LEAST_CUT_S, LEAST_CUT_STEPS, LEAST_FREEZE_S, LEAST_FREEZE_STEPS, LENGTHENED
from seedbench.metrics.analyses.phases import Phases
from seedbench.metrics.physics import laws
from seedbench.metrics.physics.axes import Axis
from seedbench.metrics.physics.even_time import (
    MOST_EXPECTED,
    Exactness,
    Pacing,
    PathStretch,
    counted_pacing,
    flights_pacing,
    repeats_pacing,
    swing_pacing,
)
from seedbench.metrics.physics.kinematics import graded

EVEN, UNEVEN = 0.1, 0.3
"""Root mean square departure of the speed that costs nothing, and that costs everything. A motion eased from rest to rest has 0.45, a speed
that goes from 0.6 to 1.6 has 0.26; by repeated pictures alone 0.08 to 0.24 and 0.15 to 0.21. Drag, perspective and lenses are seen as up to
0.1: eight filmed clips have 0 to 0.10, sixteen of the simulator 0 to 0.11, uniformly slowed or quickened by repeating and dropping pictures
0 to 0.16."""
FREEZE_GRADE_S, CUT_GRADE_S = 0.2, 0.1
"""A freeze, or a cut, longer than the shortest by so much costs everything."""
SAME_PICTURE, FILMED = 0.35, 0.8
"""In a frozen picture less than this share of tiles changes, in a filmed one that runs at least that share."""


@dataclass(frozen=True)
class Timing:
    """The pace of one body's motion.

    Attributes:
        axes: ``even_time``, ``no_freeze``, ``no_cut``.
        raw: The numbers behind them, ready for JSON.
    """

    axes: dict[str, Axis]
    raw: dict[str, object]


def timing_of(track: BodyTrack, phases: Phases, regime: str, flying: Sequence[np.ndarray], seen: Bodies, *, sigma_px: float) -> Timing:
    """Judge the pace of one body's motion.

    Args:
        track: The body.
        phases: Its path.
        regime: Its kind of motion.
        flying: The points of each flight.
        seen: All bodies and what they were measured on.
        sigma_px: Noise of a coordinate in pixels.
    """
    step_s = float(np.median(np.diff(track.time_s)))
    freezes = [fault.off_s for fault in phases.faults if fault.kind == "freeze"]
    freezes += [end - start for start, end in frozen_pictures(seen.changing, seen.time_s, _moving_span(track))]
    freezes += _hangs(track, phases, flying) if regime == "flight" else []
    missing = [-fault.off_s for fault in phases.faults if fault.kind == "cut"]
    pacing = _pacing(
        track, phases, regime, flying, Exactness(sigma_px, step_s, any(fault.kind not in LENGTHENED for fault in phases.faults))
    )
    if seen.repeats is not None:
        pacing = _less_even(pacing, repeats_pacing(seen.repeats, longest=max(LEAST_FREEZE_S / step_s, LEAST_FREEZE_STEPS)))
    if pacing is None:
        roll = "a rolling body shows its pace only where pictures are held or dropped"
        even = Axis(None, roll if regime == "roll" else "too few pictures of the motion to measure its pace")
    elif pacing.expected > MOST_EXPECTED:
        even = Axis(None, "the noise is too large to measure the pace")
    else:
        even = Axis(graded(pacing.unevenness, good=EVEN, bad=UNEVEN))
    freeze_from, cut_from = max(LEAST_FREEZE_S, LEAST_FREEZE_STEPS * step_s), max(LEAST_CUT_S, LEAST_CUT_STEPS * step_s)
    axes = {
        "even_time": even,
        "no_freeze": Axis(graded(max(freezes, default=0.0), good=freeze_from, bad=freeze_from + FREEZE_GRADE_S)),
        "no_cut": Axis(graded(max(missing, default=0.0), good=cut_from, bad=cut_from + CUT_GRADE_S)),
    }
    count = {kind: sum(fault.kind == kind for fault in phases.faults) for kind in ("held", "dropped")}
    raw: dict[str, object] = {
        "freezes_s": freezes,
        "missing_s": missing,
        "pictures_held": count["held"],
        "pictures_dropped": count["dropped"],
        "unevenness": None if pacing is None else pacing.unevenness,
        "unevenness_of_noise": None if pacing is None else pacing.expected,
    }
    return Timing(axes, raw)


def frozen_pictures(changing: np.ndarray, time_s: np.ndarray, span_s: tuple[float, float]) -> list[tuple[float, float]]:
    """When the whole picture of a filmed clip stands still while a body moves before and after.

    Args:
        changing: Share (T,) of the picture that changes from one picture to the next.
        time_s: Times (T,) in seconds.
        span_s: From when to when the body moves.

    Returns:
        Start and end of each freeze, seconds; none in a drawn clip, whose still parts never change.

    >>> still = np.where((np.arange(40) > 10) & (np.arange(40) < 20), 0.0, 1.0)
    >>> frozen_pictures(still, np.arange(40) / 25, (0.0, 1.5))
    [(0.4, 0.76)]
    """
    frozen = changing < SAME_PICTURE
    if len(changing) < 8 or np.median(changing[~frozen] if (~frozen).any() else changing) < FILMED:
        return []
    step_s = float(np.median(np.diff(time_s)))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], frozen.astype(int), [0]])))
    runs = [(float(time_s[max(0, start - 1)]), float(time_s[end - 1])) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    least_s = max(LEAST_FREEZE_S, LEAST_FREEZE_STEPS * step_s)
    return [(start, end) for start, end in runs if end - start > least_s and start > span_s[0] and end < span_s[1]]


def _less_even(first: Pacing | None, second: Pacing | None) -> Pacing | None:
    """Of two measurements of one pace, the one that shows more unevenness; one that is noise only where there is no other."""
    known = [pacing for pacing in (first, second) if pacing is not None]
    sure = [pacing for pacing in known if pacing.expected <= MOST_EXPECTED]
    return max(sure or known, key=lambda pacing: pacing.unevenness, default=None)


def _moving_span(track: BodyTrack) -> tuple[float, float]:
    """From when to when a body moves, without rest before and after, seconds."""
    moves = np.flatnonzero(np.hypot(np.diff(track.x), np.diff(track.y)) > 1.0)
    return (float(track.time_s[moves[0]]), float(track.time_s[moves[-1] + 1])) if len(moves) else (0.0, 0.0)


def _hangs(track: BodyTrack, phases: Phases, flying: Sequence[np.ndarray]) -> list[float]:
    """How long a body hangs still in the air between two flights, seconds."""
    floor = float(track.y[phases.used].max()) if phases.used.any() else 0.0
    hangs = []
    for before, part, after in zip(phases.parabolas, phases.parabolas[1:], phases.parabolas[2:], strict=False):
        number = phases.parabolas.index(part)
        in_air = float(np.median(track.y[part.first : part.last + 1])) < floor - 0.5 * track.diameter
        neighbours = all(any(points[0] <= other.last and points[-1] >= other.first for points in flying) for other in (before, after))
        if phases.resting[number] and in_air and neighbours and phases.joints[number - 1].kind == "settle":
            hangs.append(float(track.time_s[part.last] - track.time_s[part.first]))
    return hangs


def _pacing(track: BodyTrack, phases: Phases, regime: str, flying: Sequence[np.ndarray], exactness: Exactness) -> Pacing | None:
    shown_s = track.time_s.copy()
    for fault in phases.faults:
        if fault.kind in LENGTHENED:
            shown_s[fault.last :] -= fault.off_s
    if regime == "flight":
        courses = [
            PathStretch(shown_s[points], phases.time_s[points], np.stack([track.x[points], track.y[points]], axis=1)) for points in flying
        ]
        return flights_pacing(courses, exactness)
    used = np.flatnonzero(phases.used)
    moving = [
        used[(used >= part.first) & (used <= part.last)]
        for part, resting in zip(phases.parabolas, phases.resting, strict=True)
        if not resting
    ]
    points = np.concatenate(moving) if moving else used
    places = np.stack([track.x[points], track.y[points]], axis=1)
    if regime == "roll":
        return counted_pacing(PathStretch(shown_s[points], phases.time_s[points], places), exactness)
    if len(points) < 12:
        return None
    swing = laws.fit_swing(phases.time_s[points], track.x[points], track.y[points], sigma_px=exactness.sigma_px)
    arc = np.arctan2(track.x[points] - swing.pivot[0], track.y[points] - swing.pivot[1]) * swing.length_px
    return swing_pacing(PathStretch(shown_s[points], phases.time_s[points], arc[:, None]), exactness, omega=2.0 * np.pi / swing.period_s)
