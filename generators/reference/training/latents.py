"""Shards through the tokenizers, once: what the transformer is trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seedbench.generators.reference import shards, sound
from seedbench.generators.reference.codec import COLUMNS
from seedbench.generators.reference.flow import drawn_states
from seedbench.generators.reference.model import Scale, Tokenizers
from seedbench.generators.reference.script import PAUSE, Script, read
from seedbench.generators.reference.tokenizer import about_mean
from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, Scripts, Vocabulary, batched, n_tokens, voice_of
from seedbench.generators.reference.training.batches import Numbered
from seedbench.generators.reference.training.cells import CellRow, Cells, as_acted
from seedbench.generators.reference.transformer import KINDS, Latents
from seedbench.generators.reference.twins import Twin

_SHOT_PICTURES = 6
MIN_WORD_COUNT = 3


@dataclass(frozen=True)
class Example:
    """A row as the transformer sees it, codes not yet scaled: people (P, C), shots (K, C), pictures (T, C), sound (T, C)."""

    script: Script
    codes: tuple[Tensor, Tensor, Tensor, Tensor]
    voice: np.ndarray | None

    @property
    def timed(self) -> bool:
        """Whether it has tokens of time, which stills have not."""
        return len(self.codes[2]) > 0


def vocabulary_of(rows: Iterable[shards.Row], *, max_words: int, max_symbols: int) -> Vocabulary:
    """Words seen at least three times, every character of every sound, and mean lengths of sounds."""
    from seedbench.generators.reference.script import words_of

    words: Counter[str] = Counter()
    lasting: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        words.update(words_of(row.prompt.text))
        for symbol, length in row.lasting:
            lasting[symbol or PAUSE].append(length)
    symbols = Counter(character for symbol, lengths in lasting.items() for character in symbol for _ in lengths)
    symbols.update("*_")
    durations = {symbol: round(float(np.mean(lengths)), 4) for symbol, lengths in lasting.items() if len(lengths) >= 8}
    durations[""] = round(float(np.mean([one for lengths in lasting.values() for one in lengths])), 4) if lasting else 0.08
    kept = [word for word, count in words.most_common(max_words) if count >= MIN_WORD_COUNT]
    return Vocabulary(tuple(sorted(kept)), tuple(sorted(one for one, _ in symbols.most_common(max_symbols))), durations)


@torch.no_grad()
def examples_of(rows: Iterable[shards.Row], cells: Cells, tokenizers: Tokenizers, vocabulary: Vocabulary) -> Iterator[Example]:
    """Every row through the tokenizers; its pictures are taken as cells, and its own pictures and extras may be left out."""
    for row, place in zip(rows, cells.rows, strict=True):
        values = cells.values[place.first : place.first + place.pictures + place.extras]
        yield _example(row, place, _codes(values, tokenizers), tokenizers, vocabulary)


def _codes(cells: Tensor, tokenizers: Tokenizers) -> tuple[Tensor, Tensor, Tensor]:
    """People, shots and motion (N, C) of cells (N, C, h, w) not yet scaled."""
    mean, deviation = (tokenizers.video.get_buffer(name) for name in ("mean", "deviation"))
    person, shot, motion = tokenizers.video.encoder((cells.to(mean.device).float() - mean) / deviation)
    return person.cpu(), shot.cpu(), motion.cpu()


def _example(
    row: shards.Row, place: CellRow, codes: tuple[Tensor, Tensor, Tensor], tokenizers: Tokenizers, vocabulary: Vocabulary
) -> Example:
    script = read(row.prompt, vocabulary.durations)
    person, shot, motion = codes
    told = tokenizers.video.config.told
    elsewhere, motion = person[place.pictures :], as_acted(motion[: place.pictures], torch.from_numpy(row.acting), told)
    people = torch.zeros(max(1, place.cast), person.shape[1])
    if len(elsewhere):
        people = torch.stack([elsewhere[one :: place.cast].mean(0) for one in range(place.cast)])
    shots = []
    for first, last, _ in place.bounds:
        motion[first:last] = about_mean(motion[first:last], told)
        chosen = np.unique(np.linspace(first, last - 1, _SHOT_PICTURES).round().astype(int))
        shots.append(shot[chosen].mean(0))
    if len(row.bands) == 0 and not row.prompt.speech:
        empty = (torch.zeros(0, motion.shape[1] * FRAMES_PER_TOKEN), torch.zeros(0, tokenizers.sound.config.code))
        return Example(script, (people, torch.stack(shots), *empty), None)
    count = n_tokens(script)
    if len(motion) < count * FRAMES_PER_TOKEN:
        motion = torch.cat([motion, motion[-1:]])
    bands = torch.from_numpy(sound.fitted(row.bands, count * COLUMNS))[None]
    heard = tokenizers.sound.encode(bands.to(tokenizers.video.get_buffer("mean").device))[0].cpu()
    voice = voice_of(row.bands) if row.prompt.speech else None
    return Example(script, (people, torch.stack(shots), motion.reshape(count, -1), heard), voice)


def scale_of(examples: Sequence[Example]) -> Scale:
    """Mean and deviation of each kind of code; people of scenes without any are left out."""
    mean, deviation = {}, {}
    for place, kind in enumerate(KINDS):
        values = torch.cat([one.codes[place] for one in examples if len(one.codes[place]) and (kind != "person" or one.script.n_people)])
        mean[kind], deviation[kind] = values.mean(0), values.std(0).clamp(min=0.02)
    return Scale(mean, deviation)


@dataclass(frozen=True)
class Tasks:
    """What a twin learns from at a step: scripts, their scaled codes, and ``states``, which of them are noisy, given or absent."""

    scripts: Scripts
    clean: Latents
    states: Latents


class ExampleBatches(Numbered[Tasks]):
    """Endless batches of examples of about one length, of clips, and every ``still_every``-th of stills, each with a task of the twin."""

    def __init__(
        self,
        examples: Sequence[Example],
        scale: Scale,
        vocabulary: Vocabulary,
        twin: Twin,
        *,
        batch: int,
        still_every: int = 3,
        seed: int = 0,
    ) -> None:
        self.scale, self.vocabulary, self.twin = scale, vocabulary, twin
        self.size, self.still_every, self.seed = batch, still_every, seed
        clips = sorted((one for one in examples if one.timed), key=lambda one: len(one.codes[2]))
        self.clips, self.stills = clips, [one for one in examples if not one.timed]

    def batch(self, number: int, rng: np.random.Generator) -> Tasks:
        scripts, clean = self.collate(self._chosen(number, rng), rng)
        return Tasks(scripts, clean, drawn_states(scripts, self.twin, torch.Generator().manual_seed(int(rng.integers(2**62)))))

    def _chosen(self, number: int, rng: np.random.Generator) -> list[Example]:
        if self.stills and (number + 1) % self.still_every == 0:
            return [self.stills[int(i)] for i in rng.integers(len(self.stills), size=2 * self.size)]
        around = int(rng.integers(len(self.clips)))
        span = 4 * self.size
        low = max(0, min(around - span // 2, len(self.clips) - span))
        near = self.clips[low : low + span]
        return [near[int(i)] for i in rng.permutation(len(near))[: self.size]]

    def collate(self, chosen: Sequence[Example], rng: np.random.Generator, *, voice_share: float = 0.3) -> tuple[Scripts, Latents]:
        """Examples as one padded batch; some are told their voice."""
        timed = chosen[0].timed
        voices = [one.voice if rng.random() < voice_share else None for one in chosen]
        scripts = batched([one.script for one in chosen], self.vocabulary, voices, timed=timed)
        sizes = (scripts.people.shape[1], scripts.shots.shape[1], scripts.tokens.shape[1], scripts.tokens.shape[1])
        columns = []
        for place, size in enumerate(sizes):
            padded = torch.zeros(len(chosen), size, chosen[0].codes[place].shape[1])
            for row, one in enumerate(chosen):
                padded[row, : len(one.codes[place])] = one.codes[place][:size]
            columns.append(padded)
        return scripts, self.scale.down(Latents(*columns))
