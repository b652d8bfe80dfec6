"""The whole training as a user runs it: shards, tokenizers, latents, and the two twins one after the other.

Each stage is skipped when what it makes is there, and goes on from its last checkpoint when it was interrupted. In the folder ``out``:
``config.yaml`` and ``begun.json`` (what it is made of), ``stages.json`` (steps and seconds of each stage), ``stages/`` (what those of
the tokenizers made), ``latents/``, ``checkpoints/``, ``logs/`` (TensorBoard), ``samples/`` and ``validation.csv``, and at last the weights:
``tokenizers.safetensors``, ``joint.safetensors``, ``cascaded.safetensors``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import torch

from seedbench.errors import GeneratorError
from seedbench.generators.reference import shards
from seedbench.generators.reference.config import Config
from seedbench.generators.reference.training.encoded import examples_for, vocabulary_for
from seedbench.generators.reference.training.resume import check_folder
from seedbench.generators.reference.training.running import by_the_first, rank
from seedbench.generators.reference.training.setup import Report, Work, stage_file
from seedbench.generators.reference.training.stages import keep_weights
from seedbench.generators.reference.training.tokenizer_stages import TOKENIZER_TRAININGS, joined_tokenizers
from seedbench.generators.reference.training.twin_stage import train_twin
from seedbench.generators.reference.twins import TWINS, Twin


def train(
    config: Config,
    *,
    name: str = "",
    out: Path,
    shards_folder: Path | None = None,
    start: Path | None = None,
    twins_only: bool = False,
    twins: Sequence[Twin] = TWINS,
    processes: int = 1,
    report: Report = print,
) -> None:
    """Train both twins, or go on with it. Raises GeneratorError for what cannot be begun, Stopped after Ctrl-C.

    ``twins_only`` takes the tokenizers that lie in ``out`` as they are, however they were made. With one of ``twins`` the other is left
    to another process, which may run at the same time once tokenizers and latents are there.
    """
    work = Work(config, name, out, shards_folder or out / "shards", start, report if rank() == 0 else _unsaid)
    check_folder(work, twins_only=twins_only)
    torch.set_float32_matmul_precision("high")
    render(work.jobs, processes=processes, report=report)
    if not work.tokenizers.exists():
        for stage, trained in TOKENIZER_TRAININGS.items():
            if not stage_file(work, stage).exists():
                torch.manual_seed(config.seed)
                keep_weights(*trained(work), stage_file(work, stage))
        by_the_first(work.tokenizers, lambda: joined_tokenizers(work).save(work.tokenizers))
    if all((out / f"{twin}.safetensors").exists() for twin in twins):
        report(f"nothing is left to do: {' and '.join(twins)} are in {out}")
        return
    vocabulary = vocabulary_for(work)
    examples = functools.cache(lambda of: examples_for(work, of, vocabulary))
    for twin in twins:
        train_twin(work, twin, vocabulary, examples)


def _unsaid(line: str) -> None:
    """What devices but the first report."""


def render(jobs: list[shards.Job], *, processes: int, report: Report) -> None:
    """Make the shard files that are not there."""
    todo = shards.missing(jobs)
    if not todo:
        return
    if rank() > 0:
        raise GeneratorError("shards are missing: make them first, with `seedbench reference shards`")
    for done, job in enumerate(shards.make(todo, processes=processes), 1):
        report(f"shards: {job.file.name} ({done} of {len(todo)})")
