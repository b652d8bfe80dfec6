"""The generator ``import``: clips that exist already, from a folder or a CSV or JSONL manifest. No file of the user's is changed."""

from __future__ import annotations

import hashlib
import json
import math
import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from seedbench.errors import did_you_mean
from seedbench.files.hashing import file_sha256
from seedbench.files.tables import Table, read_table
from seedbench.generators.imported.clip import ImportedClip
from seedbench.generators.imported.folder import name_of_folder
from seedbench.generators.imported.listing import check_files, entries, generators_of, list_clips
from seedbench.generators.imported.manifest import SUFFIXES, ManifestError, counted, unread
from seedbench.generators.imported.names import checked_numbers
from seedbench.plugins.generator import Capabilities, Generation, Importer, Request
from seedbench.suites.earlier_form import stored_json
from seedbench.suites.prompt import Prompt
from seedbench.suites.prompt_ids import slug
from seedbench.suites.references import ReferenceLimits
from seedbench.suites.suite import Suite

TEXTS = ("prompt_id", "text")


class Imported(Importer):
    """Clips that exist already, under the name of the generator that made them.

    Where no clip has a seed, ``capabilities().seeds`` is False and each clip is taken for any seed that is asked; where some have a
    seed, the others count as seed 0.

    A clip belongs to the prompt whose text is the name of the clip, or else to the prompt whose id is made from that name.

    Args:
        path: a folder (a file's stem is its prompt id, ``ID__seed3.mp4`` has seed 3; sub-folders are generators), or a ``.csv``,
            ``.tsv`` or ``.jsonl`` manifest with ``generator``, ``prompt_id``, ``file``.
        generator: whose clips; needed where the path holds clips of several generators.
        prompts: a CSV with ``prompt_id`` and ``text``, for :meth:`suite`.
        numbers: what a number at the end of the name of a folder's file is: ``seeds`` (``A cat-3.mp4`` is seed 3 of ``A cat``),
            ``prompts`` (a part of the prompt's name), or ``auto``: that depends on all the names, as
            :func:`seedbench.generators.imported.names.reading_of` has it.

    Raises:
        ManifestError: the path cannot be read or understood, or does not hold clips of the generator.
    """

    name: ClassVar[str] = "import"
    manifest_suffixes: ClassVar[frozenset[str]] = frozenset(SUFFIXES)

    @classmethod
    def files_in_manifest(cls, manifest: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
        """The clips that a manifest lists, of all generators in it, and sentences about what is left out of it."""
        listed = list_clips(manifest)
        check_files(listed.clips)
        return tuple(clip.file for clip in listed.clips), listed.left_out

    def __init__(self, *, path: str, generator: str | None = None, prompts: str | None = None, numbers: str = "auto") -> None:
        self.path = _path("path", path)
        self.prompts = None if prompts is None else _path("prompts", prompts)
        self.numbers = checked_numbers(numbers)
        listed = list_clips(self.path, self.numbers)
        names = generators_of(listed.clips)
        if generator is None and len(names) > 1:
            raise ManifestError(f"{self.path} holds clips of {len(names)} generators: choose one with generator=, of {', '.join(names)}")
        self.generator = names[0] if generator is None else str(generator)
        if self.generator not in names:
            known = f"it has clips of {', '.join(names)}"
            raise ManifestError(f"{self.path} holds no clips of {self.generator!r}{did_you_mean(self.generator, names)}; {known}")
        self.clips = tuple(clip for clip in listed.clips if clip.generator == self.generator)
        #: Sentences about what the folder or manifest holds besides clips, and how names were read.
        self.left_out = listed.left_out
        self._seeded = any(clip.seed is not None for clip in self.clips)
        self._by_prompt_and_seed = {(clip.prompt_id, clip.seed): clip for clip in self.clips}
        self._id_by_name = {clip.prompt_name: clip.prompt_id for clip in self.clips}

    @classmethod
    def variants(cls, **options: Any) -> dict[str, dict[str, Any]]:
        """The options for each generator whose clips the path holds, by its name; one entry if ``generator`` is given.

        Raises:
            ManifestError: the path cannot be read, or a row of a manifest names no file.
        """
        path, asked = _path("path", options["path"]), options.get("generator")
        clips = entries(path, checked_numbers(str(options.get("numbers", "auto")))) if asked is None or path.is_file() else []
        if not path.is_dir():
            check_files([clip for clip in clips if asked in (None, clip.generator)])
        return {name: {**options, "generator": name} for name in (generators_of(clips) if asked is None else [str(asked)])}

    @classmethod
    def label_parts(cls, label: str, **options: Any) -> tuple[str, ...]:
        """The folders of the path as given, and the label; a folder that gives its own name to its clips is not named twice."""
        path = _path("path", options["path"])
        folders = [part for part in Path(os.path.abspath(path)).parts if part != os.sep]
        is_own_name = path.is_dir() and label == name_of_folder(path)
        return (*(folders[:-1] if is_own_name else folders), label)

    def suite(self) -> Suite:
        """A suite of the prompts that have clips (of any generator of the path), for a run that names no suite."""
        return suite_of(entries(self.path, self.numbers), self.path, texts=None if self.prompts is None else texts_of(self.prompts))

    def capabilities(self) -> Capabilities:
        """No limits: the clips exist already."""
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
        """Whether there is a clip of the prompt for this seed."""
        return self._clip(prompt, seed) is not None

    def clip_file(self, prompt: Prompt, seed: int) -> Path | None:
        """The user's file of the prompt and seed."""
        clip = self._clip(prompt, seed)
        return None if clip is None else clip.file

    def own_seeds(self) -> tuple[int, ...]:
        """The seeds of the clips, with 0 for those without; empty if no clip has a seed."""
        return tuple(sorted({clip.seed or 0 for clip in self.clips})) if self._seeded else ()

    def remarks(self, prompts: Sequence[Prompt], seeds: Sequence[int]) -> list[str]:
        """Sentences about clips that no cell asks for, prompts and seeds without a clip, and other content of the path."""
        ids = {self._prompt_id(prompt): prompt.id for prompt in prompts}
        asked = {id(self._clip(prompt, seed)) for prompt in prompts for seed in seeds}
        unknown = [clip for clip in self.clips if clip.prompt_id not in ids]
        others = [clip for clip in self.clips if clip.prompt_id in ids and id(clip) not in asked]
        with_clip = {clip.prompt_id for clip in self.clips}
        without_clip = [prompt_id for own_id, prompt_id in ids.items() if own_id not in with_clip]
        name, sentences = self.label or self.generator, []
        if unknown:
            count = f"{len(unknown)} of its {len(self.clips)} clips {_are(len(unknown))} left out"
            names = list(dict.fromkeys(clip.prompt_name for clip in unknown))
            sentences.append(f"{name}: {count}, of {counted(names, 'prompt')} not in this run.")
        if others:
            count = f"{len(others)} of its {len(self.clips)} clips {_are(len(others))} left out"
            left_out = counted(sorted({str(clip.seed or 0) for clip in others}, key=int), "seed")
            asked_seeds = ", ".join(map(str, seeds))
            sentences.append(f"{name}: {count}, of {left_out} not asked for; asked are {asked_seeds}. Name no seeds to take all.")
        if without_clip:
            missing = counted(without_clip, "prompt")
            sentences.append(f"{name}: no clip for {missing} of the {len(ids)} in this run; they are not counted.")
        missing_seeds = [str(seed) for seed in seeds if all(self._clip(prompt, seed) is None for prompt in prompts)]
        if missing_seeds:
            missing = counted(missing_seeds, "seed")
            sentences.append(f"{name}: no clip for {missing} of the {len(seeds)} asked for; they are not counted.")
        return [*sentences, *self.left_out, *self._texts_without_clips()]

    def _texts_without_clips(self) -> list[str]:
        if self.prompts is None:
            return []
        names = {clip.prompt_name for clip in entries(self.path, self.numbers)}
        ids = {slug(name) for name in names}
        unused = [name for name in texts_of(self.prompts) if name not in names and slug(name) not in ids]
        columns = (column for column in _table_of_texts(self.prompts).columns if column not in TEXTS)
        sentences = [f"{self.prompts.name}: no clip of {counted(unused, 'prompt')} is there; these texts are left out."] if unused else []
        return sentences + unread(self.prompts, columns, TEXTS, "not read")

    def identity(self, prompt: Prompt, seed: int) -> Mapping[str, Any]:
        """The content of the file, and what the manifest claims of it: another file or another cost is another cell."""
        clip = self._clip(prompt, seed)
        return {**self._content(clip), **({} if clip is None else _claims(clip))}

    def earlier_identities(self, prompt: Prompt, seed: int) -> Sequence[Mapping[str, Any]]:
        """The content of the file alone."""
        return (self._content(self._clip(prompt, seed)),)

    def _content(self, clip: ImportedClip | None) -> dict[str, Any]:
        return {"file_sha256": file_sha256(clip.file) if clip is not None and clip.file.is_file() else None}

    def generate(self, request: Request, directory: Path) -> Generation:
        """The user's own file. Nothing is copied, renamed or written."""
        clip = self._clip(request.prompt, request.seed)
        if clip is None:
            return Generation(status="failed", reason=f"{self.path} lists no clip of {self.generator} for prompt {request.prompt.id!r}")
        if not clip.file.is_file():
            return Generation(status="failed", reason=f"{clip.where} names {clip.file}, which is not a file", own_file=False)
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
        name = self._prompt_id(prompt)
        without_seed = self._by_prompt_and_seed.get((name, None)) if seed == 0 or not self._seeded else None
        return self._by_prompt_and_seed.get((name, seed)) or without_seed

    def _prompt_id(self, prompt: Prompt) -> str:
        """The id under which the clips of a prompt are listed here: names may be ids or texts."""
        return self._id_by_name.get(unicodedata.normalize("NFC", prompt.text.strip()), prompt.id)


def suite_of(clips: Sequence[ImportedClip], path: Path, *, texts: Mapping[str, str] | None = None) -> Suite:
    """A suite without expectations: the prompts of clips, of task ``unknown``.

    Args:
        clips: the clips whose prompts are taken, each prompt once.
        path: the folder or manifest, which gives the suite its name.
        texts: the texts that are known, by the name or the id of the prompt; None: no texts were given.

    Returns:
        A suite whose ``sha256`` depends on the prompts alone: the same prompts from another path are the same suite.
    """
    by_slug: dict[str, list[str]] = {}
    for name, text in (texts or {}).items():
        by_slug.setdefault(slug(name), []).append(text)
    known: dict[str, str | None] = {}
    for clip in clips:
        alike = by_slug.get(slug(clip.prompt_name or clip.prompt_id), [])
        if known.get(clip.prompt_id) is None:
            known[clip.prompt_id] = (texts or {}).get(clip.prompt_name) or (alike[0] if len(alike) == 1 else None)
    prompts = tuple(Prompt(id=name, text=text or "", task="unknown") for name, text in known.items())
    content = json.dumps([stored_json(prompt) for prompt in prompts], sort_keys=True)
    unknown = [name for name, text in known.items() if texts is not None and text is None]
    has_name = path.name not in ("", "..")
    return Suite(
        name=slug(path.stem if has_name else name_of_folder(path)),
        title=f"Clips of {path.name if has_name else name_of_folder(path)}",
        version="imported",
        prompts=prompts,
        path=path.absolute() / "suite.yaml" if path.is_dir() else path.absolute(),
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        description="Made from imported clips: nothing is known about the prompts except the texts given.",
        warnings=(f"there is no text for {len(unknown)} of {len(known)} prompts, e.g. {unknown[0]!r}",) if unknown else (),
    )


def texts_of(path: Path) -> dict[str, str]:
    """The texts of a ``prompt_id,text`` file (CSV, TSV or JSONL) by the prompt's name as it is written. Raises ManifestError."""
    texts: dict[str, str] = {}
    for row in _table_of_texts(path).rows:
        name = unicodedata.normalize("NFC", row.text("prompt_id"))
        if name in texts:
            raise row.error(f"a second text for prompt {name!r}")
        texts[name] = row.text("text")
    return texts


def _path(option: str, text: object) -> Path:
    """The path that an option names. Raises ManifestError for an empty one, which would mean the current folder."""
    if not str(text).strip():
        raise ManifestError(f"import: {option}= is empty: give a folder or a file, or {option}=. for the current folder")
    return Path(str(text)).expanduser()


def _table_of_texts(path: Path) -> Table:
    return read_table(path, error=ManifestError, columns=TEXTS, filled=TEXTS[:1])


def _claims(clip: ImportedClip) -> dict[str, Any]:
    """What a manifest claims of a clip besides its file; empty if it claims nothing."""
    columns = {"latency_s": clip.latency_s, "cost_usd": clip.cost_usd, "metadata": dict(clip.metadata) or None}
    claims = {key: value for key, value in columns.items() if value is not None}
    return {"claimed": claims} if claims else {}


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
