"""From codes to pictures of the requested size and rate, and to sound."""

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
def paint_frames(
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
    """Paint the frames of a script.

    At rates other than 25 the motion codes of two pictures of one shot are interpolated.

    Args:
        model: a trained twin.
        script: the script.
        person, shot, video: codes of people (P, C), shots (K, C) and pictures (T, C).
        width, height: size in pixels.
        fps: frames a second.
        skip: how many first frames, at 25 a second, are left out.

    Yields:
        Frames (height, width, 3) uint8 RGB.
    """
    tokenizer = model.tokenizers.video
    motion = video.reshape(len(video) * FRAMES_PER_TOKEN, -1)
    nobody = torch.zeros_like(person[:1])
    person_of_shot = torch.cat([person[stretch.person : stretch.person + 1] if stretch.person >= 0 else nobody for stretch in script.shots])
    shot_of_frame = np.concatenate([np.full(stretch.last - stretch.first, index) for index, stretch in enumerate(script.shots)])
    count = round((script.n_frames - skip) / FPS * fps)
    at = np.clip(skip + np.arange(count) * FPS / fps, 0, script.n_frames - 1)
    low = np.floor(at + 1e-6).astype(int)
    high = np.minimum(low + 1, script.n_frames - 1)
    high = np.where(shot_of_frame[high] == shot_of_frame[low], high, low)
    part = torch.from_numpy(at - low).float().clamp(min=0)[:, None]
    codes = motion[low] * (1 - part) + motion[high] * part
    shots = torch.from_numpy(shot_of_frame[low])
    for first in range(0, count, _AT_ONCE):
        part_of_clip = slice(first, first + _AT_ONCE)
        of_shot = shots[part_of_clip]
        pictures = tokenizer.decode(person_of_shot[of_shot], shot[of_shot], codes[part_of_clip], size=(width, height)).clamp(0, 1)
        for picture in (pictures * 255).round().byte().permute(0, 2, 3, 1).numpy():
            yield np.ascontiguousarray(picture)


@torch.no_grad()
def synthesise_sound(model: ReferenceModel, script: Script, codes: Tensor, *, seed: int, skip: int = 0) -> np.ndarray:
    """The sound of sound codes.

    Args:
        model: The model.
        script: The script, whose length the sound gets.
        codes: (T, C) sound codes.
        seed: The seed of the phases.
        skip: Frames at 25 a second to leave out at the beginning.

    Returns:
        (N,) float32 at 16 kHz in -1..1.
    """
    bands = model.tokenizers.sound.decode(codes[None])[0].numpy()
    samples = sound.synthesised(bands[: script.n_frames * sound.COLUMNS_PER_FRAME], seed=seed & 0x7FFFFFFF)
    return samples[skip * sound.RATE // FPS :]
