"""Kernel canonical correlation of lip shape with log-mel context, in closed form: the second fitted estimator.

Which sound belongs to a lip shape is no linear question: closed lips go with /m/ and with silence. A Gaussian kernel can answer it. Its
canonical correlation is approximated by random Fourier features (Rahimi and Recht 2007: cosines at random frequencies whose products
average to the kernel), followed by a ridge CCA (Hotelling 1936; Lopez-Paz et al. 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

LIP_CONTEXT = (-2, 0, 2)
SOUND_CONTEXT = tuple(range(-4, 5))
"""Frames (of 25 a second) around a moment that are used."""
LIP_DIRECTIONS, SOUND_DIRECTIONS = 32, 24
"""Principal directions of lips and of sound that are kept."""
COSINES = 300
"""Random Fourier features of lips, and as many of sound."""
KERNEL_WIDTH = 1.0
"""Width of the Gaussian kernel as a share of the root mean square distance of two whitened rows (the usual "median" rule)."""
LINEAR_SCALE = 0.3
"""Scale of the principal directions, which stand beside the cosines."""
WHITENING_RIDGE = 0.02
"""Is added to the variance of each principal direction, as a share of the mean variance."""
RIDGE = 0.5
"""Ridge of the CCA, as a share of the mean variance."""
COMPONENTS = 16


@dataclass(frozen=True)
class KernelProjection:
    """From D features to k canonical variates: whitened to d directions, expanded to R cosines, projected.

    Attributes:
        mean: (D,) is subtracted from the features.
        whitening: (D, d) to the principal directions.
        frequencies: (d, R) of the cosines.
        phases: (R,) of the cosines, radians.
        expanded_mean: (d + R,) is subtracted from directions and cosines.
        projection: (d + R, k).
    """

    mean: np.ndarray
    whitening: np.ndarray
    frequencies: np.ndarray
    phases: np.ndarray
    expanded_mean: np.ndarray
    projection: np.ndarray

    def variates(self, rows: np.ndarray) -> np.ndarray:
        """Canonical variates.

        Args:
            rows: (T, D) features with neighbours.

        Returns:
            (T, k).
        """
        directions = (rows - self.mean) @ self.whitening
        return (expand(directions, self.frequencies, self.phases) - self.expanded_mean) @ self.projection


@dataclass(frozen=True)
class Cca:
    """A fitted pair of projections of lips and sound into one space.

    Attributes:
        lip_projection: Of lip shapes with neighbours.
        sound_projection: Of sound with neighbours.
        weights: (k,) the canonical correlations.
    """

    lip_projection: KernelProjection
    sound_projection: KernelProjection
    weights: np.ndarray

    def lips(self, shape: np.ndarray) -> np.ndarray:
        """Canonical variates of lips.

        Args:
            shape: (T, 96) lip shapes at 25 fps.

        Returns:
            (T, k).
        """
        return self.lip_projection.variates(with_neighbours(shape, LIP_CONTEXT))

    def sound(self, sound: np.ndarray) -> np.ndarray:
        """Canonical variates of sound.

        Args:
            sound: (4 T, 40) sound features.

        Returns:
            (T, k).
        """
        return self.sound_projection.variates(with_neighbours(sound_at_25_fps(sound), SOUND_CONTEXT))


def expand(directions: np.ndarray, frequencies: np.ndarray, phases: np.ndarray) -> np.ndarray:
    """Principal directions, scaled, beside their random Fourier features.

    Args:
        directions: (T, d).
        frequencies: (d, R).
        phases: (R,) radians.

    Returns:
        (T, d + R).
    """
    return np.concatenate([LINEAR_SCALE * directions, np.cos(directions @ frequencies + phases)], axis=1)


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


def fit_cca(shapes: Sequence[np.ndarray], sounds: Sequence[np.ndarray], offsets: Sequence[float], *, seed: int = 0) -> Cca:
    """Fit the projections on clips.

    Args:
        shapes: (T, 96) lip shapes of each clip at 25 fps.
        sounds: (4 T, 40) its sound features.
        offsets: Its known offset in frames (positive: sound early).
        seed: Seed of the random frequencies.

    Returns:
        The projections.
    """
    lip_rows, sound_rows = [], []
    for lips, sound, offset in zip(shapes, map(sound_at_25_fps, sounds), offsets, strict=True):
        n, shift = min(len(lips), len(sound)), round(offset)
        lip_rows.append(with_neighbours(lips, LIP_CONTEXT)[max(0, shift) : n + min(0, shift)])
        sound_rows.append(with_neighbours(sound, SOUND_CONTEXT)[max(0, -shift) : n - max(0, shift)])
    x, y = np.concatenate(lip_rows), np.concatenate(sound_rows)
    (x_mean, x_whitening), (y_mean, y_whitening) = whitening(x, LIP_DIRECTIONS), whitening(y, SOUND_DIRECTIONS)
    rng = np.random.default_rng(seed)
    x_frequencies, y_frequencies = (random_frequencies(rng, matrix.shape[1]) for matrix in (x_whitening, y_whitening))
    x_phases, y_phases = rng.uniform(0.0, 2 * np.pi, COSINES), rng.uniform(0.0, 2 * np.pi, COSINES)
    x, y = expand((x - x_mean) @ x_whitening, x_frequencies, x_phases), expand((y - y_mean) @ y_whitening, y_frequencies, y_phases)
    x_projection, y_projection, weights = ridge_cca(x - x.mean(axis=0), y - y.mean(axis=0))
    return Cca(
        KernelProjection(x_mean, x_whitening, x_frequencies, x_phases, x.mean(axis=0), x_projection),
        KernelProjection(y_mean, y_whitening, y_frequencies, y_phases, y.mean(axis=0), y_projection),
        weights,
    )


def whitening(rows: np.ndarray, directions: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and projection to principal directions of about equal variance; columns are standardised first.

    Args:
        rows: (N, D).
        directions: How many are kept, at most D.

    Returns:
        Mean (D,) and projection (D, d).
    """
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    scaled = (rows - mean) / spread
    axes, variances, _ = np.linalg.svd(scaled.T @ scaled / len(scaled))
    sizes = np.sqrt(variances[:directions] + WHITENING_RIDGE * variances.mean())
    return mean, axes[:, :directions] / sizes / spread[:, None]


def random_frequencies(rng: np.random.Generator, directions: int) -> np.ndarray:
    """Frequencies (d, R) whose cosines approximate a Gaussian kernel over whitened rows.

    Args:
        rng: The source of random numbers.
        directions: d; two rows of unit variance in each direction are sqrt(2 d) apart (root mean square).

    Returns:
        Normal numbers with the standard deviation 1 / width.
    """
    return rng.normal(size=(directions, COSINES)) / (KERNEL_WIDTH * np.sqrt(2.0 * directions))
