"""From codes to a file: pictures at the asked size and rate, sound, a clip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from seedbench.generators.reference import sound
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.script import FPS, Script
from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN

_AT_ONCE = 25


@torch.no_grad()
def frames(
    model: ReferenceModel,
    script: Script,
    person: Tensor,
    shot: Tensor,
    video: Tensor,
    *,
    width: int,
    height: int,
    fps: int = FPS,
    skip: int = 0,
) -> Iterator[np.ndarray]:
    """Pictures (height, width, 3) uint8 at ``fps`` of a script from its codes: people (P, C), shots (K, C), pictures (T, C).

    At other rates than 25 the motion between two pictures of one shot is half way. The first ``skip`` (of 25 a second) are left out.
    """
    tokenizer = model.tokenizers.video
    motion = video.reshape(len(video) * FRAMES_PER_TOKEN, -1)
    nobody = torch.zeros_like(person[:1])
    who = torch.cat([person[one.person : one.person + 1] if one.person >= 0 else nobody for one in script.shots])
    owner = np.concatenate([np.full(one.last - one.first, place) for place, one in enumerate(script.shots)])
    count = round((script.n_frames - skip) / FPS * fps)
    at = np.clip(skip + np.arange(count) * FPS / fps, 0, script.n_frames - 1)
    low = np.floor(at + 1e-6).astype(int)
    high = np.minimum(low + 1, script.n_frames - 1)
    high = np.where(owner[high] == owner[low], high, low)
    part = torch.from_numpy(at - low).float().clamp(min=0)[:, None]
    codes = motion[low] * (1 - part) + motion[high] * part
    which = torch.from_numpy(owner[low])
    for first in range(0, count, _AT_ONCE):
        here = slice(first, first + _AT_ONCE)
        made = tokenizer.decode(who[which[here]], shot[which[here]], codes[here], size=(width, height)).clamp(0, 1)
        for picture in (made * 255).round().byte().permute(0, 2, 3, 1).numpy():
            yield np.ascontiguousarray(picture)


@torch.no_grad()
def samples(model: ReferenceModel, script: Script, codes: Tensor, *, seed: int, skip: int = 0) -> np.ndarray:
    """Sound (N,) float32 at 16 kHz of sound codes (T, C), without the first ``skip`` pictures' time."""
    bands = model.tokenizers.sound.decode(codes[None])[0].numpy()
    made = sound.sounded(bands[: script.n_frames * sound.COLUMNS_PER_FRAME], seed=seed & 0x7FFFFFFF)
    return made[skip * sound.RATE // FPS :]
