"""The pictures of shard rows as cells of the grid, and as codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from seedbench.generators.reference import shards
from seedbench.generators.reference.tokenizer import Encoder, Grid
from seedbench.generators.reference.training.rows import bounds_of, heard, pictures_of


@dataclass(frozen=True)
class CellRow:
    """Where the cells of a row lie: from ``first``, so many pictures, then so many extras of ``cast`` people in turn; shots' ``bounds``."""

    first: int
    pictures: int
    extras: int
    cast: int
    bounds: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Cells:
    """The cells (N, C, h, w) of all pictures of many rows, 16-bit, not yet scaled."""

    values: Tensor
    rows: tuple[CellRow, ...]


@torch.no_grad()
def cells_of(rows: Iterable[shards.Row], grid: Grid) -> Cells:
    """Every picture through the grid, once."""
    values: list[Tensor] = []
    places: list[CellRow] = []
    count = 0
    device = next(grid.parameters()).device
    for row in rows:
        pictures = row.pictures + row.extras
        for first in range(0, len(pictures), 32):
            with torch.autocast(device.type, dtype=torch.bfloat16):
                values.append(grid.encode(pictures_of(pictures[first : first + 32]).to(device)).half().cpu().contiguous())
        places.append(CellRow(count, len(row.pictures), len(row.extras), len(row.prompt.cast), tuple(bounds_of(row))))
        count += len(pictures)
    return Cells(torch.cat(values), tuple(places))


@torch.no_grad()
def codes_of(cells: Cells, encoder: Encoder, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Codes of all pictures: people (N, P), shots (N, S), motion (N, M)."""
    device = next(encoder.parameters()).device
    parts = [encoder(((cells.values[at : at + 512].float() - mean) / deviation).to(device)) for at in range(0, len(cells.values), 512)]
    person, shot, motion = (torch.cat([part[kind].cpu() for part in parts]) for kind in range(3))
    return person, shot, motion


def spread_of(cells: Cells, *, most: int = 4000) -> tuple[Tensor, Tensor]:
    """Mean and deviation (C, 1, 1) of cells, from at most so many pictures spread over all."""
    some = cells.values[:: max(1, len(cells.values) // most)].float()
    return some.mean((0, 2, 3))[:, None, None], some.std((0, 2, 3)).clamp(min=1e-3)[:, None, None]


def acted(of: Sequence[Path], cells: Cells) -> Tensor:
    """What the face does in every picture of ``cells``, (N, 4); NaN in extras and where nobody is seen."""
    found = torch.full((len(cells.values), len(shards.ACTING)), torch.nan)
    for row, place in zip(heard(of), cells.rows, strict=True):
        found[place.first : place.first + place.pictures] = torch.from_numpy(row.acting)
    return found


def as_acted(motion: Tensor, acting: Tensor, told: int) -> Tensor:
    """Motion codes (N, M) whose first ``told`` numbers are what the face does (``acting``, (N, 4)) wherever that is known.

    The encoder's word for it is a guess (of how wide lips are, a poor one); the twins learn from what is so.

    >>> as_acted(torch.zeros(2, 3), torch.tensor([[1.0, 2.0], [torch.nan, torch.nan]]), 1).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    acting = acting[:, :told].to(motion)
    return torch.cat([torch.where(acting.isnan(), motion[:, :told], acting), motion[:, told:]], 1)
