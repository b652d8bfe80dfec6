"""The evaluation's prompts: looks and sentences that training never shows, as an ordinary suite with drawn portraits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from seedbench.generators.reference import sentences, world
from seedbench.generators.simulator.stage_block import Look, block_of
from seedbench.generators.simulator.staging import StagedPerson, StagedShot, prompt_with_stage
from seedbench.suites.prompt import Line, Prompt, Reference

#: Of sixty prompts: people who talk, several shots of the person of a picture, falling bodies.
SHARES = {"talking": 36, "reference": 12, "impact": 12}
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
SWEEPS = 3
_SEED = 990_000
_PORTRAIT = "assets/{}.png"


@dataclass(frozen=True)
class HeldOut:
    """A written suite: its file and its prompts."""

    file: Path
    prompts: tuple[Prompt, ...]


def write(folder: Path, *, prompts: int = 60, seed: int = 0) -> HeldOut:
    """Write ``suite.yaml`` and the portraits it names into a folder: about ``prompts`` prompts, and a sweep over reference strength."""
    share = prompts / sum(SHARES.values())
    asked = [
        *(_talking(number, seed) for number in range(max(1, round(SHARES["talking"] * share)))),
        *(_reference(number, seed) for number in range(max(1, round(SHARES["reference"] * share)))),
        *(_impact(number, seed) for number in range(max(1, round(SHARES["impact"] * share)))),
        *(one for number in range(SWEEPS if prompts >= 30 else 1) for one in _sweep(number, seed)),
    ]
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    for prompt in asked:
        looks = block_of(prompt).references
        for reference in prompt.references:
            if reference.id in looks:
                draw_portrait(looks[reference.id], folder / reference.path)
    document: dict[str, Any] = {
        "name": "reference-held-out",
        "title": "What the reference model never saw",
        "version": "1.0",
        "licence": "CC0-1.0",
        "description": "Looks and sentences that no training prompt shows, drawn anew by `seedbench reference eval`.",
        "prompts": [prompt.model_dump(mode="json", exclude_defaults=True) for prompt in asked],
    }
    file = folder / "suite.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=140), encoding="utf-8")
    return HeldOut(file, tuple(asked))


def draw_portrait(look: Look, file: Path) -> Path:
    """A close picture of a look before a grey wall, 320 x 320, as the suites' own portraits are."""
    import cv2

    from seedbench.generators.reference.shards import ShardSize, shown

    shot = StagedShot(start_s=0, end_s=1 / world.FPS, cast=("p",), framing="close")
    prompt = prompt_with_stage("portrait", "", "talking", duration_s=1 / world.FPS, cast=(StagedPerson("p", look),), shots=(shot,))
    picture = shown(prompt, look.identity, ShardSize(320, 320)).pictures[0]
    cv2.imwrite(str(file), np.ascontiguousarray(picture[..., ::-1]))
    return file


def _pen(kind: str, number: int, seed: int) -> world.Pen:
    return world.Pen(np.random.default_rng([seed, _SEED, number, len(kind)]))


def _person(pen: world.Pen) -> tuple[StagedPerson, str]:
    voice = pen.one(("low", "high"))
    look = world.draw_look(pen, voice, unseen=True)
    return StagedPerson("p0", look, voice), world.person_in_words(pen, look, voice)


def _line(pen: world.Pen, number: int) -> tuple[Line, float]:
    text = sentences.HELD_OUT[number % len(sentences.HELD_OUT)]
    return Line(character="p0", text=text, start_s=0.3), round(0.3 + world.spoken_s(text, "en") + 0.2, 1)


def _talking(number: int, seed: int) -> Prompt:
    pen = _pen("talking", number, seed)
    person, told = _person(pen)
    line, duration_s = _line(pen, number)
    shot = world.drawn_shot(pen, ("p0",), 0, duration_s)
    text = (
        f"{told[0].upper()}{told[1:]}, {world.seen_in_words(pen, shot)}, looks into the camera and says in English: "
        f'"{line.text}" One unbroken shot, no music.'
    )
    return prompt_with_stage(f"talk-{number:02d}", text, "talking", duration_s=duration_s, cast=(person,), shots=(shot,), speech=(line,))


def _reference(number: int, seed: int) -> Prompt:
    pen = _pen("reference", number, seed)
    person, told = _person(pen)
    line, duration_s = _line(pen, 36 + number)
    cut = round(duration_s / 2, 1)
    shots = (world.drawn_shot(pen, ("p0",), 0, cut), world.drawn_shot(pen, ("p0",), cut, duration_s))
    noun = "She" if person.voice == "high" else "He"
    text = (
        f"Two shots of the person of {{{{image:1}}}}, {told}, cut at {cut:g} seconds: {world.seen_in_words(pen, shots[0])}; "
        f'{world.seen_in_words(pen, shots[1])}. {noun} says in English: "{line.text}" No music.'
    )
    reference = Reference(id="image:1", path=_PORTRAIT.format(f"person-{number:02d}"), role="appearance")
    return prompt_with_stage(
        f"reference-{number:02d}",
        text,
        "reference",
        looks={reference.id: person.look},
        duration_s=duration_s,
        cast=(replace(person, reference="image:1"),),
        shots=shots,
        speech=(line,),
        references=(reference,),
    )


def _impact(number: int, seed: int) -> Prompt:
    drawn = world.draw(_SEED + number, seed=seed, kind="impact").prompt
    return drawn.model_copy(update={"id": f"impact-{number:02d}"})


def _sweep(number: int, seed: int) -> list[Prompt]:
    """One person at five strengths of one picture; the words leave open what the picture settles."""
    pen = _pen("sweep", number, seed)
    shown, _ = _person(pen)
    line, duration_s = _line(pen, 48 + number)
    shot = StagedShot(start_s=0, end_s=duration_s, cast=("p0",), framing="close")
    noun = "woman" if shown.voice == "high" else "man"
    text = (
        f"A {noun} who takes after the {noun} of {{{{image:1}}}}, seen in close-up in a plain grey studio in even daylight, "
        f'looks into the camera and says in English: "{line.text}" One unbroken shot, no music.'
    )
    other = world.draw_look(pen, shown.voice, unseen=True).identity
    prompts = []
    for strength in STRENGTHS:
        reference = Reference(id="image:1", path=_PORTRAIT.format(f"sweep-{number}"), role="appearance", strength=strength)
        prompts.append(
            prompt_with_stage(
                f"strength-{number}-{round(100 * strength):03d}",
                text,
                "strength",
                looks={reference.id: shown.look},
                duration_s=duration_s,
                cast=(StagedPerson("p0", Look(identity=other), shown.voice, "image:1"),),
                shots=(shot,),
                speech=(line,),
                references=(reference,),
                sweep=f"strength-{number}",
            )
        )
    return prompts
