"""Which of the things that move is the body that the prompt declares: the one that travels most, unless it does not fit and another does.

What moves most is often not the body: a hand that throws it, a shadow, dust. A path that follows the declared law over a span of several
diameters shows a body; that something else does so by chance is unlikely.
"""

from __future__ import annotations

import numpy as np

from seedbench.metrics.analyses.bodies import Bodies, BodyTrack
from seedbench.metrics.analyses.contacts import FEWEST_POINTS, BodyMotion, motion_of
from seedbench.metrics.analyses.tracking import COLOUR_SCALE
from seedbench.metrics.physics.body import JudgedBody, Regime
from seedbench.metrics.physics.distance import judge_at_its_distance

MOST_CANDIDATES = 8
"""Most tracks that are compared, the most travelled ones."""
FITS = 0.8
"""A path fits its law when each of the axes that show it is at least this."""
LEAST_SPAN = 2.0
"""Least travel, in diameters, of a body that is chosen for its fit."""
CUT_SHARE = 0.5
"""What the picture's border cuts for this share of its pictures (an arm, a person) is not a body in free motion."""
SAME_SIZE = 1.5
"""Tracks whose areas differ by at most this factor, of similar colour and never seen together, may be parts of one body's path."""


def chosen_bodies(seen: Bodies, moving: BodyMotion, allowed: set[Regime], count: int) -> tuple[BodyMotion, list[int]]:
    """The bodies to judge, and the motion that they are part of.

    Where one body is declared and the most travelled one does not fit the declared law, the most travelled one that fits is taken instead,
    if there is one that is not a part of the same body's path. So no fault of a body is passed over for a part of its path that is right.

    Args:
        seen: All bodies.
        moving: Those in motion, most travelled first, at least one.
        allowed: The laws that the prompt declares.
        count: How many bodies it declares.

    Returns:
        Bodies in motion, and the indices of those to judge among them, at most ``count``.
    """
    if count > 1:
        return moving, list(range(len(moving.tracks)))[:count]
    candidates = _candidates(seen, moving)
    first = candidates[0]
    if _fits(_judged_alone(first, seen, allowed)):
        return _at(moving, first)
    for track in candidates[1:]:
        if track.travel_px < LEAST_SPAN * track.diameter or _may_be_one_body(first, track):
            continue
        if _fits(_judged_alone(track, seen, allowed)):
            return _at(moving, track)
    return _at(moving, first)


def _candidates(seen: Bodies, moving: BodyMotion) -> list[BodyTrack]:
    """Tracks that may be the declared body, most travelled first: small ones too; what the border cuts comes last."""
    small = [
        track
        for track in seen.tracks
        if all(track is not other for other in moving.tracks)
        and track.travel_px >= LEAST_SPAN * track.diameter
        and track.reliable.sum() >= FEWEST_POINTS
    ]
    all_tracks = [*moving.tracks, *small][:MOST_CANDIDATES]
    cut = [bool(track.at_border.mean() >= CUT_SHARE) for track in all_tracks]
    return [track for track, is_cut in zip(all_tracks, cut, strict=True) if not is_cut] + [
        track for track, is_cut in zip(all_tracks, cut, strict=True) if is_cut
    ]


def _judged_alone(track: BodyTrack, seen: Bodies, allowed: set[Regime]) -> JudgedBody | None:
    alone = motion_of([track])
    return judge_at_its_distance(0, alone, seen, allowed) if alone.tracks else None


def _fits(body: JudgedBody | None) -> bool:
    """Whether a body follows the declared law: its path fits, and gravity is constant where the law shows it."""
    if body is None:
        return False
    shown = [body.axes[name].value for name in ("motion_law", "gravity_consistency") if name in body.axes]
    values = [value for value in shown if value is not None]
    needs_gravity = body.regime == "flight"
    return len(values) >= (2 if needs_gravity else 1) and min(values) >= FITS


def _may_be_one_body(first: BodyTrack, second: BodyTrack) -> bool:
    apart_in_time = len(np.intersect1d(first.frame, second.frame)) == 0
    ratio = max(first.diameter, second.diameter) ** 2 / min(first.diameter, second.diameter) ** 2
    return apart_in_time and ratio <= SAME_SIZE and float(np.abs(first.colour - second.colour).max()) <= COLOUR_SCALE


def _at(moving: BodyMotion, track: BodyTrack) -> tuple[BodyMotion, list[int]]:
    index_of_track = next((index for index, other in enumerate(moving.tracks) if other is track), None)
    return (motion_of([track]), [0]) if index_of_track is None else (moving, [index_of_track])
