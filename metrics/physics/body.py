"""One body against the law of its kind of motion: axes 0..1 for the law, gravity, energy, permanence and contacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies, BodyTrack
from seedbench.metrics.analyses.contacts import BodyMotion, SeenContact
from seedbench.metrics.analyses.phases import Phases
from seedbench.metrics.physics import kinematics, laws
from seedbench.ties import first_least

Regime = Literal["flight", "roll", "swing"]

AXES = ("motion_law", "gravity_consistency", "gravity_size", "energy", "permanence", "contact")
LEAST_SIGMA_PX = 0.3
"""Noise of a coordinate at least; verified against known paths (docs/metrics/physics.md)."""
MOST_SIGMA_PX = 0.8
"""Noise forgiven at most: a body that trembles more than any tracker's error trembles."""
PERSPECTIVE = 0.1
"""A body whose diameter changes by more than this share comes nearer or goes away: its pixels are no metres."""
SAME_MISFIT = 1e-6
"""Misfits that differ by less are equal."""
ODD_SIZE = np.log(1.8)
"""A picture in which a body's area is off by more than this factor shows another size."""


@dataclass(frozen=True)
class Axis:
    """One axis: its value 0..1, or None and the reason."""

    value: float | None
    reason: str = ""


@dataclass
class JudgedBody:
    """One body: what was measured of it and the axes that follow. ``release`` (time, gravity in px/s^2) and ``fallen_px`` of its first
    fall."""

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


def judge_body(index: int, moving: BodyMotion, seen: Bodies, allowed: set[Regime]) -> JudgedBody:
    """What one body of ``moving`` shows; ``allowed``: the regimes the prompt asks for."""
    track, phases, contacts = moving.tracks[index], moving.phases[index], moving.of(index)
    sigma = float(np.clip(track.sigma_px, LEAST_SIGMA_PX, MOST_SIGMA_PX))
    used = phases.used
    t, x, y = track.time_s[used], track.x[used], track.y[used]
    flights, spans = flights_of(track, phases, contacts, sigma)
    regime = regime_of(allowed, t, x, y, flights, sigma)
    body = JudgedBody(index, regime, track, sigma, flights, {}, {}, [])
    body.grown = kinematics.growth(
        t, np.sqrt(track.area[used & ~track.at_border]) if (used & ~track.at_border).sum() == used.sum() else np.sqrt(track.area[used])
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
    track: BodyTrack, phases: Phases, contacts: Sequence[SeenContact], sigma: float
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


def floor_of(track: BodyTrack, contacts: Sequence[SeenContact]) -> float:
    """Height (y of the body's centre) of the floor: the median of its floor contacts, or the lowest point of its path."""
    levels = [contact.y for contact in contacts if contact.kind == "floor"]
    return float(np.median(levels)) if levels else float(track.y[track.reliable].max() if track.reliable.any() else track.y.max())


def regime_of(
    allowed: set[Regime], t: np.ndarray, x: np.ndarray, y: np.ndarray, flights: Sequence[kinematics.Flight], sigma: float
) -> Regime:
    """Which of the regimes asked for a path fits best; flight before swing before roll where they fit as well."""
    if len(allowed) == 1:
        return next(iter(allowed))
    misfit: dict[Regime, float] = {}
    if "flight" in allowed:
        misfit["flight"] = float(np.mean([one.misfit for one in flights])) if flights else 1.0
    if "swing" in allowed:
        misfit["swing"] = laws.swing(t, x, y, sigma_px=sigma).misfit
    if "roll" in allowed:
        misfit["roll"] = laws.roll(t, x, y, sigma_px=sigma).misfit
    return list(misfit)[first_least(list(misfit.values()), tolerance=SAME_MISFIT)]


def _law(misfit: float) -> float:
    """Score of a misfit: whole up to 1% of the path, none from 5% on. A fall eased in and out misfits by 3.8%."""
    return kinematics.graded(misfit, good=0.01, bad=0.05)


def gain_score(gain: float, sd: float) -> tuple[float, float]:
    """Violation (gain beyond two standard deviations) and its score: none from a fifth of the energy on."""
    violation = max(0.0, gain - 2.0 * sd)
    return violation, kinematics.graded(violation, good=0.02, bad=0.2)


def _flight(body: JudgedBody, contacts: Sequence[SeenContact], phases: Phases, spans: Sequence[tuple[int, int]]) -> None:
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
    body.axes["energy"] = Axis(min(gain_score(*one)[1] for one in gains)) if gains else Axis(None, "no contact is seen")
    body.restitutions = [float(np.sqrt(max(0.0, 1.0 + gain))) for gain, sd in gains]
    body.raw |= {
        "flights": [{"start_s": one.start_s, "end_s": one.end_s, "n": one.n, "gravity_px_s2": one.gravity, "gravity_sd": one.gravity_sd,
                     "sideways_px_s2": one.sideways, "misfit": one.misfit} for one in flights],
        "energy_gains": [[gain, sd] for gain, sd in gains],
    }  # fmt: skip
    _contact_axis(body, contacts, phases, floors)


def _first_fall(
    track: BodyTrack,
    contacts: Sequence[SeenContact],
    phases: Phases,
    flights: Sequence[kinematics.Flight],
    spans: Sequence[tuple[int, int]],
) -> tuple[tuple[float, float] | None, float | None]:
    """Release (time, gravity) of the body's first fall and how far it fell to the floor, pixels; None where either is not seen."""
    first, last = spans[0]
    landing = next((one for one in contacts if one.kind == "floor" and one.time_s >= track.time_s[last] - 1e-6), None)
    rose = phases.parabolas[[p.first for p in phases.parabolas].index(first)]
    begins = track.y[:first][track.reliable[:first]]
    top = float(np.median(begins)) if len(begins) else float(rose.at(float(track.time_s[first]))[1])
    if track.at_border[first] or (landing is not None and landing.y - top < track.diameter):
        return None, None
    return (float(track.time_s[first]), flights[0].gravity), None if landing is None else landing.y - top


def _contact_axis(body: JudgedBody, contacts: Sequence[SeenContact], phases: Phases, floors: Sequence[SeenContact]) -> None:
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


def _roll(body: JudgedBody, phases: Phases, contacts: Sequence[SeenContact]) -> None:
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


def _swing(body: JudgedBody, t: np.ndarray, x: np.ndarray, y: np.ndarray, contacts: Sequence[SeenContact]) -> None:
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


def _permanence(body: JudgedBody, seen: Bodies, moving: BodyMotion) -> None:
    track = body.track
    total = len(seen.time_s)
    leaves = bool(track.at_border[-3:].any()) or _heads_out(track, seen)
    last = int(track.frame[-1]) if leaves else total - 1
    expected = last - int(track.frame[0]) + 1
    outside = sum(
        int(later - earlier) - 1
        for earlier, later, cut in zip(track.frame, track.frame[1:], track.at_border[:-1] & track.at_border[1:], strict=False)
        if cut and later - earlier > 1
    )
    missing = max(0.0, 1.0 - (len(track.frame) + outside) / expected) if expected > 0 else 0.0
    whole = track.area[~track.at_border]
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
