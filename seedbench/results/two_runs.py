"""Two runs compared, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from seedbench.results.data import RunReport, SummaryRow
from seedbench.results.differences import holm, paired_difference
from seedbench.results.load import load_report, spec_of
from seedbench.store import Store
from seedbench.store.workspace import Workspace


@dataclass(frozen=True)
class ComparedRow:
    """One generator and measure of two runs, ready for a table."""

    generator: str
    measure: str
    first: str
    second: str
    difference: str
    p: str
    n_prompts: int


def _number(row: SummaryRow | None) -> str:
    if row is None:
        return "not in this run"
    if row.value is None:
        return row.reason
    bounds = f" [{row.low:.3g}, {row.high:.3g}]" if row.low is not None and row.high is not None else ""
    return f"{row.value:.3g}{bounds} ({row.n_scored}/{row.n_scored + row.n_unscored + row.n_failed})"


def _values(
    report: RunReport, generator: str, metric: str, measure: str, backend: str, *, absolute: bool, left_out: Sequence[str]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for cell in report.cells:
        if cell.prompt_id in left_out:
            continue
        for one in cell.scores:
            if (cell.generator, one.metric, one.measure, one.backend) == (generator, metric, measure, backend) and one.value is not None:
                found[cell.prompt_id].append(abs(one.value) if absolute else one.value)
    return found


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
    """Two runs side by side: headline measures, paired by prompt where both have answers; Holm over the tests made. Raises RunError.

    Prompts are paired by id where both runs asked for the same under it (see :func:`changed_prompts`).
    """
    changed = changed_prompts(store, first, second)
    reports = [load_report(store, workspace, name) for name in (first, second)]
    headline = {(facts.metric, facts.measure.name): facts.measure for facts in reports[0].measures if facts.measure.headline}
    summaries = [{(row.generator, row.metric, row.measure, row.backend): row for row in report.summary} for report in reports]
    keys = [key for key in dict.fromkeys([*summaries[0], *summaries[1]]) if (key[1], key[2]) in headline and key[3]]
    rows = []
    for generator, metric, measure, backend in keys:
        absolute = headline[metric, measure].direction == "zero"
        low, high = headline[metric, measure].averaged_range
        sides = [_values(report, generator, metric, measure, backend, absolute=absolute, left_out=changed) for report in reports]
        rows.append(((generator, metric, measure, backend), paired_difference(sides[1], sides[0], low=low, high=high)))
    values = [paired.p_value(rate=headline[key[1], key[2]].rate) for key, paired in rows]
    tested = [index for index, value in enumerate(values) if value is not None]
    adjusted = dict(zip(tested, holm([value for value in values if value is not None]), strict=True))
    return [
        ComparedRow(
            generator=key[0],
            measure=f"{key[1]}.{key[2]}",
            first=_number(summaries[0].get(key)),
            second=_number(summaries[1].get(key)),
            difference="no common prompt"
            if paired.difference is None
            else f"{paired.difference:+.3g}"
            + (f" [{paired.low:+.3g}, {paired.high:+.3g}]" if paired.low is not None and paired.high is not None else ""),
            p=f"{adjusted[index]:.3f}" if index in adjusted else "too few prompts",
            n_prompts=paired.n_prompts,
        )
        for index, (key, paired) in enumerate(rows)
    ]
