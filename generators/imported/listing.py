"""The clips that a folder or a manifest lists."""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
import uuid
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from seedbench.clips.media_file import PICTURE_SUFFIXES
from seedbench.files.tables import TableRow, read_table
from seedbench.generators.imported.clip import ClipListing, ImportedClip
from seedbench.generators.imported.folder import clips_in_folder
from seedbench.generators.imported.manifest import REQUIRED, SUFFIXES, ManifestError, number, unread, whole_number
from seedbench.generators.imported.names import Numbers, prompt_ids, spelling_remarks

OPTIONAL = ("seed", "latency_s", "cost_usd", "metadata")
_SHOWN = 5


def entries(path: Path, numbers: Numbers = "auto") -> list[ImportedClip]:
    """The clips of a folder (by name) or a manifest (in its order). Raises ManifestError as :func:`list_clips` does."""
    return list(list_clips(path, numbers).clips)


def list_clips(path: Path, numbers: Numbers = "auto") -> ClipListing:
    """The clips of a folder or a manifest, and what else is there. As long as nothing in it changes, it is read once a process.

    Args:
        path: the folder or manifest.
        numbers: what numbers at the end of the names of a folder's files are.

    Raises:
        ManifestError: there is no such folder or manifest, it holds no clips, a row cannot be read, or two clips would be one cell.
    """
    return _listed(path, numbers, _state_of(path))


@lru_cache(maxsize=8)  # a generator is made anew for every cell, and lists are long
def _listed(path: Path, numbers: Numbers, state: tuple[str, ...]) -> ClipListing:
    """The clips of a path that is in this state."""
    if path.is_dir():
        listed = clips_in_folder(path, numbers)
        if not listed.clips:
            endings = f"(looked for {', '.join(sorted(PICTURE_SUFFIXES))})"
            raise ManifestError(" ".join([f"{path}: no clips here or in its sub-folders {endings}.", *listed.left_out]))
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


def _state_of(path: Path) -> tuple[str, ...]:
    """What decides the clips of a path: the content of a manifest, or the names in a folder and the tables among them."""
    current_folder = (os.getcwd(), os.environ.get("PWD", ""))
    digest = hashlib.sha256()
    try:
        if not path.is_dir():
            digest.update(path.read_bytes() if path.suffix.lower() in SUFFIXES else b"")
            return (*current_folder, digest.hexdigest())
        folders = [str(path)]
        for folder in folders:
            for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
                size = ""
                if entry.is_dir():
                    folders += [entry.path] if folder == folders[0] else []
                elif entry.name.lower().endswith(SUFFIXES) and entry.is_file():
                    size = f"{entry.stat().st_size} {entry.stat().st_mtime_ns}"
                digest.update(f"{folder}\0{entry.name}\0{entry.is_dir()}\0{size}\n".encode("utf-8", "surrogateescape"))
    except OSError:  # the listing says what is wrong
        return (*current_folder, uuid.uuid4().hex)
    return (*current_folder, digest.hexdigest())


def check_files(clips: Sequence[ImportedClip]) -> None:
    """Check that a manifest names files that are there.

    Raises:
        ManifestError: a row names no file; the message has the first row, the lines of others, and what looks like the file.
    """
    missing = [clip for clip in clips if not clip.file.is_file()]
    if not missing:
        return
    first, others = missing[0], missing[1:]
    what = "is a folder" if first.file.is_dir() else "there is no such file"
    similar = _similar(first.file)
    hint = f" ({similar.name!r} is there, which differs in capital letters, blanks or accents)" if similar is not None else ""
    lines = ", ".join(clip.where.rpartition(":")[2] for clip in others[:_SHOWN]) + (", ..." if len(others) > _SHOWN else "")
    more = f", and so in {len(others)} more row{'s' if len(others) > 1 else ''} (line {lines})" if others else ""
    remedy = "correct the paths, which are relative to the folder of the manifest, or take the rows out"
    raise ManifestError(f"{first.where}: file: {first.file}: {what}{hint}{more}; {remedy}")


def _similar(file: Path) -> Path | None:
    """A file beside one that is missing, with nearly its name."""

    def plain(name: str) -> str:
        return " ".join(unicodedata.normalize("NFKD", name).casefold().split())

    try:
        return next((other for other in sorted(file.parent.iterdir()) if plain(other.name) == plain(file.name) and other.is_file()), None)
    except OSError:
        return None


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
            duplicate = f"a second clip of {clip.generator!r} for prompt {clip.prompt_name!r} {with_seed}"
            remedy = "it is the same file: take one out" if clip.file == other.file else "give each a seed of its own"
            raise ManifestError(f"{clip.where}: {duplicate}; the first is at {other.where}: {remedy}")


def generators_of(clips: Sequence[ImportedClip]) -> list[str]:
    """The generators' names in order of first appearance."""
    return list(dict.fromkeys(clip.generator for clip in clips))


def _manifest(path: Path) -> ClipListing:
    table = read_table(path, error=ManifestError, filled=REQUIRED, known=OPTIONAL)
    columns = [column for column in table.columns if column not in REQUIRED + OPTIONAL]
    names: dict[str, list[str]] = {}
    for row in table.rows:
        names.setdefault(row.text("generator"), []).append(_prompt_name(row))
    ids = prompt_ids(names)
    left_out = [*unread(path, columns, OPTIONAL, "kept as metadata and not used otherwise"), *spelling_remarks(ids, path.name)]
    return ClipListing([_entry(row, ids[_prompt_name(row)]) for row in table.rows], tuple(left_out))


def _prompt_name(row: TableRow) -> str:
    return unicodedata.normalize("NFC", row.text("prompt_id"))


def _entry(row: TableRow, prompt_id: str) -> ImportedClip:
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
        prompt_id=prompt_id,
        prompt_name=_prompt_name(row),
        file=row.path("file"),
        seed=whole_number(row, "seed"),
        latency_s=number(row, "latency_s"),
        cost_usd=number(row, "cost_usd"),
        metadata={**metadata, **(own_metadata or {})},
        where=row.where,
    )
