"""The copies that SeedBench makes of clips for people to see, each as a file."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from seedbench.arena.blinding.matched import MAX_FPS, MatchedCanvas, matched, native
from seedbench.clips.degradations import degrade_clip
from seedbench.clips.probing import probe
from seedbench.errors import ClipError
from seedbench.report.preview import make_preview


def _degraded(path: Path, folder: Path) -> Path:
    return degrade_clip(path, folder / "degraded.mp4", {"rewrite": 0})


def _preview(path: Path, folder: Path) -> Path:
    file = folder / "preview.mp4"
    file.write_bytes(base64.b64decode(make_preview(path).mp4))
    return file


def _matched(path: Path, folder: Path) -> Path:
    facts = probe(path)
    if facts.fps <= 0:
        raise ClipError(f"{path}: has no moving picture; no arena shows it")
    return matched(path, folder / "matched.mp4", MatchedCanvas(160, 120, min(MAX_FPS, facts.fps), facts.duration_s)).file


def _native(path: Path, folder: Path) -> Path:
    return native(path, folder / "native.mp4").file


#: Copies with new pictures, by name, and the one with the clip's own.
ENCODED: dict[str, Callable[[Path, Path], Path]] = {"degraded": _degraded, "preview": _preview, "matched": _matched}
NATIVE = _native
