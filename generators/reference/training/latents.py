"""Shards encoded by the tokenizers: the examples and batches that the transformers are trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seedbench.generators.reference import shards, sound
from seedbench.generators.reference.codec import COLUMNS
from seedbench.generators.reference.flow import draw_states
from seedbench.generators.reference.model import CodeScale, Tokenizers
from seedbench.generators.reference.script import PAUSE, Script, read
from seedbench.generators.reference.tokenizer import without_shot_mean
from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, Scripts, Vocabulary, batch_scripts, n_tokens, voice_of
from seedbench.generators.reference.training.batches import NumberedBatches
from seedbench.generators.reference.training.cells import Cells, RowCells, with_known_acting
from seedbench.generators.reference.transformer import KINDS, Latents
from seedbench.generators.reference.twins import Twin

_SHOT_PICTURES = 6
MIN_WORD_COUNT = 3


@dataclass(frozen=True)
class TrainingExample:
    """A row as the transformer gets it. ``codes`` are not scaled: people (P, C), shots (K, C), pictures (T, C), sound (T, C)."""

    script: Script
    codes: tuple[Tensor, Tensor, Tensor, Tensor]
    voice: np.ndarray | None

    @property
    def timed(self) -> bool:
        """Whether it has tokens of pictures and sound; stills have none."""
        return len(self.codes[2]) > 0


def vocabulary_of(rows: Iterable[shards.Row], *, max_words: int, max_symbols: int) -> Vocabulary:
    """The vocabulary of rows: words that occur at least three times, the characters of all sounds, and the mean lengths of sounds."""
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
    durations[""] = round(float(np.mean([length for lengths in lasting.values() for length in lengths])), 4) if lasting else 0.08
    kept = [word for word, count in words.most_common(max_words) if count >= MIN_WORD_COUNT]
    return Vocabulary(tuple(sorted(kept)), tuple(sorted(symbol for symbol, _ in symbols.most_common(max_symbols))), durations)


@torch.no_grad()
def examples_of(rows: Iterable[shards.Row], cells: Cells, tokenizers: Tokenizers, vocabulary: Vocabulary) -> Iterator[TrainingExample]:
    """The examples of rows. Their pictures are taken from ``cells``; the rows themselves may be without pictures."""
    for row, row_cells in zip(rows, cells.rows, strict=True):
        values = cells.values[row_cells.first : row_cells.first + row_cells.pictures + row_cells.extras]
        yield _example(row, row_cells, _codes(values, tokenizers), tokenizers, vocabulary)


def _codes(cells: Tensor, tokenizers: Tokenizers) -> tuple[Tensor, Tensor, Tensor]:
    """Codes of people, shots and motion (N, C) of cells (N, C, h, w) that are not scaled."""
    mean, deviation = (tokenizers.video.get_buffer(name) for name in ("mean", "deviation"))
    person, shot, motion = tokenizers.video.encoder((cells.to(mean.device).float() - mean) / deviation)
    return person.cpu(), shot.cpu(), motion.cpu()


def _example(
    row: shards.Row, row_cells: RowCells, codes: tuple[Tensor, Tensor, Tensor], tokenizers: Tokenizers, vocabulary: Vocabulary
) -> TrainingExample:
    script = read(row.prompt, vocabulary.durations)
    person, shot, motion = codes
    n_acting, n_pictures = tokenizers.video.config.told, row_cells.pictures
    elsewhere, motion = person[n_pictures:], with_known_acting(motion[:n_pictures], torch.from_numpy(row.acting), n_acting)
    people = torch.zeros(max(1, row_cells.cast), person.shape[1])
    if len(elsewhere):
        people = torch.stack([elsewhere[index :: row_cells.cast].mean(0) for index in range(row_cells.cast)])
    shots = []
    for first, last, _ in row_cells.bounds:
        motion[first:last] = without_shot_mean(motion[first:last], n_acting)
        chosen = np.unique(np.linspace(first, last - 1, _SHOT_PICTURES).round().astype(int))
        shots.append(shot[chosen].mean(0))
    if len(row.bands) == 0 and not row.prompt.speech:
        empty = (torch.zeros(0, motion.shape[1] * FRAMES_PER_TOKEN), torch.zeros(0, tokenizers.sound.config.code))
        return TrainingExample(script, (people, torch.stack(shots), *empty), None)
    count = n_tokens(script)
    if len(motion) < count * FRAMES_PER_TOKEN:
        motion = torch.cat([motion, motion[-1:]])
    bands = torch.from_numpy(sound.fitted(row.bands, count * COLUMNS))[None]
    sound_codes = tokenizers.sound.encode(bands.to(tokenizers.video.get_buffer("mean").device))[0].cpu()
    voice = voice_of(row.bands) if row.prompt.speech else None
    return TrainingExample(script, (people, torch.stack(shots), motion.reshape(count, -1), sound_codes), voice)


def scale_of(examples: Sequence[TrainingExample]) -> CodeScale:
    """Mean and standard deviation of each kind of code, without the people codes of scenes that show nobody."""
    mean, deviation = {}, {}
    for index, kind in enumerate(KINDS):
        counted = [example for example in examples if kind != "person" or example.script.n_people]
        values = torch.cat([example.codes[index] for example in counted if len(example.codes[index])])
        mean[kind], deviation[kind] = values.mean(0), values.std(0).clamp(min=0.02)
    return CodeScale(mean, deviation)


@dataclass(frozen=True)
class TaskBatch:
    """A batch of tasks for a twin: scripts, their scaled codes, and ``states``, which say whether each code is noisy, given or absent."""

    scripts: Scripts
    clean: Latents
    states: Latents


class TaskBatches(NumberedBatches[TaskBatch]):
    """Endless batches of examples with a task for the twin: clips of about the same length, and every ``still_every``-th batch stills."""

    def __init__(
        self,
        examples: Sequence[TrainingExample],
        scale: CodeScale,
        vocabulary: Vocabulary,
        twin: Twin,
        *,
        batch: int,
        still_every: int = 3,
        seed: int = 0,
    ) -> None:
        self.scale, self.vocabulary, self.twin = scale, vocabulary, twin
        self.size, self.still_every, self.seed = batch, still_every, seed
        clips = sorted((example for example in examples if example.timed), key=lambda example: len(example.codes[2]))
        self.clips, self.stills = clips, [example for example in examples if not example.timed]

    def batch(self, number: int, rng: np.random.Generator) -> TaskBatch:
        scripts, clean = self.collate(self._chosen(number, rng), rng)
        return TaskBatch(scripts, clean, draw_states(scripts, self.twin, torch.Generator().manual_seed(int(rng.integers(2**62)))))

    def _chosen(self, number: int, rng: np.random.Generator) -> list[TrainingExample]:
        if self.stills and (number + 1) % self.still_every == 0:
            return [self.stills[int(i)] for i in rng.integers(len(self.stills), size=2 * self.size)]
        around = int(rng.integers(len(self.clips)))
        span = 4 * self.size
        low = max(0, min(around - span // 2, len(self.clips) - span))
        similar = self.clips[low : low + span]
        return [similar[int(i)] for i in rng.permutation(len(similar))[: self.size]]

    def collate(self, chosen: Sequence[TrainingExample], rng: np.random.Generator, *, voice_share: float = 0.3) -> tuple[Scripts, Latents]:
        """Examples as one padded batch; a share ``voice_share`` of them comes with its voice."""
        timed = chosen[0].timed
        voices = [example.voice if rng.random() < voice_share else None for example in chosen]
        scripts = batch_scripts([example.script for example in chosen], self.vocabulary, voices, timed=timed)
        sizes = (scripts.people.shape[1], scripts.shots.shape[1], scripts.tokens.shape[1], scripts.tokens.shape[1])
        columns = []
        for kind, size in enumerate(sizes):
            padded = torch.zeros(len(chosen), size, chosen[0].codes[kind].shape[1])
            for row, example in enumerate(chosen):
                padded[row, : len(example.codes[kind])] = example.codes[kind][:size]
            columns.append(padded)
        return scripts, self.scale.scaled(Latents(*columns))
