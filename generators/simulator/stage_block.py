"""The stage block of a prompt: what the simulator needs to draw it, beyond what every generator is asked.

A suite writes it as ``stage`` beside the prompt's other fields; SeedBench passes it on unread. Here are its keys and allowed values,
and what of a prompt cannot be drawn and why (:func:`refusals_of`); :mod:`staging` fills in all defaults.
docs/simulator.md lists the keys for those who write suites.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seedbench.errors import GenerationRefusedError, did_you_mean
from seedbench.files.validation_messages import explain_with_field
from seedbench.plugins.generator import Refusal
from seedbench.suites.prompt import Event, Prompt

Voice = Literal["low", "high"]
Framing = Literal["close", "medium", "wide"]
Light = Literal["day", "warm", "cool", "dim"]
Pose = Literal["front", "left", "right"]
Camera = Literal["static", "pan", "push"]
Place = Literal["studio", "street", "park", "room", "night"]
BodyKind = Literal["drop", "throw", "bounce", "roll", "collide", "pendulum"]
SoundKind = Literal["knock", "clap", "bell", "beep"]
DrawnObject = Literal["rubber ball", "wooden ball", "steel ball", "glass marble", "basketball", "box"]
MusicStyle = Literal["drums", "piano", "synth"]

BODY_KINDS: tuple[str, ...] = get_args(BodyKind)
KINDS: tuple[str, ...] = BODY_KINDS + get_args(SoundKind)
OBJECTS: tuple[str, ...] = get_args(DrawnObject)
MUSIC_STYLES: tuple[str, ...] = get_args(MusicStyle)
FLUIDS = ("cloth", "water", "smoke")
TEMPOS_BPM = (40.0, 240.0)
MAX_DURATION_S = 60.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Look(_Strict):
    """A person's appearance in a few words each; all optional.

    ``identity`` seeds whatever the words leave open, so that one identity always looks the same.
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


class PersonBlock(Look):
    """``stage.cast.ID``: how one of the cast looks and sounds."""

    voice: Voice = "low"

    @property
    def look(self) -> Look:
        """The look without the voice."""
        return Look(**{name: getattr(self, name) for name in Look.model_fields})


class ShotBlock(_Strict):
    """``stage.shots[N]``: where and how the N-th shot is filmed."""

    framing: Framing = "medium"
    light: Light = "day"
    pose: Pose = "front"
    camera: Camera = "static"
    place: Place = "studio"


class EventBlock(_Strict):
    """``stage.events[N]``: how the N-th event moves. ``kind`` and ``object``: what is drawn in place of the event's own words."""

    kind: BodyKind | SoundKind | None = None
    object: DrawnObject | None = None
    speed_m_s: float = 0.0
    restitution: Annotated[float, Field(ge=0, le=1)] = 0.7


class MusicBlock(_Strict):
    """``stage.music``: what is played in place of the prompt's own style."""

    style: MusicStyle | None = None


class StageBlock(_Strict):
    """The whole block. ``not_simulated`` says why the simulator is not to draw the prompt at all.

    With ``simulated: true`` it draws the prompt all the same: version 0.1 did so, and its runs resume.
    """

    cast: dict[str, PersonBlock] = Field(default_factory=dict)
    shots: tuple[ShotBlock, ...] = ()
    events: tuple[EventBlock, ...] = ()
    music: MusicBlock = MusicBlock()
    references: dict[str, Look] = Field(default_factory=dict)
    not_simulated: str = ""
    simulated: Literal[True] | None = None


class _PromptStage(BaseModel):
    """The block under its key, so that errors name their place in the prompt."""

    stage: StageBlock


def block_of(prompt: Prompt) -> StageBlock:
    """The stage block of a prompt, checked by itself. Raises GenerationRefusedError, which names the key and what is allowed."""
    block, refusals = _read(prompt)
    if refusals:
        raise GenerationRefusedError(refusals[0].sentence)
    return block


def refusals_of(prompt: Prompt) -> list[Refusal]:
    """What of a prompt the simulator cannot draw, each with its place in the prompt; empty if it can draw it all."""
    block, refusals = _read(prompt)
    if not refusals and block.not_simulated and not block.simulated:
        return [Refusal(block.not_simulated)]
    return refusals + list(_undrawable(prompt, block))


