"""Training the two tokenizers."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from seedbench.generators.reference.codec import CodecConfig, SoundCodec, sound_loss, spoiled
from seedbench.generators.reference.faces import Faces, cut_out, mouth, oval, places
from seedbench.generators.reference.tokenizer import Decoder, Encoder, Grid, TokenizerConfig, VideoTokenizer, picture_loss
from seedbench.generators.reference.training.averaging import Training
from seedbench.generators.reference.training.batches import Shown, Views, pairs_of
from seedbench.generators.reference.training.losses import (
    acting_missed,
    change_missed,
    face_pixels,
    light_pixels,
    liveliness,
    lively_pixels,
    mean_of,
    motion_missed,
    nearest,
)
from seedbench.generators.reference.training.optimizer import schedule

CODE_NOISE = 0.1
MOTION_NOISE = 0.2  # more, so that few numbers tell what moves, and the same ones for everybody
CELL_NOISE = 0.05
SHOWN_EVERY = 100
MOUTH_WEIGHT = 3.0
CHANGE_WEIGHT = 0.1
SHOT_NOISE = 0.7


class GridTraining(Training[Grid]):
    """Pictures from cells with noise on them."""

    stage = "grid"

    def __init__(self, config: TokenizerConfig, *, steps: int, rate: float = 0.01, seed: int = 0) -> None:
        super().__init__(Grid(config).to(memory_format=torch.channels_last), steps=steps, rate=rate, seed=seed)

    def losses(self, net: Grid, batch: Tensor, seed: int) -> dict[str, Tensor]:
        cells = net.encode(batch)
        made = net.decode(spoiled(cells, CELL_NOISE)).float()
        loss = picture_loss(made, batch, lively_pixels(batch)) + 1e-3 * cells.float().square().mean()
        if self.training and self.global_step % SHOWN_EVERY == 0:
            self.show_pictures("grid/asked_made", torch.cat([batch[:4], made[:4]]))
        return {"loss": loss, "mean_absolute_error": (made - batch).abs().mean()}


class CoderTraining(Training[nn.ModuleDict]):
    """Cells from three codes with noise on them; the person's code comes from other shots."""

    stage = "coder"

    def __init__(self, config: TokenizerConfig, *, steps: int, rate: float = 0.0015, seed: int = 0) -> None:
        coder = nn.ModuleDict({"encoder": Encoder(config), "decoder": Decoder(config)})
        super().__init__(coder, steps=steps, rate=rate, seed=seed)
        self.told = config.told

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps, muon=False)  # its few wide layers cost Muon more than all else

    def losses(self, net: nn.ModuleDict, batch: Views, seed: int) -> dict[str, Tensor]:
        made, size, apart = self._reconstruct(net, batch)
        error = (made - batch.targets).square()
        missed = motion_missed(made, batch)
        loss = (error * liveliness(batch)).mean() + 0.5 * missed + 0.3 * apart + 2e-3 * size
        return {"loss": loss, "motion_missed": missed, "acting_missed": apart, "mean_square_error": error.mean()}

    def _reconstruct(self, net: nn.ModuleDict, views: Views) -> tuple[Tensor, Tensor, Tensor]:
        """Cells as they come back (N, C, h, w), the mean square of the codes, and how far what is told of faces is off."""
        n, n_shots = len(views.targets), len(views.with_person)
        person, shot, motion = (code.float() for code in net["encoder"](torch.cat([views.targets, views.others])))
        codes = [
            mean_of(person[n:], views.of, n_shots) * views.with_person[:, None],
            mean_of(shot[:n], views.stretch, n_shots),
            _about_means(motion[:n], views.stretch, n_shots, self.told),
        ]
        apart = acting_missed(codes[2][:, : self.told], views.acting[:, : self.told])
        size = torch.stack([code.square().mean() for code in codes]).sum()
        codes = [spoiled(code, noise) for code, noise in zip(codes, (CODE_NOISE, CODE_NOISE, MOTION_NOISE), strict=True)]
        codes[0] = codes[0] * views.with_person[:, None]
        return net["decoder"](codes[0][views.stretch], codes[1][views.stretch], codes[2]).float(), size, apart


def _about_means(motion: Tensor, stretch: Tensor, n: int, told: int) -> Tensor:
    """Motion codes (N, M) of ``n`` stretches, each about the mean of its own but for what is told (:func:`about_mean`)."""
    return torch.cat([motion[:, :told], motion[:, told:] - mean_of(motion[:, told:], stretch, n)[stretch]], 1)


