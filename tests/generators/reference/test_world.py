"""The training world: prompts that say what they show, never with a look that the evaluation keeps for itself."""

from __future__ import annotations

from collections import Counter
from typing import get_args

import numpy as np
import pytest

from seedbench.generators import simulator
from seedbench.generators.reference import limits, world
from seedbench.generators.simulator.degradations import degradation_of
from seedbench.generators.simulator.plan import plan_scene
from seedbench.generators.simulator.stage_block import Look
from seedbench.generators.simulator.staging import staged, staged_shots
from seedbench.suites.prompt import Prompt

MANY = 400
SPOKEN = ("talking", "dialogue", "multi_shot")


@pytest.fixture(scope="module")
def drawn() -> list[world.Drawn]:
    return [world.draw(number) for number in range(MANY)]


def of_kind(kind: str, count: int) -> list[Prompt]:
    return [world.draw(number, kind=kind).prompt for number in range(count)]  # type: ignore[arg-type]


def pen(seed: int) -> world.Pen:
    return world.Pen(np.random.default_rng(seed))


def looks_in(prompt: Prompt) -> list[Look]:
    return [person.look for person in staged(prompt).cast]


def words_of(look: Look) -> list[str]:
    """What a text with nothing left out says of a look."""
    hair = ["bald head"] if look.hair_style == "bald" else [f"{look.hair_style} {look.hair} hair"]
    rest = [f"{look.skin} skin", f"{look.eyes} eyes", f"{look.face} face", f" {look.clothes} "]
    return hair + rest + (["beard"] if look.beard else []) + (["glasses"] if look.glasses else [])


@pytest.mark.parametrize("kind", get_args(world.Kind))
def test_the_same_number_gives_the_same_prompt(kind: world.Kind) -> None:
    assert world.draw(7, kind=kind) == world.draw(7, kind=kind)
    assert world.draw(7, kind=kind).prompt.text != world.draw(8, kind=kind).prompt.text
    assert world.draw(7, kind=kind).prompt.text != world.draw(7, kind=kind, seed=1).prompt.text


def test_no_held_out_look_is_ever_drawn(drawn: list[world.Drawn]) -> None:
    looks = [look for one in drawn for look in looks_in(one.prompt)]
    looks += [look for one in drawn if one.extras for look in looks_in(one.extras)]
    assert len(looks) > MANY
    assert not [look for look in looks if world.held_out(look)]


def test_the_evaluation_draws_held_out_looks_only() -> None:
    assert all(world.held_out(world.draw_look(pen(seed), voice, unseen=True)) for seed in range(40) for voice in ("low", "high"))


@pytest.mark.parametrize("voice", ["low", "high"])
def test_no_held_out_look_reads_like_one_that_is_trained_on(voice: str) -> None:
    colours = get_args(get_args(Look.model_fields["hair"].annotation)[0])
    for seed in range(60):
        look = world.draw_look(pen(seed), voice, unseen=True)
        others = [look.model_copy(update={"hair": colour}) for colour in colours]
        alike = [other for other in others if words_of(other) == words_of(look)]
        assert all(world.held_out(other) for other in alike)


def test_one_look_in_eight_is_held_out() -> None:
    rng = np.random.default_rng(0)
    fields = {name: get_args(get_args(Look.model_fields[name].annotation)[0]) for name in ("skin", "hair", "hair_style", "eyes", "face")}
    looks = {
        (Look(beard=beard, glasses=glasses, **{name: str(rng.choice(words)) for name, words in fields.items()}))
        for _ in range(1500)
        for beard in (False, True)
        for glasses in (False, True)
    }
    assert np.mean([world.held_out(look) for look in looks]) == pytest.approx(1 / 8, abs=0.02)


def test_whether_a_look_is_held_out_is_up_to_its_words_and_not_to_its_identity() -> None:
    look = world.draw_look(pen(0), "low", unseen=True)
    assert world.held_out(look.model_copy(update={"identity": look.identity + 1, "clothes": "black"}))


@pytest.mark.parametrize("voice", ["low", "high"])
def test_a_person_in_words_is_described_in_full(voice: str) -> None:
    for seed in range(60):
        look = world.draw_look(pen(seed), voice)
        told = world.person_in_words(pen(seed), look, voice)
        assert not [word for word in words_of(look) if word not in told]
        assert ("woman" in told) == (voice == "high")


def test_a_person_of_whom_all_is_left_out_still_wears_something() -> None:
    look = world.draw_look(pen(3), "high")
    told = world.person_in_words(pen(3), look, "high", left_out=1.0)
    assert f" {look.clothes} " in told
    assert not [word for word in ("skin", "hair", "eyes", "face") if word in told]


