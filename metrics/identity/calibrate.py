"""The scale of a cosine: what the same person scores at best here, and what strangers score.

A backbone's cosine means nothing by itself (dlib's vectors share a large common part: strangers score about 0.86). So each subject's
cosines are read between g, the split-half cosine inside its own tracks, and m, the mean cosine to other people:
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

STRANGERS = {"dlib-resnet128": 0.86, "arcface": 0.0}
"""Mean cosine of two different people in photographic pictures, by backbone. dlib: 0.859 over 460 pairs of tracks of 14 people in 30
MoChaBench clips (docs/metrics/identity.md); ArcFace trains strangers towards a right angle."""

LEAST_GAP = {"dlib-resnet128": 0.02, "arcface": 0.05}
"""Least g - m at which the backbone is held to tell people apart."""


@dataclass(frozen=True)
class Scale:
    """The two ends of one subject's scale, and where the lower one comes from: the ``cast``, ``photographs`` or ``drawn faces``."""

    own: float
    strangers: float
    source: str

    @property
    def gap(self) -> float:
        """g - m."""
        return self.own - self.strangers

    def identity(self, cosine: float) -> float:
        """The calibrated similarity, 0..1."""
        return calibrated(cosine, own=self.own, strangers=self.strangers)


def calibrated(cosine: float, *, own: float, strangers: float) -> float:
    """clip((cos - m) / (g - m), 0, 1). ``own`` must exceed ``strangers``.

    >>> round(calibrated(0.93, own=1.0, strangers=0.86), 3)
    0.5
    """
    return float(np.clip((cosine - strangers) / (own - strangers), 0.0, 1.0))


@functools.cache
def bank(backend: str) -> np.ndarray:
    """Embeddings (n, D) of drawn faces of the simulator, for backbones that have such a bank; else (0, 0).

    Raises UndecodableError where the file is damaged or missing: without it, faces of a simulator would get other numbers.
    """
    with open_npz(Path(str(resources.files("seedbench.metrics.identity") / "bank.npz"))) as archive:
        if str(archive["backend"]) != backend:
            return np.zeros((0, 0))
        return archive["embedding"].astype(np.float64)


def strangers_level(vector: np.ndarray, backend: str, drawn: np.ndarray) -> tuple[float, str]:
    """Mean cosine of a face (D,) to strangers, without any stranger in the clip, and what kind of strangers they are.

    The greater of the photographic level and the mean cosine to the bank ``drawn`` (n, D). Drawn faces resemble each other more (0.92)
    than photographed ones do (0.86), and a photographed face resembles drawn ones (0.87) about as much as photographed ones, so
    the greater of the two fits a face of either kind.

    >>> strangers_level(np.array([1.0, 0.0]), "dlib-resnet128", np.array([[0.96, 0.28], [0.94, 0.34]]))
    (0.95, 'drawn faces')
    """
    photographed = STRANGERS[backend]
    among_drawn = float((drawn @ vector).mean()) if len(drawn) else -1.0
    return (among_drawn, "drawn faces") if among_drawn > photographed else (photographed, "photographs")


def cosine_at(vector: np.ndarray, share: float, *, backend: str, drawn: np.ndarray) -> float:
    """The cosine at a share of the way from this face's (D,) strangers to the very same picture.

    >>> round(cosine_at(np.array([1.0, 0.0]), 0.5, backend="dlib-resnet128", drawn=np.zeros((0, 2))), 3)
    0.93
    """
    level, _ = strangers_level(vector, backend, drawn)
    return level + share * (1.0 - level)


def scale_of(
    own: Sequence[np.ndarray],
    steadiness: Sequence[float],
    others: Sequence[np.ndarray],
    *,
    backend: str,
    drawn: np.ndarray,
) -> Scale | str:
    """The scale of one subject, or why there is none.

    ``own`` its vectors, ``steadiness`` the split-half cosines of those tracks that have one, ``others`` the vectors of other people of the
    cast. When the others look just like the subject (a cloned cast), the bank says whether faces of this kind can be told apart at all.
    """
    if not steadiness:
        return "no face seen long enough for a split-half check"
    g = float(np.mean(steadiness))
    choices = [strangers_level(weighted_mean(np.stack(own), np.ones(len(own))), backend, drawn)]
    if len(others):
        choices.insert(0, (float(np.mean(np.stack(own) @ np.stack(others).T)), "cast"))
    for m, source in choices:
        if g - m >= LEAST_GAP[backend]:
            return Scale(g, m, source)
    return f"the embedding cannot tell these faces apart (same {g:.3f}, others {choices[0][0]:.3f})"
