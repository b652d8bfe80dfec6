"""The training world: endless prompts of the kinds the model is asked for, in words of many turns, each one told by a number.

A prompt here is an ordinary :class:`seedbench.suites.prompt.Prompt`; the simulator shows it. Looks are told in words or left open; one look
in :data:`HELD_OUT_SHARE` (by a hash of its words) is never trained on and is what the evaluation asks for.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np

from seedbench.generators.reference import sentences
from seedbench.generators.simulator.stage_block import Look
from seedbench.generators.simulator.staging import StagedEvent, StagedPerson, StagedShot, prompt_with_stage
from seedbench.suites.prompt import Line, Prompt

Kind = Literal["talking", "dialogue", "multi_shot", "impact", "still"]

FPS = 25
HELD_OUT_SHARE = 8
#: One spoken line in this many is in another language than English.
LANGUAGES = {"en": 0.76, "es": 0.06, "de": 0.06, "fr": 0.05, "cmn": 0.03, "it": 0.02, "pt": 0.02}
LANGUAGE_NAMES = {
    "en": "English",
    "es": "Spanish",
    "de": "German",
    "fr": "French",
    "cmn": "Mandarin Chinese",
    "it": "Italian",
    "pt": "Brazilian Portuguese",
}
PLACES = {
    "studio": ("in a plain grey studio", "in a grey studio", "in a plain studio", "before a plain grey wall"),
    "street": ("on a city street", "in a city street", "on a street in the city", "in the street"),
    "park": ("in a green park", "in a park", "in the park", "among the trees of a park"),
    "room": ("in a living room", "in a room", "at home in a living room", "indoors in a living room"),
    "night": ("outdoors at night", "at night", "outside at night", "in the open at night"),
}
LIGHTS = {
    "day": ("in even daylight", "in daylight", "in bright daylight", "in plain daylight"),
    "warm": ("in warm evening light", "in warm light", "in the warm light of the evening", "in golden evening light"),
    "cool": ("in cool bluish light", "in cool light", "in cold bluish light", "in cool blue light"),
    "dim": ("in dim light", "in faint light", "in low, dim light", "in dim evening light"),
}
FRAMINGS = {
    "close": ("seen in close-up", "in a close-up", "seen close", "close", "in close-up", "filmed close"),
    "medium": ("seen from the chest up", "from the chest up", "shown from the chest up", "filmed from the chest up"),
}
GARMENTS = {
    "high": ("sweater", "blouse", "dress", "jacket", "cardigan", "shirt", "coat", "pullover", "top", "raincoat"),
    "low": ("sweater", "shirt", "turtleneck", "jacket", "pullover", "cardigan", "overall", "football shirt", "sweatshirt", "coat"),
}
OBJECTS = {
    "rubber ball": (("a rubber ball",), ("dull thud", "soft thud", "thud"), (0.65, 0.85)),
    "wooden ball": (("a wooden ball", "a ball of wood"), ("dry knock", "knock", "wooden knock"), (0.45, 0.6)),
    "steel ball": (("a heavy steel ball", "a steel ball"), ("ringing clank", "loud clank", "clank"), (0.2, 0.35)),
    "glass marble": (("a glass marble", "a marble"), ("bright click", "click", "sharp click"), (0.5, 0.65)),
    "basketball": (("a basketball",), ("hollow thump", "hollow ringing thump", "thump"), (0.68, 0.78)),
    "box": (("a closed cardboard box", "a cardboard box", "a box"), ("heavy thump", "single heavy thump", "thump"), (0.03, 0.08)),
}
_NUMBERS = {5: "half a metre", 10: "one metre", 15: "one and a half metres", 20: "two metres"}


@dataclass(frozen=True)
class Drawn:
    """A drawn prompt, and ``extras``: other shots of its people (one frame each, one for each of the cast in turn)."""

    prompt: Prompt
    extras: Prompt | None


class Pen:
    """Draws choices and words from one stream."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one(self, choices: Sequence[Any], p: Sequence[float] | None = None) -> Any:
        return choices[int(self.rng.choice(len(choices), p=p))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)


def held_out(look: Look) -> bool:
    """Whether a look belongs to those that no training prompt shows.

    >>> held_out(Look(skin="fair", hair="red", hair_style="long", eyes="green", face="oval"))
    False
    """
    words = f"{look.skin} {look.hair} {look.hair_style} {look.eyes} {look.face} {look.beard} {look.glasses}"
    return zlib.crc32(words.encode()) % HELD_OUT_SHARE == 0


