"""What the reference model was trained for; everything else is refused with its name."""

from __future__ import annotations

from seedbench.errors import GenerationRefusedError
from seedbench.generators.simulator.staging import staged_shots
from seedbench.plugins.generator import Capabilities
from seedbench.suites.prompt import Prompt
from seedbench.suites.references import ReferenceLimits

MAX_DURATION_S = 7.5
#: Kinds and roles of references that the model takes.
ROLES = frozenset(
    {
        ("image", "appearance"),
        ("image", "first_frame"),
        ("video", "appearance"),
        ("video", "motion"),
        ("video", "source"),
        ("audio", "voice"),
        ("audio", "rhythm"),
    }
)
EDITS = frozenset({"background", "light", "voice"})
EVENTS = frozenset({"drop", "bounce"})
#: The decoder makes 224 x 128; larger pictures are scaled up.
SIZES = frozenset({(224, 128), (320, 180), (320, 192), (384, 216), (384, 224), (448, 256), (456, 256)})

CAPABILITIES = Capabilities(
    tasks=frozenset({"talking", "dialogue", "multi_shot", "impact", "motion", "reference", "strength", "extension", "edit", "unknown"}),
    min_duration_s=0.5,
    max_duration_s=MAX_DURATION_S,
    sizes=SIZES,
    references=ReferenceLimits(),
    deterministic=True,
)


def refusal_of(prompt: Prompt) -> str:
    """Why the model refuses a prompt.

    Args:
        prompt: The prompt.

    Returns:
        The reason, with the name of what the model cannot do; empty if it accepts the prompt.
    """
    for event in prompt.events:
        if event.kind not in EVENTS:
            return f"the reference model was not trained on {event.kind!r} events, only on {' and '.join(sorted(EVENTS))}"
    if any(not event.sound for event in prompt.events):
        return "the reference model was not trained on bodies that fall without a sound"
    if len(prompt.events) > 1:
        return "the reference model shows one body at a time"
    if prompt.events and prompt.cast:
        return "the reference model shows people or falling bodies, not both"
    if not prompt.events and not prompt.cast:
        return "the reference model shows people or falling bodies; this prompt has neither"
    if prompt.music is not None:
        return "the reference model makes no music"
    if prompt.text_in_frame:
        return "the reference model writes no text in the picture"
    if len(prompt.cast) > 3 or len(prompt.shots) > 8:
        return "the reference model takes at most 3 people and 8 shots"
    try:
        shots = staged_shots(prompt) if prompt.shots else ()
    except GenerationRefusedError as error:
        return str(error)
    for shot in shots:
        untrained = (
            (len(shot.cast) > 1, "two people in one frame"),
            (bool(shot.cast) and shot.framing == "wide", "people in a wide shot"),
            (bool(prompt.cast) and not shot.cast, "a shot without people among shots of people"),
            (shot.camera != "static", f"a camera that moves ({shot.camera})"),
            (shot.pose != "front", f"heads turned to the {shot.pose}"),
        )
        for applies, name in untrained:
            if applies:
                return f"the reference model was not trained on {name}"
    for reference in prompt.references:
        if (reference.kind, reference.role) not in ROLES:
            return f"the reference model does not take {reference.role!r} from {reference.kind} references ({reference.id})"
        unassigned = reference.role in ("appearance", "first_frame") and not any(person.reference == reference.id for person in prompt.cast)
        if unassigned and len(prompt.cast) != 1:
            return f"the prompt does not say which of its {len(prompt.cast)} people {reference.id} shows"
    given_clip = "extends a clip" if prompt.extends is not None else "edits a clip" if prompt.edit is not None else ""
    if given_clip and any(reference.role == "motion" for reference in prompt.references):
        return f"the reference model takes no motion from another clip while it {given_clip}"
    if prompt.edit is not None and (len(prompt.shots) > 1 or len(prompt.cast) > 1):
        return "the reference model edits clips of one shot and one person"
    if prompt.edit is not None and prompt.edit.change not in EDITS:
        return f"the reference model cannot change {prompt.edit.change!r} alone, only {', '.join(sorted(EDITS))}"
    return ""
