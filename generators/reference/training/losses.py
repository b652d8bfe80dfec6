"""What the losses of the tokenizers weigh, and the errors that they add up: pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from seedbench.generators.reference.training.batches import Views, pairs_of

_ACTING_WEIGHTS = (3.0, 3.0, 1.0, 1.0)
FACE_WEIGHT = 3.0
NEAR = (0.03, 0.011)
"""How far down and across lips may be from where they are asked for, in sides of the square."""
LEAST_CHANGE = 3e-4
"""Mean square, over three colours, of what changes about a mouth below which a pair counts less: the grain of its pictures."""


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


def light_pixels(asked: Tensor, weight: Tensor) -> Tensor:
    """Weights (N, 1, 1, 1), about 1, that make up for how little light a picture (N, 3, S, S) has where ``weight`` (S, S) is."""
    light = (asked * weight).sum((1, 2, 3)) / (3 * weight.sum())
    dark = 1 / (light + 0.15)
    return (dark / dark.mean())[:, None, None, None]


def liveliness(views: Views) -> Tensor:
    """Weights (N, 1, h, w) from 1 to 4: more where a stretch's pictures differ, which is where lips, lids and bodies are."""
    mean = mean_of(views.targets.flatten(1), views.stretch, len(views.with_person)).view(-1, *views.targets.shape[1:])
    apart = (views.targets - mean[views.stretch]).abs().mean(1, keepdim=True)
    return 1 + 3 * F.avg_pool2d(apart, 3, 1, 1).mul(2).clamp(max=1)


def acting_missed(told: Tensor, acting: Tensor) -> Tensor:
    """Mean square of what is told of faces (N, n) from what they do, lips counting three times; faces alone count."""
    there = ~acting.isnan().any(1)
    if not there.any() or not told.shape[1]:
        return torch.zeros((), device=told.device)
    weight = torch.tensor(_ACTING_WEIGHTS[: told.shape[1]], device=told.device)
    return ((told[there] - acting[there]).square() * weight).mean()


def motion_missed(made: Tensor, views: Views) -> Tensor:
    """Share of what moves within stretches that ``made`` (N, C, h, w) does not follow: 0 all of it is there, 1 nothing moves.

    Lips are a few cells of hundreds; without a term of their own, their motion is what a mean square gives up first.
    """
    n = len(views.with_person)

    def moving(cells: Tensor) -> Tensor:
        return cells - mean_of(cells.flatten(1), views.stretch, n).view(-1, *cells.shape[1:])[views.stretch]

    asked = moving(views.targets)
    return (moving(made) - asked).square().sum() / asked.square().sum().clamp(min=1e-6)


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


def mean_of(values: Tensor, group: Tensor, n: int) -> Tensor:
    """Means (n, C) of ``values`` (N, C) by ``group`` (N,)."""
    total = torch.zeros(n, values.shape[1], dtype=values.dtype, device=values.device).index_add_(0, group, values)
    return total / torch.bincount(group, minlength=n).clamp(min=1)[:, None]
