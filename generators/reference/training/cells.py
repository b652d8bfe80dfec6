"""The pictures of shard rows as cells of the grid, and as codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from seedbench.generators.reference import shards
from seedbench.generators.reference.tokenizer import CellEncoder, Grid
from seedbench.generators.reference.training.rows import decoded_pictures, rows_without_pictures, shot_bounds


@dataclass(frozen=True)
class RowCells:
    """Where the cells of a row are: from index ``first``, its pictures, then its extras (of the ``cast`` people in turn).

    ``pictures`` and ``extras`` are counts; ``bounds`` are those of :func:`shot_bounds`.
    """

    first: int
    pictures: int
    extras: int
    cast: int
    bounds: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Cells:
    """The cells (N, C, h, w) of all pictures of many rows, float16, not scaled."""

    values: Tensor
    rows: tuple[RowCells, ...]


@torch.no_grad()
def cells_of(rows: Iterable[shards.Row], grid: Grid) -> Cells:
    """The cells of every picture of rows."""
    values: list[Tensor] = []
    row_cells: list[RowCells] = []
    count = 0
    device = next(grid.parameters()).device
    for row in rows:
        pictures = row.pictures + row.extras
        for first in range(0, len(pictures), 32):
            with torch.autocast(device.type, dtype=torch.bfloat16):
                values.append(grid.encode(decoded_pictures(pictures[first : first + 32]).to(device)).half().cpu().contiguous())
        row_cells.append(RowCells(count, len(row.pictures), len(row.extras), len(row.prompt.cast), tuple(shot_bounds(row))))
        count += len(pictures)
    return Cells(torch.cat(values), tuple(row_cells))


@torch.no_grad()
def codes_of_cells(cells: Cells, encoder: CellEncoder, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The codes of all pictures: people (N, P), shots (N, S), motion (N, M). ``mean`` and ``deviation`` (C, 1, 1) scale the cells."""
    device = next(encoder.parameters()).device
    parts = [
        encoder(((cells.values[start : start + 512].float() - mean) / deviation).to(device)) for start in range(0, len(cells.values), 512)
    ]
    person, shot, motion = (torch.cat([part[kind].cpu() for part in parts]) for kind in range(3))
    return person, shot, motion


def mean_and_deviation(cells: Cells, *, most: int = 4000) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C, 1, 1) of cells, from about ``most`` pictures at equal steps among all."""
    sample = cells.values[:: max(1, len(cells.values) // most)].float()
    return sample.mean((0, 2, 3))[:, None, None], sample.std((0, 2, 3)).clamp(min=1e-3)[:, None, None]


def acting_of_pictures(files: Sequence[Path], cells: Cells) -> Tensor:
    """The acting of the face (:data:`shards.ACTING`) in every picture of ``cells``, (N, 4); NaN in extras and where nobody is seen."""
    acting = torch.full((len(cells.values), len(shards.ACTING)), torch.nan)
    for row, row_cells in zip(rows_without_pictures(files), cells.rows, strict=True):
        acting[row_cells.first : row_cells.first + row_cells.pictures] = torch.from_numpy(row.acting)
    return acting


def with_known_acting(motion: Tensor, acting: Tensor, n_acting: int) -> Tensor:
    """Motion codes whose first numbers are the acting that the simulator knows, wherever it is known.

    The encoder only estimates the acting (the width of lips poorly); the twins learn from the true values.

    Args:
        motion: codes (N, M).
        acting: acting (N, 4), NaN where it is not known.
        n_acting: how many numbers of the codes are acting, at most 4.

    >>> with_known_acting(torch.zeros(2, 3), torch.tensor([[1.0, 2.0], [torch.nan, torch.nan]]), 1).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    acting = acting[:, :n_acting].to(motion)
    return torch.cat([torch.where(acting.isnan(), motion[:, :n_acting], acting), motion[:, n_acting:]], 1)
