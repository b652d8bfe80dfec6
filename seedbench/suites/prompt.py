"""What a prompt may say: plain text for any generator, and beside it what the metrics may expect of the clip.

Pydantic models of a suite's YAML. Times are seconds from the start of the clip. Unknown keys are errors.
:mod:`seedbench.suites.loading` reads suites from files; :mod:`seedbench.suites.earlier_form` reads and writes the form of earlier versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from seedbench.suites.event_kinds import KINDS, Motion

Task = Literal[
    "talking",  # one person speaks
    "dialogue",  # several people, several shots, lines in turn
    "characters",  # two or three people share a frame
    "multi_shot",  # one character over several shots
    "impact",  # bodies that meet, and the sound they make
    "motion",  # falling, thrown, rolling, swinging bodies
    "fluid",  # cloth, water, smoke
    "sound",  # other sound events
    "music",  # music, and cuts on or off its beats
    "text",  # text to be read in the picture
    "reference",  # assets steer the result
    "strength",  # one reference at several strengths
    "extension",  # go on from a given clip
    "edit",  # change one thing of a given clip, keep the rest
    "unknown",  # nothing is known of what was asked: imported clips without a suite
]

MAX_DURATION_S = 600.0
"""The longest clip that a prompt may ask for."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Character(_Strict):
    """One person of the cast.

    Attributes:
        id: Names the person in the other facts of the prompt.
        reference: The id of the image among the prompt's references that shows this person; None: there is none.
    """

    id: str
    reference: str | None = None


class Shot(_Strict):
    """A stretch between two cuts. The shots of a prompt follow each other from 0 to its end.

    Attributes:
        start_s, end_s: When it begins and ends, in seconds.
        cast: The ids of the people who are seen, from left to right.
    """

    start_s: Annotated[float, Field(ge=0)]
    end_s: Annotated[float, Field(gt=0)]
    cast: tuple[str, ...] = ()


class Line(_Strict):
    """A spoken line.

    Attributes:
        character: The id of the person who speaks.
        text: The words.
        language: A BCP 47 tag (``en``, ``pt-BR``, ``cmn``).
        start_s: When it begins, in seconds.
    """

    character: str
    text: str
    language: str = "en"
    start_s: Annotated[float, Field(ge=0)] = 0.2


