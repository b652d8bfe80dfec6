"""The I3D features of the fvd2048_16f protocol, from a torchscript file the user supplies.

Calling convention of the torchscript I3D that StyleGAN-V publishes: ``detector(x, rescale=True, resize=True, return_features=True)`` on
uint8 video (B, 3, T, H, W), which returns the 400 logits of Kinetics before the softmax. (The 1,024 features that other ports return are
different.)
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbench.errors import ClipError, WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from seedbench.clips.clip import Clip

NAME = "fvd_16f/i3d-torchscript"
WEIGHTS = "i3d-torchscript"
FRAMES = 16
CLIPS = 2048
WIDTH = 400


@functools.lru_cache(maxsize=1)
def load(path: Path) -> Any:
    """Read a torchscript module.

    Args:
        path: The file.

    Returns:
        The module, on the CPU, for inference.

    Raises:
        WeightsError: The file is no such module.
    """
    import torch

    try:
        with warnings.catch_warnings():  # torchscript is deprecated, but the published I3D comes in it
            warnings.simplefilter("ignore", FutureWarning)
            return torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        raise WeightsError(f"{path} is not a torchscript module ({type(error).__name__})") from error


def logits(detector: Any, rgb: np.ndarray) -> np.ndarray:
    """Features of consecutive frames, as StyleGAN-V calls the network.

    Args:
        detector: The module from :func:`load`.
        rgb: (16, H, W, 3) uint8.

    Returns:
        (1, 400) float64.

    Raises:
        WeightsError: The module does not take or give that.
    """
    import torch

    video = torch.from_numpy(np.ascontiguousarray(rgb.transpose(3, 0, 1, 2)))[None]
    try:
        with torch.inference_mode():
            out = detector(video, rescale=True, resize=True, return_features=True)
    except (RuntimeError, TypeError) as error:
        raise WeightsError(f"the i3d-torchscript weights cannot be called as StyleGAN-V's ({type(error).__name__})") from error
    features: np.ndarray = out.double().numpy()
    if features.shape != (1, WIDTH):
        raise WeightsError(f"the i3d-torchscript weights give features of shape {features.shape[1:]}, not the {WIDTH} logits of Kinetics")
    return features


def embed(clip: Clip, path: Path) -> np.ndarray:
    """Features of the first 16 frames of a clip as stored.

    Args:
        clip: The clip.
        path: The file of the torchscript module.

    Returns:
        (1, 400) float64.

    Raises:
        ClipError: The clip is shorter: frames are never repeated.
        WeightsError: The file is no such module.
    """
    count = len(clip.time_s)
    if count < FRAMES:
        raise ClipError(f"{clip.path}: has {count} frames, {FRAMES} consecutive ones are needed and none is repeated")
    return logits(load(path), np.stack(list(clip.pictures(np.arange(FRAMES)))))
