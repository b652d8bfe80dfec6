"""From tracks and contacts to axes: what each body's motion, by the kind of event the prompt asks for, says of gravity, energy and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from metrics.analyses.bodies import Bodies, BodyTrack
from metrics.analyses.contacts import Contact, Motion
from metrics.analyses.phases import Phases
from metrics.physics import kinematics, laws
from seedbench.prompt import Event

Regime = Literal["flight", "roll", "swing"]

REGIMES: dict[str, Regime] = {
    "drop": "flight",
    "throw": "flight",
    "bounce": "flight",
    "roll": "roll",
    "collide": "roll",
    "pendulum": "swing",
}
"""Which law the body of each kind of event follows; other kinds have no body in motion."""
BODIES = {"collide": 2}
"""Bodies of a kind of event that has more than one."""
AXES = ("motion_law", "gravity_consistency", "gravity_size", "energy", "permanence", "contact")
DYNAMIC = ("motion_law", "energy")
"""Without one of these no plausibility: to exist steadily is not yet to move plausibly."""
LEAST_SIGMA_PX = 0.3
"""Noise of a coordinate at least; verified against known paths (docs/metrics/physics.md)."""
MOST_SIGMA_PX = 0.8
"""Noise forgiven at most: a body that trembles more than any tracker's error trembles."""
MOST_CAMERA_PX = 1.0
PERSPECTIVE = 0.1
"""A body whose diameter changes by more than this share comes nearer or goes away: its pixels are no metres."""
ODD_SIZE = np.log(1.8)
"""A picture in which a body's area is off by more than this factor shows another size."""


@dataclass(frozen=True)
class Axis:
    """One axis: its value 0..1, or None and the reason."""

    value: float | None
    reason: str = ""


@dataclass
class Verdict:
    """What was found. ``trouble`` says why nothing can be said; ``raw`` the numbers behind the axes, JSON-ready."""

    axes: dict[str, Axis]
    gravity_m_s2: float | None = None
    gravity_interval: tuple[float, float] | None = None
    restitution: float | None = None
    raw: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""
    bodies: list[int] = field(default_factory=list)
    regimes: list[Regime] = field(default_factory=list)
    asked: int = 0

    @property
    def gravity_error(self) -> float | None:
        """How far gravity is from the Earth's, as a share of it."""
        return None if self.gravity_m_s2 is None else abs(self.gravity_m_s2 / kinematics.STANDARD_GRAVITY - 1.0)

    @property
    def plausibility(self) -> Axis:
        """Mean of the axes that have a value, if the motion itself is among them."""
        values = [axis.value for axis in self.axes.values() if axis.value is not None]
        if all(self.axes[name].value is None for name in DYNAMIC):
            return Axis(None, self.axes["motion_law"].reason)
        return Axis(float(np.mean(values)))


def judge(events: Sequence[Event], seen: Bodies, moving: Motion) -> Verdict:
    """The verdict on the bodies of a shot, asked for by events of which at least one has a body."""
    asked = [event for event in events if event.kind in REGIMES]
    count = sum(BODIES.get(event.kind, 1) for event in asked)
    trouble = _trouble(seen, moving)
    if trouble:
        return Verdict({name: Axis(None, trouble) for name in AXES}, trouble=trouble, asked=count)
    chosen = [index for index, track in enumerate(moving.tracks)][:count]
    allowed = {REGIMES[event.kind] for event in asked}
    found = [_one_body(index, moving, seen, allowed) for index in chosen]
    verdict = Verdict({}, bodies=chosen, regimes=[one.regime for one in found], asked=count)
    _pool(verdict, found)
    _gravity_size(verdict, found, asked)
    if any(event.kind == "collide" for event in asked):
        _collision(verdict, moving, chosen)
    if not verdict.axes["contact"].reason and verdict.axes["contact"].value is None:
        verdict.axes["contact"] = Axis(None, "no contact is seen")
    verdict.axes = {name: verdict.axes[name] for name in AXES}
    return verdict


