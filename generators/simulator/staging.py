"""What the simulator draws and plays: a prompt's fields and its stage block as one, with all defaults filled in.

:func:`resolve_stage` makes it from a prompt; :func:`prompt_with_stage` makes a prompt from such values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_args

from seedbench.errors import GenerationRefusedError
from seedbench.generators.simulator.stage_block import (
    MUSIC_STYLES,
    OBJECTS,
    Camera,
    EventBlock,
    Framing,
    Light,
    Look,
    MusicStyle,
    PersonBlock,
    Place,
    Pose,
    ShotBlock,
    StageBlock,
    Voice,
    block_of,
    facts_of_events,
    refusals_of,
    word_of,
)
from seedbench.suites.prompt import Character, Event, FrameText, Line, Prompt, Shot, Task

_HEIGHT_M = 1.5
"""How far a body falls where the prompt does not say."""


@dataclass(frozen=True)
class StagedPerson:
    """One of the cast as drawn and heard."""

    id: str
    look: Look
    voice: Voice = "low"
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class StagedShot:
    """A stretch between two cuts as drawn."""

    start_s: float
    end_s: float
    cast: tuple[str, ...] = ()
    framing: Framing = "medium"
    light: Light = "day"
    pose: Pose = "front"
    camera: Camera = "static"
    place: Place = "studio"


@dataclass(frozen=True, kw_only=True)
class StagedEvent:
    """An event as drawn and heard. Where ``kind`` is one of :data:`BODY_KINDS`, ``object`` is one of :data:`OBJECTS` or ``none``."""

    kind: str
    object: str = "rubber ball"
    start_s: float = 0.3
    height_m: float = _HEIGHT_M
    speed_m_s: float = 0.0
    restitution: float = 0.7
    sound: bool = True
    times_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class StagedMusic:
    """Music as played."""

    tempo_bpm: float
    style: MusicStyle = "drums"


@dataclass(frozen=True)
class StagedReference:
    """An asset that may show a person, and that person's look if the block states it."""

    id: str
    strength: float
    look: Look | None


@dataclass(frozen=True, kw_only=True)
class StagedPrompt:
    """A prompt as the simulator draws and plays it, with all defaults filled in."""

    id: str
    duration_s: float
    cast: tuple[StagedPerson, ...]
    shots: tuple[StagedShot, ...]
    speech: tuple[Line, ...]
    events: tuple[StagedEvent, ...]
    text_in_frame: tuple[FrameText, ...]
    music: StagedMusic | None
    references: tuple[StagedReference, ...]
    sweep: str | None


def resolve_stage(prompt: Prompt) -> StagedPrompt:
    """The prompt as the simulator draws it. Raises GenerationRefusedError for what it cannot draw."""
    refusals = refusals_of(prompt)
    if refusals:
        raise GenerationRefusedError("; ".join(refusal.sentence for refusal in refusals))
    block = block_of(prompt)
    people = {person.id: block.cast.get(person.id, PersonBlock()) for person in prompt.cast}
    images = {person.id: person.reference for person in prompt.cast}
    return StagedPrompt(
        id=prompt.id,
        duration_s=prompt.duration_s,
        cast=tuple(StagedPerson(name, facts.look, facts.voice, images[name]) for name, facts in people.items()),
        shots=staged_shots(prompt),
        speech=prompt.speech,
        events=tuple(_staged_event(event, facts) for event, facts in facts_of_events(prompt, block)),
        text_in_frame=prompt.text_in_frame,
        music=_staged_music(prompt, block),
        references=tuple(
            StagedReference(reference.id, reference.strength, block.references.get(reference.id)) for reference in prompt.references
        ),
        sweep=prompt.sweep,
    )


