"""The training steps of the two tokenizers, a class for each stage."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from seedbench.generators.reference.codec import CodecConfig, SoundCodec, sound_loss, with_noise
from seedbench.generators.reference.faces import FaceSquarePainter, cut_out, mouth, oval, pixel_positions
from seedbench.generators.reference.tokenizer import CellDecoder, CellEncoder, Grid, TokenizerConfig, VideoTokenizer, picture_loss
from seedbench.generators.reference.training.batches import CodedPictures, ShotViews, n_pairs
from seedbench.generators.reference.training.ema import StageTraining
from seedbench.generators.reference.training.losses import (
    acting_missed,
    change_missed,
    change_weights,
    darkness_weights,
    face_weights,
    mean_of,
    motion_missed,
    motion_weights,
    moved_nearest,
)
from seedbench.generators.reference.training.optimizer import schedule

CODE_NOISE = 0.1
MOTION_NOISE = 0.2  # more, so that few numbers code what moves, and the same numbers for every person
CELL_NOISE = 0.05
PICTURES_EVERY = 100
"""Steps between two sets of pictures on the dashboard."""
MOUTH_WEIGHT = 3.0
CHANGE_WEIGHT = 0.1
SHOT_NOISE = 0.7


class GridTraining(StageTraining[Grid]):
    """Learns pictures from their cells, to which noise is added."""

    stage = "grid"

    def __init__(self, config: TokenizerConfig, *, steps: int, rate: float = 0.01, seed: int = 0) -> None:
        super().__init__(Grid(config).to(memory_format=torch.channels_last), steps=steps, rate=rate, seed=seed)

    def losses(self, net: Grid, batch: Tensor, seed: int) -> dict[str, Tensor]:
        cells = net.encode(batch)
        output = net.decode(with_noise(cells, CELL_NOISE)).float()
        loss = picture_loss(output, batch, change_weights(batch)) + 1e-3 * cells.float().square().mean()
        if self.training and self.global_step % PICTURES_EVERY == 0:
            self.show_pictures("grid/target_output", torch.cat([batch[:4], output[:4]]))
        return {"loss": loss, "mean_absolute_error": (output - batch).abs().mean()}


class CoderTraining(StageTraining[nn.ModuleDict]):
    """Learns cells from their three codes, to which noise is added. The person's code is taken from other shots."""

    stage = "coder"

    def __init__(self, config: TokenizerConfig, *, steps: int, rate: float = 0.0015, seed: int = 0) -> None:
        coder = nn.ModuleDict({"encoder": CellEncoder(config), "decoder": CellDecoder(config)})
        super().__init__(coder, steps=steps, rate=rate, seed=seed)
        self.n_acting = config.told

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps, muon=False)  # for its few wide layers Muon would cost more than everything else

    def losses(self, net: nn.ModuleDict, batch: ShotViews, seed: int) -> dict[str, Tensor]:
        output, code_size, acting_error = self._reconstruct(net, batch)
        error = (output - batch.targets).square()
        missed = motion_missed(output, batch)
        loss = (error * motion_weights(batch)).mean() + 0.5 * missed + 0.3 * acting_error + 2e-3 * code_size
        return {"loss": loss, "motion_missed": missed, "acting_missed": acting_error, "mean_square_error": error.mean()}

    def _reconstruct(self, net: nn.ModuleDict, views: ShotViews) -> tuple[Tensor, Tensor, Tensor]:
        """The decoded cells (N, C, h, w), the mean square of the codes, and the error of the acting."""
        n, n_shots = len(views.targets), len(views.with_person)
        person, shot, motion = (code.float() for code in net["encoder"](torch.cat([views.targets, views.others])))
        codes = [
            mean_of(person[n:], views.of, n_shots) * views.with_person[:, None],
            mean_of(shot[:n], views.stretch, n_shots),
            _without_stretch_means(motion[:n], views.stretch, n_shots, self.n_acting),
        ]
        acting_error = acting_missed(codes[2][:, : self.n_acting], views.acting[:, : self.n_acting])
        code_size = torch.stack([code.square().mean() for code in codes]).sum()
        codes = [with_noise(code, noise) for code, noise in zip(codes, (CODE_NOISE, CODE_NOISE, MOTION_NOISE), strict=True)]
        codes[0] = codes[0] * views.with_person[:, None]
        return net["decoder"](codes[0][views.stretch], codes[1][views.stretch], codes[2]).float(), code_size, acting_error


def _without_stretch_means(motion: Tensor, stretch: Tensor, n: int, n_acting: int) -> Tensor:
    """Motion codes (N, M) of ``n`` stretches without their means, see :func:`without_shot_mean`."""
    free = motion[:, n_acting:]
    return torch.cat([motion[:, :n_acting], free - mean_of(free, stretch, n)[stretch]], 1)


