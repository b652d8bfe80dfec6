"""From a spec to cells: which generator is asked what, checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seedbench.errors import PluginError, SeedBenchError, did_you_mean
from seedbench.files.hashing import digest_of, file_sha256
from seedbench.plugins.generator import Capabilities, Generator, Importer, Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.instances import make_generator
from seedbench.plugins.options import downgrade_options
from seedbench.runs.labels import merge_sentences
from seedbench.runs.shared_files import ImportedSystem, shared_files
from seedbench.runs.spec import RunSpec
from seedbench.suites.earlier_form import stored_json
from seedbench.suites.prompt import Prompt

Role = Literal["system", "ceiling", "reference"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One generator on one prompt with one seed. ``refusal`` is set where the generator's own capabilities rule it out.

    ``earlier_keys`` are those that earlier versions gave the same cell: a stored run may hold one of them.
    """

    key: str
    role: Role
    generator: GeneratorSpec
    prompt: Prompt
    seed: int
    refusal: str = ""
    earlier_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class _PlannedGenerator:
    """A generator of the run, its role, and the seeds it is asked."""

    role: Role
    spec: GeneratorSpec
    generator: Generator
    seeds: tuple[int, ...]


def request_of(spec: RunSpec, prompt: Prompt, seed: int) -> Request:
    """What a generator is asked in a cell."""
    root = Path(spec.root) if spec.root else None
    return Request(prompt=prompt, seed=seed, width=spec.width, height=spec.height, fps=spec.fps, root=root)


def _asset_hashes(prompt: Prompt, root: Path | None) -> dict[str, str]:
    return {item.id: file_sha256((root or Path()) / item.path) for item in prompt.references}


def _refusal(generator: Generator, label: str, request: Request) -> str:
    from seedbench.errors import ReferenceLimitError
    from seedbench.suites.references import check_references

    can, prompt = generator.capabilities(), request.prompt
    if can.tasks and prompt.task not in can.tasks:
        return f"{label} does not do the task {prompt.task!r}"
    if can.sizes and (request.width, request.height) not in can.sizes:
        sizes = ", ".join(f"{width}x{height}" for width, height in sorted(can.sizes, reverse=True))
        return f"{label} makes {sizes}; the run asks for {request.width}x{request.height}"
    if not can.min_duration_s <= prompt.duration_s <= can.max_duration_s:
        return f"{label} makes clips of {can.min_duration_s:g} to {can.max_duration_s:g} s, the prompt asks for {prompt.duration_s:g} s"
    if prompt.references and can.references is None:
        return f"{label} takes no reference assets"
    if prompt.references and can.references is not None:
        try:
            check_references(prompt, request.root or Path(), can.references)
        except ReferenceLimitError as error:
            return f"{label}: {error}"
    return "; ".join(refusal.sentence for refusal in generator.refusals(prompt))


def _planned_generators(spec: RunSpec) -> list[_PlannedGenerator]:
    """The generators of a run, the reference set's first. One that takes no seed and always gives the same clip is asked under one seed."""
    parts: list[tuple[Role, GeneratorSpec, tuple[int, ...]]] = []
    if spec.reference is not None:
        own = spec.reference.seeds
        parts.append(("reference", spec.reference, spec.reference_seeds if own is None else own))
    parts += [("ceiling" if item.label == spec.ceiling else "system", item, spec.seeds_of(item)) for item in spec.generators]
    asked = []
    for role, item, seeds in parts:
        generator = make_generator(item)
        if not isinstance(can := generator.capabilities(), Capabilities):
            raise PluginError(f"generator {item.label!r} gives {type(can).__name__} as its capabilities(), where Capabilities are needed")
        asked.append(_PlannedGenerator(role, item, generator, seeds[:1] if can.deterministic and not can.seeds else seeds))
    return asked


def plan(spec: RunSpec) -> list[Cell]:
    """All cells of a run in their order: prompt by prompt, the reference set first. Raises SeedBenchError for what cannot work at all."""
    labels = [item.label for item in spec.generators]
    doubled = {label for label in labels if labels.count(label) > 1}
    if doubled:
        raise SeedBenchError(f"two generators are called {sorted(doubled)[0]!r}; give one of them another label (LABEL=NAME:...)")
    if spec.ceiling is not None and spec.ceiling not in labels:
        raise SeedBenchError(
            f"the ceiling {spec.ceiling!r} is not among the generators{did_you_mean(spec.ceiling, labels, list_known=True)}"
        )
    root = Path(spec.root) if spec.root else None
    assets = {prompt.id: _asset_hashes(prompt, root) for prompt in spec.prompts}
    asked = _planned_generators(spec)
    _check_reference(asked)
    cells = [
        _cell(spec, system, prompt, seed, assets[prompt.id])
        for prompt in spec.prompts
        for system in asked
        for seed in system.seeds
        if not isinstance(system.generator, Importer) or system.generator.offers(prompt, seed)
    ]
    for system in asked:
        if not any(cell.generator == system.spec and cell.role == system.role for cell in cells):
            raise SeedBenchError(_no_clip(system, spec))
    return cells


