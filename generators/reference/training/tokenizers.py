"""Training the two tokenizers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generators.reference.codec import CodecConfig, SoundCodec, sound_loss, spoiled
from generators.reference.tokenizer import Decoder, Encoder, Grid, TokenizerConfig, picture_loss
from generators.reference.training.averaging import Training
from generators.reference.training.data import Views, pairs_of
from generators.reference.training.optimizer import schedule

CODE_NOISE = 0.1
CELL_NOISE = 0.05
SHOWN_EVERY = 100


class GridTraining(Training[Grid]):
    """Pictures from cells with noise on them."""

    def __init__(self, config: TokenizerConfig, *, steps: int, rate: float = 0.01, seed: int = 0) -> None:
        super().__init__(Grid(config).to(memory_format=torch.channels_last), steps=steps, rate=rate, seed=seed)

    def training_step(self, pictures: Tensor, _: int) -> Tensor:
        cells = self.net.encode(pictures)
        made = self.net.decode(spoiled(cells, CELL_NOISE)).float()
        loss = picture_loss(made, pictures, lively_pixels(pictures)) + 1e-3 * cells.float().square().mean()
        self.log("grid/loss", loss.detach(), prog_bar=True)
        self.log("grid/mean_absolute_error", (made - pictures).abs().mean().detach())
        if self.global_step % SHOWN_EVERY == 0:
            self.show_pictures("grid/asked_made", torch.cat([pictures[:4], made[:4]]))
        return loss


def lively_pixels(pictures: Tensor) -> Tensor:
    """Weights (N, 1, H, W) from 1 to 9 for the pixels of a batch of :class:`PictureBatches`: more where the two of a pair differ."""
    n = 2 * pairs_of(len(pictures))
    weight = torch.ones_like(pictures[:, :1])
    if n:
        apart = (pictures[0:n:2] - pictures[1:n:2]).abs().mean(1, keepdim=True)
        weight[:n] += 8 * F.avg_pool2d(apart, 7, 1, 3).mul(8).clamp(max=1).repeat_interleave(2, 0)
    return weight


class CoderTraining(Training[nn.ModuleDict]):
    """Cells from three codes with noise on them; the person's code comes from other shots."""

    def __init__(self, config: TokenizerConfig, *, steps: int, rate: float = 0.0015, seed: int = 0) -> None:
        coder = nn.ModuleDict({"encoder": Encoder(config), "decoder": Decoder(config)})
        super().__init__(coder, steps=steps, rate=rate, seed=seed)

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps, muon=False)  # its few wide layers cost Muon more than all else

    def reconstruct(self, views: Views) -> tuple[Tensor, Tensor]:
        """Cells as they come back (N, C, h, w), and the mean square of the codes."""
        n, n_shots = len(views.targets), len(views.with_person)
        person, shot, motion = (code.float() for code in self.net["encoder"](torch.cat([views.targets, views.others])))
        codes = [
            mean_of(person[n:], views.of, n_shots) * views.with_person[:, None],
            mean_of(shot[:n], views.stretch, n_shots),
            motion[:n],
        ]
        size = torch.stack([code.square().mean() for code in codes]).sum()
        if self.training:
            codes = [spoiled(code, CODE_NOISE) for code in codes]
            codes[0] = codes[0] * views.with_person[:, None]
        return self.net["decoder"](codes[0][views.stretch], codes[1][views.stretch], codes[2]).float(), size

    def training_step(self, views: Views, _: int) -> Tensor:
        made, size = self.reconstruct(views)
        error = (made - views.targets).square()
        missed = motion_missed(made, views)
        loss = (error * liveliness(views)).mean() + 0.5 * missed + 2e-3 * size
        self.log("coder/loss", loss.detach(), prog_bar=True)
        self.log("coder/motion_missed", missed.detach())
        self.log("coder/mean_square_error", error.mean().detach())
        return loss


def motion_missed(made: Tensor, views: Views) -> Tensor:
    """Share of what moves within stretches that ``made`` (N, C, h, w) does not follow: 0 all of it is there, 1 nothing moves.

    Lips are a few cells of hundreds; without a term of their own, their motion is what a mean square gives up first.
    """
    n = len(views.with_person)

    def moving(cells: Tensor) -> Tensor:
        return cells - mean_of(cells.flatten(1), views.stretch, n).view(-1, *cells.shape[1:])[views.stretch]

    asked = moving(views.targets)
    return (moving(made) - asked).square().sum() / asked.square().sum().clamp(min=1e-6)


def liveliness(views: Views) -> Tensor:
    """Weights (N, 1, h, w) from 1 to 4: more where a stretch's pictures differ, which is where lips, lids and bodies are."""
    mean = mean_of(views.targets.flatten(1), views.stretch, len(views.with_person)).view(-1, *views.targets.shape[1:])
    apart = (views.targets - mean[views.stretch]).abs().mean(1, keepdim=True)
    return 1 + 3 * F.avg_pool2d(apart, 3, 1, 1).mul(2).clamp(max=1)


def mean_of(values: Tensor, group: Tensor, n: int) -> Tensor:
    """Means (n, C) of ``values`` (N, C) by ``group`` (N,)."""
    total = torch.zeros(n, values.shape[1], dtype=values.dtype, device=values.device).index_add_(0, group, values)
    return total / torch.bincount(group, minlength=n).clamp(min=1)[:, None]


class CodecTraining(Training[SoundCodec]):
    """Reconstruction of log mel bands from codes with noise on them."""

    def __init__(self, config: CodecConfig, *, steps: int, rate: float = 0.02, seed: int = 0) -> None:
        super().__init__(SoundCodec(config), steps=steps, rate=rate, seed=seed)

    @property
    def codec(self) -> SoundCodec:
        """What is trained."""
        return self.net

    def training_step(self, bands: Tensor, _: int) -> Tensor:
        codes = self.codec.encode(bands).float()
        made = self.codec.decode(spoiled(codes, CODE_NOISE)).float()
        loss = sound_loss(made, bands) + 2e-3 * codes.square().mean()
        self.log("codec/loss", loss.detach(), prog_bar=True)
        if self.global_step % SHOWN_EVERY == 0:
            self.show_pictures("codec/asked_made", seen(torch.stack([bands[0], made[0]])))
        return loss


def seen(bands: Tensor) -> Tensor:
    """Log mel bands (N, T, 80) as grey pictures (N, 3, 80, T), low sounds below."""
    return ((bands.detach() + 11.5) / 14).clamp(0, 1).transpose(1, 2).flip(1)[:, None].expand(-1, 3, -1, -1)
