"""The axes of plausibility and their values."""

from __future__ import annotations

from dataclasses import dataclass

MOTION_LAW_AXES = ("motion_law", "gravity_consistency", "gravity_size", "energy", "permanence", "contact")
"""What the motion of a body obeys."""
TIME_AXES = ("even_time", "no_freeze", "no_cut")
"""Whether the clip passes through the motion at an even pace."""
AXES = MOTION_LAW_AXES + TIME_AXES


@dataclass(frozen=True)
class Axis:
    """One axis of plausibility.

    Attributes:
        value: 0..1; None where there is no answer.
        reason: Why there is none; empty where there is one.
    """

    value: float | None
    reason: str = ""
