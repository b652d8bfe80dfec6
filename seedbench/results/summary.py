"""From the clip scores to the summary: one function, whatever computed the scores.

The unit is the prompt: seeds are averaged inside a prompt first. Backends are never pooled: each gets its own row.
Measures whose ideal is zero are summarised by their mean absolute value, since signed offsets would cancel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.results.data import ColumnKey, SummaryRow
from seedbench.results.intervals import Estimate, mean_interval, rate_interval
from seedbench.results.worst_case import worst_case_mean, worst_value

NO_OLDER_VERSIONS: Mapping[ColumnKey, Measure] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    """One score of one clip.

    Attributes:
        generator: The label of the generator.
        prompt_id, seed: What the clip was made of.
        metric, measure: Their names.
        value: In the unit of the measure; None unless it is scored.
        status: ``scored``, ``unscored`` (no answer) or ``failed`` (the metric failed).
        reason: Why there is no value.
        backend: The method that gave the value.
    """

    generator: str
    prompt_id: str
    seed: int
    metric: str
    measure: str
    value: float | None
    status: str
    reason: str = ""
    backend: str = ""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Which cells of a generator a metric could have scored.

    Attributes:
        applicable: How many cells have a prompt that asks for the metric.
        without_clip: The prompt of each of them that has no clip (a prompt once for each such seed).
        n_refused: How many of ``without_clip`` were refused by the generator; the others failed or expired.
        not_applicable: How many other cells there are.
    """

    applicable: int
    without_clip: tuple[str, ...]
    not_applicable: int
    n_refused: int = 0


def summarise(
    table: Sequence[ClipScore],
    infos: Mapping[str, MetricInfo],
    generators: Sequence[str],
    coverage: Mapping[tuple[str, str], Coverage],
    older: Mapping[ColumnKey, Measure] = NO_OLDER_VERSIONS,
) -> list[SummaryRow]:
    """Summarise the clip scores of a run.

    The unit is the prompt: seeds are averaged within a prompt first. Measures with the direction ``zero`` are summarised by their mean
    absolute value. Clips without an answer are counted, never averaged.

    Args:
        table: The clip scores of the run.
        infos: What the clip metrics declare, by metric name.
        generators: The labels of the generators, in the order of the rows.
        coverage: Which cells each metric could have scored, by generator and metric.
        older: The measures of columns whose scores are of another version of a metric than the one in ``infos``.

    Returns:
        One row for each metric, generator, measure and backend; a measure without any score has one row that names no backend. The
        interval is that of :func:`seedbench.results.intervals.rate_interval` for rates, else of
        :func:`seedbench.results.intervals.mean_interval`.

    Raises:
        ValueError: A score has the status ``scored`` but no value.
    """
    by_measure: dict[tuple[str, str, str], list[ClipScore]] = defaultdict(list)
    for line in table:
        by_measure[line.generator, line.metric, line.measure].append(line)
    rows: list[SummaryRow] = []
    for metric, info in infos.items():
        for generator in generators:
            for installed in info.measures:
                lines = by_measure[generator, metric, installed.name]
                for backend in sorted({line.backend for line in lines if line.status == "scored"}) or [""]:
                    measure = older.get((metric, installed.name, backend), installed)
                    rows.append(_row(generator, metric, info, measure, backend, lines, coverage[generator, metric]))
    return rows


def _row(
    generator: str, metric: str, info: MetricInfo, measure: Measure, backend: str, lines: Sequence[ClipScore], coverage: Coverage
) -> SummaryRow:
    scored = [line for line in lines if line.status == "scored" and line.backend == backend]
    unscored = sum(line.status == "unscored" for line in lines)
    failed = sum(line.status == "failed" for line in lines) + len(coverage.without_clip) - coverage.n_refused
    values = [abs(_value(line)) if measure.direction == "zero" else _value(line) for line in scored]
    estimate = _estimate(measure, values, [line.prompt_id for line in scored])
    reason = ""
    if not scored:
        reason = _most_frequent_reason(lines, coverage)
    elif len(scored) < info.min_n:
        reason = f"{len(scored)} scored clip{'' if len(scored) == 1 else 's'}; {info.min_n} are needed"
    has_value = reason == ""
    return SummaryRow(
        generator=generator,
        metric=metric,
        measure=measure.name,
        value=estimate.value if has_value else None,
        low=estimate.low if has_value else None,
        high=estimate.high if has_value else None,
        n_scored=len(scored),
        n_unscored=unscored,
        n_failed=failed,
        n_refused=coverage.n_refused,
        n_not_applicable=coverage.not_applicable,
        reason=reason or estimate.reason,
        backend=backend,
        method=("mean-absolute/" if measure.direction == "zero" else "") + estimate.method,
        worst_case=_worst_case(measure, values, [line.prompt_id for line in scored], lines, coverage.without_clip) if has_value else None,
    )


def _value(line: ClipScore) -> float:
    if line.value is None:
        raise ValueError(f"{line.metric}.{line.measure} has the status scored but no value")
    return line.value


def _estimate(measure: Measure, values: Sequence[float], prompts: Sequence[str]) -> Estimate:
    if measure.rate and all(value in (0, 1) for value in values):  # an early version stored other values of rates as well
        return rate_interval(values, prompts)
    low, high = measure.averaged_range
    return _within(mean_interval(values, prompts, low=low, high=high), low, high)


def _within(estimate: Estimate, low: float | None, high: float | None) -> Estimate:
    """An interval does not leave the range its measure can have."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(
        estimate,
        low=estimate.low if low is None else max(low, estimate.low),
        high=estimate.high if high is None else min(high, estimate.high),
    )


def _worst_case(
    measure: Measure, values: Sequence[float], prompts: Sequence[str], lines: Sequence[ClipScore], without_clip: Sequence[str]
) -> float | None:
    """The mean in which every missing answer, and every cell without a clip, counts as the worst value, under its own prompt."""
    missing = [line.prompt_id for line in lines if line.status != "scored"] + list(without_clip)
    worst = worst_value(measure.direction, measure.low, measure.high, values)
    charged: list[float | None] = [*values, *[None] * len(missing)]
    return worst_case_mean(charged, [*prompts, *missing], worst=worst, direction=measure.direction).value


def _most_frequent_reason(lines: Sequence[ClipScore], coverage: Coverage) -> str:
    reasons = [line.reason for line in lines if line.reason]
    if reasons:
        most_frequent = max(sorted(set(reasons)), key=reasons.count)
        others = len(set(reasons)) - 1
        return most_frequent + (f" (and {others} other reason{'' if others == 1 else 's'})" if others else "")
    if coverage.applicable == 0:
        return "no prompt asks for what it measures"
    if coverage.n_refused and coverage.n_refused == len(coverage.without_clip):
        return "no clip: the generator refused the prompts"
    return "no clip"
