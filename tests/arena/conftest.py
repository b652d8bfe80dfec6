"""Vote logs whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from arena.votes import Choice, Vote

START = datetime(2026, 1, 1, tzinfo=UTC)


def one(number: int = 0, **fields: Any) -> Vote:
    """A vote with nothing wrong about it."""
    given: dict[str, Any] = {
        "id": f"v{number:05d}",
        "at": START + timedelta(seconds=number),
        "battle": f"b{number:05d}",
        "prompt": "p0",
        "left": "alpha",
        "right": "beta",
        "choice": "left",
        "voter": "w0",
        "heard_left": 1.0,
        "heard_right": 1.0,
        "dwell_s": 12.0,
        "shorter_s": 5.0,
        "sound_check": True,
    }
    return Vote(**{**given, **fields})


def log(strengths: dict[str, float], n: int, *, seed: int = 0, n_prompts: int = 40, n_voters: int = 40, **fields: Any) -> list[Vote]:
    """Votes by Davidson's model on strengths in logits."""
    rng = np.random.default_rng(seed)
    names = list(strengths)
    votes = []
    for number in range(n):
        left, right = rng.choice(names, size=2, replace=False)
        s = strengths[left] - strengths[right]
        weights = np.exp([s / 2, -1.0, -1.5, -s / 2])
        choices: tuple[Choice, ...] = ("left", "tie", "both_bad", "right")
        choice = choices[int(rng.choice(4, p=weights / weights.sum()))]
        who = {"prompt": f"p{rng.integers(n_prompts)}", "voter": f"w{rng.integers(n_voters)}"}
        votes.append(one(number, left=str(left), right=str(right), choice=choice, **{**who, **fields}))
    return votes


@pytest.fixture
def vote() -> Callable[..., Vote]:
    """Makes one vote."""
    return one


@pytest.fixture
def vote_log() -> Callable[..., list[Vote]]:
    """Makes many."""
    return log
