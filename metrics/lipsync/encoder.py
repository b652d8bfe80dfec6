"""A small pair of convolutional encoders that map lips and sound into one space, computed in numpy.

Trained in :mod:`seedbench.metrics.lipsync.training`.

Lips (25 a second) and sound (100 a second) both become unit vectors at 25 a second; lips and sound of one moment have a high dot product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

Arrays = tuple[np.ndarray, ...]
Layers = tuple[tuple[int, int], ...]

LIP_LAYERS = ((1, 1), (5, 1), (3, 1), (3, 1))
"""Width and stride of the convolutions over lips; the first is linear (a bottleneck), GELU follows each but the first and the last."""
SOUND_LAYERS = ((1, 1), (5, 2), (5, 2), (5, 1), (5, 1))


@dataclass(frozen=True)
class LipSyncEncoder:
    """Weights of the pair of networks that embed lips and sound.

    Attributes:
        lip_weights: (out, in, width) of each layer of lips.
        lip_biases: (out,) of each layer of lips.
        sound_weights: (out, in, width) of each layer of sound.
        sound_biases: (out,) of each layer of sound.
        lip_scale: What lip features are divided by.
        sound_scale: What sound features are divided by.
    """

    lip_weights: tuple[np.ndarray, ...]
    lip_biases: tuple[np.ndarray, ...]
    sound_weights: tuple[np.ndarray, ...]
    sound_biases: tuple[np.ndarray, ...]
    lip_scale: np.ndarray
    sound_scale: np.ndarray

    def lips(self, features: np.ndarray) -> np.ndarray:
        """Embed lips.

        Args:
            features: (T, D) shape features at 25 fps.

        Returns:
            (T, k) unit vectors.
        """
        return _encode(features / self.lip_scale, self.lip_weights, self.lip_biases, LIP_LAYERS)

    def sound(self, features: np.ndarray) -> np.ndarray:
        """Embed sound.

        Args:
            features: (4 T, bands) sound features.

        Returns:
            (T, k) unit vectors.
        """
        return _encode(features / self.sound_scale, self.sound_weights, self.sound_biases, SOUND_LAYERS)


def gelu(x: np.ndarray) -> np.ndarray:
    """Gaussian error linear unit.

    >>> round(float(gelu(np.array(1.0))), 4)
    0.8413
    """
    return x * 0.5 * (1.0 + erf(x / np.sqrt(2.0)))


def conv1d(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int = 1) -> np.ndarray:
    """Convolution over time with zeros beyond the ends.

    Args:
        x: (T, C).
        weight: (D, C, width).
        bias: (D,).
        stride: Every so many rows one result.

    Returns:
        (ceil(T / stride), D).

    >>> conv1d(np.array([[1.0], [2.0], [3.0]]), np.ones((1, 1, 3)), np.zeros(1)).ravel().tolist()
    [3.0, 6.0, 5.0]
    """
    width = weight.shape[2]
    padded = np.pad(x, ((width // 2, width // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)[::stride]
    return windows.reshape(len(windows), -1) @ weight.reshape(len(weight), -1).T + bias


def _encode(x: np.ndarray, weights: Arrays, biases: Arrays, layers: Layers) -> np.ndarray:
    last = len(layers) - 1
    for k, (weight, bias, (_, stride)) in enumerate(zip(weights, biases, layers, strict=True)):
        x = conv1d(x, weight, bias, stride)
        if 0 < k < last:
            x = gelu(x)
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
