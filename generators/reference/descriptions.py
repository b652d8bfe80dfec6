"""The texts of sampled prompts: people, places, light, shots and lines described in words that vary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seedbench.generators.simulator.stage_block import Look
from seedbench.generators.simulator.staging import StagedPerson, StagedShot
from seedbench.suites.prompt import Line

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


_NUMBERS = {5: "half a metre", 10: "one metre", 15: "one and a half metres", 20: "two metres"}


class RandomDraws:
    """Random choices from one random generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def choice(self, choices: Sequence[Any], p: Sequence[float] | None = None) -> Any:
        return choices[int(self.rng.choice(len(choices), p=p))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)


def person_text(draws: RandomDraws, look: Look, voice: str, *, left_out: float = 0.0) -> str:
    """A person as a noun with its traits.

    Args:
        draws: the random choices.
        look: the look, with all words set.
        voice: ``low`` or ``high``.
        left_out: the probability that a trait is left out.
    """
    noun = draws.choice(
        ("woman", "woman", "young woman", "elderly woman") if voice == "high" else ("man", "man", "young man", "elderly man")
    )
    traits = [f"{look.skin} skin"]
    traits.append("a bald head" if look.hair_style == "bald" else f"{look.hair_style} {look.hair} hair")
    traits += [f"{look.eyes} eyes", f"{'an' if look.face == 'oval' else 'a'} {look.face} face"]
    traits += ["a beard"] if look.beard else []
    named = [trait for trait in traits if not draws.chance(left_out)]
    garment = draws.choice(GARMENTS[voice])
    worn = f"{'an' if str(look.clothes)[0] in 'aeiou' else 'a'} {look.clothes} {garment}"
    article = "an" if noun[0] in "aeiou" else "a"
    listed = (", ".join(named[:-1]) + " and " + named[-1]) if len(named) > 1 else "".join(named)
    wears = f", wearing glasses and {worn}" if look.glasses else f", {draws.choice(('in', 'in', 'wearing'))} {worn}"
    return f"{article} {noun}{' with ' + listed if listed else ''}{wears}"


def scene_text(draws: RandomDraws, shot: StagedShot, *, framing: bool = True) -> str:
    """Place, light and framing of a shot in words.

    Args:
        draws: The random choices.
        shot: The shot.
        framing: Whether to name the framing.

    Returns:
        A part of a sentence.
    """
    parts = [draws.choice(PLACES[shot.place]), draws.choice(LIGHTS[shot.light])]
    if draws.chance(0.3):
        parts.reverse()
    if framing:
        parts.insert(int(draws.rng.integers(0, 2)) * 2, draws.choice(FRAMINGS[shot.framing]))
    return draws.choice((" ", ", ")).join(parts)


def _number_text(value: float) -> str:
    return f"{value:g}"


def prompt_text(
    draws: RandomDraws, cast: tuple[StagedPerson, ...], shots: Sequence[StagedShot], lines: Sequence[Line], *, left_out: float
) -> str:
    """The text of a prompt with people: who they are, where each shot shows them, what they say.

    Args:
        draws: The random choices.
        cast: The people.
        shots: The shots.
        lines: What they say.
        left_out: The chance 0..1 that a feature of a person is not named.

    Returns:
        The text.
    """
    people = {person.id: person_text(draws, person.look, person.voice, left_out=left_out) for person in cast}
    says = {
        line.character: draws.choice(
            (
                f'says in {LANGUAGE_NAMES[line.language]}: "{line.text}"',
                f'looks into the camera and says in {LANGUAGE_NAMES[line.language]}: "{line.text}"',
                f'speaks to the viewer in {LANGUAGE_NAMES[line.language]}: "{line.text}"',
                f'turns to the camera and says in {LANGUAGE_NAMES[line.language]}: "{line.text}"',
            )
        )
        for line in lines
    }
    close = draws.choice(
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
        verb = draws.choice(("sits", "stands", "is seen", ""))
        scene = scene_text(draws, shots[0])
        speech = says.get(who, "does not speak")
        if draws.chance(0.35):
            return f"{scene[0].upper()}{scene[1:]}: {people[who]}, {speech} {close}".strip()
        return f"{people[who][0].upper()}{people[who][1:]}, {verb + ' ' if verb else ''}{scene}, {speech} {close}".strip()
    cuts = [_number_text(shot.start_s) for shot in shots[1:]]
    if len(cast) == 2:
        first, second = shots[0].cast[0], shots[1].cast[0]
        begin = draws.choice(("A conversation in two shots.", "Shot and reverse shot.", "Two people in turn.", "A short conversation."))
        cut = draws.choice((f"At {cuts[0]} seconds the picture cuts to", f"Cut at {cuts[0]} seconds to", f"At {cuts[0]} seconds a cut to"))
        return (
            f"{begin} First {people[first]}, {scene_text(draws, shots[0])}, {says.get(first, 'does not speak')} "
            f"{cut} {people[second]}, {scene_text(draws, shots[1])}, who {says.get(second, 'does not speak')} {close}"
        ).strip()
    who = shots[0].cast[0]
    count = ("Two", "Three", "Four")[len(shots) - 2]
    speech = says.get(who, "does not speak")
    pronoun = "she" if cast[0].voice == "high" else "he"
    if draws.chance(0.5):
        places = "; ".join(scene_text(draws, shot) for shot in shots)
        when = " and ".join(cuts)
        return f"{count} shots of {people[who]}, cut at {when} seconds: {places}. Through all of them {pronoun} {speech} {close}".strip()
    steps = [f"First, {scene_text(draws, shots[0])}"] + [
        f"a cut at {cut} seconds to {scene_text(draws, shot)}" for cut, shot in zip(cuts, shots[1:], strict=True)
    ]
    return f"{count} shots of the same person, {people[who]}. {'; '.join(steps)}. {pronoun.capitalize()} {speech} {close}".strip()


def height_text(draws: RandomDraws, tenths: int) -> str:
    """A height in words.

    Args:
        draws: The random choices.
        tenths: The height in tenths of a metre.

    Returns:
        The height in metres or centimetres.
    """
    if tenths in _NUMBERS and draws.chance(0.7):
        return str(_NUMBERS[tenths])
    return f"{10 * tenths} centimetres" if tenths < 10 and draws.chance(0.6) else f"{_number_text(tenths / 10)} metres"
