"""The video tokenizer: a picture as a code of the person, a code of the shot and a few numbers of motion.

There are two stages. A convolutional autoencoder turns a picture into a grid of cells (8 x 8 pixels each); it is local and needs few
pictures to learn. A dense *coder* then turns a grid into three codes and back: one-dimensional as in TiTok (Yu et al. 2024), and split as
in codecs for talking heads. What stays (who is seen; where, in which light and how close) is coded once, what moves (turn of the head,
lips, lids, a falling ball) in a small code for each picture.

The first numbers of a motion code are the *acting* of the face: they are trained to equal what the simulator knows (how far lips and lids
are open, how the head is turned), so that they mean the same for every person. Without that, open lips were another direction of the
code in each shot, and nothing learned to move them with the sound. From the other numbers the mean over the shot is subtracted
(:func:`without_shot_mean`); otherwise they would mostly code what is the same in all pictures of a shot. The person's code is learned from
*other* shots of the same person, so that it holds who someone is and not where. Then both decoders are trained together; in the end the
faces are painted again (:mod:`seedbench.generators.reference.faces`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedbench.generators.reference.faces import FaceSquarePainter, blended, cut_out
from seedbench.generators.reference.layers import Conv, Dense, Residual, initialise

CELL = 8
"""Pixels across a cell of the grid."""


@dataclass(frozen=True)
class TokenizerConfig:
    """The sizes of the tokenizer. They are stored with the weights under these names.

    Attributes:
        width, height: of a picture in pixels, multiples of 16.
        person, shot, motion: numbers in each code.
        told: how many of the first numbers of a motion code are acting, at most 4.
        cell: numbers in a cell.
        channels: channels of the grid from fine to coarse.
        seen: width of the coder's encoder.
        hidden, blocks: width and depth of the coder's decoder.
        face: side of the square in which a face is painted, in pixels, a multiple of 8.
        face_channels: channels of the painter from fine to coarse.
    """

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
        self.apply(initialise)

    def encode(self, pictures: Tensor) -> Tensor:
        """Encode pictures.

        Args:
            pictures: (N, 3, H, W) in 0..1.

        Returns:
            (N, C, H / 8, W / 8) cells.
        """
        return self.down((pictures * 2 - 1).contiguous(memory_format=torch.channels_last))

    def decode(self, cells: Tensor) -> Tensor:
        """Decode cells.

        Args:
            cells: (N, C, H / 8, W / 8).

        Returns:
            (N, 3, H, W), near 0..1.
        """
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
        self.apply(initialise)

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
        self.apply(initialise)

    def forward(self, person: Tensor, shot: Tensor, motion: Tensor) -> Tensor:
        return self.out(self.blocks(self.into(torch.cat([person, shot, motion], 1)))).unflatten(1, self.shape)


class VideoTokenizer(nn.Module):
    """Grid, coder and painter of faces together; ``mean`` and ``deviation`` (C, 1, 1) scale cells to unit size for the coder."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: TokenizerConfig | None = None) -> None:
        super().__init__()
        self.config = config or TokenizerConfig()
        self.grid = Grid(self.config)
        self.encoder = CellEncoder(self.config)
        self.decoder = CellDecoder(self.config)
        sizes = {name: getattr(self.config, name) for name in ("person", "shot", "motion")}
        self.faces = FaceSquarePainter(self.config.face, self.config.face_channels, n_acting=self.config.told, **sizes)
        self.register_buffer("mean", torch.zeros(self.config.cell, 1, 1))
        self.register_buffer("deviation", torch.ones(self.config.cell, 1, 1))

    def cells(self, pictures: Tensor) -> Tensor:
        """Scaled cells of pictures.

        Args:
            pictures: (N, 3, H, W) in 0..1.

        Returns:
            (N, C, h, w) of about unit size.
        """
        return (self.grid.encode(pictures).float() - self.mean) / self.deviation

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode pictures.

        Args:
            pictures: (N, 3, H, W) in 0..1.

        Returns:
            Codes of people (N, P), shots (N, S) and motion (N, M); the mean of a shot's motion is still in its motion.
        """
        return self.encoder(self.cells(pictures))

    def draft(self, person: Tensor, shot: Tensor, motion: Tensor) -> Tensor:
        """Decode pictures without painted faces.

        Args:
            person: (N, P) codes of people.
            shot: (N, S) codes of shots.
            motion: (N, M) codes of motion, without their shot's mean.

        Returns:
            (N, 3, H, W), about 0..1.
        """
        return self.grid.decode(self.decoder(person, shot, motion) * self.deviation + self.mean)

    def decode(self, person: Tensor, shot: Tensor, motion: Tensor, *, size: tuple[int, int] | None = None) -> Tensor:
        """Decode pictures with painted faces.

        Args:
            person: (N, P) codes of people; zeros are nobody.
            shot: (N, S) codes of shots.
            motion: (N, M) codes of motion, without their shot's mean.
            size: Width and height of the pictures; None for those of :meth:`draft`.

        Returns:
            (N, 3, H, W), about 0..1.
        """
        pictures = self.draft(person, shot, motion)
        heads = self.faces.heads(person, shot, motion)
        faces = self.faces(cut_out(pictures, heads, self.faces.side), person, motion)
        if size is not None and size != (pictures.shape[3], pictures.shape[2]):
            pictures = resized(pictures, *size)
        has_person = (person != 0).any(1)[:, None, None, None]
        return torch.where(has_person, blended(pictures, faces, heads), pictures)


def resized(pictures: Tensor, width: int, height: int) -> Tensor:
    """Pictures (N, 3, H, W) scaled to (N, 3, height, width) by cubic interpolation."""
    rows = pictures.permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(np.stack([cv2.resize(row, (width, height), interpolation=cv2.INTER_CUBIC) for row in rows])).permute(0, 3, 1, 2)


def without_shot_mean(motion: Tensor, n_acting: int) -> Tensor:
    """Motion codes of the pictures of one shot without their mean, which belongs in the shot's code.

    Args:
        motion: (N, M) codes of the pictures of one shot.
        n_acting: How many numbers at the beginning are the acting of the face. They mean the same in every shot and stay as they are.

    Returns:
        (N, M).
    """
    free = motion[:, n_acting:]
    return torch.cat([motion[:, :n_acting], free - free.mean(0, keepdim=True)], 1)


def sharpness_loss(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute error of the differences between adjacent pixels.

    Args:
        output: (N, 3, H, W).
        target: (N, 3, H, W).
        weight: (N, 1, H, W) weights of the pixels; None for 1.

    Returns:
        A scalar, at least 0.
    """
    weight = torch.ones_like(target[:, :1]) if weight is None else weight
    down = (output.diff(dim=2) - target.diff(dim=2)).abs() * weight[:, :, 1:]
    across = (output.diff(dim=3) - target.diff(dim=3)).abs() * weight[..., 1:]
    return down.mean() + across.mean()


def picture_loss(output: Tensor, target: Tensor, weight: Tensor | None = None, sharpness_weight: Tensor | None = None) -> Tensor:
    """Error of pictures: absolute error of the pixels plus 0.6 times :func:`sharpness_loss`.

    Args:
        output: (N, 3, H, W).
        target: (N, 3, H, W).
        weight: (N, 1, H, W) weights of the pixels; None for 1.
        sharpness_weight: (N, 1, H, W) weights of the sharpness; None for 1.

    Returns:
        A scalar, at least 0.
    """
    error = (output - target).abs()
    return (error if weight is None else error * weight).mean() + 0.6 * sharpness_loss(output, target, sharpness_weight)
