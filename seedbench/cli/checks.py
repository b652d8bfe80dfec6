"""The checks of ``seedbench doctor``: each one tries what it is named after."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seedbench.errors import PluginError, SeedBenchError


@dataclass(frozen=True)
class Check:
    """The result of one check. A failure of an ``optional`` one does no harm to the default metrics."""

    name: str
    ok: bool
    finding: str
    optional: bool = False


def run_checks() -> list[Check]:
    """Run all checks; none of them raises."""
    from seedbench.plugins.weights import all_weights

    checks = [_try("clips", _clips), _try("workspace", _workspace), _try("database", _database), _try("plug-ins", _plugins)]
    checks += [_try("plug-ins of others", _plugins_of_others, optional=True)]
    checks += list(_requirements())
    checks += [_weights(name) for name in all_weights()]
    return checks


def _try(name: str, check: Callable[[], str], *, optional: bool = False) -> Check:
    try:
        return Check(name, True, check(), optional)
    except (SeedBenchError, ImportError, OSError) as error:
        return Check(name, False, str(error), optional)


def _clips() -> str:
    from seedbench.clips.clip import Clip
    from seedbench.clips.writing import write_clip

    with tempfile.TemporaryDirectory() as scratch:
        frames = [np.full((64, 64, 3), 8 * index, np.uint8) for index in range(25)]
        path = write_clip(Path(scratch) / "probe.mp4", frames, 25, np.zeros(48000, np.float32))
        clip = Clip.open(path)
        return f"wrote and read {len(clip.video)} pictures and {clip.audio().duration_s:.2f} s of sound"


def _workspace() -> str:
    from seedbench.store.workspace import Workspace

    return str(Workspace.current().folder)


def _database() -> str:
    from sqlalchemy import text

    from seedbench.store import Store
    from seedbench.store.workspace import Workspace

    store = Store(Workspace.current().database_url)
    with store.session() as session:
        session.execute(text("SELECT 1"))
    return str(store.engine.url)


def _plugins() -> str:
    return _loaded(ours=True)


def _plugins_of_others() -> str:
    return _loaded(ours=False)


def _loaded(*, ours: bool) -> str:
    """Import all entries that come with SeedBench, or all others; how many there are. Raises PluginError with every broken one."""
    from typing import get_args

    from seedbench.plugins import registry

    counts, broken = [], []
    for group in get_args(registry.Group):
        names = [name for name, entry in registry.entries(group).items() if (registry.package_of(entry) == registry.OURS) == ours]
        counts.append(f"{len(names)} {group}")
        for name in names:
            try:
                registry.load(group, name)
            except PluginError as error:
                broken.append(str(error))
    if broken:
        raise PluginError("; ".join(broken))
    return ", ".join(counts)


def _requirements() -> Iterator[Check]:
    """What plug-ins say that this machine lacks for some of their work, one check for each plug-in that can say so."""
    from seedbench.plugins import registry
    from seedbench.plugins.requirements import Requirements

    says_nothing = Requirements.missing_requirements.__func__  # type: ignore[attr-defined]
    groups: tuple[registry.Group, ...] = ("generators", "metrics")
    for group in groups:
        for name in registry.entries(group):
            try:
                kind = registry.load(group, name)
                if kind.missing_requirements.__func__ is says_nothing:
                    continue
                missing = kind.missing_requirements()
            except PluginError:  # "plug-ins" says so
                continue
            except Exception as error:  # noqa: BLE001 - whatever a plug-in raises is the finding
                missing = (f"cannot be checked: {type(error).__name__}: {error}",)
            yield Check(f"{group.removesuffix('s')} {name}", not missing, "; ".join(missing) or "nothing is missing", optional=True)


def _weights(name: str) -> Check:
    from seedbench.plugins.registry import OURS
    from seedbench.plugins.weights import ABSENT, find_entry, verify

    entry = find_entry(name)
    from_user = entry.source["kind"] == "user"
    state = verify(name)
    if state == ABSENT:
        state = f"not installed (seedbench weights {'add ' + name + ' PATH' if from_user else 'fetch ' + name})"
    return Check(f"weights {name}", state == "ok", state, optional=from_user or entry.package != OURS)