def draw(number: int, *, seed: int = 0, kind: Kind | None = None) -> Drawn:
    """The prompt of a number: the same number gives the same prompt. Without ``kind``, mostly people who talk, and some falling bodies."""
    pen = Pen(np.random.default_rng([seed, number, 0xA11]))
    chosen: Kind = kind or pen.one(get_args(Kind)[:4], p=(0.56, 0.08, 0.18, 0.18))
    if chosen == "impact":
        return Drawn(_impact(pen, number), None)
    return _people(pen, number, chosen)


def draw_look(pen: Pen, voice: str, *, unseen: bool = False) -> Look:
    """A look whose words are all said, trained on or (``unseen``) not.

    No unseen one is bald: its hair is not said, and another's is trained on.
    """
    fields = Look.model_fields
    while True:
        words: dict[str, Any] = {
            name: pen.one(get_args(get_args(fields[name].annotation)[0]))
            for name in ("skin", "hair", "hair_style", "eyes", "face", "clothes")
        }
        if words["hair_style"] == "bald" and (unseen or voice == "high" or pen.chance(0.5)):
            continue
        if words["hair"] in ("blue", "green", "purple") and pen.chance(0.6):
            continue
        look = Look(
            identity=int(pen.rng.integers(1, 1_000_000)), beard=voice == "low" and pen.chance(0.35), glasses=pen.chance(0.2), **words
        )
        if held_out(look) == unseen:
            return look


def person_in_words(pen: Pen, look: Look, voice: str, *, left_out: float = 0.0) -> str:
    """A person as a noun with its traits; each trait is left out with the chance ``left_out``."""
    noun = pen.one(("woman", "woman", "young woman", "elderly woman") if voice == "high" else ("man", "man", "young man", "elderly man"))
    traits = [f"{look.skin} skin"]
    traits.append("a bald head" if look.hair_style == "bald" else f"{look.hair_style} {look.hair} hair")
    traits += [f"{look.eyes} eyes", f"{'an' if look.face == 'oval' else 'a'} {look.face} face"]
    traits += ["a beard"] if look.beard else []
    kept = [trait for trait in traits if not pen.chance(left_out)]
    garment = pen.one(GARMENTS[voice])
    worn = f"{'an' if str(look.clothes)[0] in 'aeiou' else 'a'} {look.clothes} {garment}"
    article = "an" if noun[0] in "aeiou" else "a"
    listed = (", ".join(kept[:-1]) + " and " + kept[-1]) if len(kept) > 1 else "".join(kept)
    wears = f", wearing glasses and {worn}" if look.glasses else f", {pen.one(('in', 'in', 'wearing'))} {worn}"
    return f"{article} {noun}{' with ' + listed if listed else ''}{wears}"


def drawn_shot(pen: Pen, cast: tuple[str, ...], start_s: float, end_s: float) -> StagedShot:
    return StagedShot(
        start_s=start_s,
        end_s=end_s,
        cast=cast,
        framing=pen.one(("close", "medium"), p=(0.6, 0.4)),
        light=pen.one(tuple(LIGHTS), p=(0.4, 0.25, 0.2, 0.15)),
        place=pen.one(tuple(PLACES), p=(0.28, 0.2, 0.2, 0.2, 0.12)),
    )


def seen_in_words(pen: Pen, shot: StagedShot, *, framing: bool = True) -> str:
    parts = [pen.one(PLACES[shot.place]), pen.one(LIGHTS[shot.light])]
    if pen.chance(0.3):
        parts.reverse()
    if framing:
        parts.insert(int(pen.rng.integers(0, 2)) * 2, pen.one(FRAMINGS[shot.framing]))
    return pen.one((" ", ", ")).join(parts)


def _number(value: float) -> str:
    return f"{value:g}"


def _lengths(pen: Pen, n_shots: int, duration_s: float) -> list[float]:
    """Times of the cuts, on a grid of a tenth of a second, no shot shorter than 1.2 s where the duration allows."""
    shares = pen.rng.uniform(0.75, 1.25, n_shots)
    ends = np.cumsum(shares / shares.sum() * duration_s)[:-1]
    return [round(float(end), 1) for end in ends]


def spoken_s(text: str, language: str) -> float:
    """About how long a sentence takes, in seconds, by its letters."""
    return (0.21 if language == "cmn" else 0.068) * len(text) + 0.35


