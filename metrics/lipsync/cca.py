"""Ridge canonical correlation of lip distances with log-mel context: the second, classical fitted estimator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

LIP_CONTEXT = (-2, 0, 2)
SOUND_CONTEXT = tuple(range(-4, 5))
"""Frames (of 25 a second) around a moment that are used."""
RIDGE = 0.3
"""Ridge, as a share of the mean variance."""
COMPONENTS = 8


@dataclass(frozen=True)
class Cca:
    """A fitted pair of projections of lips and sound (canonical correlation analysis, Hotelling 1936).

    Scales, means and projections belong to features with neighbours (:func:`with_neighbours`).

    Attributes:
        lip_scale: What lip distances are divided by.
        sound_scale: What sound features are divided by.
        lip_mean: The mean of the scaled lips.
        sound_mean: The mean of the scaled sound.
        lip_projection: From lips to k variates.
        sound_projection: From sound to k variates.
        weights: (k,) the canonical correlations.
    """

    lip_scale: np.ndarray
    sound_scale: np.ndarray
    lip_mean: np.ndarray
    sound_mean: np.ndarray
    lip_projection: np.ndarray
    sound_projection: np.ndarray
    weights: np.ndarray

    def lips(self, distances: np.ndarray) -> np.ndarray:
        """Canonical variates of lips.

        Args:
            distances: (T, 16) lip distances at 25 fps.

        Returns:
            (T, k).
        """
        return (with_neighbours(distances / self.lip_scale, LIP_CONTEXT) - self.lip_mean) @ self.lip_projection

    def sound(self, sound: np.ndarray) -> np.ndarray:
        """Canonical variates of sound.

        Args:
            sound: (4 T, 40) sound features.

        Returns:
            (T, k).
        """
        return (with_neighbours(sound_at_25_fps(sound) / self.sound_scale, SOUND_CONTEXT) - self.sound_mean) @ self.sound_projection


def sound_at_25_fps(sound: np.ndarray) -> np.ndarray:
    """Sound features smoothed, halved in bands and thinned to 25 a second.

    Args:
        sound: (4 T, bands).

    Returns:
        (T, bands / 2).
    """
    coarse = sound.reshape(len(sound), -1, 2).mean(axis=2)
    return gaussian_filter1d(coarse, 1.1, axis=0, mode="nearest")[::4]


def with_neighbours(values: np.ndarray, offsets: tuple[int, ...]) -> np.ndarray:
    """Rows together with their neighbours; the ends are repeated.

    Args:
        values: (T, D).
        offsets: The offsets of the neighbours in rows; 0 is the row itself.

    Returns:
        (T, D len(offsets)).

    >>> with_neighbours(np.array([[1.0], [2.0], [3.0]]), (-1, 0)).tolist()
    [[1.0, 1.0], [1.0, 2.0], [2.0, 3.0]]
    """
    rows = np.clip(np.arange(len(values))[:, None] + np.asarray(offsets)[None], 0, len(values) - 1)
    return values[rows].reshape(len(values), -1)


def ridge_cca(x: np.ndarray, y: np.ndarray, *, ridge: float = RIDGE, k: int = COMPONENTS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ridge canonical correlation analysis.

    Args:
        x: Centred rows (N, Dx).
        y: Centred rows (N, Dy).
        ridge: This share of the mean variance is added to the diagonal of both covariances.
        k: Number of components.

    Returns:
        Projections (Dx, k) and (Dy, k), and correlations (k,).

    >>> rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> ridge_cca(rows, 2 * rows, ridge=0.0, k=1)[2].round(6).tolist()
    [1.0]
    """

    def root(values: np.ndarray) -> np.ndarray:
        covariance = values.T @ values / len(values)
        return np.linalg.cholesky(covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance)))

    root_x, root_y = root(x), root(y)
    between = np.linalg.solve(root_y, np.linalg.solve(root_x, x.T @ y / len(x)).T).T
    left, correlations, right = np.linalg.svd(between, full_matrices=False)
    return np.linalg.solve(root_x.T, left[:, :k]), np.linalg.solve(root_y.T, right[:k].T), correlations[:k]


def fit_cca(distances: list[np.ndarray], sounds: list[np.ndarray], offsets: list[float]) -> Cca:
    """Fit the projections on clips.

    Args:
        distances: (T, 16) lip distances of each clip at 25 fps.
        sounds: (4 T, 40) its sound features.
        offsets: Its known offset in frames (positive: sound early).

    Returns:
        The projections.
    """
    coarse = [sound_at_25_fps(sound) for sound in sounds]
    lip_scale = np.sqrt(np.mean([values.var(axis=0) for values in distances], axis=0)) + 1e-9
    sound_scale = np.sqrt(np.mean([values.var(axis=0) for values in coarse], axis=0)) + 1e-9
    x, y = [], []
    for lips, sound, offset in zip(distances, coarse, offsets, strict=True):
        n, shift = min(len(lips), len(sound)), round(offset)
        x.append(with_neighbours(lips / lip_scale, LIP_CONTEXT)[max(0, shift) : n + min(0, shift)])
        y.append(with_neighbours(sound / sound_scale, SOUND_CONTEXT)[max(0, -shift) : n - max(0, shift)])
    lip_rows, sound_rows = np.concatenate(x), np.concatenate(y)
    lip_mean, sound_mean = lip_rows.mean(axis=0), sound_rows.mean(axis=0)
    lip_projection, sound_projection, weights = ridge_cca(lip_rows - lip_mean, sound_rows - sound_mean)
    return Cca(lip_scale, sound_scale, lip_mean, sound_mean, lip_projection, sound_projection, weights)
