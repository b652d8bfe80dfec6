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


@dataclass(frozen=True)
class Files:
    """The shard files of a world."""

    clips: tuple[Path, ...]
    stills: tuple[Path, ...]

    @classmethod
    def of(cls, jobs: Sequence[shards.Job]) -> Files:
        """Those of jobs."""
        return cls(tuple(job.file for job in jobs if not job.stills), tuple(job.file for job in jobs if job.stills))

    @property
    def all(self) -> tuple[Path, ...]:
        """Clips, then stills."""
        return self.clips + self.stills

    @property
    def names(self) -> bytes:
        """Their names, which say how many rows of which world they hold and how they were made."""
        return "/".join(file.name for file in self.all).encode()


@dataclass(frozen=True)
class Work:
    """One training: its config (``name`` for the record), its folder, that of its shards, and where it starts from (None: anew)."""

    config: Config
    name: str
    out: Path
    rendered: Path
    start: Path | None
    report: Report

    @property
    def jobs(self) -> list[shards.Job]:
        """All shard files: those it is trained on, and those kept aside."""
        return [*self.config.jobs(self.rendered), *self.config.jobs_aside(self.rendered)]

    @property
    def learned(self) -> Files:
        """The shard files it is trained on."""
        return Files.of(self.config.jobs(self.rendered))

    @property
    def aside(self) -> Files | None:
        """Those kept aside, if any."""
        jobs = self.config.jobs_aside(self.rendered)
        return Files.of(jobs) if jobs else None

    @property
    def tokenizers(self) -> Path:
        """Where its tokenizers lie once they are trained."""
        return self.out / TOKENIZERS_FILE


def device(work: Work) -> str:
    return "cuda" if work.config.machine.accelerator != "cpu" and torch.cuda.is_available() else "cpu"


def stage_file(work: Work, stage: str) -> Path:
    return work.out / "stages" / f"{stage}.safetensors"


def stages_taken(work: Work) -> dict[str, Any]:
    file = work.out / "stages.json"
    return json.loads(file.read_text()) if file.exists() else {}


def tokenizer_config(config: Config) -> TokenizerConfig:
    world, grid, coder, faces = config.world, config.grid, config.coder, config.faces
    codes = (coder.person, coder.shot, coder.motion, coder.told)
    depths = (coder.seen, coder.hidden, coder.blocks)
    return TokenizerConfig(world.width, world.height, *codes, grid.cell, grid.channels, *depths, faces.side, faces.channels)


def trained_grid(work: Work) -> Grid:
    from safetensors.torch import load_file

    grid = Grid(tokenizer_config(work.config))
    grid.load_state_dict(load_file(stage_file(work, "grid")))
    return grid
