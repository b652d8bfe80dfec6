"""The SyncNet v2 network: a lip branch and a sound branch into one 1,024-dimensional space (Chung and Zisserman 2016).

Layers and the names of their parameters follow ``syncnet_v2.model`` of joonson/syncnet_python, so that file loads unchanged. The lip branch
runs over a whole stretch of frames at once: only its first layer extends over time (5 frames), so T frames give the same T - 4
embeddings as T - 4 separate windows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from seedbench.errors import WeightsError

FRAMES_A_WINDOW = 5
COLUMNS_A_WINDOW = 20
COLUMNS_A_FRAME = 4
_CHUNK = 8  # windows per pass of the lip branch: 0.2 GB of activations, and no slower than more


def _conv2(inputs: int, outputs: int, kernel: tuple[int, int], padding: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _conv3(inputs: int, outputs: int, kernel: tuple[int, int, int], *, stride: int = 1, padding: int = 0) -> list[nn.Module]:
    layer = nn.Conv3d(inputs, outputs, kernel, stride=(1, stride, stride), padding=(0, padding, padding))
    return [layer, nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)]


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))


class SyncNetV2(nn.Module):
    """Both branches. ``lips``: (1, 3, T, 224, 224) BGR 0..255 to (T - 4, 1024). ``sound``: (N, 1, 13, 20) cepstra to (N, 1024)."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_conv2(1, 64, (3, 3)),
            nn.MaxPool2d(1, 1),
            *_conv2(64, 192, (3, 3)),
            nn.MaxPool2d(3, (1, 2)),
            *_conv2(192, 384, (3, 3)),
            *_conv2(384, 256, (3, 3)),
            *_conv2(256, 256, (3, 3)),
            nn.MaxPool2d(3, 2),
            *_conv2(256, 512, (5, 4), padding=0),
        )
        self.netfcaud = _head()
        self.netfclip = _head()
        self.netcnnlip = nn.Sequential(
            *_conv3(3, 96, (5, 7, 7), stride=2),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_conv3(96, 256, (1, 5, 5), stride=2, padding=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2), padding=(0, 1, 1)),
            *_conv3(256, 256, (1, 3, 3), padding=1),
            *_conv3(256, 256, (1, 3, 3), padding=1),
            *_conv3(256, 256, (1, 3, 3), padding=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_conv3(256, 512, (1, 6, 6)),
        )

    def lips(self, frames: torch.Tensor) -> torch.Tensor:
        """Window embeddings (T - 4, 1024) of T frames."""
        features = self.netcnnlip(frames)[0, :, :, 0, 0].T
        out: torch.Tensor = self.netfclip(features)
        return out

    def sound(self, columns: torch.Tensor) -> torch.Tensor:
        """Window embeddings (N, 1024) of cepstra."""
        out: torch.Tensor = self.netfcaud(self.netcnnaud(columns).flatten(1))
        return out


def load(path: Path) -> SyncNetV2:
    """Read the network.

    Args:
        path: A file of parameters, tensors only.

    Returns:
        The network, on the CPU, for inference.

    Raises:
        WeightsError: The file holds something else.
    """
    import pickle

    net = SyncNetV2()
    try:
        net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, TypeError) as error:
        raise WeightsError(f"{path} does not hold the parameters of SyncNet v2 ({type(error).__name__})") from error
    return net.eval()


def window_count(n_frames: int, n_samples: int) -> int:
    """Windows that the published code scores: min(frames, floor(samples / 640)) - 5, one fewer than fit.

    Args:
        n_frames: Frames at 25 a second.
        n_samples: Samples at 16 kHz.

    Returns:
        At least 0.

    >>> [window_count(n, n * 640) for n in (30, 50, 125)]
    [25, 45, 120]
    """
    return max(0, min(n_frames, n_samples // 640) - FRAMES_A_WINDOW)


def embed_lips(net: SyncNetV2, crops: np.ndarray, windows: int) -> np.ndarray:
    """Embed lips; window i sees frames i to i + 4.

    Args:
        net: The network.
        crops: (T, 224, 224, 3) uint8 RGB, T at least ``windows`` + 4.
        windows: The number of windows.

    Returns:
        (windows, 1024) float32.
    """
    parts = []
    with torch.inference_mode():
        for start in range(0, windows, _CHUNK):
            stop = min(windows, start + _CHUNK) + FRAMES_A_WINDOW - 1
            bgr = np.ascontiguousarray(crops[start:stop, :, :, ::-1].transpose(3, 0, 1, 2))
            parts.append(net.lips(torch.from_numpy(bgr)[None].float()).numpy())
    return np.concatenate(parts)


def embed_sound(net: SyncNetV2, cepstra: np.ndarray, windows: int) -> np.ndarray:
    """Embed sound; window i sees columns 4i to 4i + 19.

    Args:
        net: The network.
        cepstra: (n, 13) cepstral coefficients at 100 a second, n at least 4 ``windows`` + 16.
        windows: The number of windows.

    Returns:
        (windows, 1024) float32.
    """
    starts = np.arange(windows)[:, None] * COLUMNS_A_FRAME
    columns = cepstra[starts + np.arange(COLUMNS_A_WINDOW)].transpose(0, 2, 1)
    with torch.inference_mode():
        out: np.ndarray = net.sound(torch.from_numpy(columns[:, None].astype(np.float32))).numpy()
    return out
