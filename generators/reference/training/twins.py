"""The training steps of a twin."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh

from seedbench.generators.reference.flow import loss_of
from seedbench.generators.reference.training.ema import StageTraining
from seedbench.generators.reference.training.latents import TaskBatch
from seedbench.generators.reference.transformer import JointTransformer, TransformerConfig
from seedbench.generators.reference.twins import Twin


class TwinTraining(StageTraining[JointTransformer]):
    """Flow matching on the tasks of a twin. Times and noise are drawn from ``seed`` and the step."""

    def __init__(self, config: TransformerConfig, twin: Twin, *, steps: int, rate: float = 0.02, seed: int = 0) -> None:
        super().__init__(JointTransformer(config), steps=steps, rate=rate, seed=seed)
        self.stage = twin
        self._head_sums: list[Tensor] | None = None

    @property
    def transformer(self) -> JointTransformer:
        """The transformer that is trained."""
        return self.net

    def configure_model(self) -> None:
        """With fsdp: shard the weights and their EMA over the devices."""
        if self.device_mesh is not None and self._head_sums is None:
            head_sums = self._head_sums = []
            for net in (self.net, cast(JointTransformer, self.average.module)):
                shard(net, self.device_mesh["data_parallel"])
            for head in self.net.out.values():
                head.register_forward_hook(lambda module, inputs, output: head_sums.append(output.sum()))

    def losses(self, net: JointTransformer, batch: TaskBatch, seed: int) -> dict[str, Tensor]:
        losses = loss_of(net, batch.clean, batch.scripts, batch.states, torch.Generator().manual_seed(seed + 2049))
        total = losses.total
        if self._head_sums:
            # All devices must have gradients for the same weights, even where the task of one has no noisy tokens of some kind.
            total = total + 0.0 * torch.stack(self._head_sums).sum()
            self._head_sums.clear()
        return {"loss": total, **losses.each}


def shard(net: JointTransformer, mesh: DeviceMesh) -> None:
    """Shard a transformer over the devices of ``mesh``, layer by layer (FSDP2)."""
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    for layer in (*net.reading, *net.layers):
        fully_shard(layer.attention, mesh=mesh)
        register_fsdp_forward_method(layer.attention, "keys_and_values")
        fully_shard(layer, mesh=mesh)
    fully_shard(net, mesh=mesh)
    register_fsdp_forward_method(net, "read")
