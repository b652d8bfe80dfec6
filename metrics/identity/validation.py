"""How identity is tried on real footage: a file followed by itself reframed, by another recording of the person, by a stranger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from seedbench.clips.changed_copies import cropped, first_seconds, followed_by, mirrored, resized
from seedbench.clips.degradations import ClipArrays
from seedbench.metrics.identity.calibrate import SAME_PERSON
from seedbench.plugins.metric import Score
from seedbench.plugins.validation import Separation, TrialAnswer, TruthColumn, TruthRow, ValidationProtocol, Variant
from seedbench.suites.prompt import Character, Prompt, Shot

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

SHOT_S = 2.0
"""Length of each of the two shots of a copy; shorter files are taken whole."""
SAME, REFRAMED, CLOSE, SMALL, STRANGER = (
    "followed by another recording of the person",
    "followed by itself, reframed and mirrored",
    "followed by itself, a close-up",
    "followed by itself, a quarter of the size",
    "followed by a stranger",
)


def shows_one_person(row: TruthRow) -> bool:
    """Whether a file shows one person whose name is known."""
    return len(row.facts["people"].split()) == 1


def another_recording(row: TruthRow, rows: Sequence[TruthRow]) -> TruthRow | None:
    """The next file of the same person."""
    return next((other for other in _after(row, rows) if other.facts["people"] == row.facts["people"]), None)


def a_stranger(row: TruthRow, rows: Sequence[TruthRow]) -> TruthRow | None:
    """The next file of another person: of the same kind of footage if there is such a file."""
    others = [other for other in _after(row, rows) if shows_one_person(other) and other.facts["people"] != row.facts["people"]]
    return next((other for other in others if other.kind == row.kind), others[0] if others else None)


def _after(row: TruthRow, rows: Sequence[TruthRow]) -> list[TruthRow]:
    start = rows.index(row)
    return [*rows[start + 1 :], *rows[:start]]


def then_partner(arrays: ClipArrays, clip: Clip, partner: ClipArrays) -> ClipArrays:
    """The beginnings of both files."""
    return followed_by(first_seconds(arrays, SHOT_S), first_seconds(partner, SHOT_S))


def then_reframed(arrays: ClipArrays, clip: Clip, partner: None) -> ClipArrays:
    """The beginning of the file, and then its end, cut a little and mirrored."""
    return followed_by(first_seconds(arrays, SHOT_S), mirrored(cropped(first_seconds(arrays, SHOT_S), 0.08, 0.04, 0.96, 0.92)))


def then_close(arrays: ClipArrays, clip: Clip, partner: None) -> ClipArrays:
    """The beginning of the file, and then the same with the face filling the picture."""
    return followed_by(first_seconds(arrays, SHOT_S), cropped(first_seconds(arrays, SHOT_S), *_face_box(clip)))


def then_small(arrays: ClipArrays, clip: Clip, partner: None) -> ClipArrays:
    """The beginning of the file, and then the same at a quarter of its size and scaled up again."""
    return followed_by(first_seconds(arrays, SHOT_S), resized(first_seconds(arrays, SHOT_S), 0.25))


def _face_box(clip: Clip) -> tuple[float, float, float, float]:
    """The largest face from hair to chin, in shares of width and height; the middle of the picture where no face is found."""
    from seedbench.metrics.analyses.faces import face_tracks

    tracks = face_tracks(clip)
    early = [track for track in tracks.tracks if track.time_s[0] < SHOT_S]
    if not early:
        return 0.25, 0.0, 0.75, 0.6
    track = max(early, key=lambda track: track.size_px)
    boxes = track.boxes[track.time_s < SHOT_S]
    left, top, right, bottom = np.min(boxes[:, 0]), np.min(boxes[:, 1]), np.max(boxes[:, 2]), np.max(boxes[:, 3])
    left, right = max(0.0, left / tracks.width), min(1.0, right / tracks.width)
    return float(left), float(max(0.0, top / tracks.height)), float(right), float(min(1.0, bottom / tracks.height))


class IdentityProtocol(ValidationProtocol):
    """The same person against strangers, over two shots that the cast says are of one person."""

    version = 2
    error_unit = ""
    about = (
        f"Copies are two shots of {SHOT_S:g} s each, and the prompt declares one person in both. A copy of the same person is wrong "
        f"where the similarity is below {SAME_PERSON}, or where the person is not recognised (presence below 1); one with a stranger, "
        f"where the similarity is {SAME_PERSON} or more. A file as it is has no cast; it is wrong "
        f"where a face within a shot, or its one person from shot to shot, is below {SAME_PERSON}."
    )
    columns = (
        TruthColumn(
            name="people", meaning="who is seen: one name for each person, the same in all files, with spaces between", needed=True
        ),
    )
    variants = (
        Variant(name="as it is", expected="the same person from beginning to end"),
        Variant(name=REFRAMED, expected="the same person", change=then_reframed, applies=shows_one_person),
        Variant(name=CLOSE, expected="the same person", change=then_close, applies=shows_one_person),
        Variant(name=SMALL, expected="the same person, or no answer", change=then_small, applies=shows_one_person),
        Variant(name=SAME, expected="the same person", change=then_partner, partner=another_recording, applies=shows_one_person),
        Variant(name=STRANGER, expected="another person", change=then_partner, partner=a_stranger, applies=shows_one_person),
    )
    separations = (
        Separation(title="another recording of the person against a stranger", measure="similarity", higher=(SAME,), lower=(STRANGER,)),
        Separation(
            title="itself reframed, close and small against a stranger",
            measure="similarity",
            higher=(REFRAMED, CLOSE, SMALL),
            lower=(STRANGER,),
        ),
    )

    def prompt(self, variant: Variant, row: TruthRow, partner: TruthRow | None, duration_s: float) -> Prompt | None:
        """One person in two shots (see :meth:`seedbench.plugins.validation.ValidationProtocol.prompt`)."""
        if variant.change is None:
            return None
        cut_s = duration_s / 2
        shots = (Shot(start_s=0, end_s=cut_s, cast=("person",)), Shot(start_s=cut_s, end_s=duration_s, cast=("person",)))
        cast = (Character(id="person"),)
        return Prompt(id="clip", text="one person in two shots", task="multi_shot", duration_s=duration_s, cast=cast, shots=shots)

    def answer(
        self, variant: Variant, row: TruthRow, partner: TruthRow | None, scores: Mapping[str, Score], as_it_is: Mapping[str, Score]
    ) -> TrialAnswer:
        """Judge one copy (see :meth:`seedbench.plugins.validation.ValidationProtocol.answer`)."""
        similarity = scores["similarity"]
        if variant.change is None:
            judged = [scores["within_shot"].value, similarity.value if shows_one_person(row) else None]
            known = [value for value in judged if value is not None]
            right = min(known) >= SAME_PERSON if known else None
            answered = any(score.value is not None for score in scores.values())
            return TrialAnswer(answered=answered, right=right, words=_words(similarity, scores))
        if similarity.value is None:
            return TrialAnswer(answered=False, right=True, words=_words(similarity, scores))
        is_same = similarity.value >= SAME_PERSON
        presence = scores["presence"].value
        right = not is_same if variant.name == STRANGER else is_same and presence in (None, 1.0)
        return TrialAnswer(answered=True, right=right, words=_words(similarity, scores))


def _words(similarity: Score, scores: Mapping[str, Score]) -> str:
    words = f"no similarity: {similarity.reason}" if similarity.value is None else f"similarity {similarity.value:.2f}"
    titles = {"presence": "presence", "within_shot": "within a shot"}
    known = [f"{titles[name]} {score.value:.2f}" for name, score in scores.items() if name in titles and score.value is not None]
    return ", ".join([words, *known])


PROTOCOL = IdentityProtocol()
