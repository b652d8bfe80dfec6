"""Without a declared event only a body that is sure to move freely is judged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from seedbench.metrics.analyses.bodies import Bodies, BodyTrack, noise_px
from seedbench.metrics.analyses.contacts import motion_of
from seedbench.metrics.analyses.faces import FaceTrack, FaceTracks
from seedbench.metrics.physics.judge import PhysicsVerdict
from seedbench.metrics.physics.undeclared import A_PERSON, NOTHING_SURE, judge_undeclared, why_not_searched
from seedbench.suites.prompt import Character, Line, Prompt

T = np.arange(60) / 30
Path = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def judged(path: Path, *, diameter: float = 14.0) -> PhysicsVerdict:
    rng = np.random.default_rng(3)
    x, y = (values + rng.normal(0, 0.2, len(T)) for values in path(T))
    never = np.zeros(len(T), bool)
    area = np.full(len(T), np.pi * diameter**2 / 4)
    track = BodyTrack(np.arange(len(T)), T, x, y, area, never, ~never, diameter, noise_px(x, y), np.zeros(3), 0.0)
    return judge_undeclared(Bodies([track], T, 400, 256, 1, False, 0.0, 0.0, np.ones(len(T))), motion_of([track]))


def throw(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 20 + 150 * t, 60 + 180 * (t - 1) ** 2


def bounce(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 20 + 60 * t, 220 - 800 * (t % 0.8) * (0.8 - t % 0.8)


def pendulum(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    angle = 0.5 * np.cos(2 * np.pi * t / 0.9)
    return 200 + 120 * np.sin(angle), 20 + 120 * np.cos(angle)


def car(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 20 + 150 * t, np.full_like(t, 150.0)


def walker(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 20 + 90 * t, 150 + 4 * np.sin(2 * np.pi * 1.8 * t)


def hand(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 150 + 60 * np.sin(3.1 * t + 0.4) + 15 * np.sin(7.7 * t), 120 + 50 * np.sin(2.3 * t) + 12 * np.cos(9.1 * t)


def rocket(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 50 + 20 * t, 230 - 50 * t**2


@pytest.mark.parametrize(("path", "regime"), [(throw, "flight"), (bounce, "flight"), (pendulum, "swing")])
def test_a_body_in_free_motion_is_judged_without_a_declared_event(path: Path, regime: str) -> None:
    verdict = judged(path)
    assert verdict.regimes == [regime]
    assert verdict.plausibility.value == pytest.approx(1.0, abs=0.05)
    assert verdict.gravity_m_s2 is None


@pytest.mark.parametrize("path", [car, walker, hand, rocket])
def test_what_moves_otherwise_gets_no_answer(path: Path) -> None:
    assert judged(path).problem == NOTHING_SURE


def test_a_body_as_large_as_its_path_gets_no_answer() -> None:
    assert judged(throw, diameter=130.0).problem


def face(*, height: float, frames: int) -> FaceTracks:
    box = np.tile([100.0, 50, 100 + 0.8 * height, 50 + height], (frames, 1))
    points, score = np.zeros((frames, 478, 2), np.float32), np.ones(frames)
    track = FaceTrack(np.arange(frames), box, points, score, score)
    return FaceTracks(100, 400, 256, [track], np.ones(100, int))


@pytest.mark.parametrize(("height", "frames", "reason"), [(60, 100, A_PERSON), (60, 50, A_PERSON), (60, 49, ""), (40, 100, "")])
def test_no_body_is_looked_for_behind_a_face_that_fills_the_picture(height: float, frames: int, reason: str) -> None:
    assert why_not_searched(face(height=height, frames=frames)) == reason


def test_physics_is_asked_of_prompts_that_declare_an_event_or_nothing() -> None:
    spoken = Prompt(id="a", text="a person speaks", task="talking", speech=(Line(character="x", text="yes"),), cast=(Character(id="x"),))
    assert not spoken.motion
    assert Prompt(id="b", text="a ball", task="impact").motion
