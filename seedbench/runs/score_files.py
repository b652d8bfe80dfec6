"""Scoring clips as they lie there, without a suite and without a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seedbench.errors import ClipError, SeedBenchError
from seedbench.files.hashing import file_sha256
from seedbench.plugins import registry
from seedbench.plugins.metric import MetricInfo, Score, SetMetric
from seedbench.runs.clip_facts import ClipFacts
from seedbench.runs.executor import Executor
from seedbench.runs.progress import NoProgress, Progress
from seedbench.runs.reasons import failure_reason, without_path
from seedbench.runs.score_task import ScoreTask, score


@dataclass(frozen=True)
class FileScores:
    """The scores of one file.

    A file that is no clip has scores without a value, as in a run; a file that is not there, or cannot be read now, has failed ones.

    Attributes:
        file: The file.
        scores: Its scores by metric.
        error: Why the file could not be read as a clip; None where it could.
        facts: What is known of the clip.
    """

    file: Path
    scores: Mapping[str, Sequence[Score]] = field(default_factory=dict)
    error: str | None = None
    facts: ClipFacts = field(default_factory=ClipFacts)


def clip_metrics(names: Sequence[str] | None) -> dict[str, MetricInfo]:
    """What the metrics of single clips declare, by name.

    Args:
        names: metrics to use; None: those of single clips among the metrics that run by default.

    Raises:
        UnknownNameError: there is no metric of that name.
        SeedBenchError: a named metric compares sets of clips.
    """
    kinds = {name: registry.load("metrics", name) for name in names or registry.default_metrics()}
    of_sets = [name for name, kind in kinds.items() if issubclass(kind, SetMetric)]
    if names and of_sets:
        raise SeedBenchError(
            f"{of_sets[0]!r} compares two sets of clips, `seedbench score` scores single ones: use `seedbench run` with --reference"
        )
    return {name: kind.info for name, kind in kinds.items() if name not in of_sets}


def score_files(files: Sequence[Path], metrics: Sequence[str], executor: Executor, progress: Progress | None = None) -> list[FileScores]:
    """Score files with metrics of single clips.

    Args:
        files: clips; what is no clip gets scores without a value, and an unreadable file an ``error``.
        metrics: names, as :func:`clip_metrics` gives them.
        executor: where the work is done.
        progress: receives each finished file.

    Returns:
        One entry a file, in the order of ``files``.
    """
    progress = progress or NoProgress()
    finished: dict[int, FileScores] = {}
    tasks: list[ScoreTask] = []
    for index, file in enumerate(files):
        try:
            sha256 = file_sha256(file)
        except ClipError as error:
            finished[index] = _unread(file, without_path(error, file), metrics)
            continue
        tasks.append(
            ScoreTask(cell_id=index, path=file, sha256=sha256, prompt=None, generator="", seed=None, metrics=tuple(metrics), set_metrics=())
        )
    progress.begin("score", len(tasks), 0)
    for index, result in _results(tasks, executor):
        finished[index] = result
        progress.step("score", result.file.name)
    return [finished[index] for index in range(len(files))]


def _results(tasks: Sequence[ScoreTask], executor: Executor) -> Iterator[tuple[int, FileScores]]:
    """Index and scores of each task, as they come."""
    for task in tasks:
        executor.submit(score, task)
    for done in executor.results():
        task = done.task
        if done.error is not None:
            yield task.cell_id, _unread(task.path, failure_reason(done.error), task.metrics)
        else:
            facts = done.result.facts
            yield task.cell_id, FileScores(task.path, done.result.scores, facts.get("unreadable"), ClipFacts.from_stored(facts))


def _unread(file: Path, reason: str, metrics: Sequence[str]) -> FileScores:
    """A file that gave nothing: every measure of every metric failed, for one reason."""
    infos = {name: registry.load("metrics", name).info for name in metrics}
    failed = {name: [Score.failed(measure.name, reason) for measure in info.measures] for name, info in infos.items()}
    return FileScores(file, failed, reason)
