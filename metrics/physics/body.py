"""One body compared with the law of its kind of motion: axes 0..1 for the law, gravity, energy, permanence and contacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies, BodyTrack
from seedbench.metrics.analyses.contacts import BodyMotion, SeenContact
from seedbench.metrics.analyses.distance_change import NO_CHANGE, SizeChange
from seedbench.metrics.analyses.parabolas import Parabola
from seedbench.metrics.analyses.phases import Phases
from seedbench.metrics.physics import kinematics, laws
from seedbench.metrics.physics.axes import MOTION_LAW_AXES, Axis
from seedbench.metrics.physics.timing import timing_of
from seedbench.ties import first_least

Regime = Literal["flight", "roll", "swing"]

LEAST_SIGMA_PX = 0.3
"""Least noise of a coordinate; verified against known paths (docs/metrics/physics.md)."""
MOST_SIGMA_PX = 0.8
"""Most noise allowed for: a body that moves irregularly by more than a tracker's error does so itself."""
PERSPECTIVE = 0.1
"""A body whose diameter changes by more than this share is not at one distance from the camera: its pixels do not measure
metres, and the floor below it is seen at another height when the camera looks down."""
OUTLINE_PX = 2.0
"""By so much the measured diameter of a steady body may change, by light, motion blur and compression: one pixel on either side."""
SAME_MISFIT = 1e-6
"""Misfits that differ by less are equal."""
SETTLED_POINTS = 3
ROLLING_SAG = 0.1
"""A path that departs from a straight line by less than this share of the diameter (or 2 pixels) is that of a rolling body."""
ODD_SIZE = np.log(1.8)
"""A picture in which a body's area is off by more than this factor shows another size."""


@dataclass
class JudgedBody:
    """One body: what was measured of it and the resulting axes.

    Attributes:
        index: The index of its track.
        regime: The kind of its motion.
        track: Its track.
        sigma: Noise of a coordinate, pixels.
        flights: Its flights.
        axes: Its axes by name.
        raw: The numbers behind the axes, ready for JSON.
        restitutions: The coefficient of restitution of each bounce.
        swing: The fitted swing; None for a body that does not swing.
        release_s: When its first fall begins, in seconds; None where that is not seen.
        fallen_px: The height of that fall in pixels.
        size: How its size changes.
    """

    index: int
    regime: Regime
    track: BodyTrack
    sigma: float
    flights: list[kinematics.FlightFit]
    axes: dict[str, Axis]
    raw: dict[str, Any]
    restitutions: list[float]
    swing: laws.SwingFit | None = None
    release_s: float | None = None
    fallen_px: float | None = None
    size: SizeChange = NO_CHANGE


def judge_body(index: int, moving: BodyMotion, seen: Bodies, allowed: set[Regime], size: SizeChange, *, approaches: bool) -> JudgedBody:
    """Judge one body.

    Args:
        index: The index of the body in ``moving``.
        moving: The bodies in motion.
        seen: All bodies and what they were measured on.
        allowed: The kinds of motion that the prompt declares.
        size: How the size of the body changes.
        approaches: Whether it does so because the body comes nearer or goes away, and the path in ``moving`` is freed of that.

    Returns:
        The measurements and the axes.
    """
    track, phases, contacts = moving.tracks[index], moving.phases[index], moving.of(index)
    sigma = float(np.clip(track.sigma_px, LEAST_SIGMA_PX, MOST_SIGMA_PX))
    used = phases.used
    t, x, y = phases.time_s[used], track.x[used], track.y[used]
    flights = flights_of(track, phases, contacts, sigma)
    regime = regime_of(allowed, t, x, y, flights, sigma)
    body = JudgedBody(index, regime, track, sigma, flights, {}, {}, [], size=size)
    _judge_permanence(body, seen, moving, approaches=approaches)
    flying = flying_points(track, phases, contacts)
    timing = timing_of(track, phases, regime, flying, seen, sigma_px=sigma)
    body.axes |= timing.axes
    body.raw |= timing.raw
    if regime == "swing":
        _judge_swing(body, t, x, y, contacts)
    elif regime == "roll":
        _judge_roll(body, phases, contacts)
    else:
        _judge_flight(body, contacts, phases)
    return body


