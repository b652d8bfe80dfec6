"""Readers that do what none may do, for the tests of the fuzzing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from seedbench.errors import ClipError


def refuses(path: Path) -> list[str]:
    """Refuses every file in a sentence, as it should."""
    raise ClipError(f"{path}: is not a media file")


def raises(path: Path) -> list[str]:
    """Lets an exception of a library through."""
    raise ZeroDivisionError(f"{path}: division by zero")


def rambles(path: Path) -> list[str]:
    """Explains at length, without the name of the file."""
    raise ClipError("something is wrong " * 30 + "\nand more")


def hangs(path: Path) -> list[str]:
    """Never ends with every second file."""
    if int(path.stem.split("-")[1]) % 2:
        time.sleep(600)
    return []


def crashes(path: Path) -> list[str]:
    """Ends the process with every second file."""
    if int(path.stem.split("-")[1]) % 2:
        os.abort()
    return []


def hoards(path: Path) -> list[str]:
    """Takes more memory than one file may."""
    return [] if np.ones(140_000_000).all() else ["never"]
