"""The voting service of a small study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.voting.service import VotingService
from seedbench.store import Store


@pytest.fixture
def service(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> VotingService:
    study()
    return VotingService(store, "s", tmp_path, clock=clock)