def flights_of(track: BodyTrack, phases: Phases, contacts: Sequence[SeenContact], sigma: float) -> list[kinematics.FlightFit]:
    """The flights of a track that are long enough to measure gravity."""
    return [
        kinematics.fit_flight(phases.time_s[points], track.x[points], track.y[points], sigma_px=sigma)
        for points in flying_points(track, phases, contacts)
    ]


def flying_points(track: BodyTrack, phases: Phases, contacts: Sequence[SeenContact]) -> list[np.ndarray]:
    """The points of each phase of a track in the air that is long enough to measure gravity.

    Not in the air is a body that hardly moves, that is carried until it is released, or that is on the floor: level with the lowest
    contact or rest and hardly moving up or down, rolling on after a contact, or in last bounces that are too short to be told apart and
    end in rest.
    """
    used = np.flatnonzero(phases.used)
    floor, lowest = floor_of(track, contacts), float(track.y[used].max())
    flying = []
    for number, (part, resting) in enumerate(zip(phases.parabolas, phases.resting, strict=True)):
        points = used[(used >= part.first) & (used <= part.last)]
        carried = number == 0 and bool(phases.joints) and phases.joints[0].kind == "release"
        if resting or carried or len(points) < kinematics.FEWEST_FLIGHT_POINTS:
            continue
        x, y = track.x[points], track.y[points]
        little = max(3.0, 0.3 * track.diameter)
        still = float(np.hypot(np.ptp(x), np.ptp(y))) < little
        on_floor = np.ptp(y) < little and float(y.max()) > floor - 0.35 * track.diameter
        landed = any(contact.kind == "floor" and contact.time_s <= track.time_s[part.first] for contact in contacts)
        rolls = landed and rolls_on(part, float(np.ptp(phases.time_s[points])), x, y, track.diameter)
        if not (still or on_floor or rolls or settles(y, lowest, track.diameter)):
            flying.append(points)
    return flying


def rolls_on(part: Parabola, lasts_s: float, x: np.ndarray, y: np.ndarray, diameter: float) -> bool:
    """Whether a body that touched the floor before rolls: its path is straight and no steeper than a floor that is seen from above.

    Args:
        part: The parabola of its path.
        lasts_s: How long it lasts, seconds.
        x: (n,) its places, pixels.
        y: (n,) the same.
        diameter: Of the body, pixels.
    """
    sag = abs(float(part.half_acceleration[1])) * (0.5 * lasts_s) ** 2
    return sag < max(2.0, ROLLING_SAG * diameter) and abs(float(y[-1] - y[0])) < 0.35 * abs(float(x[-1] - x[0])) + 0.5 * diameter


def settles(y: np.ndarray, floor: float, diameter: float) -> bool:
    """Whether a body comes to rest on the floor: it rises by less than its size, and stays on the floor in the last three pictures.

    Args:
        y: Heights (n,) of a phase, pixels downward.
        floor: The lowest place of its path.
        diameter: Of the body, pixels.

    >>> settles(np.array([99.0, 90, 95, 99, 97, 100, 100, 100]), 100.0, 20.0), settles(np.array([90.0, 91, 92, 94]), 100.0, 20.0)
    (True, False)
    """
    return bool(np.ptp(y) < diameter and np.abs(y[-SETTLED_POINTS:] - floor).max() < max(2.0, 0.15 * diameter))


def floor_of(track: BodyTrack, contacts: Sequence[SeenContact]) -> float:
    """Height (y of the body's centre) of the floor: the median of its floor contacts, or the lowest point of its path."""
    levels = [contact.y for contact in contacts if contact.kind == "floor"]
    return float(np.median(levels)) if levels else float(track.y[track.reliable].max() if track.reliable.any() else track.y.max())


