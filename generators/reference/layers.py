"""The layers of grid, coder and painter of faces."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Conv(nn.Conv2d):
    """A convolution whose weights are stored as a matrix (out, in x rows x columns), for Muon and for 8-bit storage by rows."""

    def __init__(self, n_in: int, n_out: int, size: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__(n_in, n_out, size, stride=stride, padding=padding)
        self.weight = nn.Parameter(self.weight.detach().flatten(1))

    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight.view(self.out_channels, self.in_channels, *self.kernel_size)
        return F.conv2d(input, weight, self.bias, self.stride, self.padding)


class Residual(nn.Module):
    """A residual block of two convolutions for (N, C, H, W); C is a multiple of 8."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Conv(channels, channels, 3, padding=1)
        self.second = Conv(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(8, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(self.norm(x)))))


class Dense(nn.Module):
    """A residual block of two matrices for (N, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(self.norm(x))))


def initialise(module: nn.Module) -> None:
    """Set first weights that keep the size of a signal through the layers (He et al. 2015); residual branches start at zero.

    Args:
        module: The layer, which is changed.
    """
    if isinstance(module, Conv | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, Residual | Dense):
        nn.init.zeros_(module.second.weight)
