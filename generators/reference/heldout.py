"""The held-out prompts of the evaluation: looks and sentences that are never trained on, as an ordinary suite with portraits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from seedbench.generators.reference import prompt_sampler, sentences
from seedbench.generators.reference.descriptions import RandomDraws, person_text, scene_text
from seedbench.generators.simulator.stage_block import Look, block_of
from seedbench.generators.simulator.staging import StagedPerson, StagedShot, prompt_with_stage
from seedbench.suites.prompt import Line, Prompt, ReferenceAsset

#: The numbers among sixty prompts: people who talk, two shots of the person of a picture, falling bodies.
SHARES = {"talking": 36, "reference": 12, "impact": 12}
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
N_STRENGTH_PEOPLE = 3
_SEED = 990_000
_PORTRAIT = "assets/{}.png"


@dataclass(frozen=True)
class HeldOutSuite:
    """A written suite.

    Attributes:
        file: Its file.
        prompts: Its prompts.
    """

    file: Path
    prompts: tuple[Prompt, ...]


def write_suite(folder: Path, *, prompts: int = 60, seed: int = 0) -> HeldOutSuite:
    """Write a held-out suite.

    Args:
        folder: gets ``suite.yaml`` and, in ``assets``, the portraits that it names.
        prompts: about how many prompts; prompts at several reference strengths come in addition.
        seed: seed of the prompts.
    """
    share = prompts / sum(SHARES.values())
    drawn = [
        *(_talking(number, seed) for number in range(max(1, round(SHARES["talking"] * share)))),
        *(_reference(number, seed) for number in range(max(1, round(SHARES["reference"] * share)))),
        *(_impact(number, seed) for number in range(max(1, round(SHARES["impact"] * share)))),
        *(prompt for number in range(N_STRENGTH_PEOPLE if prompts >= 30 else 1) for prompt in _strength_prompts(number, seed)),
    ]
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    for prompt in drawn:
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
        "prompts": [prompt.model_dump(mode="json", exclude_defaults=True) for prompt in drawn],
    }
    file = folder / "suite.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=140), encoding="utf-8")
    return HeldOutSuite(file, tuple(drawn))


def draw_portrait(look: Look, file: Path) -> Path:
    """Draw a close picture of a look in front of a grey wall, 320 x 320 pixels, like the portraits of the suites."""
    import cv2

    from seedbench.generators.reference.shards import ShardSize, render_prompt

    shot = StagedShot(start_s=0, end_s=1 / prompt_sampler.FPS, cast=("p",), framing="close")
    prompt = prompt_with_stage("portrait", "", "talking", duration_s=1 / prompt_sampler.FPS, cast=(StagedPerson("p", look),), shots=(shot,))
    picture = render_prompt(prompt, look.identity, ShardSize(320, 320)).pictures[0]
    cv2.imwrite(str(file), np.ascontiguousarray(picture[..., ::-1]))
    return file


def _draws(kind: str, number: int, seed: int) -> RandomDraws:
    return RandomDraws(np.random.default_rng([seed, _SEED, number, len(kind)]))


def _person(draws: RandomDraws) -> tuple[StagedPerson, str]:
    voice = draws.choice(("low", "high"))
    look = prompt_sampler.sample_look(draws, voice, held_out=True)
    return StagedPerson("p0", look, voice), person_text(draws, look, voice)


def _line(draws: RandomDraws, number: int) -> tuple[Line, float]:
    text = sentences.HELD_OUT[number % len(sentences.HELD_OUT)]
    return Line(character="p0", text=text, start_s=0.3), round(0.3 + prompt_sampler.spoken_length_s(text, "en") + 0.2, 1)


def _talking(number: int, seed: int) -> Prompt:
    draws = _draws("talking", number, seed)
    person, description = _person(draws)
    line, duration_s = _line(draws, number)
    shot = prompt_sampler.sample_shot(draws, ("p0",), 0, duration_s)
    text = (
        f"{description[0].upper()}{description[1:]}, {scene_text(draws, shot)}, looks into the camera and says in English: "
        f'"{line.text}" One unbroken shot, no music.'
    )
    return prompt_with_stage(f"talk-{number:02d}", text, "talking", duration_s=duration_s, cast=(person,), shots=(shot,), speech=(line,))


def _reference(number: int, seed: int) -> Prompt:
    draws = _draws("reference", number, seed)
    person, description = _person(draws)
    line, duration_s = _line(draws, 36 + number)
    cut = round(duration_s / 2, 1)
    shots = (prompt_sampler.sample_shot(draws, ("p0",), 0, cut), prompt_sampler.sample_shot(draws, ("p0",), cut, duration_s))
    noun = "She" if person.voice == "high" else "He"
    text = (
        f"Two shots of the person of {{{{image:1}}}}, {description}, cut at {cut:g} seconds: {scene_text(draws, shots[0])}; "
        f'{scene_text(draws, shots[1])}. {noun} says in English: "{line.text}" No music.'
    )
    reference = ReferenceAsset(id="image:1", path=_PORTRAIT.format(f"person-{number:02d}"), role="appearance")
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
    sampled = prompt_sampler.sample_prompt(_SEED + number, seed=seed, kind="impact").prompt
    return sampled.model_copy(update={"id": f"impact-{number:02d}"})


def _strength_prompts(number: int, seed: int) -> list[Prompt]:
    """Prompts of one person at five strengths of one picture; the text leaves open what the picture shows."""
    draws = _draws("sweep", number, seed)
    pictured, _ = _person(draws)
    line, duration_s = _line(draws, 48 + number)
    shot = StagedShot(start_s=0, end_s=duration_s, cast=("p0",), framing="close")
    noun = "woman" if pictured.voice == "high" else "man"
    text = (
        f"A {noun} who takes after the {noun} of {{{{image:1}}}}, seen in close-up in a plain grey studio in even daylight, "
        f'looks into the camera and says in English: "{line.text}" One unbroken shot, no music.'
    )
    other = prompt_sampler.sample_look(draws, pictured.voice, held_out=True).identity
    prompts = []
    for strength in STRENGTHS:
        reference = ReferenceAsset(id="image:1", path=_PORTRAIT.format(f"sweep-{number}"), role="appearance", strength=strength)
        prompts.append(
            prompt_with_stage(
                f"strength-{number}-{round(100 * strength):03d}",
                text,
                "strength",
                looks={reference.id: pictured.look},
                duration_s=duration_s,
                cast=(StagedPerson("p0", Look(identity=other), pictured.voice, "image:1"),),
                shots=(shot,),
                speech=(line,),
                references=(reference,),
                sweep=f"strength-{number}",
            )
        )
    return prompts
