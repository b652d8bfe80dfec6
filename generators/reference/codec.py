"""The sound tokenizer: eight columns of log mel bands (80 ms) as one code."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedbench.generators.reference import sound

COLUMNS = 2 * sound.COLUMNS_PER_FRAME
"""Columns of one code: those of two pictures."""
_MIDDLE, _SPREAD = -6.0, 3.0


@dataclass(frozen=True)
class CodecConfig:
    """Sizes: numbers in a code, channels of the layers."""

    code: int = 64
    channels: int = 144


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.SiLU(), nn.Conv1d(channels, channels, 3, padding=1), nn.SiLU(), nn.Conv1d(channels, channels, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class SoundCodec(nn.Module):
    """Log mel bands (N, 8 T, 80) to codes (N, T, C) and back."""

    def __init__(self, config: CodecConfig | None = None) -> None:
        super().__init__()
        self.config = config or CodecConfig()
        c = self.config.channels
        down: list[nn.Module] = [nn.Conv1d(sound.BANDS, c, 5, padding=2), _Block(c)]
        up: list[nn.Module] = [nn.Conv1d(self.config.code, c, 3, padding=1), _Block(c)]
        for _ in range(3):
            down += [nn.SiLU(), nn.Conv1d(c, c, 4, stride=2, padding=1)]
            up += [nn.SiLU(), nn.ConvTranspose1d(c, c, 4, stride=2, padding=1)]
        self.down = nn.Sequential(*down, _Block(c), nn.SiLU(), nn.Conv1d(c, self.config.code, 1))
        self.up = nn.Sequential(*up, _Block(c), nn.SiLU(), nn.Conv1d(c, sound.BANDS, 5, padding=2))

    def encode(self, bands: Tensor) -> Tensor:
        """Encode sound.

        Args:
            bands: (N, 8 T, 80) log mel bands, a column every 10 ms.

        Returns:
            (N, T, C) codes of 80 ms.
        """
        return self.down(((bands - _MIDDLE) / _SPREAD).transpose(1, 2)).transpose(1, 2)

    def decode(self, codes: Tensor) -> Tensor:
        """Decode sound.

        Args:
            codes: (N, T, C).

        Returns:
            (N, 8 T, 80) log mel bands.
        """
        return self.up(codes.transpose(1, 2)).transpose(1, 2) * _SPREAD + _MIDDLE


def sound_loss(output: Tensor, target: Tensor) -> Tensor:
    """Error of bands: of their values, and of their differences in time, which carry onsets.

    Args:
        output: (N, T, 80) log mel bands.
        target: (N, T, 80).

    Returns:
        A scalar, at least 0.
    """
    return F.l1_loss(output, target) + 0.5 * F.l1_loss(output.diff(dim=1), target.diff(dim=1)) + 0.25 * F.mse_loss(output, target)


def with_noise(codes: Tensor, amount: float | Tensor) -> Tensor:
    """Codes plus normal noise, because generated codes are never exact.

    Args:
        codes: Codes of any shape.
        amount: The deviation of the noise, for all or for each code.

    Returns:
        Codes of the same shape.
    """
    return codes + amount * torch.randn_like(codes)