def regime_of(
    allowed: set[Regime], t: np.ndarray, x: np.ndarray, y: np.ndarray, flights: Sequence[kinematics.FlightFit], sigma: float
) -> Regime:
    """The kind of motion, among those allowed, that fits a path best; flight before swing before roll where they fit equally well."""
    if len(allowed) == 1:
        return next(iter(allowed))
    misfit: dict[Regime, float] = {}
    if "flight" in allowed:
        misfit["flight"] = float(np.mean([flight.misfit for flight in flights])) if flights else 1.0
    if "swing" in allowed:
        misfit["swing"] = laws.fit_swing(t, x, y, sigma_px=sigma).misfit
    if "roll" in allowed:
        misfit["roll"] = laws.fit_roll(t, x, y, sigma_px=sigma).misfit
    return list(misfit)[first_least(list(misfit.values()), tolerance=SAME_MISFIT)]


def _law_score(misfit: float) -> float:
    """Score of a misfit: 1 up to 1% of the path, 0 from 5% on. A fall with smooth start and end has a misfit of 3.8%."""
    return kinematics.graded(misfit, good=0.01, bad=0.05)


def gain_score(gain: float, sd: float) -> tuple[float, float]:
    """How plausible a gain of energy is: gains beyond two standard deviations count, and a fifth of the energy costs everything.

    Args:
        gain: Relative gain of energy.
        sd: Its standard deviation.

    Returns:
        The violation, at least 0, and its score 0..1.
    """
    violation = max(0.0, gain - 2.0 * sd)
    return violation, kinematics.graded(violation, good=0.02, bad=0.2)


def _judge_flight(body: JudgedBody, contacts: Sequence[SeenContact], phases: Phases) -> None:
    flights, track = body.flights, body.track
    if not flights:
        body.axes |= {
            name: Axis(None, f"no flight of {kinematics.FEWEST_FLIGHT_POINTS} pictures is seen")
            for name in ("motion_law", "gravity_consistency")
        }
    else:
        weight = [flight.n for flight in flights]
        body.axes["motion_law"] = Axis(float(np.average([_law_score(flight.misfit) for flight in flights], weights=weight)))
        known = [flight for flight in flights if flight.identified]
        body.axes["gravity_consistency"] = (
            Axis(kinematics.gravity_consistency(known)) if known else Axis(None, "the noise is too large to measure gravity")
        )
        body.release_s, body.fallen_px = _first_fall(track, contacts, phases)
    floors = [contact for contact in contacts if contact.kind == "floor"]
    gains = [
        kinematics.energy_gain(contact.before, contact.after, speed_sd=contact.change_sd)
        for contact in floors
        if np.hypot(*contact.before) > 4.0 * contact.change_sd
    ]
    body.axes["energy"] = Axis(min(gain_score(gain, sd)[1] for gain, sd in gains)) if gains else Axis(None, "no contact is seen")
    body.restitutions = [float(np.sqrt(max(0.0, 1.0 + gain))) for gain, sd in gains]
    body.raw |= {
        "flights": [{"start_s": flight.start_s, "end_s": flight.end_s, "n": flight.n, "gravity_px_s2": flight.gravity,
                     "gravity_sd": flight.gravity_sd, "sideways_px_s2": flight.sideways, "misfit": flight.misfit} for flight in flights],
        "energy_gains": [[gain, sd] for gain, sd in gains],
    }  # fmt: skip
    _contact_axis(body, contacts, phases, floors)


