"""What a request gives besides its text (references, a clip to extend, a clip to edit), as codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from seedbench.clips.clip import Clip
from seedbench.clips.sound import to_mono
from seedbench.errors import ClipError, GeneratorError
from seedbench.generators.reference import sound
from seedbench.generators.reference.codec import COLUMNS
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.script import FPS, Script, Stretch, read
from seedbench.generators.reference.tokenizer import without_shot_mean
from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, TOKEN_S, n_tokens, voice_of
from seedbench.plugins.generator import Request
from seedbench.suites.prompt import Prompt, ReferenceAsset

PREFIX_S = 1.6
"""How much of the end of a clip is given for its extension, in seconds; the model was trained on such lengths."""


@dataclass
class Conditions:
    """What is given before sampling. Codes are not scaled.

    Attributes:
        script: what the model reads of the prompt.
        people: a code (P,) by the index of a person in the cast.
        strength: how much each of these counts, 0..1.
        shots: a code (S,) by the index of a shot.
        video: tokens of pictures (T, C) from the beginning.
        video_strength: how much they count, 0..1.
        sound: tokens of sound (T, C) from the beginning.
        voice: features (160,) of the voice.
        skip: how many first frames are not part of the clip.
    """

    script: Script
    people: dict[int, Tensor] = field(default_factory=dict)
    strength: dict[int, float] = field(default_factory=dict)
    shots: dict[int, Tensor] = field(default_factory=dict)
    video: Tensor | None = None
    video_strength: float = 1.0
    sound: Tensor | None = None
    voice: np.ndarray | None = None
    skip: int = 0


def read_conditions(request: Request, model: ReferenceModel) -> Conditions:
    """Read the prompt and the assets of a request.

    Args:
        request: The request.
        model: The model that encodes the assets.

    Returns:
        What the clip is generated from.

    Raises:
        GeneratorError: An asset cannot be used.
        ClipError: An asset that is a clip cannot be read.
    """
    prompt = request.prompt
    conditions = Conditions(read(prompt, model.vocabulary.durations))
    indices = {person.id: index for index, person in enumerate(prompt.cast)}
    for reference in prompt.references:
        file = (request.root or Path()) / reference.path
        if reference.role in ("appearance", "first_frame") and reference.kind in ("image", "video"):
            for index in _people_of(prompt, reference, indices):
                person, shot, _ = encoded_pictures(read_pictures(file), model)
                conditions.people[index], conditions.strength[index] = person.mean(0), reference.strength
                if reference.role == "first_frame" and reference.strength > 0:
                    conditions.shots[0] = shot.mean(0)
        elif reference.role == "motion":
            conditions.video, conditions.video_strength = _motion(file, model, n_tokens(conditions.script)), reference.strength
        elif reference.role == "voice":
            conditions.voice = _voice(file) if reference.strength > 0 else None
        elif reference.role == "rhythm" and reference.strength > 0:
            conditions.sound = _sound(file, model, n_tokens(conditions.script))
    sources = {reference.id: (request.root or Path()) / reference.path for reference in prompt.references}
    if prompt.extends is not None:
        return _extended(conditions, sources[prompt.extends], model, cut="new shot" in prompt.text.lower())
    if prompt.edit is not None:
        return _edited(conditions, sources[prompt.edit.source], model, prompt.edit.change)
    return conditions


def _people_of(prompt: Prompt, reference: ReferenceAsset, indices: dict[str, int]) -> list[int]:
    """The people of the cast that a reference shows, by index; the only person where none names it."""
    named = [indices[person.id] for person in prompt.cast if person.reference == reference.id]
    return named or ([0] if len(prompt.cast) == 1 else [])


def read_pictures(file: Path) -> np.ndarray:
    """The picture of an image file, or up to eight pictures of a clip.

    Args:
        file: The file.

    Returns:
        (N, H, W, 3) uint8 RGB.

    Raises:
        GeneratorError: The picture cannot be read.
        ClipError: The clip cannot be read.
    """
    if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".bmp"):
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if picture is None:
            raise GeneratorError(f"{file.name} is not a picture that can be read")
        return np.ascontiguousarray(picture[None, ..., ::-1])
    rgb = Clip.open(file).frames(FPS).rgb
    return rgb[np.unique(np.linspace(0, len(rgb) - 1, 8).round().astype(int))]


def fitted_picture(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture scaled to a size: cut at the sides where it is wide, its edges repeated where it is narrow.

    Args:
        picture: (H, W, 3) uint8.
        width: Width in pixels.
        height: Height in pixels.

    Returns:
        (height, width, 3) uint8.
    """
    h, w = picture.shape[:2]
    scale = height / h
    sized = cv2.resize(picture, (max(1, round(w * scale)), height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    if sized.shape[1] >= width:
        left = (sized.shape[1] - width) // 2
        return np.ascontiguousarray(sized[:, left : left + width])
    left = (width - sized.shape[1]) // 2
    return cv2.copyMakeBorder(sized, 0, 0, left, width - sized.shape[1] - left, cv2.BORDER_REPLICATE)


@torch.no_grad()
def encoded_pictures(rgb: np.ndarray | Sequence[np.ndarray], model: ReferenceModel) -> tuple[Tensor, Tensor, Tensor]:
    """Encode pictures.

    Args:
        rgb: N pictures (H, W, 3) uint8, of one size or of several.
        model: The model.

    Returns:
        Codes of people (N, P), shots (N, S) and motion (N, M).
    """
    config = model.tokenizers.video.config
    parts = []
    for first in range(0, len(rgb), 25):
        stack = np.stack([fitted_picture(picture, config.width, config.height) for picture in rgb[first : first + 25]])
        parts.append(model.tokenizers.video.encode(torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 255))
    person, shot, motion = (torch.cat(column) for column in zip(*parts, strict=True))
    return person, shot, motion


def _motion_tokens(motion: Tensor, n_acting: int) -> Tensor:
    """Motion codes (T, M) of one shot, without their mean, as tokens of two pictures, (T / 2, 2 M)."""
    motion = without_shot_mean(motion, n_acting)
    if len(motion) % FRAMES_PER_TOKEN:
        motion = torch.cat([motion, motion[-1:]])
    return motion.reshape(len(motion) // FRAMES_PER_TOKEN, -1)


def _looped(tokens: Tensor, count: int) -> Tensor:
    """Tokens cut to ``count``, or repeated forwards and backwards up to ``count``."""
    if len(tokens) >= count:
        return tokens[:count]
    forwards_and_backwards = torch.cat([tokens, tokens.flip(0)])
    return forwards_and_backwards.repeat(-(-count // len(forwards_and_backwards)), 1)[:count]


def _motion(file: Path, model: ReferenceModel, count: int) -> Tensor:
    return _looped(_motion_tokens(encoded_pictures(Clip.open(file).frames(FPS).rgb, model)[2], model.tokenizers.video.config.told), count)


def _samples(file: Path) -> tuple[np.ndarray, int]:
    """The sound of a file in one channel, and its rate: as stored, or that of the codec where there are pictures."""
    try:
        clip = Clip.open(file)
    except ClipError as error:
        reason = str(error).removeprefix(f"{file}: ")
        raise GeneratorError(f"{file.name} is not a sound that can be read: {reason}") from error
    if clip.facts.has_video:
        return clip.audio(sound.RATE).samples, sound.RATE
    channels, rate = clip.sound_channels()
    return to_mono(channels)[0], rate


def _voice(file: Path) -> np.ndarray:
    voice = voice_of(sound.log_mel(*_samples(file)))
    if voice is None:
        raise GeneratorError(f"{file.name} is silent: no voice can be taken from it")
    return voice


@torch.no_grad()
def _sound(file: Path, model: ReferenceModel, count: int) -> Tensor:
    bands = sound.fitted(sound.log_mel(*_samples(file)), count * COLUMNS)
    return model.tokenizers.sound.encode(torch.from_numpy(bands)[None])[0]


@torch.no_grad()
def _source(file: Path, model: ReferenceModel, last_s: float | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Person (P,), shot (S,), pictures (T, C) and sound (T, C) of a clip, or of its last seconds."""
    clip = Clip.open(file)
    rgb = clip.frames(FPS).rgb
    samples = np.asarray(clip.audio(sound.RATE).samples) if clip.facts.has_audio else np.zeros(len(rgb) * sound.RATE // FPS, np.float32)
    if last_s is not None:
        kept = min(len(rgb), round(last_s * FPS)) // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN
        if not kept:
            raise GeneratorError(f"{file.name} is too short to extend: it has only one picture")
        start = len(rgb) - kept
        rgb, samples = rgb[start:], samples[start * sound.RATE // FPS :]
    person, shot, motion = encoded_pictures(rgb, model)
    tokens = _motion_tokens(motion, model.tokenizers.video.config.told)
    bands = sound.fitted(sound.log_mel(samples, sound.RATE), len(tokens) * COLUMNS)
    codes = model.tokenizers.sound.encode(torch.from_numpy(bands)[None])[0]
    return person.mean(0), shot.mean(0), tokens, codes


def _extended(conditions: Conditions, file: Path, model: ReferenceModel, *, cut: bool) -> Conditions:
    """Extend a clip: its end is given before the new frames, which alone are returned; after a cut only the person is given."""
    person, shot, tokens, codes = _source(file, model, PREFIX_S)
    script = conditions.script
    first_person = script.shots[0].person
    if first_person >= 0:
        conditions.people.setdefault(first_person, person)
        conditions.strength.setdefault(first_person, 1.0)
    if cut:
        return conditions
    frames, later_s = len(tokens) * FRAMES_PER_TOKEN, len(tokens) * TOKEN_S
    shots = tuple(Stretch(shot.first + frames if index else 0, shot.last + frames, shot.person) for index, shot in enumerate(script.shots))
    sounds = tuple(replace(sound, time_s=sound.time_s + later_s) for sound in script.sounds)
    conditions.script = replace(script, shots=shots, sounds=sounds, n_frames=script.n_frames + frames)
    conditions.shots[0], conditions.video, conditions.sound, conditions.skip = shot, tokens, codes, frames
    return conditions


def _edited(conditions: Conditions, file: Path, model: ReferenceModel, change: str) -> Conditions:
    """Edit a clip: give everything of it that must not change."""
    person, shot, tokens, codes = _source(file, model)
    count = n_tokens(conditions.script)
    conditions.people[0], conditions.strength[0] = person, 1.0
    conditions.video = _looped(tokens, count)
    if change == "voice":
        conditions.shots = dict.fromkeys(range(len(conditions.script.shots)), shot)
    else:
        conditions.sound = _looped(codes, count)
    return conditions
