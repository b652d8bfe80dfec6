"""How bodies move: exact paths of falling, thrown, bouncing, rolling, colliding and swinging bodies, with the times they touch.

Metres and seconds; x to the right, y up, the floor at y = 0. Positions are of the body's centre. A path is a chain of pieces of constant
acceleration (or a pendulum's arc), so that any moment can be asked for and contacts are exact to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

GRAVITY = 9.81
#: A rebound slower than this (m/s) is over: 4 mm high, 60 ms long.
SETTLED = 0.3
#: How fast a body that rolls after bouncing slows down, m/s^2.
ROLL_DRAG = 0.35
SWING_RAD = math.radians(28)

Material = Literal["rubber", "wood", "steel", "glass", "basketball", "cardboard"]


@dataclass(frozen=True)
class Solid:
    """A kind of body: what it is made of, half its width in metres, and whether it is a box. Larger than life, to be seen at 256 lines."""

    material: Material
    radius_m: float
    box: bool = False


SOLIDS: dict[str, Solid] = {
    "rubber ball": Solid("rubber", 0.10),
    "wooden ball": Solid("wood", 0.10),
    "steel ball": Solid("steel", 0.09),
    "glass marble": Solid("glass", 0.08),
    "basketball": Solid("basketball", 0.125),
    "box": Solid("cardboard", 0.16, box=True),
    "none": Solid("rubber", 0.10),
}


@dataclass(frozen=True)
class BodyContact:
    """A touch: when, with what, where the surfaces meet, and how fast they came together (m/s)."""

    time_s: float
    kind: Literal["floor", "body"]
    x_m: float
    y_m: float
    speed_m_s: float


@dataclass(frozen=True)
class PathPiece:
    """From ``start_s`` on: position, velocity and acceleration, each (x, y), at that moment."""

    start_s: float
    position: tuple[float, float]
    velocity: tuple[float, float] = (0.0, 0.0)
    acceleration: tuple[float, float] = (0.0, 0.0)

    def at(self, time_s: np.ndarray) -> np.ndarray:
        """Positions (N, 2) at times (N,)."""
        since = (time_s - self.start_s)[:, None]
        return np.asarray(self.position) + np.asarray(self.velocity) * since + 0.5 * np.asarray(self.acceleration) * since**2


@dataclass(frozen=True)
class PendulumPath:
    """A pendulum let go at rest at ``start_s``: exact for any angle. ``gain`` multiplies its energy once a period (1: none lost or won)."""

    start_s: float
    pivot: tuple[float, float]
    length_m: float
    angle_rad: float = SWING_RAD
    gravity: float = GRAVITY
    gain: float = 1.0

    @property
    def period_s(self) -> float:
        """Time of a full swing.

        >>> round(PendulumPath(0.0, (0.0, 1.5), 1.0, angle_rad=0.01).period_s, 3)
        2.006
        """
        from scipy.special import ellipk

        return float(4 * ellipk(math.sin(self.angle_rad / 2) ** 2) * math.sqrt(self.length_m / self.gravity))

    def angles(self, time_s: np.ndarray) -> np.ndarray:
        """Angles (N,) from the vertical at times (N,), positive to the right."""
        from scipy.special import ellipj

        since = np.maximum(np.asarray(time_s, float) - self.start_s, 0.0)
        k = math.sin(self.angle_rad / 2)
        _, cn, dn, _ = ellipj(since * math.sqrt(self.gravity / self.length_m), k * k)
        angle = -2 * np.arcsin(k * cn / dn)
        return angle * self.gain ** (since / (2 * self.period_s))

    def at(self, time_s: np.ndarray) -> np.ndarray:
        """Positions (N, 2) of the bob at times (N,)."""
        angle = self.angles(time_s)
        return np.stack([self.pivot[0] + self.length_m * np.sin(angle), self.pivot[1] - self.length_m * np.cos(angle)], axis=1)


@dataclass(frozen=True)
class BodyPath:
    """One body's way. ``pieces`` in order of time (the first also holds before its start); ``jump`` is (time, metres to the right)."""

    pieces: tuple[PathPiece, ...] = ()
    swing: PendulumPath | None = None
    contacts: tuple[BodyContact, ...] = ()
    jump: tuple[float, float] | None = None

    def at(self, time_s: Sequence[float] | np.ndarray) -> np.ndarray:
        """Positions (N, 2) in metres at times (N,).

        >>> BodyPath((PathPiece(0.0, (0.0, 1.0), (2.0, 0.0), (0.0, -9.81)),)).at([0.0, 0.1]).round(5).tolist()
        [[0.0, 1.0], [0.2, 0.95095]]
        """
        times = np.asarray(time_s, float)
        if self.swing is not None:
            places = self.swing.at(times)
        else:
            places = np.empty((len(times), 2))
            piece = np.searchsorted([piece.start_s for piece in self.pieces[1:]], times, side="right")
            for index in np.unique(piece):
                places[piece == index] = self.pieces[index].at(times[piece == index])
        if self.jump is not None:
            places[times >= self.jump[0], 0] += self.jump[1]
        return places

    def jumped(self, time_s: float, by_m: float) -> BodyPath:
        """The same path, moved sideways from ``time_s`` on."""
        moved = tuple(replace(item, x_m=item.x_m + by_m) if item.time_s >= time_s else item for item in self.contacts)
        return replace(self, contacts=moved, jump=(time_s, by_m))


