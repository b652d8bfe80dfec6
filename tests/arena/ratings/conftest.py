"""Arenas whose truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from seedbench.arena.ratings.bradley_terry import Votes


def drawn(
    strengths: np.ndarray,
    n_votes: int,
    seed: int,
    *,
    n_prompts: int = 60,
    n_voters: int = 60,
    clip_sd: float = 0.0,
    taste_sd: float = 0.0,
    tie: float = -1.0,
    side: float = 0.0,
) -> Votes:
    """Votes by Davidson's model on ``strengths`` (M,) in logits: one clip for each model and prompt, better or worse than its model by
    ``clip_sd``, and voters who like a model more or less by ``taste_sd``."""
    rng = np.random.default_rng(seed)
    m = len(strengths)
    clips = strengths[:, None] + clip_sd * rng.standard_normal((m, n_prompts))
    tastes = taste_sd * rng.standard_normal((m, n_voters))
    left = rng.integers(m, size=n_votes)
    right = (left + rng.integers(1, m, size=n_votes)) % m
    prompt, voter = rng.integers(n_prompts, size=n_votes), rng.integers(n_voters, size=n_votes)
    s = clips[left, prompt] - clips[right, prompt] + tastes[left, voter] - tastes[right, voter] + side
    weights = np.exp(np.stack([s / 2, np.full(n_votes, tie), -s / 2], 1))
    ends = np.cumsum(weights / weights.sum(1, keepdims=True), 1)
    outcome = (rng.random(n_votes)[:, None] > ends).sum(1).clip(max=2)
    return Votes(m, left, right, outcome, prompt, voter)


@pytest.fixture
def arena() -> Callable[..., Votes]:
    """Draws votes."""
    return drawn
