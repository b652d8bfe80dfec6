"""Shards through the tokenizers, kept on disk: cells (safetensors) for each grid, scripts and codes (parquet) for each tokenizer."""

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
from seedbench.generators.reference.training.cells import CellRow, Cells, cells_of
from seedbench.generators.reference.training.latents import Example, examples_of
from seedbench.generators.reference.training.rows import heard

VERSION = 5


def key_of(*parts: bytes) -> str:
    """A name for what depends on ``parts`` and on this version of the code."""
    return hashlib.sha256(b"/".join([*parts, str(VERSION).encode()])).hexdigest()[:16]


def key_of_words(vocabulary: Vocabulary) -> bytes:
    """A vocabulary as bytes."""
    return json.dumps(asdict(vocabulary), sort_keys=True).encode()


def cells(files: Sequence[Path], grid: Grid, folder: Path, *, tick: Callable[[], object] = lambda: None) -> None:
    """The cells of shard files, a safetensors file each, in ``folder``; what is there already is not made again."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    for source in files:
        goal = _beside(source, folder)
        if not goal.exists():
            made = cells_of(shards.read(source), grid)
            with atomic_write(goal) as place:
                save_file({"values": made.values}, place, metadata={"rows": json.dumps([asdict(row) for row in made.rows])})
        tick()


def read_cells(files: Sequence[Path], folder: Path) -> Cells:
    """The cells of shard files as one."""
    from safetensors import safe_open

    values: list[torch.Tensor] = []
    rows: list[CellRow] = []
    before = 0
    for file in files:
        with safe_open(_beside(file, folder), "pt") as opened:
            values.append(opened.get_tensor("values"))
            for row in json.loads(opened.metadata()["rows"]):
                bounds = tuple((first, last, who) for first, last, who in row["bounds"])
                rows.append(CellRow(before + row["first"], row["pictures"], row["extras"], row["cast"], bounds))
        before += len(values[-1])
    return Cells(torch.cat(values), tuple(rows))


def _beside(file: Path, folder: Path) -> Path:
    return folder / f"{file.stem}.safetensors"


def encoded(
    files: Sequence[Path],
    cells_in: Path,
    tokenizers: Tokenizers,
    vocabulary: Vocabulary,
    folder: Path,
    *,
    tick: Callable[[], object] = lambda: None,
) -> None:
    """The latents of shard files, whose cells lie in ``cells_in``, in ``folder``; what is there already is not made again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    for source in files:
        goal = folder / source.name
        if not goal.exists():
            made = examples_of(heard([source]), read_cells([source], cells_in), tokenizers, vocabulary)
            with atomic_write(goal) as place:
                pq.write_table(pa.Table.from_pylist([_stored(one) for one in made]), place, compression="zstd")
        tick()


def read(files: Sequence[Path]) -> list[Example]:
    """The examples of encoded files, in order."""
    import pyarrow.parquet as pq

    return [_example(row) for file in files for row in pq.read_table(file).to_pylist()]


def _stored(one: Example) -> dict[str, Any]:
    return {
        "script": json.dumps(asdict(one.script), ensure_ascii=False),
        "counts": [len(codes) for codes in one.codes],
        "sizes": [codes.shape[1] for codes in one.codes],
        "codes": b"".join(codes.float().numpy().tobytes() for codes in one.codes),
        "voice": b"" if one.voice is None else one.voice.astype(np.float32).tobytes(),
    }


def _example(row: dict[str, Any]) -> Example:
    values = torch.from_numpy(np.frombuffer(row["codes"], np.float32).copy())
    parts = values.split([count * size for count, size in zip(row["counts"], row["sizes"], strict=True)])
    person, shot, video, heard = (part.view(count, size) for part, count, size in zip(parts, row["counts"], row["sizes"], strict=True))
    voice = np.frombuffer(row["voice"], np.float32).copy() if row["voice"] else None
    return Example(_script(json.loads(row["script"])), (person, shot, video, heard), voice)


def _script(plain: dict[str, Any]) -> Script:
    return Script(
        tuple(plain["words"]),
        tuple(Sound(**one) for one in plain["sounds"]),
        tuple(Stretch(**one) for one in plain["shots"]),
        plain["n_people"],
        plain["n_frames"],
    )
