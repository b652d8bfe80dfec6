"""The scale of a cosine: what different people have, what one person has, and where both errors are least.

A backbone's cosine means nothing by itself (dlib's vectors share a large common part: different people have a cosine of about 0.83). So
a cosine is placed between three others: of different people (similarity 0), of the decision (0.5) and of one person in another recording
(1), linear in between.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from seedbench.store.codec import open_npz

SAME_PERSON = 0.5
"""Similarity from which on two faces count as one person: the middle of every scale."""

DRAWN, BOTH = "drawn faces", "both"
"""The sources of the scale of a face that is surely drawn, and of one between photographs and drawings."""

COSINE_DIGITS = 9
"""Cosines are compared to this many digits, so that no decision depends on rounding."""


@dataclass(frozen=True)
class FaceScale:
    """Three cosines that give a cosine its meaning.

    Attributes:
        strangers: Mean cosine of different people: similarity 0.
        threshold: Cosine from which on two faces count as one person: similarity 0.5.
        same: Usual cosine of one person in another recording: similarity 1.
        source: The faces that it was set on: ``photographs``, ``drawn faces``, ``both`` for a face between the two, or ``literature``.
    """

    strangers: float
    threshold: float
    same: float
    source: str

    def similarity(self, cosine: float) -> float:
        """The similarity of two faces.

        Args:
            cosine: The cosine of their vectors.

        Returns:
            0..1.

        >>> scale = FaceScale(0.8, 0.9, 0.95, "photographs")
        >>> [round(scale.similarity(cosine), 2) for cosine in (0.7, 0.85, 0.9, 0.95, 1.0)]
        [0.0, 0.25, 0.5, 1.0, 1.0]
        """
        ends = (self.strangers, self.threshold, self.same)
        return float(np.interp(round(cosine, COSINE_DIGITS), ends, (0.0, SAME_PERSON, 1.0)))

    def is_same(self, cosine: float) -> bool:
        """Whether two faces of this cosine count as one person."""
        return round(cosine - self.threshold, COSINE_DIGITS) >= 0.0


FACE_SCALES = {
    "dlib-resnet128": FaceScale(0.834, 0.921, 0.97, "photographs"),
    "arcface": FaceScale(0.0, 0.35, 0.7, "literature"),
}
"""The scale of photographed faces, by backbone.

dlib, set on 185 photographs of 50 people that lie years apart (267 pairs of one person, 16 752 of two; docs/metrics/identity.md): different
people have a mean of 0.834; at 0.921 2.2 % of the pairs of one person are missed and 0.37 % of the others accepted (from 0.915 to 0.923
neither error is above 3.4 %; both are equal, 0.5 %, at 0.9186). dlib's published distance of 0.6 is 0.92 at the mean length 1.5 of its
vectors. One person in another recording has 0.97 (13 pairs of filmed people 0.972, 36 of generated clips 0.981); in photographs years apart
0.953, which is similarity 0.83. On drawn faces this scale would be wrong: see :data:`DRAWN_FROM`. ArcFace: thresholds of 0.3 to 0.4 are
usual in the literature (VBench-2.0 0.4, AVGen-Bench 0.35); measured on no material here."""

NEAREST_DRAWN = 3
"""The level of a face among drawn faces is its mean cosine to this many nearest ones of the bank."""
DRAWN_FROM, DRAWN_SURELY = 0.925, 0.94
"""A face whose nearest drawn face has a smaller cosine than the first is a photograph, a greater one than the second drawn, in between
partly both. Of 185 photographs 97 % lie below the first (greatest 0.930); of the 32 drawn people of the bank, each against the others, all
above it, and none of the 496 pairs of them counts as one person. From 0.915 and 0.935 to 0.928 and 0.94 at most 2 do."""
DRAWN_THRESHOLD, DRAWN_SAME = 0.6, 0.8
"""Where the threshold and the upper end of a drawn face's scale lie between its level and 1: people of the simulator resemble each other
more (different ones up to 0.976) and vary less from shot to shot (0.99 and more) than photographed ones."""


@functools.cache
def drawn_face_bank(backend: str) -> np.ndarray:
    """Embeddings of drawn faces of the simulator.

    Args:
        backend: The name of the network.

    Returns:
        (n, D); (0, 0) for a network without such a bank.

    Raises:
        UndecodableError: If the file is damaged or missing; without it, faces of a simulator would get other numbers.
    """
    with open_npz(Path(str(resources.files("seedbench.metrics.identity") / "bank.npz"))) as archive:
        if str(archive["backend"]) != backend:
            return np.zeros((0, 0))
        return archive["embedding"].astype(np.float64)


def face_scale(vector: np.ndarray, backend: str, drawn: np.ndarray) -> FaceScale:
    """The scale of a face's cosines.

    Args:
        vector: The face (D,), a unit vector.
        backend: The name of the network.
        drawn: Bank of drawn faces (n, D) (:func:`drawn_face_bank`); may be empty.

    Returns:
        The scale: of photographs, or for a face that lies among the drawn ones, from its nearest of these.

    >>> face_scale(np.array([1.0, 0.0]), "dlib-resnet128", np.array([[0.95, 0.3122]])).source
    'drawn faces'
    """
    photographs = FACE_SCALES[backend]
    if not len(drawn):
        return photographs
    nearest = np.sort(drawn @ vector)[-NEAREST_DRAWN:]
    level = float(nearest.mean())
    share = float(np.clip((float(nearest[-1]) - DRAWN_FROM) / (DRAWN_SURELY - DRAWN_FROM), 0.0, 1.0))
    if share == 0.0:
        return photographs

    def blend(photographed: float, position: float) -> float:
        return (1.0 - share) * photographed + share * (level + position * (1.0 - level))

    return FaceScale(
        blend(photographs.strangers, 0.0),
        blend(photographs.threshold, DRAWN_THRESHOLD),
        blend(photographs.same, DRAWN_SAME),
        DRAWN if share == 1.0 else BOTH,
    )
