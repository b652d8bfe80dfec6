"""The names of the twins, and their default temperatures."""

from __future__ import annotations

from typing import Literal

Twin = Literal["joint", "cascaded"]
TWINS: tuple[Twin, ...] = ("joint", "cascaded")
TEMPERATURES: dict[str, float] = {"joint": 0.5, "cascaded": 1.0}
"""The default temperature in clips with people. Sound that follows finished pictures needs the full noise."""


def temperature_of(twin: str, *, people: bool) -> float:
    """The default temperature of a twin; the motion of bodies needs the full noise.

    Args:
        twin: ``joint`` or ``cascaded``.
        people: Whether the clip shows people.

    Returns:
        The deviation of the first noise, 0..1.

    >>> temperature_of("joint", people=True), temperature_of("joint", people=False), temperature_of("cascaded", people=True)
    (0.5, 1.0, 1.0)
    """
    return TEMPERATURES[twin] if people else 1.0
