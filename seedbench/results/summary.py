"""From the per-clip table to the summary: ONE function, whatever made the table.

The unit is the prompt: seeds are averaged inside a prompt first. Backends are never pooled: each gets its own row.
Measures whose ideal is zero are summarised by their mean absolute value, since signed offsets would cancel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.results.data import ColumnKey, SummaryRow
from seedbench.results.intervals import Estimate, mean_interval, rate_interval
from seedbench.results.worst_case import worst_case_mean, worst_value

NO_OLDER_VERSIONS: Mapping[ColumnKey, Measure] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    """One line of the per-clip table."""

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

    ``applicable`` counts the cells whose prompt asks for the metric; ``without_clip`` holds the prompt of each of them that has no clip
    (a prompt once for each such seed); ``not_applicable`` counts the other cells.
    """

    applicable: int
    without_clip: tuple[str, ...]
    not_applicable: int


def summarise(
    table: Sequence[ClipScore],
    infos: Mapping[str, MetricInfo],
    generators: Sequence[str],
    coverage: Mapping[tuple[str, str], Coverage],
    older: Mapping[ColumnKey, Measure] = NO_OLDER_VERSIONS,
) -> list[SummaryRow]:
    """One row for each generator, measure and backend, in the order of ``generators`` and of the declared measures.

    ``coverage`` is keyed by (generator, metric). ``older`` says what the columns of another version of a metric mean. Clips that got no
    answer are counted, never averaged; the worst-case aggregate charges each of them with the worst value.
    """
    by_column: dict[tuple[str, str, str], list[ClipScore]] = defaultdict(list)
    for line in table:
        by_column[line.generator, line.metric, line.measure].append(line)
    rows: list[SummaryRow] = []
    for name, info in infos.items():
        for generator in generators:
            counts = coverage[generator, name]
            for measure in info.measures:
                lines = by_column[generator, name, measure.name]
                backends = sorted({line.backend for line in lines if line.status == "scored"}) or [""]
                meant = [older.get((name, measure.name, backend), measure) for backend in backends]
                rows.extend(_row(generator, name, info, one, backend, lines, counts) for backend, one in zip(backends, meant, strict=True))
    return rows


def _row(
    generator: str, metric: str, info: MetricInfo, measure: Measure, backend: str, lines: Sequence[ClipScore], counts: Coverage
) -> SummaryRow:
    scored = [line for line in lines if line.status == "scored" and line.backend == backend]
    unscored = sum(line.status == "unscored" for line in lines)
    failed = sum(line.status == "failed" for line in lines) + len(counts.without_clip)
    values = [abs(_value(line)) if measure.direction == "zero" else _value(line) for line in scored]
    estimate = _estimate(measure, values, [line.prompt_id for line in scored])
    reason = ""
    if not scored:
        reason = _common_reason(lines, counts)
    elif len(scored) < info.min_n:
        reason = f"{len(scored)} scored clips, {info.min_n} are needed"
    shown = reason == ""
    return SummaryRow(
        generator=generator,
        metric=metric,
        measure=measure.name,
        value=estimate.value if shown else None,
        low=estimate.low if shown else None,
        high=estimate.high if shown else None,
        n_scored=len(scored),
        n_unscored=unscored,
        n_failed=failed,
        n_not_applicable=counts.not_applicable,
        reason=reason or estimate.reason,
        backend=backend,
        method=("mean-absolute/" if measure.direction == "zero" else "") + estimate.method,
        worst_case=_worst_case(measure, values, [line.prompt_id for line in scored], lines, counts.without_clip) if shown else None,
    )


def _value(line: ClipScore) -> float:
    if line.value is None:
        raise ValueError(f"{line.metric}.{line.measure} is called scored but has no value")
    return line.value


def _estimate(measure: Measure, values: Sequence[float], prompts: Sequence[str]) -> Estimate:
    if measure.rate and all(value in (0, 1) for value in values):  # else stored by a version that let other values pass
        return rate_interval(values, prompts)
    low, high = measure.averaged_range
    return _within(mean_interval(values, prompts, low=low, high=high), low, high)


def _within(estimate: Estimate, low: float | None, high: float | None) -> Estimate:
    """An interval does not leave the range its measure can have."""
    from dataclasses import replace

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
    """The mean with every clip without an answer, and every cell without a clip, charged under its own prompt with the worst value."""
    missing = [line.prompt_id for line in lines if line.status != "scored"] + list(without_clip)
    worst = worst_value(measure.direction, measure.low, measure.high, values)
    charged: list[float | None] = [*values, *[None] * len(missing)]
    return worst_case_mean(charged, [*prompts, *missing], worst=worst, direction=measure.direction).value


def _common_reason(lines: Sequence[ClipScore], counts: Coverage) -> str:
    reasons = [line.reason for line in lines if line.reason]
    if reasons:
        commonest = max(sorted(set(reasons)), key=reasons.count)
        others = len(set(reasons)) - 1
        return commonest + (f" (and {others} other reasons)" if others else "")
    if counts.applicable == 0:
        return "no prompt asks for it"
    return "no clip"
