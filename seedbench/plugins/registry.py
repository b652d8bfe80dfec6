"""Finding metrics, generators and commands by entry point, without importing what is not used."""

from __future__ import annotations

import importlib
import warnings
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from seedbench.errors import PluginError, UnknownNameError, did_you_mean

Group = Literal["metrics", "generators", "commands"]
OURS = "seedbench"
"""The package whose entries come with SeedBench; nobody else's can take their names."""


def entries(group: Group) -> dict[str, EntryPoint]:
    """All entry points of a group by name, none of them imported.

    A name registered twice warns: SeedBench's own entry stays, among others the first.
    """
    named = [(package_of(entry), entry) for entry in entry_points(group=f"seedbench.{group}")]
    chosen: dict[str, tuple[str, EntryPoint]] = {}
    for package, entry in sorted(named, key=lambda pair: pair[0] != OURS):
        first_package, first = chosen.setdefault(entry.name, (package, entry))
        if (first.value, first_package) != (entry.value, package):
            warnings.warn(f"{_called(group, entry)} is left out: the name is taken by {first.value} of {first_package}", stacklevel=2)
    return {name: entry for name, (_, entry) in sorted(chosen.items())}


def package_of(entry: EntryPoint) -> str:
    """The name of the installed package that registers an entry."""
    return entry.dist.name if entry.dist is not None else "an unknown package"


def _called(group: Group, entry: EntryPoint) -> str:
    """An entry as sentences name it: what it is, under which name, from where."""
    kind = {"metrics": "metric", "generators": "generator", "commands": "command"}[group]
    return f"{kind} {entry.name!r} ({entry.value} of the package {package_of(entry)})"


def load(group: Group, name: str) -> Any:
    """Import the entry called ``name`` and check what it declares.

    Raises:
        UnknownNameError: nobody registers the name; the message has the nearest one.
        PluginError: the entry cannot be imported or is not what its group asks for; the message names entry, package and mistake.
    """
    from seedbench.plugins.declaration_checks import declaration_problem  # takes longer than the rest of a help page

    known = entries(group)
    if name not in known:
        raise UnknownNameError(f"there is no {group.removesuffix('s')} called {name!r}{did_you_mean(name, known, list_known=True)}")
    entry = known[name]
    try:
        found = getattr(importlib.import_module(entry.module), entry.attr)
    except Exception as error:
        raise PluginError(f"{_called(group, entry)} cannot be loaded: {type(error).__name__}: {error}") from error
    if problem := declaration_problem(group, name, found, package_of(entry)):
        raise PluginError(f"{_called(group, entry)} {problem}")
    return found


def default_metrics() -> tuple[str, ...]:
    """The metrics that run when nobody names any, in the order of their ``default_rank``; a broken one warns and is left out."""
    ranked = [(kind.info.default_rank, name) for name, kind in load_all("metrics").items() if kind.info.default_rank is not None]
    return tuple(name for _, name in sorted(ranked))


def load_all(group: Group) -> dict[str, Any]:
    """Import every entry of a group; a broken one warns and the rest go on."""
    loaded = {}
    for name in entries(group):
        try:
            loaded[name] = load(group, name)
        except PluginError as error:
            warnings.warn(str(error), stacklevel=2)
    return loaded
