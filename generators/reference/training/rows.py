"""Rows of shard files, read for training."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbench.generators.reference import shards
from seedbench.generators.reference.script import stretches


class ShardRows(Sequence[shards.Row]):
    """The rows of many files: compressed, in memory, and shared by the processes that read batches."""

    def __init__(self, files: Sequence[Path]) -> None:
        import pyarrow.parquet as pq

        self._tables = [pq.read_table(file) for file in files]
        self._ends = list(itertools.accumulate(len(table) for table in self._tables))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        file_index = bisect.bisect_right(self._ends, index)
        table = self._tables[file_index]
        return shards.row_of(table.slice(index - self._ends[file_index] + len(table), 1).to_pylist()[0])


def prompt_rows(files: Sequence[Path]) -> Iterator[shards.Row]:
    """The rows of files with prompts and the lengths of sounds only, which is what a vocabulary needs."""
    import pyarrow.parquet as pq

    for file in files:
        for row in pq.read_table(file, columns=["prompt", "lasting"]).to_pylist():
            yield shards.row_of({**row, "pictures": [], "extras": [], "bands": b"", "acting": b"", "heads": b""})


def rows_without_pictures(files: Sequence[Path]) -> Iterator[shards.Row]:
    """The rows of files with prompts, sound and acting, without pictures."""
    import pyarrow.parquet as pq

    for file in files:
        for row in pq.read_table(file, columns=["prompt", "lasting", "bands", "acting"]).to_pylist():
            yield shards.row_of({**row, "pictures": [], "extras": [], "heads": b""})


def shot_bounds(row: shards.Row) -> list[tuple[int, int, int]]:
    """For each shot of a row: first frame, frame after the last, and index of the person in the cast (-1: nobody)."""
    return [(shot.first, shot.last, shot.person) for shot in stretches(row.prompt, len(row.pictures))]


def decoded_pictures(stored: Sequence[bytes]) -> Tensor:
    """Stored pictures as (N, 3, H, W) float32 in 0..1."""
    return torch.from_numpy(np.stack([shards.decode_picture(data) for data in stored])).permute(0, 3, 1, 2).float() / 255
