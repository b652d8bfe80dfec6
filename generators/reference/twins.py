"""The twins by name, and what suits each."""

from __future__ import annotations

from typing import Literal

Twin = Literal["joint", "cascaded"]
TWINS: tuple[Twin, ...] = ("joint", "cascaded")
TEMPERATURES: dict[str, float] = {"joint": 0.5, "cascaded": 1.0}
"""How much of the noise each begins with where people are seen: sound that follows finished pictures wants all of it."""


def temperature_of(twin: str, *, people: bool) -> float:
    """How much of the noise suits a twin in a clip with people, or without: what bodies do, every twin makes of all of the noise.

    >>> temperature_of("joint", people=True), temperature_of("joint", people=False), temperature_of("cascaded", people=True)
    (0.5, 1.0, 1.0)
    """
    return TEMPERATURES[twin] if people else 1.0
