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
from seedbench.generators.reference.tokenizer import about_mean
from seedbench.generators.reference.tokens import MAX_SHOTS
from seedbench.generators.reference.training.cells import CellRow, Cells
from seedbench.generators.reference.training.rows import Rows, bounds_of, pictures_of

Batch = TypeVar("Batch")
_UNLIKE_OF, _UNLIKE_WITHIN = 4, 13
"""Of how many pictures, at most a dozen away, that with the most unlike lips is taken."""


class Numbered(IterableDataset[Batch]):
    """Endless batches, each drawn from its number (the step it is for) and the seed alone: whoever reads them, and wherever one begins.

    ``first`` is the number to begin with, ``rank`` that of the device they are for.
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


class PictureBatches(Numbered[Tensor]):
    """Endless batches (N, 3, H, W) of pictures in 0..1: first pairs, each of one shot of a clip, in two thirds of the batch, then single
    ones of stills and extras."""

    def __init__(self, clips: Rows, stills: Rows, *, batch: int = 16, seed: int = 0) -> None:
        self.clips, self.stills, self.size, self.seed = clips, stills, batch, seed

    def batch(self, number: int, rng: np.random.Generator) -> Tensor:
        chosen: list[bytes] = []
        for _ in range(pairs_of(self.size)):
            row = self.clips[int(rng.integers(len(self.clips)))]
            bounds = bounds_of(row)
            first, last, _ = bounds[int(rng.integers(len(bounds)))]
            chosen += [row.pictures[int(place)] for place in rng.integers(first, last, size=2)]
        singles = self.stills if len(self.stills) else self.clips
        while len(chosen) < self.size:
            row = singles[int(rng.integers(len(singles)))]
            pictures = row.pictures + row.extras
            chosen.append(pictures[int(rng.integers(len(pictures)))])
        return pictures_of(chosen)


def pairs_of(batch: int) -> int:
    """How many pairs a batch of pictures begins with.

    >>> pairs_of(16), pairs_of(2)
    (5, 0)
    """
    return batch // 3


@dataclass(frozen=True)
class Views:
    """Cells for the coder: ``targets`` (N, C, h, w) of ``stretch`` (N,), and ``others`` (K, C, h, w): the person of each stretch
    ``of`` (K,) elsewhere. ``with_person`` (S,) is 0 where a stretch shows nobody. ``acting`` (N, 4) is what the face does, NaN without."""

    targets: Tensor
    stretch: Tensor
    others: Tensor
    of: Tensor
    with_person: Tensor
    acting: Tensor


class ViewBatches(Numbered[Views]):
    """Endless batches of :class:`Views`: ``clips`` stretches of ``pictures`` each, and ``stills`` single ones; cells are scaled."""

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

    def batch(self, number: int, rng: np.random.Generator) -> Views:
        targets: list[int] = []
        stretch: list[int] = []
        others: list[int] = []
        of: list[int] = []
        with_person: list[float] = []
        for place in range(self.n_clips + self.n_stills):
            rows, count = (self.clips, self.pictures) if place < self.n_clips else (self.stills, 1)
            row = rows[int(rng.integers(len(rows)))]
            shown, elsewhere = views(row, rng, count)
            targets += shown
            stretch += [place] * len(shown)
            others += elsewhere
            of += [place] * len(elsewhere)
            with_person.append(float(row.cast > 0))
        columns = (torch.tensor(stretch), self._scaled(others), torch.tensor(of), torch.tensor(with_person))
        return Views(self._scaled(targets), *columns, self.acting[torch.tensor(targets)])

    def _scaled(self, places: list[int]) -> Tensor:
        return (self.cells.values[torch.tensor(places)].float() - self.mean) / self.deviation


def views(row: CellRow, rng: np.random.Generator, count: int) -> tuple[list[int], list[int]]:
    """Places of ``count`` pictures of one shot of a row, and of one or two of the person in other shots (for nobody: of the first)."""
    first, last, person = row.bounds[int(rng.integers(len(row.bounds)))]
    shown = [row.first + int(one) for one in rng.choice(np.arange(first, last), size=min(count, last - first), replace=False)]
    return shown, shown[:1] if person < 0 else elsewhere_of(row, first, person, rng)


def elsewhere_of(row: CellRow, first: int, person: int, rng: np.random.Generator) -> list[int]:
    """Places of one or two pictures of a person of a row outside the shot that begins with ``first``."""
    elsewhere = [row.first + row.pictures + extra for extra in range(person, row.extras, row.cast)]
    elsewhere += [row.first + int(rng.integers(a, b)) for a, b, who in row.bounds if who == person and a != first]
    kept = rng.permutation(len(elsewhere))[: int(rng.integers(1, 3))]
    return [elsewhere[int(one)] for one in kept]


@dataclass(frozen=True)
class Shown:
    """Pictures (N, 3, H, W) in 0..1, first pairs of one shot as in :class:`PictureBatches`, with the codes each is to be made from: of the
    person seen elsewhere (N, P), of the shot (N, S), of its motion (N, M). ``heads`` (N, 3) says where the head is, NaN without
    (:func:`seedbench.generators.reference.shards.heads_of`)."""

    pictures: Tensor
    person: Tensor
    shot: Tensor
    motion: Tensor
    heads: Tensor


class ShownBatches(Numbered[Shown]):
    """Endless batches of :class:`Shown`. ``codes`` are those of all pictures of ``places``, in whose order ``rows`` are; ``faces_only``
    leaves out the rows that show nobody, and takes pairs that differ most in how far lips are open (the first number of motion)."""

    def __init__(
        self,
        rows: Rows,
        places: Sequence[CellRow],
        codes: tuple[Tensor, Tensor, Tensor],
        *,
        told: int,
        batch: int = 18,
        seed: int = 0,
        faces_only: bool = False,
    ) -> None:
        self.told = told
        self.within, self.tries = (_UNLIKE_WITHIN, _UNLIKE_OF) if faces_only else (5, 1)
        self.rows, self.places, self.codes, self.size, self.seed = rows, places, codes, batch, seed
        kept = [(index, row) for index, row in enumerate(places) if row.cast or not faces_only]
        self.clips = [index for index, row in kept if row.pictures > MAX_SHOTS]
        self.stills = [index for index, row in kept if row.pictures <= MAX_SHOTS] or self.clips

    def batch(self, number: int, rng: np.random.Generator) -> Shown:
        asked = [(self.clips, 2)] * pairs_of(self.size)
        asked += [(self.stills, 1)] * (self.size - 2 * len(asked))
        stored: list[bytes] = []
        heads: list[np.ndarray] = []
        columns: list[tuple[Tensor, ...]] = []
        for among, count in asked:
            index = among[int(rng.integers(len(among)))]
            first, last, person = self.places[index].bounds[int(rng.integers(len(self.places[index].bounds)))]
            begin = int(rng.integers(first, last))
            shown = [begin, self._other(self.places[index].first, (first, last), begin, rng)][:count]
            row = self.rows[index]
            stored += [row.pictures[one] for one in shown]
            heads += [row.heads[one] for one in shown]
            columns += [self._codes_of(self.places[index], (first, last, person), one, rng) for one in shown]
        who, where, motion = (torch.stack(column) for column in zip(*columns, strict=True))
        return Shown(pictures_of(stored), who, where, motion, torch.from_numpy(np.stack(heads)))

    def _other(self, row: int, bounds: tuple[int, int], begin: int, rng: np.random.Generator) -> int:
        """The second of a pair, a few pictures away: heads have hardly moved then, but lips have, and what differs is what is weighed."""
        first, last = bounds
        steps = rng.integers(2, self.within, size=self.tries) * rng.choice((-1, 1))
        near = np.clip(begin + steps, first, last - 1)
        lips = self.codes[2][row + near, 0] - self.codes[2][row + begin, 0]
        return int(near[int(lips.abs().argmax())])

    def _codes_of(self, row: CellRow, bounds: tuple[int, int, int], shown: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        first, last, person = bounds
        people, shots, motions = self.codes
        who = torch.zeros_like(people[0]) if person < 0 else people[elsewhere_of(row, first, person, rng)].mean(0)
        stretch = slice(row.first + first, row.first + last)
        return who, shots[stretch].mean(0), about_mean(motions[stretch], self.told)[shown - first]


class BandBatches(Numbered[Tensor]):
    """Endless batches (N, 8 T, 80) of log mel bands cut from clips with sound."""

    def __init__(self, clips: Iterable[shards.Row], *, batch: int = 24, codes: int = 24, seed: int = 0) -> None:
        self.bands = [row.bands for row in clips if len(row.bands)]
        self.size, self.columns, self.seed = batch, codes * 2 * sound.COLUMNS_PER_FRAME, seed

    def batch(self, number: int, rng: np.random.Generator) -> Tensor:
        cut = []
        for _ in range(self.size):
            bands = self.bands[int(rng.integers(len(self.bands)))]
            start = int(rng.integers(max(1, len(bands) - self.columns + 1)))
            cut.append(sound.fitted(bands[start : start + self.columns], self.columns))
        return torch.from_numpy(np.stack(cut))