class Event(_Strict):
    """Something that happens, in free words. Metrics read the fields other than ``kind`` and ``object``.

    Attributes:
        kind: The verb or noun ("serve", "door slam"). For the kinds in :data:`~seedbench.suites.event_kinds.KINDS`, ``motion`` and
            ``impact`` need not be stated.
        object: What it happens to.
        start_s: When it begins, in seconds.
        height_m: How far the body falls, or the length of the string, in metres; None where the prompt does not say.
        sound: Whether the event is heard.
        times_s: When it is heard, in seconds, where it repeats.
        motion: The law that a moving body follows: ``flight`` (it falls or flies freely), ``roll``, ``collision`` (two bodies meet),
            ``swing`` (it hangs from a string), ``none``.
        impact: Whether a body meets something and the moment is seen.
    """

    kind: Annotated[str, Field(min_length=1)]
    object: str = ""
    start_s: Annotated[float, Field(ge=0)] = 0.3
    height_m: float | None = None
    sound: bool = True
    times_s: tuple[float, ...] = ()
    motion: Motion = "none"
    impact: bool = False

    @model_validator(mode="before")
    @classmethod
    def _take_motion_and_impact_from_the_kind(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        kind = given.get("kind")
        facts = KINDS.get(kind) if isinstance(kind, str) else None
        return given if facts is None else {**asdict(facts), **given}


class Music(_Strict):
    """Music that is heard in the clip.

    Attributes:
        tempo_bpm: Beats per minute, 20 to 400; None where the prompt does not say.
        style: In free words.
        cuts: Whether the cuts between the shots fall on its beats.
    """

    tempo_bpm: Annotated[float, Field(ge=20, le=400)] | None = None
    style: str = ""
    cuts: Literal["on_beat", "off_beat", "none"] = "none"


class FrameText(_Strict):
    """Text to be read in the picture.

    Attributes:
        text: Exactly as it is to be written.
        start_s, end_s: From when to when it is seen, in seconds; ``end_s`` None: until the end of the clip.
    """

    text: str
    start_s: float = 0.0
    end_s: float | None = None


class ReferenceAsset(_Strict):
    """A file that steers the result; the text names it as ``{{image:1}}``.

    Attributes:
        id: ``image``, ``video`` or ``audio``, a colon, and a number from 1.
        path: The file, relative to the folder of the suite.
        role: What is to be taken from it.
        strength: How strongly it steers, 0..1.
        person: Whether a real person can be recognised in it.
        consent: Who agreed to be shown and where that is written down; needed where ``person`` is true.
    """

    id: Annotated[str, Field(pattern=r"^(image|video|audio):[1-9][0-9]*$")]
    path: str
    role: Literal["appearance", "style", "motion", "camera", "voice", "rhythm", "first_frame", "source"]
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    person: bool = False
    consent: str | None = None

    @property
    def kind(self) -> str:
        """``image``, ``video`` or ``audio``."""
        return self.id.split(":")[0]


class Edit(_Strict):
    """What to change in a source clip, in free words, and what must stay.

    Attributes:
        source: The id of the clip among the prompt's references.
        change: The thing to change.
        to: What it is to become.
        keep: The things that must stay.
    """

    source: str
    change: Annotated[str, Field(min_length=1)]
    to: str
    keep: tuple[str, ...] = ()


class Prompt(_Strict):
    """One prompt of a suite: the text, and beside it the facts that metrics may expect of the clip.

    Attributes:
        id: Unique in the suite; lower-case letters, digits, dots, dashes and underscores.
        text: What a generator is asked for.
        task: What kind of clip it asks for.
        duration_s: The length of the clip, in seconds, above 0 and at most :data:`MAX_DURATION_S`.
        cast, shots, speech, events, text_in_frame, music: What is to be seen and heard.
        references: The files that steer the result.
        extends: The id of the reference that the clip goes on from.
        edit: The change to make in a reference.
        sweep: A name that prompts share which differ in their ids and reference strengths only.
        tags: Values by which results can be grouped, by name (``{"style": ("anime",)}``); one value may be given without a list. No
            metric reads them, and they are in no key of a cell.
        stage: What a simulator needs to draw the prompt. SeedBench itself reads none of its keys: the simulator defines and checks them.

    Raises:
        pydantic.ValidationError: A value is not allowed, or the facts contradict each other.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    text: str
    task: Task
    duration_s: Annotated[float, Field(gt=0, le=MAX_DURATION_S)] = 5.0
    cast: tuple[Character, ...] = ()
    shots: tuple[Shot, ...] = ()
    speech: tuple[Line, ...] = ()
    events: tuple[Event, ...] = ()
    text_in_frame: tuple[FrameText, ...] = ()
    music: Music | None = None
    references: tuple[ReferenceAsset, ...] = ()
    extends: str | None = None
    edit: Edit | None = None
    sweep: str | None = None
    tags: dict[Annotated[str, Field(min_length=1)], tuple[Annotated[str, Field(min_length=1)], ...]] = Field(default_factory=dict)
    stage: dict[str, JsonValue] = Field(default_factory=dict)

    @field_validator("tags", mode="before")
    @classmethod
    def _take_a_single_tag_as_a_list(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {name: values if isinstance(values, list | tuple) else (values,) for name, values in given.items()}

    @model_validator(mode="after")
    def _refers_only_to_what_it_declares(self) -> Prompt:
        people = {character.id for character in self.cast}
        if len(people) != len(self.cast):
            raise ValueError("two characters have the same id")
        for line in self.speech:
            if line.character not in people:
                raise ValueError(f"the line {line.text!r} is spoken by {line.character!r}, who is not in the cast")
            if line.start_s >= self.duration_s:
                raise ValueError(f"the line {line.text!r} starts at {line.start_s} s, the clip ends at {self.duration_s} s")
        for event in self.events:
            if max(event.start_s, *event.times_s, 0.0) >= self.duration_s:
                raise ValueError(f"the event {event.kind!r} lies after the clip's end at {self.duration_s} s")
        previous_end = 0.0
        for shot in self.shots:
            unknown = [name for name in shot.cast if name not in people]
            if unknown:
                raise ValueError(f"the shot at {shot.start_s} s shows {unknown[0]!r}, who is not in the cast")
            if shot.end_s <= shot.start_s:
                raise ValueError(f"the shot at {shot.start_s} s ends before it starts")
            if abs(shot.start_s - previous_end) > 1e-6:
                raise ValueError(f"the shot at {shot.start_s} s does not follow on the one before, which ends at {previous_end} s")
            previous_end = shot.end_s
        if self.shots and abs(previous_end - self.duration_s) > 1e-6:
            raise ValueError(f"the shots end at {previous_end} s, the clip at {self.duration_s} s")
        known = {reference.id for reference in self.references}
        asked = [character.reference for character in self.cast if character.reference]
        asked += [self.extends] if self.extends else []
        asked += [self.edit.source] if self.edit else []
        for name in asked:
            if name not in known:
                raise ValueError(f"{name!r} is used but not among the references")
        return self

    @property
    def people(self) -> bool:
        """Whether people may be seen: a cast is declared, or nothing at all of what is seen and heard."""
        return bool(self.cast) or not (self.events or self.text_in_frame or self.music)

    @property
    def motion(self) -> bool:
        """Whether bodies may move freely: an event is declared, or nothing at all of what is seen and heard."""
        return bool(self.events) or not (self.cast or self.speech or self.text_in_frame or self.music)

    def __hash__(self) -> int:
        """By the id: ``stage`` is a mapping and has no hash."""
        return hash(self.id)
