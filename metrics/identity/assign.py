"""Which face belongs to which character: a gallery of the cast, built from the clip itself, and the faces of each shot matched to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seedbench.metrics.identity.appearances import Appearance, unit
from seedbench.ties import first_greatest

CosineAt = Callable[[np.ndarray, float], float]
"""For a person's vector and a share: the cosine at that share of the way from impostors (0) to the same picture (1)."""

SAME_PERSON_SHARE = 0.6
"""Share of that way from which on two faces count as one person. With dlib on photographic faces that is cosine 0.944: of 36 pairs of one
person (in clips of different generators) none lies below, of 460 pairs of different people 2 % lie above (docs/metrics/identity.md). dlib's
published distance 0.6 is cosine 0.92 at the mean length 1.5 of its vectors."""
SAME_COSINE_DIGITS = 9
"""Cosines are compared to this many digits: for two characters with the same face their order in the cast decides, not rounding."""
ALIKE_SHARE = 0.3
"""Share from which on a face looks like a character of the cast if it is also this much nearer to that one than to any other."""


@dataclass(frozen=True)
class Role:
    """A scheduled person in a shot and the face that took the part.

    Attributes:
        subject: The scheduled person.
        shot: The index of the shot.
        face: The index of the face's appearance.
        anchor: Whether the person's gallery begins with this face.
        matched: Whether the face is close enough to that person; False for a stand-in, the unmatched face of a shot in which the person is
            expected but missing.
        looks_like: The character of the cast it really looks like (:func:`nearest_character`); None when it looks like none or when nothing
            of the cast is known from other shots.
        rivals: The number of other characters that it was compared with.
    """

    subject: str
    shot: int
    face: int
    anchor: bool
    matched: bool
    looks_like: str | None
    rivals: int = 0

    @property
    def swapped(self) -> bool:
        """Whether another character of the cast is in this person's place."""
        return self.looks_like is not None and self.looks_like != self.subject

    @property
    def present(self) -> bool:
        """Whether the scheduled person is recognised."""
        return self.matched and not self.swapped


@dataclass(frozen=True)
class Casting:
    """The parts of a clip and who took them.

    Attributes:
        roles: The roles that were filled, in order of shots.
        gallery: (D,) gallery vector of each person.
    """

    roles: tuple[Role, ...]
    gallery: dict[str, np.ndarray]

    def of(self, subject: str) -> list[Role]:
        """The roles of one person, in order of shots."""
        return [role for role in self.roles if role.subject == subject]


def match_faces(cosine: np.ndarray, least: np.ndarray) -> list[tuple[int, int]]:
    """Match faces to people, one to one, with the greatest summed cosine.

    Hungarian method on the cost 1 - cosine, padded with dummies of cost 1 - least.

    Args:
        cosine: Cosine of each face to each person (faces, people).
        least: Least cosine of a match with each person (people,).

    Returns:
        Pairs (face, person).

    >>> match_faces(np.array([[0.9, 0.8], [0.85, 0.1]]), np.array([0.5, 0.5]))
    [(0, 1), (1, 0)]
    >>> match_faces(np.array([[0.2, 0.1]]), np.array([0.5, 0.5]))
    []
    """
    from scipy.optimize import linear_sum_assignment

    faces, people = cosine.shape
    if not faces or not people:
        return []
    # one dummy face per person, at that person's own cost; faces left over stay unmatched at no cost
    cost = np.concatenate([1.0 - cosine, np.broadcast_to(1.0 - least, (people, people))], axis=0).round(SAME_COSINE_DIGITS)
    rows, columns = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if i < faces and cosine[i, j] >= least[j]]


def nearest_character(face: np.ndarray, gallery: Mapping[str, np.ndarray], cosine_at: CosineAt) -> str | None:
    """The character that a face shows: the nearest, if near enough or clearly nearer than all others.

    Args:
        face: (D,) unit vector of the face.
        gallery: (D,) unit vector of each character.
        cosine_at: The cosine at a share of a character's scale (:func:`seedbench.metrics.identity.calibrate.cosine_at`).

    Returns:
        The name; None for a face that shows none of them.
    """
    if not gallery:
        return None
    near = {name: float(face @ vector) for name, vector in gallery.items()}
    best = list(near)[first_greatest(list(near.values()), tolerance=10.0**-SAME_COSINE_DIGITS)]
    others = [value for name, value in near.items() if name != best]
    vector = gallery[best]
    alike = cosine_at(vector, ALIKE_SHARE)
    clear = bool(others) and near[best] >= alike and near[best] - max(others) >= alike - cosine_at(vector, 0.0)
    return best if clear or near[best] >= cosine_at(vector, SAME_PERSON_SHARE) else None


