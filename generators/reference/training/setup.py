"""One training: its config, its folders, and what its stages have left in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seedbench.generators.reference import shards
from seedbench.generators.reference.config import Config
from seedbench.generators.reference.model import TOKENIZERS_FILE
from seedbench.generators.reference.tokenizer import Grid, TokenizerConfig

Report = Callable[[str], None]
TOKENIZER_STAGES = ("grid", "coder", "polish", "faces", "codec")
"""The stages of the tokenizers, in the order in which they are trained."""


@dataclass(frozen=True)
class ShardFiles:
    """Shard files with clips, and shard files with stills."""

    clips: tuple[Path, ...]
    stills: tuple[Path, ...]

    @classmethod
    def of_jobs(cls, jobs: Sequence[shards.ShardJob]) -> ShardFiles:
        """The files that jobs write."""
        return cls(tuple(job.file for job in jobs if not job.stills), tuple(job.file for job in jobs if job.stills))

    @property
    def all(self) -> tuple[Path, ...]:
        """The files with clips, then the files with stills."""
        return self.clips + self.stills

    @property
    def names(self) -> bytes:
        """The names of the files as bytes. A name says which rows a file holds and how they were rendered."""
        return "/".join(file.name for file in self.all).encode()


@dataclass(frozen=True)
class TrainingSetup:
    """One training. ``name`` of the config for the record; ``start`` is a folder of weights to start from, or None."""

    config: Config
    name: str
    out: Path
    shards_folder: Path
    start: Path | None
    report: Report

    @property
    def shard_jobs(self) -> list[shards.ShardJob]:
        """The jobs of all shard files: for training, then held out."""
        return [*self.config.jobs(self.shards_folder), *self.config.held_out_jobs(self.shards_folder)]

    @property
    def training_files(self) -> ShardFiles:
        """The shard files to train on."""
        return ShardFiles.of_jobs(self.config.jobs(self.shards_folder))

    @property
    def held_out_files(self) -> ShardFiles | None:
        """The shard files that are never trained on; None if the config has none."""
        jobs = self.config.held_out_jobs(self.shards_folder)
        return ShardFiles.of_jobs(jobs) if jobs else None

    @property
    def tokenizers_file(self) -> Path:
        """The file of the trained tokenizers."""
        return self.out / TOKENIZERS_FILE


def device(setup: TrainingSetup) -> str:
    """The device on which shards are encoded: ``cuda`` or ``cpu``."""
    return "cuda" if setup.config.machine.accelerator != "cpu" and torch.cuda.is_available() else "cpu"


def stage_file(setup: TrainingSetup, stage: str) -> Path:
    """The file of the weights that a stage of the tokenizers leaves."""
    return setup.out / "stages" / f"{stage}.safetensors"


def stage_record(setup: TrainingSetup) -> dict[str, Any]:
    """Steps and seconds of the stages so far, by the name of the stage."""
    file = setup.out / "stages.json"
    return json.loads(file.read_text()) if file.exists() else {}


def tokenizer_config(config: Config) -> TokenizerConfig:
    """The sizes of the video tokenizer of a config."""
    world, grid, coder, faces = config.world, config.grid, config.coder, config.faces
    codes = (coder.person, coder.shot, coder.motion, coder.told)
    depths = (coder.seen, coder.hidden, coder.blocks)
    return TokenizerConfig(world.width, world.height, *codes, grid.cell, grid.channels, *depths, faces.side, faces.channels)


def trained_grid(setup: TrainingSetup) -> Grid:
    """The grid as its stage has left it."""
    from safetensors.torch import load_file

    grid = Grid(tokenizer_config(setup.config))
    grid.load_state_dict(load_file(stage_file(setup, "grid")))
    return grid
