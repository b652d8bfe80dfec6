"""The kernel distance (KD, KVD, KID): unbiased squared MMD with a polynomial kernel.

Kernel (x.y / D + coef)^degree, cubic with coef 1 by default (Bińkowski et al. 2018, arXiv 1801.01401). The U-statistic has
expectation 0 for equal distributions at any number of samples, so it may be negative; it is not clipped. Clips of one prompt are not
independent, so no pair of them is used, within a set or between the sets (as in Gretton et al. 2012, lemma 6): sets made from the same
prompts do not get a lower distance because clips of one prompt resemble each other.
Pure numpy, float64.
"""

from __future__ import annotations

import numpy as np


def polynomial_kernel(x: np.ndarray, y: np.ndarray, *, degree: int = 3, coef: float = 1.0) -> np.ndarray:
    """Gram matrix of the polynomial kernel (x.y / D + coef)^degree (Bińkowski et al. 2018).

    Args:
        x: (N, D) features.
        y: (M, D) features.
        degree: The exponent.
        coef: What is added to the scaled inner product.

    Returns:
        (N, M) float64.

    >>> polynomial_kernel(np.array([[1.0, 1.0]]), np.array([[2.0, 0.0]])).tolist()
    [[8.0]]
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return (x @ y.T / x.shape[1] + coef) ** degree


def from_different_groups(groups_x: np.ndarray, groups_y: np.ndarray) -> np.ndarray:
    """Which pairs of rows come from groups of different numbers.

    Args:
        groups_x: (N,) number of the prompt, or of the clip, of each row of one set.
        groups_y: (M,) the same for the other set.

    Returns:
        (N, M) bool.

    >>> from_different_groups(np.array([0, 0, 1]), np.array([0, 1])).astype(int).tolist()
    [[0, 1], [0, 1], [1, 0]]
    """
    return groups_x[:, None] != groups_y[None, :]


def squared_mmd(k_xx: np.ndarray, k_yy: np.ndarray, k_xy: np.ndarray, use_xx: np.ndarray, use_yy: np.ndarray, use_xy: np.ndarray) -> float:
    """Squared maximum mean discrepancy (MMD) from Gram matrices: the U-statistic of Gretton et al. 2012.

    It is unbiased when no used pair comes from one prompt.

    Args:
        k_xx: (N, N) kernel values within the first set.
        k_yy: (M, M) kernel values within the second set.
        k_xy: (N, M) kernel values between the sets.
        use_xx: (N, N) bool, the pairs of ``k_xx`` to average.
        use_yy: (M, M) bool, the pairs of ``k_yy`` to average.
        use_xy: (N, M) bool, the pairs of ``k_xy`` to average.

    Returns:
        mean(k_xx) + mean(k_yy) - 2 mean(k_xy), in the unit of the kernel: about 0 for equal distributions, and below 0 by chance.

    Raises:
        ValueError: If a matrix has no pair to average.

    >>> off = ~np.eye(2, dtype=bool)
    >>> squared_mmd(np.array([[9.0, 2.0], [2.0, 9.0]]), np.array([[9.0, 4.0], [4.0, 9.0]]), np.full((2, 2), 1.0), off, off, off)
    4.0
    """
    if not (use_xx.any() and use_yy.any() and use_xy.any()):
        raise ValueError("each set needs a pair of different groups")
    return float(k_xx[use_xx].mean() + k_yy[use_yy].mean() - 2.0 * k_xy[use_xy].mean())
