"""The sound of a scene: speech, impacts, events and music, each at its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.generators.simulator import sounds
from seedbench.generators.simulator.music import beat_times, play
from seedbench.generators.simulator.plan import ScenePlan
from seedbench.generators.simulator.sounds import RATE, add_at

#: Music under speech is played this much softer, and events a little.
_UNDER_SPEECH = 0.33
_LOUDEST = 0.95


@dataclass(frozen=True)
class TimedSound:
    """Something heard at a moment (seconds, before any delay of the sound): an impact of a body, or an event."""

    time_s: float
    kind: str
    samples: np.ndarray
    speed_m_s: float | None = None


@dataclass(frozen=True)
class Soundtrack:
    """``samples`` (N,) float32 at 48 kHz, and when what was heard in them: timed_sounds and beats in seconds of the clip."""

    samples: np.ndarray
    timed_sounds: tuple[TimedSound, ...]
    heard_s: tuple[float, ...]
    beats_s: tuple[float, ...]


def record(scene: ScenePlan) -> Soundtrack:
    """Mix the sound of a scene. Peaks stay under 0.95; speech lies at -20 dB of full scale."""
    degradation = scene.degradation
    count = round(scene.n_frames / scene.fps * RATE)
    duration_s = count / RATE
    late_s = degradation.sound_delay_ms / 1000
    mix = np.zeros(count)
    for line in scene.lines:
        add_at(mix, line.start_s + late_s, line.speech.samples)
    hits = timed_sounds(scene)
    hit_times = tuple(hit.time_s + late_s + degradation.impact_delay_ms / 1000 for hit in hits)
    for hit, time_s in zip(hits, hit_times, strict=True):
        add_at(mix, time_s, hit.samples)
    for number, body in enumerate(scene.bodies):
        if body.kind in ("roll", "collide") and body.sound:
            add_at(mix, late_s + degradation.impact_delay_ms / 1000, _rumble(scene, number, duration_s))
    beats: tuple[float, ...] = ()
    if scene.prompt.music is not None:
        music, shift_s = scene.prompt.music, late_s + degradation.beat_delay_ms / 1000
        track = play(music.tempo_bpm, music.style, duration_s, scene.streams.rng("music"), shift_s=shift_s)
        add_at(mix, 0.0, track * (_UNDER_SPEECH if scene.lines else 1.0))
        beats = tuple(float(beat) for beat in beat_times(music.tempo_bpm, duration_s, shift_s=shift_s))
    where = scene.shots[0].place
    mix += sounds.ambience(where, count, scene.streams.rng("place tone"))
    mix *= min(1.0, _LOUDEST / max(1e-9, float(np.abs(mix).max())))
    if degradation.mute:
        mix[:] = 0
    return Soundtrack(mix.astype(np.float32), hits, hit_times, beats)


def timed_sounds(scene: ScenePlan) -> tuple[TimedSound, ...]:
    """All impacts and sound events in order of time; contacts of silent bodies are left out."""
    hits: list[TimedSound] = []
    for number, body in enumerate(scene.bodies):
        rng = scene.streams.rng(f"impacts {number}")
        for contact in body.path.contacts:
            sound = sounds.impact(body.solid.material, contact.speed_m_s, rng, body=contact.kind == "body")
            if body.sound and contact.time_s < scene.prompt.duration_s:
                hits.append(TimedSound(contact.time_s, "impact", sound, contact.speed_m_s))
    for index, event in enumerate(scene.prompt.events):
        if event.kind in sounds.EVENT_SOUNDS and event.sound:
            sound = sounds.EVENT_SOUNDS[event.kind](scene.streams.rng(f"event {index}"))
            hits += [TimedSound(time_s, event.kind, sound) for time_s in event.times_s or (event.start_s,)]
    return tuple(sorted(hits, key=lambda hit: hit.time_s))


def _rumble(scene: ScenePlan, number: int, duration_s: float) -> np.ndarray:
    """The rolling of one body and of those it meets."""
    total = np.zeros(round(duration_s * RATE))
    times_s = np.arange(len(total)) / RATE
    for index, body in enumerate(scene.bodies):
        if body.event == scene.bodies[number].event:
            coarse = np.arange(0, duration_s + 0.01, 0.01)
            speed = np.abs(np.gradient(body.path.at(coarse)[:, 0], coarse))
            total += sounds.rolling(np.interp(times_s, coarse, speed), body.radius_m, scene.streams.rng(f"rolling {index}"))
    return total
