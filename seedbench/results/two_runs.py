"""Two runs compared, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from seedbench.plugins.metric import Measure
from seedbench.results.data import RunReport, SummaryRow
from seedbench.results.differences import PairedDifference, holm, paired_difference
from seedbench.results.load import load_report, spec_of
from seedbench.store import Store
from seedbench.store.workspace import Workspace

_RowKey = tuple[str, str, str, str]
"""Generator, metric, measure and backend."""


@dataclass(frozen=True)
class ComparedRow:
    """One generator and measure of two runs, in words ready for a table.

    Attributes:
        generator: The label of the generator.
        measure: ``metric.measure``.
        first, second: The summary in each run with its interval and counts, or why there is none.
        difference: Second minus first with its interval, in the unit of the measure.
        p: The p-value adjusted by Holm's method.
        n_prompts: How many prompts have scores in both runs.
        in_both: Whether both runs have a summary of it.
    """

    generator: str
    measure: str
    first: str
    second: str
    difference: str
    p: str
    n_prompts: int
    in_both: bool


def changed_prompts(store: Store, first: str, second: str) -> list[str]:
    """Ids under which two runs asked for different things: another text, length, cast or anything else of the prompt.

    Args:
        store: The database of the workspace.
        first: The name of a run.
        second: The name of another run.

    Returns:
        The ids, in the order of the first run. :func:`compare_runs` leaves these prompts out.

    Raises:
        RunError: There is no run of that name.
    """
    asked = {prompt.id: prompt for prompt in spec_of(store, second).prompts}
    return [prompt.id for prompt in spec_of(store, first).prompts if asked.get(prompt.id, prompt) != prompt]


def compare_runs(store: Store, workspace: Workspace, first: str, second: str) -> list[ComparedRow]:
    """Compare two runs: the headline measures of the first, paired by prompt, with Holm's correction over the tests.

    Prompts are paired by id where both runs asked for the same under it (see :func:`changed_prompts`).

    Args:
        store: The database of the workspace.
        workspace: Where the clips are.
        first: The name of a run.
        second: The name of another run.

    Returns:
        One row for each generator, measure and backend that either run has answers of. The difference is second minus first, in the
        unit of the measure.

    Raises:
        RunError: There is no run of that name.
    """
    changed = changed_prompts(store, first, second)
    reports = [load_report(store, workspace, name) for name in (first, second)]
    headline = {(facts.metric, facts.measure.name): facts.measure for facts in reports[0].measures if facts.measure.headline}
    summaries = [{(row.generator, row.metric, row.measure, row.backend): row for row in report.summary} for report in reports]
    keys: list[_RowKey] = [key for key in dict.fromkeys([*summaries[0], *summaries[1]]) if (key[1], key[2]) in headline and key[3]]
    measures = [headline[key[1], key[2]] for key in keys]
    paired = [_paired(reports, key, measure, changed) for key, measure in zip(keys, measures, strict=True)]
    adjusted = holm([pair.p for pair in paired])
    return [
        _compared_row(key, [summary.get(key) for summary in summaries], pair, p)
        for key, pair, p in zip(keys, paired, adjusted, strict=True)
    ]


def _paired(reports: Sequence[RunReport], key: _RowKey, measure: Measure, changed: Sequence[str]) -> PairedDifference:
    low, high = measure.averaged_range
    first, second = (_values(report, key, absolute=measure.direction == "zero", without=changed) for report in reports)
    return paired_difference(second, first, rate=measure.rate, low=low, high=high)


def _values(report: RunReport, key: _RowKey, *, absolute: bool, without: Sequence[str]) -> dict[str, list[float]]:
    """The values by prompt, ``without`` some prompts."""
    values: dict[str, list[float]] = defaultdict(list)
    for cell in report.cells:
        if cell.prompt_id in without:
            continue
        for score in cell.scores:
            if (cell.generator, score.metric, score.measure, score.backend) == key and score.value is not None:
                values[cell.prompt_id].append(abs(score.value) if absolute else score.value)
    return values


def _compared_row(key: _RowKey, rows: Sequence[SummaryRow | None], paired: PairedDifference, p: float | None) -> ComparedRow:
    generator, metric, measure, _ = key
    first, second = rows
    return ComparedRow(
        generator=generator,
        measure=f"{metric}.{measure}",
        first=_value_words(first),
        second=_value_words(second),
        difference=_difference_words(paired),
        p="too few prompts" if p is None else f"{p:.3f}",
        n_prompts=paired.n_prompts,
        in_both=first is not None and second is not None,
    )


def _value_words(row: SummaryRow | None) -> str:
    if row is None:
        return "not in this run"
    if row.value is None:
        return row.reason
    bounds = f" [{row.low:.3g}, {row.high:.3g}]" if row.low is not None and row.high is not None else ""
    return f"{row.value:.3g}{bounds} ({row.n_scored}/{row.n_asked})"


def _difference_words(paired: PairedDifference) -> str:
    if paired.difference is None:
        return "no common prompt"
    bounds = f" [{paired.low:+.3g}, {paired.high:+.3g}]" if paired.low is not None and paired.high is not None else ""
    return f"{paired.difference:+.3g}{bounds}"
