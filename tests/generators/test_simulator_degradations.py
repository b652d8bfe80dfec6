"""Options of the simulator: one option changes one thing, and nothing where it has nothing to act on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbench.errors import SeedBenchError
from seedbench.generators.simulator import Simulator
from seedbench.generators.simulator.degradations import SceneDegradation, degradation_of
from seedbench.generators.simulator.plan import plan_scene
from seedbench.generators.simulator.rendering import frames
from seedbench.generators.simulator.signs import garbled
from seedbench.generators.simulator.stage_block import Look
from seedbench.generators.simulator.staging import StagedPerson, StagedShot, prompt_with_stage
from seedbench.plugins.generator import Request
from seedbench.suites.prompt import Event, FrameText, Prompt

ANN, BEA = StagedPerson("a", Look(identity=1)), StagedPerson("b", Look(identity=2))
FIRST = StagedShot(start_s=0, end_s=0.2, cast=("a",))


def _two_shots(cast: tuple[StagedPerson, ...], *shots: StagedShot) -> Prompt:
    return prompt_with_stage("two-shots", "", "multi_shot", duration_s=0.4, cast=cast, shots=shots)


TWO_SHOTS = _two_shots((ANN,), FIRST, StagedShot(start_s=0.2, end_s=0.4, cast=("a",), framing="close"))
ONE_SHOT = _two_shots((ANN,), StagedShot(start_s=0, end_s=0.4, cast=("a",))).model_copy(update={"id": "one-shot"})
DROP = Prompt(id="drop", text="", task="impact", duration_s=0.8, events=(Event(kind="drop", height_m=0.5, start_s=0.0),))


def _pictures(prompt: Prompt, **options: Any) -> np.ndarray:
    scene = plan_scene(prompt, 5, width=96, height=64, fps=25, degradation=SceneDegradation(**options))
    return np.stack(list(frames(scene)))


def _digest(prompt: Prompt, directory: Path, **options: Any) -> str:
    directory.mkdir()
    generation = Simulator(**options).generate(Request(prompt=prompt, seed=5, width=96, height=64), directory)
    assert generation.file is not None
    return hashlib.sha256(generation.file.read_bytes()).hexdigest()


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    assert _digest(TWO_SHOTS, tmp_path / "a") == _digest(TWO_SHOTS, tmp_path / "b")
    (tmp_path / "c").mkdir()
    other = Simulator().generate(Request(prompt=TWO_SHOTS, seed=6, width=96, height=64), tmp_path / "c")
    assert other.file is not None
    assert hashlib.sha256(other.file.read_bytes()).hexdigest() != hashlib.sha256((tmp_path / "a" / "clip.mp4").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "options",
    [
        {"swap_identity_at_cut": True},
        {"gravity_scale": 0.5, "energy_gain": 0.3, "teleport": 1.0},
        {"text_garbled": 4},
        {"impact_delay_ms": 200, "beat_delay_ms": 200},
        {"lips_random": True},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options_with_nothing_to_act_on_leave_the_clip_as_it_is(options: dict[str, Any], tmp_path: Path) -> None:
    assert _digest(ONE_SHOT, tmp_path / "plain") == _digest(ONE_SHOT, tmp_path / "broken", **options)


def test_a_swapped_identity_changes_pictures_after_the_cut_only() -> None:
    plain, broken = _pictures(TWO_SHOTS), _pictures(TWO_SHOTS, swap_identity_at_cut=True)
    same = (plain == broken).all(axis=(1, 2, 3))
    assert same.tolist() == [True] * 5 + [False] * 5


def test_with_others_in_the_cast_a_swap_shows_one_of_them() -> None:
    prompt = _two_shots((ANN, BEA), FIRST, StagedShot(start_s=0.2, end_s=0.4, cast=("b",)))
    scene = plan_scene(prompt, 0, width=96, height=64, fps=25, degradation=SceneDegradation(swap_identity_at_cut=True))
    assert [(person.id, person.worn) for shot in scene.shots for person in shot.people] == [("a", "a"), ("b", "a")]


def test_broken_physics_leaves_the_first_picture_and_the_room_alone() -> None:
    plain, broken = _pictures(DROP), _pictures(DROP, gravity_scale=0.5)
    assert (plain[0] == broken[0]).all()
    assert (plain[8] != broken[8]).any()
    assert (plain[8, :, :30] == broken[8, :, :30]).all()


def test_a_frozen_picture_stays_as_it_was() -> None:
    plain, frozen = _pictures(DROP), _pictures(DROP, freeze_from_s=0.4)
    assert (plain[:10] == frozen[:10]).all()
    assert (frozen[10:] == frozen[9]).all()


def test_flicker_has_the_amplitude_it_was_asked_for() -> None:
    plain, broken = _pictures(DROP).astype(int), _pictures(DROP, flicker=0.1).astype(int)
    step = (broken - plain).mean(axis=(1, 2, 3))
    assert step[0::2] == pytest.approx(12.75, abs=0.5)
    assert step[1::2] == pytest.approx(-12.75, abs=0.5)


@pytest.mark.parametrize("count", [1, 3, 99])
def test_so_many_letters_are_garbled(count: int) -> None:
    text = "OPEN 24 HOURS"
    wrong = garbled(text, count, np.random.default_rng(0))
    assert sum(a != b for a, b in zip(text, wrong, strict=True)) == min(count, 11)
    assert [index for index, letter in enumerate(wrong) if letter == " "] == [4, 7]


def test_the_truth_says_what_was_asked_and_what_is_shown() -> None:
    prompt = Prompt(id="s", text="", task="text", duration_s=0.2, text_in_frame=(FrameText(text="HOTEL"),))
    scene = plan_scene(prompt, 0, width=96, height=64, fps=25, degradation=SceneDegradation(text_garbled=2))
    assert scene.signs[0].asked == "HOTEL"
    assert scene.signs[0].shown != "HOTEL"


def test_the_broken_preset_is_eight_frames_late_and_may_be_overridden() -> None:
    assert degradation_of("broken").sound_delay_ms == 8 * 40
    assert degradation_of("broken", sound_delay_ms=0.0).sound_delay_ms == 0
    assert degradation_of().asked() == {}


@pytest.mark.parametrize("kind", ["sound", "impact", "beat"])
def test_an_option_s_old_name_means_the_same_and_is_not_listed(kind: str) -> None:
    old, new = f"{kind}_shift_ms", f"{kind}_delay_ms"
    assert degradation_of(**{old: 80.0}) == degradation_of(**{new: 80.0}) != degradation_of()
    assert degradation_of("broken", **{old: 7.0}) == degradation_of("broken", **{new: 7.0})
    with pytest.raises(SeedBenchError, match=f"{new} is given twice"):
        degradation_of(**{old: 80.0, new: 40.0})
    with pytest.raises(SeedBenchError) as refused:
        degradation_of(gravity=2)
    assert old not in str(refused.value)


def test_a_stored_run_s_old_option_keeps_its_cells_keys() -> None:
    """Keys are of the options as they were written, so a run with the old name finds its clips again."""
    from seedbench.plugins.generator_spec import parse_generator
    from seedbench.runs.plan import plan
    from seedbench.runs.spec import RunSpec

    def keys(text: str) -> list[str]:
        asked = RunSpec(
            suite="s", suite_version="1", suite_sha256="0", prompts=(ONE_SHOT,), generators=(parse_generator(text),), metrics=(), root=""
        )
        again = RunSpec.from_json(asked.as_json())
        assert again.digest() == asked.digest()
        return [cell.key for cell in plan(again)]

    assert parse_generator("simulator:sound_shift_ms=80").options == {"sound_shift_ms": 80}
    assert keys("simulator:sound_shift_ms=80") == keys("simulator:sound_shift_ms=80") != keys("simulator:sound_shift_ms=40")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preset": "brokn"}, "no preset 'brokn'"),
        ({"gravity": 2}, "no option 'gravity'"),
        ({"flicker": 3}, "flicker=3 is outside 0..1"),
        ({"sound_delay_ms": "late"}, "takes a number"),
        ({"mute": 1}, "true or false"),
        ({"swap_identity_at_cut": -1}, "number of a cut"),
        ({"gravity_scale": float("nan")}, "takes a number"),
    ],
)
def test_bad_options_are_named_in_one_sentence(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SeedBenchError, match=words):
        Simulator(**options)
