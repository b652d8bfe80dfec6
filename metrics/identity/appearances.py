"""A face in one shot, as one unit vector with a check of how steady that vector is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seedbench.metrics.analyses.face_embeddings import FaceSamples

LEAST_FOR_HALVES = 4
"""Pictures needed for a split-half check: two in each half."""


@dataclass(frozen=True)
class Appearance:
    """A face in a shot.

    Attributes:
        shot: The index of the shot.
        rows: The samples it was made of, in order of time.
        best: The row of greatest weight.
        vector: (D,) unit mean of the embeddings, weighted.
        steadiness: Split-half cosine; None with too few pictures.
        x: Mean middle of the face across the picture, pixels.
        start_s: The time of the first sample in seconds.
        end_s: The time of the last sample in seconds.
        prominence: The summed weights.
    """

    shot: int
    rows: np.ndarray
    best: int
    vector: np.ndarray
    steadiness: float | None
    x: float
    start_s: float
    end_s: float
    prominence: float


def unit(vector: np.ndarray) -> np.ndarray:
    """The vector (D,) scaled to length 1; zero stays zero.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def weighted_mean(embedding: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted mean of embeddings (n, D) with weights (n,), scaled to length 1.

    Args:
        embedding: (n, D).
        weight: (n,).

    Returns:
        (D,).
    """
    return unit((embedding.astype(np.float64) * weight[:, None]).sum(axis=0))


def split_half(embedding: np.ndarray, weight: np.ndarray) -> float | None:
    """Cosine of the weighted means of the odd and the even pictures of one face; None with fewer than four.

    >>> split_half(np.eye(4), np.ones(4))
    0.0
    """
    if len(embedding) < LEAST_FOR_HALVES:
        return None
    return float(weighted_mean(embedding[::2], weight[::2]) @ weighted_mean(embedding[1::2], weight[1::2]))


def appearance(samples: FaceSamples, rows: np.ndarray, shot: int) -> Appearance:
    """The appearance made of some rows of the samples.

    Args:
        samples: The embedded pictures.
        rows: The indices of the rows to use, at least one.
        shot: The index of the shot.

    Returns:
        The appearance, its rows in order of time.
    """
    rows = rows[np.argsort(samples.time_s[rows], kind="stable")]
    weight = samples.weight[rows].astype(np.float64)
    return Appearance(
        shot=shot,
        rows=rows,
        best=int(rows[np.argmax(weight)]),
        vector=weighted_mean(samples.embedding[rows], weight),
        steadiness=split_half(samples.embedding[rows].astype(np.float64), weight),
        x=float(samples.box[rows][:, [0, 2]].mean()),
        start_s=float(samples.time_s[rows[0]]),
        end_s=float(samples.time_s[rows[-1]]),
        prominence=float(weight.sum()),
    )


def appearances_by_shot(samples: FaceSamples, shot: np.ndarray, same: Callable[[np.ndarray, np.ndarray], bool]) -> list[Appearance]:
    """The faces of each shot.

    A face that is lost and detected again has two tracks: tracks of one shot that are never on screen together are joined when their
    vectors show one person.

    Args:
        samples: n embedded pictures of faces.
        shot: (n,) the shot of each, -1 for one not to use.
        same: Whether two unit vectors (D,) show one person.

    Returns:
        The faces, most prominent first within a shot.
    """
    faces: list[Appearance] = []
    for index in np.unique(shot[shot >= 0]):
        here = np.flatnonzero(shot == index)
        parts = [appearance(samples, here[samples.track[here] == track], int(index)) for track in np.unique(samples.track[here])]
        joined: list[Appearance] = []
        for part in sorted(parts, key=lambda part: -part.prominence):
            for position, other in enumerate(joined):
                apart = not np.intersect1d(samples.frame[part.rows], samples.frame[other.rows]).size and not _together(part, other)
                if apart and same(part.vector, other.vector):
                    joined[position] = appearance(samples, np.concatenate([other.rows, part.rows]), int(index))
                    break
            else:
                joined.append(part)
        faces += sorted(joined, key=lambda part: -part.prominence)
    return faces


def _together(part: Appearance, other: Appearance) -> bool:
    return part.start_s <= other.end_s and other.start_s <= part.end_s
