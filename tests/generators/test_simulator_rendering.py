"""The stage as a whole: what is drawn is where the truth says, at any size, quickly enough; what cannot be staged is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.generators.simulator import Simulator
from seedbench.generators.simulator.degradations import SceneDegradation
from seedbench.generators.simulator.looks import face_of
from seedbench.generators.simulator.plan import ScenePlan, face_for, plan_scene
from seedbench.generators.simulator.rendering import frames
from seedbench.generators.simulator.stage_block import Look
from seedbench.generators.simulator.staging import StagedPerson, StagedShot, prompt_with_stage, resolve_stage
from seedbench.plugins.generator import Generation, Request
from seedbench.suites.prompt import Edit, Event, FrameText, Line, Prompt, ReferenceAsset

DROP = Prompt(
    id="drop", text="", task="motion", duration_s=1.2, events=(Event(kind="drop", object="rubber ball", height_m=1.0, start_s=0.2),)
)
PAIR = prompt_with_stage(
    "pair",
    "",
    "characters",
    duration_s=0.8,
    cast=(StagedPerson("a", Look(identity=1)), StagedPerson("b", Look(identity=2), "high")),
    shots=(
        StagedShot(start_s=0, end_s=0.4, cast=("a", "b")),
        StagedShot(start_s=0.4, end_s=0.8, cast=("b",), framing="close", place="park"),
    ),
)


def _scene(prompt: Prompt, *, seed: int = 1, width: int = 228, height: int = 128) -> ScenePlan:
    return plan_scene(prompt, seed, width=width, height=height, fps=25, degradation=SceneDegradation())


def _generate(prompt: Prompt, directory: Path, **size: Any) -> Generation:
    return Simulator().generate(Request(prompt=prompt, seed=1, **size), directory)


def test_the_body_is_drawn_where_the_truth_says() -> None:
    scene = _scene(DROP, width=456, height=256)
    pictures = np.stack(list(frames(scene))).astype(int)
    assert scene.pixel_scale is not None
    track = scene.pixel_scale.to_px(scene.bodies[0].path.at(scene.times_s))
    radius = scene.bodies[0].radius_m * scene.pixel_scale.px_per_m
    redness = np.clip(pictures[..., 0] - pictures[..., 1] - 60, 0, None)  # the rubber ball is red, nothing else is
    rows, columns = np.mgrid[:256, :456] + 0.5
    for frame in (0, 8, 12, 20):
        weight = redness[frame]
        x, y = (columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()
        assert abs(x - track[frame, 0]) < 0.25 * radius
        assert abs(y - track[frame, 1]) < 0.25 * radius


def test_a_panning_camera_moves_room_and_body_alike() -> None:
    panned = DROP.model_copy(update={"stage": {"shots": [{"framing": "wide", "camera": "pan"}]}})
    scene = _scene(panned)
    shot = scene.shots[0]
    assert shot.camera_at(shot.first, 228)[0] == pytest.approx(-0.12 * 228)
    assert shot.camera_at(shot.last - 1, 228)[0] == pytest.approx(0.12 * 228)
    pictures = np.stack(list(frames(scene))).astype(int)
    assert np.abs(pictures[0] - pictures[-1]).mean() > 1.5


def test_cuts_fall_on_frames_and_only_there_the_picture_jumps() -> None:
    scene = _scene(PAIR)
    assert scene.cuts_s == [0.4]
    pictures = np.stack(list(frames(scene))).astype(int)
    jumps = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3))
    assert int(np.argmax(jumps)) == 9
    assert jumps[9] > 5 * np.delete(jumps, 9).max()


def test_lips_of_the_silent_stay_shut() -> None:
    pytest.importorskip("espeakng_loader")
    talking = PAIR.model_copy(update={"speech": (Line(character="b", text="Come and see.", start_s=0.0),)})
    scene = _scene(talking)
    assert scene.acting["a"].lips_open.max() < 0.05
    assert scene.acting["b"].lips_open.max() > 0.3


def test_nobody_moves_the_same_under_another_seed() -> None:
    first, other = (_scene(PAIR, seed=seed).acting["a"].shift_x for seed in (1, 2))
    assert np.abs(first - other).max() > 0.001


@pytest.mark.parametrize(("width", "height", "fps"), [(456, 256, 25), (144, 256, 24), (201, 111, 30), (64, 64, 10)])
def test_any_size_and_rate(width: int, height: int, fps: int, tmp_path: Path) -> None:
    generation = _generate(PAIR, tmp_path, width=width, height=height, fps=fps)
    assert generation.file is not None
    facts = Clip.open(generation.file).facts
    assert (facts.width, facts.height) == (width + width % 2, height + height % 2)
    assert facts.fps == pytest.approx(fps, rel=1e-3)
    assert facts.n_frames == round(0.8 * fps)
    assert facts.audio_rate == 48000


def test_the_truth_lies_beside_the_clip_and_is_plain_data(tmp_path: Path) -> None:
    generation = _generate(DROP, tmp_path)
    assert generation.truth is not None
    assert json.loads((tmp_path / "truth.json").read_text()) == json.loads(json.dumps(generation.truth))
    physics = generation.truth["physics"]
    assert physics["gravity_m_s2"] == 9.81
    assert len(physics["bodies"][0]["y"]) == generation.truth["n_frames"]
    contact = generation.truth["contacts"][0]
    assert contact["time_s"] == pytest.approx(0.2 + np.sqrt(2 / 9.81), abs=1e-4)
    assert contact["y"] == pytest.approx(physics["floor_y"])
    assert generation.truth["sounds"][0]["time_s"] == contact["time_s"]


def test_faces_in_the_truth_follow_the_people_of_each_shot(tmp_path: Path) -> None:
    truth = _generate(PAIR, tmp_path).truth
    assert truth is not None
    assert [(track["character"], track["shot"], len(track["boxes"])) for track in truth["faces"]] == [
        ("a", 0, 10),
        ("b", 0, 10),
        ("b", 1, 10),
    ]
    left, right = (track["boxes"][0] for track in truth["faces"][:2])
    assert left[2] < right[0]


def test_a_reference_s_strength_mixes_two_faces() -> None:
    look = Look(identity=12, skin="dark")
    own = StagedPerson("w", Look(identity=41), "low", "image:1")

    def shown(strength: float) -> Any:
        reference = ReferenceAsset(id="image:1", path="x.png", role="appearance", strength=strength)
        prompt = prompt_with_stage("r", "", "strength", cast=(own,), references=(reference,), looks={"image:1": look})
        return face_for(own, resolve_stage(prompt))

    assert shown(0.0) == face_of(own.look)
    assert shown(1.0) == face_of(look)
    middle = (face_of(own.look).half_width + face_of(look).half_width) / 2
    assert shown(0.5).half_width == pytest.approx(middle)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (Prompt(id="x", text="", task="fluid", events=(Event(kind="water"),)), "rigid bodies only"),
        (Prompt(id="x", text="", task="fluid", stage={"not_simulated": "no such thing"}), "no such thing"),
        (Prompt(id="x", text="", task="text", text_in_frame=(FrameText(text="АПТЕКА"),)), "lettering has no 'А'"),
        (
            Prompt(
                id="x",
                text="",
                task="edit",
                references=(ReferenceAsset(id="video:1", path="a.mp4", role="source"),),
                edit=Edit(source="video:1", change="light", to="warm"),
            ),
            "cannot change a given one",
        ),
    ],
    ids=["fluid", "declared", "letters", "edit"],
)
def test_what_cannot_be_staged_is_refused_with_a_reason(prompt: Prompt, words: str, tmp_path: Path) -> None:
    generation = _generate(prompt, tmp_path)
    assert generation.status == "refused"
    assert words in generation.reason
    assert generation.file is None


def test_a_clip_renders_at_least_at_real_time_on_one_core(tmp_path: Path) -> None:
    shots = tuple(shot.model_copy(update={"start_s": 2.5 * shot.start_s, "end_s": 2.5 * shot.end_s}) for shot in PAIR.shots)
    start = time.process_time()
    _generate(PAIR.model_copy(update={"duration_s": 2.0, "shots": shots}), tmp_path, width=456, height=256)
    assert time.process_time() - start < 2.0
