"""`effnet-lite0-16f`: a small video embedding that needs no download. It is not I3D, and its distances are not FVD.

Sixteen frames of a clip, eight pairs of neighbours at 25 a second spread evenly over it, go through EfficientNet-lite0 (ImageNet
weights from a PyPI package). The 1,280 pooled features of each are summarised over the clip in four vectors (:func:`summarise`), and
each of these is projected by a fixed random matrix, 32 numbers in all. The number is small on purpose: with 12 clips in a
set, a covariance in more dimensions is mostly noise.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbench.errors import ClipError
from seedbench.metrics.analyses.frame_pictures import map_frames

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

NAME = "effnet-lite0-16f"
WEIGHTS = "efficientnet-lite0"
FPS = 25.0
PAIRS = 8
SIDE = 224
AT_ONCE = 4
"""Pictures that go through the network together; sixteen take 300 MB more."""
SEED = 20_240_607
CHANNELS = 1280
#: How many numbers each summary vector is projected to, and its divisor. The divisors bring the spread over 24 talking clips of four
#: generators to about 1 for appearance and 0.6 for the others (trend, whose mean is 0 for any clips, would otherwise add mostly noise).
BLOCKS: dict[str, tuple[int, float]] = {"appearance": (16, 10.0), "fast change": (8, 4.0), "slow change": (4, 6.0), "trend": (4, 6.0)}


def pair_frames(n_frames: int) -> np.ndarray:
    """Indices of eight pairs of neighbouring frames, the pairs spread evenly.

    Args:
        n_frames: The number of frames.

    Returns:
        (16,) indices.

    Raises:
        ValueError: There are fewer than 16 frames.

    >>> pair_frames(16).tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    >>> pair_frames(125)[:4].tolist()
    [7, 8, 22, 23]
    """
    if n_frames < 2 * PAIRS:
        raise ValueError(f"{n_frames} frames are fewer than {2 * PAIRS}")
    first = np.floor((np.arange(PAIRS) + 0.5) / PAIRS * n_frames - 0.75).astype(np.intp)
    return np.stack([first, first + 1], axis=1).ravel()


def summarise(features: np.ndarray) -> dict[str, np.ndarray]:
    """Four vectors that sum up the features of eight pairs of frames.

    Args:
        features: (16, C), two rows for each pair.

    Returns:
        ``appearance``: mean over frames. ``fast change``: mean square root of the absolute difference within pairs (1/25 s; 0 for a
        frozen clip, large for flicker). ``slow change``: the same between the means of consecutive pairs. ``trend``: mean of the second
        half minus that of the first; playing the clip backwards changes its sign. Each (C,).

    >>> ramp = np.arange(16.0)[:, None]
    >>> {name: round(value.item(), 3) for name, value in summarise(ramp).items()}
    {'appearance': 7.5, 'fast change': 1.0, 'slow change': 1.414, 'trend': 8.0}
    """
    pairs = features.reshape(PAIRS, 2, -1)
    means = pairs.mean(axis=1)
    return {
        "appearance": features.mean(axis=0),
        "fast change": np.sqrt(np.abs(pairs[:, 1] - pairs[:, 0])).mean(axis=0),
        "slow change": np.sqrt(np.abs(np.diff(means, axis=0))).mean(axis=0),
        "trend": means[PAIRS // 2 :].mean(axis=0) - means[: PAIRS // 2].mean(axis=0),
    }


@functools.cache
def projection(channels: int = CHANNELS) -> dict[str, np.ndarray]:
    """The fixed matrices (channels, width) of each block: standard normal over sqrt(width), so lengths are kept on average."""
    matrices = {}
    for number, (name, (width, _)) in enumerate(BLOCKS.items()):
        rng = np.random.default_rng([SEED, number])
        matrices[name] = rng.standard_normal((channels, width)) / np.sqrt(width)
    return matrices


def project(summary: dict[str, np.ndarray]) -> np.ndarray:
    """The summary vectors as one embedding, by fixed random projections.

    Args:
        summary: The result of :func:`summarise`.

    Returns:
        (32,) float64.
    """
    matrices = projection(len(summary["appearance"]))
    return np.concatenate([summary[name] @ matrices[name] / scale for name, (_, scale) in BLOCKS.items()])


@functools.cache
def _network() -> Any:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    from seedbench.plugins import weights

    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(weights.path(WEIGHTS), map_location="cpu", weights_only=True))
    return net.eval()


def frame_features(small: np.ndarray) -> np.ndarray:
    """Pooled last-layer features of pictures.

    Pixels enter as (x - 127) / 128, the scaling the network was trained with.

    Args:
        small: (N, 224, 224, 3) uint8.

    Returns:
        (N, 1280) float64.

    Raises:
        WeightsError: The weights of the network are missing or cannot be read.
    """
    import torch

    values = torch.from_numpy(small.transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        parts = [_network().extract_features((part - 127.0) / 128.0).mean(dim=(2, 3)) for part in values.split(AT_ONCE)]
        features: np.ndarray = torch.cat(parts).double().numpy()
    return features


def embed_pairs(small: np.ndarray) -> np.ndarray:
    """Embedding of the sixteen pictures that :func:`pair_frames` chooses.

    Args:
        small: (16, 224, 224, 3) uint8.

    Returns:
        (32,) float64.

    Raises:
        WeightsError: The weights of the network are missing or cannot be read.
    """
    return project(summarise(frame_features(small)))


def squeezed(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) uint8 scaled to 224 x 224 by area."""
    import cv2

    small: np.ndarray = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return small


def embed(clip: Clip) -> np.ndarray:
    """Embedding of a clip.

    Args:
        clip: The clip.

    Returns:
        (1, 32) float64.

    Raises:
        ClipError: If the clip is shorter than 16 frames at 25 a second (0.64 s), or has no picture.
        WeightsError: If the weights of the network are missing or cannot be read.
    """
    n_frames = len(clip.on_screen(FPS))
    if n_frames < 2 * PAIRS:
        raise ClipError(f"{clip.path}: has {n_frames} frames at 25 a second, {NAME} needs {2 * PAIRS}")
    return embed_pairs(np.stack(map_frames(clip, FPS, pair_frames(n_frames).tolist(), lambda _, rgb: squeezed(rgb))))[None]
