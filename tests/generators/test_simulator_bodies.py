"""Paths of bodies: the laws of motion hold to rounding, and contacts lie where surfaces meet."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.generators.simulator.bodies import GRAVITY, PendulumPath, collide, fall, roll
from seedbench.generators.simulator.body_painting import SMALLEST
from seedbench.generators.simulator.body_plan import bodies_of
from seedbench.generators.simulator.degradations import SceneDegradation
from seedbench.generators.simulator.staging import StagedEvent, StagedPrompt, prompt_with_stage, resolve_stage

HEIGHTS = st.floats(0.2, 3.0)


def _prompt(*events: StagedEvent, duration_s: float = 3.0) -> StagedPrompt:
    return resolve_stage(prompt_with_stage("p", "", "motion", duration_s=duration_s, events=events))


@given(height=HEIGHTS, start_s=st.floats(0, 1))
def test_a_body_falls_for_the_root_of_twice_its_height_over_gravity(height: float, start_s: float) -> None:
    path = fall(start_s=start_s, x_m=0, height_m=height, radius_m=0.1, restitution=0.5, until_s=9)
    assert path.contacts[0].time_s == pytest.approx(start_s + np.sqrt(2 * height / GRAVITY), abs=1e-9)
    assert path.contacts[0].speed_m_s == pytest.approx(np.sqrt(2 * GRAVITY * height))


@given(height=HEIGHTS, restitution=st.floats(0.3, 0.95))
def test_each_bounce_is_lower_by_the_square_of_the_restitution(height: float, restitution: float) -> None:
    path = fall(start_s=0, x_m=0, height_m=height, radius_m=0.1, restitution=restitution, until_s=9)
    contacts = [contact.time_s for contact in path.contacts[:3]]
    if len(contacts) < 3:
        return
    tops = [path.at([(a + b) / 2])[0, 1] - 0.1 for a, b in pairwise(contacts)]
    assert tops[0] == pytest.approx(height * restitution**2, rel=1e-6)
    assert tops[1] == pytest.approx(height * restitution**4, rel=1e-6)


@given(height=HEIGHTS, restitution=st.floats(0, 1.2), speed=st.floats(-2, 2))
def test_no_body_goes_through_the_floor_or_jumps(height: float, restitution: float, speed: float) -> None:
    path = fall(start_s=0.2, x_m=0, height_m=height, radius_m=0.1, restitution=restitution, until_s=3, speed_m_s=speed)
    places = path.at(np.arange(0, 3, 0.001))
    assert places[:, 1].min() > 0.1 - 1e-6
    fastest = abs(speed) + (restitution + 1) * np.sqrt(2 * GRAVITY * height) * 1.2**12
    assert np.abs(np.diff(places, axis=0)).max() < 0.001 * fastest + 1e-6


def test_a_body_at_rest_stays_where_it_was_put() -> None:
    path = fall(start_s=0.5, x_m=0.3, height_m=1, radius_m=0.1, restitution=0, until_s=3)
    assert path.at([0, 0.5]).tolist() == [[0.3, 1.1], [0.3, 1.1]]
    assert path.at([2, 3]).tolist() == [[0.3, 0.1], [0.3, 0.1]]
    assert len(path.contacts) == 1


@given(speed=st.floats(0.2, 3), restitution=st.floats(0, 1))
def test_a_collision_keeps_momentum_and_loses_no_more_than_the_restitution_says(speed: float, restitution: float) -> None:
    paths = collide(time_s=1.0, x_m=0, radius_m=0.1, speed_m_s=speed, restitution=restitution)
    before, after = [[(path.at([t + 0.1]) - path.at([t]))[0, 0] / 0.1 for path in paths] for t in (0.5, 1.5)]
    assert sum(before) == pytest.approx(sum(after))
    assert after[1] - after[0] == pytest.approx(restitution * speed)
    gap = paths[1].at([1.0])[0, 0] - paths[0].at([1.0])[0, 0]
    assert gap == pytest.approx(0.2)


def test_a_pendulum_swings_as_the_pendulum_equation_says() -> None:
    swing = PendulumPath(0.0, (0.0, 2.0), 1.0)
    times = np.linspace(0, 4, 40001)
    angle = swing.angles(times)
    bend = np.gradient(np.gradient(angle, times), times)
    assert np.abs(bend + GRAVITY * np.sin(angle))[2:-2].max() < 1e-3
    assert swing.angles(np.array([swing.period_s]))[0] == pytest.approx(swing.angles(np.array([0.0]))[0])


def test_a_rolling_body_keeps_its_speed_unless_it_wins_energy() -> None:
    times = np.array([0.0, 1.0, 2.0])
    assert np.diff(roll(x_m=0, radius_m=0.1, speed_m_s=0.5).at(times)[:, 0]).tolist() == pytest.approx([0.5, 0.5])
    assert np.diff(roll(x_m=0, radius_m=0.1, speed_m_s=0.5, gain=0.2).at(times)[:, 0])[1] > 0.55


@pytest.mark.parametrize("size", [(456, 256), (256, 456), (1280, 720), (64, 64)])
@pytest.mark.parametrize(
    "event",
    [
        StagedEvent(kind="drop", object="glass marble", height_m=0.8),
        StagedEvent(kind="bounce", object="basketball", height_m=8.0),
        StagedEvent(kind="throw", object="wooden ball", height_m=1.2, speed_m_s=2.5),
        StagedEvent(kind="collide", object="steel ball", height_m=0, speed_m_s=4.0),
        StagedEvent(kind="pendulum", object="wooden ball", height_m=1.5),
        StagedEvent(kind="roll", object="glass marble", height_m=0, speed_m_s=0.7),
    ],
    ids=lambda event: event.kind,
)
def test_bodies_stay_in_the_picture_and_are_large_enough_to_be_followed(event: StagedEvent, size: tuple[int, int]) -> None:
    width, height = size
    bodies, pixel_scale = bodies_of(_prompt(event), np.random.default_rng(0), width=width, height=height, degradation=SceneDegradation())
    assert pixel_scale is not None
    for body in bodies:
        assert body.radius_m * pixel_scale.px_per_m >= SMALLEST * min(size) - 1e-3
        places = pixel_scale.to_px(body.path.at(np.arange(0, 3, 0.04)))
        assert places[:, 0].min() >= 0
        assert places[:, 0].max() <= width
        assert places[:, 1].min() >= 0


def test_broken_gravity_halves_the_fall_and_leaves_the_scale() -> None:
    prompt = _prompt(StagedEvent(kind="drop", height_m=1.0, start_s=0.0))
    rng = np.random.default_rng
    (sound,), pixel_scale = bodies_of(prompt, rng(0), width=456, height=256, degradation=SceneDegradation())
    (broken,), same = bodies_of(prompt, rng(0), width=456, height=256, degradation=SceneDegradation(gravity_scale=0.5))
    assert same == pixel_scale
    assert broken.path.contacts[0].time_s == pytest.approx(sound.path.contacts[0].time_s * np.sqrt(2))


def test_energy_gain_lifts_every_bounce_by_its_share() -> None:
    prompt = _prompt(StagedEvent(kind="bounce", height_m=1.0, start_s=0.0, restitution=0.8))
    (body,), _ = bodies_of(prompt, np.random.default_rng(0), width=456, height=256, degradation=SceneDegradation(energy_gain=0.2))
    first, second = (contact.time_s for contact in body.path.contacts[:2])
    assert body.path.at([(first + second) / 2])[0, 1] - body.radius_m == pytest.approx(1.2)


def test_teleport_moves_a_body_sideways_in_the_middle_of_the_clip() -> None:
    prompt = _prompt(StagedEvent(kind="pendulum", height_m=1.0, start_s=0.0))
    paths = [
        bodies_of(prompt, np.random.default_rng(0), width=456, height=256, degradation=SceneDegradation(teleport=amount))[0][0].path
        for amount in (0.0, 0.4)
    ]
    moved = paths[1].at([1.49, 1.5]) - paths[0].at([1.49, 1.5])
    assert moved.round(9).tolist() == [[0, 0], [0.4, 0]]
