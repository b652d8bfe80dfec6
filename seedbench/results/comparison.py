"""Generators of one run compared: every pair under every headline measure, paired by prompt, with Holm's correction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.results.data import ColumnKey, Comparison
from seedbench.results.differences import holm, paired_difference
from seedbench.results.summary import NO_OLDER_VERSIONS, ClipScore
from seedbench.results.versions import backend_of
from seedbench.store import SetDifferenceRow

#: A difference is significant where its adjusted p-value is below this.
ALPHA = 0.05

_ByPrompt = Mapping[str, Sequence[float]]


def compare_all(
    table: Iterable[ClipScore],
    infos: Mapping[str, MetricInfo],
    generators: Sequence[str],
    older: Mapping[ColumnKey, Measure] = NO_OLDER_VERSIONS,
    of_sets: Sequence[tuple[Measure, Comparison]] = (),
) -> list[Comparison]:
    """Compare every pair of generators under every headline measure, paired by prompt.

    Each backend is compared by itself. Measures with the direction ``zero`` are compared by their absolute values, measures with the
    direction ``none`` not at all. Rates are tested by sign flips, all others by the paired t test
    (:func:`seedbench.results.differences.paired_difference`).

    Args:
        table: The clip scores of the run.
        infos: What the clip metrics declare, by metric name.
        generators: The labels of the generators, in the order of the report.
        older: What the columns of another version of a metric mean; see :func:`seedbench.results.summary.summarise`.
        of_sets: Comparisons of sets of clips (:func:`set_comparisons`), which are tests of the run as well.

    Returns:
        The comparisons by metric, measure, backend and pair, those of sets last. Their p-values are adjusted by Holm's method over all
        tests of the run; ``better`` is set where the adjusted p-value is below :data:`ALPHA`.
    """
    values = _values_by_generator(table, infos, older)
    compared = [
        (measure, _comparison(column, measure, a, b, values[column][a], values[column][b]))
        for column, measure in _compared_columns(values, infos, older)
        for a, b in combinations(generators, 2)
    ]
    compared += of_sets
    adjusted = holm([comparison.p_adjusted for _, comparison in compared])
    n_tests = sum(p is not None for p in adjusted)
    return [_decided(comparison, measure, p, n_tests) for (measure, comparison), p in zip(compared, adjusted, strict=True)]


def _values_by_generator(
    table: Iterable[ClipScore], infos: Mapping[str, MetricInfo], older: Mapping[ColumnKey, Measure]
) -> dict[ColumnKey, dict[str, dict[str, list[float]]]]:
    """The values by column, generator and prompt; absolute ones where 0 is the ideal."""
    values: dict[ColumnKey, dict[str, dict[str, list[float]]]] = {}
    for score in table:
        if score.status == "scored" and score.value is not None:
            column = (score.metric, score.measure, score.backend)
            measure = older.get(column) or infos[score.metric].measure(score.measure)
            value = abs(score.value) if measure.direction == "zero" else score.value
            by_generator = values.setdefault(column, defaultdict(lambda: defaultdict(list)))
            by_generator[score.generator][score.prompt_id].append(value)
    return values


def _compared_columns(
    values: Iterable[ColumnKey], infos: Mapping[str, MetricInfo], older: Mapping[ColumnKey, Measure]
) -> list[tuple[ColumnKey, Measure]]:
    """The columns with values whose measure is a headline one with a direction, in the order of the declared measures."""
    backends: dict[tuple[str, str], list[str]] = defaultdict(list)
    for metric, name, backend in values:
        backends[metric, name].append(backend)
    columns = [
        ((metric, measure.name, backend), older.get((metric, measure.name, backend), measure))
        for metric, info in infos.items()
        for measure in info.measures
        for backend in sorted(backends[metric, measure.name])
    ]
    return [(column, measure) for column, measure in columns if measure.headline and measure.direction != "none"]


def _comparison(column: ColumnKey, measure: Measure, a: str, b: str, values_a: _ByPrompt, values_b: _ByPrompt) -> Comparison:
    """One pair in one column, its p-value not yet adjusted."""
    low, high = measure.averaged_range
    paired = paired_difference(values_a, values_b, low=low, high=high)
    metric, name, backend = column
    return Comparison(
        metric=metric,
        measure=name,
        generator_a=a,
        generator_b=b,
        difference=paired.difference,
        low=paired.low,
        high=paired.high,
        p_adjusted=paired.p_value(rate=measure.rate),
        n_prompts=paired.n_prompts,
        backend=backend,
        method=paired.method,
        reason=paired.reason,
    )


def _decided(comparison: Comparison, measure: Measure, p_adjusted: float | None, n_tests: int) -> Comparison:
    """A comparison with its adjusted p-value, and with the better generator where the data support one."""
    if p_adjusted is None:
        return comparison
    better = None
    if p_adjusted < ALPHA and comparison.difference:
        a_is_better = (comparison.difference > 0) == (measure.direction == "up")
        better = comparison.generator_a if a_is_better else comparison.generator_b
    return replace(comparison, p_adjusted=p_adjusted, better=better, method=f"{comparison.method}/holm-{n_tests}")


def set_comparisons(rows: Iterable[SetDifferenceRow], infos: Mapping[str, MetricInfo]) -> list[tuple[Measure, Comparison]]:
    """The comparisons of two generators as sets of clips, as they were measured in the run.

    Args:
        rows: The stored differences of the run.
        infos: What the metrics declare, by metric name.

    Returns:
        Each headline measure with its comparison, whose p-value is not yet adjusted for the number of tests.
    """
    measured = [(infos[row.metric].measure(row.measure), row) for row in rows]
    return [(measure, _set_comparison(row, infos)) for measure, row in measured if measure.headline and measure.direction != "none"]


def _set_comparison(row: SetDifferenceRow, infos: Mapping[str, MetricInfo]) -> Comparison:
    return Comparison(
        metric=row.metric,
        measure=row.measure,
        generator_a=row.first,
        generator_b=row.second,
        difference=row.value,
        low=row.low,
        high=row.high,
        p_adjusted=row.p,
        n_prompts=row.n_prompts,
        backend=backend_of(row, infos),
        method=row.method,
        reason=row.reason,
        remark=row.remark,
        of_sets=True,
    )
