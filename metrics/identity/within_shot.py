"""How steady a face is within one shot: likeness of its parts, drift, and moments at which it becomes another face.

A face is followed by its position, whoever it shows, so that a face that is replaced stays in one course. Only pictures of like turn of the
head are compared, because the vector of a face changes with the turn; only pictures of a face that moves count, because a still picture
keeps its face by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from seedbench.metrics.analyses.face_embeddings import FaceSamples
from seedbench.metrics.analyses.face_networks import iou
from seedbench.metrics.identity.appearances import weighted_mean
from seedbench.metrics.identity.assign import ScaleOf
from seedbench.metrics.identity.calibrate import BOTH, DRAWN, SAME_PERSON
from seedbench.metrics.identity.summary import theil_sen

MOST_TURN_DEG = 20.0
"""Pictures whose turn differs by more than this from the face's median turn are left out. In 39 real shots of up to 5 s the least
similarity of two parts falls to 0.39 without this rule, in a woman who turns by 30 degrees."""
STILL_COSINE = 0.9985
"""Pictures of a face that are at least this alike are one picture: it does not move. The median over neighbouring pictures is above 0.9987
in 95 % of 185 zoomed photographs, and below 0.9983 in all 39 real shots of people who talk. Drawn people who hardly move reach 0.9995."""
LEAST_MOVEMENT = 0.025
"""A photographed face whose median movement between neighbouring pictures (:mod:`seedbench.metrics.analyses.face_motion`) is smaller stands
still. 24 clips made of six photographs (still, zoomed, shaken, with grain of 6 of 255) have 0.002 to 0.021, one with grain 0.031; 37 real
and generated clips of people who talk at least 0.029, and all but one from 0.041 on. Not used for faces that may be drawn: people of the
simulator who only blink have 0.011."""
LEAST_PICTURES = 4
"""Pictures that a course needs: a face seen for one second has four or five."""
BROKEN_S = 0.8
"""A track that begins within this time after another, in the same position, goes on with its course."""
SAME_POSITION_IOU = 0.3
BESIDE_CHANGE = 3
"""Most pictures on either side of a moment that decide whether the face becomes another there; at least two are needed."""


@dataclass(frozen=True)
class Course:
    """A face over one shot.

    Attributes:
        shot: The index of the shot.
        time_s: (n,) times of the parts in seconds; empty without an answer.
        to_first: (n,) similarity of each part to the first, 0..1.
        similarity: The least similarity of two parts, 0..1; None without an answer.
        drift_per_s: Theil-Sen slope of ``to_first``, per second; None without an answer.
        changes_s: The times at which the face becomes another one.
        reason: Why there is no answer; empty where there is one.
        in_profile: Whether the face is in profile: its changes are not counted.
    """

    shot: int
    time_s: tuple[float, ...] = ()
    to_first: tuple[float, ...] = ()
    similarity: float | None = None
    drift_per_s: float | None = None
    changes_s: tuple[float, ...] = ()
    reason: str = ""
    in_profile: bool = False


def courses_of(samples: FaceSamples, shot: np.ndarray, scale_of: ScaleOf) -> list[Course]:
    """Every face of every shot, followed by its position.

    Args:
        samples: n embedded pictures of faces.
        shot: (n,) the shot of each, -1 for one not to use.
        scale_of: Gives the scale of a face.

    Returns:
        The courses, in order of shots; those that cannot be judged have a reason.
    """
    courses = []
    for index in np.unique(shot[shot >= 0]):
        joined = join_tracks(samples, np.flatnonzero(shot == index))
        courses += [judge_course(samples, rows, int(index), scale_of) for rows in joined]
    return courses


def join_tracks(samples: FaceSamples, rows: np.ndarray) -> list[np.ndarray]:
    """The pictures of one shot by face: tracks of which one begins where another ends are one face.

    Args:
        samples: The embedded pictures.
        rows: Those of one shot.

    Returns:
        The rows of each face, in order of time.
    """
    tracks = [rows[samples.track[rows] == track] for track in np.unique(samples.track[rows])]
    tracks = sorted((part[np.argsort(samples.time_s[part], kind="stable")] for part in tracks), key=lambda part: samples.time_s[part[0]])
    joined: list[np.ndarray] = []
    for part in tracks:
        for position, before in enumerate(joined):
            gap_s = samples.time_s[part[0]] - samples.time_s[before[-1]]
            if 0 < gap_s <= BROKEN_S and iou(samples.box[part[0]], samples.box[before[-1]]) >= SAME_POSITION_IOU:
                joined[position] = np.concatenate([before, part])
                break
        else:
            joined.append(part)
    return joined


def judge_course(samples: FaceSamples, rows: np.ndarray, shot: int, scale_of: ScaleOf) -> Course:
    """Compare the parts of one face in one shot.

    Args:
        samples: The embedded pictures.
        rows: Those of the face, in order of time.
        shot: The index of the shot.
        scale_of: Gives the scale of a face.

    Returns:
        The course, with a reason where it cannot be judged.
    """
    if len(rows) < LEAST_PICTURES:
        return Course(shot, reason="no face is seen clearly for one second")
    moving = drop_repeats(samples.embedding, rows)
    if len(moving) < LEAST_PICTURES or _stands_still(samples, moving, scale_of):
        return Course(shot, reason="the face does not move for one second: a still picture keeps its face by itself")
    turn = samples.yaw_deg[moving]
    kept = moving[np.abs(turn - np.median(turn)) <= MOST_TURN_DEG]
    if len(kept) < LEAST_PICTURES:
        return Course(shot, reason="the head turns too much for its pictures to be compared")
    parts = np.array_split(kept, max(2, len(kept) // 3))
    vectors = [weighted_mean(samples.embedding[part], samples.weight[part]) for part in parts]
    scale = scale_of(weighted_mean(np.stack(vectors), np.ones(len(vectors))))
    time_s = [float(samples.time_s[part].mean()) for part in parts]
    to_first = [scale.similarity(float(vectors[0] @ vector)) for vector in vectors]
    least = min(scale.similarity(float(first @ second)) for first, second in combinations(vectors, 2))
    changes_s = find_changes(samples.time_s[kept], samples.embedding[kept].astype(np.float64), samples.weight[kept], scale_of)
    return Course(shot, tuple(time_s), tuple(to_first), least, theil_sen(time_s, to_first), tuple(changes_s))


def _stands_still(samples: FaceSamples, rows: np.ndarray, scale_of: ScaleOf) -> bool:
    movement = samples.movement[rows]
    known = movement[~np.isnan(movement)]
    if not len(known) or scale_of(weighted_mean(samples.embedding[rows], samples.weight[rows])).source in (DRAWN, BOTH):
        return False
    return round(float(np.median(known)) - LEAST_MOVEMENT, 6) < 0


def drop_repeats(embedding: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The pictures that differ from the one kept before them.

    Args:
        embedding: (n, D) unit vectors of all pictures.
        rows: Pictures of one face, in order of time.

    Returns:
        Those of ``rows`` that are kept, the first among them.
    """
    kept = [int(rows[0])]
    for row in rows[1:].tolist():
        if round(float(embedding[row].astype(np.float64) @ embedding[kept[-1]].astype(np.float64)) - STILL_COSINE, 6) < 0:
            kept.append(row)
    return np.array(kept)


