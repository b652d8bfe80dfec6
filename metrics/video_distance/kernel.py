"""The kernel distance (KD, KVD, KID): unbiased squared MMD with a polynomial kernel.

Kernel (x.y / D + coef)^degree, cubic with coef 1 by default (Bińkowski et al. 2018, arXiv 1801.01401). The U-statistic has
expectation 0 for equal distributions at any number of samples, so it may be negative; it is not clipped. Where both sets have the same
number of clips the cross term leaves out the pairs of equal number too (Gretton et al. 2012, lemma 6): for independent sets that changes
nothing in expectation, and sets made from the same prompts do not get a lower distance because clip i resembles clip i.
Pure numpy, float64.
"""

from __future__ import annotations

import numpy as np


def polynomial_kernel(x: np.ndarray, y: np.ndarray, *, degree: int = 3, coef: float = 1.0) -> np.ndarray:
    """Gram matrix (N, M) of (x.y / D + coef)^degree for features ``x`` (N, D) and ``y`` (M, D).

    >>> polynomial_kernel(np.array([[1.0, 1.0]]), np.array([[2.0, 0.0]])).tolist()
    [[8.0]]
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return (x @ y.T / x.shape[1] + coef) ** degree


def from_different_clips(clips_x: np.ndarray, clips_y: np.ndarray) -> np.ndarray:
    """Boolean (N, M): True where two rows come from clips of different numbers.

    >>> from_different_clips(np.array([0, 0, 1]), np.array([0, 1])).astype(int).tolist()
    [[0, 1], [0, 1], [1, 0]]
    """
    return clips_x[:, None] != clips_y[None, :]


def squared_mmd(k_xx: np.ndarray, k_yy: np.ndarray, k_xy: np.ndarray, use_xx: np.ndarray, use_yy: np.ndarray, use_xy: np.ndarray) -> float:
    """Squared MMD from Gram matrices, each averaged over the pairs marked True in the matrix ``use`` of its shape.

    Unbiased when no used pair within a set comes from one clip.

    Raises:
        ValueError: If there is no pair to average.

    >>> off = ~np.eye(2, dtype=bool)
    >>> squared_mmd(np.array([[9.0, 2.0], [2.0, 9.0]]), np.array([[9.0, 4.0], [4.0, 9.0]]), np.full((2, 2), 1.0), off, off, off)
    4.0
    """
    if not (use_xx.any() and use_yy.any() and use_xy.any()):
        raise ValueError("each set needs a pair of different clips")
    return float(k_xx[use_xx].mean() + k_yy[use_yy].mean() - 2.0 * k_xy[use_xy].mean())