def _trouble(seen: Bodies, moving: Motion) -> str:
    """Why a clip cannot be judged at all; empty if it can."""
    if seen.trouble:
        return seen.trouble
    if len(seen.change) and float(seen.change.max()) < 0.05:
        return "the picture is frozen"
    if seen.camera_moving and seen.camera_residual_px > MOST_CAMERA_PX:
        return f"the camera's motion leaves {seen.camera_residual_px:.1f} px a picture unexplained"
    if not moving.tracks:
        return "nothing moves that could be followed"
    if moving.tracks[0].travel_px < moving.tracks[0].diameter:
        return "nothing moves by as much as its own size"
    return ""


@dataclass
class _Body:
    index: int
    regime: Regime
    track: BodyTrack
    sigma: float
    flights: list[kinematics.Flight]
    axes: dict[str, Axis]
    raw: dict[str, Any]
    restitutions: list[float]
    swing: laws.Swing | None = None
    release: tuple[float, float] | None = None
    fallen_px: float | None = None
    grown: float = 0.0


def _one_body(index: int, moving: Motion, seen: Bodies, allowed: set[Regime]) -> _Body:
    track, phases, contacts = moving.tracks[index], moving.phases[index], moving.of(index)
    sigma = float(np.clip(track.sigma_px, LEAST_SIGMA_PX, MOST_SIGMA_PX))
    used = phases.used
    t, x, y = track.time_s[used], track.x[used], track.y[used]
    flights, spans = flights_of(track, phases, contacts, sigma)
    regime = _regime(allowed, t, x, y, flights, sigma)
    body = _Body(index, regime, track, sigma, flights, {}, {}, [])
    body.grown = kinematics.growth(
        t, np.sqrt(track.area[used & ~track.cut]) if (used & ~track.cut).sum() == used.sum() else np.sqrt(track.area[used])
    )
    _permanence(body, seen, moving)
    if abs(body.grown) > PERSPECTIVE:
        reason = f"the body's size changes by {abs(body.grown):.0%}: it comes nearer or goes away, or it grows"
        body.axes |= {name: Axis(None, reason) for name in AXES if name != "permanence"}
        return body
    if regime == "swing":
        _swing(body, t, x, y, contacts)
    elif regime == "roll":
        _roll(body, phases, contacts)
    else:
        _flight(body, contacts, phases, spans)
    return body


def flights_of(
    track: BodyTrack, phases: Phases, contacts: Sequence[Contact], sigma: float
) -> tuple[list[kinematics.Flight], list[tuple[int, int]]]:
    """The phases of a track in the air that are long enough, and their first and last points.

    A phase on the floor (level with the lowest contact or rest, hardly moving up or down) is no flight.
    """
    used = np.flatnonzero(phases.used)
    floor = floor_of(track, contacts)
    flights, spans = [], []
    for parabola, resting in zip(phases.parabolas, phases.resting, strict=True):
        points = used[(used >= parabola.first) & (used <= parabola.last)]
        if resting or len(points) < kinematics.FEWEST_POINTS:
            continue
        y = track.y[points]
        on_floor = np.ptp(y) < max(3.0, 0.3 * track.diameter) and float(y.max()) > floor - 0.35 * track.diameter
        if not on_floor:
            flights.append(kinematics.flight(track.time_s[points], track.x[points], y, sigma_px=sigma))
            spans.append((parabola.first, parabola.last))
    return flights, spans


def floor_of(track: BodyTrack, contacts: Sequence[Contact]) -> float:
    """Height (y of the body's centre) of the floor: the median of its floor contacts, or the lowest point of its path."""
    levels = [contact.y for contact in contacts if contact.kind == "floor"]
    return float(np.median(levels)) if levels else float(track.y[track.sure].max() if track.sure.any() else track.y.max())


