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
from seedbench.generators.reference.training.batches import NumberedBatches
from seedbench.generators.reference.training.ema import StageTraining
from seedbench.generators.reference.training.running import fit_stage, make_once, rank
from seedbench.generators.reference.training.setup import ShardFiles, TrainingSetup, stage_record

MakeBatches = Callable[[ShardFiles], NumberedBatches[Any]]


def run_stage(setup: TrainingSetup, training: StageTraining[Any], make_batches: MakeBatches, callbacks: Sequence[Callback] = ()) -> None:
    """Train a stage, or resume it, and record its steps and seconds in ``stages.json``."""
    stage = training.stage
    held_out = make_batches(setup.held_out_files) if setup.held_out_files is not None else None
    seconds = fit_stage(
        training,
        make_batches(setup.training_files),
        held_out=held_out,
        config=setup.config,
        out=setup.out,
        report=setup.report,
        callbacks=callbacks,
    )
    setup.report(f"{stage}: {training.steps} steps in {seconds / 60:.1f} min")
    if rank() == 0:
        record = {**stage_record(setup), stage: {"steps": training.steps, "seconds": round(seconds, 3)}}
        (setup.out / "stages.json").write_text(json.dumps(record, indent=1) + "\n")


def save_stage(training: StageTraining[Any], more: dict[str, Tensor], file: Path) -> None:
    """Write the EMA weights of a stage, and the tensors that belong to them, for the stages that follow."""
    from safetensors.torch import save_file

    weights = {name: tensor.contiguous() for name, tensor in (training.ema_weights() | more).items()}

    def save() -> None:
        with atomic_write(file) as partial_file:
            save_file(weights, partial_file)

    make_once(file, save)


def start_from(training: StageTraining[Any], trained: nn.Module, start: Path) -> None:
    """Take the weights of another training. Raises GeneratorError if their sizes do not fit."""
    try:
        copy_weights(training, trained)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise GeneratorError(f"the weights in {start} have other sizes than the config ({reason})") from error


def copy_weights(training: StageTraining[Any], trained: nn.Module) -> None:
    """Copy weights into a stage, and into its EMA."""
    training.net.load_state_dict(trained.state_dict())
    training.average.module.load_state_dict(trained.state_dict())
