"""One picture to look at: the clips of each system for the same prompts, as pictures in time with the sound below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from seedbench.clips.clip import Clip
from seedbench.generators.reference import sound

N_PICTURES = 8
_WIDE, _TALL = 128, 72
_SOUND = 44
_LABEL = 170
_GAP = 8
_INK, _FAINT, _PAPER = (24, 26, 30), (110, 114, 122), (255, 255, 255)
_MISSING = 236
"""The grey of a missing clip."""
_WIDTH = _LABEL + N_PICTURES * _WIDE + 2 * _GAP
_LOUDEST = 3.0
"""Log mel band that is drawn brightest; librosa's scale, see :mod:`seedbench.generators.reference.sound`."""


@dataclass(frozen=True)
class Strip:
    """The strip of one system.

    Attributes:
        name: The name of the system.
        scored: A line or two about its scores.
        clip: Its clip; None where it made none.
    """

    name: str
    scored: str
    clip: Path | None


@dataclass(frozen=True)
class PromptStrips:
    """A prompt's text and the strips of all systems, from the top."""

    text: str
    strips: tuple[Strip, ...]


def draw(prompts: Sequence[PromptStrips], file: Path) -> Path:
    """Draw a picture with a block for each prompt and a strip for each system.

    A strip shows :data:`N_PICTURES` pictures at equal steps of time, each from the middle of its part of the clip, above the log mel
    bands of the sound (low frequencies at the bottom). Strips of one block have the length of its longest clip.

    Args:
        prompts: the blocks, from the top.
        file: where the picture is written, in the format of its suffix.

    Returns:
        The file.

    Raises:
        ClipError: a file is not a clip.
    """
    from PIL import Image

    parts = [part for block in prompts for part in _block(block)]
    page = np.concatenate([_space(_GAP), *parts], axis=0)
    Image.fromarray(page).save(file)
    return file


def _block(block: PromptStrips) -> list[np.ndarray]:
    clips = [None if strip.clip is None else Clip.open(strip.clip) for strip in block.strips]
    seconds = max((clip.end_s for clip in clips if clip is not None), default=0.0)
    heading = textwrap.wrap(block.text, 165)
    parts = [_row(_lettered(heading, _WIDTH - 2 * _GAP, _line(15) * len(heading) + _GAP, size=15, ink=_INK))]
    for strip, clip in zip(block.strips, clips, strict=True):
        label = _lettered([strip.name, *strip.scored.split("\n")], _LABEL, _TALL + _SOUND, size=13, ink=_FAINT)
        body = _grey(_TALL + _SOUND) if clip is None else np.concatenate([pictures_of(clip, seconds), sound_of(clip, seconds)], axis=0)
        parts += [_row(label, body), _space(_GAP)]
    return [*parts, _space(_GAP)]


def pictures_of(clip: Clip, seconds: float) -> np.ndarray:
    """The pictures of a strip side by side, (72, 1024, 3) uint8; grey where the clip is over."""
    shown = _grey(_TALL)
    video = clip.frames(25.0)
    for column in range(N_PICTURES):
        index = int((column + 0.5) / N_PICTURES * seconds * 25)
        if index < len(video):
            shown[:, column * _WIDE : (column + 1) * _WIDE] = cv2.resize(video.rgb[index], (_WIDE, _TALL), interpolation=cv2.INTER_AREA)
    return shown


def sound_of(clip: Clip, seconds: float) -> np.ndarray:
    """The log mel bands under a strip, (44, 1024, 3) uint8: dark is quiet, as is a clip without sound."""
    samples = clip.audio(sound.RATE).samples if clip.facts.has_audio else np.zeros(sound.N_FFT, np.float32)
    columns = sound.fitted(sound.log_mel(samples, sound.RATE), max(1, round(seconds * sound.RATE / sound.HOP)))
    loud = np.clip((columns.T[::-1] - sound.FLOOR / 2) / (_LOUDEST - sound.FLOOR / 2), 0, 1)
    small = cv2.resize(np.rint(255 * loud).astype(np.uint8), (N_PICTURES * _WIDE, _SOUND), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(cv2.applyColorMap(small, cv2.COLORMAP_MAGMA)[..., ::-1])


def _grey(tall: int) -> np.ndarray:
    return np.full((tall, N_PICTURES * _WIDE, 3), _MISSING, np.uint8)


def _space(tall: int, width: int = _WIDTH) -> np.ndarray:
    return np.full((tall, width, 3), _PAPER, np.uint8)


def _row(*parts: np.ndarray) -> np.ndarray:
    """Parts side by side, with a margin."""
    margin = _space(len(parts[0]), _GAP)
    return np.concatenate([margin, *parts, margin], axis=1)


def _line(size: int) -> int:
    return round(1.35 * size)


def _lettered(lines: Sequence[str], width: int, tall: int, *, size: int, ink: tuple[int, int, int]) -> np.ndarray:
    """Lines of text, the first of them black."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    page = Image.new("RGB", (width, tall), _PAPER)
    pen = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        pen.text((0, row * _line(size)), line, font=font, fill=ink if row else _INK)
    return np.asarray(page)