def _first_fall(track: BodyTrack, contacts: Sequence[SeenContact], phases: Phases) -> tuple[float | None, float | None]:
    """When the body's first fall begins and how far it fell to the floor, pixels; None where either is not seen."""
    falls = [parabola for parabola, resting in zip(phases.parabolas, phases.resting, strict=True) if not resting]
    if not falls:
        return None, None
    first = falls[0].first
    landing = next((contact for contact in contacts if contact.kind == "floor" and contact.time_s >= track.time_s[first]), None)
    before = track.y[:first][track.reliable[:first]]
    top = float(np.median(before)) if len(before) else float(falls[0].at(float(phases.time_s[first]))[1])
    if track.at_border[first] or (landing is not None and landing.y - top < track.diameter):
        return None, None
    return float(track.time_s[first]), None if landing is None else landing.y - top


def _contact_axis(body: JudgedBody, contacts: Sequence[SeenContact], phases: Phases, floors: Sequence[SeenContact]) -> None:
    """Contacts on one level, nothing below the floor, no rest in mid-air after a fall, no kick without a cause."""
    track = body.track
    kicks = sum(contact.kind == "kick" for contact in contacts)
    kicks += max(0, sum(contact.kind == "start" for contact in contacts) - 1)
    if not floors and not kicks:
        body.axes["contact"] = Axis(None, "no contact is seen")
        return
    levels = [contact.y for contact in floors]
    used = phases.used
    rests = [part for part, resting in zip(phases.parabolas, phases.resting, strict=True) if resting]
    after_fall = [part for part in rests if floors and track.time_s[part.first] > floors[0].time_s]
    landed = [float(np.median(track.y[part.first : part.last + 1])) for part in after_fall]
    floor = floor_of(track, contacts)
    uneven = max((abs(level - floor) for level in [*levels, *landed]), default=0.0) / track.diameter
    below = max(0.0, float(track.y[used].max()) - floor) / track.diameter if levels else 0.0
    level = min(kinematics.graded(uneven, good=0.2, bad=1.0), kinematics.graded(below, good=0.25, bad=1.0))
    score = level if abs(body.size.share) <= PERSPECTIVE else 1.0
    body.axes["contact"] = Axis(score / (1 + kicks))
    body.raw |= {"levels_off_diameters": uneven, "below_floor_diameters": below, "kicks": kicks}


def _judge_roll(body: JudgedBody, phases: Phases, contacts: Sequence[SeenContact]) -> None:
    track = body.track
    used = np.flatnonzero(phases.used)
    fits: list[laws.RollFit] = []
    weights: list[int] = []
    for parabola, resting in zip(phases.parabolas, phases.resting, strict=True):
        points = used[(used >= parabola.first) & (used <= parabola.last)]
        if not resting and len(points) >= kinematics.FEWEST_FLIGHT_POINTS:
            fit = laws.fit_roll(phases.time_s[points], track.x[points], track.y[points], sigma_px=body.sigma)
            if fit.extent_px > 0.5 * track.diameter:
                fits.append(fit)
                weights.append(len(points))
    body.axes["gravity_consistency"] = Axis(None, "a rolling body does not show gravity")
    kicks = sum(contact.kind == "kick" for contact in contacts) + max(0, sum(contact.kind == "start" for contact in contacts) - 1)
    body.axes["contact"] = Axis(1.0 / (1 + kicks))
    if not fits:
        body.axes |= {
            name: Axis(None, f"no motion of {kinematics.FEWEST_FLIGHT_POINTS} pictures is seen") for name in ("motion_law", "energy")
        }
        return
    body.axes["motion_law"] = Axis(float(np.average([_law_score(fit.misfit) for fit in fits], weights=weights)))
    measured = [fit for fit in fits if fit.gain_sd < 0.5]
    # A body that is almost at rest after a collision may drift a little: only fast motion counts.
    fastest = max(abs(fit.speed_start) for fit in fits)
    scored = [_roll_gain_score(fit.gain, fit.gain_sd) for fit in measured if abs(fit.speed_start) > 0.2 * fastest]
    body.axes["energy"] = Axis(min(scored)) if scored else Axis(None, "the noise is too large to measure a change of speed")
    gains = [[fit.gain, fit.gain_sd] for fit in measured]
    body.raw |= {"misfits": [fit.misfit for fit in fits], "energy_gains": gains, "kicks": kicks}


