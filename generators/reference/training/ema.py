"""What all stages of the training share: steps that depend only on seed and number, and the EMA of the weights, which is what is saved.

EMA: exponential moving average.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar, cast

import lightning
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from seedbench.generators.reference.training.optimizer import schedule

EMA_DECAY = 0.999
HELD_OUT_LOSS = "loss_aside"
"""The name of the curve of the loss on held-out rows."""
Net = TypeVar("Net", bound=nn.Module)


class StageTraining(lightning.LightningModule, Generic[Net]):
    """Trains ``net`` for ``steps`` steps. ``average`` is the EMA of its weights. A subclass defines :meth:`losses`.

    The EMA is part of the module, so that it is in checkpoints and, with fsdp, sharded like the weights (Lightning's own callback for
    averages cannot shard).

    Attributes:
        stage: the name of the stage, also of its curves on the dashboard.
    """

    stage: str

    def __init__(self, net: Net, *, steps: int, rate: float, seed: int = 0) -> None:
        super().__init__()
        self.net: Net = net
        self.average = AveragedModel(net, multi_avg_fn=update_ema)
        self.average.requires_grad_(False)
        self.steps, self.rate, self.seed = steps, rate, seed

    def losses(self, net: Net, batch: Any, seed: int) -> dict[str, Tensor]:
        """The losses of a batch.

        Args:
            net: the network: the trained one, or the EMA.
            batch: what the stage's batches hold.
            seed: seed of random draws; torch's global generator has a seed of the step as well.

        Returns:
            ``loss``, which is minimised, and other scalars for the dashboard.
        """
        raise NotImplementedError

    def training_step(self, batch: Any, _: int) -> Tensor:
        losses = self.losses(self.net, batch, self.step_seed())
        for name, value in losses.items():
            self.log(f"{self.stage}/{name}", value.detach(), prog_bar=name == "loss")
        return losses["loss"]

    def validation_step(self, batch: Any, number: int) -> None:
        """The loss of the EMA on a batch of held-out rows. When it no longer falls, more steps only memorise the training rows."""
        torch.manual_seed(number)
        loss = self.losses(cast(Net, self.average.module), batch, number)["loss"]
        self.log(f"{self.stage}/{HELD_OUT_LOSS}", loss, prog_bar=True, batch_size=1, sync_dist=True)

    def step_seed(self) -> int:
        """The seed of this step on this device: a resumed training draws the same as an uninterrupted one."""
        return (self.seed * 1_000_003 + self.global_step) * 4099 + self.global_rank

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        torch.manual_seed(self.step_seed())

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.average.update_parameters(self.net)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return to_device(batch, device)

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps)

    def ema_weights(self) -> dict[str, Tensor]:
        """The EMA weights on the CPU, gathered from all shards. Call it on all devices; it is empty on all but the first."""
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        state = get_model_state_dict(self.average.module, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
        return {name: tensor.clone() for name, tensor in state.items() if isinstance(tensor, Tensor)}

    def show_pictures(self, name: str, pictures: Tensor) -> None:
        """Put pictures (N, 3, H, W) in 0..1 on the dashboard."""
        if self.logger is not None and self.trainer.is_global_zero:
            self.logger.experiment.add_images(name, pictures.detach().float().clamp(0, 1).cpu(), self.global_step)  # type: ignore[attr-defined]


def update_ema(average: Any, current: Any, n: Tensor | int) -> None:
    """Move the EMA ``average`` towards ``current`` in place. After n updates the decay is (1 + n) / (10 + n), at most :data:`EMA_DECAY`.

    >>> weights = [torch.zeros(1)]
    >>> update_ema(weights, [torch.ones(1)], 8)
    >>> round(weights[0].item(), 2)
    0.5
    """
    torch._foreach_lerp_(average, current, 1 - min(EMA_DECAY, (1 + int(n)) / (10 + int(n))))


def to_device(batch: Any, device: torch.device) -> Any:
    """A batch (a tensor, or a dataclass of tensors) on another device. Raises TypeError for anything else."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if is_dataclass(batch) and not isinstance(batch, type):
        return type(batch)(**{field.name: to_device(getattr(batch, field.name), device) for field in fields(batch)})
    raise TypeError(f"a batch must hold tensors, not {type(batch).__name__}")
