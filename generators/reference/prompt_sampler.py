"""The prompt sampler: any number of training prompts, each decided by its number and a seed.

A sampled prompt is an ordinary :class:`seedbench.suites.prompt.Prompt` that the simulator can show. Its text describes looks in words or
leaves them open. One look in :data:`HELD_OUT_SHARE` (by a hash of its words) is held out: the evaluation uses it and training does not.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np

from seedbench.generators.reference import sentences
from seedbench.generators.reference.descriptions import (
    LIGHTS,
    PLACES,
    RandomDraws,
    height_text,
    prompt_text,
)
from seedbench.generators.simulator.stage_block import Look
from seedbench.generators.simulator.staging import StagedEvent, StagedPerson, StagedShot, prompt_with_stage
from seedbench.suites.prompt import Line, Prompt

Kind = Literal["talking", "dialogue", "multi_shot", "impact", "still"]

FPS = 25
HELD_OUT_SHARE = 8
#: The share of each language among the prompts.
LANGUAGES = {"en": 0.76, "es": 0.06, "de": 0.06, "fr": 0.05, "cmn": 0.03, "it": 0.02, "pt": 0.02}
OBJECTS = {
    "rubber ball": (("a rubber ball",), ("dull thud", "soft thud", "thud"), (0.65, 0.85)),
    "wooden ball": (("a wooden ball", "a ball of wood"), ("dry knock", "knock", "wooden knock"), (0.45, 0.6)),
    "steel ball": (("a heavy steel ball", "a steel ball"), ("ringing clank", "loud clank", "clank"), (0.2, 0.35)),
    "glass marble": (("a glass marble", "a marble"), ("bright click", "click", "sharp click"), (0.5, 0.65)),
    "basketball": (("a basketball",), ("hollow thump", "hollow ringing thump", "thump"), (0.68, 0.78)),
    "box": (("a closed cardboard box", "a cardboard box", "a box"), ("heavy thump", "single heavy thump", "thump"), (0.03, 0.08)),
}


@dataclass(frozen=True)
class SampledPrompt:
    """A sampled prompt.

    Attributes:
        prompt: The prompt.
        extras: Other shots of its people (one frame each, for each of the cast in turn); None where there are none.
    """

    prompt: Prompt
    extras: Prompt | None


def is_held_out(look: Look) -> bool:
    """Whether a look is held out of all training prompts.

    >>> is_held_out(Look(skin="fair", hair="red", hair_style="long", eyes="green", face="oval"))
    False
    """
    words = f"{look.skin} {look.hair} {look.hair_style} {look.eyes} {look.face} {look.beard} {look.glasses}"
    return zlib.crc32(words.encode()) % HELD_OUT_SHARE == 0


def sample_prompt(number: int, *, seed: int = 0, kind: Kind | None = None) -> SampledPrompt:
    """The prompt of a number.

    Args:
        number: the same number, seed and kind give the same prompt.
        seed: another seed gives other people, sentences and places.
        kind: the kind of prompt; None: mostly people who talk, and some falling bodies.
    """
    draws = RandomDraws(np.random.default_rng([seed, number, 0xA11]))
    chosen: Kind = kind or draws.choice(get_args(Kind)[:4], p=(0.56, 0.08, 0.18, 0.18))
    if chosen == "impact":
        return SampledPrompt(_impact_prompt(draws, number), None)
    return _people_prompt(draws, number, chosen)


def sample_look(draws: RandomDraws, voice: str, *, held_out: bool = False) -> Look:
    """A look with all words set.

    No held-out look is bald, because a text does not name the hair of a bald person, and looks with other hair are trained on.

    Args:
        draws: The random choices.
        voice: The voice of the person; a high one is never bald.
        held_out: Whether to draw from the held-out looks instead of the training looks.

    Returns:
        The look.
    """
    fields = Look.model_fields
    while True:
        words: dict[str, Any] = {
            name: draws.choice(get_args(get_args(fields[name].annotation)[0]))
            for name in ("skin", "hair", "hair_style", "eyes", "face", "clothes")
        }
        if words["hair_style"] == "bald" and (held_out or voice == "high" or draws.chance(0.5)):
            continue
        if words["hair"] in ("blue", "green", "purple") and draws.chance(0.6):
            continue
        look = Look(
            identity=int(draws.rng.integers(1, 1_000_000)), beard=voice == "low" and draws.chance(0.35), glasses=draws.chance(0.2), **words
        )
        if is_held_out(look) == held_out:
            return look


def sample_shot(draws: RandomDraws, cast: tuple[str, ...], start_s: float, end_s: float) -> StagedShot:
    """A shot with random framing, light and place.

    Args:
        draws: The random choices.
        cast: The people of the shot.
        start_s: Its start in seconds.
        end_s: Its end in seconds.

    Returns:
        The shot.
    """
    return StagedShot(
        start_s=start_s,
        end_s=end_s,
        cast=cast,
        framing=draws.choice(("close", "medium"), p=(0.6, 0.4)),
        light=draws.choice(tuple(LIGHTS), p=(0.4, 0.25, 0.2, 0.15)),
        place=draws.choice(tuple(PLACES), p=(0.28, 0.2, 0.2, 0.2, 0.12)),
    )


def _cut_times(draws: RandomDraws, n_shots: int, duration_s: float) -> list[float]:
    """Times of the cuts in seconds, in steps of 0.1 s; the lengths of the shots differ by at most a factor of 5 / 3."""
    shares = draws.rng.uniform(0.75, 1.25, n_shots)
    ends = np.cumsum(shares / shares.sum() * duration_s)[:-1]
    return [round(float(end), 1) for end in ends]


def spoken_length_s(text: str, language: str) -> float:
    """The approximate length of a spoken sentence, from the number of its letters.

    Args:
        text: The sentence.
        language: Its language, as a tag.

    Returns:
        Seconds.
    """
    return (0.21 if language == "cmn" else 0.068) * len(text) + 0.35


def _people_prompt(draws: RandomDraws, number: int, kind: Kind) -> SampledPrompt:
    still = kind == "still"
    shape: str = draws.choice(("talking", "multi_shot", "dialogue"), p=(0.5, 0.35, 0.15)) if still else kind
    n_people = 2 if shape == "dialogue" else 1
    voices: list[Literal["low", "high"]] = [draws.choice(("low", "high")) for _ in range(n_people)]
    looks = [sample_look(draws, voice) for voice in voices]
    cast = tuple(StagedPerson(f"p{i}", look, voice) for i, (look, voice) in enumerate(zip(looks, voices, strict=True)))
    language = draws.choice(tuple(LANGUAGES), p=tuple(LANGUAGES.values()))
    n_lines = 2 if shape == "dialogue" else 1
    spoken = [sentences.sentence(language, draws.rng, words=(3, 7) if shape == "dialogue" else (3, 11)) for _ in range(n_lines)]
    starts, at_s = [], round(float(draws.rng.uniform(0.2, 0.5)), 1)
    cuts: list[float] = []
    for index, text in enumerate(spoken):
        starts.append(at_s)
        at_s = round(at_s + spoken_length_s(text, language) + float(draws.rng.uniform(0.1, 0.5)), 1)
        if index + 1 < n_lines:
            cuts.append(round(at_s, 1))
            at_s = round(at_s + 0.2, 1)
    duration_s = min(6.4, max(1.6, at_s))
    if shape == "multi_shot":
        cuts = _cut_times(draws, int(draws.rng.integers(2, 4)), duration_s)
    edges = [0.0, *[cut for cut in cuts if 0 < cut < duration_s - 0.3], duration_s]
    common_scene = sample_shot(draws, (), 0, 1) if draws.chance(0.4) else None
    shots = []
    for index, (start_s, end_s) in enumerate(pairwise(edges)):
        shot = sample_shot(draws, (cast[index % n_people].id,), start_s, end_s)
        if common_scene is not None:
            shot = replace(shot, place=common_scene.place, light=common_scene.light)
        shots.append(shot)
    lines = [Line(character=cast[i % n_people].id, text=text, language=language, start_s=starts[i]) for i, text in enumerate(spoken)]
    lines = [line for line in lines if line.start_s < duration_s - 0.5]
    text = prompt_text(draws, cast, shots, lines, left_out=0.25 if draws.chance(0.3) else 0.0)
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
    return SampledPrompt(prompt, _extras_prompt(draws, number, cast))


def _extras_prompt(draws: RandomDraws, number: int, cast: tuple[StagedPerson, ...]) -> Prompt:
    """Two more pictures of each person of the cast in other scenes, such as reference images show."""
    shots = []
    for index in range(2 * len(cast)):
        shot = sample_shot(draws, (cast[index % len(cast)].id,), index / FPS, (index + 1) / FPS)
        if draws.chance(0.5):  # a portrait
            shot = replace(shot, framing="close", light="day", place="studio")
        shots.append(shot)
    return prompt_with_stage(f"extras-{number}", "", "talking", duration_s=len(shots) / FPS, cast=cast, shots=shots)


def _impact_prompt(draws: RandomDraws, number: int) -> Prompt:
    body = draws.choice(tuple(OBJECTS), p=(0.22, 0.22, 0.16, 0.14, 0.2, 0.06))
    names, sounds, bounce = OBJECTS[body]
    tenths = int(draws.rng.integers(6, 21))
    restitution = round(float(draws.rng.uniform(*bounce)), 2)
    name, sound, height = draws.choice(names), draws.choice(sounds), height_text(draws, tenths)
    start_s = round(float(draws.rng.uniform(0.2, 0.6)), 1)
    duration_s = round(float(draws.rng.uniform(2.0, 3.4)), 1)
    floor = draws.choice(("a hard floor", "the floor", "a stone floor", "a tiled floor", "a wooden floor"))
    how = draws.choice(
        (
            f"{name} is let go from a height of {height}, falls onto {floor} and is heard to hit it with a {sound}",
            f"{name} is dropped from {height} onto {floor}, with a {sound} at every contact",
            f"{name} falls {height} straight down onto {floor} and lands with a {sound}",
            f"{name} dropped from {height} bounces on the spot on {floor}, each bounce lower than the one before, "
            f"with a {sound} at every contact",
        )
    )
    after = draws.choice(("", "It comes to rest.", "The sound comes exactly with the contact.", "It rebounds lower each time."))
    close = draws.choice(
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
                kind=draws.choice(("drop", "bounce")),
                object=body,
                start_s=start_s,
                height_m=tenths / 10,
                restitution=restitution,
            ),
        ),
    )
