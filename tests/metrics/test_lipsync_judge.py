"""From a comparison to a verdict: windows, score, thresholds, reasons for no answer."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.metrics.lipsync.estimators import LAGS, LagPeak
from seedbench.metrics.lipsync.evaluation import Thresholds, count_answers, learn_thresholds, nested_cross_validation, separation
from seedbench.metrics.lipsync.fit import Trial
from seedbench.metrics.lipsync.judge import ACCEPT_MS, DETECT_MS, FAR_MS, SURE_FAR, in_window, judge, sync_score
from seedbench.metrics.lipsync.model import LipSyncComparison

LIMITS = {"accept": 3.0, "reject": 2.0, "lead_frames": 0.0}


def comparison(
    *, score: float = 5.0, lag: float = 1.0, encoder: float | None = None, cca: float | None = None, edge: bool = False
) -> LipSyncComparison:
    flat = np.zeros(len(LAGS))
    encoder_peak, cca_peak = (LagPeak(lag if other is None else other, 1.0, False) for other in (encoder, cca))
    return LipSyncComparison(flat, flat, flat, LagPeak(lag, 1.0, edge), encoder_peak, cca_peak, score, score, flat, flat, 0.01, 120)


def test_a_clear_case_gets_its_offset_in_ms() -> None:
    verdict = judge(comparison(lag=1.5), **LIMITS)
    assert (verdict.matched, verdict.offset_ms, verdict.reason) == (True, 60.0, "")


def test_the_natural_lead_is_subtracted() -> None:
    assert judge(comparison(lag=1.5), accept=3.0, reject=2.0, lead_frames=0.5).offset_ms == 40.0


@pytest.mark.parametrize(
    ("evidence", "matched", "word"),
    [
        (comparison(score=1.0), False, "do not fit"),
        (comparison(score=2.5), None, "too weak"),
        (comparison(lag=-14.0, edge=True), None, "edge"),
        (comparison(encoder=1.0, cca=4.0), None, "disagree"),
    ],
)
def test_no_offset_without_good_evidence(evidence: LipSyncComparison, matched: bool | None, word: str) -> None:
    verdict = judge(evidence, **LIMITS)
    assert verdict.offset_ms is None
    assert verdict.matched is matched
    assert word in verdict.reason


@pytest.mark.parametrize("score", [2.999999, 2.96, 2.5])
def test_a_confidence_below_the_threshold_never_reads_as_equal_to_it(score: float) -> None:
    reason = judge(comparison(score=score), **LIMITS).reason
    stated = re.search(r"confidence ([\d.]+), at least ([\d.]+) is needed", reason)
    assert stated is not None
    assert float(stated[1]) < float(stated[2])


@pytest.mark.parametrize("zero_ms", [0.0, 48.0])
@pytest.mark.parametrize("side", [-1, 1])
def test_an_offset_far_from_sync_needs_a_surer_fit(zero_ms: float, side: int) -> None:
    def offset(distance_ms: float, score: float) -> float | None:
        evidence = comparison(score=score, lag=(zero_ms + side * distance_ms) / 40)
        return judge(evidence, **LIMITS, zero_ms=zero_ms).offset_ms

    least = LIMITS["accept"]
    assert offset(FAR_MS - 1, least) == pytest.approx(zero_ms + side * (FAR_MS - 1))
    assert offset(FAR_MS + 1, least + SURE_FAR - 0.01) is None
    assert offset(FAR_MS + 1, least + SURE_FAR) == pytest.approx(zero_ms + side * (FAR_MS + 1))


def test_a_weak_fit_far_from_sync_is_neither_matched_nor_apart() -> None:
    verdict = judge(comparison(score=3.5, lag=-12.0), **LIMITS)
    assert verdict.matched is None
    assert "-480 ms) is so far from sync" in verdict.reason


def test_a_poor_fit_over_little_speech_proves_nothing() -> None:
    assert judge(comparison(score=1.0), **LIMITS, speech_s=2.0).matched is None
    assert judge(comparison(score=1.0), **LIMITS, speech_s=3.0).matched is False


@given(st.floats(-600, 600))
def test_the_sync_score_is_bounded_and_one_inside_detectability(offset_ms: float) -> None:
    assert 0.0 <= sync_score(offset_ms) <= 1.0
    assert (sync_score(offset_ms) == 1.0) == in_window(offset_ms, DETECT_MS)
    if in_window(offset_ms, DETECT_MS):
        assert in_window(offset_ms, ACCEPT_MS)


@given(st.floats(0, 600), st.floats(0, 100))
def test_further_apart_is_never_better(offset_ms: float, more: float) -> None:
    assert sync_score(offset_ms + more) <= sync_score(offset_ms)
    assert sync_score(-offset_ms - more) <= sync_score(-offset_ms)


def trials(count: int = 200) -> list[Trial]:
    """Matched pairs with scores of 2..6 that are right, mismatched ones with scores of -1..3 and chance lags that are not far from sync."""
    rng = np.random.default_rng(0)
    pairs = []
    for k in range(count):
        fold = k % 4
        pairs.append(Trial(f"m{k}", True, 0.0, True, comparison(score=float(rng.uniform(2, 6)), lag=0.25), fold))
        pairs.append(Trial(f"x{k}", False, 0.0, True, comparison(score=float(rng.uniform(-1, 3)), lag=float(rng.integers(-8, 9))), fold))
    return pairs


def test_thresholds_accept_the_target_share_of_mismatched_pairs() -> None:
    learned = learn_thresholds(trials(), false_accepts=0.15, belonging=0.98)
    assert learned.accept == pytest.approx(2.4, abs=0.15)
    assert learned.reject < learned.accept
    assert learned.lead_frames == pytest.approx(0.25)


def test_nested_thresholds_give_unbiased_counts() -> None:
    result = nested_cross_validation(trials(), false_accepts=0.15)
    assert result.answered / result.matched == pytest.approx(0.9, abs=0.05)
    assert result.right == result.answered
    assert result.fooled / result.mismatched == pytest.approx(0.15, abs=0.06)
    assert result.matched == result.mismatched == 200


def test_chance_lags_far_from_sync_fool_less_often() -> None:
    far = [
        trial if trial.matched else replace(trial, comparison=replace(trial.comparison, best=LagPeak(12.0, 1.0, False)))
        for trial in trials()
    ]
    assert nested_cross_validation(far, false_accepts=0.15).fooled == 0
    assert nested_cross_validation(trials(), false_accepts=0.15).fooled > 20


def test_a_wrong_answer_is_counted_as_answered_and_not_right() -> None:
    wrong = [replace(trial, comparison=comparison(lag=4.0)) for trial in trials(4) if trial.matched]
    result = count_answers(wrong, [Thresholds(3.0, 2.0, 0.0)] * len(wrong))
    assert (result.answered, result.right) == (4, 0)


def test_a_clip_with_too_few_trusted_frames_is_not_answered() -> None:
    result = count_answers([replace(trial, usable=False) for trial in trials(4)], [Thresholds(3.0, 2.0, 0.0)] * 8)
    assert (result.matched, result.answered, result.fooled, result.called_apart) == (4, 0, 0, 0)


def test_separation_of_equal_scores_is_a_half() -> None:
    same = [replace(trial, comparison=comparison(score=1.0)) for trial in trials(10)]
    assert separation(same) == 0.5
    assert 0.9 < separation(trials()) < 1.0
