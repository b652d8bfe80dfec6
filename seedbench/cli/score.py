"""``seedbench score``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedbench.errors import SeedBenchError, TooManyFailuresError
from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from seedbench.api import ScoreResult
    from seedbench.plugins.metric import MetricInfo, Score
    from seedbench.runs.score_files import FileScores

EXAMPLES = """[bold]Examples[/bold]

seedbench score clip.mp4                        (every metric that can say something of a single clip)

seedbench score clips/ -m lipsync --out scores.csv

seedbench score a.mp4 b.mp4 --all               (every measure, not only the headlines)
"""


def score(
    paths: Annotated[list[Path], typer.Argument(help="Clips, folders of clips, or a manifest (.csv, .jsonl) that lists them.")],
    metric: Annotated[list[str] | None, typer.Option("--metric", "-m", help="Only these metrics. Repeat for several.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every measure, not only the headlines.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the scores to this file: .csv, .json or .parquet.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", min=1, help="Processes; by default as many as cores and memory allow.")
    ] = None,
) -> None:
    """Score clips as they lie there: no suite, no run, nothing written but what --out names. Exit code 4: no file can be read."""
    set_stop_message("stopped; no scores were written; the same command begins again")
    from seedbench import api
    from seedbench.cli.progress import Bars
    from seedbench.report.terminal import terminal_console

    if out is not None and out.suffix not in {".csv", ".json", ".parquet"}:
        raise SeedBenchError(f"--out {out}: the name must end in .csv, .json or .parquet")
    console = terminal_console()
    with Bars(console) as bars:
        scores = api.score(paths, metrics=metric, workers=workers, progress=bars)
    lines = _lines(scores)
    headlines = {(name, measure.name) for name, info in scores.infos.items() for measure in info.measures if measure.headline}
    shown = [line for line in lines if everything or (line["metric"], line["measure"]) in headlines]
    unread = {str(entry.file): entry.error for entry in scores.files if entry.error is not None}
    names = _short_names([str(entry.file) for entry in scores.files], console.width)
    console.print(_table(shown, unread, names))
    for sentence in _signs(shown, scores.infos):
        console.print(sentence, highlight=False, markup=False)
    for sentence in (*_unusual(scores.files, names), *scores.left_out):
        console.print(f"note: {sentence}", highlight=False, markup=False, soft_wrap=True)
    if out is not None:
        _write(lines, out)
        set_stop_message(f"stopped; the scores are in {out}")
        console.print(f"wrote {out}", highlight=False, soft_wrap=True)
    if unread and len(unread) == len(scores.files):
        raise TooManyFailuresError("no clip was scored: none of the files can be read; the table says why")
    if unread:
        console.print(f"note: {len(unread)} of {len(scores.files)} files cannot be read as clips.", highlight=False)


def _lines(scores: ScoreResult) -> list[dict[str, Any]]:
    """The scores as rows of a table, one for each file and measure."""
    return [_line(entry, metric, score) for entry in scores.files for metric, of_metric in entry.scores.items() for score in of_metric]


def _line(entry: FileScores, metric: str, score: Score) -> dict[str, Any]:
    from seedbench.report.tables import facts_columns

    low, high = score.interval or (None, None)
    return {
        "file": str(entry.file),
        "metric": metric,
        "measure": score.measure,
        "value": score.value,
        "status": score.status,
        "reason": score.reason,
        "low": low,
        "high": high,
        "backend": score.backend,
        **facts_columns(entry.facts),
    }


def _short_names(paths: Sequence[str], width: int) -> dict[str, str]:
    """How files are called on a terminal of that width, by path."""
    from seedbench.report.terminal import shortened

    return dict(zip(paths, shortened(paths, max(16, width * 3 // 10)), strict=True))


def _table(lines: list[dict[str, Any]], unread: Mapping[str, str], names: Mapping[str, str]) -> Any:
    """One row a file and measure, and one row for each file of ``unread``, with the reason why it cannot be read.

    A reason that several measures of a metric share is given once.
    """
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("file", style="bold", no_wrap=True)
    table.add_column("measure", no_wrap=True)
    table.add_column("value", no_wrap=True, justify="right")
    table.add_column("95% interval, or why not", style="dim", overflow="fold")
    last = ""
    above: tuple[str, str, str] | None = None
    for line in lines:
        if line["file"] in unread:
            if line["file"] != last:
                table.add_row(escape(names[line["file"]]), "", "unreadable", escape(unread[line["file"]]))
            last = line["file"]
            continue
        value = f"{line['value']:.3g}" if line["value"] is not None else line["status"]
        name = f"{line['metric']}.{line['measure']}"
        interval = f"[{line['low']:.3g}, {line['high']:.3g}]" if line["low"] is not None else ""
        shared = (line["file"], line["metric"], line["reason"])
        reason = "as above" if line["reason"] and shared == above else line["reason"]
        table.add_row(escape(names[line["file"]]) if line["file"] != last else "", name, value, escape(reason or interval))
        last, above = line["file"], shared
    return table


def _signs(lines: list[dict[str, Any]], infos: Mapping[str, MetricInfo]) -> list[str]:
    """What a positive value means, a sentence for each shown measure that states it."""
    shown = dict.fromkeys((line["metric"], line["measure"]) for line in lines if line["value"] is not None)
    return [f"{metric}.{name}: {infos[metric].measure(name).sign}" for metric, name in shown if infos[metric].measure(name).sign]


def _unusual(files: Sequence[FileScores], names: Mapping[str, str]) -> list[str]:
    """What is unusual about the files, a sentence for each kind: the names of the files, or how many they are."""
    from seedbench.results.file_notes import MOST_NAMED, kinds_of_notes

    sentences = []
    for kind in kinds_of_notes((str(entry.file), entry.facts.notes) for entry in files):
        which = ", ".join(names[file] for file in kind.counts) if kind.n_files <= MOST_NAMED else f"{kind.n_files} of {len(files)} files"
        sentences.append(f"{which}: {kind.text.rstrip('.')}.")
    return sentences


def _write(lines: list[dict[str, Any]], out: Path) -> None:
    import pandas as pd

    from seedbench.errors import StorageError
    from seedbench.files.atomic import atomic_write

    frame = pd.DataFrame(lines)
    try:
        with atomic_write(out) as partial:
            if out.suffix == ".csv":
                frame.to_csv(partial, index=False)
            elif out.suffix == ".parquet":
                frame.to_parquet(partial, index=False)
            else:
                frame.to_json(partial, orient="records", indent=1)
    except OSError as error:
        raise StorageError(f"{out} cannot be written ({error.strerror or error})") from error
