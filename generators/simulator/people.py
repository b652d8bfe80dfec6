"""Where people stand in a frame, how large, and whose face they wear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from seedbench.generators.simulator.looks import HAIRS, SKINS, Face, face_of
from seedbench.generators.simulator.stage_block import Look

#: Height of one person's head and height of its middle, in shares of the frame's height.
_FRAMING = {"close": (0.60, 0.46), "medium": (0.40, 0.40), "wide": (0.24, 0.42)}
_POSES = {"front": 0.0, "left": -0.72, "right": 0.72}
_LOOKING_ROOM = 0.08  # who looks aside stands this much further to the other side, in widths
_SHOULDERS = 1.35  # room for one person, in head heights


@dataclass(frozen=True)
class Placed:
    """A character in a shot: ``worn`` is whose face is shown, (x, y) the head's middle and its height in pixels, ``yaw`` -1..1."""

    id: str
    worn: str
    face: Face
    x: float
    y: float
    head_px: int
    yaw: float


def arrange(
    people: Sequence[tuple[str, str, Face]], *, framing: str, pose: str, width: int, height: int, beside_sign: bool
) -> tuple[Placed, ...]:
    """People (id, whose face, the face) from left to right; beside a sign they keep to the right."""
    if not people:
        return ()
    share, middle = _FRAMING[framing]
    left, right = (0.50 * width, 0.98 * width) if beside_sign else (0.0, 1.0 * width)
    slot = (right - left) / len(people)
    head = min(share * height, slot / (_SHOULDERS if len(people) > 1 else 1.05), 0.60 * width)
    aside = {"left": _LOOKING_ROOM, "right": -_LOOKING_ROOM}.get(pose, 0.0) * (right - left) / len(people)
    placed = []
    for index, (name, worn, face) in enumerate(people):
        inward = 0.0 if len(people) == 1 else 0.18 * (1 - 2 * index / (len(people) - 1))
        yaw = float(np.clip(_POSES[pose] + (inward if pose == "front" else 0.0), -1, 1))
        placed.append(Placed(name, worn, face, left + (index + 0.5) * slot + aside, middle * height, max(12, round(head)), yaw))
    return tuple(placed)


def blend(own: Face, other: Face, strength: float) -> Face:
    """The face ``strength`` of the way from one to another; what has no middle (hair style, glasses) changes over at a half.

    >>> a, b = face_of(Look(identity=1)), face_of(Look(identity=2))
    >>> blend(a, b, 0.0) == a, blend(a, b, 1.0) == b
    (True, True)
    """
    if strength <= 0 or strength >= 1:
        return other if strength >= 1 else own
    mixed: dict[str, Any] = {}
    for field in fields(Face):
        here, there = getattr(own, field.name), getattr(other, field.name)
        if isinstance(here, tuple):
            mixed[field.name] = tuple(round(a + (b - a) * strength) for a, b in zip(here, there, strict=True))
        elif isinstance(here, float):
            mixed[field.name] = here + (there - here) * strength
        else:
            mixed[field.name] = there if strength >= 0.5 else here
    return Face(**mixed)


def other_person(face: Face) -> Face:
    """The face of another person in the same clothes: other skin, hair and shape of the face."""
    skin = list(SKINS)[(_nearest(face.skin, SKINS) + 2) % len(SKINS)]
    hair = ["black", "brown", "blond", "red"][(_nearest(face.hair, HAIRS) + 2) % 4]
    shape = "round" if face.half_width < 0.72 else "long"
    look = Look.model_validate({"identity": face.identity + 501, "skin": skin, "hair": hair, "face": shape, "beard": face.beard == 0})
    return replace(face_of(look), clothes=face.clothes, collar=face.collar)


def _nearest(colour: tuple[int, int, int], named: dict[str, tuple[int, int, int]]) -> int:
    away = [sum((a - b) ** 2 for a, b in zip(colour, other, strict=True)) for other in named.values()]
    return int(np.argmin(away))
