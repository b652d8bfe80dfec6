"""How physics is tried on real footage: filmed bodies as they are, and copies in which time passes unevenly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedbench.clips.changed_copies import degraded, resized
from seedbench.clips.degradations import ClipArrays
from seedbench.plugins.metric import Score
from seedbench.plugins.validation import Separation, TrialAnswer, TruthColumn, TruthRow, ValidationProtocol, Variant
from seedbench.suites.event_kinds import KINDS
from seedbench.suites.prompt import Event, Prompt

PLAUSIBLE = 0.5
"""Plausibility from which on a clip counts as right rather than wrong: the middle of its range."""
SLOWER = 1.25
"""Time that passes evenly, at 0.8 of the speed: pictures are repeated as often as in the copies where it passes unevenly."""
#: The copies in which time passes unevenly: name, degradation, amount.
UNEVEN = (
    ("a slow start and end", "ease", 1.0),
    ("faster and faster", "speed-ramp", 1.6 / 0.6),
    ("speed goes up and down", "wobble", 0.5),
    ("a pause of 0.5 s", "pause", 0.5),
    ("0.2 s cut out", "cut-out", 0.2),
)


def shows_a_body(row: TruthRow) -> bool:
    """Whether a file shows one body whose free motion is right by nature."""
    return "event" in row.facts and row.facts.get("expect", "right") == "right"


def uneven(name: str, amount: float) -> Any:
    """A change to an uneven pace."""

    def change(arrays: ClipArrays, clip: Any, partner: Any) -> ClipArrays:
        return degraded(arrays, name, amount)

    return change


class PhysicsProtocol(ValidationProtocol):
    """Answers and plausibility of filmed bodies, against copies with an uneven pace."""

    version = 1
    error_unit = "plausibility, less 1"
    about = (
        "A file is one body in free motion before a still camera, right by nature; it is wrong where its plausibility is below "
        f"{PLAUSIBLE}. Copies in which time passes unevenly are wrong where their plausibility is not below that of the file as it is. "
        "They are compared with a copy whose pace is even but slower, so that repeated pictures alone do not tell them apart."
    )
    columns = (
        TruthColumn(name="event", meaning="what happens; empty: no such event, the metric is not to answer", values=tuple(KINDS)),
        TruthColumn(name="expect", meaning="right (also where it is empty), wrong or unknown", values=("right", "wrong", "unknown")),
    )
    variants = (
        Variant(name="as it is", expected="plausible; no answer where there is no event"),
        Variant(
            name="without a declared event",
            expected="plausible, or no answer",
            change=lambda arrays, clip, partner: arrays,
            applies=shows_a_body,
        ),
        Variant(
            name="slower, at an even pace",
            expected="plausible",
            change=lambda arrays, clip, partner: degraded(arrays, "retime", SLOWER),
            applies=shows_a_body,
        ),
        Variant(
            name="half the size, compressed (crf 35)",
            expected="plausible",
            change=lambda arrays, clip, partner: degraded(resized(arrays, 0.5), "reencode", 35),
            applies=shows_a_body,
        ),
        *(
            Variant(name=title, expected="less plausible than the file as it is", change=uneven(name, amount), applies=shows_a_body)
            for title, name, amount in UNEVEN
        ),
    )
    separations = tuple(
        Separation(
            title=f"an even pace against {title}",
            measure="plausibility",
            higher=("slower, at an even pace",),
            lower=(title,),
            applies=shows_a_body,
        )
        for title, _, _ in UNEVEN
    )

    def prompt(self, variant: Variant, row: TruthRow, partner: TruthRow | None, duration_s: float) -> Prompt | None:
        """The event of the truth file (see :meth:`seedbench.plugins.validation.ValidationProtocol.prompt`)."""
        if "event" not in row.facts or variant.name == "without a declared event":
            return None
        events = (Event(kind=row.facts["event"], start_s=0.0),)
        return Prompt(id="clip", text=row.facts["event"], task="motion", duration_s=duration_s, events=events)

    def answer(
        self, variant: Variant, row: TruthRow, partner: TruthRow | None, scores: Mapping[str, Score], as_it_is: Mapping[str, Score]
    ) -> TrialAnswer:
        """Judge one copy (see :meth:`seedbench.plugins.validation.ValidationProtocol.answer`)."""
        score = scores["plausibility"]
        value = score.value
        words = f"plausibility {value:.2f}" if value is not None else f"no answer: {score.reason}"
        answered = value is not None
        if variant.name in {title for title, _, _ in UNEVEN}:
            before = as_it_is["plausibility"].value if "plausibility" in as_it_is else None
            lower = None if value is None or before is None else value < before
            return TrialAnswer(answered=answered, right=lower, words=words)
        if "event" not in row.facts:
            return TrialAnswer(answered=answered, right=not answered, words=words, due=False)
        expect = row.facts.get("expect", "right")
        if expect == "unknown":
            return TrialAnswer(answered=answered, right=None, words=words)
        if expect == "wrong":
            return TrialAnswer(answered=answered, right=value is None or value < PLAUSIBLE, words=words)
        return TrialAnswer(
            answered=answered, right=value is None or value >= PLAUSIBLE, error=None if value is None else value - 1, words=words
        )


PROTOCOL = PhysicsProtocol()
