"""Endless batches for the stages of the tokenizers, each drawn from its number and a seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from seedbench.generators.reference import shards, sound
from seedbench.generators.reference.tokenizer import without_shot_mean
from seedbench.generators.reference.tokens import MAX_SHOTS
from seedbench.generators.reference.training.cells import Cells, RowCells
from seedbench.generators.reference.training.rows import ShardRows, decoded_pictures, shot_bounds

Batch = TypeVar("Batch")
_PAIR_CANDIDATES, _PAIR_DISTANCE = 4, 13
"""For faces: how many pictures are tried as the second of a pair, and how many pictures away they are at most (less one)."""


class NumberedBatches(IterableDataset[Batch]):
    """Endless batches. Each depends only on its number (the training step) and the seed, not on where or by whom it is read.

    ``first`` is the number of the first batch, ``rank`` that of the device that the batches are for.
    """

    seed: int = 0
    first: int = 0
    rank: int = 0

    def batch(self, number: int, rng: np.random.Generator) -> Batch:
        """The batch of a number, drawn from ``rng``."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Batch]:
        worker = torch.utils.data.get_worker_info()
        begin, stride = (self.first + worker.id, worker.num_workers) if worker else (self.first, 1)
        for number in itertools.count(begin, stride):
            yield self.batch(number, np.random.default_rng([self.seed, number, self.rank]))


class PictureBatches(NumberedBatches[Tensor]):
    """Endless batches (N, 3, H, W) of pictures in 0..1: first pairs, each from one shot of a clip (two thirds of the batch), then single
    pictures from stills and extras."""

    def __init__(self, clips: ShardRows, stills: ShardRows, *, batch: int = 16, seed: int = 0) -> None:
        self.clips, self.stills, self.size, self.seed = clips, stills, batch, seed

    def batch(self, number: int, rng: np.random.Generator) -> Tensor:
        chosen: list[bytes] = []
        for _ in range(n_pairs(self.size)):
            row = self.clips[int(rng.integers(len(self.clips)))]
            bounds = shot_bounds(row)
            first, last, _ = bounds[int(rng.integers(len(bounds)))]
            chosen += [row.pictures[int(index)] for index in rng.integers(first, last, size=2)]
        singles = self.stills if len(self.stills) else self.clips
        while len(chosen) < self.size:
            row = singles[int(rng.integers(len(singles)))]
            pictures = row.pictures + row.extras
            chosen.append(pictures[int(rng.integers(len(pictures)))])
        return decoded_pictures(chosen)


def n_pairs(batch: int) -> int:
    """How many pairs a batch of pictures begins with.

    >>> n_pairs(16), n_pairs(2)
    (5, 0)
    """
    return batch // 3


@dataclass(frozen=True)
class ShotViews:
    """Cells for the coder, from S stretches (pictures of one shot).

    Attributes:
        targets: cells (N, C, h, w) of the pictures.
        stretch: the stretch (N,) of each picture.
        others: cells (K, C, h, w) of the same people in other shots.
        of: the stretch (K,) that each of ``others`` belongs to.
        with_person: (S,) 1 where a stretch shows a person, 0 where it shows nobody.
        acting: the acting of the face (N, 4), NaN without a person.
    """

    targets: Tensor
    stretch: Tensor
    others: Tensor
    of: Tensor
    with_person: Tensor
    acting: Tensor


class ViewBatches(NumberedBatches[ShotViews]):
    """Endless batches of :class:`ShotViews`: ``n_clips`` stretches of ``pictures`` pictures each, and ``n_stills`` of one picture.

    The cells are scaled by ``mean`` and ``deviation`` (C, 1, 1).
    """

    def __init__(
        self,
        cells: Cells,
        acting: Tensor,
        mean: Tensor,
        deviation: Tensor,
        *,
        n_clips: int = 40,
        pictures: int = 5,
        n_stills: int = 120,
        seed: int = 0,
    ) -> None:
        self.cells, self.acting, self.mean, self.deviation = cells, acting, mean, deviation
        self.clips = [row for row in cells.rows if row.pictures > MAX_SHOTS]
        self.stills = [row for row in cells.rows if row.pictures <= MAX_SHOTS] or self.clips
        self.n_clips, self.pictures, self.n_stills, self.seed = n_clips, pictures, n_stills, seed

    def batch(self, number: int, rng: np.random.Generator) -> ShotViews:
        targets: list[int] = []
        stretch: list[int] = []
        others: list[int] = []
        of: list[int] = []
        with_person: list[float] = []
        for index in range(self.n_clips + self.n_stills):
            rows, count = (self.clips, self.pictures) if index < self.n_clips else (self.stills, 1)
            row = rows[int(rng.integers(len(rows)))]
            in_shot, elsewhere = drawn_views(row, rng, count)
            targets += in_shot
            stretch += [index] * len(in_shot)
            others += elsewhere
            of += [index] * len(elsewhere)
            with_person.append(float(row.cast > 0))
        columns = (torch.tensor(stretch), self._scaled(others), torch.tensor(of), torch.tensor(with_person))
        return ShotViews(self._scaled(targets), *columns, self.acting[torch.tensor(targets)])

    def _scaled(self, indices: list[int]) -> Tensor:
        return (self.cells.values[torch.tensor(indices)].float() - self.mean) / self.deviation


def drawn_views(row: RowCells, rng: np.random.Generator, count: int) -> tuple[list[int], list[int]]:
    """Indices of ``count`` pictures of one shot of a row, and of one or two of the person in other shots (of nobody: the first)."""
    first, last, person = row.bounds[int(rng.integers(len(row.bounds)))]
    in_shot = [row.first + int(index) for index in rng.choice(np.arange(first, last), size=min(count, last - first), replace=False)]
    return in_shot, in_shot[:1] if person < 0 else pictures_elsewhere(row, first, person, rng)