def _people(pen: Pen, number: int, kind: Kind) -> Drawn:
    still = kind == "still"
    shape: str = pen.one(("talking", "multi_shot", "dialogue"), p=(0.5, 0.35, 0.15)) if still else kind
    n_people = 2 if shape == "dialogue" else 1
    voices: list[Literal["low", "high"]] = [pen.one(("low", "high")) for _ in range(n_people)]
    looks = [draw_look(pen, voice) for voice in voices]
    cast = tuple(StagedPerson(f"p{i}", look, voice) for i, (look, voice) in enumerate(zip(looks, voices, strict=True)))
    language = pen.one(tuple(LANGUAGES), p=tuple(LANGUAGES.values()))
    n_lines = 2 if shape == "dialogue" else 1
    spoken = [sentences.sentence(language, pen.rng, words=(3, 7) if shape == "dialogue" else (3, 11)) for _ in range(n_lines)]
    starts, at_s = [], round(float(pen.rng.uniform(0.2, 0.5)), 1)
    cuts: list[float] = []
    for index, text in enumerate(spoken):
        starts.append(at_s)
        at_s = round(at_s + spoken_s(text, language) + float(pen.rng.uniform(0.1, 0.5)), 1)
        if index + 1 < n_lines:
            cuts.append(round(at_s, 1))
            at_s = round(at_s + 0.2, 1)
    duration_s = min(6.4, max(1.6, at_s))
    if shape == "multi_shot":
        cuts = _lengths(pen, int(pen.rng.integers(2, 4)), duration_s)
    edges = [0.0, *[cut for cut in cuts if 0 < cut < duration_s - 0.3], duration_s]
    one_place = drawn_shot(pen, (), 0, 1) if pen.chance(0.4) else None
    shots = []
    for index, (start_s, end_s) in enumerate(pairwise(edges)):
        who = cast[index % n_people].id
        shot = drawn_shot(pen, (who,), start_s, end_s)
        if one_place is not None:
            shot = replace(shot, place=one_place.place, light=one_place.light)
        shots.append(shot)
    lines = [Line(character=cast[i % n_people].id, text=text, language=language, start_s=starts[i]) for i, text in enumerate(spoken)]
    lines = [line for line in lines if line.start_s < duration_s - 0.5]
    text = _told(pen, cast, shots, lines, left_out=0.25 if pen.chance(0.3) else 0.0)
    if still:
        shots = [replace(shot, start_s=i / FPS, end_s=(i + 1) / FPS) for i, shot in enumerate(shots)]
        duration_s, lines = len(shots) / FPS, []
    prompt = prompt_with_stage(
        f"{kind.replace('_', '-')}-{number}",
        text,
        "talking" if kind == "still" else kind,
        duration_s=duration_s,
        cast=cast,
        shots=shots,
        speech=tuple(lines),
    )
    return Drawn(prompt, _extras(pen, number, cast))


def _extras(pen: Pen, number: int, cast: tuple[StagedPerson, ...]) -> Prompt:
    """Two more looks at each of the cast, elsewhere: what a reference image may be."""
    shots = []
    for index in range(2 * len(cast)):
        shot = drawn_shot(pen, (cast[index % len(cast)].id,), index / FPS, (index + 1) / FPS)
        if pen.chance(0.5):  # as a portrait
            shot = replace(shot, framing="close", light="day", place="studio")
        shots.append(shot)
    return prompt_with_stage(f"extras-{number}", "", "talking", duration_s=len(shots) / FPS, cast=cast, shots=shots)


