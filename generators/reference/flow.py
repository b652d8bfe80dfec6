"""Flow matching over tokens of which some are given: the tasks, the loss and the sampler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, Scripts
from seedbench.generators.reference.transformer import ABSENT, GIVEN, KINDS, NOISY, JointTransformer, Latents, TransformerConfig
from seedbench.generators.reference.twins import Twin, temperature_of

ACTING_WEIGHT = 3.0
"""How many times more the acting of faces counts than other motion, because lips must fit the sound."""
LOOKS_GUIDANCE_SHARE = 0.25
"""The share of the guidance above 1 that people and shots of people get: exaggerated looks are hard to paint."""
WEIGHTS = {"person": 0.4, "shot": 0.4, "video": 1.0, "sound": 1.0}


def all_noisy(scripts: Scripts) -> Latents:
    """States of tokens of which none is given.

    Args:
        scripts: B scripts.

    Returns:
        The states (B, n) of each kind of token.
    """
    b = len(scripts.words)
    sizes = (scripts.people.shape[1], scripts.shots.shape[1], scripts.tokens.shape[1], scripts.tokens.shape[1])
    return Latents(*(torch.full((b, size), NOISY, device=scripts.words.device) for size in sizes))


def draw_states(scripts: Scripts, twin: Twin, generator: torch.Generator) -> Latents:
    """A random task for each script of a batch: generate everything, extend a beginning, or regenerate what an edit leaves open.

    In four of ten tasks the people are given (references). For the cascaded twin half of the tasks are pictures without sound, the other
    half sound for finished pictures; the joint twin generates both at once.

    Args:
        scripts: B scripts.
        twin: The twin.
        generator: The random generator.

    Returns:
        The states of the tokens, for each kind (B, n).
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
    """The loss of flow matching (Lipman et al. 2023; logit-normal times as Esser et al. 2024).

    The model learns the velocity from noise to data; only noisy tokens count.

    Args:
        model: The transformer.
        clean: (B, n, C) scaled codes of each kind.
        scripts: B scripts.
        states: (B, n) which tokens are given and which are noisy, for each kind.
        generator: The random generator.
        blank_share: The share 0..1 of scripts whose context is empty (for guidance).

    Returns:
        The loss, in total and for each kind of token.
    """
    b = len(scripts.words)
    device = scripts.words.device
    time = torch.sigmoid(torch.randn(b, generator=generator)).to(device)
    blank = (torch.rand(b, generator=generator) < blank_share).to(device)
    mixed, velocities = [], []
    for tokens, state in zip(clean.each(), states.each(), strict=True):
        noise = torch.randn(tokens.shape, generator=generator).to(device)
        t = time[:, None, None]
        mixed.append(torch.where((state == GIVEN)[..., None], tokens, (1 - t) * noise + t * tokens))
        velocities.append(tokens - noise)
    output = model(Latents(*mixed), states, time, scripts, model.read(scripts, blank=blank))
    each: dict[str, Tensor] = {}
    total = torch.zeros((), device=device)
    for kind, guess, target, state, mask in zip(KINDS, output.each(), velocities, states.each(), _masks(scripts), strict=True):
        counted = mask & (state == NOISY)
        if counted.any():
            error = (guess - target).square()
            each[kind] = (error * acting_weights(model.config, error) if kind == "video" else error).mean(-1)[counted].mean()
            total = total + WEIGHTS[kind] * each[kind]
    return Losses(total, each)


def acting_weights(config: TransformerConfig, like: Tensor) -> Tensor:
    """Weights (C,) with mean 1 of the numbers in a token of pictures: :data:`ACTING_WEIGHT` times more for the acting of each picture."""
    per_picture = config.codes["video"] // FRAMES_PER_TOKEN
    index = torch.arange(config.codes["video"], device=like.device) % per_picture
    weight = torch.where(index < config.told, ACTING_WEIGHT, 1.0)
    return weight / weight.mean()


@dataclass(frozen=True)
class Sampling:
    """How to sample.

    Attributes:
        steps: Euler steps.
        guidance: how strongly the script is followed, 1: as trained. Of what is above 1, looks get :data:`LOOKS_GUIDANCE_SHARE`.
        temperature: deviation of the first noise. Below 1, samples are more likely and less diverse (as in Matcha-TTS: Mehta et al. 2024).
            None: the default of the twin (:func:`seedbench.generators.reference.twins.temperature_of`).
    """

    steps: int = 24
    guidance: float = 3.0
    temperature: float | None = None


