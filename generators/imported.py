"""Clips that exist already: a folder, or a CSV/JSONL manifest, brought into a run without touching a file."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from seedbench.files.hashing import file_sha256
from seedbench.generators.manifest import LARGEST, SUFFIXES, ManifestError, counted, near, number, rows, slug, unread, whole_number
from seedbench.plugins.generator import Capabilities, Generation, Importer, Request
from seedbench.suites.prompt import Prompt
from seedbench.suites.references import ReferenceLimits
from seedbench.suites.suite import Suite

MEDIA_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mpg", ".mpeg", ".gif"})
REQUIRED = ("generator", "prompt_id", "file")
TEXTS = ("prompt_id", "text")
OPTIONAL = ("seed", "latency_s", "cost_usd", "metadata")
_SEED_SUFFIX = re.compile(r"^(?P<name>.+?)__seed(?P<seed>[0-9]+)$")


@dataclass(frozen=True, kw_only=True)
class ImportedClip:
    """One clip of a folder or manifest. ``file`` may be missing: that is one clip's failure, told when its turn comes.

    ``where`` is the place it was listed (``clips.csv:7``), for people.
    """

    generator: str
    prompt_id: str
    file: Path
    seed: int | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


class Imported(Importer):
    """Clips somebody else made, under the name of the generator that made them.

    ``path``: a folder (a file's stem is its prompt id, ``ID__seed3.mp4`` carries a seed; sub-folders are generators), or a ``.csv``,
    ``.tsv`` or ``.jsonl`` manifest with ``generator``, ``prompt_id``, ``file``. ``generator``: whose clips, where there are several.
    ``prompts``: a CSV with ``prompt_id`` and ``text``, for :meth:`suite`. Where no clip has a seed, ``capabilities().seeds`` is False
    and each answers to any seed asked; where some have, the others count as seed 0. Raises ManifestError.
    """

    name: ClassVar[str] = "import"

    def __init__(self, *, path: str, generator: str | None = None, prompts: str | None = None) -> None:
        self.path = Path(str(path))
        self.prompts = None if prompts is None else Path(str(prompts))
        listed = listing(self.path)
        found = listed.clips
        names = generators_of(found)
        if generator is None and len(names) > 1:
            raise ManifestError(f"{self.path} holds clips of {len(names)} generators: say which with generator=, one of {', '.join(names)}")
        self.generator = names[0] if generator is None else str(generator)
        if self.generator not in names:
            has = f"it has {', '.join(names)}"
            raise ManifestError(f"{self.path} holds no clips of {self.generator!r}{near(self.generator, names)}; {has}")
        self.clips = tuple(clip for clip in found if clip.generator == self.generator)
        #: What the folder or manifest holds besides clips, in sentences.
        self.left_out = listed.left_out
        self._seeded = any(clip.seed is not None for clip in self.clips)
        self._found = {(clip.prompt_id, clip.seed): clip for clip in self.clips}

    @classmethod
    def variants(cls, **options: Any) -> dict[str, dict[str, Any]]:
        """The options for each generator a path holds, by the generator's name: one entry where ``generator`` is given already."""
        if options.get("generator") is not None:
            return {str(options["generator"]): dict(options)}
        return {name: {**options, "generator": name} for name in generators_of(entries(Path(str(options["path"]))))}

    def suite(self) -> Suite:
        """A suite of the prompts there are clips of (all generators of the path), for a run without any other suite."""
        return suite_of(entries(self.path), self.path, texts=None if self.prompts is None else texts_of(self.prompts))

    def capabilities(self) -> Capabilities:
        """Whatever the files are."""
        limits = ReferenceLimits(
            images=10_000,
            image_bytes=2**62,
            videos=10_000,
            video_bytes=2**62,
            video_total_s=(0.0, math.inf),
            audios=10_000,
            audio_bytes=2**62,
            audio_s=math.inf,
            total=30_000,
        )
        return Capabilities(min_duration_s=0.0, max_duration_s=math.inf, references=limits, seeds=self._seeded, deterministic=True)

    def offers(self, prompt: Prompt, seed: int) -> bool:
        """Whether a clip was listed for the prompt that answers to this seed."""
        return self._clip(prompt, seed) is not None

    def own_seeds(self) -> tuple[int, ...]:
        """The seeds its clips have, those without one as 0; empty where none has any."""
        return tuple(sorted({clip.seed or 0 for clip in self.clips})) if self._seeded else ()

    def remarks(self, prompts: Sequence[Prompt], seeds: Sequence[int]) -> list[str]:
        """Clips that no prompt and seed asks for, prompts and seeds without a clip, and what else lies in the path."""
        ids = [prompt.id for prompt in prompts]
        asked = {id(self._clip(prompt, seed)) for prompt in prompts for seed in seeds}
        unknown = list(dict.fromkeys(clip.prompt_id for clip in self.clips if clip.prompt_id not in ids))
        n_unknown = sum(clip.prompt_id in unknown for clip in self.clips)
        others = [clip for clip in self.clips if clip.prompt_id not in unknown and id(clip) not in asked]
        empty = [name for name in ids if all(clip.prompt_id != name for clip in self.clips)]
        said = []
        if unknown:
            clips = f"{n_unknown} of its {len(self.clips)} clips {_are(n_unknown)} left out"
            said.append(f"{self.generator}: {clips}, of {counted(unknown, 'prompt')} not in this run.")
        if others:
            left = sorted({str(clip.seed or 0) for clip in others}, key=int)
            clips = f"{len(others)} of its {len(self.clips)} clips {_are(len(others))} left out"
            listed = ", ".join(map(str, seeds))
            said.append(
                f"{self.generator}: {clips}, of {counted(left, 'seed')} not asked for; asked are {listed}. Name no seeds to take all."
            )
        if empty:
            said.append(f"{self.generator} has no clip for {counted(empty, 'prompt')} of the {len(ids)} in this run; they are not counted.")
        lacking = [str(seed) for seed in seeds if all(self._clip(prompt, seed) is None for prompt in prompts)]
        if lacking:
            said.append(f"{self.generator} has no clip for {counted(lacking, 'seed')} of the {len(seeds)} asked for; they are not counted.")
        return [*said, *self.left_out, *self._texts_without_clips()]

    def _texts_without_clips(self) -> list[str]:
        if self.prompts is None:
            return []
        ids = {clip.prompt_id for clip in entries(self.path)}
        spare = [name for name in texts_of(self.prompts) if name not in ids]
        columns = (column for _, row in rows(self.prompts, TEXTS) for column in row if column not in TEXTS)
        said = [f"{self.prompts.name}: no clip of {counted(spare, 'prompt')} is there; these texts are left out."] if spare else []
        return said + unread(self.prompts, columns, TEXTS, "not read")

    def identity(self, prompt: Prompt, seed: int) -> Mapping[str, Any]:
        """The content of the file, and what is claimed of it: another file under the same name, or another cost, is another cell."""
        clip = self._clip(prompt, seed)
        return {**self._content(clip), **({} if clip is None else _claims(clip))}

    def earlier_identities(self, prompt: Prompt, seed: int) -> Sequence[Mapping[str, Any]]:
        """The content of the file alone."""
        return (self._content(self._clip(prompt, seed)),)

    def _content(self, clip: ImportedClip | None) -> dict[str, Any]:
        return {"file_sha256": file_sha256(clip.file) if clip is not None and clip.file.is_file() else None}

    def generate(self, request: Request, directory: Path) -> Generation:
        """Point at the file, where it lies. Nothing is copied, renamed or written."""
        clip = self._clip(request.prompt, request.seed)
        if clip is None:
            return Generation(status="failed", reason=f"{self.path} lists no clip of {self.generator} for prompt {request.prompt.id!r}")
        if not clip.file.is_file():
            return Generation(status="failed", reason=f"{clip.where} names {clip.file}, which is no file", own_file=False)
        return Generation(
            status="succeeded",
            file=clip.file,
            seed_used=clip.seed,
            latency_s=clip.latency_s,
            cost_usd=clip.cost_usd,
            own_file=False,
            facts={"provenance": "claimed", "metadata": dict(clip.metadata)},
        )

    def _clip(self, prompt: Prompt, seed: int) -> ImportedClip | None:
        anyway = self._found.get((prompt.id, None)) if seed == 0 or not self._seeded else None
        return self._found.get((prompt.id, seed)) or anyway


@dataclass(frozen=True)
class Listing:
    """What a folder or manifest holds: clips, and sentences about what is there besides and is left out."""

    clips: list[ImportedClip]
    left_out: tuple[str, ...] = ()


def entries(path: Path) -> list[ImportedClip]:
    """The clips of a folder or a manifest, in the order of the manifest or by name. Raises ManifestError for what cannot be understood."""
    return listing(path).clips


def listing(path: Path) -> Listing:
    """The clips of a folder or a manifest, and what else is there. Raises ManifestError for what cannot be understood."""
    if path.is_dir():
        found = _folder(path)
        if not found.clips:
            looked = f"(looked for {', '.join(sorted(MEDIA_SUFFIXES))})"
            raise ManifestError(" ".join([f"{path}: no clips here nor in its sub-folders {looked}", *found.left_out]))
    elif path.suffix.lower() in SUFFIXES:
        found = _manifest(path)
        if not found.clips:
            raise ManifestError(f"{path}: lists no clips")
    elif not path.exists():
        raise ManifestError(f"{path}: no such folder or manifest")
    else:
        raise ManifestError(f"{path}: neither a folder nor a .csv, .tsv or .jsonl manifest; to score single files use `seedbench score`")
    _refuse_seconds(found.clips)
    return found


def _refuse_seconds(found: Sequence[ImportedClip]) -> None:
    """Refuse two clips that would be one cell. Where some clips of a generator have seeds, those without count as seed 0."""
    seeded = {clip.generator for clip in found if clip.seed is not None}
    first: dict[tuple[str, str, int | None], ImportedClip] = {}
    for clip in found:
        seed = 0 if clip.seed is None and clip.generator in seeded else clip.seed
        other = first.setdefault((clip.generator, clip.prompt_id, seed), clip)
        if other is not clip:
            which = "without a seed" if seed is None else f"with seed {seed}"
            if seed == 0 and None in (clip.seed, other.seed):
                which += " (those without a seed count as 0, since others have one)"
            what = f"a second clip of {clip.generator!r} for prompt {clip.prompt_id!r} {which}"
            raise ManifestError(f"{clip.where}: {what}; the first is at {other.where}: give each a seed of its own")


def generators_of(found: Sequence[ImportedClip]) -> list[str]:
    """The generators' names in order of first appearance."""
    return list(dict.fromkeys(clip.generator for clip in found))


def suite_of(found: Sequence[ImportedClip], path: Path, *, texts: Mapping[str, str] | None = None) -> Suite:
    """A suite that expects nothing: the prompts of the clips, of task ``unknown``, with the texts that are known.

    Its ``sha256`` is of the prompts, so that the same prompts from elsewhere are the same suite.
    """
    known = texts or {}
    ids = list(dict.fromkeys(clip.prompt_id for clip in found))
    prompts = tuple(Prompt(id=name, text=known.get(name, ""), task="unknown") for name in ids)
    content = json.dumps([prompt.model_dump(mode="json") for prompt in prompts], sort_keys=True)
    unknown = [name for name in ids if texts is not None and name not in known]
    return Suite(
        name=slug(path.stem),
        title=f"Clips of {path.name}",
        version="imported",
        prompts=prompts,
        path=path.absolute() / "suite.yaml" if path.is_dir() else path.absolute(),
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        description="Made from imported clips: nothing is known of what was asked, beyond the texts given.",
        warnings=(f"no text is given for {len(unknown)} of {len(ids)} prompts, e.g. {unknown[0]!r}",) if unknown else (),
    )


def texts_of(path: Path) -> dict[str, str]:
    """The texts of a ``prompt_id,text`` file (CSV, TSV or JSONL) by prompt id. Raises ManifestError."""
    texts: dict[str, str] = {}
    for line, row in rows(path, TEXTS):
        name = slug(str(row["prompt_id"]).strip())
        if name in texts:
            raise ManifestError(f"{path}:{line}: a second text for prompt {name!r}")
        texts[name] = str(row["text"])
    return texts


def _folder(path: Path) -> Listing:
    """Media files of a folder, under its name, and of its sub-folders, under theirs (a link's own name, not that of what it leads to)."""
    name = path.name if path.name not in ("", "..") else path.resolve().name
    clips, other = _media_of(path, name)
    left_out: list[str] = []
    for folder in sorted(item for item in path.iterdir() if item.is_dir() and not item.name.startswith(".")):
        found, rest = _media_of(folder, folder.name)
        if found and clips and folder.name == name:
            raise ManifestError(
                f"{path} and its sub-folder {folder.name} both hold clips and have one name, so they would be one generator"
            )
        clips += found
        other += rest
        deeper = [item.name for item in folder.iterdir() if item.is_dir() and not item.name.startswith(".") and _holds_media(item)]
        if deeper:
            left_out.append(
                f"{path.resolve().name}: the clips in {counted(deeper, 'folder')} below {folder.name} are left out, they lie too deep."
            )
        elif not found:
            left_out.append(f"{path.resolve().name}: the sub-folder {folder.name} holds no clips.")
    if other:
        left_out.append(f"{path.resolve().name}: {counted(other, 'file')} left out; their names do not end like those of clips.")
    return Listing(clips, tuple(left_out))


def _media_of(folder: Path, generator: str) -> tuple[list[ImportedClip], list[str]]:
    """The clips that lie in a folder itself, and the names of its other files; what begins with a dot is hidden and passed over."""
    clips, other = [], []
    for file in sorted(folder.iterdir()):
        if file.name.startswith(".") or file.is_dir():
            continue
        if file.suffix.lower() not in MEDIA_SUFFIXES:
            other.append(file.name)
            continue
        seeded = _SEED_SUFFIX.match(file.stem)
        if seeded and int(seeded["seed"]) > LARGEST:
            raise ManifestError(f"{file}: the seed {seeded['seed']} is larger than {LARGEST}")
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


def _manifest(path: Path) -> Listing:
    columns: dict[str, None] = {}
    clips = []
    for line, row in rows(path, REQUIRED):
        columns |= dict.fromkeys(column for column in row if column not in REQUIRED + OPTIONAL)
        clips.append(_entry(row, path, line))
    return Listing(clips, tuple(unread(path, columns, OPTIONAL, "kept as metadata, nothing else is made of it")))


def _claims(clip: ImportedClip) -> dict[str, Any]:
    """What a manifest says of a clip beyond its file, as far as it says anything."""
    said = {"latency_s": clip.latency_s, "cost_usd": clip.cost_usd, "metadata": dict(clip.metadata) or None}
    given = {key: value for key, value in said.items() if value is not None}
    return {"claimed": given} if given else {}


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _entry(row: Mapping[str, Any], path: Path, line: int) -> ImportedClip:
    """One row as a clip; columns nobody knows are kept as metadata."""
    where = f"{path}:{line}"
    metadata: dict[str, Any] = {key: value for key, value in row.items() if key not in REQUIRED + OPTIONAL}
    given = row.get("metadata")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except json.JSONDecodeError as error:
            raise ManifestError(f"{where}: metadata: not valid JSON: {error.msg}") from error
    if given is not None and not isinstance(given, dict):
        raise ManifestError(f"{where}: metadata must be a JSON object")
    return ImportedClip(
        generator=str(row["generator"]).strip(),
        prompt_id=slug(str(row["prompt_id"])),
        file=(path.parent / str(row["file"]).strip()).absolute(),
        seed=whole_number(row, "seed", where),
        latency_s=number(row, "latency_s", where),
        cost_usd=number(row, "cost_usd", where),
        metadata={**metadata, **(given or {})},
        where=where,
    )
