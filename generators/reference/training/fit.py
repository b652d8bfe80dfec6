"""The whole training as a user runs it: shards, tokenizers, latents, and the two twins one after the other.

A stage is skipped when its result is there, and resumes from its last checkpoint when it was interrupted. The folder ``out`` holds
``config.yaml`` and ``begun.json`` (what the training began with), ``stages.json`` (steps and seconds of each stage), ``stages/`` (the
weights of the tokenizers' stages), ``cells/``, ``latents/``, ``checkpoints/``, ``logs/`` (TensorBoard), ``samples/``, ``validation.csv``,
and in the end the weights: ``tokenizers.safetensors``, ``joint.safetensors``, ``cascaded.safetensors``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import torch

from seedbench.errors import GeneratorError
from seedbench.generators.reference import shards
from seedbench.generators.reference.config import Config
from seedbench.generators.reference.training.encoded import load_examples, training_vocabulary
from seedbench.generators.reference.training.resume import check_folder
from seedbench.generators.reference.training.running import make_once, rank
from seedbench.generators.reference.training.setup import Report, TrainingSetup, stage_file
from seedbench.generators.reference.training.stages import save_stage
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
    """Train the tokenizers and both twins, or resume their training.

    Args:
        config: the settings.
        name: the name of the config, for the facts that are stored with the weights.
        out: the folder of the training; it may hold one that was interrupted.
        shards_folder: the folder of the shards; missing ones are rendered. None: ``out/shards``.
        start: a folder of trained weights to start from; None: new weights.
        twins_only: use the tokenizers in ``out`` as they are, however they were trained.
        twins: the twins to train. Another process may train the other at the same time once tokenizers and latents are there.
        processes: how many processes render missing shards.
        report: gets a line of text for each finished part.

    Raises:
        GeneratorError: the training cannot begin, or cannot resume in this folder.
        Stopped: Ctrl-C or SIGTERM; the same call resumes.
    """
    setup = TrainingSetup(config, name, out, shards_folder or out / "shards", start, report if rank() == 0 else _report_nothing)
    check_folder(setup, twins_only=twins_only)
    torch.set_float32_matmul_precision("high")
    render(setup.shard_jobs, processes=processes, report=report)
    if not setup.tokenizers_file.exists():
        for stage, train_stage in TOKENIZER_TRAININGS.items():
            if not stage_file(setup, stage).exists():
                torch.manual_seed(config.seed)
                save_stage(*train_stage(setup), stage_file(setup, stage))
        make_once(setup.tokenizers_file, lambda: joined_tokenizers(setup).save(setup.tokenizers_file))
    if all((out / f"{twin}.safetensors").exists() for twin in twins):
        report(f"nothing is left to do: {' and '.join(twins)} are in {out}")
        return
    vocabulary = training_vocabulary(setup)
    examples_of = functools.cache(lambda files: load_examples(setup, files, vocabulary))
    for twin in twins:
        train_twin(setup, twin, vocabulary, examples_of)


def _report_nothing(line: str) -> None:
    """Only the first of several devices reports."""


def render(jobs: list[shards.ShardJob], *, processes: int, report: Report) -> None:
    """Render the shard files that are missing. Raises GeneratorError on a device other than the first."""
    missing = shards.missing_jobs(jobs)
    if not missing:
        return
    if rank() > 0:
        raise GeneratorError("shards are missing: make them first, with `seedbench reference shards`")
    for done, job in enumerate(shards.render_shards(missing, processes=processes), 1):
        report(f"shards: {job.file.name} ({done} of {len(missing)})")
