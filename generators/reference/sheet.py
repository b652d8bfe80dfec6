"""One picture to look at: what each system made of the same prompts, as pictures in time and the sound under them."""

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
_NOTHING = 236
"""The grey of what nobody made."""
_WIDTH = _LABEL + N_PICTURES * _WIDE + 2 * _GAP
_LOUDEST = 3.0
"""Log mel band that is drawn brightest; librosa's scale, see :mod:`seedbench.generators.reference.sound`."""


@dataclass(frozen=True)
class Strip:
    """What one system made: its name, a line or two on how it scored, and the clip (None: it made none)."""

    name: str
    scored: str
    clip: Path | None


@dataclass(frozen=True)
class Asked:
    """A prompt's text and the strips of all systems, from the top."""

    text: str
    strips: tuple[Strip, ...]


def draw(asked: Sequence[Asked], file: Path) -> Path:
    """Write a picture (its kind by the file's suffix) with a block for each prompt, a strip for each system.

    A strip shows :data:`N_PICTURES` pictures at even times, each from the middle of its share of the clip, over the log mel bands of the
    whole sound (low below), so that what is heard stands under what is seen. Strips of one block span the same seconds: those of its
    longest clip. Raises ClipError for a file that is no clip.
    """
    from PIL import Image

    parts = [part for one in asked for part in _block(one)]
    page = np.concatenate([_space(_GAP), *parts], axis=0)
    Image.fromarray(page).save(file)
    return file


def _block(asked: Asked) -> list[np.ndarray]:
    clips = [None if strip.clip is None else Clip.open(strip.clip) for strip in asked.strips]
    seconds = max((clip.end_s for clip in clips if clip is not None), default=0.0)
    heading = textwrap.wrap(asked.text, 165)
    parts = [_row(_lettered(heading, _WIDTH - 2 * _GAP, _line(15) * len(heading) + _GAP, size=15, ink=_INK))]
    for strip, clip in zip(asked.strips, clips, strict=True):
        label = _lettered([strip.name, *strip.scored.split("\n")], _LABEL, _TALL + _SOUND, size=13, ink=_FAINT)
        body = _grey(_TALL + _SOUND) if clip is None else np.concatenate([pictures_of(clip, seconds), sound_of(clip, seconds)], axis=0)
        parts += [_row(label, body), _space(_GAP)]
    return [*parts, _space(_GAP)]


def pictures_of(clip: Clip, seconds: float) -> np.ndarray:
    """The pictures of a strip side by side, (72, 1024, 3) uint8; grey where the clip is over."""
    shown = _grey(_TALL)
    video = clip.frames(25.0)
    for place in range(N_PICTURES):
        index = int((place + 0.5) / N_PICTURES * seconds * 25)
        if index < len(video):
            shown[:, place * _WIDE : (place + 1) * _WIDE] = cv2.resize(video.rgb[index], (_WIDE, _TALL), interpolation=cv2.INTER_AREA)
    return shown


def sound_of(clip: Clip, seconds: float) -> np.ndarray:
    """The log mel bands under a strip, (44, 1024, 3) uint8: dark is quiet, as is a clip without sound."""
    samples = clip.audio(sound.RATE).samples if clip.facts.has_audio else np.zeros(sound.N_FFT, np.float32)
    columns = sound.fitted(sound.log_mel(samples, sound.RATE), max(1, round(seconds * sound.RATE / sound.HOP)))
    loud = np.clip((columns.T[::-1] - sound.FLOOR / 2) / (_LOUDEST - sound.FLOOR / 2), 0, 1)
    small = cv2.resize(np.rint(255 * loud).astype(np.uint8), (N_PICTURES * _WIDE, _SOUND), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(cv2.applyColorMap(small, cv2.COLORMAP_MAGMA)[..., ::-1])


def _grey(tall: int) -> np.ndarray:
    return np.full((tall, N_PICTURES * _WIDE, 3), _NOTHING, np.uint8)


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
