"""The verdict on how well lips and sound fit, or the reason why there is none. Pure functions of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seedbench.metrics.lipsync.estimators import MAX_LAG
from seedbench.metrics.lipsync.model import LipSyncComparison

FRAME_MS = 40.0

DETECT_MS = (-125.0, 45.0)
"""Offsets outside are noticed by half of the viewers: sound 125 ms late to 45 ms early (ITU-R BT.1359)."""
ACCEPT_MS = (-185.0, 90.0)
"""Offsets outside are no longer accepted (ITU-R BT.1359)."""
MAX_DISAGREEMENT = 2.0
"""Frames by which two independent estimators may differ."""
MIN_SPEECH_APART_S = 3.0
"""Seconds of speech that a poor fit needs before lips and sound are judged not to belong together."""
FAR_MS = 320.0
"""Offsets further than this (8 frames) from sync need a surer fit.

A best lag that is chance lies anywhere within 0.6 s, so that nearly half of such lags are as far; offsets that clips have hardly ever are:
97 real clips have published offsets of at most 120 ms."""
SURE_FAR = 1.2
"""Standard deviations above ``accept`` that such an offset needs.

Of 519 mismatched pairs of generated clips (models fitted on other clips) 0.4% score so high where 3% reach ``accept``, and of 251 pairs of
other clips, filmed and generated, 3% where 11% do. With it 10 of 16 wrong lags of the latter and 1 of 17 of the former get no answer. It
costs the answers of 5% of 77 clips, if their sound is moved so far; of clips less far from sync it costs none."""
NEAR_SYNC_FITS = 0.6
"""Lips that fit the whole speech better than this near sync (standard deviations of mismatched pairs) may be those of one of its voices.

Own speech under another voice fits too little for an answer, but what is left of the fit lies where lips and sound are in sync. Set on 95
generated clips, models fitted on others, so that about 2% of 285 pairs with another voice as loud are called apart: with any one clip left
out the highest such value is 0.53 to 0.64. At 0.6 it is 2% (own voice 6 dB louder: 1%; the other one: 6%), 5% of 285 with another voice
after the own one, one of the 95 as they are, and 60% of 531 mismatched pairs. At 0.5 and 0.7 it is 2 and 5% of voices as loud, and 52 and
64% of mismatched pairs; without it, with best stretches of at most 2.2 alone, 14 and 62%. On 24 other clips with eight voices each it is
none of 192 where it was nine."""
NEAR_SYNC_FRAMES = 1.0
"""Frames beside SyncNet's zero, and beside that of natural speech, that are near sync."""
MIN_SEEN = 0.8
"""Least share of frames in which the mesh of a face must be reliable."""


@dataclass(frozen=True)
class LipSyncVerdict:
    """What is decided about lips and sound.

    Attributes:
        matched: Whether they belong together; None: undecided.
        offset_ms: The offset, positive when the sound is early; None: no answer.
        reason: Why there is no offset; empty when there is one.
    """

    matched: bool | None
    offset_ms: float | None
    reason: str


@dataclass(frozen=True)
class ApertureEstimate:
    """The result of the plain estimator: lip opening against voice energy.

    Attributes:
        lag: Frames at 25 fps, without the natural lead of the lips.
        p: The p-value against sounds of the same spectrum, 0..1.
    """

    lag: float
    p: float


def in_window(offset_ms: float, window: tuple[float, float]) -> bool:
    """Whether an offset lies in a window, bounds included.

    Args:
        offset_ms: The offset.
        window: The lowest and the highest offset, ms.

    Returns:
        True inside.

    >>> in_window(45.0, DETECT_MS), in_window(46.0, DETECT_MS), in_window(-125.0, DETECT_MS)
    (True, False, True)
    """
    return window[0] <= offset_ms <= window[1]


def sync_score(offset_ms: float) -> float:
    """1 where nobody notices, falling linearly to 0 at twice the limit of what is accepted.

    Args:
        offset_ms: The offset, positive when the sound is early.

    Returns:
        0..1.

    >>> sync_score(40.0), sync_score(-125.0), sync_score(112.5), sync_score(-400.0)
    (1.0, 1.0, 0.5, 0.0)
    """
    side = 1 if offset_ms > 0 else 0
    start, end = abs(DETECT_MS[side]), 2 * abs(ACCEPT_MS[side])
    return min(1.0, max(0.0, (end - abs(offset_ms)) / (end - start)))


