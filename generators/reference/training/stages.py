"""One stage of a training: its steps, the weights that it starts from, and the weights that it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from seedbench.errors import GeneratorError
from seedbench.files.atomic import atomic_write
from seedbench.generators.reference.training.averaging import Training
from seedbench.generators.reference.training.batches import Numbered
from seedbench.generators.reference.training.running import by_the_first, rank, run
from seedbench.generators.reference.training.setup import Files, Work, stages_taken

Batches = Callable[[Files], Numbered[Any]]


def run_stage(work: Work, training: Training[Any], batches: Batches, callbacks: Sequence[Callback] = ()) -> None:
    """Train, and keep how many steps and seconds it took."""
    stage = training.stage
    aside = batches(work.aside) if work.aside is not None else None
    seconds = run(training, batches(work.learned), aside=aside, config=work.config, out=work.out, report=work.report, callbacks=callbacks)
    work.report(f"{stage}: {training.steps} steps in {seconds / 60:.1f} min")
    if rank() == 0:
        stages = {**stages_taken(work), stage: {"steps": training.steps, "seconds": round(seconds, 3)}}
        (work.out / "stages.json").write_text(json.dumps(stages, indent=1) + "\n")


def keep_weights(training: Training[Any], more: dict[str, Tensor], file: Path) -> None:
    """Write the average, and what else belongs to it, where the next stages find it."""
    from safetensors.torch import save_file

    weights = {name: one.contiguous() for name, one in (training.averaged_weights() | more).items()}

    def save() -> None:
        with atomic_write(file) as place:
            save_file(weights, place)

    by_the_first(file, save)


def take_up_from(training: Training[Any], trained: nn.Module, start: Path) -> None:
    """Take up the weights of another training. Raises GeneratorError where they do not fit."""
    try:
        take_up(training, trained)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise GeneratorError(f"the weights in {start} have other sizes than the config ({reason})") from error


def take_up(training: Training[Any], trained: nn.Module) -> None:
    """Take up weights, and their average with them."""
    training.net.load_state_dict(trained.state_dict())
    training.average.module.load_state_dict(trained.state_dict())
