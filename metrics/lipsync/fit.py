"""Fit the model on a folder of talking clips, and say by cross-validation how well such a fit does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbench.metrics.lipsync.cca import fit_cca
from seedbench.metrics.lipsync.estimators import aperture_evidence, null_p, peak
from seedbench.metrics.lipsync.features import Lips, voiced_stretches
from seedbench.metrics.lipsync.judge import MIN_SEEN, ApertureSays
from seedbench.metrics.lipsync.model import WINDOW, Comparison, Model, Window, stack_cohort, windows_of
from seedbench.metrics.lipsync.training import Recipe, train_encoder

COHORT = 32
"""Strangers kept in the model."""
COHORT_FRAMES = WINDOW
"""Their length (4.8 s)."""
FOLDS = 10
TOLERANCE_FRAMES = 1.0


@dataclass(frozen=True)
class Example:
    """One talking clip: ``offset`` is its known audio-visual offset in frames at 25 fps (positive: sound early)."""

    name: str
    lips: Lips
    sound: np.ndarray
    offset: float


@dataclass(frozen=True)
class Trial:
    """One pair of lips and sound put to a model that saw neither. ``matched``: they come from the same clip;
    ``usable``: the mesh is trusted in enough frames to be asked at all."""

    name: str
    matched: bool
    offset: float
    usable: bool
    comparison: Comparison
    aperture: ApertureSays
    fold: int


def fit_model(examples: Sequence[Example], recipe: Recipe, *, progress: Callable[[int, float], None] | None = None) -> Model:
    """Fit encoder, CCA and cohort on examples. Thresholds are left at 0 and set by :func:`with_thresholds`."""
    sounds, offsets = [example.sound for example in examples], [example.offset for example in examples]
    encoder = train_encoder([example.lips.shape for example in examples], sounds, offsets, recipe, progress=progress)
    cca = fit_cca([example.lips.distances for example in examples], sounds, offsets)
    empty = Window(*(np.zeros((0, 0, 0)) for _ in range(4)))
    model = Model(encoder, cca, empty, np.ones(2), 0.0, 0.0, 0.0, 0.0, {})
    windows = [model.window(example.lips, example.sound) for example in examples]
    long_enough = [k for k, window in enumerate(windows) if len(window) >= COHORT_FRAMES]
    chosen = np.random.default_rng(recipe.seed).permutation(long_enough)[:COHORT]
    cohort = stack_cohort([windows[k] for k in sorted(chosen.tolist())], COHORT_FRAMES)
    model = replace(model, cohort=cohort)
    apart = [model.curves(windows[k], cohort) for k in chosen[:12].tolist()]
    curve_sd = np.array([np.std(np.concatenate([curves[which] for curves in apart])) for which in (0, 1)])
    return replace(model, curve_sd=curve_sd, aperture_lead_frames=aperture_lead(examples))


def aperture_lead(examples: Sequence[Example]) -> float:
    """Median lag in frames of aperture against energy beyond the known offset, over clips where it finds one near: lips lead the sound."""
    found = []
    for example in examples:
        curve, _ = aperture_evidence([(example.lips.aperture, example.sound)])
        lag = peak(curve).lag - example.offset
        if abs(lag) <= 4:
            found.append(lag)
    return float(np.median(found)) if found else 0.0


def folds_of(examples: Sequence[Example], count: int, seed: int) -> np.ndarray:
    """A fold 0..count-1 for each example, all examples of one name in one fold."""
    names = sorted({example.name for example in examples})
    order = np.random.default_rng(seed).permutation(len(names))
    fold = {names[k]: place % count for place, k in enumerate(order.tolist())}
    return np.array([fold[example.name] for example in examples])


def trials_of(model: Model, examples: Sequence[Example], fold: int = 0) -> list[Trial]:
    """Put every pair of lips and sound among ``examples`` to the model: matched ones and all mismatched ones."""
    windows = [model.window(example.lips, example.sound) for example in examples]
    found = []
    for lips, seen in zip(examples, windows, strict=True):
        for sound, heard in zip(examples, windows, strict=True):
            n = min(len(seen), len(heard))
            pair = Window(seen.encoder_lips[:n], heard.encoder_sound[:n], seen.cca_lips[:n], heard.cca_sound[:n])
            comparison = model.compare(windows_of(pair, voiced_stretches(sound.sound[: 4 * n])))
            curve, null = aperture_evidence([(lips.lips.aperture[:n], sound.sound[: 4 * n])])
            says = ApertureSays(peak(curve).lag - model.aperture_lead_frames, null_p(float(curve.max()), null))
            found.append(Trial(lips.name, lips is sound, lips.offset, lips.lips.seen >= MIN_SEEN, comparison, says, fold))
    return found


def cross_validate(
    examples: Sequence[Example],
    recipe: Recipe,
    *,
    added: Sequence[Example] = (),
    folds: int = FOLDS,
    progress: Callable[[int, float], None] | None = None,
) -> list[Trial]:
    """Trials of every example with a model fitted on the other folds, and always on ``added``, which is never tried."""
    fold = folds_of(examples, folds, recipe.seed)
    found = []
    for k in range(folds):
        others = [example for example, own in zip(examples, fold, strict=True) if own != k]
        model = fit_model([*others, *added], recipe, progress=progress)
        found += trials_of(model, [example for example, own in zip(examples, fold, strict=True) if own == k], k)
    return found
