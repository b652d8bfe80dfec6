"""The evidence of an identity score: the faces of each shot, and each person's likeness over the shots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seedbench.metrics.analyses.face_embeddings import FaceSamples, MapPictures
from seedbench.metrics.identity.judge import IdentityJudgement
from seedbench.metrics.identity.schedule import Schedule
from seedbench.metrics.identity.summary import Subject, gap_decay
from seedbench.plugins.evidence import Curve, Facts, Gallery, Mark, Panel, Picture, Series, jpeg

MOST_PICTURES = 40


def crop(rgb: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The face with a quarter of its box around it, cut at the edges of the picture.

    Args:
        rgb: (H, W, 3) uint8.
        box: (4,) x0 y0 x1 y1 in pixels.

    Returns:
        (h, w, 3) uint8; the whole picture where the box lies outside it.
    """
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = (float(edge) for edge in box)
    margin = 0.25 * max(x1 - x0, y1 - y0)
    left, top = max(0, int(x0 - margin)), max(0, int(y0 - margin))
    right, bottom = min(width, int(x1 + margin) + 1), min(height, int(y1 + margin) + 1)
    return rgb[top:bottom, left:right] if right > left and bottom > top else rgb


def faces_by_shot(map_pictures: MapPictures, samples: FaceSamples, result: IdentityJudgement) -> Gallery:
    """One picture per face and shot; the caption names the expected character and the cosine to that character in other shots."""
    casting = result.casting
    cosines_of = {subject.name: _cosines_by_shot(subject) for subject in result.subjects}
    roles = {role.face: role for role in casting.roles}
    faces = result.faces[:MOST_PICTURES]
    crops = map_pictures([int(samples.frame[face.best]) for face in faces], lambda at, rgb: crop(rgb, samples.box[faces[at].best]).copy())
    pictures = []
    for index, (face, picture) in enumerate(zip(faces, crops, strict=True)):
        start, end = result.plan.bounds_s[face.shot]
        role = roles.get(index)
        if role is None:
            caption = "not in the cast"
        elif role.swapped:
            caption = f"{role.subject} expected, looks like {role.looks_like}"
        elif not role.matched:
            caption = f"{role.subject} expected, another face"
        else:
            caption = f"{role.subject}, first face of the gallery" if role.anchor else role.subject
        cosines = [] if role is None else cosines_of[role.subject].get(face.shot, [])
        if cosines:
            caption += f" (cos {np.mean(cosines):.3f} to the other shots)"
        pictures.append(Picture(caption, jpeg(picture, side=112), group=f"shot {face.shot + 1} ({start:.2f}-{end:.2f} s)"))
    return Gallery("Faces by shot", pictures)


def _cosines_by_shot(subject: Subject) -> dict[int, list[float]]:
    cosines: dict[int, list[float]] = {}
    for pair in subject.pairs:
        for shot in (pair.first, pair.second):
            cosines.setdefault(shot, []).append(pair.cosine)
    return cosines


def likeness_over_shots(subjects: Sequence[Subject], schedule: Schedule) -> Curve:
    """Each person's similarity to the first shot it is seen in, over the shots' starting times."""
    series = []
    for subject in subjects:
        if subject.pairs:
            first = subject.pairs[0].first
            points = [(first, 1.0), *((pair.second, pair.identity) for pair in subject.pairs if pair.first == first)]
            x = [float(schedule.bounds_s[shot].mean()) for shot, _ in points]
            series.append(Series(subject.name, x, [value for _, value in points]))
    marks = [Mark(float(cut), f"cut {number}") for number, cut in enumerate(schedule.cuts_s, start=1)]
    return Curve("Likeness to the first shot", "time in s", "identity (0: another person, 1: the same)", series, marks)


def likeness_within_shots(result: IdentityJudgement) -> Curve:
    """Each face's similarity to its first part in the shot, over time, with the moments at which it becomes another."""
    judged = [course for course in result.courses if course.similarity is not None]
    series = [
        Series(f"face {number}, shot {course.shot + 1}", list(course.time_s), list(course.to_first))
        for number, course in enumerate(judged, 1)
    ]
    marks = [Mark(time_s, "another face") for course in judged for time_s in course.changes_s]
    return Curve("Likeness within each shot", "time in s", "identity (0: another person, 1: the same)", series, marks)


def scales(subjects: Sequence[Subject], samples: FaceSamples) -> Facts:
    """The ends of each person's scale, its figures, and the pictures that were not used."""
    rows = []
    for subject in subjects:
        if subject.scale is None:
            rows.append((subject.name, subject.reason))
            continue
        decay = ", ".join(f"{value:.2f} at {gap}" for gap, value in gap_decay(subject.pairs).items())
        scale = subject.scale
        text = f"identity {subject.similarity:.3f}, cosine {subject.cosine:.3f}"
        ends = f"one person {scale.same:.3f}, same from {scale.threshold:.3f}, different people {scale.strangers:.3f}"
        rows.append((subject.name, f"{text} ({ends}, set on {scale.source}); by distance in shots: {decay}"))
    rows.append(("pictures embedded", str(len(samples))))
    rows += [(f"left out: {reason}", str(count)) for reason, count in sorted(samples.dropped.items())]
    return Facts("Identity", rows)


def panels(map_pictures: MapPictures, samples: FaceSamples, result: IdentityJudgement) -> tuple[Panel, ...]:
    """Everything shown for one clip.

    Args:
        map_pictures: Calls a function with the pictures of some frames at 25 fps.
        samples: The embedded faces.
        result: The results.

    Returns:
        The panels.
    """
    shown: list[Panel] = [faces_by_shot(map_pictures, samples, result)]
    if any(subject.pairs for subject in result.subjects):
        shown.append(likeness_over_shots(result.subjects, result.plan))
    if any(course.similarity is not None for course in result.courses):
        shown.append(likeness_within_shots(result))
    return (*shown, scales(result.subjects, samples))
