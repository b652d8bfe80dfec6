"""The painter of faces: each face is painted again in a square of its own, which is the same wherever the head is and however small.

A dense decoder has to learn each person again for every position and size of the head, and learns least where the head is small. So the
face is cut out of the decoded picture around the head (the codes say where it is), scaled to one size, painted by a small network that
gets the person's code, and blended back from brows to mouth. Light and pose come from the picture. Who it is comes from the person's
code, which is the same in every shot. Lips and lids come from the numbers of acting in the motion code, not from the picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedbench.generators.reference.layers import Conv, Residual, initialise

REACH = 0.7
"""Half the side of the square, in heights of the head."""
LOW = 0.1
"""How far the middle of the blended area is below the middle of the square, in halves of the square's side."""
EDGE = 0.65
"""How far the blended area reaches to the sides, in halves of the square's side."""
TALL = 1.25
"""How many times further it reaches up and down."""
_HEAD_WIDTH = 96
_INJECTED = 16
#: Mean and spread of heads: x, y and height, in heights of the picture.
_MIDDLE, _SPREAD = (0.875, 0.43, 0.5), (0.02, 0.03, 0.1)


class FaceSquarePainter(nn.Module):
    """Paints the faces in squares (N, 3, S, S) of pictures, and estimates where heads are.

    Args:
        side: pixels across a square, S.
        channels: channels of the layers from fine to coarse.
        person, shot, motion: numbers in the codes.
        n_acting: how many of the first numbers of a motion code are acting; the painter gets these alone.
    """

    def __init__(self, side: int, channels: tuple[int, int, int], *, person: int, shot: int, motion: int, n_acting: int) -> None:
        super().__init__()
        a, b, c = channels
        self.side, self.n_acting = side, n_acting
        last = nn.Linear(_HEAD_WIDTH, 3)
        self.where = nn.Sequential(nn.Linear(person + shot + motion, _HEAD_WIDTH), nn.SiLU(), last)
        self.near = Conv(12, a, 3, padding=1)
        self.down = nn.ModuleList([Conv(a, b, 4, stride=2, padding=1), Conv(b, c, 4, stride=2, padding=1)])
        self.level = Residual(b)
        self.told = nn.Linear(person + n_acting, _INJECTED * (side // 8) ** 2)
        self.among = nn.Sequential(Conv(c + _INJECTED, c, 3, padding=1), Residual(c), Residual(c))
        self.up = nn.ModuleList([Conv(c, 4 * b, 1), Conv(b, 4 * a, 1)])
        self.after = nn.ModuleList([Residual(b), Residual(a)])
        self.out = Conv(a, 12, 3, padding=1)
        self.register_buffer("middle", torch.tensor(_MIDDLE), persistent=False)
        self.register_buffer("spread", torch.tensor(_SPREAD), persistent=False)
        self.apply(initialise)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(last.weight)

    def heads(self, person: Tensor, shot: Tensor, motion: Tensor) -> Tensor:
        """Where the heads are.

        Args:
            person: (N, P) codes of people.
            shot: (N, S) codes of shots.
            motion: (N, M) codes of motion.

        Returns:
            (N, 3) middle (x, y) and height of the head, in heights of the picture.
        """
        offset = self.where(torch.cat([person, shot, motion], 1)).float()
        return self.get_buffer("middle") + self.get_buffer("spread") * offset.clamp(-4, 4)  # so that no height is negative

    def forward(self, squares: Tensor, person: Tensor, motion: Tensor) -> Tensor:
        near = F.silu(self.near(F.pixel_unshuffle(squares * 2 - 1, 2).contiguous(memory_format=torch.channels_last)))
        half = self.level(self.down[0](near))
        injected = self.told(torch.cat([person, motion[:, : self.n_acting]], 1)).unflatten(1, (_INJECTED, self.side // 8, self.side // 8))
        x = self.among(torch.cat([self.down[1](F.silu(half)), injected], 1))
        x = self.after[0](F.pixel_shuffle(self.up[0](x), 2) + half)
        x = self.after[1](F.pixel_shuffle(self.up[1](x), 2) + near)
        return squares + F.pixel_shuffle(self.out(F.silu(x)), 2).contiguous()


def pixel_positions(side: int, device: torch.device) -> Tensor:
    """Positions of the pixels in a square.

    Args:
        side: Pixels across.
        device: The device of the result.

    Returns:
        (side, side, 2) across and down, from -1 to 1.
    """
    along = (torch.arange(side, device=device) + 0.5) / side * 2 - 1
    return torch.stack(torch.meshgrid(along, along, indexing="xy"), -1)


def cut_out(pictures: Tensor, heads: Tensor, side: int) -> Tensor:
    """Squares around heads; the edge of a picture is repeated beyond it.

    Args:
        pictures: (N, 3, H, W).
        heads: (N, 3) middle (x, y) and height of each head, in heights of the picture.
        side: Pixels across a square.

    Returns:
        (N, 3, side, side).
    """
    height, width = pictures.shape[2:]
    x, y, size = heads[:, :, None, None].unbind(1)
    across, down = (REACH * pixel_positions(side, heads.device)).unbind(-1)
    at = torch.stack([(x + size * across) * height / width * 2 - 1, (y + size * down) * 2 - 1], -1)
    return F.grid_sample(pictures, at.to(pictures.dtype), padding_mode="border", align_corners=False)


def blended(pictures: Tensor, faces: Tensor, heads: Tensor) -> Tensor:
    """Pictures with squares of faces blended in; :func:`blend_weights` gives the shares.

    Args:
        pictures: (N, 3, H, W).
        faces: (N, 3, S, S) squares.
        heads: (N, 3) middle (x, y) and height of each head, in heights of the picture.

    Returns:
        (N, 3, H, W).
    """
    height, width = pictures.shape[2:]
    x, y, size = heads[:, :, None, None].unbind(1)
    # Only these columns and rows are blended in any of the pictures; they are a small part.
    areas = ((x, EDGE, width), (y + REACH * LOW * size, EDGE * TALL, height))
    columns, rows = (slice(*_reached(middle, REACH * edge * size, height, most)) for middle, edge, most in areas)
    across = ((_middles(width, heads.device)[columns] / height)[None, None, :] - x) / (REACH * size)
    down = ((_middles(height, heads.device)[rows] / height)[None, :, None] - y) / (REACH * size)
    at = torch.stack(torch.broadcast_tensors(across, down), -1)
    painted = F.grid_sample(faces, at.to(faces.dtype), mode="bicubic", padding_mode="border", align_corners=False)
    output = pictures.clone()
    output[..., rows, columns] = torch.lerp(pictures[..., rows, columns], painted, blend_weights(at)[:, None].to(pictures.dtype))
    return output


def _middles(count: int, device: torch.device) -> Tensor:
    return torch.arange(count, device=device) + 0.5


def _reached(middle: Tensor, reach: Tensor, height: int, most: int) -> tuple[int, int]:
    """The first pixel of ``most``, and the one after the last, that is at most ``reach`` from one of the middles."""
    first, last = ((middle - reach).min() * height).floor(), ((middle + reach).max() * height).ceil()
    return int(first.clamp(0, most)), int(last.clamp(0, most))


def oval(at: Tensor) -> Tensor:
    """How much of a square is face at positions (..., 2) from -1 to 1: 1 around the middle, 0 at the edge.

    >>> [round(value, 2) for value in oval(torch.tensor([[0.0, 0.0], [0.8, 0.0], [1.0, 0.0], [0.0, 1.5]])).tolist()]
    [1.0, 0.5, 0.0, 0.0]
    """
    distance = at.float().square().sum(-1).sqrt()
    return ((1.0 - distance) * 2.5).clamp(0, 1)


def mouth(at: Tensor) -> Tensor:
    """How much of a square is mouth at positions (..., 2); the mouth is where the faces of the simulator have it.

    >>> [round(value, 2) for value in mouth(torch.tensor([[0.0, 0.55], [0.35, 0.55], [0.0, 0.0]])).tolist()]
    [1.0, 0.37, 0.0]
    """
    across, down = at.float().unbind(-1)
    return torch.exp(-((across / 0.35).square() + ((down - 0.55) / 0.2).square()))


def blend_weights(at: Tensor) -> Tensor:
    """Share of the square in the blended picture at positions (..., 2): 1 from brows to mouth. Hair and outline stay those of the draft;
    otherwise a head that the codes place slightly wrong would show two edges.

    >>> positions = torch.tensor([[0.0, 0.1], [0.525, 0.1], [0.65, 0.1], [0.0, 0.55], [0.0, 0.925]])
    >>> [round(value, 2) for value in blend_weights(positions).tolist()]
    [1.0, 0.5, 0.0, 1.0, 0.0]
    """
    across, down = at.float().unbind(-1)
    distance = (across.square() + ((down - LOW) / TALL).square()).sqrt()
    return ((EDGE - distance) * 4).clamp(0, 1)
