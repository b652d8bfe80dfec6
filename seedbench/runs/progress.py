"""How work reports its progress."""

from __future__ import annotations

from typing import Protocol

from seedbench.files.locks import Holder


class Progress(Protocol):
    """What is told of a run's progress; the command line draws bars from it."""

    def wait(self, holder: Holder | None) -> None:
        """Another process (``holder``) works on the run and is waited for; None: the wait is over."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """A stage of ``total`` steps begins, ``done`` of them finished by an earlier command."""

    def step(self, stage: str, text: str) -> None:
        """One more step of a stage is finished; ``text`` says which."""


class NoProgress:
    """Progress that is shown to nobody."""

    def wait(self, holder: Holder | None) -> None:
        """Show nothing."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """Show nothing."""

    def step(self, stage: str, text: str) -> None:
        """Show nothing."""