def _regime(
    allowed: set[Regime], t: np.ndarray, x: np.ndarray, y: np.ndarray, flights: Sequence[kinematics.Flight], sigma: float
) -> Regime:
    """Which of the regimes asked for a path fits best."""
    if len(allowed) == 1:
        return next(iter(allowed))
    misfit: dict[Regime, float] = {}
    if "flight" in allowed:
        misfit["flight"] = float(np.mean([one.misfit for one in flights])) if flights else 1.0
    if "swing" in allowed:
        misfit["swing"] = laws.swing(t, x, y, sigma_px=sigma).misfit
    if "roll" in allowed:
        misfit["roll"] = laws.roll(t, x, y, sigma_px=sigma).misfit
    return min(misfit, key=lambda name: misfit[name])


def _law(misfit: float) -> float:
    """Score of a misfit: whole up to 1% of the path, none from 5% on. A fall eased in and out misfits by 3.8%."""
    return kinematics.graded(misfit, good=0.01, bad=0.05)


def _gain(gain: float, sd: float) -> tuple[float, float]:
    """Violation (gain beyond two standard deviations) and its score: none from a fifth of the energy on."""
    violation = max(0.0, gain - 2.0 * sd)
    return violation, kinematics.graded(violation, good=0.02, bad=0.2)


def _flight(body: _Body, contacts: Sequence[Contact], phases: Phases, spans: Sequence[tuple[int, int]]) -> None:
    flights, track = body.flights, body.track
    if not flights:
        body.axes |= {
            name: Axis(None, f"no flight of {kinematics.FEWEST_POINTS} pictures is seen") for name in ("motion_law", "gravity_consistency")
        }
    else:
        weight = [one.n for one in flights]
        body.axes["motion_law"] = Axis(float(np.average([_law(one.misfit) for one in flights], weights=weight)))
        known = [one for one in flights if one.identified]
        body.axes["gravity_consistency"] = Axis(kinematics.consistency(known)) if known else Axis(None, "the noise hides gravity")
        body.release, body.fallen_px = _first_fall(track, contacts, phases, flights, spans)
    floors = [contact for contact in contacts if contact.kind == "floor"]
    gains = [
        kinematics.energy_gain(one.before, one.after, speed_sd=one.change_sd)
        for one in floors
        if np.hypot(*one.before) > 4.0 * one.change_sd
    ]
    body.axes["energy"] = Axis(min(_gain(*one)[1] for one in gains)) if gains else Axis(None, "no contact is seen")
    body.restitutions = [float(np.sqrt(max(0.0, 1.0 + gain))) for gain, sd in gains]
    body.raw |= {
        "flights": [{"start_s": one.start_s, "end_s": one.end_s, "n": one.n, "gravity_px_s2": one.gravity, "gravity_sd": one.gravity_sd,
                     "sideways_px_s2": one.sideways, "misfit": one.misfit} for one in flights],
        "energy_gains": [[gain, sd] for gain, sd in gains],
    }  # fmt: skip
    _contact_axis(body, contacts, phases, floors)


def _first_fall(
    track: BodyTrack, contacts: Sequence[Contact], phases: Phases, flights: Sequence[kinematics.Flight], spans: Sequence[tuple[int, int]]
) -> tuple[tuple[float, float] | None, float | None]:
    """Release (time, gravity) of the body's first fall and how far it fell to the floor, pixels; None where either is not seen."""
    first, last = spans[0]
    landing = next((one for one in contacts if one.kind == "floor" and one.time_s >= track.time_s[last] - 1e-6), None)
    rose = phases.parabolas[[p.first for p in phases.parabolas].index(first)]
    begins = track.y[:first][track.sure[:first]]
    top = float(np.median(begins)) if len(begins) else float(rose.at(float(track.time_s[first]))[1])
    if track.cut[first] or (landing is not None and landing.y - top < track.diameter):
        return None, None
    return (float(track.time_s[first]), flights[0].gravity), None if landing is None else landing.y - top


