"""From what a user asks for, in words, to the spec of a run."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import replace

from seedbench.errors import RunError, SeedBenchError
from seedbench.files.hashing import digest_of
from seedbench.plugins import registry
from seedbench.plugins.generator import Importer
from seedbench.plugins.generator_spec import GeneratorSpec, parse_generator
from seedbench.plugins.instances import errors_in_stage_blocks, make_generator
from seedbench.runs.labels import systems_of, variants_of
from seedbench.runs.spec import RunSpec
from seedbench.suites.earlier_form import stored_json
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt import Prompt
from seedbench.suites.suite import Suite, select

DEFAULT_SEED = 0
DEFAULT_REFERENCE_SEED = 1000
LARGEST_SEED = 2**63 - 1  # of a column of integers in every database
SIDE_RANGE = (16, 7680)  # pixels
FPS_RANGE = (1, 120)
LONGEST_NAME_BYTES = 250  # file systems allow 255
NAME_DIGITS = 6
"""Letters of the spec's hash at the end of a run's name."""


def make_spec(
    generators: Sequence[str],
    *,
    suite: str | None = None,
    metrics: Sequence[str] | None = None,
    seeds: tuple[int, ...] | None = None,
    prompts: Sequence[str] = (),
    tasks: Sequence[str] = (),
    limit: int | None = None,
    size: tuple[int, int] = (456, 256),
    fps: int = 25,
    ceiling: str | None = None,
    reference: str | None = None,
    reference_seeds: tuple[int, ...] | None = None,
) -> RunSpec:
    """The spec of a run, from the same words as on the command line.

    Args:
        generators: each as ``[LABEL=]NAME[:key=value,...]`` or the path of a YAML file.
        suite: name of a shipped suite, or path of a YAML file or a file of prompts; None: the prompts that imported clips bring along.
        metrics: names of metrics; None: those that run by default.
        seeds: seeds to ask; None: those of imported clips, and 0 for other generators.
        prompts: patterns of prompt ids; empty: all prompts.
        tasks: tasks of prompts; empty: all tasks.
        limit: only the first so many prompts.
        size: asked width and height, in pixels.
        fps: asked frames a second.
        ceiling: label of the generator that is drawn as the line to reach.
        reference: the generator of the reference set, in the same words as ``generators``.
        reference_seeds: seeds of the reference set; None: those of imported clips, and 1000 for other generators.

    Raises:
        SeedBenchError: a name, a file or an option cannot be used; the sentence says which.
    """
    _check_numbers(seeds, reference_seeds, size, fps)
    if any(isinstance(texts, str) for texts in (generators, metrics, prompts, tasks)):
        raise SeedBenchError("generators, metrics, prompts and tasks are lists of texts, not one text")
    asked = systems_of([parse_generator(text) for text in generators])
    chosen = select(_suite_of(suite, asked), ids=list(prompts), tasks=list(tasks), limit=limit)
    for sentence in dict.fromkeys([*chosen.warnings, *errors_in_stage_blocks(chosen, map(make_generator, asked))]):
        warnings.warn(sentence, stacklevel=2)
    names = tuple(dict.fromkeys(metrics)) if metrics else registry.default_metrics()
    for name in names:
        registry.load("metrics", name)
    return RunSpec(
        suite=chosen.name,
        suite_version=chosen.version,
        suite_sha256=chosen.sha256,
        prompts=chosen.prompts,
        generators=tuple(_with_own_seeds(item, seeds, DEFAULT_SEED) for item in asked),
        metrics=names,
        seeds=(DEFAULT_SEED,) if seeds is None else seeds,
        width=size[0],
        height=size[1],
        fps=fps,
        ceiling=ceiling,
        reference=_with_own_seeds(_reference(reference), reference_seeds, DEFAULT_REFERENCE_SEED) if reference else None,
        reference_seeds=(DEFAULT_REFERENCE_SEED,) if reference_seeds is None else reference_seeds,
        root=str(chosen.root.resolve()),
    )


def _check_numbers(seeds: tuple[int, ...] | None, reference_seeds: tuple[int, ...] | None, size: tuple[int, int], fps: int) -> None:
    """Raise SeedBenchError for numbers that no run can have."""
    for what, given in (("seeds", seeds), ("reference seeds", reference_seeds)):
        if given is None:
            continue
        if not given:
            raise SeedBenchError(f"no {what} are given: name one, or leave them out")
        if len(set(given)) != len(given):
            raise SeedBenchError(f"the {what} {', '.join(map(str, given))} name one twice")
        if not all(0 <= seed <= LARGEST_SEED for seed in given):
            raise SeedBenchError(f"the {what} {', '.join(map(str, given))}: a seed is a whole number from 0 to 2^63 - 1")
    if not all(SIDE_RANGE[0] <= side <= SIDE_RANGE[1] for side in size):
        raise SeedBenchError(f"the size {size[0]}x{size[1]}: width and height lie between {SIDE_RANGE[0]} and {SIDE_RANGE[1]} pixels")
    if not FPS_RANGE[0] <= fps <= FPS_RANGE[1]:
        raise SeedBenchError(f"{fps} frames a second: a rate lies between {FPS_RANGE[0]} and {FPS_RANGE[1]}")


def default_name(spec: RunSpec) -> str:
    """A run's name from its spec: the same command resumes, another one does not collide.

    It holds the suite, the generators' labels and the first six letters of the spec's hash.
    """
    labels = "-".join(item.label for item in spec.generators)
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in f"{spec.suite}-{labels}")
    return f"{safe[:60]}-{spec.digest()[:NAME_DIGITS]}"


def check_run_name(name: str) -> None:
    """Raise RunError for a name that cannot be the name of a folder everywhere: reports and exports are written under it."""
    remedy = "choose a name of letters, digits, blanks and .-_ with --name"
    if not name.strip() or name in (".", "..") or len(name.encode()) > LONGEST_NAME_BYTES:
        raise RunError(f"{name[:60]!r} cannot be the name of a run (1 to {LONGEST_NAME_BYTES} bytes, neither . nor ..); {remedy}")
    if name != name.strip():
        raise RunError(f"the run name {name!r} begins or ends with a blank; {remedy}")
    if wrong := [letter for letter in name if letter in "/\\" or unicodedata.category(letter).startswith("C")]:
        raise RunError(f"the run name {name!r} holds {wrong[0]!r}: a name is no path; {remedy}, and the folder of the report with --out")


def _suite_of(name: str | None, asked: Sequence[GeneratorSpec]) -> Suite:
    """The suite called ``name``, or the prompts that the importers among the generators bring along."""
    if name is not None:
        return load_suite(name)
    importers = [generator for item in asked if isinstance(generator := make_generator(item), Importer)]
    suites = [suite for importer in importers if (suite := importer.suite()) is not None]
    if not suites:
        raise SeedBenchError("no prompts: name a suite with --suite (`seedbench suites` lists those that are shipped)")
    return _merged(suites)


def _merged(suites: Sequence[Suite]) -> Suite:
    """The prompts of several suites as one. Raises SeedBenchError where two texts of one prompt differ."""
    prompts: dict[str, Prompt] = {}
    for suite in suites:
        for prompt in suite.prompts:
            known = prompts.setdefault(prompt.id, prompt)
            if known != prompt and known.text and prompt.text:
                raise SeedBenchError(f"prompt {prompt.id!r} has two texts: in {suite.path} and elsewhere")
            prompts[prompt.id] = known if known.text else prompt
    digest = digest_of([stored_json(prompt) for prompt in prompts.values()])
    return replace(suites[0], prompts=tuple(prompts.values()), sha256=digest)


def _with_own_seeds(item: GeneratorSpec, asked: tuple[int, ...] | None, default: int) -> GeneratorSpec:
    """A generator with the seeds of its own clips, where no seeds are asked for and its own are not just the default one."""
    if asked is not None or not isinstance(generator := make_generator(item), Importer):
        return item
    seeds = generator.own_seeds()
    return item if seeds in ((), (default,)) else replace(item, seeds=seeds)


def _reference(text: str) -> GeneratorSpec:
    variants = variants_of(parse_generator(text))
    if len(variants) != 1:
        raise SeedBenchError(f"the reference {text!r} holds clips of {len(variants)} generators; name one with generator=")
    return variants[0]
