"""What all trainings share: steps that depend on seed and number alone, and a moving average of the weights, which is what is kept."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar, cast

import lightning
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from seedbench.generators.reference.training.optimizer import schedule

DECAY = 0.999
ASIDE = "loss_aside"
"""The name of the curve of the loss on rows kept aside."""
Net = TypeVar("Net", bound=nn.Module)


class Training(lightning.LightningModule, Generic[Net]):
    """Trains ``net`` for ``steps``. ``average`` is its exponential moving average, over a growing stretch at first.

    The average is part of the module, so that it lies in checkpoints and, with fsdp, in shards as the weights do (Lightning's callback
    for averages cannot shard). ``stage`` is the name of its figures on the dashboard. A subclass gives :meth:`losses`.
    """

    stage: str

    def __init__(self, net: Net, *, steps: int, rate: float, seed: int = 0) -> None:
        super().__init__()
        self.net: Net = net
        self.average = AveragedModel(net, multi_avg_fn=moving_average)
        self.average.requires_grad_(False)
        self.steps, self.rate, self.seed = steps, rate, seed

    def losses(self, net: Net, batch: Any, seed: int) -> dict[str, Tensor]:
        """The ``loss`` of a batch, and what else is worth a curve; what is drawn at random comes of ``seed``, or of torch's own stream."""
        raise NotImplementedError

    def training_step(self, batch: Any, _: int) -> Tensor:
        found = self.losses(self.net, batch, self.step_seed())
        for name, value in found.items():
            self.log(f"{self.stage}/{name}", value.detach(), prog_bar=name == "loss")
        return found["loss"]

    def validation_step(self, batch: Any, number: int) -> None:
        """The loss of the average on a batch of rows kept aside: where it no longer falls, more steps only learn the rows by heart."""
        torch.manual_seed(number)
        loss = self.losses(cast(Net, self.average.module), batch, number)["loss"]
        self.log(f"{self.stage}/{ASIDE}", loss, prog_bar=True, batch_size=1, sync_dist=True)

    def step_seed(self) -> int:
        """A seed of this step on this device, so that a resumed training draws what an unbroken one would."""
        return (self.seed * 1_000_003 + self.global_step) * 4099 + self.global_rank

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        torch.manual_seed(self.step_seed())

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.average.update_parameters(self.net)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return moved(batch, device)

    def configure_optimizers(self) -> Any:
        return schedule(self.net, self.rate, self.steps)

    def averaged_weights(self) -> dict[str, Tensor]:
        """The average on the CPU, put together from its shards; to be called on all devices, empty on all but the first."""
        from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

        found = get_model_state_dict(self.average.module, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
        return {name: one.clone() for name, one in found.items() if isinstance(one, Tensor)}

    def show_pictures(self, name: str, pictures: Tensor) -> None:
        """Put pictures (N, 3, H, W) in 0..1 on the dashboard."""
        if self.logger is not None and self.trainer.is_global_zero:
            self.logger.experiment.add_images(name, pictures.detach().float().clamp(0, 1).cpu(), self.global_step)  # type: ignore[attr-defined]


def moving_average(average: Any, current: Any, n: Tensor | int) -> None:
    """Move ``average`` towards ``current`` in place. After n updates its decay is (1 + n) / (10 + n), at most :data:`DECAY`.

    >>> weights = [torch.zeros(1)]
    >>> moving_average(weights, [torch.ones(1)], 8)
    >>> round(weights[0].item(), 2)
    0.5
    """
    torch._foreach_lerp_(average, current, 1 - min(DECAY, (1 + int(n)) / (10 + int(n))))


def moved(batch: Any, device: torch.device) -> Any:
    """A batch (a tensor, or a dataclass of such) on another device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if is_dataclass(batch) and not isinstance(batch, type):
        return type(batch)(**{field.name: moved(getattr(batch, field.name), device) for field in fields(batch)})
    raise TypeError(f"a batch holds tensors, not {type(batch).__name__}")
