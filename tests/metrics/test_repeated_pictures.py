"""Repeated pictures are seen beside motion, and by the grain of filmed pictures where nothing moves; elsewhere nothing is claimed."""

from __future__ import annotations

import numpy as np

from seedbench.metrics.analyses.repeated_pictures import repeats_of

COUNT = 40
T = np.arange(COUNT) / 25
EVERY = np.arange(COUNT)
MOVES_LATE = np.where(EVERY < 20, 1.0, 30.0)
"""A body is at rest for half of the clip and then moves."""
AT = np.isin(EVERY, [6, 14, 26, 33])
"""Which pictures are repeats."""


def test_in_a_drawn_clip_repeats_are_known_only_beside_motion() -> None:
    still = np.where(AT, 0.0, MOVES_LATE)
    repeats = repeats_of(T, still, np.where(still > 10, 0.05, 0.0))
    assert np.flatnonzero(repeats.repeated).tolist() == [26, 33]
    assert not repeats.known[:19].any()
    assert repeats.known[22:36].all()


def test_in_a_filmed_clip_they_are_known_everywhere_and_their_encoding_may_change_them_a_little() -> None:
    grain = np.where(AT, 0.2, np.random.default_rng(0).uniform(0.8, 1.0, COUNT))
    repeats = repeats_of(T, np.where(AT, 0.5, MOVES_LATE), grain)
    assert np.flatnonzero(repeats.repeated).tolist() == [6, 14, 26, 33]
    assert repeats.known.all()


def test_where_compression_leaves_no_clear_grain_only_motion_counts() -> None:
    unclear = np.random.default_rng(0).uniform(0.1, 0.9, COUNT)
    repeats = repeats_of(T, np.where(AT, 0.0, MOVES_LATE), unclear)
    assert np.flatnonzero(repeats.repeated).tolist() == [26, 33]
    assert not repeats.known[:19].any()


def test_nothing_is_known_of_a_short_clip() -> None:
    repeats = repeats_of(T[:5], np.full(5, 30.0), np.full(5, 1.0))
    assert not repeats.known.any()
    assert not repeats.repeated.any()
