"""``seedbench score``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seedbench.errors import SeedBenchError
from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from seedbench.plugins.metric import MetricInfo
    from seedbench.runs.tasks import Scored, ScoreTask

EXAMPLES = """[bold]Examples[/bold]

seedbench score clip.mp4                        (every metric that can say something of a single clip)

seedbench score clips/ -m lipsync --out scores.csv

seedbench score a.mp4 b.mp4 --all               (every measure, not only the headlines)
"""

MEDIA = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif", ".mpg", ".mpeg", ".ts", ".wav", ".mp3", ".flac", ".ogg", ".m4a"}


def score(
    paths: Annotated[list[Path], typer.Argument(help="Clips, folders of clips, or a manifest (.csv, .jsonl) that lists them.")],
    metric: Annotated[list[str] | None, typer.Option("--metric", "-m", help="Only these metrics. Repeat for several.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every measure, not only the headlines.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the scores to this file: .csv, .json or .parquet.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", "-j", min=1, help="Processes; by default what cores and memory bear.")] = None,
) -> None:
    """Score clips as they lie there: no suite, no run, nothing written but what --out names."""
    set_stop_message("stopped; no scores were written; the same command begins again")
    from rich.console import Console

    from seedbench.cli.progress import Bars
    from seedbench.errors import ClipError
    from seedbench.files.hashing import file_sha256
    from seedbench.plugins import registry
    from seedbench.plugins.metric import SetMetric
    from seedbench.runs.executor import LocalExecutor, sensible_workers
    from seedbench.runs.tasks import ScoreTask
    from seedbench.runs.tasks import score as score_clip
    from seedbench.store.workspace import Workspace

    if out is not None and out.suffix not in {".csv", ".json", ".parquet"}:
        raise SeedBenchError(f"--out {out}: the name must end in .csv, .json or .parquet")
    names = metric or list(registry.default_metrics())
    loaded = {name: registry.load("metrics", name) for name in names}
    of_sets = [name for name, kind in loaded.items() if issubclass(kind, SetMetric)]
    if metric and of_sets:
        raise SeedBenchError(f"{of_sets[0]!r} compares two sets of clips; use `seedbench run -g import:path=DIR --reference ...`")
    names = [name for name in names if name not in of_sets]
    files, left_out = _files(paths)
    console = Console()
    lines: list[dict[str, Any]] = []
    tasks: list[ScoreTask] = []
    for index, file in enumerate(files):
        try:
            sha256 = file_sha256(file)
        except ClipError as error:
            lines.append(_line(index, file, "", "", None, "failed", str(error)))
            continue
        tasks.append(
            ScoreTask(cell_id=index, path=file, sha256=sha256, prompt=None, generator="", seed=None, metrics=tuple(names), set_metrics=())
        )
    executor = LocalExecutor(min(workers or sensible_workers(), max(1, len(tasks))), Workspace.current().cache)
    try:
        with Bars(console) as bars:
            bars.begin("score", len(tasks), 0)
            for task in tasks:
                executor.submit(score_clip, task)
            for done in executor.results():
                if done.error is not None:
                    lines.append(_line(done.task.cell_id, done.task.path, "", "", None, "failed", str(done.error)))
                else:
                    lines.extend(_lines(done.task, done.result))
                bars.step("score", done.task.path.name)
    finally:
        executor.close()
    lines.sort(key=lambda line: line["index"])
    headlines = {(name, one.name) for name in names for one in loaded[name].info.measures if one.headline}
    shown = [line for line in lines if everything or not line["metric"] or (line["metric"], line["measure"]) in headlines]
    console.print(_table(shown))
    for sentence in _signs(shown, {name: loaded[name].info for name in names}):
        console.print(sentence, highlight=False, markup=False)
    for said in left_out:
        console.print(f"note: {said}", highlight=False, markup=False, soft_wrap=True)
    if out is not None:
        _write(lines, out)
        set_stop_message(f"stopped; the scores are in {out}")
        console.print(f"wrote {out}", highlight=False, soft_wrap=True)


def _files(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """The clips to score, each once, and sentences about what else the paths hold."""
    found: list[Path] = []
    left_out: list[str] = []
    for path in paths:
        if path.is_dir():
            inside, other = _inside(path)
            if not inside:
                raise SeedBenchError(f"{path} holds no clips ({', '.join(sorted(MEDIA))})")
            found += inside
            if other:
                few = ", ".join(file.name for file in other[:5]) + (", ..." if len(other) > 5 else "")
                left_out.append(f"{path.name}: left out, since their names do not end like those of clips: {few} ({len(other)} in all).")
        elif path.suffix.lower() in {".csv", ".tsv", ".jsonl", ".ndjson"}:
            listed, said = _listed(path)
            found += listed
            left_out += said
        else:
            found.append(path)
    return list(dict.fromkeys(found)), list(dict.fromkeys(left_out))


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Media files below a folder, links to folders followed once, and the other files; what begins with a dot is hidden and passed over."""
    clips: list[Path] = []
    other: list[Path] = []
    seen: set[str] = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [] if real in seen else sorted(name for name in folders if not name.startswith("."))
        for name in names if real not in seen else ():
            if not name.startswith("."):
                (clips if Path(name).suffix.lower() in MEDIA else other).append(Path(here) / name)
        seen.add(real)
    return sorted(clips), sorted(other)