def find_changes(time_s: np.ndarray, embedding: np.ndarray, weight: np.ndarray, scale_of: ScaleOf) -> list[float]:
    """The moments at which one face becomes another.

    Before and after such a moment the pictures show one person each, and the two differ.

    Args:
        time_s: (n,) ascending times in seconds.
        embedding: (n, D) unit vectors.
        weight: (n,) their weights.
        scale_of: Gives the scale of a face.

    Returns:
        Times in seconds.
    """
    likeness = np.ones(len(time_s))
    for at in range(2, len(time_s) - 1):
        before, after = (slice(max(0, at - BESIDE_CHANGE), at), slice(at, at + BESIDE_CHANGE))
        vectors = [weighted_mean(embedding[side], weight[side]) for side in (before, after)]
        scale = scale_of(weighted_mean(np.stack(vectors), np.ones(2)))
        if all(scale.is_same(_mean_cosine(embedding[side])) for side in (before, after)):
            likeness[at] = scale.similarity(float(vectors[0] @ vectors[1]))
    changes = []
    while (at := int(np.argmin(likeness.round(6)))) and likeness[at] < SAME_PERSON:
        changes.append(float((time_s[at - 1] + time_s[at]) / 2))
        likeness[max(0, at - BESIDE_CHANGE + 1) : at + BESIDE_CHANGE] = 1.0
    return sorted(changes)


def _mean_cosine(embedding: np.ndarray) -> float:
    """Mean cosine of every two of (n, D) unit vectors, n from 2 on."""
    return float((embedding @ embedding.T)[np.triu_indices(len(embedding), 1)].mean())


def why_no_course(courses: Sequence[Course], *, any_face: bool, any_picture: bool) -> str:
    """Why no face of a clip can be judged within a shot.

    Args:
        courses: The courses.
        any_face: Whether a face is tracked at all.
        any_picture: Whether a picture of one was clear enough to be embedded.

    Returns:
        The reason of the longest shot's face, or of the clip.
    """
    if not any_face:
        return "no face is seen"
    if not any_picture:
        return "every face is too small, turned away, uncertain, blurred or noisy"
    return next((course.reason for course in courses if course.reason), "no face is seen clearly for one second")
