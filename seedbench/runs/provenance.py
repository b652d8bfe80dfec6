"""Where numbers come from: versions, weights, machine. Written down with every run."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from seedbench import __version__
from seedbench.runs.spec import RunSpec

#: Packages whose version may move a number.
PACKAGES = (
    "ai-edge-litert", "av", "dlib-bin", "espeakng-loader", "librosa", "numpy", "opencv-python-headless",
    "scenedetect-headless", "scipy", "silero-vad", "soxr", "torch",
)  # fmt: skip

#: Where a run's facts keep what was left out of it when it was planned, in sentences.
LEFT_OUT = "left_out"


def versions() -> dict[str, str]:
    """Versions of Python, of SeedBench and of what it measures with; ``absent`` where a package is not installed."""
    found = {"python": platform.python_version(), "seedbench": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def weights_used() -> list[dict[str, str]]:
    """Every entry of all weights lists with the hash of what is installed."""
    from seedbench.plugins.weights import manifest, sha256_of

    return [
        {"name": item.name, "sha256": sha256_of(item.name), "licence": item.licence, "used_by": item.used_by, "package": item.package}
        for item in manifest().values()
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
        "versions": versions(),
        "weights": weights_used(),
        "machine": machine(),
        "seeds": list(spec.all_seeds),
    }
