"""From face samples and a schedule to every number of the metric. Pure: no clip, no network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from seedbench.metrics.analyses.face_embeddings import FaceSamples
from seedbench.metrics.analyses.face_selection import near_cut
from seedbench.metrics.identity import summary
from seedbench.metrics.identity.appearances import Appearance, appearances
from seedbench.metrics.identity.assign import SAME_FROM, Casting, cast_faces
from seedbench.metrics.identity.calibrate import cosine_at
from seedbench.metrics.identity.schedule import Schedule


@dataclass(frozen=True)
class Answer:
    """A value, or none and why; ``used`` of ``total`` things it rests on."""

    value: float | None
    reason: str
    used: int
    total: int


@dataclass(frozen=True)
class Judgement:
    """Everything found about one clip; ``answers`` by measure."""

    plan: Schedule
    faces: list[Appearance]
    casting: Casting
    subjects: list[summary.Subject]
    answers: dict[str, Answer]

    def details(self) -> dict[str, Any]:
        """A JSON-ready account by subject."""
        people: dict[str, dict[str, Any]] = {}
        for subject in self.subjects:
            if subject.scale is None:
                people[subject.name] = {"reason": subject.reason}
                continue
            people[subject.name] = {
                "similarity": subject.similarity,
                "cosine": subject.cosine,
                "same": subject.scale.own,
                "strangers": subject.scale.strangers,
                "strangers_from": subject.scale.source,
                "by_gap": {str(gap): value for gap, value in summary.gap_decay(subject.pairs).items()},
            }
        return {"subjects": people, "shots": len(self.plan.cuts_s) + 1, "cuts_s": [round(float(cut), 3) for cut in self.plan.cuts_s]}


def usable_appearances(samples: FaceSamples, plan: Schedule, drawn: np.ndarray) -> list[Appearance]:
    """The faces of each shot of the plan, from samples that lie clear of its cuts."""

    def same(one: np.ndarray, two: np.ndarray) -> bool:
        return bool(one @ two >= cosine_at(one, SAME_FROM, backend=samples.backend, drawn=drawn))

    shot = plan.shot_of(samples.time_s)
    shot[near_cut(samples.time_s, plan.cuts_s)] = -1
    return appearances(samples, shot, same)


def judge(samples: FaceSamples, plan: Schedule, count: np.ndarray, *, drawn: np.ndarray) -> Judgement:
    """Cast the faces, compare them over shots, and count.

    ``count`` (T,) faces tracked on each frame at 25 fps; ``drawn`` (n, D) the bank of drawn faces for this backend, may be empty.
    """
    names = list(dict.fromkeys(name for shot in plan.planned for name in shot.cast))
    faces = usable_appearances(samples, plan, drawn)
    casting = cast_faces(faces, plan.expected, partial(cosine_at, backend=samples.backend, drawn=drawn))
    people = summary.subjects(casting, names, faces, plan.take, samples.phash, backend=samples.backend, drawn=drawn)
    scored = [subject for subject in people if subject.pairs]
    pairs = [pair for subject in scored for pair in subject.pairs]
    drifts = [subject.drift for subject in scored if subject.drift is not None]
    margins = [subject.margin for subject in scored if subject.margin is not None]
    why = _why_no_pairs(plan, faces, people, count)
    found = summary.presence(plan, casting, faces, count)
    swaps = summary.swaps(casting)
    frames = summary.face_frames(plan, count)
    extra = summary.extra_faces(plan, count) if count.any() else None

    def over_people(values: list[float], reason: str = "") -> Answer:
        return Answer(summary.macro(values) if values else None, why or reason, len(values), len(names))

    def over_pairs(value: float | None) -> Answer:
        return Answer(value, why, len(pairs), len(pairs))

    def over_cuts(total: int, reason: str) -> Answer:
        return Answer(plan.cuts_met / total if total else None, reason, plan.cuts_met, total)

    answers = {
        "similarity": over_people([subject.similarity for subject in scored]),
        "raw_cosine": over_people([subject.cosine for subject in scored]),
        "worst_pair": over_pairs(min((pair.identity for pair in pairs), default=None)),
        "margin": over_people(margins, "nobody else of the cast to compare with"),
        "presence": Answer(found.share, _why_no_presence(names, found), found.total, found.total + found.unknown),
        "swap_rate": Answer(swaps.share, "no part in which two of the cast could be mistaken", swaps.total, len(casting.roles)),
        "drift_per_shot": over_people(drifts, "nobody is seen in three shots"),
        "extra_faces": Answer(extra, "no face is seen", len(count), len(count)),
        "face_frames": Answer(frames.share, "the shots declare no cast", frames.hits, frames.total),
        "copied_pairs": over_pairs(float(np.mean([pair.copied for pair in pairs])) if pairs else None),
        "cut_recall": over_cuts(plan.cuts_declared, "the prompt declares no cut"),
        "cut_precision": over_cuts(plan.cuts_seen, "no cut is seen"),
    }
    return Judgement(plan, faces, casting, people, answers)


def _why_no_pairs(plan: Schedule, faces: list[Appearance], people: list[summary.Subject], count: np.ndarray) -> str:
    if any(subject.pairs for subject in people):
        return ""
    if not people:
        return "the shots declare no cast"
    if not count.any():
        return "no face is seen"
    if not faces:
        return "every face is too small, turned away, uncertain or blurred"
    if not len(plan.cuts_s):
        return "none of the declared cuts is seen: one shot" if plan.cuts_declared else "one shot: nothing to compare"
    return "; ".join(subject.reason for subject in people)


def _why_no_presence(names: list[str], found: summary.Counts) -> str:
    return "the shots declare no cast" if not names else f"none of the {found.unknown} parts shows a face that can be told"
