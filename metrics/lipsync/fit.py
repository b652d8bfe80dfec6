"""Fit the model on talking clips, and cross-validate such a fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbench.errors import SeedBenchError
from seedbench.metrics.lipsync.cca import fit_cca
from seedbench.metrics.lipsync.estimators import aperture_evidence, peak
from seedbench.metrics.lipsync.features import FPS, LipFeatures, voiced_stretches
from seedbench.metrics.lipsync.judge import MIN_SEEN
from seedbench.metrics.lipsync.model import WINDOW_FRAMES, EmbeddedWindow, LipSyncComparison, LipSyncModel, stack_cohort, windows_of
from seedbench.metrics.lipsync.same_speech import speech_groups
from seedbench.metrics.lipsync.training import TrainingRecipe, train_encoder

COHORT_SIZE = 32
"""Windows of impostors kept in the model."""
COHORT_FRAMES = WINDOW_FRAMES
"""Length of each (4.8 s)."""
FEWEST_CLIPS = 2
"""Clips of at least that length without which there is nothing to fit on."""
FOLDS = 10
TOLERANCE_FRAMES = 1.0


@dataclass(frozen=True)
class LipSyncExample:
    """One talking clip.

    Attributes:
        name: Its name.
        lips: Its lips.
        sound: (4 T, 40) its sound features.
        offset: Its known offset in frames at 25 fps (positive: sound early).
    """

    name: str
    lips: LipFeatures
    sound: np.ndarray
    offset: float


@dataclass(frozen=True)
class Trial:
    """One pair of lips and sound, compared by a model that was fitted on neither.

    Attributes:
        name: The name of the pair.
        matched: Whether they come from the same clip.
        offset: The known offset in frames at 25 fps (positive: sound early).
        usable: Whether the mesh is reliable in enough frames for an answer.
        comparison: How they fit together.
        fold: The fold that was left out of the fit.
    """

    name: str
    matched: bool
    offset: float
    usable: bool
    comparison: LipSyncComparison
    fold: int


def fit_model(
    examples: Sequence[LipSyncExample], recipe: TrainingRecipe, *, progress: Callable[[int, float], None] | None = None
) -> LipSyncModel:
    """Fit encoder, CCA and cohort on examples.

    Args:
        examples: The talking clips.
        recipe: The settings of the training.
        progress: Is called with the step and the loss.

    Returns:
        The model; its thresholds are 0, to be set by :func:`with_thresholds`.
    """
    sounds, offsets = [example.sound for example in examples], [example.offset for example in examples]
    encoder = train_encoder([example.lips.shape for example in examples], sounds, offsets, recipe, progress=progress)
    cca = fit_cca([example.lips.shape for example in examples], sounds, offsets, seed=recipe.seed)
    empty = EmbeddedWindow(*(np.zeros((0, 0, 0)) for _ in range(4)))
    model = LipSyncModel(encoder, cca, empty, np.ones(2), 0.0, 0.0, 0.0, 0.0, {})
    windows = [model.window(example.lips, example.sound) for example in examples]
    long_enough = [k for k, window in enumerate(windows) if len(window) >= COHORT_FRAMES]
    if len(long_enough) < FEWEST_CLIPS:
        seconds = COHORT_FRAMES / FPS
        raise SeedBenchError(
            f"{len(long_enough)} of {len(examples)} talking clips are longer than {seconds:g} s; the fit needs {FEWEST_CLIPS} at least"
        )
    shuffled = np.random.default_rng(recipe.seed).permutation(long_enough)
    _, first = np.unique(speech_groups(sounds)[shuffled], return_index=True)
    chosen = shuffled[np.sort(first)][:COHORT_SIZE]  # each speech once: lips of one clip fit the sound of another with the same speech
    cohort = stack_cohort([windows[k] for k in sorted(chosen.tolist())], COHORT_FRAMES)
    model = replace(model, cohort=cohort)
    impostor_curves = [model.curves(windows[k], cohort) for k in chosen[:12].tolist()]
    curve_sd = np.array([np.std(np.concatenate([curves[which] for curves in impostor_curves])) for which in (0, 1)])
    return replace(model, curve_sd=curve_sd, aperture_lead_frames=aperture_lead(examples))


def aperture_lead(examples: Sequence[LipSyncExample]) -> float:
    """Natural lead of the lips in frames: median lag of aperture against energy minus the known offset, over clips where it is at most
    4.

    Args:
        examples: The talking clips.

    Returns:
        Frames at 25 fps; 0 where no clip is near enough.
    """
    lags = []
    for example in examples:
        curve, _ = aperture_evidence([(example.lips.aperture, example.sound)])
        lag = peak(curve).lag - example.offset
        if abs(lag) <= 4:
            lags.append(lag)
    return float(np.median(lags)) if lags else 0.0


def folds_of(examples: Sequence[LipSyncExample], count: int, seed: int) -> np.ndarray:
    """A fold 0..count-1 for each example, all examples with the same speech in one fold."""
    speech = speech_groups([example.sound for example in examples])
    sizes = np.bincount(speech)
    order = np.random.default_rng(seed).permutation(len(sizes))
    fold, filled = np.zeros(len(sizes), int), np.zeros(count, int)
    for number in order[np.argsort(-sizes[order], kind="stable")].tolist():  # the largest first, each into the emptiest fold
        fold[number] = int(filled.argmin())
        filled[fold[number]] += sizes[number]
    return np.asarray(fold[speech])


def trials_of(model: LipSyncModel, examples: Sequence[LipSyncExample], fold: int = 0) -> list[Trial]:
    """Compare every pair of lips and sound among the examples: matched ones and all mismatched ones.

    A clip's lips and the same speech in another clip are neither: such pairs are left out.

    Args:
        model: The model, fitted on other clips.
        examples: n talking clips.
        fold: The number of the fold that they are.

    Returns:
        At most n^2 trials.
    """
    windows = [model.window(example.lips, example.sound) for example in examples]
    speech = speech_groups([example.sound for example in examples]).tolist()
    trials = []
    for lips, lip_window, own_speech in zip(examples, windows, speech, strict=True):
        for sound, sound_window, other_speech in zip(examples, windows, speech, strict=True):
            if own_speech == other_speech and lips is not sound:
                continue
            n = min(len(lip_window), len(sound_window))
            pair = EmbeddedWindow(
                lip_window.encoder_lips[:n], sound_window.encoder_sound[:n], lip_window.cca_lips[:n], sound_window.cca_sound[:n]
            )
            comparison = model.compare(windows_of(pair, voiced_stretches(sound.sound[: 4 * n])))
            trials.append(Trial(lips.name, lips is sound, lips.offset, lips.lips.seen >= MIN_SEEN, comparison, fold))
    return trials


def cross_validate(
    examples: Sequence[LipSyncExample],
    recipe: TrainingRecipe,
    *,
    added: Sequence[LipSyncExample] = (),
    folds: int = FOLDS,
    progress: Callable[[int, float], None] | None = None,
) -> list[Trial]:
    """Trials of every example with a model fitted on the other folds.

    Args:
        examples: The talking clips.
        recipe: The settings of the training.
        added: Clips that every model is fitted on too and that are not tested.
        folds: The number of folds.
        progress: Is called with the step and the loss of each training.

    Returns:
        The trials, fold by fold.
    """
    fold = folds_of(examples, folds, recipe.seed)
    trials = []
    for k in range(folds):
        others = [example for example, own in zip(examples, fold, strict=True) if own != k]
        model = fit_model([*others, *added], recipe, progress=progress)
        trials += trials_of(model, [example for example, own in zip(examples, fold, strict=True) if own == k], k)
    return trials