def test_most_texts_tell_every_word_of_a_look_and_none_a_wrong_one(drawn: list[world.Drawn]) -> None:
    complete = []
    for prompt in (one.prompt for one in drawn if one.prompt.cast):
        text = f" {prompt.text} "
        complete.append(all(word in text for look in looks_in(prompt) for word in words_of(look)))
        looks = looks_in(prompt)
        assert ("beard" in text) <= any(look.beard for look in looks)
        assert ("glasses" in text) <= any(look.glasses for look in looks)
        assert ("bald" in text) <= any(look.hair_style == "bald" for look in looks)
        told = {trait for look in looks for trait in words_of(look)}
        for noun, field in (("skin", "skin"), ("eyes", "eyes"), ("face", "face")):
            for word in get_args(get_args(Look.model_fields[field].annotation)[0]):
                assert (f" {word} {noun}" in text) <= (f"{word} {noun}" in told)
    assert 0.65 < np.mean(complete) < 0.95


@pytest.mark.parametrize("kind", SPOKEN)
def test_a_text_names_place_light_and_framing_of_every_shot(kind: str) -> None:
    for prompt in of_kind(kind, 60):
        text = prompt.text.lower()
        for shot in staged_shots(prompt):
            for phrases in (world.PLACES[shot.place], world.LIGHTS[shot.light], world.FRAMINGS[shot.framing]):
                assert any(phrase in text for phrase in phrases), (phrases, prompt.text)


@pytest.mark.parametrize("kind", SPOKEN)
def test_a_text_quotes_every_line_and_names_its_language(kind: str) -> None:
    for prompt in of_kind(kind, 60):
        assert prompt.speech
        for line in prompt.speech:
            assert f'in {world.LANGUAGE_NAMES[line.language]}: "{line.text}"' in prompt.text
        assert prompt.text.count('"') == 2 * len(prompt.speech)


@pytest.mark.parametrize("kind", ["dialogue", "multi_shot"])
def test_a_text_names_its_cuts(kind: str) -> None:
    for prompt in of_kind(kind, 60):
        assert len(prompt.shots) > 1
        for shot in prompt.shots[1:]:
            assert f"{shot.start_s:g} " in prompt.text
            assert "seconds" in prompt.text


def test_everybody_who_speaks_in_a_dialogue_is_seen_then() -> None:
    for prompt in of_kind("dialogue", 60):
        for line in prompt.speech:
            assert any(line.character in shot.cast and shot.start_s <= line.start_s < shot.end_s for shot in prompt.shots)


def test_a_falling_body_is_named_with_its_height() -> None:
    for prompt in of_kind("impact", 60):
        (event,) = prompt.events
        assert not prompt.cast
        assert any(name in prompt.text.lower() for name in world.OBJECTS[event.object][0])
        said = (f"{event.height_m:g} metres", f"{100 * event.height_m:g} centimetres", world._NUMBERS.get(round(10 * event.height_m), "-"))
        assert any(height in prompt.text for height in said)
        assert not {"  ", "{", "}"} & set(prompt.text)


def test_every_kind_occurs_about_as_often_as_meant(drawn: list[world.Drawn]) -> None:
    counts = Counter(one.prompt.task for one in drawn)
    for kind, share in (("talking", 0.56), ("dialogue", 0.08), ("multi_shot", 0.18), ("impact", 0.18)):
        assert counts[kind] / MANY == pytest.approx(share, abs=0.08)


def test_every_word_of_every_field_occurs(drawn: list[world.Drawn]) -> None:
    looks = [look for one in drawn for look in looks_in(one.prompt)]
    for field in ("skin", "hair", "hair_style", "eyes", "face", "clothes"):
        assert {getattr(look, field) for look in looks} == set(get_args(get_args(Look.model_fields[field].annotation)[0]))
    assert {event.object for one in drawn for event in one.prompt.events} == set(world.OBJECTS)
    assert {shot.place for one in drawn for shot in staged_shots(one.prompt)} == set(world.PLACES)
    assert {shot.light for one in drawn for shot in staged_shots(one.prompt)} == set(world.LIGHTS)


def test_the_model_is_asked_for_nothing_it_would_refuse(drawn: list[world.Drawn]) -> None:
    assert {limits.refusal_of(one.prompt) for one in drawn} == {""}
    assert max(one.prompt.duration_s for one in drawn) <= limits.MAX_DURATION_S


def test_a_still_has_a_frame_for_each_shot_and_no_speech() -> None:
    for prompt in of_kind("still", 60):
        assert prompt.duration_s * world.FPS == pytest.approx(len(prompt.shots))
        assert not prompt.speech


def test_extras_show_each_of_the_cast_in_turn_twice(drawn: list[world.Drawn]) -> None:
    for one in drawn:
        assert (one.extras is None) == (one.prompt.task == "impact")
        if one.extras is not None:
            ids = [person.id for person in one.prompt.cast]
            assert [shot.cast for shot in one.extras.shots] == [(name,) for name in ids] * 2
            assert staged(one.extras).cast == staged(one.prompt).cast


@pytest.mark.parametrize("kind", get_args(world.Kind))
def test_the_simulator_can_stage_it(kind: world.Kind) -> None:
    for number in range(6):
        made = world.draw(number, kind=kind)
        for prompt in (made.prompt, made.extras):
            if prompt is not None:
                assert simulator.Simulator().refusals(prompt) == []
                scene = plan_scene(prompt, number, width=64, height=32, fps=25, degradation=degradation_of(""))
                assert len(scene.lines) == len(prompt.speech)
