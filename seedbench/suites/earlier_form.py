"""The form in which versions up to 0.1 wrote prompts, in files, in stored runs and in keys.

In that form the facts that a simulator draws from stood among the other fields (``cast[0].look``, ``shots[0].framing``,
``events[0].restitution``); now they stand in the prompt's ``stage`` block. Three things still use the earlier form:

- suite files of users, which load with a warning for one version (:func:`is_earlier`, :func:`from_earlier`);
- specs of stored runs (:func:`read_prompt`);
- keys: cells and scores are keyed by :func:`stored_json`, so that runs of earlier versions resume.

This is the only module of the core that knows keys of the stage block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from seedbench.suites.event_kinds import KINDS, KindFacts
from seedbench.suites.prompt import Event, Prompt

Location = tuple[int | str, ...]


class _Facts(BaseModel):
    """Facts of the stage that have a place of their own in the earlier form, with the defaults that they had there."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _LookFacts(_Facts):
    identity: int = 0
    skin: str | None = None
    hair: str | None = None
    hair_style: str | None = None
    eyes: str | None = None
    face: str | None = None
    beard: bool | None = None
    glasses: bool | None = None
    clothes: str | None = None


class _VoiceFacts(_Facts):
    voice: str = "low"


class _ShotFacts(_Facts):
    framing: str = "medium"
    light: str = "day"
    pose: str = "front"
    camera: str = "static"
    place: str = "studio"


class _EventFacts(_Facts):
    speed_m_s: float = 0.0
    restitution: float = 0.7


class _DrawingFacts(_Facts):
    """Whether the simulator draws the prompt. It draws one with ``simulated: true`` whatever ``not_simulated`` says."""

    simulated: bool = True
    not_simulated: str = ""


_KINDS = frozenset({*KINDS, "knock", "clap", "bell", "beep", "cloth", "water", "smoke"})
_OBJECTS = frozenset({"", "rubber ball", "wooden ball", "steel ball", "glass marble", "basketball", "box", "none"})
_FALLING_OR_SWINGING = frozenset(kind for kind, facts in KINDS.items() if facts.motion in ("flight", "swing"))
#: What an event without a height, an event without an object and music without a style meant.
_HEIGHT_M, _OBJECT, _MUSIC_STYLE = 1.5, "rubber ball", "drums"


def is_earlier(prompt: Any) -> bool:
    """Whether plain data is a prompt in the earlier form: it has a fact of the stage outside ``stage``, or relies on the default height.

    >>> is_earlier({"id": "a", "cast": [{"id": "ana", "voice": "high"}]}), is_earlier({"id": "a", "cast": [{"id": "ana"}]})
    (True, False)
    """
    if not isinstance(prompt, Mapping) or "stage" in prompt:
        return False
    if _DrawingFacts.model_fields.keys() & prompt.keys():
        return True
    moved = any(keys & row.keys() for section, keys in _MOVED.items() for row in _rows(prompt, section))
    return moved or any(_relies_on_the_height(event) for event in _rows(prompt, "events"))


