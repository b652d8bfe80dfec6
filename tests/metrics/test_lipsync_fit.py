"""Fitting the lip-sync model on clips of one's own."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.errors import SeedBenchError
from seedbench.metrics.analyses.speech import MEL_BANDS
from seedbench.metrics.lipsync.features import LipFeatures
from seedbench.metrics.lipsync.fit import LipSyncExample, fit_model
from seedbench.metrics.lipsync.training import TrainingRecipe


def test_clips_that_are_too_short_to_fit_on_are_counted() -> None:
    rng = np.random.default_rng(1)
    lips = [LipFeatures(rng.normal(size=(90, 96)), rng.normal(size=(90, 16)), rng.random(90), 1.0) for _ in range(2)]
    examples = [LipSyncExample(f"clip {k}", of_clip, rng.normal(size=(4 * 90, MEL_BANDS)), 0.0) for k, of_clip in enumerate(lips)]
    with pytest.raises(SeedBenchError, match=r"0 of 2 talking clips are longer than 4\.8 s; the fit needs 2 at least"):
        fit_model(examples, TrainingRecipe(steps=1))