def _listed(path: Path) -> tuple[list[Path], list[str]]:
    """The files a manifest lists, read by the import generator, and what it says is left out of it."""
    from seedbench.plugins import registry

    kind = registry.load("generators", "import")
    made = [kind(**options) for options in kind.variants(path=str(path)).values()]
    return [clip.file for one in made for clip in one.clips], [said for one in made for said in one.left_out]


def _lines(task: ScoreTask, found: Scored) -> list[dict[str, Any]]:
    return [
        _line(task.cell_id, task.path, name, one.measure, one.value, one.status, one.reason, one.backend)
        for name, scores in found.scores.items()
        for one in scores
    ]


def _line(
    index: int, file: Path, metric: str, measure: str, value: float | None, status: str, reason: str, backend: str = ""
) -> dict[str, Any]:
    return {
        "index": index,
        "file": str(file),
        "metric": metric,
        "measure": measure,
        "value": value,
        "status": status,
        "reason": reason,
        "backend": backend,
    }


def _table(lines: list[dict[str, Any]]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title, style in (("file", "bold"), ("measure", ""), ("value", ""), ("why not", "dim")):
        table.add_column(title, style=style, justify="right" if title == "value" else "left", overflow="fold")
    last = ""
    for line in lines:
        value = f"{line['value']:.3g}" if line["value"] is not None else line["status"]
        name = f"{line['metric']}.{line['measure']}" if line["metric"] else ""
        table.add_row(escape(line["file"]) if line["file"] != last else "", name, value, escape(line["reason"]))
        last = line["file"]
    return table


def _signs(lines: list[dict[str, Any]], infos: Mapping[str, MetricInfo]) -> list[str]:
    """What a positive value means, a sentence for each shown measure that states it."""
    shown = dict.fromkeys((line["metric"], line["measure"]) for line in lines if line["value"] is not None)
    return [f"{metric}.{name}: {infos[metric].measure(name).sign}" for metric, name in shown if infos[metric].measure(name).sign]


def _write(lines: list[dict[str, Any]], out: Path) -> None:
    import pandas as pd

    from seedbench.errors import StorageError
    from seedbench.files.atomic import atomic_write

    frame = pd.DataFrame(lines).drop(columns="index")
    try:
        with atomic_write(out) as place:
            if out.suffix == ".csv":
                frame.to_csv(place, index=False)
            elif out.suffix == ".parquet":
                frame.to_parquet(place, index=False)
            else:
                frame.to_json(place, orient="records", indent=1)
    except OSError as error:
        raise StorageError(f"{out} cannot be written ({error.strerror or error})") from error
