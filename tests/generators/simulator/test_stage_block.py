"""The stage block: what it may say, how the simulator refuses by name what it cannot draw, and that only the simulator does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedbench.errors import GenerationRefusedError
from seedbench.generators.simulator import Simulator
from seedbench.generators.simulator.bodies import SOLIDS
from seedbench.generators.simulator.sounds import EVENT_SOUNDS
from seedbench.generators.simulator.stage_block import KINDS, OBJECTS, Look, refusals_of
from seedbench.generators.simulator.staging import StagedEvent, StagedPerson, StagedShot, prompt_with_stage, resolve_stage
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.instances import errors_in_stage_blocks
from seedbench.runs.plan import plan
from seedbench.runs.spec import RunSpec
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt import Event, Music, Prompt

SERVE = Event(kind="serve", object="tennis ball", motion="flight", impact=True)


def prompt(**fields: Any) -> Prompt:
    return Prompt.model_validate({"id": "p", "text": "A scene.", "task": "motion", "duration_s": 4, "cast": [{"id": "ann"}], **fields})


def sentences(asked: Prompt) -> list[str]:
    return [refusal.sentence for refusal in refusals_of(asked)]


@pytest.mark.parametrize(
    ("stage", "sentence", "location"),
    [
        ({"shoots": []}, "stage: unknown key 'shoots' (did you mean 'shots'?)", ("stage", "shoots")),
        ({"cast": {"ann": {"hare": 1}}}, "stage.cast.ann: unknown key 'hare' (did you mean 'hair'?)", ("stage", "cast", "ann", "hare")),
        (
            {"cast": {"ann": {"skin": "fare"}}},
            "stage.cast.ann.skin: 'fare' is not one of fair, light, tan, brown, dark (did you mean 'fair'?)",
            ("stage", "cast", "ann", "skin"),
        ),
        (
            {"cast": {"anne": {}}},
            "stage.cast: 'anne' is not among the prompt's own cast (did you mean 'ann'?); it has ann",
            ("stage", "cast", "anne"),
        ),
        (
            {"references": {"image:1": {}}},
            "stage.references: 'image:1' is not among the prompt's own references; it has none",
            ("stage", "references", "image:1"),
        ),
        (
            {"shots": [{"place": "moon"}]},
            "stage.shots[0].place: 'moon' is not one of studio, street, park, room, night",
            ("stage", "shots", 0, "place"),
        ),
        (
            {"shots": [{}, {}]},
            "stage.shots: 2 entries for 1 shots; write one for each, {} where nothing is stated",
            ("stage", "shots"),
        ),
        (
            {"events": [{}]},
            "stage.events: 1 entries for 0 events; write one for each, {} where nothing is stated",
            ("stage", "events"),
        ),
        ({"not_simulated": "never mind"}, "never mind", ()),
        ({"simulated": False}, "stage.simulated: False is not one of True", ("stage", "simulated")),
    ],
)
def test_a_mistake_in_the_block_is_refused_with_its_place(stage: dict[str, Any], sentence: str, location: tuple[Any, ...]) -> None:
    assert refusals_of(prompt(stage=stage)) == [(sentence, location)]
    assert Simulator().refusals(prompt(stage=stage)) == refusals_of(prompt(stage=stage))
    with pytest.raises(GenerationRefusedError):
        resolve_stage(prompt(stage=stage))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"events": [{"kind": "drop", "object": "tennis ball", "height_m": 1}]},
            "the simulator cannot draw 'tennis ball'; it draws rubber ball, wooden ball, steel ball, glass marble, basketball, box",
        ),
        (
            {"events": [{"kind": "serve"}]},
            "the simulator cannot show 'serve'; it shows drop, throw, bounce, roll, collide, pendulum, knock",
        ),
        ({"events": [{"kind": "smoke"}]}, "the simulator knows rigid bodies only, not smoke"),
        ({"music": {"tempo_bpm": 100, "style": "slow jazz"}}, "the simulator cannot play 'slow jazz'; it plays drums, piano, synth"),
        ({"music": {"style": "piano"}}, "the simulator plays music of 40 to 240 beats a minute, the prompt states no tempo"),
        ({"music": {"tempo_bpm": 300}}, "the simulator plays music of 40 to 240 beats a minute, the prompt states 300"),
    ],
)
def test_words_that_cannot_be_drawn_are_refused_by_name(fields: dict[str, Any], sentence: str) -> None:
    (refused,) = sentences(prompt(**fields))
    assert refused.startswith(sentence)


def test_words_it_knows_need_no_block_and_others_can_be_given_a_likeness() -> None:
    plain = prompt(events=[{"kind": "Drop", "object": "a wooden ball", "height_m": 2}])
    assert resolve_stage(plain).events == (StagedEvent(kind="drop", object="wooden ball", height_m=2.0),)
    likeness = prompt(events=[SERVE], stage={"events": [{"kind": "throw", "object": "rubber ball", "speed_m_s": 2}]})
    assert resolve_stage(likeness).events == (StagedEvent(kind="throw", object="rubber ball", height_m=1.5, speed_m_s=2.0),)
    music = Music(tempo_bpm=90, style="slow jazz")
    played = resolve_stage(prompt(music=music, stage={"music": {"style": "piano"}})).music
    assert played is not None
    assert (played.tempo_bpm, played.style) == (90.0, "piano")


def test_everything_it_says_it_draws_it_draws() -> None:
    assert set(OBJECTS) <= set(SOLIDS)
    assert set(KINDS) >= set(EVENT_SOUNDS)


def test_a_prompt_made_from_staged_values_gives_these_values_back() -> None:
    people = (StagedPerson("ann", Look(identity=3, hair="red"), "high"), StagedPerson("bob", Look()))
    shots = (
        StagedShot(start_s=0.0, end_s=1.0, cast=("ann",), framing="close", camera="push"),
        StagedShot(start_s=1.0, end_s=3.0, cast=("bob",)),
    )
    events = (StagedEvent(kind="throw", object="box", height_m=2.0, speed_m_s=1.0), StagedEvent(kind="bell", sound=False))
    written = prompt_with_stage("p", "A scene.", "motion", duration_s=3.0, cast=people, shots=shots, events=events)
    again = resolve_stage(written)
    assert (again.cast, again.shots, again.events) == (people, shots, events)
    assert written.stage["shots"] == [{"framing": "close", "camera": "push"}, {}]


def test_the_plan_refuses_a_prompt_for_the_simulator_alone(tmp_path: Path) -> None:
    prompts = (
        prompt(id="serve", events=[SERVE]),
        prompt(id="long", duration_s=600),
        prompt(id="typo", stage={"shots": [{"light": "daj"}]}),
        prompt(id="fine", stage={"shots": [{"light": "dim"}]}),
    )
    spec = RunSpec(
        suite="s",
        suite_version="1",
        suite_sha256="x",
        prompts=prompts,
        generators=(
            GeneratorSpec(label="drawn", name="simulator"),
            GeneratorSpec(label="mine", name="command", options={"argv": "true {prompt} {out}"}),
        ),
        metrics=(),
        root=str(tmp_path),
    )
    refusals = {(cell.generator.label, cell.prompt.id): cell.refusal for cell in plan(spec)}
    assert {refusals["mine", asked.id] for asked in prompts} == {""}
    assert refusals["drawn", "fine"] == ""
    assert refusals["drawn", "serve"].startswith("the simulator cannot show 'serve'; it shows drop, ")
    assert refusals["drawn", "long"] == "drawn makes clips of 0.2 to 60 s, the prompt asks for 600 s"
    assert refusals["drawn", "typo"].startswith("stage.shots[0].light: 'daj' is not one of day, warm, cool, dim")


def test_mistakes_in_the_blocks_of_a_suite_name_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(
        'name: s\ntitle: S\nversion: "1"\nprompts:\n'
        "  - id: one\n    text: A dog.\n    task: sound\n    events: [{kind: bark}]\n"
        "  - id: two\n    text: A street.\n    task: sound\n    stage:\n      shots:\n        - framing: near\n",
        encoding="utf-8",
    )
    assert errors_in_stage_blocks(load_suite(file), [Simulator()]) == [
        f"{file}:14: prompt 'two': stage.shots[0].framing: 'near' is not one of close, medium, wide; simulator will refuse it"
    ]
    assert errors_in_stage_blocks(load_suite("core"), [Simulator()]) == []


def test_a_prompt_of_which_only_the_text_is_known_is_refused() -> None:
    (refusal,) = refusals_of(Prompt(id="a", text="A cat sits", task="unknown"))
    assert str(refusal.sentence).startswith("only its text is known, and the simulator draws from fields")
    assert refusals_of(Prompt(id="a", text="A ball falls", task="unknown", events=({"kind": "drop"},))) == []  # type: ignore[arg-type]