def fall(
    *,
    start_s: float,
    x_m: float,
    height_m: float,
    radius_m: float,
    restitution: float,
    until_s: float,
    speed_m_s: float = 0.0,
    gravity: float = GRAVITY,
    box: bool = False,
) -> BodyPath:
    """A body held with its underside ``height_m`` over the floor, let go (or thrown level at ``speed_m_s``) at ``start_s``.

    It bounces, each rebound ``restitution`` times as fast as it came, then rolls out (a box: stays).

    >>> path = fall(start_s=0.0, x_m=0.0, height_m=1.0, radius_m=0.1, restitution=0.5, until_s=2.0)
    >>> [round(contact.time_s, 3) for contact in path.contacts]
    [0.452, 0.903, 1.129, 1.242]
    """
    pieces = [PathPiece(0.0, (x_m, height_m + radius_m))]
    contacts: list[BodyContact] = []
    time_s, x, rise_m_s, height = start_s, x_m, 0.0, height_m
    while height > 0 or rise_m_s > 0:
        pieces.append(PathPiece(time_s, (x, height + radius_m), (speed_m_s, rise_m_s), (0.0, -gravity)))
        impact = math.sqrt(rise_m_s**2 + 2 * gravity * height)
        flight_s = (rise_m_s + impact) / gravity
        time_s, x, height = time_s + flight_s, x + speed_m_s * flight_s, 0.0
        if time_s > until_s:
            return BodyPath(tuple(pieces), contacts=tuple(contacts))
        contacts.append(BodyContact(time_s, "floor", x, 0.0, impact))
        rise_m_s = restitution * impact
        if rise_m_s < SETTLED:
            rise_m_s = 0.0
    drag = 20 * ROLL_DRAG if box else ROLL_DRAG
    stop_s = abs(speed_m_s) / drag
    pieces.append(PathPiece(time_s, (x, radius_m), (speed_m_s, 0.0), (-math.copysign(drag, speed_m_s) if speed_m_s else 0.0, 0.0)))
    pieces.append(PathPiece(time_s + stop_s, (x + 0.5 * speed_m_s * stop_s, radius_m)))
    return BodyPath(tuple(pieces), contacts=tuple(contacts))


def roll(*, x_m: float, radius_m: float, speed_m_s: float, gain: float = 0.0) -> BodyPath:
    """A body that rolls over the floor all the time, at ``x_m`` at time 0; ``gain``: share of its energy won in the first second."""
    push = speed_m_s * (math.sqrt(1 + gain) - 1)
    return BodyPath((PathPiece(0.0, (x_m, radius_m), (speed_m_s, 0.0), (push, 0.0)),))


def collide(*, time_s: float, x_m: float, radius_m: float, speed_m_s: float, restitution: float) -> tuple[BodyPath, BodyPath]:
    """Two equal bodies on the floor: the first rolls in at ``speed_m_s``, meets the second, at rest around ``x_m``, at ``time_s``.

    >>> first, second = collide(time_s=1.0, x_m=0.0, radius_m=0.1, speed_m_s=1.0, restitution=0.9)
    >>> first.at([0.0, 1.0, 2.0])[:, 0].round(3).tolist(), second.at([0.0, 1.0, 2.0])[:, 0].round(3).tolist()
    ([-1.2, -0.2, -0.15], [0.0, 0.0, 0.95])
    """
    touch = BodyContact(time_s, "body", x_m - radius_m, radius_m, abs(speed_m_s))
    before = PathPiece(0.0, (x_m - 2 * radius_m - speed_m_s * time_s, radius_m), (speed_m_s, 0.0))
    after = PathPiece(time_s, (x_m - 2 * radius_m, radius_m), (speed_m_s * (1 - restitution) / 2, 0.0))
    struck = PathPiece(time_s, (x_m, radius_m), (speed_m_s * (1 + restitution) / 2, 0.0))
    return BodyPath((before, after), contacts=(touch,)), BodyPath((PathPiece(0.0, (x_m, radius_m)), struck), contacts=(touch,))
