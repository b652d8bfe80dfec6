"""The one exception tree of SeedBench, and the exit codes of its commands.

Everything a user can mend derives from :class:`SeedBenchError`; its message is one sentence that names the
trouble and the mend, and the command line prints it without a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What a ``seedbench`` command leaves behind for scripts and CI."""

    OK = 0
    REGRESSION = 1
    USAGE = 2
    INCONCLUSIVE = 3
    FAILURES = 4


class SeedBenchError(Exception):
    """Base of every error a user can mend. ``exit_code`` is what the command line exits with."""

    exit_code: ExitCode = ExitCode.USAGE


class ClipError(SeedBenchError):
    """A media file that cannot be read as a clip (missing, empty, truncated, not media)."""


class ClipUnavailableError(ClipError):
    """A clip that cannot be read now, or is not the file that it was. Says nothing of its content, so it is never kept as an answer."""


class SuiteError(SeedBenchError):
    """A prompt suite that is malformed; the message carries file and line."""


class ReferenceLimitError(SuiteError):
    """Reference assets outside the limits of the suite or of a generator."""


class UnknownNameError(SeedBenchError):
    """A metric, generator or suite name that nobody registered; the message says what was meant."""


class PluginError(SeedBenchError):
    """An entry point that cannot be imported or is not what its group asks for."""


class WeightsError(SeedBenchError):
    """Model weights that are absent, have another hash, or cannot be fetched."""


class WeightsAbsentError(WeightsError):
    """Model weights that are not there at all, not merely unreadable now: until they are installed, there is no answer."""


class GeneratorError(SeedBenchError):
    """A generator that could not make a clip (an outage or a crash, not a refusal)."""


class GenerationRefusedError(GeneratorError):
    """A generator that declined the prompt: a property of the model, reported as such."""


class RunError(SeedBenchError):
    """A run that does not exist, or whose spec differs from the one already stored under its name."""


class StorageError(SeedBenchError):
    """A database or artifact folder that cannot be written (full disk, read-only folder)."""


class ArtifactError(StorageError):
    """An artifact that is gone from the store, or whose content is not what its name says."""


class TooManyFailuresError(SeedBenchError):
    """More cells failed than ``--max-failures`` allows."""

    exit_code = ExitCode.FAILURES


def did_you_mean(name: str, known: Iterable[str], *, list_known: bool = False) -> str:
    """The end of an error about an unknown name: the nearest known one.

    Args:
        name: the unknown name.
        known: the names there are.
        list_known: where none is near, list all known names instead of saying nothing.

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
