"""The clips that paths name: files, folders of files, and manifests that an importer reads."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seedbench.clips.media_file import PICTURE_SUFFIXES, SOUND_SUFFIXES
from seedbench.errors import PluginError, SeedBenchError
from seedbench.plugins import registry
from seedbench.plugins.generator import Importer

#: Endings of files that are taken for clips inside a folder.
MEDIA_SUFFIXES = PICTURE_SUFFIXES | SOUND_SUFFIXES
_MOST_NAMED = 5


@dataclass(frozen=True)
class ClipFiles:
    """Files of clips, each once; ``left_out`` says in sentences what else the paths hold."""

    files: tuple[Path, ...]
    left_out: tuple[str, ...] = ()


def clip_files(paths: Iterable[Path | str]) -> ClipFiles:
    """The clips to score.

    Args:
        paths: clips, folders (searched with their sub-folders; links are followed, hidden files are not) and manifests.

    Raises:
        SeedBenchError: a folder holds no clips, or a manifest cannot be read.
    """
    files: list[Path] = []
    left_out: list[str] = []
    for path in map(Path, paths):
        if path.is_dir():
            listed = _in_folder(path)
        elif path.suffix.lower() not in MEDIA_SUFFIXES and (importer := _importer_of(path.suffix.lower())) is not None:
            listed = ClipFiles(*importer.files_in_manifest(path))
        else:
            listed = ClipFiles((path,))
        files += listed.files
        left_out += listed.left_out
    repeated = [file.name for file, count in Counter(files).items() if count > 1]
    if repeated:
        few = ", ".join(repeated[:_MOST_NAMED]) + (", ..." if len(repeated) > _MOST_NAMED else "")
        what = "1 file is" if len(repeated) == 1 else f"{len(repeated)} files are"
        left_out.append(f"{what} named several times and scored once: {few}.")
    return ClipFiles(tuple(dict.fromkeys(files)), tuple(dict.fromkeys(left_out)))


def _importer_of(suffix: str) -> type[Importer] | None:
    """The first importer by name that reads manifests with that ending; a plug-in that cannot be loaded warns and is passed over."""
    for name in registry.entries("generators"):
        try:
            kind = registry.load("generators", name)
        except PluginError as error:
            warnings.warn(str(error), stacklevel=2)
            continue
        if issubclass(kind, Importer) and suffix in kind.manifest_suffixes:
            return kind
    return None


def _in_folder(folder: Path) -> ClipFiles:
    """The media files below a folder. Raises SeedBenchError where there are none."""
    clips, others, hidden = _walk(folder)
    left_out = [
        *_left_out(folder, others, "without an ending of clips"),
        *_left_out(folder, hidden, "with a name that begins with a dot"),
    ]
    if not clips:
        raise SeedBenchError(" ".join([f"{folder} holds no clips ({', '.join(sorted(MEDIA_SUFFIXES))}).", *left_out]))
    return ClipFiles(tuple(clips), tuple(left_out))


def _left_out(folder: Path, files: Sequence[Path], what: str) -> list[str]:
    """One sentence about files that are not taken, empty where there are none."""
    if not files:
        return []
    few = ", ".join(file.name for file in files[:_MOST_NAMED]) + (", ..." if len(files) > _MOST_NAMED else "")
    count = f"1 file {what} is" if len(files) == 1 else f"{len(files)} files {what} are"
    return [f"{folder.resolve().name if folder.name in ('', '..') else folder.name}: {count} left out: {few}."]


def _walk(folder: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Media files, other files and hidden media files below a folder, sorted.

    A folder reached through several links is read once, and hidden folders (of version control, of SeedBench itself) are not read.
    """
    clips: list[Path] = []
    others: list[Path] = []
    hidden: list[Path] = []
    visited: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        folders[:] = [] if real in visited else sorted(name for name in folders if not name.startswith("."))
        for name in names if real not in visited else ():
            is_media = Path(name).suffix.lower() in MEDIA_SUFFIXES
            if name.startswith("."):
                hidden += [Path(parent) / name] if is_media else []
            else:
                (clips if is_media else others).append(Path(parent) / name)
        visited.add(real)
    return sorted(clips), sorted(others), sorted(hidden)
