"""Which faces speak, how well the lips of each fit its own speech, and what that means for the clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbench.metrics.lipsync.features import FPS, VOICE_MARGIN
from seedbench.metrics.lipsync.judge import FRAME_MS, LipSyncVerdict, judge
from seedbench.metrics.lipsync.model import EmbeddedWindow, LipSyncComparison, LipSyncModel, windows_of
from seedbench.metrics.lipsync.speakers import SpeakerCandidate
from seedbench.metrics.lipsync.turns import NOBODY, best_stretch, frame_fits, speech_units, stretches_of, who_speaks
from seedbench.ties import first_greatest

MIN_TURN_SPEECH_S = 1.5
"""Seconds that a face must speak, in all its turns, for an answer about it.

Of 95 generated clips cut to 1.2, 1.5, 2 and 3 s of speech 72, 72, 83 and 84% are answered with the margin :data:`SURE_TURN`, of which 97,
100, 100 and 99% are right; of mismatched pairs 5, 1, 3 and 3% (models fitted on other clips)."""
SURE_TURN = 0.6
"""Standard deviations above ``accept`` that the fit of one of several faces needs in its turns: the best part also fits well by chance.

Set on 95 pairs of generated clips side by side (models fitted on other clips). At 0.6 a face was answered in 62% of the pairs that speak in
turns, none with a wrong offset, and in 8% of those that hear a third voice; at 1.2 in 41% and 5%."""
SURE_PART = 1.2
"""The same for a face alone, where no other face explains the rest of the speech.

At 1.2 it adds 1% to the mismatched pairs that get an offset (190 pairs of the same clips), at 0.6 3%."""
PART_FITS = 3.0
"""A face whose best stretch fits better than this (standard deviations), at whatever lag, may speak a part of the speech.

