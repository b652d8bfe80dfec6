"""``seedbench run``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedbench.errors import SeedBenchError, TooManyFailuresError
from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from seedbench.plugins.generator_spec import GeneratorSpec
    from seedbench.runs.spec import RunSpec
    from seedbench.suites.prompt import Prompt
    from seedbench.suites.suite import Suite

EXAMPLES = """[bold]Examples[/bold]

seedbench run --suite quick -g simulator -g broken=simulator:preset=broken --ceiling simulator --reference simulator

seedbench run -g import:path=clips.csv --name mine          (your own clips, no suite needed)

seedbench run --suite quick -g mine=command:argv="python gen.py {prompt} --seed {seed} -o {out}"

seedbench run --suite core -g simulator --task talking --limit 5 --seeds 0,1,2

Ctrl-C leaves a run that the same command goes on with.
"""


def run(
    generator: Annotated[
        list[str], typer.Option("--generator", "-g", help="\\[LABEL=]NAME\\[:key=value,...], or a YAML file. Repeat for several.")
    ],
    suite: Annotated[str | None, typer.Option(help="A shipped suite (see `seedbench suites`) or a YAML file.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; by default made from suite and generators.")] = None,
    metric: Annotated[list[str] | None, typer.Option("--metric", "-m", help="Only these metrics. Repeat for several.")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Seeds, with commas; by default 0, and of imported clips those that their names or manifest give.")
    ] = None,
    prompt: Annotated[list[str] | None, typer.Option("--prompt", "-p", help="Only these prompts (patterns such as talk-*).")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only prompts of this task.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many prompts.")] = None,
    size: Annotated[str, typer.Option(help="Asked width and height, in pixels.")] = "456x256",
    fps: Annotated[int, typer.Option(min=1, max=120, help="Asked frames a second.")] = 25,
    ceiling: Annotated[str | None, typer.Option(help="Label of the generator drawn as the line to reach.")] = None,
    reference: Annotated[str | None, typer.Option(help="Generator of the reference set for distances such as FVD.")] = None,
    reference_seeds: Annotated[
        str | None, typer.Option(help="Seeds of the reference set; by default 1000, and of imported clips those that they have.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", "-j", min=1, help="Processes; by default what cores and memory bear.")] = None,
    max_failures: Annotated[str, typer.Option(help="How many cells may fail (3, 5%, none, all) before the exit code is 4.")] = "none",
    out: Annotated[Path | None, typer.Option(help="Write the report into this folder as well.")] = None,
) -> None:
    """Plan a suite over generators, make or import the clips, score them. The same command resumes."""
    set_stop_message("stopped; the same command goes on from here")
    from rich.console import Console

    from seedbench.cli.progress import Bars
    from seedbench.report.console import summary_table
    from seedbench.results.load import load_report
    from seedbench.runs.executor import LocalExecutor, sensible_workers
    from seedbench.runs.failures import allowed_failures
    from seedbench.runs.runner import execute
    from seedbench.store import Store
    from seedbench.store.workspace import Workspace

    console = Console()
    spec = make_spec(
        suite=suite,
        generators=generator,
        metrics=metric,
        seeds=_numbers("--seeds", seeds),
        prompts=prompt or [],
        tasks=task or [],
        limit=limit,
        size=_size(size),
        fps=fps,
        ceiling=ceiling,
        reference=reference,
        reference_seeds=_numbers("--reference-seeds", reference_seeds),
    )
    name = name or default_name(spec)
    workspace = Workspace.current()
    store = Store(workspace.database_url)
    executor = LocalExecutor(workers or sensible_workers(), workspace.cache)
    console.print(
        f"run [bold]{name}[/bold]: {len(spec.prompts)} prompts of {spec.suite}, {len(spec.generators)} generators, "
        f"{len(spec.all_seeds)} seeds, {len(spec.metrics)} metrics, {executor.workers} workers",
        highlight=False,
    )
    try:
        with Bars(console) as bars:
            outcome = execute(spec, name, store=store, workspace=workspace, executor=executor, progress=bars)
    finally:
        executor.close()
    found = load_report(store, workspace, name)
    console.print(summary_table(found))
    for note in found.notes:
        console.print(f"note: {note}", highlight=False)
    if out is not None:
        from seedbench.report.write import write_report
        from seedbench.store.cache import use_cache

        use_cache(workspace.cache)
        files = write_report(found, out)
        console.print(f"report: {next(file for file in files if file.suffix == '.html')}", highlight=False, soft_wrap=True)
    else:
        console.print(f"write the report with: seedbench report {name}", highlight=False)
    if outcome.failed > allowed_failures(max_failures, outcome.cells):
        raise TooManyFailuresError(f"{outcome.failed} of {outcome.cells} cells failed, --max-failures {max_failures} allows fewer")


def make_spec(
    *,
    suite: str | None,
    generators: list[str],
    metrics: list[str] | None,
    seeds: tuple[int, ...] | None,
    prompts: list[str],
    tasks: list[str],
    limit: int | None,
    size: tuple[int, int],
    fps: int,
    ceiling: str | None,
    reference: str | None,
    reference_seeds: tuple[int, ...] | None,
) -> RunSpec:
    """A run's spec from what was typed; ``seeds`` and ``reference_seeds`` None: not typed. Raises SeedBenchError."""
    from seedbench.plugins import registry
    from seedbench.plugins.generator import Importer
    from seedbench.plugins.generator_spec import parse_generator
    from seedbench.plugins.instances import make_generator
    from seedbench.runs.spec import RunSpec
    from seedbench.suites.loading import load_suite
    from seedbench.suites.suite import select

    chosen = [item for text in generators for item in variants_of(parse_generator(text))]
    if suite is not None:
        found = load_suite(suite)
    else:
        importers = [generator for item in chosen if isinstance(generator := make_generator(item), Importer)]
        own = [own for importer in importers if (own := importer.suite()) is not None]
        if not own:
            raise SeedBenchError("which prompts? name a suite with --suite (see `seedbench suites`)")
        found = together(own)
    found = select(found, ids=prompts, tasks=tasks, limit=limit)
    chosen = [_seeded(item, seeds, 0) for item in chosen]
    names = tuple(dict.fromkeys(metrics)) if metrics else registry.default_metrics()
    for metric in names:
        registry.load("metrics", metric)
    return RunSpec(
        suite=found.name,
        suite_version=found.version,
        suite_sha256=found.sha256,
        prompts=found.prompts,
        generators=tuple(chosen),
        metrics=names,
        seeds=(0,) if seeds is None else seeds,
        width=size[0],
        height=size[1],
        fps=fps,
        ceiling=ceiling,
        reference=_seeded(_reference(reference), reference_seeds, 1000) if reference else None,
        reference_seeds=(1000,) if reference_seeds is None else reference_seeds,
        root=str(found.root.resolve()),
    )


