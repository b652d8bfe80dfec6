"""Which face belongs to which character: a gallery of the cast, built from the clip itself, and the faces of each shot matched to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seedbench.metrics.identity.appearances import Appearance, unit
from seedbench.metrics.identity.calibrate import COSINE_DIGITS, FaceScale
from seedbench.ties import first_greatest

ScaleOf = Callable[[np.ndarray], FaceScale]
"""Gives the scale of the cosines of a face (D,), a unit vector (:func:`seedbench.metrics.identity.calibrate.face_scale`)."""

ALIKE, CLEARLY_NEARER = 0.4, 0.25
"""A face looks like a character of the cast from the first similarity on if it is also nearer to that one than to any other by the second.
With dlib on photographs these are cosine 0.904 and 0.043: 97 % of the pairs of different people lie below. Tried on 150 dialogues of four
shots, put together from the faces of 35 real and generated clips (docs/metrics/identity.md)."""


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
    cost = np.concatenate([1.0 - cosine, np.broadcast_to(1.0 - least, (people, people))], axis=0).round(COSINE_DIGITS)
    rows, columns = linear_sum_assignment(cost)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if i < faces and cosine[i, j] >= least[j]]


def nearest_character(face: np.ndarray, gallery: Mapping[str, np.ndarray], scale_of: ScaleOf) -> str | None:
    """The character that a face shows: the nearest, if near enough or clearly nearer than all others.

    Args:
        face: (D,) unit vector of the face.
        gallery: (D,) unit vector of each character.
        scale_of: Gives the scale of a character.

    Returns:
        The name; None for a face that shows none of them.
    """
    if not gallery:
        return None
    near = {name: float(face @ vector) for name, vector in gallery.items()}
    best = list(near)[first_greatest(list(near.values()), tolerance=10.0**-COSINE_DIGITS)]
    others = [value for name, value in near.items() if name != best]
    scale = scale_of(gallery[best])
    likeness = scale.similarity(near[best])
    clear = bool(others) and likeness >= ALIKE and likeness - scale.similarity(max(others)) >= CLEARLY_NEARER
    return best if clear or scale.is_same(near[best]) else None


def anchor_faces(faces: Sequence[Appearance], expected: Sequence[tuple[str, ...]], scale_of: ScaleOf) -> dict[str, int]:
    """Where each person is first seen clearly: person to index into ``faces``.

    Shots with the fewest people come first, then those that show as many faces as expected, then the earlier ones. Faces of people not yet
    known are named from left to right, in the order of the shot's cast; where fewer are seen than expected, the names are the first of the
    cast. A face that looks like a person who is already known cannot be the anchor of another, unless it comes back where that other is
    expected (:func:`comes_back`).

    Args:
        faces: All faces.
        expected: The cast of each shot, left to right.
        scale_of: Gives the scale of a person.

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
        taken = [faces[index] for index in known.values()]
        later = [face for face in faces if face.shot != shot and set(missing) & set(expected[face.shot])]
        new = [i for i in here if all(_is_other(faces[i], face, scale_of) or comes_back(faces[i], face, later, scale_of) for face in taken)]
        free = sorted(new[: len(missing)], key=lambda i: faces[i].x)
        known.update(zip(missing, free, strict=False))
    return known


def _is_other(face: Appearance, known: Appearance, scale_of: ScaleOf) -> bool:
    return not scale_of(known.vector).is_same(float(face.vector @ known.vector))


def comes_back(face: Appearance, known: Appearance, later: Sequence[Appearance], scale_of: ScaleOf) -> bool:
    """Whether a face that looks like a known person is somebody else who comes back: it looks clearly more like a face of another shot.

    Two people who look alike are told apart by this. A known person in another's place is as near to the known person as to anybody.

    Args:
        face: The face.
        known: The face of the known person.
        later: Faces of the other shots in which the other is expected.
        scale_of: Gives the scale of a face.
    """
    scale = scale_of(known.vector)
    nearest = max((float(face.vector @ other.vector) for other in later if other is not known), default=-1.0)
    gap = scale.similarity(nearest) - scale.similarity(float(face.vector @ known.vector))
    return round(gap - CLEARLY_NEARER, COSINE_DIGITS) >= 0


def cast_faces(faces: Sequence[Appearance], expected: Sequence[tuple[str, ...]], scale_of: ScaleOf) -> Casting:
    """Assign a face to every scheduled person of every shot.

    Two rounds: the first compares with the anchors alone; the faces it recognises enlarge the galleries of the second. A face is
    never compared with a gallery it is part of.

    Args:
        faces: The faces of the clip, most prominent first within a shot.
        expected: The cast of each shot, left to right.
        scale_of: Gives the scale of a person.
    """
    start = anchor_faces(faces, expected, scale_of)
    members: dict[str, list[int]] = {name: [index] for name, index in start.items()}
    roles: list[Role] = []
    for _ in range(2):
        roles = [role for shot, cast in enumerate(expected) for role in _cast_shot(shot, cast, faces, members, start, scale_of)]
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
    scale_of: ScaleOf,
) -> list[Role]:
    here = [i for i, face in enumerate(faces) if face.shot == shot]
    elsewhere = {name: [i for i in indices if faces[i].shot != shot] for name, indices in members.items()}
    vectors = {name: unit(np.sum([faces[i].vector for i in indices], axis=0)) for name, indices in elsewhere.items() if indices}
    least = {name: scale_of(vector).threshold for name, vector in vectors.items()}
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
        looks_like = nearest_character(faces[face].vector, vectors, scale_of)
        rivals = len(vectors.keys() - {name})
        roles.append(Role(name, shot, face, start.get(name) == face, name in filled, looks_like, rivals))
    return roles


def _nearest_pairs(
    left: list[int], absent: list[str], faces: Sequence[Appearance], vectors: dict[str, np.ndarray]
) -> list[tuple[str, int]]:
    cosine = np.array([[float(faces[i].vector @ vectors[name]) for name in absent] for i in left]).reshape(len(left), len(absent))
    return [(absent[j], left[i]) for i, j in match_faces(cosine, np.full(len(absent), -2.0))]
