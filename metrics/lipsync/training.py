"""Training of the encoder pair: lips and sound of one moment must score above other lags and above other clips. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbench.metrics.lipsync.augmentation import varied_batch, varied_window
from seedbench.metrics.lipsync.encoder import LIP_LAYERS, SOUND_LAYERS, LipSyncEncoder
from seedbench.metrics.lipsync.estimators import LAGS
from seedbench.metrics.lipsync.same_speech import speech_groups

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TrainingRecipe:
    """Settings of one training; stored with the model. With few clips a small network, strong dropout and weight decay are best."""

    steps: int = 450
    batch: int = 16
    width: int = 64
    size: int = 16
    dropout: float = 0.3
    weight_decay: float = 0.3
    learning_rate: float = 3e-3
    window_frames: tuple[int, int] = (40, 100)
    target_width: float = 0.7
    max_shift: int = 8
    seed: int = 0


def _convolutions(inputs: int, recipe: TrainingRecipe, layers: Sequence[tuple[int, int]]) -> torch.nn.Sequential:
    from torch import nn

    parts: list[nn.Module] = [nn.Dropout(recipe.dropout)]
    last = len(layers) - 1
    for k, (width, stride) in enumerate(layers):
        into = inputs if k == 0 else recipe.width
        parts.append(nn.Conv1d(into, recipe.size if k == last else recipe.width, width, stride=stride, padding=width // 2))
        if 0 < k < last:
            parts.append(nn.GELU())
        if k == 1:
            parts.append(nn.Dropout(recipe.dropout))
    return nn.Sequential(*parts)


def _lag_products(lips: torch.Tensor, sound: torch.Tensor) -> torch.Tensor:
    """Mean dot product of every clip's lips (B, k, T) with every clip's sound (B, k, T) at each lag: (B, B, 31)."""
    import torch

    n = lips.shape[-1]
    products = []
    for lag in LAGS.tolist():
        v, a = lips[:, :, max(0, lag) : n + min(0, lag)], sound[:, :, max(0, -lag) : n - max(0, lag)]
        products.append(v.flatten(1) @ a.flatten(1).T / v.shape[-1])
    return torch.stack(products, dim=-1)


def train_encoder(
    shapes: Sequence[np.ndarray],
    sounds: Sequence[np.ndarray],
    offsets: Sequence[float],
    recipe: TrainingRecipe,
    *,
    progress: Callable[[int, float], None] | None = None,
) -> LipSyncEncoder:
    """Train the networks on clips.

    Each step draws clips with different speech, cuts a window of each, shifts its sound by a random known lag, varies it
    (:mod:`seedbench.metrics.lipsync.augmentation`) and adds noise; the loss is the cross entropy of the right
    lag among 31 and of the right clip in the batch. Deterministic for a seed on one machine.

    Args:
        shapes: (T, D) lip shapes of each clip at 25 fps.
        sounds: (4 T, bands) its sound features.
        offsets: Its known offset in frames (positive: sound early).
        recipe: The settings of the training.
        progress: Is called with the step and the loss.

    Returns:
        The trained weights.
    """
    import torch
    from torch.nn import functional

    lip_scale = np.sqrt(np.mean([values.var(axis=0) for values in shapes], axis=0)) + 1e-9
    sound_scale = np.sqrt(np.mean([values.var(axis=0) for values in sounds], axis=0)) + 1e-9
    speech = speech_groups(sounds)
    lips = [(values / lip_scale).astype(np.float32) for values in shapes]
    heard = [(values / sound_scale).astype(np.float32) for values in sounds]
    rng = np.random.default_rng(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        lip_net = _convolutions(lips[0].shape[1], recipe, LIP_LAYERS)
        sound_net = _convolutions(heard[0].shape[1], recipe, SOUND_LAYERS)
        sharpness = torch.nn.Parameter(torch.tensor(1.5))
        parameters: list[Any] = [*lip_net.parameters(), *sound_net.parameters(), sharpness]
        optimiser = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.steps)
        batch = min(recipe.batch, int(speech.max()) + 1)
        for step in range(recipe.steps):
            v, a, target = _draw_batch(lips, heard, offsets, speech, sound_scale.astype(np.float32), rng, batch, recipe)
            v = v * (1 + 0.2 * torch.randn(batch, 1, 1)) + 0.1 * torch.randn_like(v)
            a = a + 0.2 * torch.randn_like(a) + 0.3 * torch.randn(batch, 1, 1)
            products = _lag_products(functional.normalize(lip_net(v), dim=1), functional.normalize(sound_net(a), dim=1))
            loss = _loss(products * 5.0 * torch.exp(sharpness), target, recipe.target_width)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if progress is not None:
                progress(step + 1, loss.item())
    lip_weights, lip_biases = _weights(lip_net)
    sound_weights, sound_biases = _weights(sound_net)
    return LipSyncEncoder(lip_weights, lip_biases, sound_weights, sound_biases, lip_scale, sound_scale)


def _draw_batch(
    lips: list[np.ndarray],
    heard: list[np.ndarray],
    offsets: Sequence[float],
    speech: np.ndarray,
    sound_scale: np.ndarray,
    rng: np.random.Generator,
    batch: int,
    recipe: TrainingRecipe,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A batch of varied windows of clips with different speech: lips (B, D, w), sound (B, bands, 4 w) shifted by known lags, and those lags
    (B,) in frames."""
    import torch

    length = int(rng.integers(*recipe.window_frames))
    spoken = rng.choice(int(speech.max()) + 1, batch, replace=False).tolist()
    clips = [int(rng.choice(np.flatnonzero(speech == number))) for number in spoken]
    windows = [varied_window(lips[clip], heard[clip], offsets[clip], length, recipe.max_shift, rng) for clip in clips]
    seen, sound, target = (torch.from_numpy(part) for part in varied_batch(windows, sound_scale, rng))
    return seen.transpose(1, 2), sound.transpose(1, 2), target


def _loss(scores: torch.Tensor, target: torch.Tensor, width: float) -> torch.Tensor:
    """Cross entropy of the right lag within the own pair, and of the right clip and lag among the batch, both ways."""
    import torch
    from torch.nn import functional

    batch = len(target)
    lags = torch.from_numpy(LAGS.astype(np.float32))
    wanted = functional.softmax(-0.5 * ((lags[None] - target[:, None]) / width) ** 2, dim=1)
    own = torch.arange(batch)
    among = torch.zeros(batch, batch, len(LAGS))
    among[own, own] = wanted
    lag_loss = -(wanted * functional.log_softmax(scores[own, own], dim=1)).sum(1).mean()
    lips_loss = -(among.flatten(1) * functional.log_softmax(scores.flatten(1), dim=1)).sum(1).mean()
    sound_loss = -(among.flatten(1) * functional.log_softmax(scores.transpose(0, 1).flatten(1), dim=1)).sum(1).mean()
    return lag_loss + (lips_loss + sound_loss) / 2


def _weights(net: torch.nn.Sequential) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    from torch import nn

    layers = [layer for layer in net if isinstance(layer, nn.Conv1d)]
    return (
        tuple(layer.weight.detach().numpy().astype(np.float64) for layer in layers),
        tuple(layer.bias.detach().numpy().astype(np.float64) for layer in layers if layer.bias is not None),
    )
