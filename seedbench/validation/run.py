"""A validation from the truth file to the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from seedbench.errors import PluginError, SeedBenchError, TooManyFailuresError
from seedbench.plugins import registry
from seedbench.plugins.metric import Metric, MetricInfo, SetMetric
from seedbench.plugins.real_footage import RealFootageRecord
from seedbench.plugins.validation import SetValidationProtocol, TruthRow, ValidationProtocol, protocol_of
from seedbench.runs.executor import Executor
from seedbench.runs.progress import NoProgress, Progress
from seedbench.runs.reasons import failure_reason
from seedbench.validation.counting import JudgedTrial, figures_from, judge_trials, record_from
from seedbench.validation.set_run import check_ratings, compare_sets
from seedbench.validation.trials import CopyTrial, FailedTrialError, embed_copy, trials_of, try_copy
from seedbench.validation.truth import read_truth


class _Outcome(Protocol):
    """What a worker gives for a copy; ``problem`` says why it could not be made."""

    @property
    def problem(self) -> str: ...


_Result = TypeVar("_Result", bound=_Outcome)


@dataclass(frozen=True)
class Validation:
    """A finished validation.

    Attributes:
        record: the figures.
        judged: every copy with its scores and what they are worth; none for a set metric.
        problems: a sentence for each reason why copies could not be made or scored.
        expected: what is right, by the name of the copy.
        comparisons: of a set metric, a row of a table for each comparison of two sets.
    """

    record: RealFootageRecord
    judged: tuple[JudgedTrial, ...]
    problems: tuple[str, ...]
    expected: dict[str, str]
    comparisons: tuple[dict[str, Any], ...] = ()


def protocol_for(metric: str) -> tuple[MetricInfo, ValidationProtocol | SetValidationProtocol]:
    """What a metric and its protocol declare.

    Args:
        metric: the name of the metric.

    Returns:
        The two.

    Raises:
        UnknownNameError: there is no metric of that name.
        SeedBenchError: the metric has no protocol.
    """
    kind = registry.load("metrics", metric)
    protocol = protocol_of(kind)
    if protocol is None:
        with_one = [name for name, other in _loadable().items() if other.validation]
        raise SeedBenchError(
            f"the metric {metric!r} does not say how it is validated (metrics that do: {', '.join(with_one) or 'none'}); "
            "docs/validation.md says how to add a protocol"
        )
    return kind.info, protocol


def validate_metric(
    metric: str,
    folder: Path,
    executor: Executor,
    scratch: Path,
    progress: Progress | None = None,
    *,
    limit: int | None = None,
) -> Validation:
    """Make all copies of a folder of footage, score or embed them and count. What the cache holds is not made again.

    Args:
        metric: the name of the metric.
        folder: the folder with the footage and its truth file.
        executor: where the copies are scored.
        scratch: a folder for the copies.
        progress: receives each finished copy.
        limit: how many files of each kind of footage to use, the first ones; None: all.

    Returns:
        The figures, and every copy.

    Raises:
        SeedBenchError: the metric has no protocol, or the truth file cannot be used.
        TooManyFailuresError: no file, or fewer than half of the copies, could be scored.
    """
    progress = progress or NoProgress()
    info, protocol = protocol_for(metric)
    rows = _first_of_each_kind(read_truth(folder, protocol.columns, metric), limit)
    if isinstance(protocol, SetValidationProtocol):
        check_ratings(rows)
    trials = trials_of(metric, protocol, rows, scratch)
    if isinstance(protocol, SetValidationProtocol):
        embedded, problems = _finished(trials, embed_copy, executor, progress)
        _check_finished(trials, [trial for trial, _ in embedded], problems)
        given = compare_sets(metric, protocol, rows, embedded, executor, progress)
        record = record_from(info, protocol, rows)
        record = replace(record, set_trials=given.figures, rankings=given.rankings, not_counted=len(problems))
        return Validation(record, (), (*_grouped(problems), *given.problems), {}, given.rows)
    scored, problems = _finished(trials, try_copy, executor, progress)
    judged = judge_trials(protocol, scored)
    _check_finished(trials, [entry.trial for entry in judged], problems)
    expected = {variant.name: variant.expected for variant in protocol.variants}
    variants, separations = figures_from(protocol, rows, judged)
    record = replace(record_from(info, protocol, rows), variants=variants, separations=separations, not_counted=len(problems))
    return Validation(record, tuple(judged), tuple(_grouped(problems)), expected)


def _finished(
    trials: Sequence[CopyTrial], function: Callable[[CopyTrial], _Result], executor: Executor, progress: Progress
) -> tuple[list[tuple[CopyTrial, _Result]], list[tuple[str, str]]]:
    """What came of the trials, and the name of each copy that nothing came of, with the reason; both in the order of the trials."""
    progress.begin("validate", len(trials), 0)
    for trial in trials:
        executor.submit(function, trial)
    finished: dict[int, _Result] = {}
    problems: dict[int, tuple[str, str]] = {}
    for done in executor.results():
        trial = done.task
        problem = _problem(done.error) if done.error is not None else done.result.problem
        if problem:
            problems[trial.number] = (f"{trial.row.name}, {trial.variant}", problem)
        else:
            finished[trial.number] = done.result
        progress.step("validate", f"{trial.row.name}: {trial.variant}")
    results = [(trial, finished[trial.number]) for trial in trials if trial.number in finished]
    return results, [problems[key] for key in sorted(problems)]


def _check_finished(trials: Sequence[CopyTrial], finished: Sequence[CopyTrial], problems: Sequence[tuple[str, str]]) -> None:
    """Refuse to count what came of too few copies. Raises TooManyFailuresError."""
    if 2 * len(problems) > len(trials) or not any(trial.variant == trials[0].variant for trial in finished):
        sentences = _grouped(problems)
        raise TooManyFailuresError(f"{len(problems)} of {len(trials)} copies could not be made or scored: {' '.join(sentences[:1])}")


def _loadable() -> dict[str, type[Metric] | type[SetMetric]]:
    """All metrics that can be loaded, without a warning about the others."""
    kinds = {}
    for name in registry.entries("metrics"):
        with suppress(PluginError):
            kinds[name] = registry.load("metrics", name)
    return kinds


def _problem(error: BaseException) -> str:
    """Why a copy was not scored."""
    return str(error) if isinstance(error, FailedTrialError | SeedBenchError) else failure_reason(error)


def _grouped(problems: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence for each reason: how many copies it concerns, and the first of them."""
    copies: dict[str, list[str]] = {}
    for copy, reason in problems:
        copies.setdefault(reason, []).append(copy)
    return [f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {reason}" for reason, names in copies.items()]


def _first_of_each_kind(rows: Sequence[TruthRow], limit: int | None) -> list[TruthRow]:
    """The first ``limit`` rows of each kind of footage; None: all rows."""
    if limit is None:
        return list(rows)
    chosen: dict[str, list[TruthRow]] = {}
    for row in rows:
        chosen.setdefault(row.kind, []).append(row)
    kept = {row.name for of_kind in chosen.values() for row in of_kind[:limit]}
    return [row for row in rows if row.name in kept]
