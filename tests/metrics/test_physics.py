"""The physics metric: known motion, plausible and not, as tracks and as drawn clips."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.metrics.analyses.bodies import Bodies, BodyTrack, noise_px
from seedbench.metrics.analyses.contacts import motion_of
from seedbench.metrics.analyses.repeated_pictures import Repeats
from seedbench.metrics.physics import Physics, kinematics
from seedbench.metrics.physics.body import regime_of
from seedbench.metrics.physics.judge import PhysicsVerdict, judge
from seedbench.plugins.evidence import as_json
from seedbench.plugins.metric import Sample, Score
from seedbench.plugins.registry import load
from seedbench.suites.prompt import Event, Prompt
from tests.metrics.discs import FPS, GRAVITY_PX, bouncing, film

T = np.arange(75) / FPS
RADIUS = 9.0
SCALE = GRAVITY_PX / 9.81
"""Pixels per metre in the drawn scenes."""
STILL = np.full(len(T), 100.0)
DROP = Event(kind="drop", start_s=0.2, height_m=150.0 / SCALE)


def track_of(
    x: np.ndarray, y: np.ndarray, *, radius: np.ndarray | float = RADIUS, seed: int = 0, missing: slice | None = None
) -> BodyTrack:
    rng = np.random.default_rng(seed)
    seen = np.ones(len(x), bool)
    if missing is not None:
        seen[missing] = False
    frame = np.flatnonzero(seen)
    x, y = (values[frame] + rng.normal(0, 0.1, len(frame)) for values in (x, y))
    area = np.pi * (np.zeros(len(T)) + radius)[frame] ** 2
    never = np.zeros(len(frame), bool)
    size = float(np.sqrt(4 * np.median(area) / np.pi))
    return BodyTrack(frame, T[frame], x, y, area, never, ~never, size, noise_px(x, y), np.zeros(3), 0.0)


def judged(tracks: list[BodyTrack], *events: Event, changing: np.ndarray | None = None, repeats: Repeats | None = None) -> PhysicsVerdict:
    count = len(T)
    changing = np.ones(count) if changing is None else changing
    return judge(events, Bodies(tracks, T, 320, 256, 1, False, 0.0, 0.0, changing, repeats=repeats), motion_of(tracks))


def dropped(**how: float) -> np.ndarray:
    return bouncing(T, **{"top": 30.0, "bottom": 180.0, "restitution": 0.8, **how})[0]


def test_it_is_registered_as_physics() -> None:
    assert load("metrics", "physics") is Physics


def test_a_bouncing_ball_is_plausible_in_every_axis() -> None:
    verdict = judged([track_of(STILL, dropped())], DROP)
    assert all(axis.value is not None and axis.value > 0.95 for axis in verdict.axes.values())
    assert verdict.gravity_m_s2 == pytest.approx(9.81, rel=0.03)
    assert verdict.gravity_interval is not None
    assert verdict.gravity_interval[0] < 9.81 < verdict.gravity_interval[1]
    assert verdict.restitution == pytest.approx(0.8, abs=0.02)
    assert verdict.plausibility.value == pytest.approx(1.0, abs=0.03)


def test_repeated_pictures_that_crowd_show_an_uneven_pace_where_the_body_itself_shows_none() -> None:
    every, known = np.arange(len(T)), np.ones(len(T), bool)
    ball = track_of(STILL, dropped())
    spread = judged([ball], DROP, repeats=Repeats(every % 4 == 2, known))
    crowded = judged([ball], DROP, repeats=Repeats((every % 2 == 1) & (every < len(T) // 2), known))
    assert spread.axes["even_time"].value == 1.0
    assert crowded.axes["even_time"].value == 0.0
    assert crowded.plausibility.value == pytest.approx(0.5, abs=0.03)


def test_half_of_gravity_shows_only_on_a_declared_scale() -> None:
    verdict = judged([track_of(STILL, dropped(gravity=GRAVITY_PX / 2))], DROP)
    assert verdict.gravity_m_s2 == pytest.approx(4.9, rel=0.03)
    assert verdict.gravity_error == pytest.approx(0.5, abs=0.02)
    assert verdict.axes["gravity_size"].value == pytest.approx(0.0, abs=0.05)
    assert verdict.axes["gravity_consistency"].value == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("event", [Event(kind="drop", start_s=0.2), Event(kind="drop", start_s=0.2, height_m=0.0), Event(kind="bounce")])
def test_a_height_that_is_not_declared_gives_no_scale_and_costs_nothing(event: Event) -> None:
    verdict = judged([track_of(STILL, dropped(gravity=GRAVITY_PX / 2))], event)
    assert verdict.gravity_m_s2 is None
    assert verdict.gravity_error is None
    assert verdict.axes["gravity_size"].reason == "the prompt gives no height (height_m), so there is no scale in metres"
    assert verdict.plausibility.value == pytest.approx(1.0, abs=0.03)


def test_gravity_is_that_of_all_flights_where_they_agree_and_of_the_first_where_they_do_not() -> None:
    t = np.arange(12) / 24

    def fit(gravity: float) -> kinematics.FlightFit:
        return kinematics.fit_flight(t, t, 0.5 * gravity * t**2, sigma_px=0.3)

    assert kinematics.best_gravity([fit(1000.0), fit(980.0)])[0] == pytest.approx(990.0)
    assert kinematics.best_gravity([fit(1000.0), fit(980.0)])[1] < fit(1000.0).gravity_sd
    assert kinematics.best_gravity([fit(1000.0), fit(500.0)])[0] == pytest.approx(1000.0)


def test_the_height_of_a_fall_of_few_pictures_is_measured_from_where_the_body_was_let_go() -> None:
    every_second = np.arange(0, len(T), 2)
    whole = track_of(STILL, dropped())
    x, y, area, cut, sure = (values[every_second] for values in (whole.x, whole.y, whole.area, whole.at_border, whole.reliable))
    count = len(every_second)
    few = BodyTrack(np.arange(count), T[every_second], x, y, area, cut, sure, whole.diameter, whole.sigma_px, whole.colour, 0.0)
    seen = Bodies([few], T[every_second], 320, 256, 1, False, 0.0, 0.0, np.ones(count))
    verdict = judge([DROP], seen, motion_of([few]))
    assert verdict.gravity_m_s2 == pytest.approx(9.81, rel=0.03)


def test_a_body_that_merges_with_its_shadow_at_rest_does_not_grow() -> None:
    y = bouncing(T, top=30.0, bottom=180.0, restitution=0.3)[0]
    at_rest = np.arange(len(T)) > 40
    verdict = judged([track_of(STILL, y, radius=np.where(at_rest, 1.12 * RADIUS, RADIUS))], DROP)
    assert verdict.plausibility.value == pytest.approx(1.0, abs=0.03)


def test_a_ball_that_bounces_higher_and_higher_gains_energy() -> None:
    verdict = judged([track_of(STILL, dropped(restitution=1.1, bottom=120.0))], DROP)
    assert verdict.axes["energy"].value == pytest.approx(0.0, abs=0.05)
    assert verdict.restitution == pytest.approx(1.1, abs=0.02)


def test_a_drop_eased_in_and_out_breaks_the_law_of_motion() -> None:
    share = np.clip((T - 0.3) / 0.9, 0, 1)
    verdict = judged([track_of(STILL, 30 + 150 * (3 * share**2 - 2 * share**3))], DROP)
    assert verdict.axes["motion_law"].value is not None
    assert verdict.axes["motion_law"].value < 0.5
    assert verdict.axes["gravity_consistency"].value == 0.0


def test_a_body_that_falls_up_has_no_gravity() -> None:
    y = np.where(T < 0.2, 180.0, np.maximum(20.0, 180.0 - 0.5 * 300.0 * (T - 0.2) ** 2))
    assert judged([track_of(STILL, y)], DROP).axes["gravity_consistency"].value == 0.0


def test_a_leap_costs_permanence() -> None:
    verdict = judged([track_of(np.where(T < 1.0, 100.0, 180.0), dropped())], DROP)
    assert verdict.axes["permanence"].value == pytest.approx(0.3, abs=0.02)
    assert verdict.axes["motion_law"].value == pytest.approx(1.0, abs=0.05)


def test_a_body_that_vanishes_costs_permanence() -> None:
    gone = judged([track_of(STILL, dropped(), missing=slice(45, 75))], DROP).axes["permanence"].value
    assert gone == pytest.approx(45 / 75, abs=0.02)
    flickers = judged([track_of(STILL, dropped(), missing=slice(30, 36))], DROP).axes["permanence"].value
    assert flickers == pytest.approx(69 / 75, abs=0.02)


def test_a_body_that_grows_much_in_place_gets_no_answer_but_for_permanence() -> None:
    verdict = judged([track_of(STILL, dropped(), radius=np.linspace(8, 14, len(T)))], DROP)
    assert verdict.axes["permanence"].value is not None
    assert verdict.axes["permanence"].value < 0.6
    assert verdict.axes["motion_law"].value is None
    assert verdict.plausibility.value is None
    assert "size changes" in verdict.plausibility.reason


def test_a_body_that_grows_a_little_may_come_nearer_and_has_no_fault() -> None:
    verdict = judged([track_of(STILL, dropped(), radius=np.linspace(9, 11.5, len(T)))], DROP)
    assert verdict.axes["permanence"].value == pytest.approx(1.0, abs=0.02)
    assert verdict.axes["motion_law"].value == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("nearer", [-0.25, 0.15, 0.3, 0.45])
def test_a_body_thrown_towards_the_camera_or_away_is_as_plausible_as_one_thrown_across(nearer: float) -> None:
    distance = 1.0 + (1.0 / (1.0 + nearer) - 1.0) * T / T[-1]
    x, y = (160.0 + (30.0 + 25.0 * T - 160.0) / distance, 128.0 + (dropped(bottom=150.0) - 128.0) / distance)
    verdict = judged([track_of(x, y, radius=RADIUS / distance)], Event(kind="throw", start_s=0.2))
    assert verdict.plausibility.value == pytest.approx(1.0, abs=0.04)
    assert verdict.axes["permanence"].value == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("nearer", [0.1, 0.2, 0.3])
def test_an_eased_path_is_implausible_when_the_body_comes_nearer(nearer: float) -> None:
    distance = 1.0 + (1.0 / (1.0 + nearer) - 1.0) * T / T[-1]
    share = np.clip((T - 0.3) / 0.9, 0, 1)
    x, y = 160.0 - 40.0 / distance, 128.0 + (150 * (3 * share**2 - 2 * share**3) - 100.0) / distance
    verdict = judged([track_of(x, y, radius=RADIUS / distance)], DROP)
    assert verdict.axes["motion_law"].value is not None
    assert verdict.axes["motion_law"].value < 0.7
    assert verdict.axes["gravity_consistency"].value == 0.0


def test_bounces_in_mid_air_cost_contact() -> None:
    low, _ = bouncing(T, top=30.0, bottom=180.0, restitution=0.8)
    high, _ = bouncing(T, top=30.0, bottom=180.0, restitution=0.8)
    second = np.flatnonzero((T > 1.2) & (np.diff(low, prepend=low[0]) < 0))[0]
    high[second:] -= 45.0 * np.clip((T[second:] - T[second]) / 0.4, 0, 1)
    assert judged([track_of(STILL, low)], DROP).axes["contact"].value == pytest.approx(1.0, abs=0.05)
    contact = judged([track_of(STILL, high)], DROP).axes["contact"].value
    assert contact is not None
    assert contact < 0.6


def test_a_kick_without_a_cause_costs_contact() -> None:
    y = 30 + 60 * T + 0.5 * 60 * T**2
    x = np.where(T < 1.2, 60 + 40 * T, 108 - 70 * (T - 1.2))
    assert judged([track_of(x, y)], DROP).axes["contact"].value == pytest.approx(0.5)


def test_a_frozen_clip_gets_no_answer() -> None:
    still = judged([], DROP, changing=np.zeros(len(T)))
    assert still.plausibility.value is None
    assert still.problem == "the picture is frozen"
    y = dropped().copy()
    y[20:] = y[20]
    stops = judged([track_of(STILL, y)], DROP, changing=np.where(T < 0.8, 1.0, 0.0))
    assert stops.plausibility.value is None
    assert "frozen" in stops.problem


def test_a_body_that_hardly_moves_gets_no_answer() -> None:
    verdict = judged([track_of(STILL, 100 + 7 * np.sin(3 * T))], DROP)
    assert verdict.plausibility.value is None
    assert verdict.problem == "no body moves by as much as its own size"


def test_a_roll_may_slow_down_and_not_speed_up() -> None:
    event = Event(kind="roll")
    slows = judged([track_of(20 + 100 * T - 10 * T**2, STILL)], event)
    assert slows.plausibility.value == pytest.approx(1.0, abs=0.03)
    assert slows.axes["gravity_consistency"].value is None
    gains = judged([track_of(20 + 40 * T + 15 * T**2, STILL)], event)
    assert gains.axes["energy"].value == 0.0
    stops = judged([track_of(np.where(T < 1.5, 20 + 100 * T, 170.0), STILL)], event)
    assert stops.axes["contact"].value == 0.5


def test_a_pendulum_swings_by_its_string() -> None:
    length_m = 1.0
    omega = np.sqrt(9.81 / length_m)
    angle = 0.3 * np.cos(omega * T)
    event = Event(kind="pendulum", start_s=0.0, height_m=length_m)
    verdict = judged([track_of(150 + 120 * np.sin(angle), 20 + 120 * np.cos(angle))], event)
    assert verdict.plausibility.value == pytest.approx(1.0, abs=0.03)
    assert verdict.gravity_m_s2 == pytest.approx(9.81, rel=0.03)
    grows = 0.3 * 1.3 ** (T * omega / (4 * np.pi)) * np.cos(omega * T)
    assert judged([track_of(150 + 120 * np.sin(grows), 20 + 120 * np.cos(grows))], event).axes["energy"].value == pytest.approx(
        0.0, abs=0.1
    )


@pytest.mark.parametrize(("after", "energy", "contact"), [((10.0, 90.0), 1.0, 1.0), ((-30.0, 130.0), 0.0, 1.0), ((100.0, -60.0), 1.0, 0.0)])
def test_bodies_that_meet_push_each_other_apart(after: tuple[float, float], energy: float, contact: float) -> None:
    """Equal bodies, one at rest: parting slower than meeting, faster (energy from nothing), and one passing through the other."""
    first = np.where(T < 1.2, 40.0 + 100 * T, 160.0 + after[0] * (T - 1.2))
    second = np.where(T < 1.2, 178.0, 178.0 + after[1] * (T - 1.2))
    verdict = judged([track_of(first, STILL), track_of(second, STILL, seed=1)], Event(kind="collide"))
    assert verdict.axes["energy"].value == pytest.approx(energy, abs=0.1)
    assert verdict.axes["contact"].value == pytest.approx(contact, abs=0.1)
    assert verdict.axes["motion_law"].value == pytest.approx(1.0, abs=0.05)


def test_bodies_set_in_motion_without_a_touch_cost_contact() -> None:
    first = np.where(T < 1.2, 40.0 + 50 * T, 100.0)
    second = np.where(T < 1.2, 200.0, 200.0 + 50 * (T - 1.2))
    assert judged([track_of(first, STILL), track_of(second, STILL, seed=1)], Event(kind="collide")).axes["contact"].value == 0.0


# Drawn clips, end to end


def scored(path: Path, pictures: np.ndarray, *events: Event) -> dict[str, Score]:
    write_clip(path, list(pictures), FPS)
    prompt = Prompt(id="x", text="x", task="motion", duration_s=3.0, events=events) if events else None
    scores = Physics().score(Clip.open(path), Sample(prompt=prompt))
    assert [score.measure for score in scores] == [measure.name for measure in Physics.info.measures]
    return {score.measure: score for score in scores}


Y, _ = bouncing(T, top=25.0, bottom=115.0, restitution=0.75)
DRAWN = Event(kind="drop", start_s=0.2, height_m=90.0 / SCALE)


def test_a_drawn_drop_is_plausible_and_shows_its_evidence(tmp_path: Path) -> None:
    scores = scored(tmp_path / "drop.mp4", film([(120 + 20 * T, Y)], floor=124.0), DRAWN)
    plausibility = scores["plausibility"]
    assert plausibility.value is not None
    assert plausibility.value > 0.95
    assert scores["gravity_m_s2"].value == pytest.approx(9.81, rel=0.05)
    assert scores["restitution"].value == pytest.approx(0.75, abs=0.04)
    kinds = [as_json(panel)["kind"] for panel in plausibility.evidence]
    assert kinds == ["overlay", "curve", "facts"]
    json.dumps([as_json(panel) for panel in plausibility.evidence])
    json.dumps(dict(plausibility.details))
    assert (plausibility.n_used, plausibility.n_total) == (1, 1)


def test_a_panning_camera_changes_no_answer(tmp_path: Path) -> None:
    x = 120 + 20 * T
    pan = 0.7 * np.arange(len(T)) + 2 * np.sin(3 * T)
    still = scored(tmp_path / "still.mp4", film([(x, Y)]), DRAWN)
    panned = scored(tmp_path / "panned.mp4", film([(x + 10, Y)], pan=pan), DRAWN)
    for measure in ("plausibility", "motion_law", "energy", "permanence", "contact"):
        assert panned[measure].value == pytest.approx(still[measure].value, abs=0.06)
    assert panned["gravity_m_s2"].value == pytest.approx(still["gravity_m_s2"].value, rel=0.03)


def test_a_drawn_fall_is_judged_without_a_declared_event_and_a_still_clip_is_not(tmp_path: Path) -> None:
    fall = scored(tmp_path / "a.mp4", film([(120 + 20 * T, Y)])[:20])
    assert fall["plausibility"].value == pytest.approx(1.0, abs=0.05)
    assert fall["gravity_m_s2"].reason == "the prompt gives no height (height_m), so there is no scale in metres"
    still = scored(tmp_path / "b.mp4", film([(STILL, STILL)])[:20])
    assert {score.status for score in still.values()} == {"unscored"}


def test_a_prompt_without_a_body_in_motion_gets_no_answer(tmp_path: Path) -> None:
    pictures = film([(120 + 20 * T, Y)])[:20]
    water = scored(tmp_path / "b.mp4", pictures, Event(kind="water", object="none"), Event(kind="bell", object="none"))
    assert {score.status for score in water.values()} == {"unscored"}
    assert water["plausibility"].reason == "the prompt declares no body in motion (bell, water)"


@pytest.mark.parametrize("what", ["frozen", "black", "one picture"])
def test_clips_without_motion_get_no_answer(tmp_path: Path, what: str) -> None:
    pictures = {
        "frozen": np.repeat(film([(STILL[:1], Y[:1])]), 40, axis=0),
        "black": np.zeros((40, 144, 256, 3), np.uint8),
        "one picture": film([(STILL[:1], Y[:1])]),
    }[what]
    scores = scored(tmp_path / "clip.mp4", pictures, DRAWN)
    assert {score.status for score in scores.values()} == {"unscored"}
    assert scores["plausibility"].reason


@pytest.mark.parametrize("seed", range(8))
def test_a_path_that_fits_two_laws_follows_the_first_whatever_the_rounding(seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-1e-12, 1e-12, len(T))
    x, y = 40.0 * T + noise, np.full(len(T), 90.0) + noise[::-1]
    flights = [kinematics.fit_flight(T, x, y, sigma_px=0.0)]
    assert regime_of({"flight", "roll"}, T, x, y, flights, 0.0) == "flight"
