"""The options of the command adapter, checked before anything runs: each error names the option, its value and what it takes."""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from seedbench.errors import SeedBenchError, did_you_mean
from seedbench.suites.prompt import Task
from seedbench.suites.references import ReferenceLimits, render

KINDS = ("image", "video", "audio")
"""Kinds of references, as ``reference_syntax`` names them."""
_SUFFIX = re.compile(r"\.?[A-Za-z0-9]+")


def positive_seconds(option: str, value: float) -> float:
    """A length of time in seconds, above 0 and finite. Raises SeedBenchError for anything else."""
    if not (math.isfinite(value) and value > 0):
        raise SeedBenchError(f"{option}={value:g}: give a number of seconds above 0")
    return float(value)


def durations(min_duration_s: float, max_duration_s: float) -> tuple[float, float]:
    """The shortest and the longest clip, in seconds. Raises SeedBenchError where no clip is as long."""
    low, high = positive_seconds("min_duration_s", min_duration_s), positive_seconds("max_duration_s", max_duration_s)
    if low > high:
        raise SeedBenchError(f"min_duration_s={low:g} is above max_duration_s={high:g}: no prompt would fit")
    return low, high


def tasks_of(names: Sequence[str]) -> frozenset[str]:
    """The tasks that a program takes. Raises SeedBenchError for a task that no prompt can have."""
    known = typing.get_args(Task)
    for name in names:
        if name not in known:
            raise SeedBenchError(f"tasks: there is no task {name!r}{did_you_mean(name, known)}; the tasks are {', '.join(known)}")
    return frozenset(names)


def sizes_of(sizes: Sequence[Sequence[int]]) -> frozenset[tuple[int, int]]:
    """The sizes (width, height) that a program takes, in pixels. Raises SeedBenchError for what is no size."""
    for size in sizes:
        is_pair = isinstance(size, Sequence) and not isinstance(size, str) and len(size) == 2
        if not is_pair or any(isinstance(side, bool) or not isinstance(side, int) or side < 1 for side in size):
            raise SeedBenchError(f"sizes: {size!r} is no size; give pairs of width and height in pixels, such as [[1280, 720]]")
    return frozenset((width, height) for width, height in sizes)


def suffix_of(suffix: str) -> str:
    """The ending of the clip's file, with its dot. Raises SeedBenchError for what is not one ending of letters and digits."""
    if not _SUFFIX.fullmatch(suffix):
        raise SeedBenchError(f"suffix={suffix!r} is no ending of a file name: give letters and digits, such as .mp4")
    return f".{suffix.removeprefix('.')}"


def syntax_of(syntax: Mapping[str, str] | None) -> dict[str, str]:
    """How a program spells mentions of references, by kind. Raises SeedBenchError for another kind or an unknown placeholder."""
    for kind, spelling in (syntax or {}).items():
        if kind not in KINDS:
            raise SeedBenchError(
                f"reference_syntax: there is no kind {kind!r}{did_you_mean(kind, KINDS)}; the kinds are {', '.join(KINDS)}"
            )
        try:
            render(f"{{{{{kind}:1}}}}", {kind: spelling})
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise SeedBenchError(
                f"reference_syntax: {spelling!r} of {kind} has another placeholder than {{number}}; write {{{{ and }}}} for braces"
            ) from error
    return dict(syntax or {})


def limits_of(references: bool | Mapping[str, Any]) -> ReferenceLimits | None:
    """How many reference files a program takes: True for the usual limits, False for none, or limits that differ from the usual ones.

    Raises SeedBenchError for a limit that does not exist.
    """
    if isinstance(references, bool):
        return ReferenceLimits() if references else None
    known = [limit.name for limit in fields(ReferenceLimits)]
    for key in references:
        if key not in known:
            raise SeedBenchError(f"references: there is no limit {key!r}; known: {', '.join(known)}")
    limits: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in references.items()}
    return ReferenceLimits(**limits)
