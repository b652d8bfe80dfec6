"""From a spec to cells: which generator is asked what, checked before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seedbench import registry
from seedbench.clip import file_sha256
from seedbench.code_digest import code_digest
from seedbench.errors import PluginError, SeedBenchError
from seedbench.generator import Capabilities, Generator, Request
from seedbench.metric import PROMPT_NEEDS, Metric, MetricInfo, SetMetric
from seedbench.prompt import Prompt
from seedbench.spec import GeneratorSpec, RunSpec, digest_of

Role = Literal["system", "ceiling", "reference"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One generator on one prompt with one seed. ``refusal`` is set where the generator's own capabilities rule it out."""

    key: str
    role: Role
    generator: GeneratorSpec
    prompt: Prompt
    seed: int
    refusal: str = ""


def make_generator(spec: GeneratorSpec) -> Generator:
    """Construct a generator. Raises SeedBenchError when its options are not the ones it takes."""
    kind = registry.load("generators", spec.name)
    try:
        return kind(**spec.options)
    except SeedBenchError:
        raise
    except TypeError as error:
        raise SeedBenchError(f"generator {spec.label!r} does not take these options: {error}") from error
    except Exception as error:
        raise SeedBenchError(f"generator {spec.label!r} cannot be made with these options: {type(error).__name__}: {error}") from error


def request_of(spec: RunSpec, prompt: Prompt, seed: int) -> Request:
    """What a generator is asked in a cell."""
    root = Path(spec.root) if spec.root else None
    return Request(prompt=prompt, seed=seed, width=spec.width, height=spec.height, fps=spec.fps, root=root)


def _asset_hashes(prompt: Prompt, root: Path | None) -> dict[str, str]:
    return {item.id: file_sha256((root or Path()) / item.path) for item in prompt.references}


def _refusal(generator: Generator, label: str, prompt: Prompt, root: Path | None) -> str:
    from seedbench.errors import ReferenceLimitError
    from seedbench.references import check_references

    can = generator.capabilities()
    if can.tasks and prompt.task not in can.tasks:
        return f"{label} does not do the task {prompt.task!r}"
    if not can.min_duration_s <= prompt.duration_s <= can.max_duration_s:
        return f"{label} makes clips of {can.min_duration_s:g} to {can.max_duration_s:g} s, the prompt asks for {prompt.duration_s:g} s"
    if prompt.references and can.references is None:
        return f"{label} takes no reference assets"
    if prompt.references and can.references is not None:
        try:
            check_references(prompt, root or Path(), can.references)
        except ReferenceLimitError as error:
            return f"{label}: {error}"
    return ""


def plan(spec: RunSpec) -> list[Cell]:
    """All cells of a run in their order: reference set first, then prompt by prompt. Raises SeedBenchError for what cannot work at all."""
    labels = [item.label for item in spec.generators]
    doubled = {label for label in labels if labels.count(label) > 1}
    if doubled:
        raise SeedBenchError(f"two generators are called {sorted(doubled)[0]!r}; give one of them another label (LABEL=NAME:...)")
    if spec.ceiling is not None and spec.ceiling not in labels:
        raise SeedBenchError(f"the ceiling {spec.ceiling!r} is not among the generators{registry.did_you_mean(spec.ceiling, labels)}")
    root = Path(spec.root) if spec.root else None
    assets = {prompt.id: _asset_hashes(prompt, root) for prompt in spec.prompts}
    cells: list[Cell] = []
    asked: list[tuple[Role, GeneratorSpec, tuple[int, ...]]] = []
    if spec.reference is not None:
        asked.append(("reference", spec.reference, spec.reference_seeds))
    asked += [("ceiling" if item.label == spec.ceiling else "system", item, spec.seeds) for item in spec.generators]
    made = [(role, item, seeds, make_generator(item)) for role, item, seeds in asked]
    for _, item, _, generator in made:
        if not isinstance(can := generator.capabilities(), Capabilities):
            raise PluginError(f"generator {item.label!r} gives {type(can).__name__} as its capabilities(), where Capabilities are needed")
    for prompt in spec.prompts:
        for role, item, seeds, generator in made:
            can = generator.capabilities()
            for seed in seeds[:1] if can.deterministic and not can.seeds else seeds:  # the same clip again tells nothing new
                if not generator.offers(prompt, seed):
                    continue
                identity: dict[str, Any] = {
                    "name": item.name,
                    "options": dict(item.options),
                    "prompt": prompt.model_dump(mode="json"),
                    "assets": assets[prompt.id],
                    "seed": seed,
                    "size": [spec.width, spec.height, spec.fps],
                    "own": dict(generator.identity(prompt, seed)),
                }
                refusal = _refusal(generator, item.label, prompt, root)
                cells.append(Cell(key=digest_of(identity), role=role, generator=item, prompt=prompt, seed=seed, refusal=refusal))
    for _, item, _, _ in made:
        if not any(cell.generator == item for cell in cells):
            raise SeedBenchError(f"generator {item.label!r} has no clip for any of the {len(spec.prompts)} prompts under these seeds")
    return cells


def make_metrics(names: tuple[str, ...]) -> dict[str, Metric | SetMetric]:
    """Construct the metrics called ``names``. Raises UnknownNameError, PluginError."""
    return {name: make_metric(name) for name in names}


def make_metric(name: str) -> Metric | SetMetric:
    """Construct the metric called ``name``. Raises UnknownNameError, PluginError."""
    kind = registry.load("metrics", name)
    try:
        code_digest(kind)  # now, while the files are those that were loaded
        return kind()
    except SeedBenchError:
        raise
    except Exception as error:
        raise PluginError(f"metric {name!r} ({kind.__module__}) cannot be made: {type(error).__name__}: {error}") from error


def applies(info: MetricInfo, prompt: Prompt | None) -> bool:
    """Whether a metric has anything to say about a prompt: the prompt states each expectation the metric needs.

    A loose file (no prompt) is given to every metric, and the metric decides.
    """
    if prompt is None:
        return True
    return all(bool(getattr(prompt, need)) for need in info.needs & PROMPT_NEEDS)