@torch.no_grad()
def sample(
    model: JointTransformer, scripts: Scripts, noise: Latents, given: Latents, states: Latents, *, sampling: Sampling, twin: Twin
) -> Latents:
    """Sample tokens.

    The joint model denoises everything at once. The cascaded one makes people, shots and pictures without any sound, then sound for them.

    Args:
        model: the transformer.
        scripts: a batch of scripts.
        noise: the first noise of each kind (B, n, C).
        given: tokens that are kept where ``states`` says GIVEN.
        states: (B, n) for each kind.
        sampling: how to sample.
        twin: ``joint`` or ``cascaded``.

    Returns:
        Scaled tokens of each kind, shaped like ``noise``.
    """
    defaults = [temperature_of(twin, people=people) for people in scripts.people.any(1).tolist()]
    share = torch.tensor(defaults if sampling.temperature is None else sampling.temperature, device=noise.person.device).view(-1, 1, 1)
    noise = Latents(*(share * tensor for tensor in noise.each()))
    if twin == "joint":
        return _run(model, scripts, noise, given, states, sampling)
    first = Latents(states.person, states.shot, states.video, torch.full_like(states.sound, ABSENT))
    silent = _run(model, scripts, noise, given, first, sampling)
    person, shot, video = (torch.full_like(state, GIVEN) for state in (states.person, states.shot, states.video))
    done = Latents(person, shot, video, states.sound)
    return _run(model, scripts, noise, Latents(silent.person, silent.shot, silent.video, given.sound), done, sampling)


def _run(model: JointTransformer, scripts: Scripts, noise: Latents, given: Latents, states: Latents, sampling: Sampling) -> Latents:
    n = len(scripts.words)
    fixed = [(state == GIVEN)[..., None] for state in states.each()]
    now = Latents(*(torch.where(mask, g, z) for mask, g, z in zip(fixed, given.each(), noise.each(), strict=True)))
    if all(bool(((state != NOISY) | ~mask).all()) for state, mask in zip(states.each(), _masks(scripts), strict=True)):
        return now
    guided = sampling.guidance != 1.0
    context = model.read(_doubled(scripts) if guided else scripts, blank=torch.arange(2 * n) >= n if guided else None)
    both = _doubled(scripts) if guided else scripts
    twice_states = Latents(*(torch.cat([state, state]) for state in states.each())) if guided else states
    times = torch.linspace(0, 1, sampling.steps + 1)
    looks = 1 + LOOKS_GUIDANCE_SHARE * (sampling.guidance - 1)
    of_shots = torch.where(scripts.shot_person[..., None] > 0, looks, sampling.guidance)
    strengths = (looks, of_shots, sampling.guidance, sampling.guidance)
    for begin, end in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        inputs = Latents(*(torch.cat([tokens, tokens]) for tokens in now.each())) if guided else now
        time = torch.full((len(both.words),), begin)
        velocity = model(inputs, twice_states, time, both, context)
        moved = []
        for tokens, v, mask, strength in zip(now.each(), velocity.each(), fixed, strengths, strict=True):
            step = v[n:] + strength * (v[:n] - v[n:]) if guided else v
            moved.append(torch.where(mask, tokens, tokens + (end - begin) * step))
        now = Latents(*moved)
    return now


def _masks(scripts: Scripts) -> tuple[Tensor, ...]:
    return scripts.people, scripts.shots, scripts.tokens, scripts.tokens


def _doubled(scripts: Scripts) -> Scripts:
    from dataclasses import fields

    return Scripts(**{field.name: torch.cat([getattr(scripts, field.name)] * 2) for field in fields(scripts)})


def noise_like(scripts: Scripts, codes: dict[str, int], seeds: list[int]) -> Latents:
    """Noise for a batch, each row from its own seed, so that a clip does not depend on its batch.

    Noise in time is drawn token by token: a longer clip begins with the noise of a shorter one.

    Args:
        scripts: the scripts, which give the numbers of tokens.
        codes: numbers in a token of each kind.
        seeds: a seed for each script.

    Returns:
        Noise of each kind (B, n, C), float32.
    """
    sizes = (scripts.people.shape[1], scripts.shots.shape[1], scripts.tokens.shape[1], scripts.tokens.shape[1])
    columns = []
    for index, (kind, size) in enumerate(zip(KINDS, sizes, strict=True)):
        rows = [np.random.default_rng([seed & 0xFFFFFFFF, index]).standard_normal((size, codes[kind]), np.float32) for seed in seeds]
        columns.append(torch.from_numpy(np.stack(rows)))
    return Latents(*columns)
