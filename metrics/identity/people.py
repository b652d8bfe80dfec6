"""The people of a clip without a declared cast: its faces, grouped by likeness.

Whoever comes back in another shot is one person. In a shot in which nobody comes back, a face that resembles one of another shot more than
different people do stands for that person, so that a face that changed from shot to shot is not taken for somebody else's. A face that
resembles nobody is another person: without a cast nobody knows whether it should come back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seedbench.metrics.identity.appearances import Appearance, unit
from seedbench.metrics.identity.assign import ALIKE, Casting, Role, ScaleOf
from seedbench.metrics.identity.calibrate import COSINE_DIGITS, SAME_PERSON
from seedbench.ties import first_greatest

NEVER = 1e6
"""Distance of two faces of one shot, which are two people."""


def similarities(faces: Sequence[Appearance], scale_of: ScaleOf) -> np.ndarray:
    """Similarity of every two faces, on the mean of their scales.

    Args:
        faces: n faces.
        scale_of: Gives the scale of a face.

    Returns:
        (n, n), 0..1, symmetric.
    """
    cosine = np.array([face.vector for face in faces]) @ np.array([face.vector for face in faces]).T
    on_own = np.array([[scale_of(face.vector).similarity(float(value)) for value in row] for face, row in zip(faces, cosine, strict=True)])
    return (on_own + on_own.T) / 2


def group_faces(faces: Sequence[Appearance], likeness: np.ndarray) -> np.ndarray:
    """The person of each face: average linkage of the similarities, cut at one half. Two faces of a shot are never one person.

    Args:
        faces: n faces.
        likeness: (n, n) their similarities.

    Returns:
        (n,) numbers of people, from 0 in order of their first faces.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(faces) < 2:
        return np.zeros(len(faces), int)
    shot = np.array([face.shot for face in faces])
    distance = np.where(shot[:, None] == shot[None], NEVER, 1.0 - likeness).round(COSINE_DIGITS)
    np.fill_diagonal(distance, 0.0)
    labels = fcluster(linkage(squareform(distance), "average"), SAME_PERSON, "distance")
    order = list(dict.fromkeys(labels.tolist()))
    return np.array([order.index(label) for label in labels])


def cast_of_faces(faces: Sequence[Appearance], scale_of: ScaleOf) -> Casting:
    """The people who are seen in more than one shot, and their faces.

    Args:
        faces: The faces of the clip, most prominent first within a shot.
        scale_of: Gives the scale of a face.

    Returns:
        Their roles. A face that stands for the person it resembles is not ``matched``.
    """
    if not faces:
        return Casting((), {})
    likeness = similarities(faces, scale_of)
    person = group_faces(faces, likeness)
    shot = np.array([face.shot for face in faces])
    matched = np.ones(len(faces), bool)
    for index in np.unique(shot):
        here, elsewhere = np.flatnonzero(shot == index), np.flatnonzero(shot != index)
        if not len(elsewhere) or np.isin(person[here], person[elsewhere]).any():
            continue
        near = likeness[np.ix_(here, elsewhere)]
        if near.max() < ALIKE:
            continue
        row, column = divmod(first_greatest(near.ravel().tolist(), tolerance=10.0**-COSINE_DIGITS), len(elsewhere))
        person[here[row]] = person[elsewhere[column]]
        matched[here[row]] = False
    returning = [number for number in dict.fromkeys(person.tolist()) if len(np.unique(shot[person == number])) > 1]
    names = {number: f"person {position}" for position, number in enumerate(returning, start=1)}
    roles = [
        Role(names[number], int(shot[face]), face, anchor=False, matched=bool(matched[face]), looks_like=None)
        for face in np.argsort(shot, kind="stable").tolist()
        if (number := int(person[face])) in names
    ]
    gallery = {
        name: unit(np.sum([faces[face].vector for face in np.flatnonzero((person == number) & matched).tolist()], axis=0))
        for number, name in names.items()
    }
    return Casting(tuple(roles), gallery)
