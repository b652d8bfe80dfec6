"""The evidence of the physics metric: tracks over a picture with contacts marked, and height over time with the fitted laws."""

from __future__ import annotations

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies
from seedbench.metrics.analyses.contacts import BodyMotion, SeenContact
from seedbench.metrics.physics.judge import PhysicsVerdict
from seedbench.plugins.evidence import Curve, Facts, Mark, Overlay, Panel, Path2D, Series, jpeg

_WORDS = {"floor": "floor", "body": "bodies meet", "start": "set in motion", "kick": "kick in mid-air", "leap": "leap"}


def panels(picture: np.ndarray, seen: Bodies, verdict: PhysicsVerdict) -> tuple[Panel, ...]:
    """Panels for the drill-down.

    Args:
        picture: (H, W, 3) uint8, the first of the shot.
        seen: All bodies.
        verdict: The results.

    Returns:
        The panels; none where no body was judged.
    """
    moving = verdict.moving
    if moving is None:
        return ()
    contacts = [contact for contact in moving.contacts if contact.body in verdict.bodies]
    return (_overlay(picture, seen, moving, verdict, contacts), *_curves(moving, verdict, contacts), _facts(verdict))


def _overlay(picture: np.ndarray, seen: Bodies, moving: BodyMotion, verdict: PhysicsVerdict, contacts: list[SeenContact]) -> Overlay:
    paths = []
    for index in verdict.bodies:
        track = moving.tracks[index]
        points = zip(track.time_s, track.x / seen.width, track.y / seen.height, strict=True)
        paths.append(Path2D(f"body {index + 1}", [(round(float(t), 3), round(float(x), 4), round(float(y), 4)) for t, x, y in points]))
    marks = [
        (
            round(contact.time_s, 3),
            round(contact.x / seen.width, 4),
            round(contact.y / seen.height, 4),
            f"{_WORDS[contact.kind]} {contact.time_s:.2f} s",
        )
        for contact in contacts
    ]
    return Overlay("Followed bodies and their contacts", jpeg(picture, side=480), paths, marks)


def _curves(moving: BodyMotion, verdict: PhysicsVerdict, contacts: list[SeenContact]) -> list[Curve]:
    curves = []
    for index, regime in zip(verdict.bodies, verdict.regimes, strict=True):
        track, phases = moving.tracks[index], moving.phases[index]
        across = regime != "flight"
        values = track.x if across else float(track.y.max()) - track.y
        measured = Series("measured", _rounded(track.time_s), list(_rounded(values, 2)))
        fitted: list[float | None] = []
        used = phases.used
        for point in range(len(track.time_s)):
            part = next((part for part in phases.parabolas if part.first <= point <= part.last), None)
            if part is None or not used[point]:
                fitted.append(None)
                continue
            position = part.at(float(phases.time_s[point]))
            fitted.append(round(float(position[0] if across else float(track.y.max()) - position[1]), 2))
        series = [measured]
        if regime != "swing":
            series.append(Series("parabolas", _rounded(track.time_s), fitted))
        else:
            series += _swing(verdict, index, used, track.time_s)
        marks = [Mark(round(contact.time_s, 3), _WORDS[contact.kind]) for contact in contacts if contact.body == index]
        axis = "Horizontal position" if across else "Height"
        curves.append(Curve(f"{axis} of body {index + 1}", "time (s)", "pixels at 256 lines", series, marks))
    return curves


def _swing(verdict: PhysicsVerdict, index: int, used: np.ndarray, time_s: np.ndarray) -> list[Series]:
    fitted = verdict.swings.get(index)
    return [] if fitted is None else [Series("pendulum", _rounded(time_s[used]), list(_rounded(fitted, 2)))]


def _facts(verdict: PhysicsVerdict) -> Facts:
    rows = [(name.replace("_", " "), f"{axis.value:.2f}" if axis.value is not None else axis.reason) for name, axis in verdict.axes.items()]
    if verdict.gravity_m_s2 is not None:
        rows.append(("gravity", f"{verdict.gravity_m_s2:.2f} m/s²"))
    if verdict.restitution is not None:
        rows.append(("restitution", f"{verdict.restitution:.2f}"))
    rows.append(("bodies", f"{len(verdict.bodies)} followed of {verdict.asked} asked for"))
    return Facts("Axes", rows)


def _rounded(values: np.ndarray, digits: int = 3) -> list[float]:
    return [round(float(value), digits) for value in values]
