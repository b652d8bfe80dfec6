"""The scale of a cosine: the cosine of a person with itself, and the mean cosine of different people (the impostor cohort).

A backbone's cosine means nothing by itself (dlib's vectors share a large common part: different people have a cosine of about 0.86). So
each subject's cosines are placed between g, the split-half cosine inside its own tracks, and m, the mean cosine to other people:
id = clip((cos - m) / (g - m), 0, 1).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from seedbench.metrics.identity.appearances import weighted_mean
from seedbench.store.codec import open_npz

IMPOSTOR_COSINE = {"dlib-resnet128": 0.86, "arcface": 0.0}
"""Mean cosine of two different people in photographic pictures, by backbone. dlib: 0.859 over 460 pairs of tracks of 14 people in 30
MoChaBench clips (docs/metrics/identity.md); ArcFace is trained to put different people at a right angle."""

LEAST_SCALE_GAP = {"dlib-resnet128": 0.02, "arcface": 0.05}
"""Least g - m at which the backbone is assumed to distinguish people."""


@dataclass(frozen=True)
class IdentityScale:
    """The two ends of one subject's scale.

    Attributes:
        own: The cosine g of the same person.
        impostors: The cosine m of the impostor cohort.
        source: The origin of the lower end: ``cast``, ``photographs`` or ``drawn faces``.
    """

    own: float
    impostors: float
    source: str

    @property
    def gap(self) -> float:
        """g - m."""
        return self.own - self.impostors

    def identity(self, cosine: float) -> float:
        """The calibrated similarity, 0..1."""
        return calibrated(cosine, own=self.own, impostors=self.impostors)


def calibrated(cosine: float, *, own: float, impostors: float) -> float:
    """A cosine on a subject's own scale: clip((cos - m) / (g - m), 0, 1).

    Args:
        cosine: The cosine of two vectors.
        own: The cosine g of the same person, greater than m.
        impostors: The cosine m of other people.

    Returns:
        0..1.

    >>> round(calibrated(0.93, own=1.0, impostors=0.86), 3)
    0.5
    """
    return float(np.clip((cosine - impostors) / (own - impostors), 0.0, 1.0))


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


def impostor_level(vector: np.ndarray, backend: str, drawn: np.ndarray) -> tuple[float, str]:
    """Mean cosine of a face to the impostor cohort, and the kind of that cohort.

    The greater of the level of photographs and the mean cosine to the bank. Drawn faces resemble each other more (0.92)
    than photographed ones do (0.86), and a photographed face resembles drawn ones (0.87) about as much as photographed ones, so
    the greater of the two fits a face of either kind.

    Args:
        vector: The face (D,), a unit vector.
        backend: Name of the backbone.
        drawn: Bank of drawn faces (n, D); may be empty.

    >>> impostor_level(np.array([1.0, 0.0]), "dlib-resnet128", np.array([[0.96, 0.28], [0.94, 0.34]]))
    (0.95, 'drawn faces')
    """
    photographed = IMPOSTOR_COSINE[backend]
    among_drawn = float((drawn @ vector).mean()) if len(drawn) else -1.0
    return (among_drawn, "drawn faces") if among_drawn > photographed else (photographed, "photographs")


def cosine_at(vector: np.ndarray, share: float, *, backend: str, drawn: np.ndarray) -> float:
    """The cosine at a share of the way from a face's impostor cohort to the same picture.

    Args:
        vector: (D,) unit vector of the face.
        share: 0 for the cohort, 1 for the same picture.
        backend: The name of the network.
        drawn: (n, D) bank of drawn faces (:func:`drawn_face_bank`).

    Returns:
        The cosine.

    >>> round(cosine_at(np.array([1.0, 0.0]), 0.5, backend="dlib-resnet128", drawn=np.zeros((0, 2))), 3)
    0.93
    """
    level, _ = impostor_level(vector, backend, drawn)
    return level + share * (1.0 - level)


def scale_of(
    own: Sequence[np.ndarray],
    steadiness: Sequence[float],
    others: Sequence[np.ndarray],
    *,
    backend: str,
    drawn: np.ndarray,
) -> IdentityScale | str:
    """The scale of one subject.

    When the others look just like the subject (a cloned cast), the bank decides whether faces of this kind can be distinguished at all.

    Args:
        own: Vectors (D,) of the subject.
        steadiness: Split-half cosines of those of its tracks that have one.
        others: Vectors of other people of the cast.
        backend: Name of the backbone.
        drawn: Bank of drawn faces (n, D); may be empty.

    Returns:
        The scale, or the reason why there is none.
    """
    if not steadiness:
        return "no face is seen long enough for a split-half check"
    g = float(np.mean(steadiness))
    choices = [impostor_level(weighted_mean(np.stack(own), np.ones(len(own))), backend, drawn)]
    if len(others):
        choices.insert(0, (float(np.mean(np.stack(own) @ np.stack(others).T)), "cast"))
    for m, source in choices:
        if g - m >= LEAST_SCALE_GAP[backend]:
            return IdentityScale(g, m, source)
    return f"the embedding cannot tell these faces apart (same {g:.3f}, others {choices[0][0]:.3f})"
