"""The evidence of a lip-sync score: the lag curve, lips and sound over time, the faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.frame_pictures import map_frames
from seedbench.metrics.lipsync.attribution import ClipSpeakers
from seedbench.metrics.lipsync.estimators import LAGS
from seedbench.metrics.lipsync.features import FPS, voice_energy
from seedbench.metrics.lipsync.judge import FRAME_MS
from seedbench.metrics.lipsync.model import LipSyncComparison, LipSyncModel
from seedbench.metrics.lipsync.natural_zero import NaturalZero
from seedbench.metrics.lipsync.speakers import SpeakerCandidate
from seedbench.plugins.evidence import Curve, Gallery, Mark, Picture, Series, jpeg
from seedbench.plugins.metric import OFFSET_AXIS

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

MAX_CROPS = 8


def lag_panel(
    comparison: LipSyncComparison, aperture: np.ndarray, model: LipSyncModel, zero: NaturalZero, syncnet_offset_ms: float | None
) -> Curve:
    """Fit against offset, counted from the zero of filmed speakers.

    Args:
        comparison: How lips and sound fit together.
        aperture: (31,) curve of the plain estimator.
        model: The model, for the natural leads.
        zero: What the model reads where sound and lips are as in nature.
        syncnet_offset_ms: The offset of the clip in the model's own zero; None where there is none.

    Returns:
        The panel, over ms.
    """
    offsets = ((LAGS - model.lead_frames) * FRAME_MS - zero.ms).round(1).tolist()

    def line(name: str, values: np.ndarray, x: list[float] = offsets) -> Series:
        return Series(name, x, values.round(3).tolist())

    spread = float(np.std(aperture)) or 1.0
    shown = (aperture - np.median(aperture)) / spread
    plain = ((LAGS - model.aperture_lead_frames) * FRAME_MS - zero.ms).round(1).tolist()
    marks = [Mark(0.0, "in sync")]
    if syncnet_offset_ms is not None:
        marks.append(Mark(round(syncnet_offset_ms - zero.ms, 1), "this clip"))
    series = [
        line("fitted, pooled", comparison.fused),
        line("encoder", comparison.encoder),
        line("CCA", comparison.cca),
        line("aperture x energy", shown, plain),
        line("impostors 5%", comparison.null_low),
        line("impostors 95%", comparison.null_high),
    ]
    return Curve("Fit of lips and sound", OFFSET_AXIS, "fit (in spreads of mismatched pairs)", series, marks)


def turn_panel(who: ClipSpeakers, zero: NaturalZero) -> Curve:
    """Who speaks when: a line for each face where it speaks, with its offset or the reason why there is none, and one at 0 for nobody.

    Args:
        who: The speakers of the clip.
        zero: What is subtracted from their offsets.

    Returns:
        The panel, over seconds.
    """
    series = []
    for number, turn in enumerate(who.turns, start=1):
        offset = turn.verdict.offset_ms
        label = f"face {number}: {turn.verdict.reason if offset is None else f'{offset - zero.ms:+.0f} ms'}"
        series.append(_bars(label, turn.stretches, float(number)))
    if who.unseen:
        series.append(_bars("nobody on screen", who.unseen, 0.0))
    return Curve("Who speaks when", "time (s)", "face", series)


def _bars(name: str, stretches: Sequence[tuple[int, int]], height: float) -> Series:
    time_s: list[float] = []
    line: list[float | None] = []
    for start, end in stretches:
        time_s += [round(start / FPS, 3), round(end / FPS, 3), round(end / FPS, 3)]
        line += [height, height, None]
    return Series(name, time_s, line)


def trace_panel(speaking: list[SpeakerCandidate]) -> Curve:
    """Lip opening and voice energy over time, each scaled to 0..1 over the clip; gaps where no speaking face is on screen.

    Args:
        speaking: The faces taken for the speaker.

    Returns:
        The panel, over seconds.
    """
    time_s: list[float] = []
    opening: list[float | None] = []
    energy: list[float | None] = []
    for candidate in speaking:
        if time_s:
            time_s.append(float(candidate.track.time_s[0]))
            opening.append(None)
            energy.append(None)
        n = min(len(candidate.lips.aperture), len(candidate.sound) // 4)
        time_s += (candidate.track.frames[:n] / FPS).round(3).tolist()
        opening += _scaled_to_unit(candidate.lips.aperture[:n])
        energy += _scaled_to_unit(voice_energy(candidate.sound)[:n])
    return Curve(
        "Lips and voice", "time (s)", "share of range", [Series("lip opening", time_s, opening), Series("voice energy", time_s, energy)]
    )


def _scaled_to_unit(values: np.ndarray) -> list[float]:
    low, high = np.percentile(values, [2, 98])
    return np.clip((values - low) / max(float(high - low), 1e-9), 0.0, 1.0).round(3).tolist()


def crop_panel(candidates: list[SpeakerCandidate], speaking: list[SpeakerCandidate], clip: Clip) -> Gallery:
    """The middle frame of each face; the caption says which ones are taken for the speaker.

    Args:
        candidates: The faces that may be speaking.
        speaking: Those taken for the speaker.
        clip: The clip.

    Returns:
        The panel.
    """
    shown = candidates[:MAX_CROPS]
    middles = [len(candidate.track.frames) // 2 for candidate in shown]
    frames = [int(candidate.track.frames[middle]) for candidate, middle in zip(shown, middles, strict=True)]
    crops = map_frames(clip, FPS, frames, lambda at, rgb: _crop(rgb, shown[at].track.boxes[middles[at]]).copy())
    pictures = []
    for candidate, crop in zip(shown, crops, strict=True):
        if crop.size == 0:
            continue
        start, end = candidate.track.time_s[[0, -1]].tolist()
        role = "taken for the speaker" if any(candidate is other for other in speaking) else "not taken for the speaker"
        pictures.append(Picture(f"{start:.1f}-{end:.1f} s, {role}", jpeg(crop), f"shot {candidate.shot + 1}"))
    return Gallery("Faces", pictures)


def _crop(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The face with a fifth of its box (4,) around it; empty where the box lies outside the picture."""
    x0, y0, x1, y1 = box.tolist()
    margin = 0.2 * max(x1 - x0, y1 - y0)
    height, width = picture.shape[:2]
    rows = slice(max(0, int(y0 - margin)), min(height, int(y1 + margin) + 1))
    return picture[rows, max(0, int(x0 - margin)) : min(width, int(x1 + margin) + 1)]
