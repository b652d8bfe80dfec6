"""The clips of a folder: which files they are, whose they are, and what else is there."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seedbench.clips.media_file import PICTURE_SUFFIXES
from seedbench.errors import SeedBenchError
from seedbench.files.tables import read_table
from seedbench.generators.imported.clip import ClipListing, ImportedClip
from seedbench.generators.imported.manifest import REQUIRED, SUFFIXES, ManifestError, counted
from seedbench.generators.imported.names import Numbers, prompt_ids, reading_of, spelling_remarks


@dataclass
class _Content:
    """What lies in a folder and its sub-folders."""

    files: list[tuple[str, Path]] = field(default_factory=list)  # the generator and the file of each clip
    other: list[Path] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    deeper: list[str] = field(default_factory=list)

    def add(self, folder: Path, generator: str) -> int:
        """Add the files directly in a folder; the number of clips among them."""
        before = len(self.files)
        for file in sorted(folder.iterdir()):
            is_media = file.suffix.lower() in PICTURE_SUFFIXES
            if file.name.startswith("."):
                if is_media and not file.is_dir():
                    self.hidden.append(file.name)
            elif not file.is_dir():
                if is_media:
                    self.files.append((generator, file))
                else:
                    self.other.append(file)
        return len(self.files) - before


def clips_in_folder(path: Path, numbers: Numbers) -> ClipListing:
    """The clips of a folder and of its sub-folders, which are generators.

    Args:
        path: the folder as given.
        numbers: what numbers at the end of file names are.

    Returns:
        The clips, sorted by folder and name, and what is left out; no clip where there is none.

    Raises:
        ManifestError: two folders would be one generator, or a seed is too large.
    """
    name = name_of_folder(path)
    content = _content_of(path, name)
    stems = [(generator, unicodedata.normalize("NFC", file.stem)) for generator, file in content.files]
    reading = reading_of(stems, numbers, name)
    read = [
        (generator, file, *reading.prompt_and_seed(stem, str(file)))
        for (generator, stem), (_, file) in zip(stems, content.files, strict=True)
    ]
    by_generator: dict[str, list[str]] = {}
    for generator, _, prompt, _ in read:
        by_generator.setdefault(generator, []).append(prompt.strip())
    ids = prompt_ids(by_generator)
    clips = [
        ImportedClip(
            generator=generator,
            prompt_id=ids[prompt.strip()],
            prompt_name=prompt.strip(),
            seed=seed,
            file=file.absolute(),
            where=str(file),
        )
        for generator, file, prompt, seed in read
    ]
    sentences = [*_left_out(content, path, name), *([reading.remark] if reading.remark else []), *spelling_remarks(ids, name)]
    return ClipListing(clips, tuple(sentences))


def name_of_folder(path: Path) -> str:
    """The name of a folder as it is given: of a link its own, not its target's; of ``.`` that of the folder that the shell is in."""
    if path.name not in ("", ".."):
        return path.name
    if path.name == "":
        shown = Path(os.environ.get("PWD", ""))
        is_current = path == Path() and shown.is_absolute() and shown.is_dir() and shown.samefile(path)
        return (shown if is_current else path.resolve()).name or "root"
    return path.resolve().name or "root"


def _content_of(path: Path, name: str) -> _Content:
    content = _Content()
    n_own = content.add(path, name)
    for folder in sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith(".")):
        n_clips = content.add(folder, folder.name)
        if n_clips and n_own and folder.name == name:
            both = f"{path} and its sub-folder {folder.name} both hold clips and have the same name"
            raise ManifestError(f"{both}, so they would be one generator: rename one of them")
        deeper = [child.name for child in sorted(folder.iterdir()) if child.is_dir() and _holds_media(child) and child.name[:1] != "."]
        content.deeper += [f"{folder.name}/{child}" for child in deeper]
        if not n_clips and not deeper:
            content.empty.append(folder.name)
    return content


def _left_out(content: _Content, path: Path, name: str) -> list[str]:
    """A sentence for each kind of content that is no clip of a generator."""
    manifests = [file for file in content.other if _is_manifest(file)]
    other = [file.name for file in content.other if file not in manifests]
    sentences = []
    if content.empty:
        sentences.append(f"{name}: {counted(content.empty, 'sub-folder')} without clips.")
    if content.deeper:
        sentences.append(f"{name}: the clips in {counted(content.deeper, 'folder')} are left out: only sub-folders of the path are read.")
    sentences += [
        f"{name}: {file.relative_to(path)} lists clips and is not read: file names count; to use it, give import:path={file}."
        for file in manifests
    ]
    if content.hidden:
        sentences.append(f"{name}: {counted(content.hidden, 'clip')} left out, whose names begin with a dot.")
    if other:
        sentences.append(f"{name}: {counted(other, 'file')} left out, whose names do not end like those of clips.")
    return sentences


def _is_manifest(file: Path) -> bool:
    """Whether a file is a table with the columns of a manifest."""
    if file.suffix.lower() not in SUFFIXES:
        return False
    try:
        columns: Sequence[str] = read_table(file, error=ManifestError).columns
    except SeedBenchError:
        return False
    return set(REQUIRED) <= set(columns)


def _holds_media(folder: Path) -> bool:
    return any(Path(name).suffix.lower() in PICTURE_SUFFIXES for _, _, names in os.walk(folder) for name in names)
