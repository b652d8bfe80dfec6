"""The Fréchet distance between two sets of feature vectors, exact in float64 for many and for few samples.

FD = |mean_x - mean_y|^2 + tr(C_x) + tr(C_y) - 2 tr((C_x C_y)^(1/2)), with covariances divided by N - 1 (Heusel et al. 2017;
for video Unterthiner et al. 2018, arXiv 1812.01717). Unit: that of the features, squared. It is 0 for equal moments. The plug-in
value is too large by roughly constant / N, which :mod:`seedbench.metrics.video_distance.jackknife` removes. Pure numpy.
"""

from __future__ import annotations

import numpy as np


def frechet_from_moments(mean_x: np.ndarray, cov_x: np.ndarray, mean_y: np.ndarray, cov_y: np.ndarray) -> float:
    """Fréchet distance of two Gaussians (Dowson and Landau 1982; Heusel et al. 2017).

    tr((C_x C_y)^(1/2)) is the sum of the square roots of the eigenvalues of C_x^(1/2) C_y C_x^(1/2), which is symmetric:
    no square root of an unsymmetric matrix, no complex rounding.

    Args:
        mean_x: (D,) mean of one distribution.
        cov_x: (D, D) its symmetric covariance.
        mean_y: (D,) mean of the other distribution.
        cov_y: (D, D) its symmetric covariance.

    Returns:
        The distance, in the squared unit of the features: 0 for equal moments. Rounding may bring it slightly below 0.

    >>> round(frechet_from_moments(np.array([1.0, 0.0]), np.diag([4.0, 1.0]), np.zeros(2), np.diag([1.0, 9.0])), 12)
    6.0
    """
    values, vectors = np.linalg.eigh(cov_x)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_y @ root), 0.0, None)).sum()
    gap = mean_x - mean_y
    return float(gap @ gap + np.trace(cov_x) + np.trace(cov_y) - 2.0 * cross)


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Plug-in Fréchet distance of two sets of features (Heusel et al. 2017).

    With at most as many rows as columns the cross term is the nuclear norm of A B^T, A and B being the centred rows over
    sqrt(N - 1): exact, and no D x D matrix is formed. The arrays are not written to.

    Args:
        x: (N, D) features, N at least 2.
        y: (M, D) features, M at least 2.

    Returns:
        The distance, in the squared unit of the features; never below 0.

    Raises:
        ValueError: If a set has one row only, or the widths differ.

    >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[5.0], [7.0]]))
    25.0
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"features must be (N, D) and (M, D), not {x.shape} and {y.shape}")
    if len(x) < 2 or len(y) < 2:
        raise ValueError("a covariance needs at least two rows")
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    a = (x - mean_x) / np.sqrt(len(x) - 1)
    b = (y - mean_y) / np.sqrt(len(y) - 1)
    if min(len(x), len(y)) > x.shape[1]:
        return max(0.0, frechet_from_moments(mean_x, a.T @ a, mean_y, b.T @ b))
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    gap = mean_x - mean_y
    return max(0.0, float(gap @ gap + (a * a).sum() + (b * b).sum() - 2.0 * cross))
