"""The clips that a folder or a manifest holds, and what else is there and is left out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seedbench.files.tables import TableRow, read_table
from seedbench.generators.imported.manifest import LARGEST_SEED, SUFFIXES, ManifestError, counted, number, unread, whole_number
from seedbench.suites.prompt_ids import slug

MEDIA_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mpg", ".mpeg", ".gif"})
REQUIRED = ("generator", "prompt_id", "file")
OPTIONAL = ("seed", "latency_s", "cost_usd", "metadata")
_SEED_SUFFIX = re.compile(r"^(?P<name>.+?)__seed(?P<seed>[0-9]+)$")


@dataclass(frozen=True, kw_only=True)
class ImportedClip:
    """One clip of a folder or manifest. ``file`` may be missing: then the clip fails when its cell is generated.

    ``where`` is where it was listed (``clips.csv:7``), for messages.
    """

    generator: str
    prompt_id: str
    file: Path
    seed: int | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True)
class ClipListing:
    """The clips of a folder or manifest, and sentences about other content, which is left out."""

    clips: list[ImportedClip]
    left_out: tuple[str, ...] = ()


def entries(path: Path) -> list[ImportedClip]:
    """The clips of a folder (by name) or a manifest (in its order). Raises ManifestError as :func:`list_clips` does."""
    return list_clips(path).clips


def list_clips(path: Path) -> ClipListing:
    """The clips of a folder or a manifest, and what else is there.

    Raises:
        ManifestError: there is no such folder or manifest, it holds no clips, a row cannot be read, or two clips would be one cell.
    """
    if path.is_dir():
        listed = _folder(path)
        if not listed.clips:
            endings = f"(looked for {', '.join(sorted(MEDIA_SUFFIXES))})"
            raise ManifestError(" ".join([f"{path}: no clips here or in its sub-folders {endings}", *listed.left_out]))
    elif path.suffix.lower() in SUFFIXES:
        listed = _manifest(path)
        if not listed.clips:
            raise ManifestError(f"{path}: lists no clips")
    elif not path.exists():
        raise ManifestError(f"{path}: no such folder or manifest")
    else:
        raise ManifestError(
            f"{path}: neither a folder nor a .csv, .tsv, .jsonl or .json manifest; to score single files use `seedbench score`"
        )
    _refuse_duplicates(listed.clips)
    return listed


def _refuse_duplicates(clips: Sequence[ImportedClip]) -> None:
    """Refuse two clips that would be one cell. Where some clips of a generator have seeds, those without count as seed 0."""
    seeded = {clip.generator for clip in clips if clip.seed is not None}
    first: dict[tuple[str, str, int | None], ImportedClip] = {}
    for clip in clips:
        seed = 0 if clip.seed is None and clip.generator in seeded else clip.seed
        other = first.setdefault((clip.generator, clip.prompt_id, seed), clip)
        if other is not clip:
            with_seed = "without a seed" if seed is None else f"with seed {seed}"
            if seed == 0 and None in (clip.seed, other.seed):
                with_seed += " (those without a seed count as 0, since others have one)"
            duplicate = f"a second clip of {clip.generator!r} for prompt {clip.prompt_id!r} {with_seed}"
            raise ManifestError(f"{clip.where}: {duplicate}; the first is at {other.where}: give each a seed of its own")


def generators_of(clips: Sequence[ImportedClip]) -> list[str]:
    """The generators' names in order of first appearance."""
    return list(dict.fromkeys(clip.generator for clip in clips))


def _folder(path: Path) -> ClipListing:
    """Media files of a folder and of its sub-folders; the folder's name is the generator's (a link's own name, not its target's)."""
    name = path.name if path.name not in ("", "..") else path.resolve().name
    clips, other = _media_of(path, name)
    left_out: list[str] = []
    for folder in sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")):
        in_folder, other_in_folder = _media_of(folder, folder.name)
        if in_folder and clips and folder.name == name:
            both = f"{path} and its sub-folder {folder.name} both hold clips and have the same name"
            raise ManifestError(f"{both}, so they would be one generator: rename one of them")
        clips += in_folder
        other += other_in_folder
        deeper = [child.name for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".") and _holds_media(child)]
        if deeper:
            clips_below = f"the clips in {counted(deeper, 'folder')} below {folder.name}"
            left_out.append(f"{path.resolve().name}: {clips_below} are left out: only sub-folders of the path itself are read.")
        elif not in_folder:
            left_out.append(f"{path.resolve().name}: the sub-folder {folder.name} holds no clips.")
    if other:
        left_out.append(f"{path.resolve().name}: {counted(other, 'file')} left out, whose names do not end like those of clips.")
    return ClipListing(clips, tuple(left_out))


def _media_of(folder: Path, generator: str) -> tuple[list[ImportedClip], list[str]]:
    """The clips directly in a folder, and the names of its other files. Names that begin with a dot are skipped."""
    clips, other = [], []
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or file.is_dir():
            continue
        if file.suffix.lower() not in MEDIA_SUFFIXES:
            other.append(file.name)
            continue
        seeded = _SEED_SUFFIX.match(file.stem)
        if seeded and int(seeded["seed"]) > LARGEST_SEED:
            raise ManifestError(f"{file}: the seed {seeded['seed']} is larger than {LARGEST_SEED}")
        clips.append(
            ImportedClip(
                generator=generator,
                prompt_id=slug(seeded["name"] if seeded else file.stem),
                seed=int(seeded["seed"]) if seeded else None,
                file=file.absolute(),
                where=str(file),
            )
        )
    return clips, other


def _holds_media(folder: Path) -> bool:
    return any(Path(name).suffix.lower() in MEDIA_SUFFIXES for _, _, names in os.walk(folder) for name in names)


def _manifest(path: Path) -> ClipListing:
    table = read_table(path, error=ManifestError, filled=REQUIRED)
    columns = [column for column in table.columns if column not in REQUIRED + OPTIONAL]
    left_out = unread(path, columns, OPTIONAL, "kept as metadata and not used otherwise")
    return ClipListing([_entry(row) for row in table.rows], tuple(left_out))


def _entry(row: TableRow) -> ImportedClip:
    """One row as a clip; columns that are not known are kept as metadata."""
    metadata: dict[str, Any] = {key: value for key, value in row.cells.items() if key not in REQUIRED + OPTIONAL}
    own_metadata = row.cells.get("metadata")
    if isinstance(own_metadata, str):
        try:
            own_metadata = json.loads(own_metadata)
        except (ValueError, RecursionError) as error:
            raise row.error(
                f"not valid JSON: {getattr(error, 'msg', 'it holds a number that is too long, or is nested too deeply')}", "metadata"
            ) from error
    if own_metadata is not None and not isinstance(own_metadata, dict):
        raise row.error("must be a JSON object", "metadata")
    return ImportedClip(
        generator=row.text("generator"),
        prompt_id=slug(row.text("prompt_id")),
        file=row.path("file"),
        seed=whole_number(row, "seed"),
        latency_s=number(row, "latency_s"),
        cost_usd=number(row, "cost_usd"),
        metadata={**metadata, **(own_metadata or {})},
        where=row.where,
    )
