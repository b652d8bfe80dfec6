"""How lip sync is tried on real footage: known shifts of the sound, other voices, copies in which the mouth cannot be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from seedbench.clips.changed_copies import at_rate, beside, degraded, resized, with_sound_of
from seedbench.clips.degradations import ChangedPictures, ClipArrays
from seedbench.plugins.metric import Score
from seedbench.plugins.validation import Separation, TrialAnswer, TruthColumn, TruthRow, ValidationProtocol, Variant

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip
    from seedbench.metrics.analyses.faces import FaceTracks

TOLERANCE_MS = 40.0
"""An offset is right within one frame at 25 a second, the accuracy that the field counts with (SyncNet)."""
SHIFTS_MS = (-240.0, -120.0, 120.0, 240.0)
"""Delays of the sound: detectable by viewers, beyond what they accept (ITU-R BT.1359), and within the search of 600 ms."""
#: FaceMesh points around the part of a face that a surgical mask covers: from ear to ear below the eyes, and along the jaw.
MASK = (
    *(116, 123, 50, 36, 198, 197, 420, 266, 280, 352, 345),
    *(361, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 132),
)
MASK_RGB = (150, 190, 205)


def is_in_sync(row: TruthRow) -> bool:
    """Whether a file shows one speaker whose lips and sound belong together."""
    return row.facts.get("expect", "in-sync") == "in-sync"


def can_be_mismatched(row: TruthRow) -> bool:
    """Whether a file shows one speaker, in sync or not."""
    return row.facts.get("expect", "in-sync") in {"in-sync", "unknown"}


def another_voice(row: TruthRow, rows: Sequence[TruthRow]) -> TruthRow | None:
    """The next file whose voice is another: of the same kind of footage if there is such a file."""
    start = rows.index(row)
    others = [
        other
        for other in (*rows[start + 1 :], *rows[:start])
        if other.facts.get("voice", other.name) != row.facts.get("voice", row.name) and other.facts.get("expect") != "no-answer"
    ]
    return next((other for other in others if other.kind == row.kind), others[0] if others else None)


def delayed(amount_ms: float) -> Callable[..., ClipArrays]:
    """The sound ``amount_ms`` later."""
    return lambda arrays, clip, partner: degraded(arrays, "delay-sound", amount_ms)


def with_second_voice(arrays: ClipArrays, clip: Clip, partner: ClipArrays | None) -> ClipArrays:
    """The voice of the partner, as loud as the own one, on top of it."""
    other = with_sound_of(arrays, partner).sound if partner is not None else None
    if arrays.sound is None or other is None:
        return arrays
    own = arrays.sound.mean(axis=0, keepdims=True)
    size = min(own.shape[1], other.shape[1])
    second = other[:, :size].mean(axis=0, keepdims=True)
    levels = [float(np.sqrt(np.mean(voice**2))) for voice in (own, second)]
    mixed = own[:, :size] + second * (levels[0] / max(levels[1], 1e-6))
    return replace(arrays, sound=(mixed / max(1.0, float(np.abs(mixed).max()))).astype(np.float32))


def with_covered_mouths(arrays: ClipArrays, clip: Clip, partner: ClipArrays | None) -> ClipArrays:
    """A mask over the mouth of every face, as FaceMesh finds it."""
    from seedbench.metrics.analyses.faces import face_tracks

    tracks = face_tracks(clip)

    def covered() -> Iterator[np.ndarray]:
        for time_s, rgb in zip(arrays.time_s, arrays.pictures, strict=False):
            yield _masked(rgb, float(time_s), tracks)

    return replace(arrays, pictures=ChangedPictures(covered))


def _masked(rgb: np.ndarray, time_s: float, tracks: FaceTracks) -> np.ndarray:
    import cv2

    picture = rgb.copy()
    scale = rgb.shape[1] / tracks.width
    for track in tracks.tracks:
        nearest = int(np.argmin(np.abs(track.time_s - time_s)))
        if abs(track.time_s[nearest] - time_s) > 0.25:
            continue
        outline = track.landmarks[nearest, list(MASK), :2] * scale
        cv2.fillPoly(picture, [np.rint(outline).astype(np.int32)], MASK_RGB)
        for share in (0.25, 0.5, 0.75):  # folds, so that it is no uniform area
            left = (1 - share) * outline[0] + share * outline[len(MASK) // 2 + 6]
            right = (1 - share) * outline[10] + share * outline[len(MASK) // 2 + 6]
            cv2.line(picture, tuple(map(int, left)), tuple(map(int, right)), (120, 160, 180), max(1, round(track.size_px * scale / 150)))
    return picture


class LipSyncProtocol(ValidationProtocol):
    """Answers, offsets of known shifts, mismatched voices and mouths that cannot be seen."""

    version = 1
    error_unit = "ms"
    about = (
        "One speaker a file. A shift is right within 40 ms of the offset of the file as it is plus the shift; a file as it is, within "
        "40 ms of the offset that the truth file states, or in sync where it states none. Another voice is wrong where it is accepted "
        "(`matched` 1), a covered mouth where there is any answer. Changed pictures and a second voice are wrong where lips and sound are "
        "called apart, or the offset changes by more than 40 ms."
    )
    columns = (
        TruthColumn(
            name="expect",
            meaning="what is known: in-sync (also where it is empty), apart, no-answer (nobody's lips can be judged) or unknown",
            values=("in-sync", "apart", "no-answer", "unknown"),
        ),
        TruthColumn(name="offset_ms", meaning="by how much the sound is ahead of the lips, where that is known exactly", number=True),
        TruthColumn(name="voice", meaning="a name that files with the same words or the same speaker share; they are not mixed up"),
    )
    variants = (
        Variant(name="as it is", expected="as the truth file states; in sync where it states nothing"),
        *(
            Variant(
                name=f"sound {abs(shift):.0f} ms {'later' if shift > 0 else 'earlier'}",
                expected=f"an offset {-shift:+.0f} ms from that of the file as it is",
                change=delayed(shift),
                applies=is_in_sync,
            )
            for shift in SHIFTS_MS
        ),
        Variant(
            name="another voice",
            expected="apart, or no answer",
            change=lambda arrays, clip, partner: with_sound_of(arrays, partner),
            partner=another_voice,
            applies=can_be_mismatched,
        ),
        Variant(name="mouth covered", expected="no answer", change=with_covered_mouths, applies=can_be_mismatched),
        Variant(
            name="a second voice",
            expected="the same offset, or no answer",
            change=with_second_voice,
            partner=another_voice,
            applies=is_in_sync,
        ),
        Variant(
            name="beside another speaker",
            expected="the same offset, or no answer",
            change=lambda arrays, clip, partner: beside(arrays, partner),
            partner=another_voice,
            applies=is_in_sync,
        ),
        Variant(
            name="compressed (crf 42)",
            expected="the same offset, or no answer",
            change=lambda arrays, clip, partner: degraded(arrays, "reencode", 42),
            applies=is_in_sync,
        ),
        Variant(
            name="half the size",
            expected="the same offset",
            change=lambda arrays, clip, partner: resized(arrays, 0.5),
            applies=is_in_sync,
        ),
        Variant(
            name="15 pictures per second",
            expected="the same offset",
            change=lambda arrays, clip, partner: at_rate(arrays, 15),
            applies=is_in_sync,
        ),
        Variant(
            name="60 pictures per second, repeated",
            expected="the same offset",
            change=lambda arrays, clip, partner: at_rate(arrays, 60),
            applies=is_in_sync,
        ),
    )
    separations = (
        Separation(
            title="own voice (as it is and shifted) against another voice",
            measure="confidence",
            higher=("as it is", *(variant.name for variant in variants[1 : 1 + len(SHIFTS_MS)])),
            lower=("another voice",),
            applies=is_in_sync,
        ),
    )

    def answer(
        self, variant: Variant, row: TruthRow, partner: TruthRow | None, scores: Mapping[str, Score], as_it_is: Mapping[str, Score]
    ) -> TrialAnswer:
        """Judge one copy (see :meth:`seedbench.plugins.validation.ValidationProtocol.answer`)."""
        matched, offset = scores["matched"].value, scores["offset_ms"].value
        answered = matched is not None or offset is not None
        words = words_of(scores)
        if variant.name == "another voice":
            return TrialAnswer(answered=answered, right=matched != 1, words=words)
        if variant.name == "mouth covered":
            return TrialAnswer(answered=answered, right=not answered, words=words, due=False)
        if variant.name == "as it is":
            return _as_it_is(row, scores, answered, words)
        before = as_it_is["offset_ms"].value if "offset_ms" in as_it_is else None
        base = before if before is not None else _stated_offset(row)
        shift = next((-shift for shift, name in zip(SHIFTS_MS, self.shift_names, strict=True) if name == variant.name), 0.0)
        error = None if offset is None or base is None else offset - base - shift
        right = matched != 0 and (error is None or abs(error) <= TOLERANCE_MS)
        return TrialAnswer(answered=answered, right=right, error=error, words=words)

    @property
    def shift_names(self) -> list[str]:
        """The names of the shifted copies, in the order of :data:`SHIFTS_MS`."""
        return [variant.name for variant in self.variants[1 : 1 + len(SHIFTS_MS)]]


def _stated_offset(row: TruthRow) -> float | None:
    return float(row.facts["offset_ms"]) if "offset_ms" in row.facts else None


def _as_it_is(row: TruthRow, scores: Mapping[str, Score], answered: bool, words: str) -> TrialAnswer:
    expect, stated = row.facts.get("expect", "in-sync"), _stated_offset(row)
    matched, offset, in_sync = (scores[name].value for name in ("matched", "offset_ms", "in_sync"))
    if expect == "unknown":
        return TrialAnswer(answered=answered, right=None, words=words)
    if expect == "no-answer":
        return TrialAnswer(answered=answered, right=not answered, words=words)
    if expect == "apart":
        return TrialAnswer(answered=answered, right=matched != 1, words=words)
    error = None if offset is None else offset - (stated or 0.0)
    near = error is None or (abs(error) <= TOLERANCE_MS if stated is not None else in_sync != 0)
    return TrialAnswer(answered=answered, right=matched != 0 and near, error=error, words=words)


def words_of(scores: Mapping[str, Score]) -> str:
    """What the metric answered, in a few words.

    Args:
        scores: its scores, by measure.

    Returns:
        The offset, that lips and sound are apart, or why there is no answer.
    """
    matched, offset = scores["matched"], scores["offset_ms"]
    if offset.value is not None:
        return f"offset {offset.value:+.0f} ms, in sync: {'yes' if scores['in_sync'].value else 'no'}"
    return f"apart: {offset.reason}" if matched.value == 0 else f"no answer: {offset.reason}"


PROTOCOL = LipSyncProtocol()
