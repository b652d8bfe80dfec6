"""Fitting the lip-sync model on clips of one's own."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.errors import SeedBenchError
from seedbench.metrics.analyses.speech import MEL_BANDS
from seedbench.metrics.lipsync.features import LipFeatures
from seedbench.metrics.lipsync.fit import LipSyncExample, fit_model, folds_of, trials_of
from seedbench.metrics.lipsync.training import TrainingRecipe


def test_clips_that_are_too_short_to_fit_on_are_counted() -> None:
    rng = np.random.default_rng(1)
    lips = [LipFeatures(rng.normal(size=(90, 96)), rng.random(90), 1.0) for _ in range(2)]
    examples = [LipSyncExample(f"clip {k}", of_clip, rng.normal(size=(4 * 90, MEL_BANDS)), 0.0) for k, of_clip in enumerate(lips)]
    with pytest.raises(SeedBenchError, match=r"0 of 2 talking clips are longer than 4\.8 s; the fit needs 2 at least"):
        fit_model(examples, TrainingRecipe(steps=1))


def example(name: str, sound: np.ndarray) -> LipSyncExample:
    """A clip of 5 s with random lips."""
    rng = np.random.default_rng(len(name))
    return LipSyncExample(name, LipFeatures(rng.normal(size=(125, 96)), rng.random(125), 1.0), sound, 0.0)


def shared_speech() -> list[LipSyncExample]:
    """Six clips; "a" and "c" have the same speech, which starts 0.3 s later in "c"."""
    rng = np.random.default_rng(5)
    speeches = [rng.normal(size=(530, MEL_BANDS)) for _ in range(5)]
    sounds = [speeches[0][:500], speeches[1][:500], speeches[0][30:530], *(speech[:500] for speech in speeches[2:])]
    return [example(name, sound) for name, sound in zip("abcdef", sounds, strict=True)]


def test_clips_with_the_same_speech_are_in_one_fold() -> None:
    examples = shared_speech()
    folds = [folds_of(examples, 3, seed) for seed in range(5)]
    assert all(fold[0] == fold[2] for fold in folds)
    assert all(np.bincount(fold).tolist() == [2, 2, 2] for fold in folds)


def test_lips_with_the_same_speech_of_another_clip_are_no_mismatched_pair() -> None:
    examples = shared_speech()
    model = fit_model(examples, TrainingRecipe(steps=1))
    trials = trials_of(model, examples)
    assert sum(trial.matched for trial in trials) == 6
    assert len(trials) == 6 * 6 - 2
    assert len(model.cohort.cca_lips) == 5  # each speech once