def _contact_axis(body: _Body, contacts: Sequence[Contact], phases: Phases, floors: Sequence[Contact]) -> None:
    """Contacts on one level, nothing below the floor, no rest in mid-air after a fall, no kick out of nowhere."""
    track = body.track
    kicks = sum(contact.kind == "kick" for contact in contacts)
    kicks += max(0, sum(contact.kind == "start" for contact in contacts) - 1)
    if not floors and not kicks:
        body.axes["contact"] = Axis(None, "no contact is seen")
        return
    levels = [contact.y for contact in floors]
    used = phases.used
    ends = [float(np.median(track.y[p.first : p.last + 1])) for p, rest in zip(phases.parabolas, phases.resting, strict=True) if rest]
    landed = [level for p, level in zip((p for p, rest in zip(phases.parabolas, phases.resting, strict=True) if rest), ends, strict=True)
              if floors and track.time_s[p.first] > floors[0].time_s]  # fmt: skip
    floor = floor_of(track, contacts)
    uneven = max((abs(level - floor) for level in [*levels, *landed]), default=0.0) / track.diameter
    below = max(0.0, float(track.y[used].max()) - floor) / track.diameter if levels else 0.0
    score = min(kinematics.graded(uneven, good=0.2, bad=1.0), kinematics.graded(below, good=0.25, bad=1.0))
    body.axes["contact"] = Axis(score / (1 + kicks))
    body.raw |= {"levels_off_diameters": uneven, "below_floor_diameters": below, "kicks": kicks}


def _roll(body: _Body, phases: Phases, contacts: Sequence[Contact]) -> None:
    track = body.track
    used = np.flatnonzero(phases.used)
    found = []
    for parabola, resting in zip(phases.parabolas, phases.resting, strict=True):
        points = used[(used >= parabola.first) & (used <= parabola.last)]
        if not resting and len(points) >= kinematics.FEWEST_POINTS:
            one = laws.roll(track.time_s[points], track.x[points], track.y[points], sigma_px=body.sigma)
            if one.extent_px > 0.5 * track.diameter:
                found.append((one, len(points)))
    body.axes["gravity_consistency"] = Axis(None, "a rolling body does not show gravity")
    kicks = sum(contact.kind == "kick" for contact in contacts) + max(0, sum(contact.kind == "start" for contact in contacts) - 1)
    body.axes["contact"] = Axis(1.0 / (1 + kicks))
    if not found:
        body.axes |= {name: Axis(None, f"no motion of {kinematics.FEWEST_POINTS} pictures is seen") for name in ("motion_law", "energy")}
        return
    body.axes["motion_law"] = Axis(float(np.average([_law(one.misfit) for one, _ in found], weights=[n for _, n in found])))
    gains = [(one.gain, one.gain_sd) for one, _ in found if one.gain_sd < 0.5]
    # A slow remainder after a collision may drift by a little more than nothing: only what carries energy counts.
    fastest = max(abs(one.speed_start) for one, _ in found)
    scored = [_roll_gain(gain, sd) for (gain, sd), (one, _) in zip(gains, [f for f in found if f[0].gain_sd < 0.5], strict=True)
              if abs(one.speed_start) > 0.2 * fastest]  # fmt: skip
    body.axes["energy"] = Axis(min(scored)) if scored else Axis(None, "the noise hides whether it speeds up")
    body.raw |= {"misfits": [one.misfit for one, _ in found], "energy_gains": [list(one) for one in gains], "kicks": kicks}


def _roll_gain(gain: float, sd: float) -> float:
    """A rolling body on a slope too slight to see may gain a little: whole up to 10% of its energy, none from 60% on."""
    return kinematics.graded(max(0.0, gain - 2.0 * sd), good=0.1, bad=0.6)