def prompt_with_stage(
    prompt_id: str,
    text: str,
    task: Task,
    *,
    cast: Sequence[StagedPerson] = (),
    shots: Sequence[StagedShot] = (),
    events: Sequence[StagedEvent] = (),
    looks: Mapping[str, Look] | None = None,
    **more: Any,
) -> Prompt:
    """A prompt with the stage block that states the given values.

    Args:
        prompt_id: Its id.
        text: What every generator is asked.
        task: Its kind.
        cast: The people.
        shots: The shots.
        events: The events; their words are the simulator's.
        looks: The look that a reference shows, by the reference's id.
        more: Further fields of the prompt as they are (``duration_s``, ``speech``, ``references``, ...).

    Returns:
        A prompt for which :func:`resolve_stage` returns these values.
    """
    people = {person.id: person.look.model_dump(exclude_defaults=True) | _stated(person, PersonBlock) for person in cast}
    sections: dict[str, Any] = {
        "cast": {name: facts for name, facts in people.items() if facts},
        "shots": [_stated(shot, ShotBlock) for shot in shots],
        "events": [_stated(event, EventBlock) for event in events],
        "references": {name: look.model_dump(exclude_defaults=True) for name, look in (looks or {}).items()},
    }
    for section in ("shots", "events"):
        sections[section] = sections[section] if any(sections[section]) else []
    own = {name for name in Event.model_fields if name not in ("motion", "impact")}
    return Prompt(
        id=prompt_id,
        text=text,
        task=task,
        cast=tuple(Character(id=person.id, reference=person.reference) for person in cast),
        shots=tuple(Shot(start_s=shot.start_s, end_s=shot.end_s, cast=shot.cast) for shot in shots),
        events=tuple(Event.model_validate({name: getattr(event, name) for name in own}) for event in events),
        stage={section: facts for section, facts in sections.items() if facts},
        **more,
    )


def _stated(value: StagedPerson | StagedShot | StagedEvent, block: type[PersonBlock | ShotBlock | EventBlock]) -> dict[str, Any]:
    """The facts of the block that are not the default. What is drawn and what is asked are the same here."""
    names = {name for name in block.model_fields if name not in ("kind", "object")}
    mine = {field.name: field.default for field in fields(value) if field.name in names and field.default is not MISSING}
    return {name: getattr(value, name) for name, default in mine.items() if getattr(value, name) != default}


def _staged_event(event: Event, facts: EventBlock) -> StagedEvent:
    return StagedEvent(
        kind=facts.kind or word_of(event.kind),
        object=facts.object or word_of(event.object) or OBJECTS[0],
        start_s=event.start_s,
        height_m=_HEIGHT_M if event.height_m is None else event.height_m,
        speed_m_s=facts.speed_m_s,
        restitution=facts.restitution,
        sound=event.sound,
        times_s=event.times_s,
    )


def staged_shots(prompt: Prompt) -> tuple[StagedShot, ...]:
    """The shots with their facts. A prompt without shots is one shot of the whole cast, or one wide shot without people.

    Raises GenerationRefusedError for a stage block that is not valid.
    """
    block = block_of(prompt)
    if prompt.shots:
        pairs = zip(prompt.shots, block.shots or (ShotBlock(),) * len(prompt.shots), strict=True)
        return tuple(StagedShot(start_s=shot.start_s, end_s=shot.end_s, cast=shot.cast, **dict(facts)) for shot, facts in pairs)
    everyone = tuple(person.id for person in prompt.cast)
    only = block.shots[0] if block.shots else ShotBlock(framing="medium" if everyone else "wide")
    return (StagedShot(start_s=0.0, end_s=prompt.duration_s, cast=everyone, **dict(only)),)


def _staged_music(prompt: Prompt, block: StageBlock) -> StagedMusic | None:
    if prompt.music is None or prompt.music.tempo_bpm is None:
        return None
    style = block.music.style or word_of(prompt.music.style) or MUSIC_STYLES[0]
    return StagedMusic(prompt.music.tempo_bpm, next(known for known in get_args(MusicStyle) if known == style))
