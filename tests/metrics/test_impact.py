"""Onsets to the millisecond, contacts and onsets matched one to one, and the reasons where there is no answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbench.clips.clip import Clip
from seedbench.generators.simulator import Simulator
from seedbench.metrics.analyses.contacts import SeenContact, visible_impacts
from seedbench.metrics.analyses.onsets import RATE, Onsets, find_onsets, onset_start
from seedbench.metrics.impact import ImpactAlignment
from seedbench.metrics.impact.judge import why_not_applicable
from seedbench.metrics.impact.pairs import PairShares, match_impacts, shares_of, sounds_that_count
from seedbench.plugins.generator import Request
from seedbench.plugins.metric import Sample, Score
from seedbench.suites.prompt import Character, Event, Line, Prompt

DROP = Prompt(
    id="drop",
    text="a ball falls",
    task="impact",
    duration_s=2.5,
    events=(Event(kind="drop", object="wooden ball", start_s=0.4, height_m=1.8),),
    stage={"events": [{"restitution": 0.5}]},
)


def clicks(times_s: list[float], *, seconds: float = 4.0, noise: float = 1e-3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, noise, round(seconds * RATE))
    decay = np.exp(-np.arange(1600) / 200) * np.sin(np.arange(1600) * 0.9)
    for time in times_s:
        start = round(time * RATE)
        sound[start : start + 1600] += 0.5 * decay[: len(sound) - start]
    return sound


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(5, 37), min_size=1, max_size=6, unique=True), st.integers(0, 99))
def test_clicks_are_found_where_they_are(tenths: list[int], seed: int) -> None:
    times = sorted(tenth / 10 for tenth in tenths)
    onsets_s = find_onsets(clicks(times, seed=seed)).time_s
    assert len(onsets_s) == len(times)
    np.testing.assert_allclose(onsets_s, times, atol=0.003)


def test_steady_sound_and_silence_have_no_onsets() -> None:
    assert len(find_onsets(np.zeros(32000)).time_s) == 0
    assert len(find_onsets(np.random.default_rng(0).normal(0, 0.1, 32000)).time_s) <= 1  # its own beginning
    assert len(find_onsets(np.zeros(0)).time_s) == 0


def all_count(contacts: np.ndarray, sounds: np.ndarray) -> dict[str, np.ndarray]:
    return {"contact_counts": np.ones(len(contacts), bool), "sound_counts": np.ones(len(sounds), bool)}


def aligned(contacts_s: list[float], sounds_s: list[float], *, loud: list[bool] | None = None) -> PairShares:
    counts = np.ones(len(sounds_s), bool) if loud is None else np.array(loud)
    pairs = match_impacts(np.array(contacts_s), np.array(sounds_s))
    return shares_of(pairs, contact_counts=np.ones(len(contacts_s), bool), sound_counts=counts)


def test_known_jitter_drops_and_extras_come_back() -> None:
    result = aligned([0.5, 1.0, 1.5, 2.0], [0.53, 1.03, 1.7, 2.03, 3.0])
    assert (result.recall, result.precision) == (3 / 4, 3 / 5)
    assert result.f1 == pytest.approx(2 * 3 / 9)
    assert result.offset_s == pytest.approx(-0.03)  # sounds come after their contacts: late, so negative
    assert result.mad_s == pytest.approx(0.0, abs=1e-12)


def test_nothing_heard_has_no_precision_and_no_offset() -> None:
    result = aligned([1.0, 2.0], [])
    assert (result.recall, result.f1, result.precision, result.offset_s, result.mad_s) == (0.0, 0.0, None, None, None)


def test_a_quiet_onset_without_a_contact_costs_nothing() -> None:
    assert aligned([1.0], [1.0, 2.0], loud=[True, False]).precision == 1


def test_the_last_small_bounces_need_no_contact() -> None:
    landing = SeenContact(1.0, "floor", 0, -1, 0.0, 0.0, np.array([0.0, 300.0]), np.array([0.0, -90.0]), 1.0)
    heard = Onsets(np.array([1.0, 1.2, 1.3, 2.5]), np.array([0.5, 0.2, 0.1, 0.3]), np.ones(4), -10.0)
    pairs = match_impacts(np.array([1.0]), heard.time_s)
    assert sounds_that_count(heard, [landing], pairs).tolist() == [True, False, False, True]


def test_more_pairs_are_preferred_to_nearer_ones() -> None:
    pairs = match_impacts(np.array([1.0, 1.1]), np.array([1.09, 1.2]))
    assert pairs.sound.tolist() == [0, 1]


@given(st.lists(st.floats(0, 10), min_size=1, max_size=8), st.lists(st.floats(0, 10), max_size=8))
def test_matching_is_one_to_one_within_the_window_in_any_order(contacts: list[float], onsets: list[float]) -> None:
    pairs = match_impacts(np.array(contacts), np.array(onsets))
    assert len(set(pairs.contact.tolist())) == len(set(pairs.sound.tolist())) == len(pairs.offset_s)
    assert np.all(np.abs(pairs.offset_s) <= 0.12 + 1e-8)
    back = match_impacts(np.array(contacts[::-1]), np.array(onsets[::-1]))
    assert len(back.offset_s) == len(pairs.offset_s)
    assert np.abs(back.offset_s).sum() == pytest.approx(np.abs(pairs.offset_s).sum(), abs=1e-9)


def scores_of(tmp_path: Path, prompt: Prompt = DROP, **degradations: object) -> dict[str, Score]:
    result = Simulator(**degradations).generate(Request(prompt=prompt, seed=0), tmp_path)
    assert result.file is not None
    return {score.measure: score for score in ImpactAlignment().score(Clip.open(result.file), Sample(prompt=prompt))}


def test_a_clean_drop_is_heard_when_it_is_seen(tmp_path: Path) -> None:
    scores = scores_of(tmp_path)
    assert scores["f1"].value == 1
    assert scores["offset_ms"].value == pytest.approx(0, abs=5)


def test_a_late_impact_is_late_by_what_it_was_shifted(tmp_path: Path) -> None:
    scores = scores_of(tmp_path, impact_delay_ms=80)
    assert scores["offset_ms"].value == pytest.approx(-80, abs=5)


def test_a_mute_clip_is_not_heard_at_all(tmp_path: Path) -> None:
    scores = scores_of(tmp_path, mute=True)
    assert scores["recall"].value == 0
    assert scores["f1"].value == 0
    assert scores["offset_ms"].status == "unscored"


def test_a_frozen_clip_has_no_answer(tmp_path: Path) -> None:
    scores = scores_of(tmp_path, freeze_from_s=0)
    assert {score.status for score in scores.values()} == {"unscored"}
    assert scores["f1"].reason == "no contact is seen"
    assert scores["alignment"].reason.startswith("nothing moves")


def test_a_clean_drop_fits_better_than_chance(tmp_path: Path) -> None:
    scores = scores_of(tmp_path)
    alignment, chance = scores["alignment"].value, scores["chance_p"].value
    assert alignment is not None
    assert chance is not None
    assert alignment > 0.3
    assert chance < 0.05


def test_a_mute_clip_in_which_hits_are_seen_has_no_alignment_above_chance(tmp_path: Path) -> None:
    scores = scores_of(tmp_path, mute=True)
    assert scores["alignment"].value == 0
    assert scores["chance_p"].reason == "the clip is silent"


def test_a_late_sound_does_not_fit(tmp_path: Path) -> None:
    alignment = scores_of(tmp_path, impact_delay_ms=200)["alignment"].value
    assert alignment is not None
    assert alignment < 0.15


def test_silent_impacts_are_not_judged(tmp_path: Path) -> None:
    silent = DROP.model_copy(update={"events": (DROP.events[0].model_copy(update={"sound": False}),)})
    assert scores_of(tmp_path, silent)["f1"].reason == "the prompt declares that the impacts are silent"


def test_prompts_whose_impacts_cannot_be_judged_get_a_reason() -> None:
    spoken = DROP.model_copy(update={"cast": (Character(id="a"),), "speech": (Line(character="a", text="hello"),)})
    assert why_not_applicable(spoken).startswith("the prompt declares speech or music")
    assert why_not_applicable(None) == ""
    swinging = DROP.model_copy(update={"events": (Event(kind="pendulum"),)})
    assert why_not_applicable(swinging) == "the prompt declares no event with an impact that is heard"
    assert why_not_applicable(DROP) == ""


@pytest.mark.parametrize("seed", range(8))
def test_rounding_does_not_choose_between_two_sounds_of_a_contact(seed: int) -> None:
    off = np.random.default_rng(seed).uniform(-1e-12, 1e-12, 2)
    assert match_impacts(np.array([1.0]), np.array([0.95, 1.05]) + off).sound.tolist() == [0]


@pytest.mark.parametrize("seed", range(8))
def test_of_two_equally_fast_bodies_that_meet_the_first_counts(seed: int) -> None:
    speeds = 100.0 + np.random.default_rng(seed).uniform(-1e-11, 1e-11, 2)
    both = [
        SeenContact(1.0, "body", body, 1 - body, 0.0, 0.0, np.array([speed, 0.0]) * (1 - 2 * body), np.zeros(2), 1.0)
        for body, speed in enumerate(speeds)
    ]
    assert [contact.body for contact in visible_impacts(both)] == [0]


@pytest.mark.parametrize("seed", range(8))
def test_a_steady_sound_begins_where_it_rises(seed: int) -> None:
    energy = np.concatenate([np.linspace(0.0, 0.01, 160), np.full(800, 0.01)])
    other = energy + 1e-15 * np.random.default_rng(seed).uniform(-1, 1, len(energy))
    assert onset_start(other, RATE, 0.03)[0] == onset_start(energy, RATE, 0.03)[0]
