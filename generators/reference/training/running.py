"""One stage of training under Lightning: checkpoints, Ctrl-C, progress, dashboard."""

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

from seedbench.generators.reference.config import Config, Machine
from seedbench.generators.reference.training.averaging import ASIDE, Training
from seedbench.generators.reference.training.batches import Numbered
from seedbench.processes import stopping

_LINE_EVERY_S = 60.0
_LOSSES = {"loss": "loss", ASIDE: "of rows kept aside"}


class Checkpoints(Callback):
    """Writes ``last.ckpt`` every so many steps, and, when it is stopped (Ctrl-C, SIGTERM, a closed terminal), after the step that is
    under way; counts the seconds of training."""

    def __init__(self, file: Path, every: int) -> None:
        self.file, self.every = file, every
        self.seconds = 0.0
        self.stopped: int | None = None
        self._asked: int | None = None
        self._since = 0.0
        self._restored = ExitStack()

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._since = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            self._restored.enter_context(stopping.no_time_limit())
            for signum in stopping.SIGNALS:
                if signal.getsignal(signum) is not signal.SIG_IGN:
                    self._restored.callback(signal.signal, signum, signal.signal(signum, self._ask))

    def _ask(self, signum: int, _frame: object) -> None:
        if self._asked is None:
            self._asked = signum
        elif not stopping.signals_are_handled():  # which ends the process at a second signal
            raise KeyboardInterrupt

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        now = time.monotonic()
        self.seconds, self._since = self.seconds + now - self._since, now
        asked = self._asked is not None
        if trainer.strategy.reduce_boolean_decision(asked, all=False) if trainer.world_size > 1 else asked:
            trainer.should_stop = True
            self.stopped = self._asked or signal.SIGINT  # that another device was sent
        if self.stopped or trainer.global_step % self.every == 0:
            fresh = self.file.with_name("fresh.ckpt")
            trainer.save_checkpoint(fresh)
            if trainer.is_global_zero:
                fresh.replace(self.file)
            self._since = time.monotonic()

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._restore()

    def on_exception(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException) -> None:
        self._restore()

    def _restore(self) -> None:
        self._restored.close()

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds = float(state_dict["seconds"])


class Bar(RichProgressBar):
    """A stage, counted to its last step."""

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


class Lines(Callback):
    """A line a minute where there is no terminal."""

    def __init__(self, stage: str, report: Callable[[str], None]) -> None:
        self.stage, self.report = stage, report
        self._told = self._began = time.monotonic()
        self._first = 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._first, self._told, self._began = trainer.global_step, time.monotonic(), time.monotonic()

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any) -> None:
        now, step = time.monotonic(), trainer.global_step
        if now - self._told < _LINE_EVERY_S or not trainer.is_global_zero:
            return
        self._told = now
        rate = (step - self._first) / (now - self._began)
        losses = [(words, trainer.callback_metrics.get(f"{self.stage}/{name}")) for name, words in _LOSSES.items()]
        said = ", ".join(f"{words} {float(value):.4f}" for words, value in losses if value is not None)
        left_min = (trainer.max_steps - step) / rate / 60
        self.report(f"{self.stage}: step {step} of {trainer.max_steps}, {said}, {rate:.2f} steps/s, {left_min:.0f} min left")


def run(
    module: Training[Any],
    batches: Numbered[Any],
    *,
    aside: Numbered[Any] | None = None,
    config: Config,
    out: Path,
    report: Callable[[str], None],
    callbacks: Sequence[Callback] = (),
) -> float:
    """Train to the last step, from the last checkpoint if there is one; gives the seconds that all of it took. Batches of ``aside`` are
    looked at every so often.

    Ctrl-C, SIGTERM or a closed terminal ends the step, leaves a checkpoint and raises Stopped, which is a KeyboardInterrupt.
    """
    stage, looks = module.stage, config.validation
    folder = out / "checkpoints" / stage
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last.ckpt"
    keep = Checkpoints(last, config.machine.checkpoint_every)
    with quiet():
        shown: Callback = Bar(stage) if sys.stdout.isatty() else Lines(stage, report)
        trainer = lightning.Trainer(
            max_steps=module.steps,
            accelerator=config.machine.accelerator,
            devices=config.machine.devices,
            num_nodes=config.machine.nodes,
            strategy=strategy_of(config.machine, stage),
            precision=config.machine.precision,
            gradient_clip_val=1.0,
            logger=TensorBoardLogger(out / "logs", name=stage, version=""),
            callbacks=[*callbacks, shown, keep],
            log_every_n_steps=10,
            val_check_interval=looks.loss_every if aside is not None else None,
            check_val_every_n_epoch=None if aside is not None else 1,
            limit_val_batches=looks.batches,
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=isinstance(shown, Bar),
            default_root_dir=out,
        )
        batches.rank = trainer.global_rank
        if last.exists():
            batches.first = step_of(last)
            report(f"{stage}: going on from step {batches.first} of {module.steps}")
        workers = config.machine.workers
        loader = DataLoader(batches, batch_size=None, num_workers=workers, persistent_workers=workers > 0, pin_memory=False)
        looked_at = None if aside is None else DataLoader(aside, batch_size=None)
        trainer.fit(module, loader, looked_at, ckpt_path=last if last.exists() else None, weights_only=True)
    if keep.stopped:
        report(f"{stage}: stopped at step {trainer.global_step} of {module.steps}; the same command goes on from there ({last})")
        raise stopping.Stopped(keep.stopped)
    return keep.seconds


def step_of(checkpoint: Path) -> int:
    """The step a checkpoint was written after."""
    return int(torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=True)["global_step"])


def strategy_of(machine: Machine, stage: str) -> str | Strategy:
    """How a stage is spread over devices: with fsdp the twins in shards, the much smaller tokenizers copied to all."""
    n = device_count(machine)
    if machine.strategy == "fsdp" and stage in ("joint", "cascaded"):
        return ModelParallelStrategy(data_parallel_size=n, tensor_parallel_size=1, save_distributed_checkpoint=False)
    return "auto" if n == 1 else "ddp_find_unused_parameters_true"


def device_count(machine: Machine) -> int:
    """How many devices take part, on all nodes together."""
    if isinstance(machine.devices, int):
        return machine.devices * machine.nodes
    on_gpu = machine.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    return machine.nodes * (torch.cuda.device_count() if on_gpu else 1)


def device_words(machine: Machine) -> str:
    """What a training ran on, in words."""
    n = device_count(machine)
    if machine.accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        return f"{n} x {torch.cuda.get_device_name()}"
    return f"CPU, {n * torch.get_num_threads()} threads"


def by_the_first(file: Path, make: Callable[[], None]) -> None:
    """Let the first of several processes make a file; the others wait until it is there."""
    if file.exists():
        return
    if rank() == 0:
        make()
        return
    while not file.exists():
        time.sleep(1)


def rank() -> int:
    """Which of several processes this is; 0 where there is one."""
    return int(getattr(rank_zero_only, "rank", 0) or os.environ.get("LOCAL_RANK", "0"))


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's advertisements and its advice on loaders, which does not hold for endless batches."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.WARNING)
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
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
