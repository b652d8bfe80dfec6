"""How good a fit is: answers against errors, and how many mismatched pairs are taken for matched ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbench.metrics.lipsync.fit import TOLERANCE_FRAMES, Trial
from seedbench.metrics.lipsync.judge import LipSyncVerdict, judge
from seedbench.metrics.lipsync.model import LipSyncModel

FALSE_ACCEPT_SHARE = 0.03
"""Share of mismatched pairs of a fit that may score at least ``accept``.

Mismatched pairs are many (hundreds), so that this threshold is steadier than one by the share of matched pairs, of which few are near it.
"""
MATCHED_SHARE = 0.95
"""Share of matched pairs that must score at least ``reject``; below it lips and sound do not belong together, unless they fit near sync.

With 0.97 (before near sync was looked at) 51% instead of 60% of 531 mismatched pairs are called apart, and one of 95 matched ones."""
UNUSABLE = LipSyncVerdict(None, None, "too few frames with a trusted mesh")


@dataclass(frozen=True)
class EvaluationCounts:
    """Counts over trials.

    Attributes:
        matched: Matched pairs.
        answered: Matched pairs that got an offset.
        right: Answers within one frame of the known offset.
        mismatched: Mismatched pairs.
        fooled: Mismatched pairs that got an offset.
        called_apart: Mismatched pairs judged not to belong together.
        wrongly_apart: Matched pairs judged so.
    """

    matched: int
    answered: int
    right: int
    mismatched: int
    fooled: int
    called_apart: int
    wrongly_apart: int


@dataclass(frozen=True)
class Thresholds:
    """What is learned from trials for the decision.

    Attributes:
        accept: The least score of a pair that belongs together.
        reject: A pair with a lower score does not belong together.
        lead_frames: The natural lead of the lips in frames, which is subtracted from lags.
    """

    accept: float
    reject: float
    lead_frames: float


def within_a_frame(lag: float, offset: float) -> bool:
    """Whether a lag, to the nearest frame, is within one frame of the known whole-frame offset.

    >>> within_a_frame(1.4, 0.0), within_a_frame(1.6, 0.0)
    (True, False)
    """
    return abs(round(lag) - offset) <= TOLERANCE_FRAMES


def learn_thresholds(trials: Sequence[Trial], *, false_accepts: float = FALSE_ACCEPT_SHARE, belonging: float = MATCHED_SHARE) -> Thresholds:
    """Thresholds that the stated shares of pairs reach; the lead is the mean error of the matched pairs that reach ``accept``.

    Args:
        trials: The trials, matched and mismatched ones among them.
        false_accepts: The share 0..1 of mismatched pairs that reach ``accept``.
        belonging: The share 0..1 of matched pairs that reach ``reject``.

    Returns:
        The thresholds; ``reject`` is never above ``accept``.
    """
    usable = [trial for trial in trials if trial.usable]
    matched = [trial for trial in usable if trial.matched]
    accept = float(np.quantile([trial.comparison.score for trial in usable if not trial.matched], 1.0 - false_accepts))
    reject = min(float(np.quantile([trial.comparison.score for trial in matched], 1.0 - belonging)), accept)
    errors = [trial.comparison.best.lag - trial.offset for trial in matched if trial.comparison.score >= accept]
    near = [error for error in errors if abs(error) <= 2.5]
    return Thresholds(accept, reject, float(np.mean(near)) if near else 0.0)


def with_thresholds(model: LipSyncModel, thresholds: Thresholds) -> LipSyncModel:
    """The model with these thresholds.

    Args:
        model: The model.
        thresholds: The thresholds to set.

    Returns:
        A new model.
    """
    return replace(model, accept=thresholds.accept, reject=thresholds.reject, lead_frames=thresholds.lead_frames)


def count_answers(trials: Sequence[Trial], thresholds: Sequence[Thresholds]) -> EvaluationCounts:
    """Judge the trials and count the answers.

    Args:
        trials: The trials.
        thresholds: The thresholds for each of them.

    Returns:
        The counts.
    """
    counts = dict.fromkeys(("matched", "answered", "right", "mismatched", "fooled", "called_apart", "wrongly_apart"), 0)
    for trial, used in zip(trials, thresholds, strict=True):
        verdict = UNUSABLE
        if trial.usable:
            verdict = judge(trial.comparison, accept=used.accept, reject=used.reject, lead_frames=used.lead_frames)
        if trial.matched:
            counts["matched"] += 1
            counts["wrongly_apart"] += verdict.matched is False
            if verdict.offset_ms is not None:
                counts["answered"] += 1
                counts["right"] += within_a_frame(verdict.offset_ms / 40.0, trial.offset)
        else:
            counts["mismatched"] += 1
            counts["fooled"] += verdict.offset_ms is not None
            counts["called_apart"] += verdict.matched is False
    return EvaluationCounts(**counts)


def nested_cross_validation(trials: Sequence[Trial], *, false_accepts: float = FALSE_ACCEPT_SHARE) -> EvaluationCounts:
    """Counts without bias: each fold is judged by thresholds learned on the other folds.

    Args:
        trials: Trials of two folds or more.
        false_accepts: The share 0..1 of mismatched pairs that may reach ``accept``.

    Returns:
        The counts.
    """
    learned = {
        fold: learn_thresholds([trial for trial in trials if trial.fold != fold], false_accepts=false_accepts)
        for fold in {trial.fold for trial in trials}
    }
    return count_answers(trials, [learned[trial.fold] for trial in trials])


def answer_curve(
    trials: Sequence[Trial], shares: Sequence[float] = (0.2, 0.1, 0.07, 0.05, 0.04, 0.03, 0.02, 0.01)
) -> list[tuple[float, EvaluationCounts]]:
    """Counts of nested cross-validation for several target shares of mismatched pairs that are accepted, from many to few.

    Args:
        trials: Trials of two folds or more.
        shares: The target shares, 0..1.

    Returns:
        Each share with its counts.
    """
    return [(share, nested_cross_validation(trials, false_accepts=share)) for share in shares]


def separation(trials: Sequence[Trial]) -> float:
    """How well scores separate matched from mismatched pairs: the area under the receiver operating characteristic.

    Args:
        trials: The trials.

    Returns:
        0..1: 0.5 for no separation, 1 for a perfect one.
    """
    matched = np.array([trial.comparison.score for trial in trials if trial.matched])
    others = np.sort([trial.comparison.score for trial in trials if not trial.matched])
    below = np.searchsorted(others, matched, side="left") + np.searchsorted(others, matched, side="right")
    return float(below.mean() / (2 * len(others)))
