"""Which of the things that move is judged: the body that follows the declared law, and not a hand, a shadow or dust."""

from __future__ import annotations

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies
from seedbench.metrics.analyses.contacts import motion_of
from seedbench.metrics.physics.choice import chosen_bodies
from seedbench.metrics.physics.judge import judge
from seedbench.suites.prompt import Event
from tests.metrics.test_physics import STILL, T, dropped, track_of

THROW = Event(kind="throw", start_s=0.0)
WANDERS = 160 + 120 * np.sin(5 * T), 128 + 100 * np.sin(7.3 * T + 1)


def seen_with(*tracks) -> Bodies:  # type: ignore[no-untyped-def]
    return Bodies(list(tracks), T, 320, 256, 1, False, 0.0, 0.0, np.ones(len(T)))


def test_a_body_that_falls_is_judged_and_not_a_hand_that_travels_more() -> None:
    hand, ball = track_of(*WANDERS, radius=30.0), track_of(STILL, dropped(), radius=6.0, seed=1)
    seen = seen_with(hand, ball)
    verdict = judge([THROW], seen, motion_of(seen.tracks))
    assert verdict.plausibility.value is not None
    assert verdict.plausibility.value > 0.95
    assert verdict.moving is not None
    assert verdict.moving.tracks[verdict.bodies[0]] is ball


def test_the_most_travelled_body_is_judged_where_none_follows_the_law() -> None:
    first, second = track_of(*WANDERS), track_of(0.5 * WANDERS[0], 0.5 * WANDERS[1], seed=1)
    seen = seen_with(first, second)
    moving, chosen = chosen_bodies(seen, motion_of(seen.tracks), {"flight"}, 1)
    assert moving.tracks[chosen[0]] is first


def test_a_part_of_a_body_s_path_that_is_right_does_not_hide_the_part_that_is_wrong() -> None:
    y = dropped(restitution=0.8)
    eased = track_of(160 + 60 * np.sin(9 * T), 128 + 100 * np.sin(7.3 * T + 1), missing=slice(35, None))
    falls = track_of(STILL, y, missing=slice(0, 36), seed=1)
    seen = seen_with(eased, falls)
    moving, chosen = chosen_bodies(seen, motion_of(seen.tracks), {"flight"}, 1)
    assert moving.tracks[chosen[0]] is eased


def test_what_the_border_cuts_is_judged_last() -> None:
    arm, body = track_of(*WANDERS), track_of(0.4 * WANDERS[0], 0.4 * WANDERS[1], seed=1)
    arm.at_border[:60] = True
    seen = seen_with(arm, body)
    moving, chosen = chosen_bodies(seen, motion_of(seen.tracks), {"flight"}, 1)
    assert moving.tracks[chosen[0]] is body
