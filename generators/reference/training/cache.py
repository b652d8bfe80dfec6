"""Encoded shards on disk: cells (safetensors) for each grid, scripts and codes (parquet) for each pair of tokenizers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seedbench.files.atomic import atomic_write
from seedbench.generators.reference import shards
from seedbench.generators.reference.model import Tokenizers
from seedbench.generators.reference.script import Script, Sound, Stretch
from seedbench.generators.reference.tokenizer import Grid
from seedbench.generators.reference.tokens import Vocabulary
from seedbench.generators.reference.training.cells import Cells, RowCells, cells_of
from seedbench.generators.reference.training.latents import TrainingExample, examples_of
from seedbench.generators.reference.training.rows import rows_without_pictures

VERSION = 5


def key_of(*parts: bytes) -> str:
    """The name of a folder whose content depends on ``parts`` and on this version of the code: 16 hexadecimal digits."""
    return hashlib.sha256(b"/".join([*parts, str(VERSION).encode()])).hexdigest()[:16]


def vocabulary_bytes(vocabulary: Vocabulary) -> bytes:
    """A vocabulary as bytes."""
    return json.dumps(asdict(vocabulary), sort_keys=True).encode()


def write_cells(files: Sequence[Path], grid: Grid, folder: Path, *, after_file: Callable[[], object] = lambda: None) -> None:
    """Write the cells of shard files, a safetensors file each, into ``folder``, unless they are there."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    for source in files:
        target = _cells_file(source, folder)
        if not target.exists():
            cells = cells_of(shards.read_rows(source), grid)
            with atomic_write(target) as partial_file:
                metadata = {"rows": json.dumps([asdict(row) for row in cells.rows])}
                save_file({"values": cells.values}, partial_file, metadata=metadata)
        after_file()


def read_cells(files: Sequence[Path], folder: Path) -> Cells:
    """The stored cells of shard files, together."""
    from safetensors import safe_open

    values: list[torch.Tensor] = []
    rows: list[RowCells] = []
    count = 0
    for file in files:
        with safe_open(_cells_file(file, folder), "pt") as opened:
            values.append(opened.get_tensor("values"))
            for row in json.loads(opened.metadata()["rows"]):
                bounds = tuple((first, last, who) for first, last, who in row["bounds"])
                rows.append(RowCells(count + row["first"], row["pictures"], row["extras"], row["cast"], bounds))
        count += len(values[-1])
    return Cells(torch.cat(values), tuple(rows))


def _cells_file(file: Path, folder: Path) -> Path:
    return folder / f"{file.stem}.safetensors"


def write_examples(
    files: Sequence[Path],
    cells_folder: Path,
    tokenizers: Tokenizers,
    vocabulary: Vocabulary,
    folder: Path,
    *,
    after_file: Callable[[], object] = lambda: None,
) -> None:
    """Write the training examples of shard files, whose cells are in ``cells_folder``, into ``folder``, unless they are there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for source in files:
        target = folder / source.name
        if not target.exists():
            examples = examples_of(rows_without_pictures([source]), read_cells([source], cells_folder), tokenizers, vocabulary)
            with atomic_write(target) as partial_file:
                pq.write_table(pa.Table.from_pylist([_stored(example) for example in examples]), partial_file, compression="zstd")
        after_file()


def read_examples(files: Sequence[Path]) -> list[TrainingExample]:
    """The stored training examples of files, in order."""
    import pyarrow.parquet as pq

    return [_example(row) for file in files for row in pq.read_table(file).to_pylist()]


def _stored(example: TrainingExample) -> dict[str, Any]:
    return {
        "script": json.dumps(asdict(example.script), ensure_ascii=False),
        "counts": [len(codes) for codes in example.codes],
        "sizes": [codes.shape[1] for codes in example.codes],
        "codes": b"".join(codes.float().numpy().tobytes() for codes in example.codes),
        "voice": b"" if example.voice is None else example.voice.astype(np.float32).tobytes(),
    }


def _example(row: dict[str, Any]) -> TrainingExample:
    values = torch.from_numpy(np.frombuffer(row["codes"], np.float32).copy())
    parts = values.split([count * size for count, size in zip(row["counts"], row["sizes"], strict=True)])
    person, shot, video, sound = (part.view(count, size) for part, count, size in zip(parts, row["counts"], row["sizes"], strict=True))
    voice = np.frombuffer(row["voice"], np.float32).copy() if row["voice"] else None
    return TrainingExample(_script(json.loads(row["script"])), (person, shot, video, sound), voice)


def _script(plain: dict[str, Any]) -> Script:
    return Script(
        tuple(plain["words"]),
        tuple(Sound(**fields) for fields in plain["sounds"]),
        tuple(Stretch(**fields) for fields in plain["shots"]),
        plain["n_people"],
        plain["n_frames"],
    )
