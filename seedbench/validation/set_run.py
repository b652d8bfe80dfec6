"""The comparisons of a set metric, from the features of all copies to figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedbench.errors import SeedBenchError
from seedbench.plugins.set_footage import RankingFigures, SetTrialFigures
from seedbench.plugins.validation import SetValidationProtocol, TruthRow
from seedbench.runs.executor import Executor
from seedbench.runs.progress import Progress
from seedbench.runs.reasons import failure_reason
from seedbench.validation.set_counting import draw_tasks, figures_from, ranking_from
from seedbench.validation.set_draws import LEAST_PROMPTS, DrawResults, DrawTask, EmbeddedClip, compare_draws
from seedbench.validation.trials import CopyFeatures, CopyTrial
from seedbench.validation.truth import TruthError


@dataclass(frozen=True)
class SetComparisons:
    """What came of a set metric: figures, rankings, a row for each single comparison, and why others have no value."""

    figures: tuple[SetTrialFigures, ...]
    rankings: tuple[RankingFigures, ...]
    rows: tuple[dict[str, Any], ...]
    problems: tuple[str, ...]


def check_ratings(rows: Sequence[TruthRow]) -> None:
    """Refuse ratings that cannot be used.

    Args:
        rows: the truth file.

    Raises:
        TruthError: a file has a rating without a generator or a prompt.
    """
    for row in rows:
        missing = next((name for name in ("generator", "prompt") if name not in row.facts), "")
        if "rating" in row.facts and missing:
            raise TruthError(f"{row.name} has a rating but no {missing}: fill in the column {missing}, or leave the rating empty")


def prompt_of(row: TruthRow) -> str:
    """The prompt of a file; one of its own where the truth file names none."""
    return row.facts.get("prompt", f"file {row.name}")


def compare_sets(
    metric: str,
    protocol: SetValidationProtocol,
    rows: Sequence[TruthRow],
    features: Sequence[tuple[CopyTrial, CopyFeatures]],
    executor: Executor,
    progress: Progress,
) -> SetComparisons:
    """Draw sets, compare them, and count.

    Args:
        metric: the name of the metric.
        protocol: its protocol.
        rows: the files.
        features: the features of all copies that have some.
        executor: where sets are compared.
        progress: receives each finished comparison.

    Returns:
        What came of it.

    Raises:
        SeedBenchError: there are too few prompts to compare anything, or the metric breaks down.
    """
    embedded: dict[str, dict[str, EmbeddedClip]] = {variant.name: {} for variant in protocol.variants}
    for trial, given in features:
        row = trial.row
        clip = EmbeddedClip(row.name, prompt_of(row), given.values, row.facts.get("generator", ""))
        embedded[trial.variant][row.name] = clip
    kinds = {row.name: row.kind for row in rows}
    clean = embedded[protocol.variants[0].name]
    tasks = draw_tasks(metric, protocol, embedded, kinds)
    if not any(task.prompts and task.exchange is None for task in tasks):
        n = len({clip.prompt for clip in clean.values()})
        raise SeedBenchError(f"{n} prompts have features; sets are compared from {2 * LEAST_PROMPTS} prompts on")
    ranked = _ranking_tasks(metric, rows, clean)
    everything = [*tasks, *(task for of_reference in ranked.values() for task in of_reference.values())]
    results = _finished(everything, executor, progress)
    trials = [(task, given) for task, given in zip(tasks, results, strict=False)]
    by_task = {id(task): given for task, given in zip(everything, results, strict=True)}
    rankings = [
        ranking
        for reference, of_reference in ranked.items()
        for ranking in _rankings(reference, of_reference, by_task, _mean_ratings(rows, of_reference))
    ]
    problems = [
        f"{task.title}{f', {task.kind}' if task.kind else ''}: {count} of {task.draws} comparisons have no value: {reason}"
        for task, given in trials
        for reason, count in given.reasons.items()
    ]
    return SetComparisons(tuple(figures_from(trials)), tuple(rankings), tuple(_table(trials)), tuple(problems))


def _finished(tasks: Sequence[DrawTask], executor: Executor, progress: Progress) -> list[DrawResults]:
    """What came of each task, in their order."""
    progress.begin("compare", len(tasks), 0)
    numbers = {id(task): number for number, task in enumerate(tasks)}
    results: dict[int, DrawResults] = {}
    for task in tasks:
        executor.submit(compare_draws, task)
    for done in executor.results():
        if isinstance(done.error, SeedBenchError):
            raise done.error
        if done.error is not None:
            raise SeedBenchError(f"{done.task.metric} cannot compare sets: {failure_reason(done.error)}") from done.error
        results[numbers[id(done.task)]] = done.result
        progress.step("compare", f"{done.task.title} {done.task.kind}".rstrip())
    return [results[number] for number in range(len(tasks))]


def _ranking_tasks(metric: str, rows: Sequence[TruthRow], clean: Mapping[str, EmbeddedClip]) -> dict[str, dict[str, DrawTask]]:
    """By kind of reference footage and by generator: its rated clips of the prompts of all generators, against that footage."""
    rated: dict[str, list[EmbeddedClip]] = {}
    for row in rows:
        if "rating" in row.facts and row.name in clean:
            rated.setdefault(row.facts["generator"], []).append(clean[row.name])
    shared = set.intersection(*({clip.prompt for clip in of_one} for of_one in rated.values())) if rated else set()
    if len(rated) < 2 or len(shared) < LEAST_PROMPTS:
        return {}
    tasks: dict[str, dict[str, DrawTask]] = {}
    for kind in dict.fromkeys(row.kind for row in rows):
        names = [row.name for row in rows if row.kind == kind and "generator" not in row.facts and row.name in clean]
        if len(names) < LEAST_PROMPTS:
            continue
        reference = tuple(clean[name] for name in names)
        for generator, of_one in rated.items():
            clips = tuple(clip for clip in of_one if clip.prompt in shared)
            task = DrawTask(metric=metric, section="scenes", title=generator, kind=kind, prompts=0, clips=clips, others=reference)
            tasks.setdefault(kind, {})[generator] = task
    return tasks


def _mean_ratings(rows: Sequence[TruthRow], of_reference: Mapping[str, DrawTask]) -> dict[str, float]:
    """The mean rating of the clips of each generator that are compared."""
    ratings = {row.name: float(row.facts["rating"]) for row in rows if "rating" in row.facts}
    return {name: sum(ratings[clip.name] for clip in task.clips) / len(task.clips) for name, task in of_reference.items()}


def _rankings(
    reference: str, of_reference: Mapping[str, DrawTask], results: Mapping[int, DrawResults], ratings: Mapping[str, float]
) -> list[RankingFigures]:
    """One for each measure under which every generator has a distance."""
    distances: dict[str, dict[str, float]] = {}
    for generator, task in of_reference.items():
        for row in results[id(task)].rows:
            if row.distance is not None:
                distances.setdefault(row.measure, {})[generator] = row.distance
    prompts = len({clip.prompt for task in of_reference.values() for clip in task.clips})
    return [
        ranking_from(measure, reference, {name: (ratings[name], given[name]) for name in given}, prompts)
        for measure, given in distances.items()
        if len(given) == len(of_reference)
    ]


def _table(results: Sequence[tuple[DrawTask, DrawResults]]) -> list[dict[str, Any]]:
    """A row for each comparison, and one for each reason why there was none."""
    rows: list[dict[str, Any]] = []
    for task, given in results:
        facts = {"section": task.section, "sets": task.title, "kind": task.kind, "prompts": task.prompts or ""}
        rows += [
            facts | {name: value for name, value in row._asdict().items() if value is not None} | {"comparisons": 1} for row in given.rows
        ]
        rows += [facts | {"comparisons": count, "reason": reason} for reason, count in given.reasons.items()]
    return rows
