"""What the well-known kinds of events are for metrics. Metrics compute with these facts, so their code digests include this module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Motion = Literal["flight", "roll", "collision", "swing", "none"]


@dataclass(frozen=True)
class KindFacts:
    """What a kind of event means, for events that do not state it themselves.

    Attributes:
        motion: The law that a moving body follows, as :attr:`seedbench.suites.prompt.Event.motion`.
        impact: Whether a body meets something and the moment is seen.
    """

    motion: Motion = "none"
    impact: bool = False


KINDS: Mapping[str, KindFacts] = {
    "drop": KindFacts(motion="flight", impact=True),
    "throw": KindFacts(motion="flight", impact=True),
    "bounce": KindFacts(motion="flight", impact=True),
    "roll": KindFacts(motion="roll"),
    "collide": KindFacts(motion="collision", impact=True),
    "pendulum": KindFacts(motion="swing"),
}
"""Kinds whose ``motion`` and ``impact`` are known. Any other word is allowed as well; it has neither unless the event states them."""
