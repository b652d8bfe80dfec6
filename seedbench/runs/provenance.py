"""Where numbers come from: versions, weights, machine. Written down with every run."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from seedbench import __version__
from seedbench.plugins import registry
from seedbench.runs.spec import RunSpec

#: Libraries of the core whose version may change a number: they decode, resample and compute.
CORE_LIBRARIES = ("av", "numpy", "opencv-python-headless", "scipy", "soxr")

#: Where a run's facts keep what was left out of it when it was planned, in sentences.
LEFT_OUT = "left_out"


def libraries_of(spec: RunSpec) -> tuple[str, ...]:
    """The distributions whose version may change a number of this run: the core's, and those that its metrics and generators name."""
    reference = [spec.reference] if spec.reference is not None else []
    kinds = [registry.load("generators", item.name) for item in [*spec.generators, *reference]]
    infos = [registry.load("metrics", name).info for name in spec.metrics]
    return tuple(sorted({*CORE_LIBRARIES, *(name for source in [*kinds, *infos] for name in source.libraries)}))


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Versions of Python, of SeedBench and of ``libraries``; ``absent`` where one is not installed."""
    installed = {"python": platform.python_version(), "seedbench": __version__}
    for name in libraries:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = "absent"
    return installed


def weights_used() -> list[dict[str, str]]:
    """Every entry of all weights lists with the hash of what is installed."""
    from seedbench.plugins.weights import all_weights, sha256_of

    return [
        {"name": item.name, "sha256": sha256_of(item.name), "licence": item.licence, "used_by": item.used_by, "package": item.package}
        for item in all_weights().values()
    ]


def machine() -> dict[str, Any]:
    """The machine in a few words; no host name, no user name."""
    import psutil

    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
    }


def provenance(spec: RunSpec) -> Mapping[str, Any]:
    """All of it, for one run."""
    return {
        "command": " ".join(["seedbench", *sys.argv[1:]]),
        "spec_sha256": spec.digest(),
        "versions": versions(libraries_of(spec)),
        "weights": weights_used(),
        "machine": machine(),
        "seeds": list(spec.all_seeds),
    }
