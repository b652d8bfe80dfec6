"""Generators of one run compared, paired by prompt: what the run tests, and what it only describes.

Tested is one measure of each metric, the primary one where it has answers, against one generator (the ceiling, if the run has one), else
over all pairs. Pairs are tested together (:mod:`seedbench.results.joint_tests`), measures are corrected by Holm's method. All other
measures and pairs are exploratory: with so many tests, nothing could ever be found, or something always would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.results.data import ColumnKey, Comparison
from seedbench.results.differences import holm, paired_difference
from seedbench.results.joint_tests import DRAWS, method_of, pair_p_values, prompts_needed
from seedbench.results.summary import NO_OLDER_VERSIONS, ClipScore
from seedbench.results.versions import backend_of
from seedbench.store import SetDifferenceRow

#: A difference is significant where its adjusted p-value is below this.
ALPHA = 0.05

_ByPrompt = Mapping[str, Sequence[float]]
_Pair = tuple[str, str]


def compare_all(
    table: Iterable[ClipScore],
    infos: Mapping[str, MetricInfo],
    generators: Sequence[str],
    older: Mapping[ColumnKey, Measure] = NO_OLDER_VERSIONS,
    of_sets: Sequence[tuple[Measure, Comparison]] = (),
    *,
    against: str | None = None,
    draws: int = DRAWS,
) -> list[Comparison]:
    """Compare every pair of generators under every headline measure, paired by prompt.

    Each backend is compared by itself. Measures with the direction ``zero`` are compared by their absolute values, measures with the
    direction ``none`` not at all.

    Args:
        table: The clip scores of the run.
        infos: What the metrics declare, by metric name; those of sets too.
        generators: The labels of the generators, in the order of the report.
        older: What the columns of another version of a metric mean; see :func:`seedbench.results.summary.summarise`.
        of_sets: Comparisons of sets of clips (:func:`set_comparisons`).
        against: The generator that all others are tested against; None: all pairs are tested.
        draws: Exchanges that the tests of pairs draw where they cannot try all.

    Returns:
        The comparisons by metric, measure, backend and pair, those of sets last. Those of primary measures and tested pairs have p-values
        adjusted over all of these tests; ``better`` is set where the adjusted p-value is below :data:`ALPHA`. The others are exploratory.
    """
    values = _values_by_generator(table, infos, older)
    pairs = list(combinations(generators, 2))
    tested_pairs = {frozenset(pair) for pair in pairs if against is None or against in pair}
    columns = _compared_columns(values, infos, older)
    compared = [(measure, _comparison(column, measure, pair, values[column])) for column, measure in columns for pair in pairs]
    compared += of_sets
    tested_measures = _tested_measures(compared, infos)
    families: dict[ColumnKey, list[int]] = defaultdict(list)
    for index, (measure, comparison) in enumerate(compared):
        pair = frozenset((comparison.generator_a, comparison.generator_b))
        if pair in tested_pairs and tested_measures.get(comparison.metric) == measure.name:
            families[comparison.metric, comparison.measure, comparison.backend].append(index)
    tests = {key: _tests_of([compared[index] for index in family], values.get(key, {}), draws) for key, family in families.items()}
    decided = _decided_families({key: tested for key, tested in tests.items() if tested})
    confirmatory = {index: result for key in decided for index, result in zip(families[key], decided[key], strict=True)}
    return [confirmatory.get(index, replace(comparison, exploratory=True)) for index, (_, comparison) in enumerate(compared)]


def _tested_measures(compared: Sequence[tuple[Measure, Comparison]], infos: Mapping[str, MetricInfo]) -> dict[str, str]:
    """By metric the measure that is tested: the first that may be and of which two generators have answers on the same prompts."""
    answered = {(comparison.metric, comparison.measure) for _, comparison in compared if comparison.difference is not None}
    tested = {}
    for name, info in infos.items():
        for measure in info.testable:
            if (name, measure.name) in answered:
                tested[name] = measure.name
                break
    return tested


def _tests_of(
    family: Sequence[tuple[Measure, Comparison]], values: Mapping[str, _ByPrompt], draws: int
) -> list[tuple[Measure, Comparison]]:
    """The pairs of one measure with p-values that hold for all of them together; empty where none can be tested."""
    method = ""
    if family[0][1].of_sets or len(family) == 1:
        p_values = holm([comparison.p for _, comparison in family])
    else:
        pairs = [(comparison.generator_a, comparison.generator_b) for _, comparison in family]
        together = pair_p_values(values, pairs, draws=draws)
        p_values = [together[pair] for pair in pairs]
        systems = {system for pair in pairs for system in pair if values.get(system)}
        n_prompts = max(comparison.n_prompts for _, comparison in family)
        method = f"/{method_of(len(systems), n_prompts, draws)}"
    if all(p is None for p in p_values):
        return []
    return [
        (measure, replace(comparison, p=p, method=comparison.method + method))
        for (measure, comparison), p in zip(family, p_values, strict=True)
    ]


def _decided_families(families: Mapping[ColumnKey, Sequence[tuple[Measure, Comparison]]]) -> dict[ColumnKey, list[Comparison]]:
    """The comparisons of each measure with p-values adjusted for the number of measures (Holm), and with who is better."""
    least = {key: min(comparison.p for _, comparison in family if comparison.p is not None) for key, family in families.items()}
    decided, largest = {}, 0.0
    for rank, key in enumerate(sorted(least, key=lambda key: least[key])):
        share = len(least) - rank
        adjusted = [None if comparison.p is None else min(1.0, max(largest, share * comparison.p)) for _, comparison in families[key]]
        decided[key] = [
            _decided(comparison, measure, p, len(least)) for (measure, comparison), p in zip(families[key], adjusted, strict=True)
        ]
        reason = _why_undecidable(decided[key], ALPHA / len(least))
        decided[key] = [replace(comparison, undecidable=reason) for comparison in decided[key]]
        largest = max(largest, min(1.0, share * least[key]))
    return decided


def _decided(comparison: Comparison, measure: Measure, p_adjusted: float | None, n_measures: int) -> Comparison:
    """A comparison with its adjusted p-value, and with the better generator where the data support one."""
    if p_adjusted is None:
        return comparison
    better = None
    if p_adjusted < ALPHA and comparison.difference:
        a_is_better = (comparison.difference > 0) == (measure.direction == "up")
        better = comparison.generator_a if a_is_better else comparison.generator_b
    return replace(comparison, p_adjusted=p_adjusted, better=better, method=f"{comparison.method}/holm-{n_measures}")


def _why_undecidable(family: Sequence[Comparison], p: float) -> str:
    """Why no pair could be decided whatever the difference, as far as the number of prompts alone tells it."""
    if family[0].of_sets or any(comparison.better for comparison in family):
        return ""
    systems = {system for comparison in family for system in (comparison.generator_a, comparison.generator_b) if comparison.n_prompts}
    n_prompts, needed = max(comparison.n_prompts for comparison in family), prompts_needed(len(systems), p)
    if n_prompts >= needed:
        return ""
    return f"{n_prompts} prompts cannot decide this; {needed} are the fewest that could"


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


def _comparison(column: ColumnKey, measure: Measure, pair: _Pair, values: Mapping[str, _ByPrompt]) -> Comparison:
    """One pair in one column, its p-value not adjusted."""
    low, high = measure.averaged_range
    metric, name, backend = column
    a, b = pair
    paired = paired_difference(values.get(a, {}), values.get(b, {}), rate=measure.rate, low=low, high=high)
    return Comparison(
        metric=metric,
        measure=name,
        generator_a=a,
        generator_b=b,
        difference=paired.difference,
        low=paired.low,
        high=paired.high,
        p=paired.p,
        n_prompts=paired.n_prompts,
        backend=backend,
        method=paired.method,
        reason=paired.reason,
    )


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
        p=row.p,
        n_prompts=row.n_prompts,
        backend=backend_of(row, infos),
        method=row.method,
        reason=row.reason,
        remark=row.remark,
        of_sets=True,
    )
