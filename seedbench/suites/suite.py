"""A prompt suite as a value, and selections of its prompts. :mod:`seedbench.suites.loading` reads one from a file."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from seedbench.errors import SuiteError, UnknownNameError, did_you_mean
from seedbench.suites.prompt import Prompt, Task
from seedbench.suites.references import ReferenceLimits


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A prompt suite, as read from a file.

    Attributes:
        name, title, version, description, licence: As the file says.
        prompts: The prompts, in the order of the file.
        path: The file; its assets lie under :attr:`root`.
        sha256: the hash of the file's bytes.
        limits: How many reference assets a prompt may have, and how large.
        warnings: Sentences for people; nothing in them keeps the suite from being used.
        lines: Returns the line of a prompt's value, from the prompt's id and a path of keys and positions; None for prompts that come from
            no suite file.
    """

    name: str
    title: str
    version: str
    prompts: tuple[Prompt, ...]
    path: Path
    sha256: str
    description: str = ""
    licence: str = ""
    limits: ReferenceLimits = field(default_factory=ReferenceLimits)
    warnings: tuple[str, ...] = ()
    lines: Callable[[str, Sequence[int | str]], int] | None = field(default=None, compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The folder that reference paths are relative to."""
        return self.path.parent

    def place(self, prompt_id: str, location: Sequence[int | str]) -> str:
        """Where a prompt's value stands, for error messages.

        Args:
            prompt_id: The id of the prompt.
            location: The keys and positions that lead to the value, such as ``("events", 0, "kind")``.

        Returns:
            ``FILE:LINE``; the file alone where its lines are not known.
        """
        return str(self.path) if self.lines is None else f"{self.path}:{self.lines(prompt_id, location)}"

    def prompt(self, prompt_id: str) -> Prompt:
        """The prompt with an id.

        Args:
            prompt_id: The id.

        Returns:
            The prompt.

        Raises:
            UnknownNameError: There is none; the message suggests the nearest id.
        """
        for prompt in self.prompts:
            if prompt.id == prompt_id:
                return prompt
        raise UnknownNameError(f"suite {self.name!r} has no prompt {prompt_id!r}{did_you_mean(prompt_id, self.ids)}")

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the prompts, in order."""
        return tuple(prompt.id for prompt in self.prompts)


def select(suite: Suite, *, ids: Iterable[str] = (), tasks: Iterable[str] = (), limit: int | None = None) -> Suite:
    """The suite with only some of its prompts, in its own order.

    Args:
        suite: The suite; it is not changed.
        ids: Ids, or patterns such as ``talk-*``; empty: all.
        tasks: The tasks to keep; empty: all. A prompt must satisfy both ``ids`` and ``tasks``.
        limit: Keep at most the first so many of these; None: all of them.

    Returns:
        A copy with the other prompts left out. Its ``sha256`` is still that of the file.

    Raises:
        UnknownNameError: An id, a pattern or a task selects nothing.
        SuiteError: Nothing is left.
    """
    kept = list(suite.prompts)
    patterns, wanted = list(ids), list(tasks)
    for pattern in patterns:
        if not any(fnmatchcase(prompt_id, pattern) for prompt_id in suite.ids):
            raise UnknownNameError(f"suite {suite.name!r} has no prompt {pattern!r}{did_you_mean(pattern, suite.ids)}")
    present = {prompt.task for prompt in suite.prompts}
    for task in wanted:
        if task not in present:
            known = "no such task" if task not in typing.get_args(Task) else "no prompt of this task"
            names = sorted(present)
            raise UnknownNameError(f"{known} in suite {suite.name!r}: {task!r}{did_you_mean(task, names)}; it has {', '.join(names)}")
    if patterns:
        kept = [prompt for prompt in kept if any(fnmatchcase(prompt.id, pattern) for pattern in patterns)]
    if wanted:
        kept = [prompt for prompt in kept if prompt.task in wanted]
        for pattern in patterns:
            if kept and not any(fnmatchcase(prompt.id, pattern) for prompt in kept):
                raise UnknownNameError(f"{pattern!r} selects no prompt of {' or '.join(wanted)} in suite {suite.name!r}")
    if limit is not None:
        kept = kept[: max(0, limit)]
    if not kept:
        raise SuiteError(f"nothing of suite {suite.name!r} is left by this selection")
    return dataclasses.replace(suite, prompts=tuple(kept))
