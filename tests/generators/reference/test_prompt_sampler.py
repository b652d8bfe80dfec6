"""The prompt sampler: texts that describe what is shown, and no held-out look in training prompts."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import numpy as np
import pytest

from seedbench.generators import simulator
from seedbench.generators.reference import descriptions, limits, prompt_sampler
from seedbench.generators.reference.descriptions import RandomDraws, person_text
from seedbench.generators.simulator.degradations import degradation_of
from seedbench.generators.simulator.plan import plan_scene
from seedbench.generators.simulator.stage_block import Look
from seedbench.generators.simulator.staging import resolve_stage, staged_shots
from seedbench.suites.prompt import Prompt

MANY = 400
SPOKEN = ("talking", "dialogue", "multi_shot")


@pytest.fixture(scope="module")
def drawn() -> list[prompt_sampler.SampledPrompt]:
    return [prompt_sampler.sample_prompt(number) for number in range(MANY)]


def of_kind(kind: str, count: int) -> list[Prompt]:
    return [prompt_sampler.sample_prompt(number, kind=kind).prompt for number in range(count)]  # type: ignore[arg-type]


def draws(seed: int) -> RandomDraws:
    return RandomDraws(np.random.default_rng(seed))


def looks_in(prompt: Prompt) -> list[Look]:
    return [person.look for person in resolve_stage(prompt).cast]


def words_of(look: Look) -> list[str]:
    """What a text with nothing left out says of a look."""
    hair = ["bald head"] if look.hair_style == "bald" else [f"{look.hair_style} {look.hair} hair"]
    rest = [f"{look.skin} skin", f"{look.eyes} eyes", f"{look.face} face", f" {look.clothes} "]
    return hair + rest + (["beard"] if look.beard else []) + (["glasses"] if look.glasses else [])


@pytest.mark.parametrize("kind", get_args(prompt_sampler.Kind))
def test_the_same_number_gives_the_same_prompt(kind: prompt_sampler.Kind) -> None:
    assert prompt_sampler.sample_prompt(7, kind=kind) == prompt_sampler.sample_prompt(7, kind=kind)
    assert prompt_sampler.sample_prompt(7, kind=kind).prompt.text != prompt_sampler.sample_prompt(8, kind=kind).prompt.text
    assert prompt_sampler.sample_prompt(7, kind=kind).prompt.text != prompt_sampler.sample_prompt(7, kind=kind, seed=1).prompt.text


def test_no_held_out_look_is_in_a_training_prompt(drawn: list[prompt_sampler.SampledPrompt]) -> None:
    looks = [look for sampled in drawn for look in looks_in(sampled.prompt)]
    looks += [look for sampled in drawn if sampled.extras for look in looks_in(sampled.extras)]
    assert len(looks) > MANY
    assert not [look for look in looks if prompt_sampler.is_held_out(look)]


def test_the_evaluation_uses_only_held_out_looks() -> None:
    assert all(
        prompt_sampler.is_held_out(prompt_sampler.sample_look(draws(seed), voice, held_out=True))
        for seed in range(40)
        for voice in ("low", "high")
    )


@pytest.mark.parametrize("voice", ["low", "high"])
def test_no_held_out_look_has_the_words_of_a_training_look(voice: str) -> None:
    colours = get_args(get_args(Look.model_fields["hair"].annotation)[0])
    for seed in range(60):
        look = prompt_sampler.sample_look(draws(seed), voice, held_out=True)
        others = [look.model_copy(update={"hair": colour}) for colour in colours]
        alike = [other for other in others if words_of(other) == words_of(look)]
        assert all(prompt_sampler.is_held_out(other) for other in alike)


def test_one_look_in_eight_is_held_out() -> None:
    rng = np.random.default_rng(0)
    fields = {name: get_args(get_args(Look.model_fields[name].annotation)[0]) for name in ("skin", "hair", "hair_style", "eyes", "face")}
    looks = {
        (Look(beard=beard, glasses=glasses, **{name: str(rng.choice(words)) for name, words in fields.items()}))
        for _ in range(1500)
        for beard in (False, True)
        for glasses in (False, True)
    }
    assert np.mean([prompt_sampler.is_held_out(look) for look in looks]) == pytest.approx(1 / 8, abs=0.02)


def test_words_and_not_identity_decide_whether_a_look_is_held_out() -> None:
    look = prompt_sampler.sample_look(draws(0), "low", held_out=True)
    assert prompt_sampler.is_held_out(look.model_copy(update={"identity": look.identity + 1, "clothes": "black"}))


@pytest.mark.parametrize("voice", ["low", "high"])
def test_a_description_of_a_person_names_every_trait(voice: str) -> None:
    for seed in range(60):
        look = prompt_sampler.sample_look(draws(seed), voice)
        description = person_text(draws(seed), look, voice)
        assert not [word for word in words_of(look) if word not in description]
        assert ("woman" in description) == (voice == "high")


def test_clothes_are_described_even_where_all_traits_are_left_out() -> None:
    look = prompt_sampler.sample_look(draws(3), "high")
    description = person_text(draws(3), look, "high", left_out=1.0)
    assert f" {look.clothes} " in description
    assert not [word for word in ("skin", "hair", "eyes", "face") if word in description]


def test_most_texts_have_every_word_of_a_look_and_none_has_a_wrong_word(drawn: list[prompt_sampler.SampledPrompt]) -> None:
    complete = []
    for prompt in (sampled.prompt for sampled in drawn if sampled.prompt.cast):
        text = f" {prompt.text} "
        complete.append(all(word in text for look in looks_in(prompt) for word in words_of(look)))
        looks = looks_in(prompt)
        assert ("beard" in text) <= any(look.beard for look in looks)
        assert ("glasses" in text) <= any(look.glasses for look in looks)
        assert ("bald" in text) <= any(look.hair_style == "bald" for look in looks)
        traits = {trait for look in looks for trait in words_of(look)}
        for noun, field in (("skin", "skin"), ("eyes", "eyes"), ("face", "face")):
            for word in get_args(get_args(Look.model_fields[field].annotation)[0]):
                assert (f" {word} {noun}" in text) <= (f"{word} {noun}" in traits)
    assert 0.65 < np.mean(complete) < 0.95


@pytest.mark.parametrize("kind", SPOKEN)
def test_a_text_names_place_light_and_framing_of_every_shot(kind: str) -> None:
    for prompt in of_kind(kind, 60):
        text = prompt.text.lower()
        for shot in staged_shots(prompt):
            for phrases in (descriptions.PLACES[shot.place], descriptions.LIGHTS[shot.light], descriptions.FRAMINGS[shot.framing]):
                assert any(phrase in text for phrase in phrases), (phrases, prompt.text)


@pytest.mark.parametrize("kind", SPOKEN)
def test_a_text_quotes_every_line_and_names_its_language(kind: str) -> None:
    for prompt in of_kind(kind, 60):
        assert prompt.speech
        for line in prompt.speech:
            assert f'in {descriptions.LANGUAGE_NAMES[line.language]}: "{line.text}"' in prompt.text
        assert prompt.text.count('"') == 2 * len(prompt.speech)


@pytest.mark.parametrize("kind", ["dialogue", "multi_shot"])
def test_a_text_names_its_cuts(kind: str) -> None:
    for prompt in of_kind(kind, 60):
        assert len(prompt.shots) > 1
        for shot in prompt.shots[1:]:
            assert f"{shot.start_s:g} " in prompt.text
            assert "seconds" in prompt.text


def test_speakers_of_a_dialogue_are_visible_when_they_speak() -> None:
    for prompt in of_kind("dialogue", 60):
        for line in prompt.speech:
            assert any(line.character in shot.cast and shot.start_s <= line.start_s < shot.end_s for shot in prompt.shots)


def test_a_falling_body_is_named_with_its_height() -> None:
    for prompt in of_kind("impact", 60):
        (event,) = prompt.events
        assert not prompt.cast
        assert any(name in prompt.text.lower() for name in prompt_sampler.OBJECTS[event.object][0])
        heights = (
            f"{event.height_m:g} metres",
            f"{100 * event.height_m:g} centimetres",
            descriptions._NUMBERS.get(round(10 * event.height_m), "-"),
        )
        assert any(height in prompt.text for height in heights)
        assert not {"  ", "{", "}"} & set(prompt.text)


def test_every_kind_has_its_share_of_the_prompts(drawn: list[prompt_sampler.SampledPrompt]) -> None:
    counts = Counter(sampled.prompt.task for sampled in drawn)
    for kind, share in (("talking", 0.56), ("dialogue", 0.08), ("multi_shot", 0.18), ("impact", 0.18)):
        assert counts[kind] / MANY == pytest.approx(share, abs=0.08)


def test_every_word_of_every_field_occurs(drawn: list[prompt_sampler.SampledPrompt]) -> None:
    looks = [look for sampled in drawn for look in looks_in(sampled.prompt)]
    for field in ("skin", "hair", "hair_style", "eyes", "face", "clothes"):
        assert {getattr(look, field) for look in looks} == set(get_args(get_args(Look.model_fields[field].annotation)[0]))
    assert {event.object for sampled in drawn for event in sampled.prompt.events} == set(prompt_sampler.OBJECTS)
    assert {shot.place for sampled in drawn for shot in staged_shots(sampled.prompt)} == set(descriptions.PLACES)
    assert {shot.light for sampled in drawn for shot in staged_shots(sampled.prompt)} == set(descriptions.LIGHTS)


def test_the_model_refuses_no_training_prompt(drawn: list[prompt_sampler.SampledPrompt]) -> None:
    assert {limits.refusal_of(sampled.prompt) for sampled in drawn} == {""}
    assert max(sampled.prompt.duration_s for sampled in drawn) <= limits.MAX_DURATION_S


def test_a_still_has_a_frame_for_each_shot_and_no_speech() -> None:
    for prompt in of_kind("still", 60):
        assert prompt.duration_s * prompt_sampler.FPS == pytest.approx(len(prompt.shots))
        assert not prompt.speech


def test_extras_show_each_of_the_cast_in_turn_twice(drawn: list[prompt_sampler.SampledPrompt]) -> None:
    for sampled in drawn:
        assert (sampled.extras is None) == (sampled.prompt.task == "impact")
        if sampled.extras is not None:
            ids = [person.id for person in sampled.prompt.cast]
            assert [shot.cast for shot in sampled.extras.shots] == [(name,) for name in ids] * 2
            assert resolve_stage(sampled.extras).cast == resolve_stage(sampled.prompt).cast


@pytest.mark.parametrize("kind", get_args(prompt_sampler.Kind))
def test_the_simulator_can_show_every_prompt(kind: prompt_sampler.Kind) -> None:
    for number in range(6):
        sampled = prompt_sampler.sample_prompt(number, kind=kind)
        for prompt in (sampled.prompt, sampled.extras):
            if prompt is not None:
                assert simulator.Simulator().refusals(prompt) == []
                scene = plan_scene(prompt, number, width=64, height=32, fps=25, degradation=degradation_of(""))
                assert len(scene.lines) == len(prompt.speech)
