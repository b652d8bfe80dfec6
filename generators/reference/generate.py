"""From a request to a clip: read, sample, paint."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from seedbench.clips.media import write_clip
from seedbench.errors import ClipError, GeneratorError
from seedbench.generators.reference import sound
from seedbench.generators.reference.conditions import Given, given_by
from seedbench.generators.reference.flow import Sampling, all_noisy, noise_like, sample
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.painting import frames, samples
from seedbench.generators.reference.tokens import Scripts, batched
from seedbench.generators.reference.transformer import GIVEN, NOISY, Latents
from seedbench.plugins.generator import Generation, Request


def generate(model: ReferenceModel, request: Request, directory: Path, how: Sampling) -> Generation:
    """The clip of a request, in ``clip.mp4`` of ``directory``. An asset that cannot be read fails it.

    Computed by itself and on one thread, so that the clip depends neither on what else is asked for nor on the number of cores.
    """
    start = time.perf_counter()
    with _one_thread():
        try:
            given = given_by(request, model)
        except (GeneratorError, ClipError) as error:
            return Generation(status="failed", reason=str(error), seed_used=request.seed)
        person, shot, video, heard = sampled(model, given, request.seed, how)
        pictures = frames(
            model, given.script, person, shot, video, width=request.width, height=request.height, fps=request.fps, skip=given.skip
        )
        audio = samples(model, given.script, heard, seed=request.seed, skip=given.skip)
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
    """One thread for torch and for numpy's matrix products meanwhile, as workers have it."""
    before = torch.get_num_threads()
    with threadpool_limits(1, user_api="blas"):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def sampled(model: ReferenceModel, given: Given, seed: int, how: Sampling) -> tuple[Tensor, ...]:
    """Codes (people, shots, pictures, sound; each (n, C)) of a request."""
    scripts = batched([given.script], model.vocabulary, [given.voice])
    noise = noise_like(scripts, model.transformer.config.codes, [seed])
    known, states = _known(model, [given], scripts, noise, how)
    made = model.scale.up(sample(model.transformer, scripts, noise, known, states, how=how, twin=model.twin))
    return tuple(kind[0] for kind in made.each())


def _known(model: ReferenceModel, given: Sequence[Given], scripts: Scripts, noise: Latents, how: Sampling) -> tuple[Latents, Latents]:
    """The codes that are given, scaled, and the states of all tokens."""
    codes, states = model.scale.up(noise), all_noisy(scripts)
    for row, one in enumerate(given):
        for place, person in one.people.items():
            codes.person[row, place] = person
            states.person[row, place] = GIVEN if one.strength[place] > 0 else states.person[row, place]
        for place, shot in one.shots.items():
            codes.shot[row, place], states.shot[row, place] = shot, GIVEN
        for tokens, state, values in ((codes.video, states.video, one.video), (codes.sound, states.sound, one.sound)):
            if values is not None and not (tokens is codes.video and one.video_strength == 0):
                tokens[row, : len(values)], state[row, : len(values)] = values, GIVEN
    known = model.scale.down(codes)
    partly = [(row, place) for row, one in enumerate(given) for place, strength in one.strength.items() if 0 < strength < 1]
    moved = [row for row, one in enumerate(given) if one.video is not None and 0 < one.video_strength < 1]
    if partly or moved:
        free = Latents(*(state.clone() for state in states.each()))
        for row, place in partly:
            free.person[row, place] = NOISY
        for row in moved:
            free.video[row] = NOISY
        own = sample(model.transformer, scripts, noise, known, free, how=how, twin=model.twin)
        for row, place in partly:
            strength = given[row].strength[place]
            known.person[row, place] = (1 - strength) * own.person[row, place] + strength * known.person[row, place]
        for row in moved:
            strength = given[row].video_strength
            known.video[row] = (1 - strength) * own.video[row] + strength * known.video[row]
    return known, states
