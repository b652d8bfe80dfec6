"""Vote logs whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbench.arena.settings import Settings
from seedbench.arena.store import ClipRow, PairRow, StudyRow, open_store
from seedbench.arena.votes.log import Choice, Vote
from seedbench.arena.votes.rules import Rules
from seedbench.store import Store

OPENED = datetime(2026, 1, 1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def vote_of(number: int = 0, **fields: Any) -> Vote:
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
        votes.append(vote_of(number, left=str(left), right=str(right), choice=choice, **{**who, **fields}))
    return votes


@pytest.fixture
def vote() -> Callable[..., Vote]:
    """Makes one vote."""
    return vote_of


@pytest.fixture
def vote_log() -> Callable[..., list[Vote]]:
    """Makes many."""
    return log


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = OPENED

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """Stands still until it is turned."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty database."""
    return open_store(f"sqlite:///{tmp_path / 'arena.db'}")


@pytest.fixture
def study(store: Store, tmp_path: Path) -> Callable[..., None]:
    """Writes a study of three models on some prompts, with a gold pair and a pair of one clip twice for each prompt."""

    def make(n_prompts: int = 12, **settings: Any) -> None:
        with store.session() as session:
            asked = Settings.model_validate({"checks": {"gold": 0, "same": 0, "repeat": 0}, **settings})
            row = StudyRow(
                name="s",
                created_at=OPENED,
                settings=asked.model_dump(mode="json"),
                rules=Rules(name="r").model_dump(mode="json"),
                key=b"k" * 32,
            )
            session.add(row)
            session.flush()
            for number in range(n_prompts):
                clips = {}
                for model in ("alpha", "beta", "gamma", "broken"):
                    file = f"{number}-{model}.mp4"
                    (tmp_path / file).write_bytes(b"clip")
                    clips[model] = ClipRow(
                        study_id=row.id,
                        generator="alpha" if model == "broken" else model,
                        source_sha256="",
                        run="run",
                        broken="blur=8" if model == "broken" else "",
                        file=file,
                        duration_s=5.0,
                        style={},
                    )
                    session.add(clips[model])
                session.flush()
                kinds = [("pair", "alpha", "beta"), ("pair", "beta", "gamma"), ("pair", "alpha", "gamma")]
                for kind, first, second in [*kinds, ("gold", "alpha", "broken"), ("same", "beta", "beta")]:
                    session.add(
                        PairRow(
                            study_id=row.id,
                            kind=kind,
                            expected="first" if kind == "gold" else None,
                            first_id=clips[first].id,
                            second_id=clips[second].id,
                            run="run",
                            prompt=f"p{number}",
                            text=f"Prompt {number}.",
                            seed=0,
                            task="talking",
                            profile="matched",
                            with_sound=True,
                        )
                    )

    return make
