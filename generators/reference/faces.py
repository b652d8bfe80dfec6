"""The face painted once more, in a square of its own: the same picture wherever the head stands and however small it is.

What a dense decoder knows of a person it knows anew for every place and size of the head, and least where the head is small. So the face
is cut out of the decoded picture about the head (whose place the codes tell), brought to one size, painted by a small network that knows
the person's code, and laid back from brows to mouth. The square's light and pose come from the picture; who it is comes from the code,
which is the same in every shot; and what lips and lids do comes from the numbers of motion that are told by name, whatever the picture
shows of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedbench.generators.reference.layers import Conv, Residual, begin

REACH = 0.7
"""Half the side of the square, in heights of the head."""
LOW = 0.1
"""How far below its middle the middle of what is laid over is, in halves of the square's side."""
EDGE = 0.65
"""How far about there a square is laid over to the sides, in halves of its side."""
TALL = 1.25
"""How much further it is laid over upwards and downwards."""
_WHERE = 96
_INJECTED = 16
#: Where heads stand on average and how far from there they get: x, y and height, in heights of the picture.
_MIDDLE, _SPREAD = (0.875, 0.43, 0.5), (0.02, 0.03, 0.1)


class Faces(nn.Module):
    """Squares (N, 3, S, S) of pictures to the same with the face painted, by codes of persons (N, P) and of motion (N, M), of which it
    knows the first ``told``; and where it is."""

    def __init__(self, side: int, channels: tuple[int, int, int], *, person: int, shot: int, motion: int, told: int) -> None:
        super().__init__()
        a, b, c = channels
        self.side, self.n_told = side, told
        found = nn.Linear(_WHERE, 3)
        self.where = nn.Sequential(nn.Linear(person + shot + motion, _WHERE), nn.SiLU(), found)
        self.near = Conv(12, a, 3, padding=1)
        self.down = nn.ModuleList([Conv(a, b, 4, stride=2, padding=1), Conv(b, c, 4, stride=2, padding=1)])
        self.level = Residual(b)
        self.told = nn.Linear(person + told, _INJECTED * (side // 8) ** 2)
        self.among = nn.Sequential(Conv(c + _INJECTED, c, 3, padding=1), Residual(c), Residual(c))
        self.up = nn.ModuleList([Conv(c, 4 * b, 1), Conv(b, 4 * a, 1)])
        self.after = nn.ModuleList([Residual(b), Residual(a)])
        self.out = Conv(a, 12, 3, padding=1)
        self.register_buffer("middle", torch.tensor(_MIDDLE), persistent=False)
        self.register_buffer("spread", torch.tensor(_SPREAD), persistent=False)
        self.apply(begin)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(found.weight)

    def heads(self, person: Tensor, shot: Tensor, motion: Tensor) -> Tensor:
        """Middle (x, y) and height of the head (N, 3), in heights of the picture."""
        found = self.where(torch.cat([person, shot, motion], 1)).float()
        return self.get_buffer("middle") + self.get_buffer("spread") * found.clamp(-4, 4)  # no head is smaller than nothing

    def forward(self, squares: Tensor, person: Tensor, motion: Tensor) -> Tensor:
        near = F.silu(self.near(F.pixel_unshuffle(squares * 2 - 1, 2).contiguous(memory_format=torch.channels_last)))
        half = self.level(self.down[0](near))
        told = self.told(torch.cat([person, motion[:, : self.n_told]], 1)).unflatten(1, (_INJECTED, self.side // 8, self.side // 8))
        x = self.among(torch.cat([self.down[1](F.silu(half)), told], 1))
        x = self.after[0](F.pixel_shuffle(self.up[0](x), 2) + half)
        x = self.after[1](F.pixel_shuffle(self.up[1](x), 2) + near)
        return squares + F.pixel_shuffle(self.out(F.silu(x)), 2).contiguous()


def places(side: int, device: torch.device) -> Tensor:
    """Where the pixels of a square are in it, (side, side, 2): across and down, from -1 to 1."""
    along = (torch.arange(side, device=device) + 0.5) / side * 2 - 1
    return torch.stack(torch.meshgrid(along, along, indexing="xy"), -1)


def cut_out(pictures: Tensor, heads: Tensor, side: int) -> Tensor:
    """Squares (N, 3, side, side) about the ``heads`` (N, 3) of pictures (N, 3, H, W); beyond the edge, the edge goes on."""
    height, width = pictures.shape[2:]
    x, y, size = heads[:, :, None, None].unbind(1)
    across, down = (REACH * places(side, heads.device)).unbind(-1)
    at = torch.stack([(x + size * across) * height / width * 2 - 1, (y + size * down) * 2 - 1], -1)
    return F.grid_sample(pictures, at.to(pictures.dtype), padding_mode="border", align_corners=False)


def laid_over(pictures: Tensor, faces: Tensor, heads: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) with the squares (N, 3, S, S) of their ``heads`` (N, 3) laid over them as :func:`window` says."""
    height, width = pictures.shape[2:]
    x, y, size = heads[:, :, None, None].unbind(1)
    # Beyond this nothing is laid over in any of the pictures, and most of them lies beyond.
    about = ((x, EDGE, width), (y + REACH * LOW * size, EDGE * TALL, height))
    columns, rows = (slice(*_reached(middle, REACH * edge * size, height, most)) for middle, edge, most in about)
    across = ((_middles(width, heads.device)[columns] / height)[None, None, :] - x) / (REACH * size)
    down = ((_middles(height, heads.device)[rows] / height)[None, :, None] - y) / (REACH * size)
    at = torch.stack(torch.broadcast_tensors(across, down), -1)
    there = F.grid_sample(faces, at.to(faces.dtype), mode="bicubic", padding_mode="border", align_corners=False)
    laid = pictures.clone()
    laid[..., rows, columns] = torch.lerp(pictures[..., rows, columns], there, window(at)[:, None].to(pictures.dtype))
    return laid


def _middles(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device) + 0.5


def _reached(middle: Tensor, reach: Tensor, height: int, most: int) -> tuple[int, int]:
    """The first pixel, of ``most``, and the one after the last that is no further than ``reach`` from one of the middles."""
    first, last = ((middle - reach).min() * height).floor(), ((middle + reach).max() * height).ceil()
    return int(first.clamp(0, most)), int(last.clamp(0, most))


def oval(at: Tensor) -> Tensor:
    """How much of a square is face at places (..., 2) from -1 to 1 in it: 1 about its middle, 0 at the edge.

    >>> [round(one, 2) for one in oval(torch.tensor([[0.0, 0.0], [0.8, 0.0], [1.0, 0.0], [0.0, 1.5]])).tolist()]
    [1.0, 0.5, 0.0, 0.0]
    """
    apart = at.float().square().sum(-1).sqrt()
    return ((1.0 - apart) * 2.5).clamp(0, 1)


def mouth(at: Tensor) -> Tensor:
    """How much of a square is about the mouth at places (..., 2) in it, which stands where the simulator's faces have it.

    >>> [round(one, 2) for one in mouth(torch.tensor([[0.0, 0.55], [0.35, 0.55], [0.0, 0.0]])).tolist()]
    [1.0, 0.37, 0.0]
    """
    across, down = at.float().unbind(-1)
    return torch.exp(-((across / 0.35).square() + ((down - 0.55) / 0.2).square()))


def window(at: Tensor) -> Tensor:
    """How much of a square is laid over at places (..., 2) in it: from brows to mouth. Hair and outline stay the draft's, or a head that
    the codes place a little beside where it is drawn would show two edges.

    >>> [round(one, 2) for one in window(torch.tensor([[0.0, 0.1], [0.525, 0.1], [0.65, 0.1], [0.0, 0.55], [0.0, 0.925]])).tolist()]
    [1.0, 0.5, 0.0, 1.0, 0.0]
    """
    across, down = at.float().unbind(-1)
    apart = (across.square() + ((down - LOW) / TALL).square()).sqrt()
    return ((EDGE - apart) * 4).clamp(0, 1)
