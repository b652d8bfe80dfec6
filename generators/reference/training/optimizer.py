"""How weights are moved: Muon for matrices, AdamW for the rest, one schedule for both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

_ADAM_SHARE = 0.08
_LAST = 0.03


class Both(torch.optim.Optimizer):
    """Two optimizers as one: they share its groups of parameters and its state, so that it is saved and taken up as any other."""

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
        """Take up both where they were."""
        super().load_state_dict(state_dict)
        self._share()


def optimizer_of(module: nn.Module, rate: float, *, muon: bool = True) -> torch.optim.Optimizer:
    """Muon (Jordan et al. 2024) at ``rate`` for the matrices of layers; AdamW at a twelfth of it for embeddings, biases, norms, small ones.

    Without ``muon``, AdamW at ``rate`` for all. A module without matrices is AdamW's alone.
    """
    if not muon:
        return torch.optim.AdamW(module.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
    embedded = {id(one.weight) for one in module.modules() if isinstance(one, nn.Embedding | nn.EmbeddingBag)}
    matrices = [one for one in module.parameters() if one.ndim == 2 and min(one.shape) >= 8 and id(one) not in embedded]
    chosen = {id(one) for one in matrices}
    others = [one for one in module.parameters() if id(one) not in chosen]
    adam = torch.optim.AdamW(others, lr=rate * _ADAM_SHARE, betas=(0.9, 0.98), weight_decay=0.0)
    if not matrices:
        return adam
    return Both(torch.optim.Muon(matrices, lr=rate, momentum=0.95, weight_decay=0.01, adjust_lr_fn="original"), adam)


def schedule(module: nn.Module, rate: float, steps: int, *, muon: bool = True) -> dict[str, Any]:
    """The optimizer with a short warm-up, a flat stretch, and a straight way down to nearly nothing over the last half of ``steps``."""
    optimizer = optimizer_of(module, rate, muon=muon)
    warm = max(1, min(100, steps // 20))

    def share(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return max(_LAST, min(1.0, 2 * (1 - step / max(1, steps))))

    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, share), "interval": "step"}}