class PolishTraining(Training[nn.ModuleDict]):
    """Pictures from codes with noise on them, through the decoders of coder and grid; ``mean`` and ``deviation`` scale cells."""

    stage = "polish"

    def __init__(
        self, config: TokenizerConfig, mean: Tensor, deviation: Tensor, *, steps: int, rate: float = 0.0008, seed: int = 0
    ) -> None:
        super().__init__(nn.ModuleDict({"decoder": Decoder(config), "grid": Grid(config)}), steps=steps, rate=rate, seed=seed)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps, muon=False)

    def losses(self, net: nn.ModuleDict, batch: Shown, seed: int) -> dict[str, Tensor]:
        noises = ((batch.person, CODE_NOISE), (batch.shot, CODE_NOISE), (batch.motion, MOTION_NOISE))
        person, shot, motion = (spoiled(code, noise) for code, noise in noises)
        person = person * (batch.person != 0).any(1, keepdim=True)
        cells = net["decoder"](person, shot, motion) * self.get_buffer("deviation") + self.get_buffer("mean")
        made = cast(Grid, net["grid"]).decode(cells).float()
        missed = change_missed(made, batch.pictures)
        faces = face_pixels(batch.heads, batch.pictures)
        if self.training and self.global_step % SHOWN_EVERY == 0:
            self.show_pictures("polish/asked_made", torch.cat([batch.pictures[:4], made[:4]]))
        loss = picture_loss(made, batch.pictures, lively_pixels(batch.pictures) + faces, 1 + faces) + 0.2 * missed
        return {"loss": loss, "change_missed": missed}


class FacesTraining(Training[nn.ModuleDict]):
    """Squares about the heads of pictures, from those of drafts (of the polished ``video``, which stays as it is) and from codes.

    Codes of shots are spoiled more here, by up to :data:`SHOT_NOISE`: a shot that the model thought up is never quite that of the person
    it is to show, and who is seen must be told by the person's code. Of every other pair the drafts have each other's motion but for what
    is told by name: the painter is to follow what it is told of lips, and not what the draft shows. The mouth counts most
    (:func:`mouth`), a few pixels from where it is asked for as well as there (:func:`nearest`), and dark faces as much as light ones.
    """

    stage = "faces"

    def __init__(self, video: VideoTokenizer, *, steps: int, rate: float = 0.0015, seed: int = 0) -> None:
        size = video.config
        faces = Faces(size.face, size.face_channels, person=size.person, shot=size.shot, motion=size.motion, told=size.told)
        super().__init__(nn.ModuleDict({"faces": faces.to(memory_format=torch.channels_last)}), steps=steps, rate=rate, seed=seed)
        self.video = video

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps, muon=False)

    def losses(self, net: nn.ModuleDict, batch: Shown, seed: int) -> dict[str, Tensor]:
        faces = cast(Faces, net["faces"])
        person = spoiled(batch.person, CODE_NOISE)
        shot = spoiled(batch.shot, SHOT_NOISE * torch.rand_like(batch.shot[:, :1]))
        told, n = self.video.config.told, 2 * pairs_of(len(shot))
        shot[1:n:2] = shot[0:n:2]  # both of a pair are of one shot
        theirs = torch.arange(len(shot), device=shot.device)
        theirs[:n].view(-1, 2)[::2] = theirs[:n].view(-1, 2)[::2].flip(1)
        motion = spoiled(torch.cat([batch.motion[:, :told], batch.motion[theirs, told:]], 1), MOTION_NOISE)
        with torch.no_grad():
            draft = self.video.draft(person, shot, motion).float()
        found = faces.heads(person, shot, motion)
        made = faces(cut_out(draft, found.detach(), faces.side), person, motion).float()
        asked = cut_out(batch.pictures, batch.heads, faces.side)
        apart = ((found - batch.heads[theirs]) / batch.heads[:, 2:]).square().mean()
        at = places(faces.side, made.device)
        face, lips = oval(at), mouth(at)
        near = nearest(made.detach(), asked, lips)
        missed = change_missed(made, near, lips)
        weight = (0.1 + face * (1 - lips))[None, None] * light_pixels(asked, face)
        lip_weight = MOUTH_WEIGHT * lips[None, None] * light_pixels(asked, lips)
        if self.training and self.global_step % SHOWN_EVERY == 0:
            self.show_pictures("faces/asked_made", torch.cat([asked[:4], made[:4]]))
        loss = picture_loss(made, asked, lively_pixels(asked) * weight, 2 * weight)
        loss = loss + picture_loss(made, near, lively_pixels(near) * lip_weight, 2 * lip_weight) + CHANGE_WEIGHT * missed + 2 * apart
        return {"loss": loss, "change_missed": missed, "place_missed": apart}


class CodecTraining(Training[SoundCodec]):
    """Reconstruction of log mel bands from codes with noise on them."""

    stage = "codec"

    def __init__(self, config: CodecConfig, *, steps: int, rate: float = 0.02, seed: int = 0) -> None:
        super().__init__(SoundCodec(config), steps=steps, rate=rate, seed=seed)

    def losses(self, net: SoundCodec, batch: Tensor, seed: int) -> dict[str, Tensor]:
        codes = net.encode(batch).float()
        made = net.decode(spoiled(codes, CODE_NOISE)).float()
        if self.training and self.global_step % SHOWN_EVERY == 0:
            self.show_pictures("codec/asked_made", seen(torch.stack([batch[0], made[0]])))
        return {"loss": sound_loss(made, batch) + 2e-3 * codes.square().mean()}


def seen(bands: Tensor) -> Tensor:
    """Log mel bands (N, T, 80) as grey pictures (N, 3, 80, T), low sounds below."""
    return ((bands.detach() + 11.5) / 14).clamp(0, 1).transpose(1, 2).flip(1)[:, None].expand(-1, 3, -1, -1)