def from_earlier(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt of the earlier form as plain data of today's: facts of the stage moved into ``stage``, those with default values left out.

    >>> from_earlier({"id": "a", "cast": [{"id": "ana", "look": {"hair": "red"}, "voice": "low"}]})
    {'id': 'a', 'cast': [{'id': 'ana'}], 'stage': {'cast': {'ana': {'hair': 'red'}}}}
    """
    plain = {name: [dict(row) if isinstance(row, Mapping) else row for row in value] if isinstance(value, list | tuple) else value
             for name, value in prompt.items()}  # fmt: skip
    people, looks = {}, {}
    for row in _rows(plain, "cast"):
        facts = _look_of(row) | _stated(_VoiceFacts, _taken(row, _VoiceFacts))
        if facts:
            people[str(row.get("id"))] = facts
    for row in _rows(plain, "references"):
        if isinstance(row.get("look"), Mapping):
            looks[str(row.get("id"))] = _look_of(row)
        elif row.get("look") is None:
            row.pop("look", None)
    shots = [_stated(_ShotFacts, _taken(row, _ShotFacts)) for row in _rows(plain, "shots")]
    events = [_stated(_EventFacts, _taken(row, _EventFacts)) for row in _rows(plain, "events")]
    for row in _rows(plain, "events"):
        if row.setdefault("height_m", _HEIGHT_M) == _HEIGHT_M and row.get("kind") not in _FALLING_OR_SWINGING:
            del row["height_m"]
    stage: dict[str, Any] = {"cast": people, "shots": shots if any(shots) else [], "events": events if any(events) else []}
    stage["references"] = looks
    stage |= _drawing_of(plain)
    stage = {section: facts for section, facts in stage.items() if facts}
    return {**plain, **({"stage": stage} if stage else {})}


def read_prompt(plain: Mapping[str, Any]) -> Prompt:
    """A prompt from plain data as :func:`stored_json` gives it, in either form.

    Raises:
        ValidationError: pydantic's, for data that is no prompt.
    """
    return Prompt.model_validate(from_earlier(plain) if is_earlier(plain) else plain)


def stored_json(prompt: Prompt) -> dict[str, Any]:
    """A prompt as the JSON data that stored specs hold and that keys of cells and scores are made of; without its tags.

    Returns:
        The earlier form with all its defaults, where that can say all that the prompt says: the keys are then those of earlier versions.
        Any other prompt (events in other words, further keys in the stage block, ...) in today's form.
    """
    try:
        return _as_earlier(prompt)
    except (ValidationError, _NotInEarlierFormError):
        return prompt.model_dump(mode="json", exclude={"tags"})


def earlier_location(prompt: Mapping[str, Any], location: Location) -> Location:
    """Where a place of the stage block stands in a prompt of the earlier form.

    >>> earlier_location({"cast": [{"id": "ana"}]}, ("stage", "cast", "ana", "hair"))
    ('cast', 0, 'look', 'hair')
    """
    if location[:1] != ("stage",):
        return location
    section, *rest = location[1:] or ("",)
    if section not in ("cast", "references") or not rest:
        return (section, *rest)
    ids = [row.get("id") for row in _rows(prompt, str(section))]
    inside = rest[1:] if rest[1:] == ["voice"] else ["look", *rest[1:]]
    return (section, ids.index(rest[0]), *inside) if rest[0] in ids else (section,)


def today_location(prompt: Any, location: Sequence[int | str]) -> Location | None:
    """Where a value of the earlier form stands today, if it has moved into the stage block.

    >>> today_location({}, ("shots", 1, "framing"))
    ('stage', 'shots', 1, 'framing')
    """
    section, position, key = (*location, "", "", "")[:3]
    if section in ("simulated", "not_simulated"):
        return ("stage", "not_simulated")
    if key not in _MOVED.get(str(section), ()) or not isinstance(position, int):
        return None
    if section in ("shots", "events"):
        return ("stage", section, position, key)
    name = str(prompt[section][position].get("id", position))
    return ("stage", section, name) if key == "look" else ("stage", section, name, key)


def advice(prompt: Mapping[str, Any]) -> str:
    """What to write today instead of a prompt of the earlier form, as YAML."""
    today = from_earlier(prompt)
    changed = [section for section in ("cast", "shots", "events", "references") if today.get(section) != prompt.get(section)]
    written = {section: today[section] for section in (*changed, "stage") if section in today}
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None).rstrip()


class _NotInEarlierFormError(Exception):
    """The prompt says something for which the earlier form has no words."""


_MOVED: Mapping[str, frozenset[str]] = {
    "cast": frozenset({"look", *_VoiceFacts.model_fields}),
    "shots": frozenset(_ShotFacts.model_fields),
    "events": frozenset(_EventFacts.model_fields),
    "references": frozenset({"look"}),
}


def _rows(prompt: Mapping[str, Any], section: str) -> list[dict[str, Any]]:
    rows = prompt.get(section)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []  # type: ignore[misc]


def _relies_on_the_height(event: Mapping[str, Any]) -> bool:
    """Whether an event of the earlier kinds falls or swings from a height that it does not state."""
    earlier = event.get("kind") in _FALLING_OR_SWINGING and event.get("object", "") in _OBJECTS
    return earlier and not {"height_m", "motion", "impact"} & event.keys()


def _taken(row: dict[str, Any], facts: type[_Facts]) -> dict[str, Any]:
    """The keys of ``facts`` taken out of a row."""
    return {name: row.pop(name) for name in facts.model_fields if name in row}


def _look_of(row: dict[str, Any]) -> dict[str, Any]:
    """The look taken out of a row; keys that no look has stay in it, for the simulator to refuse."""
    look = row.pop("look", None)
    if not isinstance(look, Mapping):
        return {} if look is None else {"look": look}
    known = {name: look[name] for name in _LookFacts.model_fields if name in look}
    return _stated(_LookFacts, known) | {str(name): value for name, value in look.items() if name not in known}


def _drawing_of(plain: dict[str, Any]) -> dict[str, Any]:
    """What the block says of drawing the prompt: the reason alone refuses it, ``simulated: True`` beside the reason draws it."""
    facts = {"simulated": True} | _stated(_DrawingFacts, _taken(plain, _DrawingFacts))
    if facts["simulated"] is False:
        return {"not_simulated": facts.get("not_simulated", "no reason is given")}
    return {} if facts == {"simulated": True} else facts


def _stated(facts: type[_Facts], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given facts that are not the default, in the types they have; what is of another type stays as it is."""
    stated = {}
    for name, value in given.items():
        try:
            read = getattr(facts.model_validate({name: value}), name)
        except ValidationError:
            read = value
        if repr(read) != repr(facts.model_fields[name].default):  # -0.0 is another number in JSON than 0.0
            stated[name] = read
    return stated


def _as_earlier(prompt: Prompt) -> dict[str, Any]:
    """The earlier form of a prompt. Raises ValidationError or _NotInEarlierFormError where that form cannot say it."""
    plain = prompt.model_dump(mode="json", exclude={"stage", "tags"})
    stage: dict[str, Any] = dict(prompt.stage)
    _only(stage, ("cast", "shots", "events", "references", *_DrawingFacts.model_fields))
    people, looks = _mapping(stage.get("cast", {})), _mapping(stage.get("references", {}))
    _only(people, (person.id for person in prompt.cast))
    _only(looks, (reference.id for reference in prompt.references))
    for row in plain["cast"]:
        facts = _mapping(people.get(row["id"], {}))
        voice = {name: value for name, value in facts.items() if name in _VoiceFacts.model_fields}
        look = {name: value for name, value in facts.items() if name not in voice}
        row |= {"look": _complete(_LookFacts, look), **_complete(_VoiceFacts, voice)}
    for row in plain["references"]:
        row["look"] = _complete(_LookFacts, _mapping(looks[row["id"]])) if row["id"] in looks else None
    for section, model in (("shots", _ShotFacts), ("events", _EventFacts)):
        rows = stage.get(section) or [{}] * len(plain[section])
        if not isinstance(rows, list) or len(rows) != len(plain[section]):
            raise _NotInEarlierFormError
        for row, facts in zip(plain[section], rows, strict=True):
            row |= _complete(model, _mapping(facts))
    for row, event in zip(plain["events"], prompt.events, strict=True):
        _event_as_earlier(row, event)
    if plain["music"] is not None:
        if plain["music"]["tempo_bpm"] is None:
            raise _NotInEarlierFormError
        plain["music"]["style"] = plain["music"]["style"] or _MUSIC_STYLE
    why = stage.get("not_simulated", "")
    if not isinstance(why, str) or ("simulated" in stage and not (stage["simulated"] is True and why)):
        raise _NotInEarlierFormError
    return {**plain, "simulated": "simulated" in stage or not why, "not_simulated": why}


def _event_as_earlier(row: dict[str, Any], event: Event) -> None:
    """Write an event in the earlier form: known words, no ``motion`` and ``impact`` of its own, an object and a height always."""
    facts = KINDS.get(event.kind, KindFacts())
    known = event.kind in _KINDS and event.object in _OBJECTS and (event.motion, event.impact) == (facts.motion, facts.impact)
    if not known or (event.height_m is None and event.kind in _FALLING_OR_SWINGING):
        raise _NotInEarlierFormError
    del row["motion"], row["impact"]
    row["object"] = event.object or _OBJECT
    row["height_m"] = _HEIGHT_M if event.height_m is None else event.height_m


def _complete(facts: type[_Facts], given: Mapping[str, Any]) -> dict[str, Any]:
    return facts.model_validate(given).model_dump(mode="json")


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _NotInEarlierFormError
    return value


def _only(mapping: Mapping[str, Any], known: Iterable[str]) -> None:
    if not mapping.keys() <= set(known):
        raise _NotInEarlierFormError
