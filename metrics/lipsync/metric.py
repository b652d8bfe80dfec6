"""The lip-sync metric: preconditions, the speaker, the verdict, the scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.metrics.analyses.faces import face_tracks
from seedbench.metrics.analyses.shots import shots
from seedbench.metrics.analyses.speech import mel, speech
from seedbench.metrics.lipsync.attribution import ANOTHER_MAY_SPEAK, ClipSpeakers, clip_speakers
from seedbench.metrics.lipsync.estimators import aperture_evidence, null_p_value, peak
from seedbench.metrics.lipsync.features import sound_features
from seedbench.metrics.lipsync.judge import (
    ACCEPT_MS,
    DETECT_MS,
    FRAME_MS,
    ApertureEstimate,
    LipSyncVerdict,
    in_window,
    sync_score,
)
from seedbench.metrics.lipsync.model import LipSyncComparison, LipSyncModel, shipped
from seedbench.metrics.lipsync.natural_zero import OWN_ZERO, SHIPPED_ZERO, NaturalZero
from seedbench.metrics.lipsync.panels import crop_panel, lag_panel, trace_panel, turn_panel
from seedbench.metrics.lipsync.small_faces import small_faces_seen
from seedbench.metrics.lipsync.speakers import (
    MIN_SEEN_SPEECH,
    MIN_SPEECH_S,
    SpeakerCandidate,
    seen_speech_s,
    speaker_candidates,
    speaking_frames,
    unreadable_faces_s,
)
from seedbench.metrics.lipsync.uncertainty import TWO_SIDED_95, lag_sd, not_outside, offset_sd_ms
from seedbench.metrics.lipsync.visible_mouth import chin_outside, why_unseen
from seedbench.plugins.metric import OFFSET_SIGN, Measure, Metric, MetricInfo, Sample, Score, missing_stream

MIN_LEVEL_DBFS = -50.0
BACKEND = "facemesh-encoder+kernel-cca-v2"

INFO = MetricInfo(
    name="lipsync",
    title="Lip sync",
    meaning="Whether lips and sound belong together, and how far they are apart in time",
    citation="windows: ITU-R BT.1359; sign and search range: Chung & Zisserman 2016 (SyncNet); canonical correlation: Slaney & Covell 2000",
    default_rank=10,
    libraries=("ai-edge-litert", "librosa", "scenedetect-headless", "silero-vad"),
    version=6,
    needs=frozenset({"video", "audio", "speech"}),
    weights=("blazeface", "facemesh", "silero-vad"),
    measures=(
        Measure(
            name="in_sync",
            title="In sync",
            unit="share",
            direction="up",
            low=0.0,
            high=1.0,
            rate=True,
            headline=True,
            meaning="lips and sound belong together, and it is not shown that they lie outside -125..+45 ms, where half of the viewers "
            "notice nothing (ITU-R BT.1359; one-sided test at 5%)",
        ),
        Measure(
            name="matched",
            title="Lips fit the sound",
            unit="share",
            direction="up",
            low=0.0,
            high=1.0,
            rate=True,
            headline=True,
            meaning="at some lag within 0.6 s the lips follow this sound better than other voices",
        ),
        Measure(
            name="offset_ms",
            title="Audio-visual offset",
            unit="ms",
            direction="zero",
            low=-600.0,
            high=600.0,
            sign=OFFSET_SIGN,
            headline=True,
            meaning="how far the sound is ahead of the lips; 0 is the zero of filmed speakers, whose lips part at the burst of a p or b",
        ),
        Measure(
            name="in_detect_window",
            title="Offset unnoticed",
            unit="share",
            direction="up",
            low=0.0,
            high=1.0,
            rate=True,
            meaning="of the clips with an offset: within -125..+45 ms (ITU-R BT.1359)",
        ),
        Measure(
            name="in_accept_window",
            title="Offset accepted",
            unit="share",
            direction="up",
            low=0.0,
            high=1.0,
            rate=True,
            meaning="of the clips with an offset: within -185..+90 ms (ITU-R BT.1359)",
        ),
        Measure(
            name="sync_score",
            title="Sync score",
            unit="",
            direction="up",
            low=0.0,
            high=1.0,
            meaning="1 within -125..+45 ms, falling to 0 at -370 and +180 ms; 0 where lips and sound do not belong together",
        ),
        Measure(
            name="syncnet_offset_ms",
            title="Offset from SyncNet's zero",
            unit="ms",
            direction="none",
            low=-600.0,
            high=600.0,
            sign=OFFSET_SIGN,
            meaning="the same offset counted from SyncNet's zero, to compare with published values; filmed speakers lie at +48 ms",
        ),
        Measure(
            name="confidence",
            title="Confidence",
            unit="sd",
            direction="none",
            meaning="standard deviations by which the best fit exceeds the impostor cohort (other lips and voices); how sure, not how good",
        ),
    ),
)


class LipSync(Metric):
    """Lip sync by FaceMesh and two fitted estimators (an encoder pair and a kernel CCA); lip opening x energy is shown beside them.

    Args:
        model: A fitted model; None: the shipped one.
        zero: What the model reads where sound and lips are as in nature; None: that of the shipped model, or 0 for another one.
    """

    info = INFO
    validation = "seedbench.metrics.lipsync.validation:PROTOCOL"

    def __init__(self, model: LipSyncModel | None = None, zero: NaturalZero | None = None) -> None:
        self._model = model
        self._zero = zero or (SHIPPED_ZERO if model is None else OWN_ZERO)

    def score(self, clip: Clip, sample: Sample) -> list[Score]:
        """Score one clip.

        Args:
            clip: The clip.
            sample: Not used: the speech is detected in the sound.

        Returns:
            One score for each measure; evidence belongs to ``offset_ms``.

        Raises:
            WeightsError: If the weights of a network are missing or cannot be read.
        """
        missing = missing_stream(INFO, clip)
        if missing:
            return self.none(missing, backend=BACKEND)
        heard = speech(clip)
        if heard.level_dbfs < MIN_LEVEL_DBFS:
            return self.none(f"the sound is silent ({heard.level_dbfs:.0f} dBFS)", backend=BACKEND)
        if heard.duration_s < MIN_SPEECH_S:
            return self.none(f"only {heard.duration_s:.1f} s of speech, at least {MIN_SPEECH_S} s are needed", backend=BACKEND)
        tracks = face_tracks(clip)
        if not tracks.tracks:
            return self.none("no face is seen", backend=BACKEND)
        model = self._model or shipped()
        sound = sound_features(mel(clip), tracks.n_frames)
        candidates = speaker_candidates(tracks, shots(clip), sound, heard, model)
        seen = seen_speech_s(candidates, heard, tracks.n_frames)
        if seen < max(MIN_SPEECH_S - 0.5, MIN_SEEN_SPEECH * heard.duration_s):
            return self.none(f"a usable face is seen during {seen:.1f} of {heard.duration_s:.1f} s of speech", backend=BACKEND)
        if not candidates:
            return self.none("no face can be judged", backend=BACKEND)
        unreadable = unreadable_faces_s(tracks, candidates, heard)
        who = clip_speakers(
            candidates, heard.segments_s, tracks.n_frames, model, seen_speech_s=seen, unreadable_s=unreadable, zero_ms=self._zero.ms
        )
        if who.verdict.matched is False:
            who = unless_unseen(who, clip, tracks.height)
        if who.verdict.matched is False and small_faces_seen(
            clip, tracks.tracks, np.flatnonzero(speaking_frames(heard.segments_s, tracks.n_frames))
        ):
            who = replace(who, verdict=ANOTHER_MAY_SPEAK)
        curve, aperture = aperture_estimate(who.speaking, model)
        evidence = (
            lag_panel(who.comparison, curve, model, self._zero, who.verdict.offset_ms),
            turn_panel(who, self._zero),
            trace_panel(who.speaking),
            crop_panel(candidates, who.speaking, clip),
        )
        sd_ms = (
            offset_sd_ms(lag_sd(who.windows, who.comparison, model) * FRAME_MS, self._zero) if who.verdict.offset_ms is not None else 0.0
        )
        return scores_of(who.verdict, who.comparison, aperture, zero=self._zero, sd_ms=sd_ms, evidence=evidence, n_total=tracks.n_frames)


def aperture_estimate(speaking: list[SpeakerCandidate], model: LipSyncModel) -> tuple[np.ndarray, ApertureEstimate]:
    """The plain estimate: lip opening against voice energy, pooled over faces.

    Args:
        speaking: The faces taken for the speaker.
        model: The model, for the natural lead of the lips.

    Returns:
        Lag curve (31,), and its lag and p-value.
    """
    curve, null = aperture_evidence([(candidate.lips.aperture, candidate.sound) for candidate in speaking])
    best = peak(curve)
    return curve, ApertureEstimate(best.lag - model.aperture_lead_frames, null_p_value(best.height, null))


def unless_unseen(who: ClipSpeakers, clip: Clip, height: int) -> ClipSpeakers:
    """The speakers, without a verdict where nothing can be said against their lips because these cannot be seen."""
    still = not any(face.moves for face in who.speaking)
    if still and any(chin_outside(face.track, height) for face in who.speaking):
        return replace(who, verdict=LipSyncVerdict(None, None, "the chin is out of the picture: lips that seem to stand still may move"))
    reason = why_unseen(clip, [candidate.track for candidate in who.speaking])
    return replace(who, verdict=LipSyncVerdict(None, None, reason)) if reason else who


def scores_of(
    verdict: LipSyncVerdict,
    comparison: LipSyncComparison,
    aperture: ApertureEstimate,
    *,
    zero: NaturalZero,
    sd_ms: float,
    evidence: tuple,
    n_total: int,
) -> list[Score]:
    """The scores of all measures.

    Args:
        verdict: What is decided about lips and sound.
        comparison: How they fit together.
        aperture: The result of the plain estimator.
        zero: What the model reads where sound and lips are as in nature.
        sd_ms: The standard deviation of the offset; 0 where there is none.
        evidence: The panels.
        n_total: The frames of the clip at 25 fps.

    Returns:
        One score for each measure.
    """
    details = {
        "offset_frames": round(comparison.best.lag, 3),
        "encoder_offset_frames": round(comparison.encoder_peak.lag, 3),
        "cca_offset_frames": round(comparison.cca_peak.lag, 3),
        "aperture_offset_frames": round(aperture.lag, 3),
        "aperture_p": round(aperture.p, 4),
        "cohort_p": round(comparison.cohort_p, 4),
        "confidence": round(comparison.score, 3),
    }
    offset = None if verdict.offset_ms is None else verdict.offset_ms - zero.ms
    values: dict[str, float | None] = {
        "matched": None if verdict.matched is None else float(verdict.matched),
        "offset_ms": offset,
        "syncnet_offset_ms": verdict.offset_ms,
        "in_detect_window": None if offset is None else float(in_window(offset, DETECT_MS)),
        "in_accept_window": None if offset is None else float(in_window(offset, ACCEPT_MS)),
        "in_sync": None if offset is None else float(not_outside(offset, sd_ms, DETECT_MS)),
        "sync_score": None if offset is None else sync_score(offset),
        "confidence": comparison.score,
    }
    if verdict.matched is False:
        values["in_sync"] = values["sync_score"] = 0.0
    scores = []
    for measure in INFO.measures:
        value = values[measure.name]
        more: dict[str, Any] = {"n_used": comparison.frames, "n_total": n_total, "details": details}
        if measure.name == "offset_ms":
            more["evidence"] = evidence
            more["interval"] = None if offset is None else (offset - TWO_SIDED_95 * sd_ms, offset + TWO_SIDED_95 * sd_ms)
        if value is None:
            scores.append(Score.none(measure.name, verdict.reason, backend=BACKEND, **more))
        else:
            scores.append(Score.of(measure.name, value, backend=BACKEND, **more))
    return scores
