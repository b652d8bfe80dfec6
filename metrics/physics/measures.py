"""The measures of the physics metric."""

from __future__ import annotations

from seedbench.plugins.metric import Measure

MEASURES = (
    Measure(
        name="plausibility",
        title="Physical plausibility",
        unit="0..1",
        direction="up",
        meaning="mean of the axes below that have a value (and of the size of gravity); look at the axes first",
        low=0.0,
        high=1.0,
        headline=True,
    ),
    Measure(
        name="motion_law",
        title="Motion law",
        unit="0..1",
        direction="up",
        meaning="bodies in flight follow parabolas, rolling ones straight lines at steady deceleration, pendulums arcs and sinusoids",
        low=0.0,
        high=1.0,
    ),
    Measure(
        name="gravity_consistency",
        title="Gravity is constant",
        unit="0..1",
        direction="up",
        meaning="gravity points down and is the same in every flight, from beginning to end, for every body (pendulum: even periods)",
        low=0.0,
        high=1.0,
    ),
    Measure(
        name="gravity_error",
        title="Gravity off by",
        unit="share of 9.81 m/s²",
        direction="down",
        meaning="how far gravity is from 9.81 m/s², on the scale of the height (or string) the prompt declares",
        low=0.0,
    ),
    Measure(
        name="gravity_m_s2",
        title="Gravity",
        unit="m/s²",
        direction="none",
        meaning="gravity on the scale of the height (or string) the prompt declares; on Earth 9.81",
        sign="positive: downward",
    ),
    Measure(
        name="energy",
        title="No energy from nothing",
        unit="0..1",
        direction="up",
        meaning="no bounce, collision or swing leaves a body with more energy than it had before",
        low=0.0,
        high=1.0,
    ),
    Measure(
        name="restitution",
        title="Restitution",
        unit="speed after / before",
        direction="none",
        meaning="median ratio of speed after to speed before a bounce or collision; above 1 energy appears from nothing",
        low=0.0,
    ),
    Measure(
        name="permanence",
        title="Permanence",
        unit="0..1",
        direction="up",
        meaning="bodies are there in every picture, of one size, and do not jump from place to place",
        low=0.0,
        high=1.0,
    ),
    Measure(
        name="contact",
        title="Contacts",
        unit="0..1",
        direction="up",
        meaning="bodies turn only where they touch something: on one floor, not below it or in mid-air; colliding bodies separate",
        low=0.0,
        high=1.0,
    ),
)
