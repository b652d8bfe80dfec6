"""Training the two tokenizers."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seedbench.generators.reference.codec import CodecConfig, SoundCodec, sound_loss, spoiled
from seedbench.generators.reference.faces import Faces, cut_out, mouth, oval, places
from seedbench.generators.reference.tokenizer import Decoder, Encoder, Grid, TokenizerConfig, VideoTokenizer, picture_loss
from seedbench.generators.reference.training.averaging import Training
from seedbench.generators.reference.training.batches import Shown, Views, pairs_of
from seedbench.generators.reference.training.optimizer import schedule

CODE_NOISE = 0.1
_ACTING_WEIGHTS = (3.0, 3.0, 1.0, 1.0)
MOTION_NOISE = 0.2  # more, so that few numbers tell what moves, and the same ones for everybody
CELL_NOISE = 0.05
SHOWN_EVERY = 100
FACE_WEIGHT = 3.0
MOUTH_WEIGHT = 3.0
CHANGE_WEIGHT = 0.1
NEAR = (0.03, 0.011)
"""How far down and across lips may be from where they are asked for, in sides of the square."""
LEAST_CHANGE = 3e-4
"""Mean square, over three colours, of what changes about a mouth below which a pair counts less: the grain of its pictures."""
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


def lively_pixels(pictures: Tensor) -> Tensor:
    """Weights (N, 1, H, W) from 1 to 9 for the pixels of a batch of :class:`PictureBatches`: more where the two of a pair differ."""
    n = 2 * pairs_of(len(pictures))
    weight = torch.ones_like(pictures[:, :1])
    if n:
        apart = (pictures[0:n:2] - pictures[1:n:2]).abs().mean(1, keepdim=True)
        weight[:n] += 8 * F.avg_pool2d(apart, 7, 1, 3).mul(8).clamp(max=1).repeat_interleave(2, 0)
    return weight


def face_pixels(heads: Tensor, pictures: Tensor) -> Tensor:
    """Weights (N, 1, H, W) for the pixels of pictures: 0, and where a face is up to :data:`FACE_WEIGHT` over the square of its height (a
    small one counts as much as a large one); ``heads`` as of :class:`Shown`.

    Eyes and lips are a few pixels of thousands, and all that tells one person, and one sound, from another.
    """
    height, width = pictures.shape[2:]
    x, y, size = heads[:, :, None, None].unbind(1)
    down = ((torch.arange(height, device=heads.device) + 0.5) / height)[None, :, None]
    across = ((torch.arange(width, device=heads.device) + 0.5) / height)[None, None]
    apart = ((across - x) / (0.38 * size)).square() + ((down - y) / (0.5 * size)).square()
    return (FACE_WEIGHT / size.square() * torch.sigmoid(8 * (1 - apart))).nan_to_num(0.0)[:, None]


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


def acting_missed(told: Tensor, acting: Tensor) -> Tensor:
    """Mean square of what is told of faces (N, n) from what they do, lips counting three times; faces alone count."""
    there = ~acting.isnan().any(1)
    if not there.any() or not told.shape[1]:
        return torch.zeros((), device=told.device)
    weight = torch.tensor(_ACTING_WEIGHTS[: told.shape[1]], device=told.device)
    return ((told[there] - acting[there]).square() * weight).mean()


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


def nearest(made: Tensor, asked: Tensor, weight: Tensor) -> Tensor:
    """Squares ``asked`` (N, 3, S, S), each moved by the few pixels that bring it nearest to ``made`` where ``weight`` (S, S) is; both of a
    pair alike.

    Codes do not tell where lips are to the pixel. A line that is a pixel wide and may be here or there is best not drawn at all where each
    pixel is held to its own, and lips without a line between them tell nobody what they do.
    """
    n, side = 2 * pairs_of(len(asked)), asked.shape[-1]
    reach = (round(NEAR[0] * side), round(NEAR[1] * side))
    moves = [(down, across) for down in range(-reach[0], reach[0] + 1) for across in range(-reach[1], reach[1] + 1)]
    apart = torch.stack([((made - asked.roll(move, (2, 3))).abs() * weight).mean((1, 2, 3)) for move in moves])
    apart[:, 0:n:2] = apart[:, 1:n:2] = apart[:, 0:n:2] + apart[:, 1:n:2]
    return torch.stack([one.roll(moves[place], (1, 2)) for one, place in zip(asked, apart.argmin(0).tolist(), strict=True)])


def light_pixels(asked: Tensor, weight: Tensor) -> Tensor:
    """Weights (N, 1, 1, 1), about 1, that make up for how little light a picture (N, 3, S, S) has where ``weight`` (S, S) is."""
    light = (asked * weight).sum((1, 2, 3)) / (3 * weight.sum())
    dark = 1 / (light + 0.15)
    return (dark / dark.mean())[:, None, None, None]


def change_missed(made: Tensor, asked: Tensor, weight: Tensor | None = None) -> Tensor:
    """Share of what changes between the two of each pair of pictures (N, 3, H, W) that ``made`` does not follow; 0 where there are no
    pairs. With a ``weight`` (H, W), each pair counts as much as any other, however little of its light changes there."""
    n = 2 * pairs_of(len(asked))
    changed = asked[0:n:2] - asked[1:n:2]
    apart = (made[0:n:2] - made[1:n:2] - changed).square()
    if weight is None:
        return apart.sum() / changed.square().sum().clamp(min=1e-6)
    missed, all_of_it = (weight * apart).sum((1, 2, 3)), (weight * changed.square()).sum((1, 2, 3))
    return (missed / all_of_it.clamp(min=LEAST_CHANGE * float(weight.sum()))).sum() / max(1, len(changed))


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
