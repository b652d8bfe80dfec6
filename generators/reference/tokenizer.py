"""The video tokenizer: a picture as a code for the person, a code for the shot and a few numbers of motion.

Two stages. A convolutional autoencoder turns a picture into a grid of cells (8 x 8 pixels each); it is local, so few pictures teach it. A
dense *coder* then turns a whole grid into three codes and back: one-dimensional in the manner of TiTok (Yu et al. 2024), split as
talking-head codecs split it. What stays (who is seen; where, in which light and how near) is coded once, what moves (turn of the head,
lips, lids, a falling ball) in a small code for each picture. Its first numbers are held to what the simulator knows of the face (how far
lips and lids are open, how the head is turned), so that they mean the same for everybody; without that, open lips were another direction
in every shot, and nothing learned to move them with the sound. The others are told about their mean over the shot (:func:`about_mean`),
or what is the same in all pictures of a shot would be most of them. The person's code is learned from *other* shots of the same person,
so that it holds who someone is and not where. Then both decoders are trained as one; at last faces are painted once more
(:mod:`seedbench.generators.reference.faces`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedbench.generators.reference.faces import FacePainter, blended, cut_out
from seedbench.generators.reference.layers import Conv, Dense, Residual, begin

CELL = 8
"""Pixels across a cell of the grid."""


@dataclass(frozen=True)
class TokenizerConfig:
    """Sizes: the picture in pixels (multiples of 16), numbers in each code (``told`` of those of motion say how lips, lids and head
    stand) and in a cell, channels from fine to coarse, the coder's width and depth, the side of a painted face (a multiple of 8) and its
    channels."""

    width: int = 224
    height: int = 128
    person: int = 96
    shot: int = 64
    motion: int = 16
    told: int = 4
    cell: int = 8
    channels: tuple[int, int, int] = (24, 48, 96)
    seen: int = 512
    hidden: int = 640
    blocks: int = 3
    face: int = 96
    face_channels: tuple[int, int, int] = (32, 64, 96)


class Grid(nn.Module):
    """Pictures (N, 3, H, W) in 0..1 to cells (N, C, H / 8, W / 8) of about unit size, and back."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        a, b, c = config.channels
        self.down = nn.Sequential(
            Conv(3, a, 4, stride=2, padding=1),
            nn.SiLU(),
            Conv(a, b, 4, stride=2, padding=1),
            Residual(b),
            Conv(b, c, 4, stride=2, padding=1),
            Residual(c),
            nn.SiLU(),
            Conv(c, config.cell, 1),
        )
        self.up = nn.Sequential(
            Conv(config.cell, c, 3, padding=1),
            Residual(c),
            Residual(c),
            Conv(c, 4 * b, 1),
            nn.PixelShuffle(2),
            Residual(b),
            Conv(b, 4 * a, 1),
            nn.PixelShuffle(2),
            nn.SiLU(),
            Conv(a, a, 3, padding=1),
            nn.SiLU(),
            Conv(a, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.apply(begin)

    def encode(self, pictures: Tensor) -> Tensor:
        """Cells of pictures."""
        return self.down((pictures * 2 - 1).contiguous(memory_format=torch.channels_last))

    def decode(self, cells: Tensor) -> Tensor:
        """Pictures, near 0..1, of cells."""
        return self.up(cells.contiguous(memory_format=torch.channels_last)).contiguous() + 0.5


class CellEncoder(nn.Module):
    """Cells (N, C, h, w) to person codes (N, P), shot codes (N, S) and motion codes (N, M)."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.sizes = (config.person, config.shot, config.motion)
        self.near = Conv(config.cell, 16, 4, stride=2, padding=1)
        flat = 16 * (config.height // CELL // 2) * (config.width // CELL // 2)
        self.into = nn.Linear(flat, config.seen)
        self.blocks = nn.Sequential(*(Dense(config.seen) for _ in range(2)), nn.LayerNorm(config.seen))
        self.out = nn.Linear(config.seen, sum(self.sizes))
        self.apply(begin)

    def forward(self, cells: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        person, shot, motion = self.out(self.blocks(self.into(F.silu(self.near(cells)).flatten(1)))).split(self.sizes, 1)
        return person, shot, motion


class CellDecoder(nn.Module):
    """Codes of persons (N, P), shots (N, S) and motion (N, M) to cells (N, C, h, w)."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.shape = (config.cell, config.height // CELL, config.width // CELL)
        self.into = nn.Linear(config.person + config.shot + config.motion, config.hidden)
        self.blocks = nn.Sequential(*(Dense(config.hidden) for _ in range(config.blocks)), nn.LayerNorm(config.hidden))
        self.out = nn.Linear(config.hidden, config.cell * self.shape[1] * self.shape[2])
        self.apply(begin)

    def forward(self, person: Tensor, shot: Tensor, motion: Tensor) -> Tensor:
        return self.out(self.blocks(self.into(torch.cat([person, shot, motion], 1)))).unflatten(1, self.shape)


class VideoTokenizer(nn.Module):
    """Grid and coder together; ``mean`` and ``deviation`` (C, 1, 1) bring cells to unit size for the coder."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: TokenizerConfig | None = None) -> None:
        super().__init__()
        self.config = config or TokenizerConfig()
        self.grid = Grid(self.config)
        self.encoder = CellEncoder(self.config)
        self.decoder = CellDecoder(self.config)
        sizes = {name: getattr(self.config, name) for name in ("person", "shot", "motion", "told")}
        self.faces = FacePainter(self.config.face, self.config.face_channels, **sizes)
        self.register_buffer("mean", torch.zeros(self.config.cell, 1, 1))
        self.register_buffer("deviation", torch.ones(self.config.cell, 1, 1))

    def cells(self, pictures: Tensor) -> Tensor:
        """Scaled cells (N, C, h, w) of pictures (N, 3, H, W) in 0..1."""
        return (self.grid.encode(pictures).float() - self.mean) / self.deviation

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures (N, 3, H, W) in 0..1 to person codes (N, P), shot codes (N, S) and motion codes (N, M), not yet about their mean."""
        return self.encoder(self.cells(pictures))

    def draft(self, person: Tensor, shot: Tensor, motion: Tensor) -> Tensor:
        """Pictures (N, 3, H, W), near 0..1, of a code of each kind for each, faces not yet painted; ``motion`` is about its shot's mean."""
        return self.grid.decode(self.decoder(person, shot, motion) * self.deviation + self.mean)

    def decode(self, person: Tensor, shot: Tensor, motion: Tensor, *, size: tuple[int, int] | None = None) -> Tensor:
        """Pictures as of :meth:`draft` with their faces, of a ``size`` (width, height) if given. Codes of nobody are 0 and have no face."""
        made = self.draft(person, shot, motion)
        heads = self.faces.heads(person, shot, motion)
        faces = self.faces(cut_out(made, heads, self.faces.side), person, motion)
        if size is not None and size != (made.shape[3], made.shape[2]):
            made = resized(made, *size)
        somebody = (person != 0).any(1)[:, None, None, None]
        return torch.where(somebody, blended(made, faces, heads), made)


def resized(pictures: Tensor, width: int, height: int) -> Tensor:
    """Pictures (N, 3, H, W) as (N, 3, height, width), cubic."""
    rows = pictures.permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(np.stack([cv2.resize(row, (width, height), interpolation=cv2.INTER_CUBIC) for row in rows])).permute(0, 3, 1, 2)


def about_mean(motion: Tensor, told: int) -> Tensor:
    """Motion codes (N, M) of the pictures of one shot without what all of them have in common: that is for the shot's code to tell.

    The first ``told`` numbers are what faces do, which means the same in every shot, and stay.
    """
    return torch.cat([motion[:, :told], motion[:, told:] - motion[:, told:].mean(0, keepdim=True)], 1)


def sharpness_loss(made: Tensor, asked: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference of horizontal and vertical steps between pixels, of pictures (N, 3, H, W), with a ``weight`` (N, 1, H, W) if
    given."""
    weight = torch.ones_like(asked[:, :1]) if weight is None else weight
    down = (made.diff(dim=2) - asked.diff(dim=2)).abs() * weight[:, :, 1:]
    across = (made.diff(dim=3) - asked.diff(dim=3)).abs() * weight[..., 1:]
    return down.mean() + across.mean()


def picture_loss(made: Tensor, asked: Tensor, weight: Tensor | None = None, sharpness_weight: Tensor | None = None) -> Tensor:
    """How far pictures (N, 3, H, W) are from those asked: values and steps between pixels, each with a weight (N, 1, H, W) if given."""
    apart = (made - asked).abs()
    return (apart if weight is None else apart * weight).mean() + 0.6 * sharpness_loss(made, asked, sharpness_weight)