def _swing(body: _Body, t: np.ndarray, x: np.ndarray, y: np.ndarray, contacts: Sequence[Contact]) -> None:
    if len(t) < 12:
        body.axes |= {name: Axis(None, "the swing is seen too shortly") for name in AXES if name != "permanence"}
        return
    found = laws.swing(t, x, y, sigma_px=body.sigma)
    body.swing = found
    body.axes["motion_law"] = Axis(_law(found.misfit))
    steady = (
        Axis(None, "fewer than three half swings are seen")
        if found.uneven is None
        else Axis(kinematics.graded(found.uneven, good=0.05, bad=0.3))
    )
    body.axes["gravity_consistency"] = steady
    whole = float(t[-1] - t[0]) >= found.period_s
    score = kinematics.graded(max(0.0, found.gain), good=0.03, bad=0.25)
    body.axes["energy"] = Axis(score) if whole else Axis(None, "less than one full swing is seen")
    kicks = sum(contact.kind in ("kick", "floor") for contact in contacts)
    body.axes["contact"] = Axis(1.0 / (1 + kicks))
    body.raw |= {"period_s": found.period_s, "length_px": found.length_px, "amplitude_rad": found.amplitude_rad,
                 "misfit": found.misfit, "energy_gain_per_period": found.gain, "half_period_cv": found.uneven, "kicks": kicks}  # fmt: skip


def _permanence(body: _Body, seen: Bodies, moving: Motion) -> None:
    track = body.track
    total = len(seen.time_s)
    leaves = bool(track.cut[-3:].any()) or _heads_out(track, seen)
    last = int(track.frame[-1]) if leaves else total - 1
    expected = last - int(track.frame[0]) + 1
    missing = 1.0 - len(track.frame) / expected if expected > 0 else 0.0
    whole = track.area[~track.cut]
    usual = float(np.median(whole)) if len(whole) else 1.0
    odd = float(np.mean(np.abs(np.log(whole / usual)) > ODD_SIZE)) if len(whole) else 0.0
    leaps = sum(contact.kind == "leap" for contact in moving.of(body.index))
    body.axes["permanence"] = Axis(kinematics.permanence(missing=missing, odd_size=odd, leaps=leaps, grown=body.grown))
    body.raw |= {"missing": missing, "odd_size": odd, "leaps": leaps, "growth": body.grown, "appears_s": float(track.time_s[0])}


def _heads_out(track: BodyTrack, seen: Bodies) -> bool:
    """Whether the track's last steps lead out of the picture within a few pictures."""
    if len(track.x) < 3:
        return False
    there = np.array([track.x[-1], track.y[-1]])
    step = (there - np.array([track.x[-3], track.y[-3]])) / 2.0
    soon = there + 3.0 * step
    edge = track.diameter / 2.0
    return not (edge < soon[0] < seen.width - edge and edge < soon[1] < seen.height - edge)


def _pool(verdict: Verdict, found: Sequence[_Body]) -> None:
    """Axes of several bodies: the mean of those that have a value. Bodies asked for and not seen count as not permanent."""
    for name in AXES:
        if name == "gravity_size":
            continue
        axes = [body.axes.get(name, Axis(None, "")) for body in found]
        values = [axis.value for axis in axes if axis.value is not None]
        reason = next((axis.reason for axis in axes if axis.reason), "")
        verdict.axes[name] = Axis(float(np.mean(values))) if values else Axis(None, reason)
    bounces = [value for body in found for value in body.restitutions]
    verdict.restitution = float(np.median(bounces)) if bounces else None
    spread = float(np.std(bounces, ddof=1) / np.mean(bounces)) if len(bounces) > 1 and np.mean(bounces) > 0 else None
    verdict.raw = {
        "bodies": [{"regime": body.regime, "diameter_px": body.track.diameter, "travel_px": body.track.travel_px, "sigma_px": body.sigma,
                    **body.raw} for body in found],
        "restitutions": bounces,
        "restitution_cv": spread,
        "bodies_asked": verdict.asked,
        "bodies_followed": len(found),
    }  # fmt: skip


