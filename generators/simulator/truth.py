"""What is true of a simulated clip, as plain data: the ground truth that metrics are calibrated on.

Times are seconds of the clip. Picture coordinates are shares of width and height, origin top left.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seedbench.generators.simulator.plan import ScenePlan, SpokenLine
from seedbench.generators.simulator.rendering import body_centres, head_centre
from seedbench.generators.simulator.soundtrack import Soundtrack

VERSION = 2


def ground_truth(scene: ScenePlan, sound: Soundtrack) -> dict[str, Any]:
    """The truth of a scene, ready for JSON; docs/simulator.md lists its fields."""
    return {
        "version": VERSION,
        "prompt": scene.prompt.id,
        "seed": scene.streams.seed,
        "width": scene.width,
        "height": scene.height,
        "fps": scene.fps,
        "n_frames": scene.n_frames,
        "broken": scene.degradation.asked(),
        "cuts_s": _rounded(scene.cuts_s),
        "shots": [_shot(scene, index) for index in range(len(scene.shots))],
        "lines": [_line(scene, line) for line in scene.lines],
        "lips": {name: _rounded(acting.lips_open) for name, acting in scene.acting.items()},
        "faces": _faces(scene),
        "physics": _physics(scene),
        "contacts": _contacts(scene),
        "sounds": [
            {"time_s": round(time_s, 5), "kind": hit.kind, "scene_time_s": round(hit.time_s, 5)}
            for hit, time_s in zip(sound.timed_sounds, sound.heard_s, strict=True)
        ],
        "beats_s": _rounded(sound.beats_s, 5),
        "signs": [
            {
                "asked": sign.asked,
                "shown": sign.shown,
                "start_s": round(sign.first / scene.fps, 5),
                "end_s": round(sign.last / scene.fps, 5),
                "box": _rounded(np.asarray(sign.board.text_box) / ([scene.width, scene.height] * 2)),
            }
            for sign in scene.signs
        ],
    }


def _rounded(values: Any, digits: int = 4) -> list[float]:
    return [round(float(value), digits) for value in values]


def _shot(scene: ScenePlan, index: int) -> dict[str, Any]:
    shot = scene.shots[index]
    moved_first, zoom_first = shot.camera_at(shot.first, scene.width)
    moved_last, zoom_last = shot.camera_at(shot.last - 1, scene.width)
    return {
        "start_s": round(shot.first / scene.fps, 5),
        "end_s": round(shot.last / scene.fps, 5),
        "place": shot.place,
        "light": shot.light,
        "camera": shot.camera,
        "world_shift": _rounded([-moved_first / scene.width, -moved_last / scene.width]),
        "zoom": _rounded([zoom_first, zoom_last]),
        "people": [{"character": person.id, "face_of": person.worn, "identity": person.face.identity} for person in shot.people],
    }


def _line(scene: ScenePlan, line: SpokenLine) -> dict[str, Any]:
    """A line as it is heard: its times include the delay of the sound."""
    start_s = line.start_s + scene.degradation.sound_delay_ms / 1000
    end_s = start_s + line.speech.duration_s
    return {
        "character": line.character,
        "text": line.text,
        "language": line.language,
        "start_s": round(start_s, 4),
        "end_s": round(end_s, 4),
        "cut_off": end_s > scene.n_frames / scene.fps + 1e-6,
        "words": [
            {"text": w.text, "start_s": round(start_s + w.start_s, 4), "end_s": round(start_s + w.end_s, 4)} for w in line.speech.words
        ],
        "phonemes": [
            {"ipa": p.ipa, "start_s": round(start_s + p.start_s, 4), "end_s": round(start_s + p.end_s, 4)} for p in line.speech.phonemes
        ],
        "lips_follow_it": line.mouthed is line.speech,
    }


def _faces(scene: ScenePlan) -> list[dict[str, Any]]:
    """For each person of each shot, the box (left, top, right, bottom) of the head without hair, frame by frame."""
    tracks = []
    for shot in scene.shots:
        for person in shot.people:
            boxes = []
            for frame in range(shot.first, shot.last):
                x, y, head = head_centre(scene, shot, person.id, frame)
                half = 0.5 * head * person.face.half_width
                box = np.array([x - half, y - head / 2, x + half, y + head / 2]) / ([scene.width, scene.height] * 2)
                boxes.append(_rounded(box))
            tracks.append({"character": person.id, "shot": shot.index, "first_frame": shot.first, "boxes": boxes})
    return tracks


def _physics(scene: ScenePlan) -> dict[str, Any] | None:
    if scene.pixel_scale is None:
        return None
    size = np.array([scene.width, scene.height])
    bodies = []
    for number, body in enumerate(scene.bodies):
        centres = body_centres(scene, number) / size
        bodies.append(
            {
                "name": body.name,
                "event": body.event,
                "kind": body.kind,
                "material": body.solid.material,
                "radius_m": round(body.radius_m, 4),
                "time_s": _rounded(scene.times_s, 5),
                "x": [None if np.isnan(x) else round(float(x), 5) for x in centres[:, 0]],
                "y": [None if np.isnan(y) else round(float(y), 5) for y in centres[:, 1]],
            }
        )
    return {
        "px_per_m": round(scene.pixel_scale.px_per_m, 4),
        "floor_y": round(scene.pixel_scale.floor_y_px / scene.height, 5),
        "gravity_m_s2": round(9.81 * scene.degradation.gravity_scale, 4),
        "bodies": bodies,
    }


def _contacts(scene: ScenePlan) -> list[dict[str, Any]]:
    """Every touch within the clip, as it is seen; two bodies that meet are one contact of the first."""
    contacts: list[dict[str, Any]] = []
    if scene.pixel_scale is None:
        return contacts
    met: set[tuple[int, float]] = set()
    for body in scene.bodies:
        for contact in body.path.contacts:
            key = (body.event, round(contact.time_s, 6))
            if contact.time_s >= scene.n_frames / scene.fps or (contact.kind == "body" and key in met):
                continue
            met.add(key)
            x, y = scene.pixel_scale.to_px(np.array([[contact.x_m, contact.y_m]]))[0]
            contacts.append(
                {
                    "time_s": round(contact.time_s, 5),
                    "body": body.name,
                    "kind": contact.kind,
                    "x": round(float(x) / scene.width, 5),
                    "y": round(float(y) / scene.height, 5),
                    "speed_m_s": round(contact.speed_m_s, 4),
                    "heard": body.sound,
                }
            )
    return sorted(contacts, key=lambda contact: contact["time_s"])
