"""A body in free motion where no event is declared: looked for among all that moves, and judged only where it is sure to be one.

Much that moves follows no law of free bodies: people, hands, cars, leaves. Some of it does so for a moment by chance. So a body counts only
where its path is a parabola, or a swing, to within the noise, over several diameters and most of its motion, and where gravity (or the
period) is known well. A body that rolls cannot be told from one that is pushed, pulled or driven and is not judged.
Set on eight filmed bodies (4 of 6 that fly or swing are answered, plausibility 0.94 to 1.00), on bodies of the simulator (5 of 6 falls,
bounces and throws) and on 24 clips of hands, sticks, speakers and dialogues, of which none is answered.
A body in free motion whose time is uneven may go unnoticed for the same reason: without a declared event, few faults are seen.
Where a person fills the picture nothing is looked for: the search would take longer than all other metrics of a talking clip together.
"""

from __future__ import annotations

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies, BodyTrack
from seedbench.metrics.analyses.contacts import BodyMotion, motion_of
from seedbench.metrics.analyses.faces import FaceTracks
from seedbench.metrics.physics import kinematics, laws
from seedbench.metrics.physics.axes import AXES, Axis
from seedbench.metrics.physics.body import JudgedBody
from seedbench.metrics.physics.distance import judge_at_its_distance
from seedbench.metrics.physics.judge import PhysicsVerdict, judge, why_not_judged
from seedbench.suites.prompt import Event

FEWEST_POINTS = 10
"""Pictures of a flight that is sure to be one."""
LEAST_SPAN = 3.0
"""Extent of a path that is sure to be one of free motion, in diameters."""
LEAST_SAG = 0.5
"""How far a parabola departs from its chord, in diameters: else it is a straight line."""
MOST_MISFIT = 0.02
"""Departure from the law beyond the noise, as a share of the extent."""
MOST_GRAVITY_SD = 0.05
"""Standard deviation of gravity as a share of it."""
MOST_SIDEWAYS = 0.25
"""Acceleration across as a share of gravity: a camera tilted by 14 degrees."""
SAME_GRAVITY = 0.15
"""Gravities of flights that differ by at most this share agree."""
LEAST_SHARE = 0.6
"""The flights are at least this share of the pictures in which the body moves."""
MOST_OF_PICTURE = 0.1
"""The body fills at most this share of the picture."""
LEAST_PERIODS = 2.0
MOST_UNSTEADY = 0.1
"""Share of pictures in which a body is missing, or has an unusual size."""
MOST_PERIOD_VARIATION = 0.06
MOST_TRACKS = 8
LARGE_FACE = 0.2
"""Height of a face, as a share of the picture's, from which a person fills it from the waist up (.26 to .51 in 13 talking clips)."""
LARGE_FACE_SHARE = 0.5
"""Share of the clip for which such a face is seen."""

NOTHING_SURE = "no event is declared, and nothing that moves is sure to be a body in free motion"
A_PERSON = "no event is declared, and a person fills the picture: no body in free motion is looked for"


def why_not_searched(faces: FaceTracks) -> str:
    """Why no body is looked for in a clip; empty where it is.

    Args:
        faces: The faces of the clip.
    """
    for track in faces.tracks:
        height = float(np.median(track.boxes[:, 3] - track.boxes[:, 1]))
        if height >= LARGE_FACE * faces.height and len(track.frames) >= LARGE_FACE_SHARE * faces.n_frames:
            return A_PERSON
    return ""


def free_body(seen: Bodies, moving: BodyMotion) -> tuple[BodyMotion, Event] | None:
    """The body in free motion that is surest to be one.

    Args:
        seen: All bodies of a shot.
        moving: Those in motion.

    Returns:
        Its motion alone, and the event that it shows; None where nothing is sure.
    """
    for track in moving.tracks[:MOST_TRACKS]:
        alone = motion_of([track])
        if not alone.tracks or not _is_compact(track, seen):
            continue
        flying = judge_at_its_distance(0, alone, seen, {"flight"})
        if _is_steady(flying) and _surely_flies(flying):
            return alone, Event(kind="free flight", motion="flight")
        if _is_steady(flying) and _surely_swings(track, alone):
            return alone, Event(kind="free swing", motion="swing")
    return None


def judge_undeclared(seen: Bodies, moving: BodyMotion) -> PhysicsVerdict:
    """Judge the body in free motion that is looked for; without an answer where nothing is sure to be one.

    Args:
        seen: All bodies of a shot.
        moving: Those in motion.
    """
    problem = why_not_judged(seen, moving)
    free = None if problem else free_body(seen, moving)
    if free is None:
        problem = problem or NOTHING_SURE
        return PhysicsVerdict({name: Axis(None, problem) for name in AXES}, problem=problem)
    alone, event = free
    return judge((event,), seen, alone)


def _is_compact(track: BodyTrack, seen: Bodies) -> bool:
    return float(np.median(track.area)) <= MOST_OF_PICTURE * seen.width * seen.height and float(np.mean(track.at_border)) < 0.5


def _is_steady(body: JudgedBody) -> bool:
    return max(body.raw["missing"], body.raw["odd_size"]) <= MOST_UNSTEADY and body.raw["leaps"] == 0


def _surely_flies(body: JudgedBody) -> bool:
    """One flight over several diameters, or two whose gravities agree, and most of the motion flights of that gravity."""
    diameter = body.track.diameter
    flights = [flight for flight in body.flights if _is_parabola(flight)]
    clear = [flight for flight in flights if flight.n >= FEWEST_POINTS and _sag(flight) >= LEAST_SAG * diameter]
    if not clear:
        return False
    gravity = max(clear, key=lambda flight: flight.extent_px).gravity
    agree = [flight for flight in flights if abs(flight.gravity / gravity - 1.0) <= SAME_GRAVITY]
    agreeing = [flight for flight in clear if abs(flight.gravity / gravity - 1.0) <= SAME_GRAVITY]
    spans = max(flight.extent_px for flight in clear) >= LEAST_SPAN * diameter
    steps = np.hypot(np.diff(body.track.x), np.diff(body.track.y))
    moves = int((steps > max(1.0, 3.0 * body.sigma)).sum())
    return (spans or len(agreeing) > 1) and sum(flight.n for flight in agree) >= LEAST_SHARE * moves


def _is_parabola(flight: kinematics.FlightFit) -> bool:
    """Whether a flight follows a parabola whose gravity is known well and points down."""
    return (
        flight.misfit <= MOST_MISFIT
        and flight.gravity_sd <= MOST_GRAVITY_SD * flight.gravity
        and abs(flight.sideways) <= MOST_SIDEWAYS * flight.gravity
    )


def _sag(flight: kinematics.FlightFit) -> float:
    """How far a parabola departs from its chord, pixels."""
    return flight.gravity * (flight.end_s - flight.start_s) ** 2 / 8.0


def _surely_swings(track: BodyTrack, alone: BodyMotion) -> bool:
    phases = alone.phases[0]
    used = phases.used
    if used.sum() < 2 * FEWEST_POINTS or track.travel_px < LEAST_SPAN * track.diameter:
        return False
    time_s = phases.time_s[used]
    swing = laws.fit_swing(time_s, track.x[used], track.y[used], sigma_px=track.sigma_px)
    return (
        float(np.ptp(time_s)) >= LEAST_PERIODS * swing.period_s
        and swing.misfit <= MOST_MISFIT
        and swing.half_period_variation is not None
        and swing.half_period_variation <= MOST_PERIOD_VARIATION
        and swing.pivot[1] < float(track.y[used].mean())
        and swing.length_px > track.diameter
    )
