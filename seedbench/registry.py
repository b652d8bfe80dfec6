"""Finding metrics, generators and commands by entry point, without importing what is not used."""

from __future__ import annotations

import difflib
import importlib
import warnings
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from seedbench.errors import PluginError, UnknownNameError
from seedbench.generator import Generator
from seedbench.metric import Metric, SetMetric

Group = Literal["metrics", "generators", "commands"]
_BASES: dict[str, tuple[type, ...]] = {"metrics": (Metric, SetMetric), "generators": (Generator,)}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of an error about an unknown name: the nearest known ones, or all of them.

    >>> did_you_mean("lipsink", ["lipsync", "fvd"])
    "; did you mean 'lipsync'?"
    >>> did_you_mean("x", ["b", "a"])
    '; known: a, b'
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names)}"


def entries(group: Group) -> dict[str, EntryPoint]:
    """All entry points of a group by name, none of them imported. A name registered twice warns; the first one stays."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=f"seedbench.{group}"):
        if entry.name in found and found[entry.name].value != entry.value:
            warnings.warn(
                f"{group} {entry.name!r} is registered as {found[entry.name].value} and {entry.value}; the first is used", stacklevel=2
            )
            continue
        found.setdefault(entry.name, entry)
    return dict(sorted(found.items()))


def load(group: Group, name: str) -> Any:
    """Import the entry called ``name``. Raises UnknownNameError (with the nearest name) or PluginError (saying what is wrong with it)."""
    known = entries(group)
    if name not in known:
        raise UnknownNameError(f"there is no {group.removesuffix('s')} called {name!r}{did_you_mean(name, known)}")
    entry = known[name]
    try:
        found = getattr(importlib.import_module(entry.module), entry.attr)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise PluginError(f"{group.removesuffix('s')} {name!r} ({entry.value}) cannot be loaded: {error}") from error
    bases = _BASES.get(group)
    if bases and not (isinstance(found, type) and issubclass(found, bases)):
        raise PluginError(f"{group.removesuffix('s')} {name!r} ({entry.value}) is not a {' or '.join(base.__name__ for base in bases)}")
    return found


def load_all(group: Group) -> dict[str, Any]:
    """Import every entry of a group; a broken one warns and the rest go on."""
    loaded = {}
    for name in entries(group):
        try:
            loaded[name] = load(group, name)
        except PluginError as error:
            warnings.warn(str(error), stacklevel=2)
    return loaded