Set together with :data:`~seedbench.metrics.lipsync.judge.NEAR_SYNC_FITS`, on the same clips. 2.6 calls 56% of their mismatched pairs apart,
3.0 60% and no limit 61%; of clips whose own speech is not near sync and has another voice over it 26, 29 and 32%."""
ANOTHER_FACE_S = 0.4
"""Seconds of speech during which an unreadable face must be on screen to count as one that may speak."""
ANOTHER_MAY_SPEAK = LipSyncVerdict(
    None, None, "the lips of the face that can be judged do not follow the speech, but a face too small or too turned to judge may speak"
)
SAME_LAG_FRAMES = 2.0
"""Speakers whose lags differ by less are pooled."""
SAME_OFFSET_MS = 1e-6
"""Offsets equally far from sync up to rounding: the first speaker is taken."""
ENOUGH_ON_SCREEN = 0.8
"""Share of a unit during which a face must be on screen to speak it."""


@dataclass(frozen=True)
class SpeakerTurns:
    """When one face speaks, and how its lips fit the sound then.

    Attributes:
        candidate: The face.
        stretches: (start, end) of its speech in frames of the clip at 25 fps, ends excluded.
        speech_s: Seconds of it.
        comparison: How lips and sound fit then; None where there is too little to compare.
        verdict: What is decided about this face.
    """

    candidate: SpeakerCandidate
    stretches: list[tuple[int, int]]
    speech_s: float
    comparison: LipSyncComparison | None
    verdict: LipSyncVerdict


@dataclass(frozen=True)
class ClipSpeakers:
    """Who speaks in a clip, and what is decided about it.

    Attributes:
        verdict: What is decided about the clip.
        comparison: How lips and sound of the speakers that the verdict is about fit, pooled.
        windows: What was compared.
        speaking: The faces that the verdict is about.
        turns: The turns of every face that may be speaking, in the order of the candidates.
        unseen: (start, end) in frames of the speech that is given to nobody on screen.
    """

    verdict: LipSyncVerdict
    comparison: LipSyncComparison
    windows: list[EmbeddedWindow]
    speaking: list[SpeakerCandidate]
    turns: list[SpeakerTurns]
    unseen: list[tuple[int, int]]


def clip_speakers(
    candidates: Sequence[SpeakerCandidate],
    segments_s: np.ndarray,
    n_frames: int,
    model: LipSyncModel,
    *,
    seen_speech_s: float,
    unreadable_s: float,
    zero_ms: float = 0.0,
) -> ClipSpeakers:
    """Decide who speaks when, and whether lips and sound belong together.

    Where no shot has two candidates and all the speech fits, that is the answer. Otherwise speech is divided into turns, and each face is
    judged on its own. Lips are said not to fit the sound only where nobody else can be the speaker.

    Args:
        candidates: The faces that may be speaking; at least one.
        segments_s: (n, 2) start and end of each run of speech in seconds.
        n_frames: Frames of the clip at 25 fps.
        model: The model that compares lips and sound.
        seen_speech_s: Seconds of speech during which a candidate is on screen.
        unreadable_s: Seconds of speech during which another face is on screen that cannot be judged.
        zero_ms: The offset of natural speech, from which the speaker furthest from sync is counted.

    Returns:
        The speakers and the verdict.
    """
    units = speech_units(segments_s, n_frames)
    alone = len({candidate.shot for candidate in candidates}) == len(candidates)
    windows = [window for candidate in candidates for window in candidate.windows]
    pooled = model.compare(windows)
    together = judge(
        pooled, accept=model.accept, reject=model.reject, lead_frames=model.lead_frames, speech_s=seen_speech_s, zero_ms=zero_ms
    )
    moving = any(candidate.moves for candidate in candidates)
    if alone and moving and together.offset_ms is not None:
        turns = [_all_speech(candidate, units, pooled, together) for candidate in candidates]
        seen = np.any([_on_screen(candidate, units) for candidate in candidates], axis=0)
        unseen = stretches_of(units, np.where(seen, 0, NOBODY), NOBODY)
        return ClipSpeakers(together, pooled, windows, list(candidates), turns, unseen)
    frames = np.array([end - start for start, end in units])
    fits = np.stack([_unit_fits(candidate, units, model) for candidate in candidates])
    speakers = who_speaks(fits, frames, np.stack([_on_screen(candidate, units) & candidate.moves for candidate in candidates]))
    needed = model.accept + (SURE_PART if alone else SURE_TURN)
    turns = [_turns_of(candidate, stretches_of(units, speakers, face), model, needed, zero_ms) for face, candidate in enumerate(candidates)]
    unseen = stretches_of(units, speakers, NOBODY)
    turns = [_unless_another_fits(turn, turns, model) for turn in turns]
    answered = [turn for turn in turns if turn.verdict.offset_ms is not None]
    if answered:
        decisive = _decisive(answered, zero_ms)
        windows = [window for turn in decisive for window in _windows_at(turn.candidate, turn.stretches)]
        comparison = model.compare(windows)
        verdict = judge(comparison, accept=model.accept, reject=-np.inf, lead_frames=model.lead_frames, zero_ms=zero_ms)
        return ClipSpeakers(verdict, comparison, windows, [turn.candidate for turn in decisive], turns, unseen)
    part = max(best_stretch(of_face, frames) for of_face in fits)
    verdict = _no_offset(together, turns, alone=alone, moving=moving, other=unreadable_s >= ANOTHER_FACE_S, part=part)
    return ClipSpeakers(verdict, pooled, windows, list(candidates), turns, unseen)


def _no_offset(
    together: LipSyncVerdict, turns: Sequence[SpeakerTurns], *, alone: bool, moving: bool, other: bool, part: float
) -> LipSyncVerdict:
    """The verdict where no face has an offset: lips that do not fit only if nobody else may speak, no answer otherwise."""
    if other and (not moving or together.matched is False):
        return ANOTHER_MAY_SPEAK
    if not moving:
        return LipSyncVerdict(False, None, "the lips do not move while there is speech")
    if not alone:
        reasons = sorted({turn.verdict.reason for turn in turns})
        return LipSyncVerdict(None, None, f"{len(turns)} faces may be speaking and none can be judged: {'; '.join(reasons)}")
    if other:
        return LipSyncVerdict(None, None, f"{together.reason}; a face too small or too turned to judge may speak a part")
    if together.matched is False and part >= PART_FITS:
        return LipSyncVerdict(None, None, "the lips fit a part of the speech only: another person may speak the rest, or over it")
    return together


def _all_speech(
    candidate: SpeakerCandidate, units: Sequence[tuple[int, int]], comparison: LipSyncComparison, verdict: LipSyncVerdict
) -> SpeakerTurns:
    """All units of speech during which the face is on screen, as turns of it."""
    own = np.where(_on_screen(candidate, units), 0, NOBODY)
    stretches = stretches_of(units, own, 0)
    return SpeakerTurns(candidate, stretches, _seconds(stretches), comparison, verdict)


def _turns_of(
    candidate: SpeakerCandidate, stretches: list[tuple[int, int]], model: LipSyncModel, needed: float, zero_ms: float
) -> SpeakerTurns:
    """The turns of a face and the verdict on it; an offset needs the score ``needed``."""
    speech_s = _seconds(stretches)
    if not stretches:
        reason = "does not speak" if candidate.moves else "the lips do not move"
        return SpeakerTurns(candidate, [], 0.0, None, LipSyncVerdict(None, None, reason))
    comparison = model.compare(_windows_at(candidate, stretches))
    if speech_s < MIN_TURN_SPEECH_S:
        reason = f"speaks {speech_s:.1f} s, at least {MIN_TURN_SPEECH_S} s are needed"
        return SpeakerTurns(candidate, stretches, speech_s, comparison, LipSyncVerdict(None, None, reason))
    verdict = judge(comparison, accept=needed, reject=-np.inf, lead_frames=model.lead_frames, zero_ms=zero_ms)
    return SpeakerTurns(candidate, stretches, speech_s, comparison, verdict)


def _unless_another_fits(turn: SpeakerTurns, turns: Sequence[SpeakerTurns], model: LipSyncModel) -> SpeakerTurns:
    """The turn, without its offset if another face of the shot fits the same speech at another lag."""
    if turn.comparison is None or turn.verdict.offset_ms is None:
        return turn
    for other in turns:
        if other is turn or other.candidate.shot != turn.candidate.shot or not other.candidate.moves:
            continue
        rival = model.compare(_windows_at(other.candidate, turn.stretches))
        if rival.score >= model.accept and abs(rival.best.lag - turn.comparison.best.lag) > SAME_LAG_FRAMES:
            undecided = LipSyncVerdict(None, None, "another face fits the same speech at a different lag")
            return replace(turn, verdict=undecided)
    return turn


def _decisive(answered: Sequence[SpeakerTurns], zero_ms: float) -> list[SpeakerTurns]:
    """The speakers that decide about the clip: all where their offsets agree, otherwise the one furthest from sync."""
    offsets = np.array([(turn.verdict.offset_ms or 0.0) - zero_ms for turn in answered])
    if np.ptp(offsets) <= SAME_LAG_FRAMES * FRAME_MS:
        return list(answered)
    return [answered[first_greatest(np.abs(offsets), tolerance=SAME_OFFSET_MS)]]


def _windows_at(candidate: SpeakerCandidate, stretches: Sequence[tuple[int, int]]) -> list[EmbeddedWindow]:
    """Windows of a face at stretches of the clip, with the range of the lag search around them."""
    first, n = int(candidate.track.frames[0]), len(candidate.track.frames)
    around = [(start - first - VOICE_MARGIN, end - first + VOICE_MARGIN) for start, end in stretches]
    return windows_of(candidate.embedded, [(max(0, start), min(n, end)) for start, end in around])


def _seconds(stretches: Sequence[tuple[int, int]]) -> float:
    return sum(end - start for start, end in stretches) / FPS


def _on_screen(candidate: SpeakerCandidate, units: Sequence[tuple[int, int]]) -> np.ndarray:
    first, last = int(candidate.track.frames[0]), int(candidate.track.frames[-1]) + 1
    return np.array([min(end, last) - max(start, first) >= ENOUGH_ON_SCREEN * (end - start) for start, end in units])


def _unit_fits(candidate: SpeakerCandidate, units: Sequence[tuple[int, int]], model: LipSyncModel) -> np.ndarray:
    """(units, 31) fits of the face summed over the frames of each unit that it is on screen."""
    fits, first = frame_fits(model, candidate.embedded), int(candidate.track.frames[0])
    return np.stack([fits[max(0, start - first) : max(0, end - first)].sum(axis=0) for start, end in units])
