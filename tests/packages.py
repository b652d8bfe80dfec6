"""A package installed for one test: files and a dist-info in a folder on the path, found as if pip had installed it."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from seedbench.plugins import code_digest, weights_lists
from seedbench.runs import score_task

HEAD = """
from seedbench.plugins.metric import Measure, Metric, MetricInfo, Score

def info(name, **more):
    one = Measure(name="value", title="Value", unit="", direction="up", meaning="A number.", headline=True)
    plain = dict(name=name, title=name, meaning="m", citation="c", version=1, measures=(one,))
    return MetricInfo(**{**plain, **more})
"""


def install(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    name: str,
    files: Mapping[str, str],
    entry_points: Mapping[str, Mapping[str, str]],
) -> Path:
    """Put a package called ``name`` into ``folder`` and that on the path. ``files`` by path in it, ``entry_points`` by group and name."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups = (
        "\n".join([f"[seedbench.{group}]", *(f"{key} = {value}" for key, value in items.items())]) for group, items in entry_points.items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups) + "\n")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    forget()
    return folder


def uninstall(folder: Path, *modules: str) -> None:
    """Remove a package's files and its imported ``modules``."""
    shutil.rmtree(folder)
    forget(*modules)


def forget(*modules: str) -> None:
    """Unload ``modules``, so that the next import reads them again, as a new process would."""
    for name in [name for name in sys.modules if name.split(".")[0] in modules]:
        del sys.modules[name]
    importlib.invalidate_caches()
    for cached in (
        code_digest._digest_of,
        code_digest._locations_of,
        code_digest._metric_packages,
        score_task.loaded_metric,
        weights_lists.lists,
    ):
        cached.cache_clear()
