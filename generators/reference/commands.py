"""``seedbench reference``: render the training clips, train the reference model and its twin, and evaluate them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from seedbench.errors import GeneratorError
from seedbench.processes.stopping import set_stop_message

app = typer.Typer(help="Train and evaluate the reference model and its cascaded twin.", no_args_is_help=True, add_completion=False)

SHARDS_EXAMPLES = """[bold]Examples[/bold]

seedbench reference shards --config nano --out shards --processes 8

Files that exist are not rendered again. The same command resumes after Ctrl-C. Several machines may fill one folder, one after the other.
"""
TRAIN_EXAMPLES = """[bold]Examples[/bold]

seedbench reference train --config nano --out nano          (two CPU cores; shards are rendered first, into nano/shards)

seedbench reference train --config base --out base --shards shards

seedbench reference train --config mine.yaml --out mine --start nano

seedbench reference train --config nano --out nano --twin joint     (and --twin cascaded in another process: one core each)

tensorboard --logdir nano/logs

Ctrl-C leaves a checkpoint; the same command resumes from it. Then: seedbench run -g reference:weights=nano --suite quick
"""
EVAL_EXAMPLES = """[bold]Examples[/bold]

seedbench reference eval --out evaluation

seedbench reference eval --out evaluation --weights nano --prompts 20 --seed 1
"""
ConfigName = Annotated[
    str,
    typer.Option("--config", "-c", help="nano (two CPU cores), base (one GPU), large (several GPUs, FSDP), or a YAML file."),
]
Processes = Annotated[int | None, typer.Option(min=1, help="Processes that render; default: one for each core.")]


@app.command(epilog=SHARDS_EXAMPLES)
def shards(
    out: Annotated[Path, typer.Option(help="Folder of the shards.")],
    config: ConfigName = "nano",
    processes: Processes = None,
) -> None:
    """Render the training clips and stills of a config, as parquet files."""
    set_stop_message("stopped; the same command goes on from here")
    from seedbench.generators.reference import config as configs
    from seedbench.generators.reference.shards import missing_jobs, render_shards

    settings = configs.load(config)
    held_out = settings.held_out_jobs(out)
    todo = missing_jobs([*settings.jobs(out), *held_out])
    for done, job in enumerate(render_shards(todo, processes=processes or _cores()), 1):
        typer.echo(f"{job.file.name} ({done} of {len(todo)})")
    and_held_out = f", and {settings.validation.clips} and {settings.validation.stills} held out" if held_out else ""
    typer.echo(f"{settings.world.clips} clips and {settings.world.stills} stills are in {out}{and_held_out}")


@app.command(epilog=TRAIN_EXAMPLES)
def train(
    out: Annotated[Path, typer.Option(help="Folder of the training: checkpoints, dashboard, samples, and in the end the weights.")],
    config: ConfigName = "nano",
    shards: Annotated[Path | None, typer.Option(help="Folder of the shards; default: OUT/shards. Missing ones are rendered.")] = None,
    start: Annotated[Path | None, typer.Option(help="Start from the trained weights in this folder.")] = None,
    twins_only: Annotated[bool, typer.Option("--twins-only", help="Train only the twins, with the tokenizers.safetensors in OUT.")] = False,
    twin: Annotated[
        Literal["joint", "cascaded"] | None,
        typer.Option(help="Train only this twin. Another process may train the other at the same time, once the latents are there."),
    ] = None,
    processes: Processes = None,
) -> None:
    """Train tokenizers, the joint model and its cascaded twin, and write their weights into OUT. The same command resumes."""
    set_stop_message("stopped; the same command goes on from the last checkpoint")
    from seedbench.generators.reference import config as configs

    settings = configs.load(config)
    try:
        import lightning  # noqa: F401
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise GeneratorError(f"training needs {error.name}: pip install 'seedbench[train]'") from error
    from seedbench.generators.reference.training.fit import train as fit
    from seedbench.generators.reference.twins import TWINS

    fit(
        settings,
        name=Path(config).stem,
        out=out,
        shards_folder=shards,
        start=start,
        twins_only=twins_only,
        twins=(twin,) if twin else TWINS,
        processes=processes or _cores(),
        report=typer.echo,
    )


@app.command("eval", epilog=EVAL_EXAMPLES)
def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for clips and results; what is there is not made again.")],
    weights: Annotated[str, typer.Option(help="Folder of trained weights; default: the shipped ones.")] = "",
    prompts: Annotated[int, typer.Option(min=1, help="Number of held-out prompts of each seed.")] = 60,
    seed: Annotated[
        list[int] | None,
        typer.Option(
            min=0, help="Seed of prompts and clips. Repeat for several; by default 4242, 4243 and 4244, on which nothing was chosen."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", min=1, help="Processes; default: as many as cores and memory allow.")
    ] = None,
) -> None:
    """Compare both twins and the simulator on held-out prompts, whose looks and sentences were never trained on.

    OUT/table.md has the numbers, OUT/picture.png the first prompt of each kind from each of them, OUT/seed-N/report/report.html every clip.
    """
    set_stop_message("stopped; the same command goes on from here")
    from seedbench.generators.reference.evaluation import SEEDS
    from seedbench.generators.reference.evaluation import evaluate as table

    typer.echo(
        table(
            out=out, prompts=prompts, seeds=seed or SEEDS, workers=workers, weights=weights, report=lambda line: typer.echo(line, err=True)
        )
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
