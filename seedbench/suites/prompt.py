"""The vocabulary of a prompt: plain text for any generator, structured expectations for the metrics.

Pydantic models of what a suite's YAML may say. Times are seconds from the start of the clip. Unknown keys are errors.
Reading suites from files, and their errors with line numbers, is :mod:`seedbench.suites.suite`'s.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Task = Literal[
    "talking",  # one person speaks
    "dialogue",  # several people, several shots, lines in turn
    "characters",  # two or three people share a frame
    "multi_shot",  # one character over several shots
    "impact",  # bodies that meet, and the sound they make
    "motion",  # falling, thrown, rolling, swinging bodies
    "fluid",  # cloth, water, smoke: no simulator of ours makes them
    "sound",  # other sound events
    "music",  # music, and cuts on or off its beats
    "text",  # signs with text
    "reference",  # assets steer the result
    "strength",  # one reference at several strengths
    "extension",  # go on from a given clip
    "edit",  # change one thing of a given clip, keep the rest
    "unknown",  # nothing is known of what was asked: imported clips without a suite
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Look(_Strict):
    """A person's appearance in a few words each; all optional. Generators read it from the prompt's text.

    ``identity`` seeds whatever the words leave open, so that one identity always looks the same in the simulator.
    """

    identity: int = 0
    skin: Literal["fair", "light", "tan", "brown", "dark"] | None = None
    hair: Literal["black", "brown", "blond", "red", "grey", "blue", "green", "purple"] | None = None
    hair_style: Literal["short", "long", "bald", "curly"] | None = None
    eyes: Literal["brown", "blue", "green", "grey"] | None = None
    face: Literal["round", "oval", "long", "square"] | None = None
    beard: bool | None = None
    glasses: bool | None = None
    clothes: Literal["red", "blue", "green", "yellow", "white", "black", "orange", "purple"] | None = None


class Character(_Strict):
    """One of the cast. ``voice`` is low or high; ``reference`` names an image of the prompt's references."""

    id: str
    look: Look = Look()
    voice: Literal["low", "high"] = "low"
    reference: str | None = None


class Shot(_Strict):
    """A stretch between two cuts. ``cast`` lists who is seen, left to right."""

    start_s: Annotated[float, Field(ge=0)]
    end_s: Annotated[float, Field(gt=0)]
    cast: tuple[str, ...] = ()
    framing: Literal["close", "medium", "wide"] = "medium"
    light: Literal["day", "warm", "cool", "dim"] = "day"
    pose: Literal["front", "left", "right"] = "front"
    camera: Literal["static", "pan", "push"] = "static"
    place: Literal["studio", "street", "park", "room", "night"] = "studio"


class Line(_Strict):
    """A spoken line. ``language`` is a BCP 47 tag (``en``, ``pt-BR``, ``cmn``)."""

    character: str
    text: str
    language: str = "en"
    start_s: Annotated[float, Field(ge=0)] = 0.2


class Event(_Strict):
    """Something that happens and, if ``sound``, is heard.

    Kinds with bodies (drop, throw, bounce, roll, collide, pendulum) carry physics: ``object`` names the body, ``height_m`` where it starts
    or swings, ``speed_m_s`` its horizontal speed, ``restitution`` 0..1. ``knock``, ``clap``, ``bell``, ``beep`` are sound events without
    a body in flight.
    ``cloth``, ``water``, ``smoke`` are asked of generators and not simulated.
    """

    kind: Literal["drop", "throw", "bounce", "roll", "collide", "pendulum", "knock", "clap", "bell", "beep", "cloth", "water", "smoke"]
    object: Literal["rubber ball", "wooden ball", "steel ball", "glass marble", "basketball", "box", "none"] = "rubber ball"
    start_s: Annotated[float, Field(ge=0)] = 0.3
    height_m: float = 1.5
    speed_m_s: float = 0.0
    restitution: Annotated[float, Field(ge=0, le=1)] = 0.7
    sound: bool = True
    times_s: tuple[float, ...] = ()


class Music(_Strict):
    """Music heard in the clip. ``cuts`` says whether the shots' cuts fall on its beats."""

    tempo_bpm: Annotated[float, Field(ge=40, le=240)]
    style: Literal["drums", "piano", "synth"] = "drums"
    cuts: Literal["on_beat", "off_beat", "none"] = "none"


class Sign(_Strict):
    """Text to be read in the picture, exactly as written."""

    text: str
    start_s: float = 0.0
    end_s: float | None = None


class Reference(_Strict):
    """An asset the prompt names as ``{{image:1}}``. ``path`` is relative to the suite file.

    ``person`` says that a real person can be recognised in it; such a reference needs ``consent`` (who agreed, where it is written down).
    """

    id: Annotated[str, Field(pattern=r"^(image|video|audio):[1-9][0-9]*$")]
    path: str
    role: Literal["appearance", "style", "motion", "camera", "voice", "rhythm", "first_frame", "source"]
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    person: bool = False
    consent: str | None = None
    look: Look | None = None

    @property
    def kind(self) -> str:
        """``image``, ``video`` or ``audio``."""
        return self.id.split(":")[0]


class Edit(_Strict):
    """What to change in the source clip, and what must stay."""

    source: str
    change: Literal["background", "voice", "clothes", "light"]
    to: str
    keep: tuple[str, ...] = ()


class Prompt(_Strict):
    """One item of a suite. ``simulated`` is False (with ``not_simulated`` saying why) where our simulator cannot show what is asked."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    text: str
    task: Task
    duration_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    cast: tuple[Character, ...] = ()
    shots: tuple[Shot, ...] = ()
    speech: tuple[Line, ...] = ()
    events: tuple[Event, ...] = ()
    text_in_frame: tuple[Sign, ...] = ()
    music: Music | None = None
    references: tuple[Reference, ...] = ()
    extends: str | None = None
    edit: Edit | None = None
    sweep: str | None = None
    simulated: bool = True
    not_simulated: str = ""

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
        if not self.simulated and not self.not_simulated:
            raise ValueError("say in not_simulated why the simulator cannot show this prompt")
        return self
