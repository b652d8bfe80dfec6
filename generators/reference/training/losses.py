"""Weights and error terms of the tokenizers' losses: pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from seedbench.generators.reference.training.batches import ShotViews, n_pairs

_ACTING_WEIGHTS = (3.0, 3.0, 1.0, 1.0)
"""Of the numbers of acting: opening and width of the lips count three times."""
FACE_WEIGHT = 3.0
MOUTH_TOLERANCE = (0.03, 0.011)
"""How far down and across a painted mouth may be from its target, as a share of the square's side."""
LEAST_CHANGE = 3e-4
"""Mean square change of a mouth, over three colours, below which a pair counts less: such a change is the noise of the pictures."""


def change_weights(pictures: Tensor) -> Tensor:
    """Weights (N, 1, H, W) from 1 to 9 for the pixels of a batch of :class:`PictureBatches`: larger where the two of a pair differ."""
    n = 2 * n_pairs(len(pictures))
    weight = torch.ones_like(pictures[:, :1])
    if n:
        difference = (pictures[0:n:2] - pictures[1:n:2]).abs().mean(1, keepdim=True)
        weight[:n] += 8 * F.avg_pool2d(difference, 7, 1, 3).mul(8).clamp(max=1).repeat_interleave(2, 0)
    return weight


def face_weights(heads: Tensor, pictures: Tensor) -> Tensor:
    """Weights for the pixels of faces, because eyes and lips are few pixels and yet identify the person and the sound.

    Args:
        heads: middle and height of the heads (N, 3), as of :class:`CodedPictures`.
        pictures: the pictures (N, 3, H, W).

    Returns:
        (N, 1, H, W): up to :data:`FACE_WEIGHT` divided by the square of the head's height inside a face, so that small faces count as
        much as large ones, 0 elsewhere.
    """
    height, width = pictures.shape[2:]
    x, y, size = heads[:, :, None, None].unbind(1)
    down = ((torch.arange(height, device=heads.device) + 0.5) / height)[None, :, None]
    across = ((torch.arange(width, device=heads.device) + 0.5) / height)[None, None]
    distance = ((across - x) / (0.38 * size)).square() + ((down - y) / (0.5 * size)).square()
    return (FACE_WEIGHT / size.square() * torch.sigmoid(8 * (1 - distance))).nan_to_num(0.0)[:, None]


def darkness_weights(target: Tensor, weight: Tensor) -> Tensor:
    """Weights (N, 1, 1, 1) with mean 1: larger for pictures (N, 3, S, S) that are dark where ``weight`` (S, S) is."""
    light = (target * weight).sum((1, 2, 3)) / (3 * weight.sum())
    dark = 1 / (light + 0.15)
    return (dark / dark.mean())[:, None, None, None]


def motion_weights(views: ShotViews) -> Tensor:
    """Weights (N, 1, h, w) from 1 to 4 for cells: larger where the pictures of a stretch differ (lips, lids and bodies)."""
    mean = mean_of(views.targets.flatten(1), views.stretch, len(views.with_person)).view(-1, *views.targets.shape[1:])
    difference = (views.targets - mean[views.stretch]).abs().mean(1, keepdim=True)
    return 1 + 3 * F.avg_pool2d(difference, 3, 1, 1).mul(2).clamp(max=1)


def acting_missed(estimate: Tensor, acting: Tensor) -> Tensor:
    """Mean square error of estimated acting (N, n) in pictures with a face; ``acting`` (N, n) is NaN in the others."""
    with_face = ~acting.isnan().any(1)
    if not with_face.any() or not estimate.shape[1]:
        return torch.zeros((), device=estimate.device)
    weight = torch.tensor(_ACTING_WEIGHTS[: estimate.shape[1]], device=estimate.device)
    return ((estimate[with_face] - acting[with_face]).square() * weight).mean()


def motion_missed(output: Tensor, views: ShotViews) -> Tensor:
    """Share of the motion within stretches that ``output`` (N, C, h, w) lacks: 0 all motion is there, 1 nothing moves.

    Lips are a few cells of hundreds; without a term of their own, a mean square error gives up their motion first.
    """
    n = len(views.with_person)

    def moving(cells: Tensor) -> Tensor:
        return cells - mean_of(cells.flatten(1), views.stretch, n).view(-1, *cells.shape[1:])[views.stretch]

    target = moving(views.targets)
    return (moving(output) - target).square().sum() / target.square().sum().clamp(min=1e-6)


def change_missed(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Share of the change between the two of each pair of pictures that ``output`` lacks.

    Args:
        output: pictures (N, 3, H, W), first pairs.
        target: the pictures that they should be.
        weight: weights (H, W). With them each pair counts as much as any other, however dark it is.

    Returns:
        A scalar: 0 all change is there (or there are no pairs), 1 the two of each pair are the same.
    """
    n = 2 * n_pairs(len(target))
    changed = target[0:n:2] - target[1:n:2]
    error = (output[0:n:2] - output[1:n:2] - changed).square()
    if weight is None:
        return error.sum() / changed.square().sum().clamp(min=1e-6)
    missed, total = (weight * error).sum((1, 2, 3)), (weight * changed.square()).sum((1, 2, 3))
    return (missed / total.clamp(min=LEAST_CHANGE * float(weight.sum()))).sum() / max(1, len(changed))


def moved_nearest(output: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Targets, each moved by the few pixels that bring it closest to the output.

    The codes do not say where lips are to the pixel. A line of one pixel that may be in several places costs least, pixel by pixel, when
    it is not drawn at all, and lips without a line between them do not show whether they are open. Hence the mouth may be a few pixels
    aside (:data:`MOUTH_TOLERANCE`).

    Args:
        output: painted squares (N, 3, S, S), first pairs.
        target: the squares that they should be.
        weight: where the comparison counts, (S, S).

    Returns:
        (N, 3, S, S); both of a pair are moved alike.
    """
    n, side = 2 * n_pairs(len(target)), target.shape[-1]
    reach = (round(MOUTH_TOLERANCE[0] * side), round(MOUTH_TOLERANCE[1] * side))
    moves = [(down, across) for down in range(-reach[0], reach[0] + 1) for across in range(-reach[1], reach[1] + 1)]
    distance = torch.stack([((output - target.roll(move, (2, 3))).abs() * weight).mean((1, 2, 3)) for move in moves])
    distance[:, 0:n:2] = distance[:, 1:n:2] = distance[:, 0:n:2] + distance[:, 1:n:2]
    return torch.stack([square.roll(moves[index], (1, 2)) for square, index in zip(target, distance.argmin(0).tolist(), strict=True)])


def mean_of(values: Tensor, group: Tensor, n: int) -> Tensor:
    """Means (n, C) of ``values`` (N, C) by ``group`` (N,)."""
    total = torch.zeros(n, values.shape[1], dtype=values.dtype, device=values.device).index_add_(0, group, values)
    return total / torch.bincount(group, minlength=n).clamp(min=1)[:, None]
