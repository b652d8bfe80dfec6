"""Pictures that are held: cases that no file of the grid has."""

from __future__ import annotations

import numpy as np

from seedbench.clips.repeats import timing_of


def test_pictures_that_all_appear_at_once_have_no_rate_and_no_repeats() -> None:
    timing = timing_of(np.zeros(12), np.full(12, 20.0))
    assert (timing.fps, timing.held) == (0.0, False)
    assert timing.new.tolist() == [11]