def pictures_elsewhere(row: RowCells, first: int, person: int, rng: np.random.Generator) -> list[int]:
    """Indices of one or two pictures of a person of a row outside the shot that begins with ``first``."""
    elsewhere = [row.first + row.pictures + extra for extra in range(person, row.extras, row.cast)]
    elsewhere += [row.first + int(rng.integers(a, b)) for a, b, who in row.bounds if who == person and a != first]
    chosen = rng.permutation(len(elsewhere))[: int(rng.integers(1, 3))]
    return [elsewhere[int(index)] for index in chosen]


@dataclass(frozen=True)
class CodedPictures:
    """Pictures (N, 3, H, W) in 0..1, first pairs as in :class:`PictureBatches`, with the codes that each is decoded from.

    ``person`` (N, P) is the code of the person in other shots, ``shot`` (N, S) that of the shot, ``motion`` (N, M) that of the picture.
    ``heads`` (N, 3) says where the head is, NaN without a person (:func:`seedbench.generators.reference.shards.heads_of`).
    """

    pictures: Tensor
    person: Tensor
    shot: Tensor
    motion: Tensor
    heads: Tensor


class CodedPictureBatches(NumberedBatches[CodedPictures]):
    """Endless batches of :class:`CodedPictures`.

    Args:
        rows: the rows with the pictures.
        row_cells: where the codes of each row are, in the order of ``rows``.
        codes: the codes of all pictures: people, shots, motion.
        n_acting: how many numbers of the motion codes are acting.
        batch: pictures in a batch.
        seed: seed of the draws.
        faces_only: leave out rows that show nobody, and take as pairs pictures whose lips differ most in opening (the first number of
            the motion code).
    """

    def __init__(
        self,
        rows: Sequence[shards.Row],
        row_cells: Sequence[RowCells],
        codes: tuple[Tensor, Tensor, Tensor],
        *,
        n_acting: int,
        batch: int = 18,
        seed: int = 0,
        faces_only: bool = False,
    ) -> None:
        self.n_acting = n_acting
        self.distance, self.candidates = (_PAIR_DISTANCE, _PAIR_CANDIDATES) if faces_only else (5, 1)
        self.rows, self.row_cells, self.codes, self.size, self.seed = rows, row_cells, codes, batch, seed
        chosen = [(index, row) for index, row in enumerate(row_cells) if row.cast or not faces_only]
        self.clips = [index for index, row in chosen if row.pictures > MAX_SHOTS]
        self.stills = [index for index, row in chosen if row.pictures <= MAX_SHOTS] or self.clips

    def batch(self, number: int, rng: np.random.Generator) -> CodedPictures:
        draws = [(self.clips, 2)] * n_pairs(self.size)
        draws += [(self.stills, 1)] * (self.size - 2 * len(draws))
        stored: list[bytes] = []
        heads: list[np.ndarray] = []
        columns: list[tuple[Tensor, ...]] = []
        for among, count in draws:
            index = among[int(rng.integers(len(among)))]
            cells = self.row_cells[index]
            first, last, person = cells.bounds[int(rng.integers(len(cells.bounds)))]
            begin = int(rng.integers(first, last))
            frames = [begin, self._second_of_pair(cells.first, (first, last), begin, rng)][:count]
            row = self.rows[index]
            stored += [row.pictures[frame] for frame in frames]
            heads += [row.heads[frame] for frame in frames]
            columns += [self._codes_of(cells, (first, last, person), frame, rng) for frame in frames]
        people, shots, motion = (torch.stack(column) for column in zip(*columns, strict=True))
        return CodedPictures(decoded_pictures(stored), people, shots, motion, torch.from_numpy(np.stack(heads)))

    def _second_of_pair(self, row: int, bounds: tuple[int, int], begin: int, rng: np.random.Generator) -> int:
        """A frame close to ``begin``: the head has hardly moved, but the lips have, and losses weigh what differs in a pair."""
        first, last = bounds
        steps = rng.integers(2, self.distance, size=self.candidates) * rng.choice((-1, 1))
        close = np.clip(begin + steps, first, last - 1)
        lips = self.codes[2][row + close, 0] - self.codes[2][row + begin, 0]
        return int(close[int(lips.abs().argmax())])

    def _codes_of(self, row: RowCells, bounds: tuple[int, int, int], frame: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        first, last, person = bounds
        people, shots, motions = self.codes
        of_person = torch.zeros_like(people[0]) if person < 0 else people[pictures_elsewhere(row, first, person, rng)].mean(0)
        of_shot = slice(row.first + first, row.first + last)
        return of_person, shots[of_shot].mean(0), without_shot_mean(motions[of_shot], self.n_acting)[frame - first]


class BandBatches(NumberedBatches[Tensor]):
    """Endless batches (N, 8 T, 80) of log mel bands cut from clips with sound."""

    def __init__(self, clips: Iterable[shards.Row], *, batch: int = 24, codes: int = 24, seed: int = 0) -> None:
        self.bands = [row.bands for row in clips if len(row.bands)]
        self.size, self.columns, self.seed = batch, codes * 2 * sound.COLUMNS_PER_FRAME, seed

    def batch(self, number: int, rng: np.random.Generator) -> Tensor:
        pieces = []
        for _ in range(self.size):
            bands = self.bands[int(rng.integers(len(self.bands)))]
            start = int(rng.integers(max(1, len(bands) - self.columns + 1)))
            pieces.append(sound.fitted(bands[start : start + self.columns], self.columns))
        return torch.from_numpy(np.stack(pieces))