def _check_reference(asked: Sequence[_PlannedGenerator]) -> None:
    """Refuse a reference set that takes the label and the seeds of a system: its clips would be the system's own."""
    reference = next((system for system in asked if system.role == "reference"), None)
    for system in asked:
        if reference is None or system is reference or system.spec.label != reference.spec.label:
            continue
        shared = [str(seed) for seed in system.seeds if seed in reference.seeds]
        if shared:
            label = system.spec.label
            raise SeedBenchError(
                f"the reference set and the generator {label!r} have one label and both have the seeds {', '.join(shared)}: choose other "
                f"--reference-seeds, or give the reference a label of its own (--reference OTHER={system.spec.name}:...)"
            )


def _no_clip(system: _PlannedGenerator, spec: RunSpec) -> str:
    """Why a generator has no cell at all, with what to do about it."""
    option = "--reference-seeds" if system.role == "reference" else "--seeds"
    seeds = ", ".join(map(str, system.seeds))
    sentence = f"generator {system.spec.label!r} has no clip for any of the {len(spec.prompts)} prompts under the seeds {seeds}"
    own = system.generator.own_seeds() if isinstance(system.generator, Importer) else ()
    if own and not set(own) & set(system.seeds):
        listed = ",".join(map(str, own))
        return f"{sentence}; its clips have the seeds {listed}: leave {option} out, or give {option} {listed}"
    return "; ".join([sentence, *system.generator.remarks(spec.prompts, system.seeds)])


def _cell(spec: RunSpec, system: _PlannedGenerator, prompt: Prompt, seed: int, assets: Mapping[str, str]) -> Cell:
    """One cell with its key, which holds all that decides the clip."""

    def key(options: Mapping[str, Any], own: Mapping[str, Any]) -> str:
        return digest_of(
            {
                "name": system.spec.name,
                "options": dict(options),
                "prompt": stored_json(prompt),
                "assets": assets,
                "seed": seed,
                "size": [spec.width, spec.height, spec.fps],
                "own": dict(own),
            }
        )

    options, before = system.spec.options, downgrade_options(system.spec.name, system.spec.options)
    own = system.generator.identity(prompt, seed)
    current = key(options, own)
    earlier = [key(read, was) for was in (own, *system.generator.earlier_identities(prompt, seed)) for read in (options, before)]
    return Cell(
        key=current,
        role=system.role,
        generator=system.spec,
        prompt=prompt,
        seed=seed,
        refusal=_refusal(system.generator, system.spec.label, request_of(spec, prompt, seed)),
        earlier_keys=tuple(dict.fromkeys(old for old in earlier if old != current)),
    )


def remarks(spec: RunSpec) -> list[str]:
    """What a run leaves out of what it was given, in sentences.

    These are clips that no cell asks for, seeds that change nothing, sound that is asked of a generator without any, and files that stand
    in the run several times.
    """
    sentences: list[str] = []
    systems = _planned_generators(spec)
    own_seeds = dict.fromkeys(seed for item in spec.generators for seed in item.seeds or ())
    for system in systems:
        label, can = system.spec.label, system.generator.capabilities()
        wanted = spec.reference_seeds if system.role == "reference" else spec.seeds
        if system.spec.seeds is None and len(system.seeds) < len(wanted):
            sentences.append(f"{label} takes no seed and always gives the same clip: it is asked once a prompt, not {len(wanted)} times.")
        if own_seeds and system.role != "reference" and can.seeds and not isinstance(system.generator, Importer):
            seeds = ",".join(map(str, own_seeds))
            sentences.append(
                f"{label} is asked under seed {', '.join(map(str, system.seeds))} alone, and imported clips have their own seeds: "
                f"--seeds {seeds} asks it under these."
            )
        with_sound = [prompt.id for prompt in spec.prompts if prompt.speech or prompt.music or any(event.sound for event in prompt.events)]
        if not can.audio and with_sound:
            sentences.append(f"{label} makes no sound; {len(with_sound)} of the {len(spec.prompts)} prompts ask for some.")
        sentences += system.generator.remarks(spec.prompts, system.seeds)
    imported = [
        ImportedSystem(system.spec.label + (" (reference set)" if system.role == "reference" else ""), importer, system.seeds)
        for system in systems
        if isinstance(importer := system.generator, Importer)
    ]
    sentences += shared_files(imported, spec.prompts)
    return merge_sentences(sentences, [system.spec.label for system in systems])