def _seeded(item: GeneratorSpec, typed: tuple[int, ...] | None, otherwise: int) -> GeneratorSpec:
    """A generator with the seeds of its own clips, where none were typed and its own are not the one that is asked ``otherwise``."""
    from dataclasses import replace

    from seedbench.plugins.generator import Importer
    from seedbench.plugins.instances import make_generator

    if typed is not None or not isinstance(generator := make_generator(item), Importer):
        return item
    own = generator.own_seeds()
    return item if own in ((), (otherwise,)) else replace(item, seeds=own)


def together(suites: Sequence[Suite]) -> Suite:
    """The prompts of several suites as one: of clips imported from several places. Raises SeedBenchError where two texts disagree."""
    from dataclasses import replace

    from seedbench.files.hashing import digest_of

    prompts: dict[str, Prompt] = {}
    for suite in suites:
        for prompt in suite.prompts:
            known = prompts.setdefault(prompt.id, prompt)
            if known != prompt and known.text and prompt.text:
                raise SeedBenchError(f"prompt {prompt.id!r} has two texts: in {suite.path} and elsewhere")
            prompts[prompt.id] = known if known.text else prompt
    digest = digest_of([prompt.model_dump(mode="json") for prompt in prompts.values()])
    return replace(suites[0], prompts=tuple(prompts.values()), sha256=digest)


def variants_of(item: GeneratorSpec) -> list[GeneratorSpec]:
    """The systems one ``--generator`` stands for: an import of several generators' clips is several."""
    from seedbench.plugins import registry
    from seedbench.plugins.generator import Importer
    from seedbench.plugins.generator_spec import GeneratorSpec

    kind = registry.load("generators", item.name)
    if not issubclass(kind, Importer):
        return [item]
    try:
        variants = kind.variants(**item.options)
    except KeyError as error:
        raise SeedBenchError(
            f"generator {item.label!r} needs the option {error.args[0]}=, as in -g {item.name}:{error.args[0]}=..."
        ) from error
    except TypeError as error:
        raise SeedBenchError(f"generator {item.label!r} does not take these options: {error}") from error
    if not variants:
        return [item]
    if len(variants) == 1 and item.label != item.name:
        return [GeneratorSpec(label=item.label, name=item.name, options=next(iter(variants.values())))]
    prefix = f"{item.label}/" if item.label != item.name else ""
    return [GeneratorSpec(label=prefix + label, name=item.name, options=options) for label, options in variants.items()]


def _reference(text: str) -> GeneratorSpec:
    from seedbench.plugins.generator_spec import parse_generator

    found = variants_of(parse_generator(text))
    if len(found) != 1:
        raise SeedBenchError(f"the reference {text!r} holds clips of {len(found)} generators; say which with generator=")
    return found[0]


def default_name(spec: RunSpec) -> str:
    """A name that says what was run and changes with the spec, so that the same command resumes and another one does not collide.

    The last six letters are of the spec's hash.
    """
    labels = "-".join(item.label for item in spec.generators)
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in f"{spec.suite}-{labels}")
    return f"{safe[:60]}-{spec.digest()[:6]}"


def _numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SeedBenchError(f"{option} {text!r} is not a list of whole numbers such as 0,1,2") from None
    if len(set(found)) != len(found):
        raise SeedBenchError(f"{option} {text!r} names a seed twice")
    if not all(-(2**63) <= seed < 2**63 for seed in found):
        raise SeedBenchError(f"{option} {text!r}: a seed lies between -2^63 and 2^63")
    return found


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and 16 <= int(width) <= 7680 and 16 <= int(height) <= 7680):
        raise SeedBenchError(f"--size {text!r} is not a size such as 456x256")
    return int(width), int(height)
