"""How sure an offset is: the jackknife against repeated draws, and the judgement of a window with uncertainty."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.metrics.lipsync.estimators import lag_curve, peak
from seedbench.metrics.lipsync.model import EmbeddedWindow
from seedbench.metrics.lipsync.uncertainty import lag_sd, not_outside

WINDOW = (-125.0, 45.0)


def noisy_pair(seed: int, noise: float) -> EmbeddedWindow:
    """120 frames of lips and sound that are alike, smooth over time, with independent noise."""
    rng = np.random.default_rng(seed)

    def smooth() -> np.ndarray:
        return np.apply_along_axis(np.convolve, 0, rng.normal(size=(130, 4)), np.hanning(11), "valid")

    shared = smooth()
    lips, sound = shared + noise * smooth(), shared + noise * smooth()
    return EmbeddedWindow(lips, sound, lips, sound)


@pytest.mark.parametrize("noise", [0.3, 0.8])
def test_the_jackknife_finds_the_spread_of_repeated_draws(noise: float) -> None:
    model = SimpleNamespace(curve_sd=np.ones(2), cca=SimpleNamespace(weights=np.ones(4)))
    lags, spreads = [], []
    for seed in range(150):
        pair = noisy_pair(seed, noise)
        curve = lag_curve(pair.encoder_lips, pair.encoder_sound)
        lags.append(peak(curve).lag)
        spreads.append(lag_sd([pair], SimpleNamespace(fused=curve), model))
    # errs on the side of too much, because leaving out a block leaves out the ends of its neighbours' terms
    assert 0.8 < np.sqrt(np.mean(np.square(spreads))) / np.std(lags) < 1.8


@given(st.floats(-600, 600), st.floats(0, 100))
def test_an_offset_inside_a_window_is_never_shown_to_be_outside(offset_ms: float, sd_ms: float) -> None:
    if WINDOW[0] <= offset_ms <= WINDOW[1]:
        assert not_outside(offset_ms, sd_ms, WINDOW)


@given(st.floats(-600, 600), st.floats(0, 100), st.floats(0, 100))
def test_less_certainty_never_shows_more(offset_ms: float, sd_ms: float, more: float) -> None:
    assert not_outside(offset_ms, sd_ms + more, WINDOW) or not not_outside(offset_ms, sd_ms, WINDOW)
