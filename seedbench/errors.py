"""The exceptions of SeedBench, and the exit codes of its commands.

Every error that a user can fix derives from :class:`SeedBenchError`. Its message says what is wrong, where, and what to do, and the command
line prints it without a traceback. All other exceptions are bugs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of ``seedbench`` commands, for scripts and CI.

    Attributes:
        OK: success, or the gate passes.
        REGRESSION: the gate found a regression.
        USAGE: wrong usage or invalid input.
        INCONCLUSIVE: the gate cannot decide.
        FAILURES: more cells failed than ``--max-failures`` allows, or no file that was to be scored can be read.
    """

    OK = 0
    REGRESSION = 1
    USAGE = 2
    INCONCLUSIVE = 3
    FAILURES = 4


class SeedBenchError(Exception):
    """The base of all errors that a user can fix. ``exit_code`` is the exit code of the command that ends with it."""

    exit_code: ExitCode = ExitCode.USAGE


class ClipError(SeedBenchError):
    """A media file that cannot be read as a clip (missing, empty, truncated, not media)."""


class ClipUnavailableError(ClipError):
    """A clip that cannot be read at the moment, or has changed. That says nothing about its content, so it is never stored as a result."""


class SuiteError(SeedBenchError):
    """A prompt suite that is malformed; the message carries file and line."""


class ReferenceLimitError(SuiteError):
    """Reference assets outside the limits of the suite or of a generator."""


class UnknownNameError(SeedBenchError):
    """An unknown name of a metric, generator, suite or degradation; the message suggests the nearest known one."""


class PluginError(SeedBenchError):
    """An entry point that cannot be imported, or does not lead to what its group requires."""


class WeightsError(SeedBenchError):
    """Model weights that are missing, have another hash than expected, or cannot be fetched."""


class WeightsAbsentError(WeightsError):
    """Model weights that are not installed. Until they are, metrics that use them give no score; this is not a failure of the metric."""


class GeneratorError(SeedBenchError):
    """A generator could not make a clip: an outage or a crash, not a refusal."""


class GenerationRefusedError(GeneratorError):
    """A generator declined the prompt: a property of the model, which reports count apart from failures."""


class RunError(SeedBenchError):
    """A run that does not exist, or a spec that differs from the one stored under the name of the run."""


class StorageError(SeedBenchError):
    """A database, folder or artifact store that cannot be read or written (full disk, read-only folder, no connection)."""


class ArtifactError(StorageError):
    """An artifact that is gone from the store, or damaged: its content does not have the hash in its name."""


class TooManyFailuresError(SeedBenchError):
    """More cells failed than ``--max-failures`` allows, or no file that was to be scored can be read."""

    exit_code = ExitCode.FAILURES


def did_you_mean(name: str, known: Iterable[str], *, list_known: bool = False) -> str:
    """The end of an error about an unknown name: the nearest known one.

    Args:
        name: the unknown name.
        known: the known names.
        list_known: where none is similar, list all known names.

    Returns:
        Words in parentheses with a space before them, or "".

    >>> did_you_mean("lipsink", ["lipsync", "fvd"])
    " (did you mean 'lipsync'?)"
    >>> did_you_mean("x", ["b", "a"], list_known=True)
    ' (known: a, b)'
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" (known: {', '.join(names)})" if list_known else ""