def _read(prompt: Prompt) -> tuple[StageBlock, list[Refusal]]:
    """The block and what is wrong with it; an empty block where it cannot be read."""
    try:
        block = _PromptStage.model_validate({"stage": prompt.stage}).stage
    except ValidationError as error:
        problems = error.errors(include_url=False)
        return StageBlock(), [Refusal(explain_with_field(problem, _PromptStage), problem["loc"]) for problem in problems]
    return block, [*_unmatched(prompt, block), *_miscounted(prompt, block)]


def _unmatched(prompt: Prompt, block: StageBlock) -> Iterator[Refusal]:
    people, assets = [person.id for person in prompt.cast], [reference.id for reference in prompt.references]
    sections: Sequence[tuple[str, Mapping[str, Look], list[str]]] = (("cast", block.cast, people), ("references", block.references, assets))
    for section, given, known in sections:
        for name in given:
            if name not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                sentence = f"stage.{section}: {name!r} is not among the prompt's own {section}{did_you_mean(name, known)}; {has}"
                yield Refusal(sentence, ("stage", section, name))


def _miscounted(prompt: Prompt, block: StageBlock) -> Iterator[Refusal]:
    counts = (("shots", len(block.shots), len(prompt.shots) or 1), ("events", len(block.events), len(prompt.events)))
    for section, given, asked in counts:
        if given and given != asked:
            sentence = f"stage.{section}: {given} entries for {asked} {section}; write one for each, {{}} where nothing is stated"
            yield Refusal(sentence, ("stage", section))


def _undrawable(prompt: Prompt, block: StageBlock) -> Iterator[Refusal]:
    stated = (prompt.cast, prompt.shots, prompt.speech, prompt.events, prompt.text_in_frame, prompt.music, prompt.references, prompt.stage)
    if prompt.task == "unknown" and not any(stated):
        yield Refusal("only its text is known, and the simulator draws from fields: cast, shots, events, ... (docs/suites.md)")
    if prompt.edit is not None:
        yield Refusal("the simulator makes clips anew and cannot change a given one", ("edit",))
    if prompt.extends is not None:
        yield Refusal("the simulator makes clips anew and cannot go on from a given one", ("extends",))
    for index, (event, facts) in enumerate(facts_of_events(prompt, block)):
        kind = facts.kind or word_of(event.kind)
        if kind in FLUIDS:
            yield Refusal(f"the simulator knows rigid bodies only, not {kind}", ("events", index, "kind"))
        elif kind not in KINDS:
            sentence = f"the simulator cannot show {event.kind!r}; it shows {', '.join(KINDS)}"
            yield Refusal(sentence, ("events", index, "kind"))
        drawn = facts.object or word_of(event.object) or OBJECTS[0]
        if kind in BODY_KINDS and drawn not in (*OBJECTS, "none"):
            sentence = f"the simulator cannot draw {event.object!r}; it draws {', '.join(OBJECTS)}"
            yield Refusal(sentence, ("events", index, "object"))
    yield from _unplayable(prompt, block)


def _unplayable(prompt: Prompt, block: StageBlock) -> Iterator[Refusal]:
    if prompt.music is None:
        return
    style, tempo_bpm = block.music.style or word_of(prompt.music.style) or MUSIC_STYLES[0], prompt.music.tempo_bpm
    if style not in MUSIC_STYLES:
        sentence = (
            f"the simulator cannot play {prompt.music.style!r}{did_you_mean(style, MUSIC_STYLES)}; it plays {', '.join(MUSIC_STYLES)}"
        )
        yield Refusal(sentence, ("music", "style"))
    slowest, fastest = TEMPOS_BPM
    if tempo_bpm is None or not slowest <= tempo_bpm <= fastest:
        asked = "no tempo" if tempo_bpm is None else f"{tempo_bpm:g}"
        yield Refusal(
            f"the simulator plays music of {slowest:g} to {fastest:g} beats a minute, the prompt states {asked}", ("music", "tempo_bpm")
        )


def word_of(words: str) -> str:
    """Free words as the simulator compares them: lower case, no article.

    >>> word_of("A wooden ball")
    'wooden ball'
    """
    plain = " ".join(words.lower().split())
    return next((plain.removeprefix(article) for article in ("a ", "an ", "the ") if plain.startswith(article)), plain)


def facts_of_events(prompt: Prompt, block: StageBlock) -> Sequence[tuple[Event, EventBlock]]:
    """Each event of a prompt with its facts."""
    facts = block.events if len(block.events) == len(prompt.events) else (EventBlock(),) * len(prompt.events)
    return list(zip(prompt.events, facts, strict=True))
