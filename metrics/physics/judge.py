"""From tracks and contacts to axes: the motion of each body, judged by the kind of event that the prompt declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies
from seedbench.metrics.analyses.contacts import BodyMotion
from seedbench.metrics.physics import kinematics, laws
from seedbench.metrics.physics.axes import AXES, TIME_AXES, Axis
from seedbench.metrics.physics.body import PERSPECTIVE, JudgedBody, Regime, gain_score
from seedbench.metrics.physics.choice import chosen_bodies
from seedbench.metrics.physics.distance import judge_at_its_distance
from seedbench.suites.prompt import Event

REGIMES: dict[str, Regime] = {"flight": "flight", "roll": "roll", "collision": "roll", "swing": "swing"}
"""The law that a body follows, by the ``motion`` of its event; events of other motions have no body."""
BODIES_OF_EVENT = {"collision": 2}
"""Number of bodies of the motions that have more than one."""
MOTION_AXES = ("motion_law", "energy")
"""Without one of these there is no plausibility: a body that only exists steadily has not moved plausibly."""
MOST_CAMERA_PX = 1.0
"""Most motion of the background, in pixels per picture, that the camera's motion may leave unexplained."""


@dataclass
class PhysicsVerdict:
    """The results for one clip.

    Attributes:
        axes: The axes by name.
        gravity_m_s2: Measured gravity in m/s^2; None where there is no scale.
        gravity_interval: Its interval.
        restitution: The coefficient of restitution.
        raw: The numbers behind the axes, ready for JSON.
        problem: Why the clip cannot be judged; empty if it can.
        moving: The motion that the bodies are part of; None where nothing is judged.
        bodies: The bodies judged, as indices of its tracks.
        regimes: The kind of motion of each.
        asked: How many bodies the prompt declares.
        swings: The fitted x of each pendulum at the used points of its track.
    """

    axes: dict[str, Axis]
    gravity_m_s2: float | None = None
    gravity_interval: tuple[float, float] | None = None
    restitution: float | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    problem: str = ""
    moving: BodyMotion | None = None
    bodies: list[int] = field(default_factory=list)
    regimes: list[Regime] = field(default_factory=list)
    asked: int = 0
    swings: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def gravity_error(self) -> float | None:
        """How far gravity is from the Earth's, as a share of it."""
        return None if self.gravity_m_s2 is None else abs(self.gravity_m_s2 / kinematics.STANDARD_GRAVITY - 1.0)

    @property
    def plausibility(self) -> Axis:
        """Mean of the axes of the motion that have a value, if the law itself is among them, times what the pace leaves of it.

        Nothing about a motion can be right whose time is not: a pace of 0 (the least of the time axes) halves the mean.
        """
        if all(self.axes[name].value is None for name in MOTION_AXES):
            return Axis(None, self.axes["motion_law"].reason)
        values = {name: axis.value for name, axis in self.axes.items() if axis.value is not None}
        pace = min((values[name] for name in TIME_AXES if name in values), default=1.0)
        return Axis(float(np.mean([value for name, value in values.items() if name not in TIME_AXES])) * (1.0 + pace) / 2.0)


def judge(events: Sequence[Event], seen: Bodies, moving: BodyMotion) -> PhysicsVerdict:
    """Judge the bodies of a shot.

    Args:
        events: The events that the prompt declares; at least one has a body in motion.
        seen: The bodies seen in the shot.
        moving: Those in motion, with phases and contacts.
    """
    with_body = [event for event in events if event.motion in REGIMES]
    count = sum(BODIES_OF_EVENT.get(event.motion, 1) for event in with_body)
    problem = why_not_judged(seen, moving)
    if problem:
        return PhysicsVerdict({name: Axis(None, problem) for name in AXES}, problem=problem, asked=count)
    allowed = {REGIMES[event.motion] for event in with_body}
    moving, chosen = chosen_bodies(seen, moving, allowed, count)
    bodies = [judge_at_its_distance(index, moving, seen, allowed) for index in chosen]
    verdict = PhysicsVerdict({}, moving=moving, bodies=chosen, regimes=[body.regime for body in bodies], asked=count)
    verdict.swings = {body.index: body.swing.x_fit for body in bodies if body.swing is not None}
    _pool_axes(verdict, bodies)
    _judge_gravity_size(verdict, bodies, with_body)
    if any(event.motion == "collision" for event in with_body):
        _judge_collision(verdict, moving, chosen)
    if not verdict.axes["contact"].reason and verdict.axes["contact"].value is None:
        verdict.axes["contact"] = Axis(None, "no contact is seen")
    verdict.axes = {name: verdict.axes[name] for name in AXES}
    return verdict


def why_not_judged(seen: Bodies, moving: BodyMotion) -> str:
    """Why a clip cannot be judged at all; empty if it can."""
    if seen.problem:
        return seen.problem
    frozen_s = kinematics.frozen_from_s(seen.changing, seen.time_s)
    if frozen_s is not None:
        return f"the picture is frozen from {frozen_s:.1f} s on"
    if len(seen.changing) and float(np.median(seen.changing)) == 0.0 and not moving.tracks:
        return "the picture is frozen"
    if seen.camera_moving and seen.camera_residual_px > MOST_CAMERA_PX:
        return f"the background moves by {seen.camera_residual_px:.1f} px per picture that the camera's motion does not explain"
    if not moving.tracks:
        return "no moving body could be followed"
    if moving.tracks[0].travel_px < moving.tracks[0].diameter:
        return "no body moves by as much as its own size"
    return ""