def _roll_gain_score(gain: float, sd: float) -> float:
    """A rolling body on a slope too slight to see may gain a little: the score is 1 up to 10% of its energy, 0 from 60% on."""
    return kinematics.graded(max(0.0, gain - 2.0 * sd), good=0.1, bad=0.6)


def _judge_swing(body: JudgedBody, t: np.ndarray, x: np.ndarray, y: np.ndarray, contacts: Sequence[SeenContact]) -> None:
    if len(t) < 12:
        body.axes |= {name: Axis(None, "the swing is seen for too short a time") for name in MOTION_LAW_AXES if name != "permanence"}
        return
    fit = laws.fit_swing(t, x, y, sigma_px=body.sigma)
    body.swing = fit
    body.axes["motion_law"] = Axis(_law_score(fit.misfit))
    steady = (
        Axis(None, "fewer than three half swings are seen")
        if fit.half_period_variation is None
        else Axis(kinematics.graded(fit.half_period_variation, good=0.05, bad=0.3))
    )
    body.axes["gravity_consistency"] = steady
    full_swing = float(t[-1] - t[0]) >= fit.period_s
    score = kinematics.graded(max(0.0, fit.gain), good=0.03, bad=0.25)
    body.axes["energy"] = Axis(score) if full_swing else Axis(None, "less than one full swing is seen")
    kicks = sum(contact.kind in ("kick", "floor") for contact in contacts)
    body.axes["contact"] = Axis(1.0 / (1 + kicks))
    body.raw |= {"period_s": fit.period_s, "length_px": fit.length_px, "amplitude_rad": fit.amplitude_rad, "misfit": fit.misfit,
                 "energy_gain_per_period": fit.gain, "half_period_cv": fit.half_period_variation, "kicks": kicks}  # fmt: skip


def _judge_permanence(body: JudgedBody, seen: Bodies, moving: BodyMotion, *, approaches: bool) -> None:
    track = body.track
    total = len(seen.time_s)
    leaves = bool(track.at_border[-3:].any()) or _is_leaving(track, seen)
    last = int(track.frame[-1]) if leaves else total - 1
    expected = last - int(track.frame[0]) + 1
    outside = sum(
        int(later - earlier) - 1
        for earlier, later, cut in zip(track.frame, track.frame[1:], track.at_border[:-1] & track.at_border[1:], strict=False)
        if cut and later - earlier > 1
    )
    missing = max(0.0, 1.0 - (len(track.frame) + outside) / expected) if expected > 0 else 0.0
    complete = track.area[track.area_known]
    typical = float(np.median(complete)) if len(complete) else 1.0
    odd = float(np.mean(np.abs(np.log(complete / typical)) > ODD_SIZE)) if len(complete) else 0.0
    leaps = sum(contact.kind == "leap" for contact in moving.of(body.index))
    grown = 0.0 if approaches else max(0.0, abs(body.size.share) - OUTLINE_PX / track.diameter)
    body.axes["permanence"] = Axis(kinematics.permanence_score(missing=missing, odd_size=odd, leaps=leaps, grown=grown))
    body.raw |= {"missing": missing, "odd_size": odd, "leaps": leaps, "growth": body.size.share, "approaches": approaches,
                 "appears_s": float(track.time_s[0])}  # fmt: skip


def _is_leaving(track: BodyTrack, seen: Bodies) -> bool:
    """Whether the track, continued along its last steps, leaves the picture within three pictures."""
    if len(track.x) < 3:
        return False
    last = np.array([track.x[-1], track.y[-1]])
    step = (last - np.array([track.x[-3], track.y[-3]])) / 2.0
    soon = last + 3.0 * step
    edge = track.diameter / 2.0
    return not (edge < soon[0] < seen.width - edge and edge < soon[1] < seen.height - edge)
