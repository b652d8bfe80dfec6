"""Stops against onsets: chance, offsets with intervals, and which clips are judged at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbench.metrics.analyses.onsets import Onsets
from seedbench.metrics.analyses.part_motion import DIRECTIONS, WAYS, PartMotion, Stops, stops_of
from seedbench.metrics.impact.alignment import AlignedCurves, aligned_curves, fit_curves, intervals_of, with_contacts
from seedbench.metrics.impact.judge import (
    count_sudden,
    declared_by,
    only_collisions,
    why_no_contacts,
    why_not_applicable,
    why_not_heard,
    why_not_seen,
)
from seedbench.suites.prompt import Event, Prompt

FPS = 25.0


def irregular(count: int, seconds: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    gaps = rng.uniform(0.5, 1.5, count + 1)
    return np.asarray(seconds * np.cumsum(gaps)[:-1] / gaps.sum())


def stops_at(hit_s: np.ndarray, seconds: float, strength: float = 1.0) -> Stops:
    time_s = np.arange(round(seconds * FPS)) / FPS
    seen = np.zeros(len(time_s))
    for hit in hit_s:
        seen += strength * np.maximum(0.0, 1.0 - np.abs(time_s - hit) * FPS)
    return Stops(time_s, np.tile(seen, (WAYS, 1)))


def curves_of(hit_s: np.ndarray, sound_s: np.ndarray, *, seconds: float = 4.0, strength: np.ndarray | None = None) -> AlignedCurves:
    return aligned_curves(stops_at(hit_s, seconds), sound_s, np.full(len(sound_s), 20.0) if strength is None else strength)


@settings(deadline=None, max_examples=20)
@given(st.integers(3, 9), st.integers(0, 99), st.floats(-0.04, 0.04))
def test_hits_that_are_heard_fit_above_chance_with_their_lag(count: int, seed: int, early_s: float) -> None:
    hit_s = irregular(count, 6.0, seed)
    fit = fit_curves(curves_of(hit_s, hit_s - early_s, seconds=6.0))
    assert fit.alignment > 0.5
    assert fit.p < 0.05
    assert fit.offset_s == pytest.approx(early_s, abs=0.012)


def test_a_sound_that_has_nothing_to_do_with_the_picture_is_at_chance_on_average() -> None:
    fits = [fit_curves(curves_of(irregular(5, 4.0, seed), irregular(5, 4.0, 1000 + seed))) for seed in range(120)]
    assert np.mean([fit.alignment for fit in fits]) == pytest.approx(0.0, abs=0.06)
    assert np.mean([fit.p <= 0.05 for fit in fits]) < 0.12


def test_a_sound_late_by_200_ms_does_not_fit_but_its_offset_is_known_from_many_hits() -> None:
    hit_s = irregular(16, 12.0, 3)
    fit = fit_curves(curves_of(hit_s, hit_s + 0.2, seconds=12.0))
    assert fit.alignment < 0.1
    assert fit.offset_s == pytest.approx(-0.2, abs=0.012)


def test_one_hit_cannot_show_more_than_its_share_of_the_clip() -> None:
    fit = fit_curves(curves_of(np.array([1.0]), np.array([1.0]), seconds=2.0))
    assert fit.alignment > 0.5
    assert fit.p == pytest.approx(0.11 / 1.92, rel=0.4)


def test_strong_onsets_count_more_than_faint_ones() -> None:
    hit_s = irregular(5, 4.0, 1)
    other_s = irregular(5, 4.0, 2)
    both = np.sort(np.concatenate([hit_s, other_s]))
    loud_hits = np.where(np.isin(both, hit_s), 30.0, 3.0)
    loud_others = np.where(np.isin(both, hit_s), 3.0, 30.0)
    right, wrong = (fit_curves(curves_of(hit_s, both, strength=strength)) for strength in (loud_hits, loud_others))
    assert right.alignment > 0.6 > 0.3 > wrong.alignment


@pytest.mark.parametrize("way", range(WAYS))
def test_hits_in_any_way_fit_most_those_from_above(way: int) -> None:
    hit_s = irregular(5, 4.0, 1)
    stops = stops_at(hit_s, 4.0)
    strength = np.random.default_rng(way).uniform(0.0, 0.3, stops.strength.shape)
    strength[way] = stops.strength[way]
    fit = fit_curves(aligned_curves(Stops(stops.time_s, strength), hit_s, np.full(5, 20.0)))
    assert fit.alignment > 0.4
    assert fit.p < 0.05


def test_an_offset_beyond_the_search_is_none() -> None:
    hit_s = irregular(16, 12.0, 3)
    assert fit_curves(curves_of(hit_s, hit_s + 0.29, seconds=12.0)).offset_s is None


def test_dozens_of_onsets_do_not_match_anything() -> None:
    hit_s = irregular(6, 10.0, 1)
    fit = fit_curves(curves_of(hit_s, irregular(63, 10.0, 5), seconds=10.0))
    assert fit.alignment < 0.2
    assert fit.offset_s is None


def test_without_onsets_inside_there_is_no_curve_to_compare() -> None:
    curves = curves_of(np.array([1.0]), np.array([9.0]))
    assert len(curves.onset_s) == 0
    assert curves.heard.max() == 0


def test_the_interval_of_the_offset_holds_its_spread_and_the_time_between_pictures() -> None:
    hit_s = irregular(8, 6.0, 2)
    scattered = hit_s + np.random.default_rng(0).normal(0, 0.02, 8)
    steady_fit, scattered_fit = (fit_curves(curves_of(hit_s, sound, seconds=6.0)) for sound in (hit_s, scattered))
    steady = intervals_of(steady_fit, curves_of(hit_s, hit_s, seconds=6.0), picture_s=0.04).offset_s
    spread = intervals_of(scattered_fit, curves_of(hit_s, scattered, seconds=6.0), picture_s=0.04).offset_s
    assert steady is not None
    assert spread is not None
    assert steady[0] < 0 < steady[1]
    assert spread[0] < 0 < spread[1]
    assert spread[1] - spread[0] > steady[1] - steady[0] > 0.015


def test_the_interval_of_few_onsets_is_not_known() -> None:
    hit_s = irregular(3, 4.0, 2)
    curves = curves_of(hit_s, hit_s)
    assert intervals_of(fit_curves(curves), curves, picture_s=0.04).alignment is None


KNOCK = Prompt(id="knock", text="A hand knocks.", task="impact", duration_s=3, events=(Event(kind="knock"),))
SEEN_KNOCK = KNOCK.model_copy(update={"events": (Event(kind="knock", impact=True),)})
COLLISION = KNOCK.model_copy(update={"events": (Event(kind="collide"),)})


def test_what_a_prompt_says_of_impacts() -> None:
    assert [declared_by(prompt) for prompt in (None, KNOCK, SEEN_KNOCK, COLLISION)] == ["unknown", "heard", "visible", "visible"]
    assert [why_not_applicable(prompt) for prompt in (None, KNOCK, SEEN_KNOCK, COLLISION)] == [""] * 4


def test_whole_bodies_are_counted_where_one_is_declared() -> None:
    assert why_no_contacts(COLLISION) == ""
    assert why_no_contacts(SEEN_KNOCK).startswith("no body that falls")
    assert [only_collisions(prompt) for prompt in (None, KNOCK, SEEN_KNOCK, COLLISION)] == [False, False, False, True]


def test_contacts_of_bodies_count_beside_stops() -> None:
    still = Stops(np.arange(50) / FPS, np.full((WAYS, 50), 0.01))
    hit_s = np.array([0.4, 1.1, 1.5])
    stops = with_contacts(still, hit_s, np.array([300.0, 200.0, 100.0]))
    assert stops.strength[0, 10] == pytest.approx(0.01)
    with_them = with_contacts(Stops(still.time_s, np.zeros((WAYS, 50))), hit_s, np.array([300.0, 200.0, 100.0]))
    assert fit_curves(aligned_curves(with_them, hit_s, np.full(3, 20.0))).alignment > 0.8
    assert with_contacts(still, np.zeros(0), np.zeros(0)) is still


def motion_of(fastest: float, seconds: float = 3.0) -> PartMotion:
    time_s = np.arange(round(seconds * FPS)) / FPS
    speed = np.zeros((len(time_s) - 1, DIRECTIONS))
    speed[5:10] = speed[20:25] = fastest
    return PartMotion(time_s, speed)


@pytest.mark.parametrize(
    ("fastest", "declared", "answered"),
    [(0.05, "visible", False), (0.2, "visible", True), (0.2, "heard", False), (0.2, "unknown", False), (2.0, "unknown", True)],
)
def test_undeclared_hits_must_be_sudden(fastest: float, declared: str, answered: bool) -> None:
    motion = motion_of(fastest)
    stops = stops_of(motion)
    reason = why_not_seen(motion, stops, declared)  # type: ignore[arg-type]
    assert (reason == "") is answered


def test_a_clip_that_is_too_short_has_no_chance_level() -> None:
    motion = motion_of(2.0, seconds=1.05)
    stops = stops_of(motion)
    assert "at least 1 s" in why_not_seen(motion, stops, "visible")


def test_neighbouring_pictures_are_one_stop() -> None:
    assert count_sudden(Stops(np.arange(6) / FPS, np.tile([1.0, 1.0, 0.0, 1.0, 0.0, 0.0], (WAYS, 1)))) == 2


def test_undeclared_hits_must_be_heard_clearly_and_without_speech() -> None:
    def heard(flux_db: float) -> Onsets:
        return Onsets(np.array([1.0, 2.0]), np.ones(2), np.full(2, flux_db), -10.0)

    assert why_not_heard(heard(20.0), 0.0) == ""
    assert "fewer than two sharp onsets" in why_not_heard(heard(4.0), 0.0)
    assert "is speech" in why_not_heard(heard(20.0), 0.5)
