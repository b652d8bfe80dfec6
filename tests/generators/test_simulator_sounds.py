"""Sounds, music and their mixing: sharp attacks where they belong, levels that stay within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.generators.simulator import sounds
from seedbench.generators.simulator.degradations import SceneDegradation
from seedbench.generators.simulator.music import PEAK, beat_times, play
from seedbench.generators.simulator.plan import plan_scene
from seedbench.generators.simulator.sounds import RATE
from seedbench.generators.simulator.soundtrack import record
from seedbench.suites.prompt import Character, Event, Line, Music, Prompt, Shot

ALL = [(name, 5.0, False) for name in sounds.RINGS] + [(name, 1.0, True) for name in sounds.CLICKS]


def _attack_s(samples: np.ndarray) -> float:
    """When a quarter of the largest sample is first reached."""
    loud = np.abs(samples)
    return int(np.argmax(loud > 0.25 * loud.max())) / RATE


@pytest.mark.parametrize(("material", "speed", "body"), ALL)
def test_impacts_begin_at_once_and_die_away(material: str, speed: float, body: bool) -> None:
    sound = sounds.impact(material, speed, np.random.default_rng(1), body=body)
    assert _attack_s(sound) < 0.003
    assert np.abs(sound).max() <= 0.7
    third = len(sound) // 3
    assert np.square(sound[-third:]).sum() < 0.05 * np.square(sound[:third]).sum()


def test_materials_sound_different() -> None:
    def brightness(material: str) -> float:
        power = np.square(np.abs(np.fft.rfft(sounds.impact(material, 4.0, np.random.default_rng(0)))))
        return float((np.fft.rfftfreq(2 * len(power) - 1, 1 / RATE) * power).sum() / power.sum())

    levels = [brightness(name) for name in ("rubber", "cardboard", "wood", "steel", "glass")]
    assert levels == sorted(levels)


@pytest.mark.parametrize("name", sorted(sounds.EVENT_SOUNDS))
def test_events_begin_at_once(name: str) -> None:
    sound = sounds.EVENT_SOUNDS[name](np.random.default_rng(2))
    assert _attack_s(sound) < 0.003
    assert np.abs(sound).max() < 0.7


@pytest.mark.parametrize("style", ["drums", "piano", "synth"])
@pytest.mark.parametrize("tempo", [75, 120, 150])
def test_music_rises_on_every_beat(style: str, tempo: float) -> None:
    track = play(tempo, style, 4.0, np.random.default_rng(0))
    assert len(track) == 4 * RATE
    assert np.abs(track).max() == pytest.approx(PEAK)
    for beat_s in beat_times(tempo, 4.0)[1:]:
        at = round(beat_s * RATE)
        before, after = (np.square(track[at + a : at + b]).mean() for a, b in ((-1920, -480), (0, 1440)))
        assert after > 2 * before


def test_music_shifted_by_a_beat_and_a_half_has_its_beats_half_a_beat_later() -> None:
    assert beat_times(120, 3, shift_s=0.75).tolist() == pytest.approx([0.25, 0.75, 1.25, 1.75, 2.25, 2.75])


def _record(prompt: Prompt, degradation: SceneDegradation) -> tuple[np.ndarray, tuple[float, ...], tuple[float, ...]]:
    track = record(plan_scene(prompt, 3, width=64, height=64, fps=25, degradation=degradation))
    return track.samples, track.heard_s, track.beats_s


DROP = Prompt(id="d", text="", task="impact", duration_s=1.5, events=(Event(kind="drop", object="wooden ball", height_m=1.0, start_s=0.2),))


def test_an_impact_is_heard_at_its_contact() -> None:
    samples, times, _ = _record(DROP, SceneDegradation())
    assert times[0] == pytest.approx(0.2 + np.sqrt(2 / 9.81))
    assert _attack_s(samples[: round((times[0] + 0.2) * RATE)]) == pytest.approx(times[0], abs=0.002)


@pytest.mark.parametrize("option", ["sound_delay_ms", "impact_delay_ms"])
@pytest.mark.parametrize("amount", [-120.0, 320.0])
def test_shifted_sound_is_the_same_sound_at_another_time(option: str, amount: float) -> None:
    plain, times, _ = _record(DROP, SceneDegradation())
    broken, later, _ = _record(DROP, SceneDegradation(**{option: amount}))
    assert np.subtract(later, times) == pytest.approx(amount / 1000)
    start, moved, size = round(times[0] * RATE), round(later[0] * RATE), 4000
    tone = 0.01  # the place's own quiet does not move
    assert np.abs(plain[start : start + size] - broken[moved : moved + size]).max() < tone


def test_beat_shift_moves_the_music_alone() -> None:
    prompt = Prompt(id="m", text="", task="music", duration_s=2, music=Music(tempo_bpm=120), events=(Event(kind="bell", object="none"),))
    _, timed_sounds, beats = _record(prompt, SceneDegradation())
    _, same, later = _record(prompt, SceneDegradation(beat_delay_ms=100))
    assert same == timed_sounds
    assert np.subtract(later, beats) == pytest.approx(0.1)


def test_a_mute_clip_is_silent_and_as_long_as_its_pictures() -> None:
    samples, _, _ = _record(DROP, SceneDegradation(mute=True))
    assert len(samples) == round(38 / 25 * RATE)
    assert not samples.any()


def test_speech_is_clear_of_music_and_peaks_stay_below_full_scale() -> None:
    pytest.importorskip("espeakng_loader")
    shots = (Shot(start_s=0, end_s=3, cast=("a",)),)
    line = Line(character="a", text="Nobody knew the way to the harbour.", start_s=0.3)
    talk = Prompt(id="t", text="", task="talking", duration_s=3, cast=(Character(id="a"),), shots=shots, speech=(line,))
    both = talk.model_copy(update={"music": Music(tempo_bpm=120)})
    alone = _record(talk, SceneDegradation())[0]
    mixed = _record(both, SceneDegradation())[0]
    during = slice(round(0.5 * RATE), round(1.5 * RATE))
    speech, music = np.square(alone[during]).mean(), np.square((mixed - alone)[during]).mean()
    assert 10 * np.log10(speech / music) > 6
    assert -26 < 10 * np.log10(speech) < -16
    assert np.abs(mixed).max() < 1


def test_a_silent_event_makes_no_stroke() -> None:
    prompt = DROP.model_copy(update={"events": (DROP.events[0].model_copy(update={"sound": False}),)})
    samples, times, _ = _record(prompt, SceneDegradation())
    assert times == ()
    assert np.abs(samples).max() < 0.01