class PolishTraining(StageTraining[nn.ModuleDict]):
    """Learns pictures from codes, to which noise is added: both decoders together. ``mean`` and ``deviation`` scale cells."""

    stage = "polish"

    def __init__(
        self, config: TokenizerConfig, mean: Tensor, deviation: Tensor, *, steps: int, rate: float = 0.0008, seed: int = 0
    ) -> None:
        super().__init__(nn.ModuleDict({"decoder": CellDecoder(config), "grid": Grid(config)}), steps=steps, rate=rate, seed=seed)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps, muon=False)

    def losses(self, net: nn.ModuleDict, batch: CodedPictures, seed: int) -> dict[str, Tensor]:
        noises = ((batch.person, CODE_NOISE), (batch.shot, CODE_NOISE), (batch.motion, MOTION_NOISE))
        person, shot, motion = (with_noise(code, noise) for code, noise in noises)
        person = person * (batch.person != 0).any(1, keepdim=True)
        cells = net["decoder"](person, shot, motion) * self.get_buffer("deviation") + self.get_buffer("mean")
        output = cast(Grid, net["grid"]).decode(cells).float()
        missed = change_missed(output, batch.pictures)
        faces = face_weights(batch.heads, batch.pictures)
        if self.training and self.global_step % PICTURES_EVERY == 0:
            self.show_pictures("polish/target_output", torch.cat([batch.pictures[:4], output[:4]]))
        loss = picture_loss(output, batch.pictures, change_weights(batch.pictures) + faces, 1 + faces) + 0.2 * missed
        return {"loss": loss, "change_missed": missed}


class FacesTraining(StageTraining[nn.ModuleDict]):
    """Learns to paint squares around heads, from squares of draft pictures and from codes. ``video`` makes the drafts and is not trained.

    Codes of shots get more noise here, up to :data:`SHOT_NOISE`: a shot that the model generates never fits its person exactly, so the
    person's code must decide who is seen. In every other pair the two drafts exchange their motion codes except for the acting: the
    painter must follow the acting of the code and not the draft. The mouth counts most (:func:`mouth`) and may be a few pixels aside
    (:func:`moved_nearest`); dark faces count as much as light ones.
    """

    stage = "faces"

    def __init__(self, video: VideoTokenizer, *, steps: int, rate: float = 0.0015, seed: int = 0) -> None:
        size = video.config
        faces = FaceSquarePainter(size.face, size.face_channels, person=size.person, shot=size.shot, motion=size.motion, n_acting=size.told)
        super().__init__(nn.ModuleDict({"faces": faces.to(memory_format=torch.channels_last)}), steps=steps, rate=rate, seed=seed)
        self.video = video

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps, muon=False)

    def losses(self, net: nn.ModuleDict, batch: CodedPictures, seed: int) -> dict[str, Tensor]:
        faces = cast(FaceSquarePainter, net["faces"])
        person = with_noise(batch.person, CODE_NOISE)
        shot = with_noise(batch.shot, SHOT_NOISE * torch.rand_like(batch.shot[:, :1]))
        n_acting, n = self.video.config.told, 2 * n_pairs(len(shot))
        shot[1:n:2] = shot[0:n:2]  # both of a pair are of one shot
        swapped = torch.arange(len(shot), device=shot.device)
        swapped[:n].view(-1, 2)[::2] = swapped[:n].view(-1, 2)[::2].flip(1)
        motion = with_noise(torch.cat([batch.motion[:, :n_acting], batch.motion[swapped, n_acting:]], 1), MOTION_NOISE)
        with torch.no_grad():
            draft = self.video.draft(person, shot, motion).float()
        heads = faces.heads(person, shot, motion)
        output = faces(cut_out(draft, heads.detach(), faces.side), person, motion).float()
        target = cut_out(batch.pictures, batch.heads, faces.side)
        head_error = ((heads - batch.heads[swapped]) / batch.heads[:, 2:]).square().mean()
        positions = pixel_positions(faces.side, output.device)
        face, lips = oval(positions), mouth(positions)
        moved_target = moved_nearest(output.detach(), target, lips)
        missed = change_missed(output, moved_target, lips)
        weight = (0.1 + face * (1 - lips))[None, None] * darkness_weights(target, face)
        lip_weight = MOUTH_WEIGHT * lips[None, None] * darkness_weights(target, lips)
        if self.training and self.global_step % PICTURES_EVERY == 0:
            self.show_pictures("faces/target_output", torch.cat([target[:4], output[:4]]))
        loss = picture_loss(output, target, change_weights(target) * weight, 2 * weight)
        loss = loss + picture_loss(output, moved_target, change_weights(moved_target) * lip_weight, 2 * lip_weight)
        loss = loss + CHANGE_WEIGHT * missed + 2 * head_error
        return {"loss": loss, "change_missed": missed, "place_missed": head_error}


class CodecTraining(StageTraining[SoundCodec]):
    """Learns log mel bands from their codes, to which noise is added."""

    stage = "codec"

    def __init__(self, config: CodecConfig, *, steps: int, rate: float = 0.02, seed: int = 0) -> None:
        super().__init__(SoundCodec(config), steps=steps, rate=rate, seed=seed)

    def losses(self, net: SoundCodec, batch: Tensor, seed: int) -> dict[str, Tensor]:
        codes = net.encode(batch).float()
        output = net.decode(with_noise(codes, CODE_NOISE)).float()
        if self.training and self.global_step % PICTURES_EVERY == 0:
            self.show_pictures("codec/target_output", bands_as_pictures(torch.stack([batch[0], output[0]])))
        return {"loss": sound_loss(output, batch) + 2e-3 * codes.square().mean()}


def bands_as_pictures(bands: Tensor) -> Tensor:
    """Log mel bands (N, T, 80) as grey pictures (N, 3, 80, T) in 0..1, low frequencies at the bottom."""
    return ((bands.detach() + 11.5) / 14).clamp(0, 1).transpose(1, 2).flip(1)[:, None].expand(-1, 3, -1, -1)
