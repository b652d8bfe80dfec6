"""How a run reports its progress."""

from __future__ import annotations

from typing import Protocol

from seedbench.files.locks import Holder


class Progress(Protocol):
    """What the harness tells of its progress; the command line draws bars, tests count."""

    def wait(self, holder: Holder | None) -> None:
        """Another process works on the run, and is waited for; None when the wait is over."""

    def begin(self, stage: str, total: int, done: int) -> None: ...

    def step(self, stage: str, text: str) -> None: ...


class Silent:
    """Progress that nobody watches."""

    def wait(self, holder: Holder | None) -> None:
        """Nothing."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """Nothing."""

    def step(self, stage: str, text: str) -> None:
        """Nothing."""
