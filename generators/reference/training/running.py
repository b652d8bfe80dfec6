"""One stage of the training under Lightning: checkpoints, signals, progress, dashboard."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.strategies import ModelParallelStrategy, Strategy
from torch.utils.data import DataLoader

from seedbench.generators.reference.config import Config, MachineSettings
from seedbench.generators.reference.training.batches import NumberedBatches
from seedbench.generators.reference.training.ema import HELD_OUT_LOSS, StageTraining
from seedbench.processes import stopping

_LINE_EVERY_S = 60.0
_LOSSES = {"loss": "loss", HELD_OUT_LOSS: "held-out loss"}


class Checkpoints(Callback):
    """Writes ``last.ckpt`` every ``every`` steps, and, on Ctrl-C, SIGTERM or a closed terminal, after the current step; counts the seconds
    of training."""

    def __init__(self, file: Path, every: int) -> None:
        self.file, self.every = file, every
        self.seconds = 0.0
        self.stopped: int | None = None
        self._received: int | None = None
        self._since = 0.0
        self._handlers = ExitStack()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._since = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            self._handlers.enter_context(stopping.no_time_limit())
            for signum in stopping.SIGNALS:
                if signal.getsignal(signum) is not signal.SIG_IGN:
                    self._handlers.callback(signal.signal, signum, signal.signal(signum, self._on_signal))

    def _on_signal(self, signum: int, _frame: object) -> None:
        if self._received is None:
            self._received = signum
        elif not stopping.signals_are_handled():  # which ends the process at a second signal
            raise KeyboardInterrupt

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        now = time.monotonic()
        self.seconds, self._since = self.seconds + now - self._since, now
        received = self._received is not None
        if trainer.strategy.reduce_boolean_decision(received, all=False) if trainer.world_size > 1 else received:
            trainer.should_stop = True
            self.stopped = self._received or signal.SIGINT  # another device received it
        if self.stopped or trainer.global_step % self.every == 0:
            partial_file = self.file.with_name("fresh.ckpt")
            trainer.save_checkpoint(partial_file)
            if trainer.is_global_zero:
                partial_file.replace(self.file)
            self._since = time.monotonic()

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._handlers.close()

    def on_exception(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException) -> None:
        self._handlers.close()

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds = float(state_dict["seconds"])


class StageProgressBar(RichProgressBar):
    """A progress bar over the steps of a stage."""

    def __init__(self, stage: str) -> None:
        super().__init__(refresh_rate=5)
        self.stage = stage

    def _get_train_description(self, current_epoch: int) -> str:
        return self.stage  # there are no epochs

    @property
    def total_train_batches(self) -> int:
        return self.trainer.max_steps

    def get_metrics(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> dict[str, Any]:
        return {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}


class ProgressLines(Callback):
    """Reports a line each minute, where there is no terminal for a progress bar."""

    def __init__(self, stage: str, report: Callable[[str], None]) -> None:
        self.stage, self.report = stage, report
        self._last_line = self._began = time.monotonic()
        self._first = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._first, self._last_line, self._began = trainer.global_step, time.monotonic(), time.monotonic()

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        now, step = time.monotonic(), trainer.global_step
        if now - self._last_line < _LINE_EVERY_S or not trainer.is_global_zero:
            return
        self._last_line = now
        rate = (step - self._first) / (now - self._began)
        losses = [(label, trainer.callback_metrics.get(f"{self.stage}/{name}")) for name, label in _LOSSES.items()]
        loss_text = ", ".join(f"{label} {float(value):.4f}" for label, value in losses if value is not None)
        left_min = (trainer.max_steps - step) / rate / 60
        self.report(f"{self.stage}: step {step} of {trainer.max_steps}, {loss_text}, {rate:.2f} steps/s, {left_min:.0f} min left")


def fit_stage(
    module: StageTraining[Any],
    batches: NumberedBatches[Any],
    *,
    held_out: NumberedBatches[Any] | None = None,
    config: Config,
    out: Path,
    report: Callable[[str], None],
    callbacks: Sequence[Callback] = (),
) -> float:
    """Train a stage to its last step, from its last checkpoint if there is one.

    Args:
        module: the stage.
        batches: batches of the training rows.
        held_out: batches of held-out rows, whose loss goes to the dashboard every ``validation.loss_every`` steps; None: no such loss.
        config: how the work is done (``machine``) and watched (``validation``).
        out: the folder of the training.
        report: gets lines of text.
        callbacks: more callbacks of Lightning.

    Returns:
        The seconds that all steps took, also those before the last checkpoint.

    Raises:
        Stopped: Ctrl-C, SIGTERM or a closed terminal; the step under way was finished and a checkpoint written.
    """
    stage, validation = module.stage, config.validation
    folder = out / "checkpoints" / stage
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last.ckpt"
    checkpoints = Checkpoints(last, config.machine.checkpoint_every)
    with without_advice():
        progress: Callback = StageProgressBar(stage) if sys.stdout.isatty() else ProgressLines(stage, report)
        trainer = lightning.Trainer(
            max_steps=module.steps,
            accelerator=config.machine.accelerator,
            devices=config.machine.devices,
            num_nodes=config.machine.nodes,
            strategy=strategy_of(config.machine, stage),
            precision=config.machine.precision,
            gradient_clip_val=1.0,
            logger=TensorBoardLogger(out / "logs", name=stage, version=""),
            callbacks=[*callbacks, progress, checkpoints],
            log_every_n_steps=10,
            val_check_interval=validation.loss_every if held_out is not None else None,
            check_val_every_n_epoch=None if held_out is not None else 1,
            limit_val_batches=validation.batches,
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=isinstance(progress, StageProgressBar),
            default_root_dir=out,
        )
        batches.rank = trainer.global_rank
        if last.exists():
            batches.first = checkpoint_step(last)
            report(f"{stage}: resuming from step {batches.first} of {module.steps}")
        workers = config.machine.workers
        loader = DataLoader(batches, batch_size=None, num_workers=workers, persistent_workers=workers > 0, pin_memory=False)
        held_out_loader = None if held_out is None else DataLoader(held_out, batch_size=None)
        trainer.fit(module, loader, held_out_loader, ckpt_path=last if last.exists() else None, weights_only=True)
    if checkpoints.stopped:
        report(f"{stage}: stopped at step {trainer.global_step} of {module.steps}; the same command goes on from there ({last})")
        raise stopping.Stopped(checkpoints.stopped)
    return checkpoints.seconds


def checkpoint_step(checkpoint: Path) -> int:
    """The step a checkpoint was written after."""
    return int(torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=True)["global_step"])


def strategy_of(machine: MachineSettings, stage: str) -> str | Strategy:
    """How a stage is distributed over devices: with fsdp the twins are sharded, the much smaller tokenizers are copied to all."""
    n = device_count(machine)
    if machine.strategy == "fsdp" and stage in ("joint", "cascaded"):
        return ModelParallelStrategy(data_parallel_size=n, tensor_parallel_size=1, save_distributed_checkpoint=False)
    return "auto" if n == 1 else "ddp_find_unused_parameters_true"


def device_count(machine: MachineSettings) -> int:
    """The number of devices on all nodes together."""
    if isinstance(machine.devices, int):
        return machine.devices * machine.nodes
    on_gpu = machine.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    return machine.nodes * (torch.cuda.device_count() if on_gpu else 1)


def device_text(machine: MachineSettings) -> str:
    """The devices of a training, as text."""
    n = device_count(machine)
    if machine.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return f"{n} x {torch.cuda.get_device_name()}"
    return f"CPU, {n * torch.get_num_threads()} threads"


def make_once(file: Path, make: Callable[[], None]) -> None:
    """Let the first of several processes make ``file`` with ``make``; the others wait until it is there."""
    if file.exists():
        return
    if rank() == 0:
        make()
        return
    while not file.exists():
        time.sleep(1)


def rank() -> int:
    """The number of this process among several; 0 if there is only one."""
    return int(getattr(rank_zero_only, "rank", 0) or os.environ.get("LOCAL_RANK", "0"))


@contextmanager
def without_advice() -> Iterator[None]:
    """Without Lightning's advertisements and its advice on data loaders, which does not apply to endless batches."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in (
                "The '(train|val)_dataloader' does not have many workers",
                "You defined a `validation_step` but have no `val_dataloader`",
                "GPU available but not used",
                ".*`IterableDataset` has `__len__` defined",
                "Checkpoint directory .* exists",
                "`isinstance\\(treespec, LeafSpec\\)` is deprecated",
                "FSDP2-wrapped module .* returned a view tensor",
                "Found .* module\\(s\\) in eval mode",
            ):
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