def _pool_axes(verdict: PhysicsVerdict, bodies: Sequence[JudgedBody]) -> None:
    """Axes of several bodies: the mean of those that have a value."""
    for name in AXES:
        if name == "gravity_size":
            continue
        axes = [body.axes.get(name, Axis(None, "")) for body in bodies]
        values = [axis.value for axis in axes if axis.value is not None]
        reason = next((axis.reason for axis in axes if axis.reason), "")
        verdict.axes[name] = Axis(float(np.mean(values))) if values else Axis(None, reason)
    bounces = [value for body in bodies for value in body.restitutions]
    verdict.restitution = float(np.median(bounces)) if bounces else None
    spread = float(np.std(bounces, ddof=1) / np.mean(bounces)) if len(bounces) > 1 and np.mean(bounces) > 0 else None
    verdict.raw = {
        "bodies": [{"regime": body.regime, "diameter_px": body.track.diameter, "travel_px": body.track.travel_px, "sigma_px": body.sigma,
                    **body.raw} for body in bodies],
        "restitutions": bounces,
        "restitution_cv": spread,
        "bodies_asked": verdict.asked,
        "bodies_followed": len(bodies),
    }  # fmt: skip


def _judge_gravity_size(verdict: PhysicsVerdict, bodies: Sequence[JudgedBody], events: Sequence[Event]) -> None:
    """Gravity in m/s^2 where the prompt declares a length: the height of a fall, or a pendulum's string."""
    measured: list[tuple[float, float]] = []
    with_length = any(event.height_m is not None and event.height_m > 0 for event in events)
    reason = (
        "no fall from rest to the floor is seen" if with_length else "the prompt gives no height (height_m), so there is no scale in metres"
    )
    for regime in ("flight", "swing"):
        declared = sorted((event for event in events if REGIMES[event.motion] == regime), key=lambda event: event.start_s)
        fitting = [body for body in bodies if body.regime == regime and abs(body.size.share) <= PERSPECTIVE]
        fitting.sort(key=lambda body: float(body.track.time_s[0]) if body.release_s is None else body.release_s)
        heights = {event.height_m for event in declared}
        same_count = len(declared) == len(fitting)
        if not same_count and len(heights) != 1:
            continue
        pairs = zip(declared, fitting, strict=True) if same_count else ((declared[0], body) for body in fitting)
        for event, body in pairs:
            if event.height_m is None or event.height_m <= 0:
                continue
            if body.swing is not None:
                value = laws.pendulum_gravity(length_m=event.height_m, period_s=body.swing.period_s, amplitude_rad=body.swing.amplitude_rad)
                measured.append((value, 0.01 * value))
            elif body.release_s is not None and body.fallen_px is not None:
                scale = dict(fallen_px=body.fallen_px, height_m=event.height_m)
                gravity, gravity_sd = kinematics.best_gravity(body.flights)
                sd = float(np.hypot(gravity_sd, 1.5 * body.sigma / body.fallen_px * gravity))
                measured.append((kinematics.gravity_in_metres(gravity, **scale), kinematics.gravity_in_metres(sd, **scale)))
    if not measured:
        verdict.axes["gravity_size"] = Axis(None, reason)
        return
    mean = float(np.mean([value for value, _ in measured]))
    sd = float(np.sqrt(np.sum([sd**2 for _, sd in measured]))) / len(measured)
    verdict.gravity_m_s2 = mean
    verdict.gravity_interval = (mean - 1.96 * sd, mean + 1.96 * sd)
    # A generator keeps a height given in words only roughly: an error of 15% costs nothing, one of half everything.
    errors = [abs(value / kinematics.STANDARD_GRAVITY - 1.0) for value, _ in measured]
    verdict.axes["gravity_size"] = Axis(float(np.mean([kinematics.graded(error, good=0.15, bad=0.5) for error in errors])))
    verdict.raw["gravity_m_s2"] = [value for value, _ in measured]


def _judge_collision(verdict: PhysicsVerdict, moving: BodyMotion, chosen: Sequence[int]) -> None:
    """Two bodies that meet: their velocities change in opposite directions, when they touch, and they separate no faster than they met."""
    met = [contact for contact in moving.contacts if contact.kind == "body" and contact.body in chosen and contact.other in chosen]
    if len(chosen) < 2 or not met:
        reason = "only one moving body is seen" if len(chosen) < 2 else "the bodies are not seen to meet"
        untouched = any(
            contact.kind in ("start", "kick", "leap") for contact in moving.contacts if contact.body in chosen and contact.time_s > 0.1
        )
        verdict.axes["contact"] = Axis(0.0 if untouched else None, reason)  # set in motion, or stopped, without a cause
        return
    first = met[0]
    second = min(
        (contact for contact in moving.of(first.other) if contact.other == first.body),
        key=lambda contact: abs(contact.time_s - first.time_s),
        default=None,
    )
    if second is None:
        return
    opposition = kinematics.opposition(first.after - first.before, second.after - second.before)
    sizes = 0.5 * (moving.tracks[first.body].diameter + moving.tracks[second.body].diameter)
    apart = float(np.hypot(first.x - second.x, first.y - second.y)) / sizes - 1.0
    others = verdict.axes["contact"].value
    touch = kinematics.graded(abs(apart), good=0.35, bad=1.2)
    verdict.axes["contact"] = Axis(opposition * touch * (1.0 if others is None else others))
    verdict.raw |= {"opposed": opposition, "apart_diameters": apart}
    ratio = laws.separation_ratio((first.before, first.after), (second.before, second.after))
    if ratio is not None:
        verdict.restitution = ratio
        violation, score = gain_score(ratio**2 - 1.0, 0.02)
        own = verdict.axes["energy"].value
        verdict.axes["energy"] = Axis(score if own is None else min(score, own))
        verdict.raw |= {"separation": ratio, "separation_gain": violation}
