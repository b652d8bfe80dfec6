"""Flow matching over tokens of which some are given: the loss, the tasks it is trained on, and the sampler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, Scripts
from seedbench.generators.reference.transformer import ABSENT, GIVEN, KINDS, NOISY, JointTransformer, Latents, TransformerConfig
from seedbench.generators.reference.twins import Twin, temperature_of

TOLD_WEIGHT = 3.0
"""How much more what faces do counts than other motion: lips are what is heard."""
LOOKS_GUIDED = 0.25
"""How much of the guidance people and shots of people get, beyond 1: what they look like is easily overdone, and then hard to paint."""
WEIGHTS = {"person": 0.4, "shot": 0.4, "video": 1.0, "sound": 1.0}


def all_noisy(scripts: Scripts) -> Latents:
    """States of tokens of which none is given."""
    b = len(scripts.words)
    sizes = (scripts.people.shape[1], scripts.shots.shape[1], scripts.tokens.shape[1], scripts.tokens.shape[1])
    return Latents(*(torch.full((b, size), NOISY, device=scripts.words.device) for size in sizes))


def drawn_states(scripts: Scripts, twin: Twin, generator: torch.Generator) -> Latents:
    """A task for each script of a batch: generate all, or go on from a beginning, or fill in what an edit leaves open.

    In four of ten the people are given (references). The cascaded twin makes half of its tasks pictures without sound, the other half
    sound to finished pictures; the joint one makes both at once.
    """
    states = all_noisy(scripts)
    b = len(scripts.words)

    def chance(share: float) -> Tensor:
        return torch.rand(b, generator=generator) < share

    task = torch.rand(b, generator=generator)
    begin = task < 0.08
    dub, drive, scenery = ((task >= low) & (task < low + 0.05) for low in (0.08, 0.13, 0.18))
    person = chance(0.4) | begin | scenery
    if scripts.tokens.shape[1]:
        until_s = 0.4 + 1.2 * torch.rand(b, generator=generator)
        early = scripts.token_s[None] < until_s[:, None]
        given_video = (begin[:, None] & early) | (dub | scenery)[:, None]
        given_sound = (begin[:, None] & early) | (drive | scenery)[:, None]
        states.video[given_video] = GIVEN
        states.sound[given_sound] = GIVEN
        if twin == "cascaded":
            second = (chance(0.5) | dub) & ~drive & ~scenery
            states.sound[~second] = ABSENT
            states.video[second] = GIVEN
            states.shot[second] = GIVEN
            states.sound[second[:, None] & (states.sound != GIVEN)] = NOISY
            person = person | second
    states.person[person] = GIVEN
    states.shot[:, 0][begin] = GIVEN
    states.shot[dub] = GIVEN
    return states


@dataclass(frozen=True)
class Losses:
    """Mean square error of the velocity for each kind of token, and their weighted sum."""

    total: Tensor
    each: dict[str, Tensor]


def loss_of(
    model: JointTransformer, clean: Latents, scripts: Scripts, states: Latents, generator: torch.Generator, *, blank_share: float = 0.1
) -> Losses:
    """Flow matching (Lipman et al. 2023; logit-normal times as Esser et al. 2024): the velocity from noise to data, on noisy tokens."""
    b = len(scripts.words)
    device = scripts.words.device
    time = torch.sigmoid(torch.randn(b, generator=generator)).to(device)
    blank = (torch.rand(b, generator=generator) < blank_share).to(device)
    mixed, asked = [], []
    for tokens, state in zip(clean.each(), states.each(), strict=True):
        noise = torch.randn(tokens.shape, generator=generator).to(device)
        t = time[:, None, None]
        mixed.append(torch.where((state == GIVEN)[..., None], tokens, (1 - t) * noise + t * tokens))
        asked.append(tokens - noise)
    made = model(Latents(*mixed), states, time, scripts, model.read(scripts, blank=blank))
    there = (scripts.people, scripts.shots, scripts.tokens, scripts.tokens)
    each: dict[str, Tensor] = {}
    total = torch.zeros((), device=device)
    for kind, guess, goal, state, mask in zip(KINDS, made.each(), asked, states.each(), there, strict=True):
        counted = mask & (state == NOISY)
        if counted.any():
            error = (guess - goal).square()
            each[kind] = (error * told_weights(model.config, error) if kind == "video" else error).mean(-1)[counted].mean()
            total = total + WEIGHTS[kind] * each[kind]
    return Losses(total, each)


def told_weights(config: TransformerConfig, like: Tensor) -> Tensor:
    """Weights (C,) of the numbers in a token of pictures, about 1: those told of faces, of each picture, count more."""
    per_picture = config.codes["video"] // FRAMES_PER_TOKEN
    place = torch.arange(config.codes["video"], device=like.device) % per_picture
    weight = torch.where(place < config.told, TOLD_WEIGHT, 1.0)
    return weight / weight.mean()


@dataclass(frozen=True)
class Sampling:
    """How to sample: Euler steps, how strongly the script is followed (1: as trained; in looks :data:`LOOKS_GUIDED` of it), and how much of
    the noise it begins with (None: what suits the twin and what is seen, :func:`seedbench.generators.reference.twins.temperature_of`).

    Less noise than a ``temperature`` of 1 brings what is likelier, and less of a choice (as in Matcha-TTS: Mehta et al. 2024).
    """

    steps: int = 24
    guidance: float = 3.0
    temperature: float | None = None


@torch.no_grad()
def sample(
    model: JointTransformer, scripts: Scripts, noise: Latents, given: Latents, states: Latents, *, how: Sampling, twin: Twin
) -> Latents:
    """Tokens from ``noise``; where ``states`` says GIVEN, those of ``given`` are kept as they are.

    The joint model denoises everything at once. The cascaded one makes people, shots and pictures without any sound, then sound to them.
    """
    suited = [temperature_of(twin, people=seen) for seen in scripts.people.any(1).tolist()]
    share = torch.tensor(suited if how.temperature is None else how.temperature, device=noise.person.device).view(-1, 1, 1)
    noise = Latents(*(share * one for one in noise.each()))
    if twin == "joint":
        return _run(model, scripts, noise, given, states, how)
    first = Latents(states.person, states.shot, states.video, torch.full_like(states.sound, ABSENT))
    seen = _run(model, scripts, noise, given, first, how)
    person, shot, video = (torch.full_like(one, GIVEN) for one in (states.person, states.shot, states.video))
    done = Latents(person, shot, video, states.sound)
    return _run(model, scripts, noise, Latents(seen.person, seen.shot, seen.video, given.sound), done, how)


def _run(model: JointTransformer, scripts: Scripts, noise: Latents, given: Latents, states: Latents, how: Sampling) -> Latents:
    n = len(scripts.words)
    fixed = [(state == GIVEN)[..., None] for state in states.each()]
    now = Latents(*(torch.where(mask, g, z) for mask, g, z in zip(fixed, given.each(), noise.each(), strict=True)))
    if all(bool(((state != NOISY) | ~there).all()) for state, there in zip(states.each(), _there(scripts), strict=True)):
        return now
    guided = how.guidance != 1.0
    context = model.read(_twice(scripts) if guided else scripts, blank=torch.arange(2 * n) >= n if guided else None)
    both = _twice(scripts) if guided else scripts
    twice_states = Latents(*(torch.cat([one, one]) for one in states.each())) if guided else states
    times = torch.linspace(0, 1, how.steps + 1)
    looks = 1 + LOOKS_GUIDED * (how.guidance - 1)
    of_shots = torch.where(scripts.shown[..., None] > 0, looks, how.guidance)
    strengths = (looks, of_shots, how.guidance, how.guidance)
    for begin, end in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        inputs = Latents(*(torch.cat([one, one]) for one in now.each())) if guided else now
        time = torch.full((len(both.words),), begin)
        velocity = model(inputs, twice_states, time, both, context)
        moved = []
        for tokens, v, mask, strength in zip(now.each(), velocity.each(), fixed, strengths, strict=True):
            step = v[n:] + strength * (v[:n] - v[n:]) if guided else v
            moved.append(torch.where(mask, tokens, tokens + (end - begin) * step))
        now = Latents(*moved)
    return now


def _there(scripts: Scripts) -> tuple[Tensor, ...]:
    return scripts.people, scripts.shots, scripts.tokens, scripts.tokens


def _twice(scripts: Scripts) -> Scripts:
    from dataclasses import fields

    return Scripts(**{field.name: torch.cat([getattr(scripts, field.name)] * 2) for field in fields(scripts)})


def noise_like(scripts: Scripts, codes: dict[str, int], seeds: list[int]) -> Latents:
    """Noise for a batch, each row from its own seed, so that a clip does not depend on the batch it was made in.

    Noise in time is drawn token by token: a longer clip begins as a shorter one does.
    """
    sizes = (scripts.people.shape[1], scripts.shots.shape[1], scripts.tokens.shape[1], scripts.tokens.shape[1])
    columns = []
    for place, (kind, size) in enumerate(zip(KINDS, sizes, strict=True)):
        rows = [np.random.default_rng([seed & 0xFFFFFFFF, place]).standard_normal((size, codes[kind]), np.float32) for seed in seeds]
        columns.append(torch.from_numpy(np.stack(rows)))
    return Latents(*columns)
