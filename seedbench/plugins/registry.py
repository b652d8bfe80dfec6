"""Metrics, generators and commands, found by entry point and imported when they are used."""

from __future__ import annotations

import importlib
import warnings
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from seedbench.errors import PluginError, UnknownNameError, did_you_mean

Group = Literal["metrics", "generators", "commands"]
OURS = "seedbench"
"""The package of SeedBench itself; no other package can take the names of its entries."""


def entries(group: Group) -> dict[str, EntryPoint]:
    """All entry points of a group, none of them imported.

    Where a name is registered twice, a warning is issued, and SeedBench's own entry is used, or else the first one.

    Args:
        group: ``metrics``, ``generators`` or ``commands``.

    Returns:
        The entry points by name, sorted.
    """
    named = [(package_of(entry), entry) for entry in entry_points(group=f"seedbench.{group}")]
    chosen: dict[str, tuple[str, EntryPoint]] = {}
    for package, entry in sorted(named, key=lambda pair: pair[0] != OURS):
        first_package, first = chosen.setdefault(entry.name, (package, entry))
        if (first.value, first_package) != (entry.value, package):
            warnings.warn(f"{_described(group, entry)} is left out: the name is taken by {first.value} of {first_package}", stacklevel=2)
    return {name: entry for name, (_, entry) in sorted(chosen.items())}


def package_of(entry: EntryPoint) -> str:
    """The name of the installed package that registers an entry."""
    return entry.dist.name if entry.dist is not None else "an unknown package"


def _described(group: Group, entry: EntryPoint) -> str:
    """An entry as messages name it: what it is, its name, and where it comes from."""
    kind = {"metrics": "metric", "generators": "generator", "commands": "command"}[group]
    return f"{kind} {entry.name!r} ({entry.value} of the package {package_of(entry)})"


def load(group: Group, name: str) -> Any:
    """Import one entry and check what it declares.

    Args:
        group: ``metrics``, ``generators`` or ``commands``.
        name: the name of the entry.

    Returns:
        What the entry point names: the class of a metric or generator, or the app of a command. Nothing is constructed.

    Raises:
        UnknownNameError: no package registers the name; the message suggests the nearest one.
        PluginError: the entry cannot be imported, or is not what its group requires; the message names entry, package and mistake.
    """
    from seedbench.plugins.declaration_checks import declaration_problem  # takes longer than the rest of a help page

    known = entries(group)
    if name not in known:
        raise UnknownNameError(f"there is no {group.removesuffix('s')} called {name!r}{did_you_mean(name, known, list_known=True)}")
    entry = known[name]
    try:
        loaded = getattr(importlib.import_module(entry.module), entry.attr)
    except Exception as error:
        raise PluginError(f"{_described(group, entry)} cannot be loaded: {type(error).__name__}: {error}") from error
    if problem := declaration_problem(group, name, loaded, package_of(entry)):
        raise PluginError(f"{_described(group, entry)} {problem}")
    return loaded


def default_metrics() -> tuple[str, ...]:
    """The metrics that run when no metric is named.

    A metric of another package that cannot be loaded is left out; ``seedbench metrics`` and ``seedbench doctor`` name it.

    Returns:
        Their names, in the order of their ``default_rank``.

    Raises:
        PluginError: a metric of SeedBench itself cannot be loaded.
    """
    ranked = []
    for name, entry in entries("metrics").items():
        try:
            rank = load("metrics", name).info.default_rank
        except PluginError:
            if package_of(entry) == OURS:
                raise
            continue
        if rank is not None:
            ranked.append((rank, name))
    return tuple(name for _, name in sorted(ranked))


def load_all(group: Group) -> dict[str, Any]:
    """Import all entries of a group. One that cannot be loaded is left out, with a warning.

    Args:
        group: ``metrics``, ``generators`` or ``commands``.

    Returns:
        What the entry points name, by name.
    """
    loaded = {}
    for name in entries(group):
        try:
            loaded[name] = load(group, name)
        except PluginError as error:
            warnings.warn(str(error), stacklevel=2)
    return loaded