def confidence_below(score: float, needed: float) -> str:
    """A confidence that is below the needed one, with as many digits as it takes to see that it is.

    >>> confidence_below(0.52, 1.4), confidence_below(1.3996, 1.4)
    ('confidence 0.5, at least 1.4 is needed', 'confidence 1.3996, at least 1.4000 is needed')
    """
    digits = next((digits for digits in range(1, 9) if f"{score:.{digits}f}" != f"{needed:.{digits}f}"), 9)
    return f"confidence {score:.{digits}f}, at least {needed:.{digits}f} is needed"


def fit_near_sync(fused: np.ndarray, *, lead_frames: float, zero_ms: float) -> float:
    """How well lips and sound fit where they are in sync, by SyncNet's zero, by that of natural speech, or between them.

    Args:
        fused: (31,) lag curve.
        lead_frames: The lag of SyncNet's zero, frames.
        zero_ms: The offset of natural speech from there.

    Returns:
        The highest value of the curve there.

    >>> curve = np.zeros(31)
    >>> curve[[10, 16]] = 3.0, 1.0
    >>> fit_near_sync(curve, lead_frames=-0.1, zero_ms=48.0)
    1.0
    """
    first, last = sorted((lead_frames, lead_frames + zero_ms / FRAME_MS))
    near = slice(round(first - NEAR_SYNC_FRAMES) + MAX_LAG, round(last + NEAR_SYNC_FRAMES) + MAX_LAG + 1)
    return float(fused[near].max())


def judge(
    comparison: LipSyncComparison,
    *,
    accept: float,
    reject: float,
    lead_frames: float,
    speech_s: float = math.inf,
    zero_ms: float = 0.0,
) -> LipSyncVerdict:
    """Decide on the pooled comparison of one speaker.

    A score of at least ``accept`` means that lips and sound belong together, one below ``reject`` that they do not (given enough speech);
    in between there is no verdict. No offset is given when the two fitted estimators differ by more than two frames, when the peak lies at
    the edge of the search, or when it is far from sync and the fit not so sure. Lip opening x energy has no influence: alone it is right
    in six clips of ten, and where its p-value is lowest still wrong in one of eight (docs/metrics/lip-sync.md); its result is only shown.

    Args:
        comparison: How lips and sound fit.
        accept: Least score (standard deviations) of lips and sound that belong together.
        reject: Below this score they do not belong together.
        lead_frames: Natural lead of the lips in frames, subtracted from the lag.
        speech_s: Seconds of speech during which the face is seen.
        zero_ms: The offset of natural speech, from which :data:`FAR_MS` counts.

    Returns:
        The verdict.
    """
    score = comparison.score
    if score < reject and speech_s >= MIN_SPEECH_APART_S:
        if fit_near_sync(comparison.fused, lead_frames=lead_frames, zero_ms=zero_ms) >= NEAR_SYNC_FITS:
            possible = "they may be seen poorly, or another voice may lie over theirs"
            return LipSyncVerdict(None, None, f"the lips fit the sound too little for an answer, but best near sync: {possible}")
        return LipSyncVerdict(False, None, f"lips and sound do not fit at any lag ({confidence_below(score, accept)})")
    if score < accept:
        return LipSyncVerdict(
            None, None, f"the fit is too weak to decide whether lips and sound belong together ({confidence_below(score, accept)})"
        )
    if comparison.best.edge:
        return LipSyncVerdict(None, None, f"the best lag lies at the edge of the search ({comparison.best.lag:+.0f} frames)")
    if comparison.disagreement > MAX_DISAGREEMENT:
        both = f"{comparison.encoder_peak.lag:+.1f} and {comparison.cca_peak.lag:+.1f} frames"
        return LipSyncVerdict(None, None, f"the two fitted estimators disagree ({both})")
    offset_ms = (comparison.best.lag - lead_frames) * FRAME_MS
    needed = accept + SURE_FAR
    if abs(offset_ms - zero_ms) > FAR_MS and score < needed:
        far = f"the best lag ({offset_ms - zero_ms:+.0f} ms) is so far from sync that it takes a surer fit"
        return LipSyncVerdict(None, None, f"{far} ({confidence_below(score, needed)})")
    return LipSyncVerdict(True, offset_ms, "")