def _gravity_size(verdict: Verdict, found: Sequence[_Body], events: Sequence[Event]) -> None:
    """Gravity in m/s^2 where the prompt declares a length: the height of a fall, or a pendulum's string."""
    measured: list[tuple[float, float]] = []
    reason = "the prompt declares no height that is seen to be fallen"
    for regime in ("flight", "swing"):
        asked = sorted((event for event in events if REGIMES[event.kind] == regime), key=lambda event: event.start_s)
        mine = [body for body in found if body.regime == regime and abs(body.grown) <= PERSPECTIVE]
        mine.sort(key=lambda body: body.release[0] if body.release else float(body.track.time_s[0]))
        heights = {event.height_m for event in asked}
        if len(asked) != len(mine) and len(heights) != 1:
            continue
        pairs = zip(asked, mine, strict=True) if len(asked) == len(mine) else ((asked[0], body) for body in mine)
        for event, body in pairs:
            if event.height_m <= 0:
                continue
            if body.swing is not None:
                value = laws.pendulum_gravity(length_m=event.height_m, period_s=body.swing.period_s, amplitude_rad=body.swing.amplitude_rad)
                measured.append((value, 0.01 * value))
            elif body.release is not None and body.fallen_px is not None:
                scale = dict(fallen_px=body.fallen_px, height_m=event.height_m)
                first = body.flights[0]
                sd = float(np.hypot(first.gravity_sd, 1.5 * body.sigma / body.fallen_px * first.gravity))
                measured.append((kinematics.metres(first.gravity, **scale), kinematics.metres(sd, **scale)))
    if not measured:
        verdict.axes["gravity_size"] = Axis(None, reason)
        return
    mean = float(np.mean([value for value, _ in measured]))
    sd = float(np.sqrt(np.sum([sd**2 for _, sd in measured]))) / len(measured)
    verdict.gravity_m_s2 = mean
    verdict.gravity_interval = (mean - 1.96 * sd, mean + 1.96 * sd)
    # A generator meets a height asked for in words only roughly: off by 15% is whole, off by half is nothing.
    errors = [abs(value / kinematics.STANDARD_GRAVITY - 1.0) for value, _ in measured]
    verdict.axes["gravity_size"] = Axis(float(np.mean([kinematics.graded(error, good=0.15, bad=0.5) for error in errors])))
    verdict.raw["gravity_m_s2"] = [value for value, _ in measured]


def _collision(verdict: Verdict, moving: Motion, chosen: Sequence[int]) -> None:
    """Two bodies that meet: their velocities change oppositely, at a touch, and they part no faster than they met. No masses needed."""
    met = [contact for contact in moving.contacts if contact.kind == "body" and contact.body in chosen and contact.other in chosen]
    if len(chosen) < 2 or not met:
        reason = "only one moving body is seen" if len(chosen) < 2 else "the bodies are not seen to meet"
        verdict.axes["contact"] = Axis(None, reason)
        return
    first = met[0]
    second = min(
        (contact for contact in moving.of(first.other) if contact.other == first.body),
        key=lambda contact: abs(contact.time_s - first.time_s),
        default=None,
    )
    if second is None:
        return
    directions = kinematics.opposed(first.after - first.before, second.after - second.before)
    sizes = 0.5 * (moving.tracks[first.body].diameter + moving.tracks[second.body].diameter)
    apart = float(np.hypot(first.x - second.x, first.y - second.y)) / sizes - 1.0
    others = verdict.axes["contact"].value
    touch = kinematics.graded(abs(apart), good=0.35, bad=1.2)
    verdict.axes["contact"] = Axis(directions * touch * (1.0 if others is None else others))
    verdict.raw |= {"opposed": directions, "apart_diameters": apart}
    parted = laws.separation((first.before, first.after), (second.before, second.after))
    if parted is not None:
        verdict.restitution = parted
        violation, score = _gain(parted**2 - 1.0, 0.02)
        own = verdict.axes["energy"].value
        verdict.axes["energy"] = Axis(score if own is None else min(score, own))
        verdict.raw |= {"separation": parted, "separation_gain": violation}
