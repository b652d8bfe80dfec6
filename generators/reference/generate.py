"""From a request to a clip: read the conditions, sample codes, paint pictures and sound."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from seedbench.clips.writing import write_clip
from seedbench.errors import ClipError, GeneratorError
from seedbench.generators.reference import sound
from seedbench.generators.reference.conditions import Conditions, read_conditions
from seedbench.generators.reference.flow import Sampling, all_noisy, noise_like, sample
from seedbench.generators.reference.lip_lead import with_natural_lead
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.painting import paint_frames, synthesise_sound
from seedbench.generators.reference.tokens import Scripts, batch_scripts
from seedbench.generators.reference.transformer import GIVEN, NOISY, Latents
from seedbench.plugins.generator import Generation, Request


def generate(model: ReferenceModel, request: Request, directory: Path, sampling: Sampling) -> Generation:
    """Make the clip of a request. It is computed alone and on one thread, so that it depends neither on other requests nor on the cores.

    Args:
        model: a trained twin.
        request: prompt, seed, size and rate.
        directory: where ``clip.mp4`` is written.
        sampling: how to sample.

    Returns:
        A generation that succeeded, or failed because an asset cannot be read.
    """
    start = time.perf_counter()
    with _one_thread():
        try:
            conditions = read_conditions(request, model)
        except (GeneratorError, ClipError) as error:
            return Generation(status="failed", reason=str(error), seed_used=request.seed)
        person, shot, video, sound_codes = sampled_codes(model, conditions, request.seed, sampling)
        script, skip = conditions.script, conditions.skip
        size = {"width": request.width, "height": request.height}
        pictures = paint_frames(model, script, person, shot, video, **size, fps=request.fps, skip=skip)
        audio = synthesise_sound(model, script, sound_codes, seed=request.seed, skip=skip)
        if script.speaks and conditions.sound is None:
            audio = with_natural_lead(audio, model.trained)
        file = write_clip(directory / "clip.mp4", pictures, request.fps, audio, sound.RATE)
    return Generation(
        status="succeeded",
        file=file,
        seed_used=request.seed,
        latency_s=time.perf_counter() - start,
        cost_usd=0.0,
        facts={"twin": model.twin, "trained": dict(model.trained)},
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    """Use one thread for torch and for numpy's matrix products, as workers do."""
    before = torch.get_num_threads()
    with threadpool_limits(1, user_api="blas"):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def sampled_codes(model: ReferenceModel, conditions: Conditions, seed: int, sampling: Sampling) -> tuple[Tensor, ...]:
    """Sample the codes of a request: people, shots, pictures, sound, each (n, C)."""
    scripts = batch_scripts([conditions.script], model.vocabulary, [conditions.voice])
    noise = noise_like(scripts, model.transformer.config.codes, [seed])
    given, states = _given_tokens(model, [conditions], scripts, noise, sampling)
    tokens = sample(model.transformer, scripts, noise, given, states, sampling=sampling, twin=model.twin)
    return tuple(kind[0] for kind in model.scale.unscaled(tokens).each())


def _given_tokens(
    model: ReferenceModel, batch: Sequence[Conditions], scripts: Scripts, noise: Latents, sampling: Sampling
) -> tuple[Latents, Latents]:
    """The tokens that are given, scaled, and the states of all tokens.

    A condition with a strength between 0 and 1 is mixed with what the model samples without it.
    """
    codes, states = model.scale.unscaled(noise), all_noisy(scripts)
    for row, conditions in enumerate(batch):
        for index, person in conditions.people.items():
            codes.person[row, index] = person
            states.person[row, index] = GIVEN if conditions.strength[index] > 0 else states.person[row, index]
        for index, shot in conditions.shots.items():
            codes.shot[row, index], states.shot[row, index] = shot, GIVEN
        for tokens, state, values in ((codes.video, states.video, conditions.video), (codes.sound, states.sound, conditions.sound)):
            if values is not None and not (tokens is codes.video and conditions.video_strength == 0):
                tokens[row, : len(values)], state[row, : len(values)] = values, GIVEN
    given = model.scale.scaled(codes)
    mixed_people = [
        (row, index, strength)
        for row, conditions in enumerate(batch)
        for index, strength in conditions.strength.items()
        if 0 < strength < 1
    ]
    mixed_videos = [
        (row, conditions.video_strength)
        for row, conditions in enumerate(batch)
        if conditions.video is not None and 0 < conditions.video_strength < 1
    ]
    if mixed_people or mixed_videos:
        free = Latents(*(state.clone() for state in states.each()))
        for row, index, _ in mixed_people:
            free.person[row, index] = NOISY
        for row, _ in mixed_videos:
            free.video[row] = NOISY
        own = sample(model.transformer, scripts, noise, given, free, sampling=sampling, twin=model.twin)
        for row, index, strength in mixed_people:
            given.person[row, index] = (1 - strength) * own.person[row, index] + strength * given.person[row, index]
        for row, strength in mixed_videos:
            given.video[row] = (1 - strength) * own.video[row] + strength * given.video[row]
    return given, states
