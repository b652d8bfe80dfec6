"""A body whose size changes: judged as it is seen, and as a body that comes nearer to the camera or goes away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies, BodyTrack
from seedbench.metrics.analyses.contacts import BodyMotion, motion_of
from seedbench.metrics.analyses.distance_change import SizeChange, at_one_distance, size_change
from seedbench.metrics.analyses.phases import Phases
from seedbench.metrics.physics import kinematics
from seedbench.metrics.physics.axes import AXES, Axis
from seedbench.metrics.physics.body import JudgedBody, Regime, judge_body

MOST_GROWTH = 0.35
"""A body whose diameter changes by more than this share, and not as that of one that comes nearer or goes away, cannot be judged: what is
followed is not always the whole body, or not the body alone. Filmed throws and rolls (n = 4) change by 8 to 24%, bodies of the simulator
by up to 5%."""
LEAST_CHANGE = 0.03
"""A smaller change of the diameter moves a path by less than the tracker's error: it is not looked into."""
AS_WELL = 0.02
"""Means of axes that differ by at most this say the same: then a change of size is taken for one of distance, which is no fault."""
OF_THE_PATH = ("motion_law", "gravity_consistency", "energy", "contact")
"""The axes that depend on whether the change of distance is taken out of the path."""


def judge_at_its_distance(index: int, moving: BodyMotion, seen: Bodies, allowed: set[Regime]) -> JudgedBody:
    """Judge one body, with the change of its distance from the camera taken out unless its path then fits its law less well.

    A change of size alone does not show that the distance changes: light, motion blur and shadow change outlines as well. Of four filmed
    throws and rolls whose size changes by 8 to 24%, two fit better with the change taken out and two as they are seen. A pendulum and
    bodies that meet are judged as they are seen.

    Args:
        index: The index of the body in ``moving``.
        moving: The bodies in motion.
        seen: All bodies and what they were measured on.
        allowed: The kinds of motion that the prompt declares.

    Returns:
        The measurements and the axes.
    """
    size = measured_size(moving.tracks[index], moving.phases[index])
    as_seen = judge_body(index, moving, seen, allowed, size, approaches=False)
    freed = _freed_of_distance(as_seen, moving, seen, allowed)
    if freed is not None and _fits_as_well(freed, as_seen):
        return freed
    if abs(size.share) > MOST_GROWTH:
        reason = f"the body's size changes by {abs(size.share):.0%}, and not as that of a body that comes nearer or goes away"
        as_seen.axes |= {name: Axis(None, reason) for name in AXES if name != "permanence"}
    return as_seen


def _freed_of_distance(as_seen: JudgedBody, moving: BodyMotion, seen: Bodies, allowed: set[Regime]) -> JudgedBody | None:
    """The body judged with the change of its distance taken out; None where there is no such change, or another law holds."""
    size = as_seen.size
    meets = any(contact.kind == "body" for contact in moving.of(as_seen.index))
    if not size.significant or abs(size.share) < LEAST_CHANGE or as_seen.regime == "swing" or meets:
        return None
    freed = motion_of([track_at_one_distance(as_seen.track, size, (seen.width / 2.0, seen.height / 2.0))])
    if not freed.tracks:
        return None
    body = judge_body(0, freed, seen, allowed, size, approaches=True)
    body.index = as_seen.index
    return body


def _fits_as_well(freed: JudgedBody, as_seen: JudgedBody) -> bool:
    """Whether the mean of the axes of the path that both have is as high with the change of distance taken out."""
    pairs = [(freed.axes[name].value, as_seen.axes[name].value) for name in OF_THE_PATH if name in freed.axes and name in as_seen.axes]
    gains = [after - before for after, before in pairs if after is not None and before is not None]
    return bool(gains) and float(np.mean(gains)) >= -AS_WELL


def measured_size(track: BodyTrack, phases: Phases) -> SizeChange:
    """How a body's size changes over its path: of the whole body where it moves, for at rest it merges with its shadow.

    Args:
        track: The body.
        phases: Its path.
    """
    whole = phases.used & track.area_known
    moves = whole.copy()
    for parabola, resting in zip(phases.parabolas, phases.resting, strict=True):
        if resting:
            moves[parabola.first : parabola.last + 1] = False
    chosen = next((pictures for pictures in (moves, whole) if pictures.sum() >= kinematics.FEWEST_FLIGHT_POINTS), phases.used)
    return size_change(track.time_s, np.sqrt(track.area), chosen)


def track_at_one_distance(track: BodyTrack, size: SizeChange, centre: tuple[float, float]) -> BodyTrack:
    """The track of a body as it would be seen if the body stayed at the distance that it has in the middle of its path.

    Args:
        track: The body.
        size: How its size changes.
        centre: (x, y) of the picture's centre, pixels.
    """
    x, y = at_one_distance(track.x, track.y, size.relative, centre)
    return replace(track, x=x, y=y, area=track.area / size.relative**2)
