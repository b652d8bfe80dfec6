"""``seedbench run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seedbench.errors import SeedBenchError
from seedbench.processes.stopping import set_stop_message

EXAMPLES = """[bold]Examples[/bold]

seedbench run --suite quick -g simulator -g broken=simulator:preset=broken --ceiling simulator --reference simulator

seedbench run -g import:path=clips.csv --name mine          (your own clips, no suite needed)

seedbench run --suite quick -g mine=command:argv="python gen.py {prompt} --seed {seed} -o {out}"

seedbench run --suite prompts.txt -g import:path=clips/     (a prompt a line; or a table with a column text)

seedbench run --suite core -g simulator --task talking --limit 5 --seeds 0,1,2

After Ctrl-C the same command goes on with the run.
"""


def run(
    generator: Annotated[
        list[str], typer.Option("--generator", "-g", help="\\[LABEL=]NAME\\[:key=value,...], or a YAML file. Repeat for several.")
    ],
    suite: Annotated[
        str | None,
        typer.Option(
            help="A shipped suite (see `seedbench suites`), a YAML file, or your prompts: .txt (one a line), .csv, .tsv, .jsonl or .json."
        ),
    ] = None,
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
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", min=1, help="Processes; by default as many as cores and memory allow.")
    ] = None,
    max_failures: Annotated[str, typer.Option(help="How many cells may fail (3, 5%, none, all) before the exit code is 4.")] = "none",
    out: Annotated[Path | None, typer.Option(help="Write the report into this folder as well.")] = None,
) -> None:
    """Plan a suite over generators, make or import the clips, score them. The same command resumes."""
    set_stop_message("stopped; the same command goes on from here")
    from seedbench.api import make_spec
    from seedbench.cli.running import run_and_show

    spec = make_spec(
        generator,
        suite=suite,
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
    run_and_show(spec, name, workers=workers, max_failures=max_failures, out=out)


def _numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SeedBenchError(f"{option} {text!r} is not a list of whole numbers such as 0,1,2") from None


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise SeedBenchError(f"--size {text!r} is not a size such as 456x256")
    return int(width), int(height)
