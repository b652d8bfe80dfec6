"""The bodies of a prompt: their paths from its events, at one scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seedbench.generators.simulator.bodies import GRAVITY, SOLIDS, BodyPath, PendulumPath, Solid, collide, fall, roll
from seedbench.generators.simulator.body_painting import SMALLEST, PixelScale, pixel_scale_for
from seedbench.generators.simulator.degradations import SceneDegradation
from seedbench.generators.simulator.stage_block import BODY_KINDS
from seedbench.generators.simulator.staging import StagedEvent, StagedPrompt

_NO_DEGRADATION = SceneDegradation()
_CLEARANCE_M = 0.35  # a pendulum's lowest point over the floor


@dataclass(frozen=True)
class Body:
    """One body of a scene: its event's number and kind, what it is, how large (metres), where it goes, whether it is heard."""

    name: str
    event: int
    kind: str
    solid: Solid
    radius_m: float
    path: BodyPath
    sound: bool


def bodies_of(
    prompt: StagedPrompt, rng: np.random.Generator, *, width: int, height: int, degradation: SceneDegradation
) -> tuple[tuple[Body, ...], PixelScale | None]:
    """Bodies of a prompt's events, and their scale, which no degradation changes."""
    events = [(index, event) for index, event in enumerate(prompt.events) if event.kind in BODY_KINDS]
    if not events:
        return (), None
    jitter = rng.uniform(-1, 1, size=len(events))
    least_px = SMALLEST * min(width, height)
    radii = [SOLIDS[event.object].radius_m for _, event in events]
    for _ in range(8):
        undegraded = _built(prompt, events, radii, jitter, _NO_DEGRADATION)
        top = max([body.path.swing.pivot[1] + 0.1 for body in undegraded if body.path.swing is not None], default=0.0)
        pixel_scale = pixel_scale_for(
            [body.path for body in undegraded],
            [body.radius_m for body in undegraded],
            duration_s=prompt.duration_s,
            width=width,
            height=height,
            top_m=top,
        )
        if min(radii) * pixel_scale.px_per_m >= least_px - 1e-6:
            break
        radii = [max(radius, 1.001 * least_px / pixel_scale.px_per_m) for radius in radii]
    return tuple(_built(prompt, events, radii, jitter, degradation)), pixel_scale


def _built(
    prompt: StagedPrompt, events: list[tuple[int, StagedEvent]], radii: list[float], jitter: np.ndarray, degradation: SceneDegradation
) -> list[Body]:
    bodies: list[Body] = []
    for slot, ((index, event), radius) in enumerate(zip(events, radii, strict=True)):
        x_m = 6 * radius * (slot - (len(events) - 1) / 2) + 0.06 * float(jitter[slot])
        for number, path in enumerate(_paths(event, radius, x_m, prompt.duration_s, degradation)):
            if degradation.teleport:
                path = path.jumped(prompt.duration_s / 2, degradation.teleport)
            name = f"{event.object} {len(bodies) + 1}"
            bodies.append(Body(name, index, event.kind, SOLIDS[event.object], radius, path, event.sound and number == 0))
    return bodies


def _paths(event: StagedEvent, radius: float, x_m: float, duration_s: float, degradation: SceneDegradation) -> list[BodyPath]:
    gravity = GRAVITY * degradation.gravity_scale
    gain = degradation.energy_gain
    restitution = math.sqrt(1 + gain) if gain else event.restitution
    speed = event.speed_m_s
    if event.kind == "pendulum":
        swing = PendulumPath(event.start_s, (x_m, event.height_m + _CLEARANCE_M), event.height_m, gravity=gravity, gain=1 + gain)
        return [BodyPath(swing=swing)]
    if event.kind == "roll":
        return [roll(x_m=x_m, radius_m=radius, speed_m_s=speed or 0.6, gain=gain)]
    if event.kind == "collide":
        meet_s = event.start_s + max(0.4, 0.40 * (duration_s - event.start_s))
        return list(collide(time_s=meet_s, x_m=x_m, radius_m=radius, speed_m_s=speed or 0.8, restitution=restitution))
    thrown = speed if event.kind == "throw" else 0.0
    box = SOLIDS[event.object].box
    return [
        fall(
            start_s=event.start_s,
            x_m=x_m,
            height_m=max(0.0, event.height_m),
            radius_m=radius,
            restitution=restitution,
            until_s=duration_s,
            speed_m_s=thrown,
            gravity=gravity,
            box=box,
        )
    ]
