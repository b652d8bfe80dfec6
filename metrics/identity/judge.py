"""From face samples and a schedule to every number of the metric. Pure: no clip, no network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from seedbench.metrics.analyses.face_embeddings import FaceSamples
from seedbench.metrics.analyses.face_selection import near_cut
from seedbench.metrics.analyses.profile_faces import ProfileFaces
from seedbench.metrics.identity import summary
from seedbench.metrics.identity.appearances import Appearance, appearances_by_shot
from seedbench.metrics.identity.assign import Casting, ScaleOf, cast_faces
from seedbench.metrics.identity.calibrate import face_scale
from seedbench.metrics.identity.people import cast_of_faces
from seedbench.metrics.identity.profiles import profile_courses
from seedbench.metrics.identity.schedule import Schedule
from seedbench.metrics.identity.within_shot import Course, courses_of, why_no_course


@dataclass(frozen=True)
class MeasureAnswer:
    """The value of one measure.

    Attributes:
        value: The value; None where there is none.
        reason: Why there is none; empty where there is one.
        used: The number of items (people, pairs, cuts or frames) that it rests on.
        total: The number of such items.
    """

    value: float | None
    reason: str
    used: int
    total: int


@dataclass(frozen=True)
class IdentityJudgement:
    """All results for one clip.

    Attributes:
        plan: What the clip should show.
        faces: The faces of its shots.
        casting: Which face took which part.
        subjects: Every person of the cast, or of a clip without a cast everyone who is seen in more than one shot.
        courses: Every face within each shot.
        answers: The answer of each measure.
    """

    plan: Schedule
    faces: list[Appearance]
    casting: Casting
    subjects: list[summary.Subject]
    courses: list[Course]
    answers: dict[str, MeasureAnswer]

    def details(self) -> dict[str, Any]:
        """The results by subject, ready for JSON. The keys ``strangers``, ``threshold`` and ``same`` hold the cosines of the scale."""
        people: dict[str, dict[str, Any]] = {}
        for subject in self.subjects:
            if subject.scale is None:
                people[subject.name] = {"reason": subject.reason}
                continue
            people[subject.name] = {
                "similarity": subject.similarity,
                "cosine": subject.cosine,
                "same": subject.scale.same,
                "threshold": subject.scale.threshold,
                "strangers": subject.scale.strangers,
                "scale_from": subject.scale.source,
                "by_gap": {str(gap): value for gap, value in summary.gap_decay(subject.pairs).items()},
            }
        faces = [
            {
                "shot": course.shot + 1,
                "in_profile": course.in_profile,
                "similarity": course.similarity,
                "drift_per_s": course.drift_per_s,
                "changes_s": list(course.changes_s),
            }
            if course.similarity is not None
            else {"shot": course.shot + 1, "in_profile": course.in_profile, "reason": course.reason}
            for course in self.courses
        ]
        return {
            "subjects": people,
            "faces": faces,
            "shots": len(self.plan.cuts_s) + 1,
            "cuts_s": [round(float(cut), 3) for cut in self.plan.cuts_s],
        }


def usable_appearances(samples: FaceSamples, plan: Schedule, scale_of: ScaleOf) -> list[Appearance]:
    """The faces of each shot of the plan, from samples that lie clear of its cuts.

    Args:
        samples: The embedded faces.
        plan: The shots.
        scale_of: Gives the scale of a face.

    Returns:
        The faces, most prominent first within a shot.
    """

    def same(first: np.ndarray, second: np.ndarray) -> bool:
        return scale_of(first).is_same(float(first @ second))

    return appearances_by_shot(samples, usable_shots(samples, plan), same)


def usable_shots(samples: FaceSamples, plan: Schedule) -> np.ndarray:
    """The shot of each picture (n,); -1 for one beside a cut, which may mix two shots."""
    return np.where(near_cut(samples.time_s, plan.cuts_s), -1, plan.shot_of(samples.time_s))


def judge(
    samples: FaceSamples, plan: Schedule, count: np.ndarray, *, drawn: np.ndarray, profiles: ProfileFaces | None = None
) -> IdentityJudgement:
    """Assign the faces to the cast, compare them over shots and within each, and compute every measure.

    Without a declared cast the people are found by likeness (:mod:`seedbench.metrics.identity.people`).

    Args:
        samples: Embedded pictures of the clip's faces.
        plan: Who should be seen when.
        count: Number of faces tracked on each frame (T,) at 25 fps.
        drawn: Bank of drawn faces (n, D) for this backend; may be empty.
        profiles: Embedded pictures of faces in profile; None where the backend has no scale for them.
    """
    declared = list(dict.fromkeys(name for shot in plan.planned for name in shot.cast))
    scale_of = partial(face_scale, backend=samples.backend, drawn=drawn)
    faces = usable_appearances(samples, plan, scale_of)
    casting = cast_faces(faces, plan.expected, scale_of) if declared else cast_of_faces(faces, scale_of)
    names = declared or list(dict.fromkeys(role.subject for role in casting.roles))
    people = summary.compare_subjects(casting, names, faces, plan.take, samples.phash, backend=samples.backend, drawn=drawn)
    scored = [subject for subject in people if subject.pairs]
    pairs = [pair for subject in scored for pair in subject.pairs]
    drifts = [subject.drift for subject in scored if subject.drift is not None]
    margins = [subject.margin for subject in scored if subject.margin is not None]
    why = _why_no_pairs(plan, faces, people, count)
    presence = summary.count_presence(plan, casting, faces)
    swaps = summary.count_swaps(casting)
    frames = summary.count_face_frames(plan, count)
    extra = summary.extra_faces(plan, count) if declared and count.any() else None
    courses = courses_of(samples, usable_shots(samples, plan), scale_of)
    courses += [] if profiles is None else profile_courses(profiles, plan)
    judged = [course for course in courses if course.similarity is not None]
    from_front = [course for course in judged if not course.in_profile]
    why_unsteady = "" if judged else why_no_course(courses, any_face=bool(count.any()), any_picture=len(samples) > 0)

    def over_people(values: list[float], reason: str = "") -> MeasureAnswer:
        return MeasureAnswer(summary.mean_over_people(values) if values else None, why or reason, len(values), len(names))

    def over_pairs(value: float | None) -> MeasureAnswer:
        return MeasureAnswer(value, why, len(pairs), len(pairs))

    def over_courses(values: list[float]) -> MeasureAnswer:
        return MeasureAnswer(float(np.mean(values)) if values else None, why_unsteady, len(values), len(courses))

    def over_cuts(total: int, reason: str) -> MeasureAnswer:
        return MeasureAnswer(plan.cuts_matched / total if total else None, reason, plan.cuts_matched, total)

    answers = {
        "similarity": over_people([subject.similarity for subject in scored]),
        "raw_cosine": over_people([subject.cosine for subject in scored]),
        "worst_pair": over_pairs(min((pair.identity for pair in pairs), default=None)),
        "margin": over_people(margins, "no other character of the cast to compare with"),
        "presence": MeasureAnswer(presence.share, _why_no_presence(declared, presence), presence.total, presence.total + presence.unknown),
        "swap_rate": MeasureAnswer(
            swaps.share if declared else None,
            "no shot in which two characters of the cast could be confused" if declared else "no cast declared",
            swaps.total,
            len(casting.roles),
        ),
        "drift_per_shot": over_people(drifts, "no character is seen in three shots"),
        "extra_faces": MeasureAnswer(extra, "no face is seen" if declared else "no cast declared", len(count), len(count)),
        "face_frames": MeasureAnswer(frames.share, "no cast declared", frames.hits, frames.total),
        "within_shot": over_courses([course.similarity for course in judged if course.similarity is not None]),
        "drift_per_s": over_courses([course.drift_per_s for course in judged if course.drift_per_s is not None]),
        "face_changes": MeasureAnswer(
            float(sum(len(course.changes_s) for course in from_front)) if from_front else None,
            why_unsteady or "changes of faces in profile are not counted",
            len(from_front),
            len(courses),
        ),
        "copied_pairs": over_pairs(float(np.mean([pair.copied for pair in pairs])) if pairs else None),
        "cut_recall": over_cuts(plan.cuts_declared, "the prompt declares no cut"),
        "cut_precision": over_cuts(plan.cuts_seen, "no cut is seen"),
    }
    return IdentityJudgement(plan, faces, casting, people, courses, answers)


def _why_no_pairs(plan: Schedule, faces: list[Appearance], people: list[summary.Subject], count: np.ndarray) -> str:
    if any(subject.pairs for subject in people):
        return ""
    if not count.any():
        return "no face is seen"
    if not faces:
        return "every face is too small, turned away, uncertain, blurred or noisy"
    if not len(plan.cuts_s):
        return "none of the declared cuts is seen: one shot" if plan.cuts_declared else "one shot: nothing to compare"
    return "; ".join(subject.reason for subject in people) or "nobody is seen in two shots; only a declared cast says who should be"


def _why_no_presence(names: list[str], presence: summary.ShareCount) -> str:
    return (
        "no cast declared"
        if not names
        else f"in none of the {presence.unknown} scheduled parts a face is seen clearly enough to recognise it"
    )
