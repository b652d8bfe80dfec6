"""Reasons that cells and scores get, as they stand in reports."""

from __future__ import annotations

from pathlib import Path

from seedbench.errors import GeneratorError, RunError, WeightsError
from seedbench.plugins.weights import strip_folders


def failure_reason(error: BaseException) -> str:
    """The reason that a cell or a score gets where its task raised ``error``."""
    if isinstance(error, RunError | GeneratorError):
        return str(error)
    return f"the worker process failed: {type(error).__name__}: {error}"


def without_path(error: Exception, path: Path) -> str:
    """The text of an error without the folders of this machine, since reports are given to others."""
    text = str(error).removeprefix(f"{path}: ").replace(str(path), path.name)
    return strip_folders(text) if isinstance(error, WeightsError) else text
