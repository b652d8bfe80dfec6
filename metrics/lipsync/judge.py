"""From how well lips and sound fit to an answer, or to a reason why there is none. Pure functions of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seedbench.metrics.lipsync.model import Comparison

FRAME_MS = 40.0

DETECT_MS = (-125.0, 45.0)
"""Offsets outside are noticed by half of the viewers: sound 125 ms late to 45 ms early (ITU-R BT.1359)."""
ACCEPT_MS = (-185.0, 90.0)
"""Offsets outside are no longer accepted (ITU-R BT.1359)."""
MAX_DISAGREEMENT = 2.0
"""Frames by which two independent estimators may differ."""
MIN_SPEECH_APART_S = 3.0
"""Seconds of speech below which a poor fit proves nothing."""
MIN_SEEN = 0.8
"""Least share of frames in which the mesh of a face must be trusted."""


@dataclass(frozen=True)
class Verdict:
    """``matched``: lips and sound belong together (None: undecided). ``offset_ms``: positive when the sound is early (None: no answer).

    ``reason`` says why a None is none; empty when there is an offset.
    """

    matched: bool | None
    offset_ms: float | None
    reason: str


@dataclass(frozen=True)
class ApertureSays:
    """The plain estimator's word: its lag in frames, natural lead taken off, and its p-value against sounds of the same
    spectrum."""

    lag: float
    p: float


def in_window(offset_ms: float, window: tuple[float, float]) -> bool:
    """Whether an offset lies in a window, bounds included.

    >>> in_window(45.0, DETECT_MS), in_window(46.0, DETECT_MS), in_window(-125.0, DETECT_MS)
    (True, False, True)
    """
    return window[0] <= offset_ms <= window[1]


def sync_score(offset_ms: float) -> float:
    """1 where nobody notices, falling linearly to 0 at twice the limit of what is accepted: 0..1.

    >>> sync_score(40.0), sync_score(-125.0), sync_score(112.5), sync_score(-400.0)
    (1.0, 1.0, 0.5, 0.0)
    """
    side = 1 if offset_ms > 0 else 0
    start, end = abs(DETECT_MS[side]), 2 * abs(ACCEPT_MS[side])
    return min(1.0, max(0.0, (end - abs(offset_ms)) / (end - start)))


def judge(comparison: Comparison, *, accept: float, reject: float, lead_frames: float, speech_s: float = math.inf) -> Verdict:
    """Decide on pooled evidence of one speaker.

    A score of at least ``accept`` means that lips and sound belong together, below ``reject`` that they do not (given enough speech,
    ``speech_s`` seconds of it); in between nothing is said.
    No offset is given when the two fitted estimators differ by more than two frames, or when the peak lies at the edge of the search.
    Lip opening x energy has no veto: alone it is right in six clips of ten, and where its p-value is lowest still wrong in one of eight
    (docs/metrics/lip-sync.md); what it says is shown beside.
    """
    score = comparison.score
    if score < reject and speech_s >= MIN_SPEECH_APART_S:
        return Verdict(False, None, f"lips and sound do not fit at any lag (confidence {score:.1f} of {accept:.1f})")
    if score < accept:
        return Verdict(None, None, f"too weak to tell whether lips and sound belong together (confidence {score:.1f} of {accept:.1f})")
    if comparison.best.edge:
        return Verdict(None, None, f"the best lag lies at the edge of the search ({comparison.best.lag:+.0f} frames)")
    if comparison.disagreement > MAX_DISAGREEMENT:
        both = f"{comparison.encoder_peak.lag:+.1f} and {comparison.cca_peak.lag:+.1f} frames"
        return Verdict(None, None, f"the two fitted estimators disagree ({both})")
    return Verdict(True, (comparison.best.lag - lead_frames) * FRAME_MS, "")
