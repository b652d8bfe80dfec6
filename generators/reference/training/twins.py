"""Training a twin on examples."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh

from generators.reference.flow import Twin, drawn_states, loss_of
from generators.reference.tokens import Scripts
from generators.reference.training.averaging import Training
from generators.reference.transformer import JointTransformer, Latents, TransformerConfig


class TwinTraining(Training[JointTransformer]):
    """Flow matching on the tasks of a twin. Tasks, times and noise are drawn from ``seed`` and the step."""

    def __init__(self, config: TransformerConfig, twin: Twin, *, steps: int, rate: float = 0.02, seed: int = 0) -> None:
        super().__init__(JointTransformer(config), steps=steps, rate=rate, seed=seed)
        self.twin = twin
        self._heard: list[Tensor] | None = None

    @property
    def transformer(self) -> JointTransformer:
        """What is trained."""
        return self.net

    def configure_model(self) -> None:
        """With fsdp: lay weights and their average in shards over the devices."""
        if self.device_mesh is not None and self._heard is None:
            heard = self._heard = []
            for net in (self.net, cast(JointTransformer, self.average.module)):
                shard(net, self.device_mesh["data_parallel"])
            for head in self.net.out.values():
                head.register_forward_hook(lambda module, given, made: heard.append(made.sum()))

    def on_before_batch_transfer(self, batch: tuple[Scripts, Latents], dataloader_idx: int) -> tuple[Scripts, Latents, Latents]:
        """Tasks are drawn where the batch was made, so that they are the same on every device."""
        generator = torch.Generator().manual_seed(self.step_seed())
        return *batch, drawn_states(batch[0], self.twin, generator)

    def training_step(self, batch: tuple[Scripts, Latents, Latents], _: int) -> Tensor:
        scripts, clean, states = batch
        generator = torch.Generator().manual_seed(self.step_seed() + 2049)
        losses = loss_of(self.transformer, clean, scripts, states, generator)
        self.log(f"{self.twin}/loss", losses.total.detach(), prog_bar=True)
        for kind, value in losses.each.items():
            self.log(f"{self.twin}/{kind}", value.detach())
        if not self._heard:
            return losses.total
        # Devices must agree on which weights have gradients, even where a task leaves one of them nothing to learn of some kind.
        total = losses.total + 0.0 * torch.stack(self._heard).sum()
        self._heard.clear()
        return total


def shard(net: JointTransformer, mesh: DeviceMesh) -> None:
    """Lay a transformer in shards over the devices of ``mesh``, layer by layer (FSDP2)."""
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    for layer in (*net.reading, *net.layers):
        fully_shard(layer.attention, mesh=mesh)
        register_fsdp_forward_method(layer.attention, "remembered")
        fully_shard(layer, mesh=mesh)
    fully_shard(net, mesh=mesh)
    register_fsdp_forward_method(net, "read")
