"""What a request gives besides its text: references, a clip to go on from, a clip to edit, as codes and as states of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from seedbench.clips.clip import Clip
from seedbench.errors import GeneratorError
from seedbench.generators.reference import sound
from seedbench.generators.reference.codec import COLUMNS
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.script import FPS, Script, Stretch, read
from seedbench.generators.reference.tokenizer import about_mean
from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, TOKEN_S, n_tokens, voice_of
from seedbench.plugins.generator import Request
from seedbench.suites.prompt import Prompt, Reference

PREFIX_S = 1.6
"""How much of a clip one goes on from is heard and seen again, in seconds: what the model was trained on."""


@dataclass
class Given:
    """What is known before sampling, in scaled-up codes. Keys are places (person, shot); strengths 0..1 by person."""

    script: Script
    people: dict[int, Tensor] = field(default_factory=dict)
    strength: dict[int, float] = field(default_factory=dict)
    shots: dict[int, Tensor] = field(default_factory=dict)
    video: Tensor | None = None
    video_strength: float = 1.0
    sound: Tensor | None = None
    voice: np.ndarray | None = None
    skip: int = 0


def given_by(request: Request, model: ReferenceModel) -> Given:
    """Read a request with all it comes with. Raises GeneratorError or ClipError for an asset that cannot be used."""
    prompt = request.prompt
    given = Given(read(prompt, model.vocabulary.durations))
    places = {person.id: place for place, person in enumerate(prompt.cast)}
    for reference in prompt.references:
        file = (request.root or Path()) / reference.path
        if reference.role in ("appearance", "first_frame") and reference.kind in ("image", "video"):
            for place in _who(prompt, reference, places):
                person, shot, _ = seen(pictures(file), model)
                given.people[place], given.strength[place] = person.mean(0), reference.strength
                if reference.role == "first_frame" and reference.strength > 0:
                    given.shots[0] = shot.mean(0)
        elif reference.role == "motion":
            given.video, given.video_strength = _motion(file, model, n_tokens(given.script)), reference.strength
        elif reference.role == "voice":
            given.voice = _voice(file) if reference.strength > 0 else None
        elif reference.role == "rhythm" and reference.strength > 0:
            given.sound = _sound(file, model, n_tokens(given.script))
    sources = {reference.id: (request.root or Path()) / reference.path for reference in prompt.references}
    if prompt.extends is not None:
        return _extended(given, sources[prompt.extends], model, cut="new shot" in prompt.text.lower())
    if prompt.edit is not None:
        return _edited(given, sources[prompt.edit.source], model, prompt.edit.change)
    return given


def _who(prompt: Prompt, reference: Reference, places: dict[str, int]) -> list[int]:
    named = [places[person.id] for person in prompt.cast if person.reference == reference.id]
    return named or ([0] if len(prompt.cast) == 1 else [])


def pictures(file: Path) -> np.ndarray:
    """The picture of an image file, or eight spread over a clip, (N, H, W, 3) uint8. GeneratorError for what cannot be read."""
    if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".bmp"):
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if picture is None:
            raise GeneratorError(f"{file.name} is no picture that can be read")
        return np.ascontiguousarray(picture[None, ..., ::-1])
    rgb = Clip.open(file).frames(FPS).rgb
    return rgb[np.unique(np.linspace(0, len(rgb) - 1, 8).round().astype(int))]


def fitted(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture (H, W, 3) cut about its middle, filled at the sides where it is narrow, and scaled to (height, width, 3)."""
    h, w = picture.shape[:2]
    scale = height / h
    sized = cv2.resize(picture, (max(1, round(w * scale)), height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    if sized.shape[1] >= width:
        left = (sized.shape[1] - width) // 2
        return np.ascontiguousarray(sized[:, left : left + width])
    left = (width - sized.shape[1]) // 2
    return cv2.copyMakeBorder(sized, 0, 0, left, width - sized.shape[1] - left, cv2.BORDER_REPLICATE)


@torch.no_grad()
def seen(rgb: np.ndarray | Sequence[np.ndarray], model: ReferenceModel) -> tuple[Tensor, Tensor, Tensor]:
    """Codes of pictures (N, H, W, 3) uint8: people (N, P), shots (N, S), motion (N, M)."""
    config = model.tokenizers.video.config
    parts = []
    for first in range(0, len(rgb), 25):
        stack = np.stack([fitted(one, config.width, config.height) for one in rgb[first : first + 25]])
        parts.append(model.tokenizers.video.encode(torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 255))
    person, shot, motion = (torch.cat(column) for column in zip(*parts, strict=True))
    return person, shot, motion


def _paired(motion: Tensor, told: int) -> Tensor:
    """Motion codes (T, M) of one shot, about their mean, as tokens of two pictures, (T / 2, 2 M)."""
    motion = about_mean(motion, told)
    if len(motion) % FRAMES_PER_TOKEN:
        motion = torch.cat([motion, motion[-1:]])
    return motion.reshape(len(motion) // FRAMES_PER_TOKEN, -1)


def _filled(tokens: Tensor, count: int) -> Tensor:
    """Tokens cut, or repeated there and back, to ``count``."""
    if len(tokens) >= count:
        return tokens[:count]
    there_and_back = torch.cat([tokens, tokens.flip(0)])
    return there_and_back.repeat(-(-count // len(there_and_back)), 1)[:count]


def _motion(file: Path, model: ReferenceModel, count: int) -> Tensor:
    return _filled(_paired(seen(Clip.open(file).frames(FPS).rgb, model)[2], model.tokenizers.video.config.told), count)


def _samples(file: Path) -> tuple[np.ndarray, int]:
    if file.suffix.lower() in (".wav", ".flac", ".ogg", ".mp3"):
        import soundfile

        try:
            samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise GeneratorError(f"{file.name} is no sound that can be read ({error})") from error
        return samples.mean(1), int(rate)
    return np.asarray(Clip.open(file).audio(sound.RATE).samples), sound.RATE


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
            raise GeneratorError(f"{file.name} is too short to go on from: it has a single picture")
        start = len(rgb) - kept
        rgb, samples = rgb[start:], samples[start * sound.RATE // FPS :]
    person, shot, motion = seen(rgb, model)
    tokens = _paired(motion, model.tokenizers.video.config.told)
    bands = sound.fitted(sound.log_mel(samples, sound.RATE), len(tokens) * COLUMNS)
    codes = model.tokenizers.sound.encode(torch.from_numpy(bands)[None])[0]
    return person.mean(0), shot.mean(0), tokens, codes


def _extended(given: Given, file: Path, model: ReferenceModel, *, cut: bool) -> Given:
    """Go on from a clip: its end stands before the new frames and is left out of what comes back; after a cut only the person stays."""
    person, shot, tokens, codes = _source(file, model, PREFIX_S)
    script = given.script
    who = script.shots[0].person
    if who >= 0:
        given.people.setdefault(who, person)
        given.strength.setdefault(who, 1.0)
    if cut:
        return given
    frames, later_s = len(tokens) * FRAMES_PER_TOKEN, len(tokens) * TOKEN_S
    shots = tuple(Stretch(item.first + frames if place else 0, item.last + frames, item.person) for place, item in enumerate(script.shots))
    sounds = tuple(replace(item, time_s=item.time_s + later_s) for item in script.sounds)
    given.script = replace(script, shots=shots, sounds=sounds, n_frames=script.n_frames + frames)
    given.shots[0], given.video, given.sound, given.skip = shot, tokens, codes, frames
    return given


def _edited(given: Given, file: Path, model: ReferenceModel, change: str) -> Given:
    """Keep of a clip what is not to be changed."""
    person, shot, tokens, codes = _source(file, model)
    count = n_tokens(given.script)
    given.people[0], given.strength[0] = person, 1.0
    given.video = _filled(tokens, count)
    if change == "voice":
        given.shots = dict.fromkeys(range(len(given.script.shots)), shot)
    else:
        given.sound = _filled(codes, count)
    return given
