"""Training a twin on examples."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh

from seedbench.generators.reference.flow import loss_of
from seedbench.generators.reference.training.averaging import Training
from seedbench.generators.reference.training.latents import Tasks
from seedbench.generators.reference.transformer import JointTransformer, TransformerConfig
from seedbench.generators.reference.twins import Twin


class TwinTraining(Training[JointTransformer]):
    """Flow matching on the tasks of a twin. Times and noise are drawn from ``seed`` and the step."""

    def __init__(self, config: TransformerConfig, twin: Twin, *, steps: int, rate: float = 0.02, seed: int = 0) -> None:
        super().__init__(JointTransformer(config), steps=steps, rate=rate, seed=seed)
        self.stage = twin
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

    def losses(self, net: JointTransformer, batch: Tasks, seed: int) -> dict[str, Tensor]:
        found = loss_of(net, batch.clean, batch.scripts, batch.states, torch.Generator().manual_seed(seed + 2049))
        total = found.total
        if self._heard:
            # Devices must agree on which weights have gradients, even where a task leaves one of them nothing to learn of some kind.
            total = total + 0.0 * torch.stack(self._heard).sum()
            self._heard.clear()
        return {"loss": total, **found.each}


def shard(net: JointTransformer, mesh: DeviceMesh) -> None:
    """Lay a transformer in shards over the devices of ``mesh``, layer by layer (FSDP2)."""
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    for layer in (*net.reading, *net.layers):
        fully_shard(layer.attention, mesh=mesh)
        register_fsdp_forward_method(layer.attention, "remembered")
        fully_shard(layer, mesh=mesh)
    fully_shard(net, mesh=mesh)
    register_fsdp_forward_method(net, "read")
