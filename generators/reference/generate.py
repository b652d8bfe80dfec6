"""From requests to clips: read, sample, paint; a batch of requests goes through the transformer together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from generators.reference import sound
from generators.reference.conditions import Given, given_by
from generators.reference.flow import Sampling, all_noisy, noise_like, sample
from generators.reference.model import ReferenceModel
from generators.reference.painting import frames, samples
from generators.reference.tokens import Scripts, batched
from generators.reference.transformer import GIVEN, NOISY, Latents
from seedbench.errors import ClipError, GeneratorError
from seedbench.generator import Generation, Request
from seedbench.media import write_clip


def generate(model: ReferenceModel, requests: Sequence[Request], directories: Sequence[Path], how: Sampling) -> list[Generation]:
    """One clip for each request, in ``clip.mp4`` of its directory. An asset that cannot be read fails its own request only."""
    start = time.perf_counter()
    found: list[Given | str] = []
    for request in requests:
        try:
            found.append(given_by(request, model))
        except (GeneratorError, ClipError) as error:
            found.append(str(error))
    ready = [(request, given) for request, given in zip(requests, found, strict=True) if isinstance(given, Given)]
    codes = iter(sampled(model, [given for _, given in ready], [request.seed for request, _ in ready], how) if ready else [])
    reading_s = (time.perf_counter() - start) / max(1, len(requests))
    made = []
    for request, directory, given in zip(requests, directories, found, strict=True):
        if isinstance(given, str):
            made.append(Generation(status="failed", reason=given, seed_used=request.seed))
            continue
        begun = time.perf_counter()
        person, shot, video, heard = next(codes)
        pictures = frames(
            model, given.script, person, shot, video, width=request.width, height=request.height, fps=request.fps, skip=given.skip
        )
        audio = samples(model, given.script, heard, seed=request.seed, skip=given.skip)
        file = write_clip(directory / "clip.mp4", pictures, request.fps, audio, sound.RATE)
        made.append(
            Generation(
                status="succeeded",
                file=file,
                seed_used=request.seed,
                latency_s=reading_s + time.perf_counter() - begun,
                cost_usd=0.0,
                facts={"twin": model.twin, "trained": dict(model.trained)},
            )
        )
    return made


def sampled(model: ReferenceModel, given: Sequence[Given], seeds: Sequence[int], how: Sampling) -> list[tuple[Tensor, ...]]:
    """Codes (people, shots, pictures, sound; each (n, C)) of each request."""
    scripts = batched([one.script for one in given], model.vocabulary, [one.voice for one in given])
    noise = noise_like(scripts, model.transformer.config.codes, list(seeds))
    known, states = _known(model, given, scripts, noise, how)
    made = model.scale.up(sample(model.transformer, scripts, noise, known, states, how=how, twin=model.twin))
    return [tuple(kind[row] for kind in made.each()) for row in range(len(given))]


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
