"""``seedbench lipsync``: fit the model on a folder of talking clips, and evaluate it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from seedbench.metrics.lipsync.fit import LipSyncExample, Trial
    from seedbench.metrics.lipsync.training import TrainingRecipe

app = typer.Typer(help="Fit and evaluate the embedded lip-sync model.", no_args_is_help=True, add_completion=False)

Folder = Annotated[
    Path,
    typer.Argument(
        help="Media files with one talking face each (offsets.csv with the columns file and offset_frames: known offsets in frames at 25 a "
        "second, positive: sound early), or feature files (published.csv)."
    ),
]
More = Annotated[list[Path], typer.Option("--more", help="Another folder to fit on; it is not used for evaluation.")]
Seed = Annotated[int, typer.Option(help="Seed of folds and training.")]
Steps = Annotated[int, typer.Option(min=1, help="Training steps of the encoder.")]
STEPS = 450


@app.command()
def fit(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Where to write the model.")] = Path("lipsync-model.npz"),
    more: More = [],  # noqa: B006 - typer wants a list; it is not changed
    licence: Annotated[str, typer.Option(help="Licence and origin of the clips; stored in the model.")] = "not stated",
    seed: Seed = 0,
    steps: Steps = STEPS,
) -> None:
    """Fit a model: thresholds from cross-validation on FOLDER, weights from all of it (and --more)."""
    set_stop_message("stopped; no model was written")
    from seedbench.metrics.lipsync.evaluation import learn_thresholds, nested_cross_validation, with_thresholds
    from seedbench.metrics.lipsync.fit import fit_model
    from seedbench.metrics.lipsync.model import save

    examples, added, recipe = _gather(folder, more, seed, steps)
    trials = _cross_validated(examples, added, recipe)
    _print_curve(trials)
    model = with_thresholds(
        _shown("fitting on all", lambda tick: fit_model([*examples, *added], recipe, progress=tick), recipe), learn_thresholds(trials)
    )
    provenance: dict[str, Any] = {
        "fitted_on": [_described(folder, examples), *(_described(path, None) for path in more)],
        "examples": len(examples) + len(added),
        "licence": licence,
        "recipe": asdict(recipe),
        "cross_validation": asdict(nested_cross_validation(trials)),
        "examples_sha256": _fingerprint([*examples, *added]),
    }
    save(replace(model, provenance=provenance), out)
    set_stop_message(f"stopped; the model is in {out}")
    typer.echo(f"wrote {out} ({out.stat().st_size / 1000:.0f} kB)")


@app.command()
def evaluate(
    folder: Folder,
    more: More = [],  # noqa: B006 - typer wants a list; it is not changed
    model: Annotated[Path | None, typer.Option(help="Evaluate this model unchanged, instead of cross-validating on FOLDER.")] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="Evaluate the shipped model unchanged. Use clips that it was not fitted on.")
    ] = False,
    seed: Seed = 0,
    steps: Steps = STEPS,
) -> None:
    """Print how many clips get an answer, how many answers are wrong, and how many mismatched pairs get one."""
    from seedbench.metrics.lipsync.evaluation import Thresholds, count_answers
    from seedbench.metrics.lipsync.fit import trials_of
    from seedbench.metrics.lipsync.model import SHIPPED, load

    if model is None and not shipped:
        examples, added, recipe = _gather(folder, more, seed, steps)
        _print_curve(_cross_validated(examples, added, recipe))
        return
    from seedbench.metrics.lipsync.corpus import examples_of

    fitted = load(model or SHIPPED)
    trials = trials_of(fitted, examples_of(folder))
    used = Thresholds(fitted.accept, fitted.reject, fitted.lead_frames)
    _print_outcomes([("as shipped" if model is None else model.name, count_answers(trials, [used] * len(trials)))])


@app.command()
def zero(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Filmed speech, one speaker a file. bursts.csv beside them (columns file and time_s) states when a p or b is released; "
            "without it every burst of the sound is used."
        ),
    ],
    model: Annotated[Path | None, typer.Option(help="Measure this model instead of the shipped one.")] = None,
) -> None:
    """Measure the offset that the model reads in nature, where lips part at the burst of a p or b."""
    from rich.table import Table

    from seedbench.metrics.lipsync.model import SHIPPED, load
    from seedbench.metrics.lipsync.zero import estimate_zero, read_speakers
    from seedbench.report.terminal import terminal_console

    readings, stated = read_speakers(folder, load(model or SHIPPED))
    table = Table("file", "offset, model's own zero, ms", "lips part before bursts by, ms")
    for reading in readings:
        offset = "-" if reading.reading_ms is None else f"{reading.reading_ms:+.0f}"
        table.add_row(reading.name, offset, " ".join(f"{1000 * lead:+.0f}" for lead in reading.leads_s.tolist()))
    terminal_console().print(table)
    estimate = estimate_zero(readings, stated=stated)
    for name, (value, low, high) in (
        ("the model reads", estimate.reading),
        ("lips part before bursts by", estimate.lead),
        ("zero of the model in nature", estimate.zero),
    ):
        typer.echo(f"{name}: {value:+.0f} ms, 95% interval {low:+.0f} to {high:+.0f} (bootstrap over files)")


def _gather(folder: Path, more: Sequence[Path], seed: int, steps: int) -> tuple[list[LipSyncExample], list[LipSyncExample], TrainingRecipe]:
    from seedbench.metrics.lipsync.corpus import examples_of
    from seedbench.metrics.lipsync.training import TrainingRecipe

    return examples_of(folder), [example for path in more for example in examples_of(path)], TrainingRecipe(seed=seed, steps=steps)


def _cross_validated(examples: list[LipSyncExample], added: list[LipSyncExample], recipe: TrainingRecipe) -> list[Trial]:
    from seedbench.metrics.lipsync.fit import FOLDS, cross_validate
    from seedbench.metrics.lipsync.known_offsets import CorpusError

    if len(examples) < FOLDS:
        count = f"{len(examples)} talking clip{'' if len(examples) == 1 else 's'}"
        raise CorpusError(f"{count} to cross-validate on: it needs {FOLDS}; `evaluate --shipped` needs one")
    return _shown("cross-validating", lambda tick: cross_validate(examples, recipe, added=added, progress=tick), recipe, FOLDS)


def _shown(title: str, work: Callable[[Callable[[int, float], None]], Any], recipe: TrainingRecipe, times: int = 1) -> Any:
    """Do ``work`` and show its training steps in a progress bar."""
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task(title, total=recipe.steps * times)
        return work(lambda step, loss: bar.advance(task))


def _print_curve(trials: list[Trial]) -> None:
    from seedbench.metrics.lipsync.evaluation import answer_curve, separation

    typer.echo(f"{sum(trial.matched for trial in trials)} matched pairs, {sum(not trial.matched for trial in trials)} mismatched ones")
    typer.echo(f"area under the curve, matched against mismatched: {separation(trials):.3f}")
    typer.echo("Thresholds are learned on the other folds. 'right': within one frame of the known offset.")
    typer.echo("Lips of one clip with the same speech of another are no mismatched pair; they are left out.")
    _print_outcomes([(f"accept {share:.0%} of mismatched", result) for share, result in answer_curve(trials)])


def _print_outcomes(rows: list[tuple[str, Any]]) -> None:
    from rich.table import Table

    from seedbench.report.terminal import terminal_console

    table = Table("", "answers", "right", "errors", "mismatched pairs answered", "mismatched rejected", "matched rejected")
    for name, row in rows:
        table.add_row(
            name,
            _share(row.answered, row.matched),
            _share(row.right, row.answered),
            str(row.answered - row.right),
            _share(row.fooled, row.mismatched),
            _share(row.called_apart, row.mismatched),
            _share(row.wrongly_apart, row.matched),
        )
    terminal_console().print(table)


def _share(count: int, total: int) -> str:
    """A share in percent; a dash where there is nothing to count."""
    return f"{count / total:.1%}" if total else "-"


def _described(folder: Path, examples: list[LipSyncExample] | None) -> str:
    return folder.name if examples is None else f"{folder.name}: {len(examples)} clips"


def _fingerprint(examples: list[LipSyncExample]) -> str:
    """sha256 over names, features and offsets of everything fitted on."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(f"{example.name} {example.offset}".encode())
        digest.update(example.lips.shape.astype("<f4").tobytes())
        digest.update(example.sound.astype("<f4").tobytes())
    return digest.hexdigest()
