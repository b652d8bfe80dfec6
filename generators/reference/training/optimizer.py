"""The optimizer: Muon for matrices, AdamW for the rest, with the same schedule for both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

_ADAM_SHARE = 0.08
_LAST_SHARE = 0.03


class TwoOptimizers(torch.optim.Optimizer):
    """Two optimizers as one: they share its parameter groups and its state, so that it is saved and loaded like any other."""

    def __init__(self, first: torch.optim.Optimizer, second: torch.optim.Optimizer) -> None:
        self.parts = (first, second)
        super().__init__([*first.param_groups, *second.param_groups], {})
        self._share()

    def _share(self) -> None:
        n_first = len(self.parts[0].param_groups)
        self.parts[0].param_groups, self.parts[1].param_groups = self.param_groups[:n_first], self.param_groups[n_first:]
        for part in self.parts:
            part.state = self.state

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of both."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of both."""
        super().load_state_dict(state_dict)
        self._share()


def optimizer_of(module: nn.Module, rate: float, *, muon: bool = True) -> torch.optim.Optimizer:
    """Muon (Jordan et al. 2024) at ``rate`` for the matrices of layers; AdamW at a twelfth of it for all else.

    All else are embeddings, biases, norms and matrices with fewer than 8 rows or columns.

    Without ``muon``, AdamW at ``rate`` for all. A module without matrices gets AdamW only.
    """
    if not muon:
        return torch.optim.AdamW(module.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    embeddings = {id(layer.weight) for layer in module.modules() if isinstance(layer, nn.Embedding | nn.EmbeddingBag)}
    parameters = list(module.parameters())
    matrices = [weight for weight in parameters if weight.ndim == 2 and min(weight.shape) >= 8 and id(weight) not in embeddings]
    by_muon = {id(weight) for weight in matrices}
    others = [weight for weight in parameters if id(weight) not in by_muon]
    adam = torch.optim.AdamW(others, lr=rate * _ADAM_SHARE, betas=(0.9, 0.98), weight_decay=0.0)
    if not matrices:
        return adam
    return TwoOptimizers(torch.optim.Muon(matrices, lr=rate, momentum=0.95, weight_decay=0.01, adjust_lr_fn="original"), adam)


def schedule(module: nn.Module, rate: float, steps: int, *, muon: bool = True) -> dict[str, Any]:
    """The optimizer with its learning rate: a short warm-up, then constant, then linear decay to 3% over the last half of ``steps``."""
    optimizer = optimizer_of(module, rate, muon=muon)
    warm = max(1, min(100, steps // 20))

    def share(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return max(_LAST_SHARE, min(1.0, 2 * (1 - step / max(1, steps))))

    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, share), "interval": "step"}}