def anchor_faces(faces: Sequence[Appearance], expected: Sequence[tuple[str, ...]], cosine_at: CosineAt) -> dict[str, int]:
    """Where each person is first seen clearly: person to index into ``faces``.

    Shots with the fewest people come first, then those that show as many faces as expected, then the earlier ones. Faces of people not yet
    known are named from left to right, in the order of the shot's cast; a shot that shows too few of them names nobody. A face that looks
    like a person who is already known cannot be the anchor of another.

    Args:
        faces: All faces.
        expected: The cast of each shot, left to right.
        cosine_at: The cosine at a share of a person's scale.

    Returns:
        For each person who is seen clearly the index of the face.
    """
    known: dict[str, int] = {}
    by_shot = {shot: [i for i, face in enumerate(faces) if face.shot == shot] for shot in range(len(expected))}
    order = sorted(range(len(expected)), key=lambda shot: (len(expected[shot]), len(by_shot[shot]) != len(expected[shot]), shot))
    for shot in order:
        cast, here = expected[shot], by_shot[shot]
        missing = [name for name in cast if name not in known]
        if not missing:
            continue
        new = [
            i
            for i in here
            if not any(faces[i].vector @ faces[k].vector >= cosine_at(faces[k].vector, SAME_PERSON_SHARE) for k in known.values())
        ]
        free = new[: len(missing)]
        if len(free) == len(missing):
            known.update(zip(missing, sorted(free, key=lambda i: faces[i].x), strict=True))
    return known


def cast_faces(faces: Sequence[Appearance], expected: Sequence[tuple[str, ...]], cosine_at: CosineAt) -> Casting:
    """Assign a face to every scheduled person of every shot.

    Two rounds: the first compares with the anchors alone; the faces it recognises enlarge the galleries of the second. A face is
    never compared with a gallery it is part of.

    Args:
        faces: The faces of the clip, most prominent first within a shot.
        expected: The cast of each shot, left to right.
        cosine_at: The scale of the backend's cosines.
    """
    start = anchor_faces(faces, expected, cosine_at)
    members: dict[str, list[int]] = {name: [index] for name, index in start.items()}
    roles: list[Role] = []
    for _ in range(2):
        roles = [role for shot, cast in enumerate(expected) for role in _cast_shot(shot, cast, faces, members, start, cosine_at)]
        members = {
            name: [role.face for role in roles if role.subject == name and role.present and (role.anchor or role.looks_like == name)]
            for name in start
        }
    gallery = {name: unit(np.sum([faces[i].vector for i in indices], axis=0)) for name, indices in members.items() if indices}
    return Casting(tuple(roles), gallery)


def _cast_shot(
    shot: int,
    cast: tuple[str, ...],
    faces: Sequence[Appearance],
    members: dict[str, list[int]],
    start: dict[str, int],
    cosine_at: CosineAt,
) -> list[Role]:
    here = [i for i, face in enumerate(faces) if face.shot == shot]
    elsewhere = {name: [i for i in indices if faces[i].shot != shot] for name, indices in members.items()}
    vectors = {name: unit(np.sum([faces[i].vector for i in indices], axis=0)) for name, indices in elsewhere.items() if indices}
    least = {name: cosine_at(vector, SAME_PERSON_SHARE) for name, vector in vectors.items()}
    alone = [name for name in cast if name not in vectors and name in start and faces[start[name]].shot == shot]
    roles = [Role(name, shot, start[name], anchor=True, matched=True, looks_like=None, rivals=len(vectors)) for name in alone]
    taken = {role.face for role in roles}

    free = [i for i in here if i not in taken]
    people = [name for name in cast if name in vectors]
    cosine = np.array([[float(faces[i].vector @ vectors[name]) for name in people] for i in free]).reshape(len(free), len(people))
    pairs = match_faces(cosine, np.array([least[name] for name in people]))
    filled = {people[j]: free[i] for i, j in pairs}
    left = [i for i in free if i not in filled.values()]
    absent = [name for name in people if name not in filled]
    stand_ins = dict(_nearest_pairs(left[: len(absent)], absent, faces, vectors))
    left = [i for i in left if i not in stand_ins.values()]
    stand_ins.update(zip([name for name in cast if name not in start], left, strict=False))

    for name, face in [*filled.items(), *stand_ins.items()]:
        looks_like = nearest_character(faces[face].vector, vectors, cosine_at)
        rivals = len(vectors.keys() - {name})
        roles.append(Role(name, shot, face, start.get(name) == face, name in filled, looks_like, rivals))
    return roles


def _nearest_pairs(
    left: list[int], absent: list[str], faces: Sequence[Appearance], vectors: dict[str, np.ndarray]
) -> list[tuple[str, int]]:
    cosine = np.array([[float(faces[i].vector @ vectors[name]) for name in absent] for i in left]).reshape(len(left), len(absent))
    return [(absent[j], left[i]) for i, j in match_faces(cosine, np.full(len(absent), -2.0))]
