"""Changes of a body's size: measured as a change of its distance, and taken out of its path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.metrics.analyses.distance_change import at_one_distance, size_change

T = np.arange(40) / 25
ALL = np.ones(len(T), bool)


@given(st.floats(-0.5, 0.9), st.floats(3.0, 90.0))
def test_a_steady_approach_is_measured_exactly(share: float, size: float) -> None:
    distance = 1.0 + (1.0 / (1.0 + share) - 1.0) * T / T[-1]
    change = size_change(T, size / distance, ALL)
    assert change.share == pytest.approx(share, abs=1e-6)
    assert change.relative[-1] / change.relative[0] == pytest.approx(1 + share, abs=1e-6)


def test_noise_is_no_change_and_a_few_wrong_sizes_are_ignored() -> None:
    rng = np.random.default_rng(0)
    assert not size_change(T, 20.0 + rng.normal(0, 0.6, len(T)), ALL).significant
    size = 20.0 / (1.0 - 0.2 * T / T[-1])
    size[5:9] *= 1.8
    assert size_change(T, size, ALL).share == pytest.approx(0.25, abs=0.02)


def test_pictures_that_are_not_used_do_not_count_and_few_pictures_give_no_change() -> None:
    size = np.where(T > 1.0, 40.0, 20.0)
    assert size_change(T, size, T <= 1.0).share == 0.0
    assert not size_change(T, 20.0 + 10 * T, T < 0.15).significant


def test_a_parabola_in_space_is_a_parabola_at_one_distance() -> None:
    distance = 1.0 - 0.2 * T / T[-1]
    across, down = 80 * T - 50, 300 * T**2 - 90
    x, y = at_one_distance(160 + across / distance, 128 + down / distance, 1.0 / distance, (160.0, 128.0))
    np.testing.assert_allclose(x, 160 + across)
    np.testing.assert_allclose(y, 128 + down)
