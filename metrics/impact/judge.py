"""Whether a clip can be judged at all, from the prompt, the picture and the sound, each alone.

How well picture and sound fit must not decide it: a generator whose sounds have nothing to do with its pictures would then have answers
only where chance helped it, and "no answer" elsewhere.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from seedbench.metrics.analyses.onsets import Onsets
from seedbench.metrics.analyses.part_motion import PartMotion, Stops
from seedbench.metrics.impact.alignment import SHORTEST_S
from seedbench.suites.prompt import Event, Prompt

LEAST_SPEED = 0.1
"""Picture heights a second that the fastest part must reach, so that there is something to see where the prompt declares an impact. Eight
filmed clips of hits: .34 to 5.3; frozen pictures: 0."""
SUDDEN = 0.3
"""A stop that is a hit for sure, where the prompt does not declare a visible one: picture heights a second that the fastest parts lose
at once. The strongest of filmed hits: .65 to 2.3 in seven of eight clips (.15 in one of a small stick far away); of filmed speakers (6):
at most .11; of a filmed pendulum and balls that roll (3): at most .17."""
FEWEST_SUDDEN = 2
STRONG_ONSET_DB = 10.0
"""An onset that is a hit for sure. Median onset of filmed hits (7 clips): 11 to 43 dB, of speech (16 clips): 5 to 10 dB."""
MOST_SPEECH = 0.1
"""Share of the sound that may be speech where the prompt declares no visible impact. Filmed hits (7 clips): 0; speech (16 clips): .39
to 1."""

Declared = Literal["visible", "heard", "unknown"]
"""What a prompt says of impacts: that they are seen and heard, that something is heard, or nothing (there is no prompt)."""


def sounding(prompt: Prompt) -> list[Event]:
    """The events that are heard and may be a hit: those with an impact, and those without a motion of which more is known."""
    return [event for event in prompt.events if event.sound and (event.impact or event.motion == "none")]


def why_not_applicable(prompt: Prompt | None) -> str:
    """Why impacts cannot be judged for a prompt.

    Args:
        prompt: The prompt; None for a clip without one.

    Returns:
        The reason; empty if they can.
    """
    if prompt is None:
        return ""
    meeting = [event for event in prompt.events if event.impact]
    if meeting and not any(event.sound for event in meeting):
        return "the prompt declares that the impacts are silent"
    if not sounding(prompt):
        return "the prompt declares no event with an impact that is heard"
    if prompt.speech or prompt.music is not None:
        return "the prompt declares speech or music as well, whose onsets hide the impacts"
    return ""


def declared_by(prompt: Prompt | None) -> Declared:
    """What a prompt says of impacts."""
    if prompt is None:
        return "unknown"
    return "visible" if any(event.impact for event in sounding(prompt)) else "heard"


def only_collisions(prompt: Prompt | None) -> bool:
    """Whether all impacts of a prompt are bodies that meet.

    Such a body hands on its speed: the fastest part of the picture moves on, and no stop is seen.
    """
    meeting = [event for event in sounding(prompt) if event.impact] if prompt is not None else []
    return bool(meeting) and all(event.motion == "collision" for event in meeting)


def why_no_contacts(prompt: Prompt | None) -> str:
    """Why contacts of whole bodies are not counted; empty if they are: the prompt declares a body that falls, flies or meets another."""
    if prompt is not None and any(event.impact and event.motion in ("flight", "collision") for event in sounding(prompt)):
        return ""
    return "no body that falls, flies or meets another is declared"


def why_not_seen(motion: PartMotion, stops: Stops, declared: Declared) -> str:
    """Why the picture does not show impacts well enough to judge their sound.

    Args:
        motion: The motion of the fastest parts.
        stops: Where they stop.
        declared: What the prompt says.

    Returns:
        The reason; empty if it does.
    """
    fastest = float(motion.fastest.max(initial=0.0))
    if fastest < LEAST_SPEED:
        return f"nothing moves (at most {fastest:.2f} picture heights a second)"
    seen_s = float(np.ptp(stops.time_s)) if len(stops.time_s) else 0.0
    if seen_s < SHORTEST_S:
        return f"stops can be seen during {seen_s:.1f} s only, at least {SHORTEST_S:.0f} s are needed"
    if declared != "visible" and count_sudden(stops) < FEWEST_SUDDEN:
        return "no visible impact is declared, and fewer than two sudden stops are seen"
    return ""


def count_sudden(stops: Stops) -> int:
    """How many stops are hits for sure; neighbouring pictures are one stop."""
    sudden = stops.strongest >= SUDDEN
    return int(sudden[:1].sum() + (sudden[1:] & ~sudden[:-1]).sum())


def why_not_heard(heard: Onsets, speech_share: float) -> str:
    """Why the sound of a clip whose prompt declares no visible impact is not clearly that of hits.

    Args:
        heard: Its onsets.
        speech_share: Share 0..1 of the sound that is speech.

    Returns:
        The reason; empty if it is.
    """
    if speech_share > MOST_SPEECH:
        return f"{speech_share:.0%} of the sound is speech, whose onsets hide the impacts"
    if int(np.sum(heard.flux_db >= STRONG_ONSET_DB)) < FEWEST_SUDDEN:
        return "no visible impact is declared, and fewer than two sharp onsets are heard"
    return ""