def _told(pen: Pen, cast: tuple[StagedPerson, ...], shots: Sequence[StagedShot], lines: Sequence[Line], *, left_out: float) -> str:
    people = {person.id: person_in_words(pen, person.look, person.voice, left_out=left_out) for person in cast}
    says = {
        line.character: pen.one(
            (
                f'says in {LANGUAGE_NAMES[line.language]}: "{line.text}"',
                f'looks into the camera and says in {LANGUAGE_NAMES[line.language]}: "{line.text}"',
                f'speaks to the viewer in {LANGUAGE_NAMES[line.language]}: "{line.text}"',
                f'turns to the camera and says in {LANGUAGE_NAMES[line.language]}: "{line.text}"',
            )
        )
        for line in lines
    }
    close = pen.one(
        (
            "One unbroken shot, no music.",
            "A single take with a static camera; only the voice is heard.",
            "No music.",
            "The camera does not move, nobody else speaks.",
            "",
        )
    )
    if len(shots) == 1:
        who = shots[0].cast[0]
        verb = pen.one(("sits", "stands", "is seen", ""))
        scene = seen_in_words(pen, shots[0])
        told = says.get(who, "does not speak")
        if pen.chance(0.35):
            return f"{scene[0].upper()}{scene[1:]}: {people[who]}, {told} {close}".strip()
        return f"{people[who][0].upper()}{people[who][1:]}, {verb + ' ' if verb else ''}{scene}, {told} {close}".strip()
    cuts = [_number(shot.start_s) for shot in shots[1:]]
    if len(cast) == 2:
        first, second = shots[0].cast[0], shots[1].cast[0]
        begin = pen.one(("A conversation in two shots.", "Shot and reverse shot.", "Two people in turn.", "A short conversation."))
        cut = pen.one((f"At {cuts[0]} seconds the picture cuts to", f"Cut at {cuts[0]} seconds to", f"At {cuts[0]} seconds a cut to"))
        return (
            f"{begin} First {people[first]}, {seen_in_words(pen, shots[0])}, {says.get(first, 'does not speak')} "
            f"{cut} {people[second]}, {seen_in_words(pen, shots[1])}, who {says.get(second, 'does not speak')} {close}"
        ).strip()
    who = shots[0].cast[0]
    count = ("Two", "Three", "Four")[len(shots) - 2]
    told = says.get(who, "does not speak")
    pronoun = "she" if cast[0].voice == "high" else "he"
    if pen.chance(0.5):
        places = "; ".join(seen_in_words(pen, shot) for shot in shots)
        when = " and ".join(cuts)
        return f"{count} shots of {people[who]}, cut at {when} seconds: {places}. Through all of them {pronoun} {told} {close}".strip()
    steps = [f"First, {seen_in_words(pen, shots[0])}"] + [
        f"a cut at {cut} seconds to {seen_in_words(pen, shot)}" for cut, shot in zip(cuts, shots[1:], strict=True)
    ]
    return f"{count} shots of the same person, {people[who]}. {'; '.join(steps)}. {pronoun.capitalize()} {told} {close}".strip()


def _height_in_words(pen: Pen, tenths: int) -> str:
    if tenths in _NUMBERS and pen.chance(0.7):
        return str(_NUMBERS[tenths])
    return f"{10 * tenths} centimetres" if tenths < 10 and pen.chance(0.6) else f"{_number(tenths / 10)} metres"


def _impact(pen: Pen, number: int) -> Prompt:
    thing = pen.one(tuple(OBJECTS), p=(0.22, 0.22, 0.16, 0.14, 0.2, 0.06))
    names, sounds, bounce = OBJECTS[thing]
    tenths = int(pen.rng.integers(6, 21))
    restitution = round(float(pen.rng.uniform(*bounce)), 2)
    name, sound, height = pen.one(names), pen.one(sounds), _height_in_words(pen, tenths)
    start_s = round(float(pen.rng.uniform(0.2, 0.6)), 1)
    duration_s = round(float(pen.rng.uniform(2.0, 3.4)), 1)
    floor = pen.one(("a hard floor", "the floor", "a stone floor", "a tiled floor", "a wooden floor"))
    how = pen.one(
        (
            f"{name} is let go from a height of {height}, falls onto {floor} and is heard to hit it with a {sound}",
            f"{name} is dropped from {height} onto {floor}, with a {sound} at every contact",
            f"{name} falls {height} straight down onto {floor} and lands with a {sound}",
            f"{name} dropped from {height} bounces on the spot on {floor}, each bounce lower than the one before, "
            f"with a {sound} at every contact",
        )
    )
    after = pen.one(("", "It comes to rest.", "The sound comes exactly with the contact.", "It rebounds lower each time."))
    close = pen.one(
        (
            "Static camera, wide view, daylight, no music, no people.",
            "Static camera, wide side view of the whole fall, daylight, no people.",
            "Wide side view in daylight, static camera.",
        )
    )
    return prompt_with_stage(
        f"impact-{number}",
        f"{how[0].upper()}{how[1:]}. {after} {close}".replace("  ", " "),
        "impact",
        duration_s=duration_s,
        shots=(StagedShot(start_s=0, end_s=duration_s, framing="wide"),),
        events=(
            StagedEvent(
                kind=pen.one(("drop", "bounce")),
                object=thing,
                start_s=start_s,
                height_m=tenths / 10,
                restitution=restitution,
            ),
        ),
    )
