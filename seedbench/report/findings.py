"""What a run shows, in sentences: only what the paired comparisons support, and what limits it."""

from __future__ import annotations

from dataclasses import dataclass

from seedbench.report.columns import between, ceilings, columns, comparisons_in, row_of, systems
from seedbench.report.data import GeneratorFacts, MeasureFacts, RunReport
from seedbench.report.wording import counted, listed

#: Below this share of scored clips a mean is called out as resting on a part of them.
THIN_COVERAGE = 0.75


@dataclass(frozen=True)
class Findings:
    """``results`` say what is supported, ``caveats`` what weakens it."""

    results: tuple[str, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    """Two generators over all columns: where the first is supported as better, as worse, and where neither is."""

    better: list[MeasureFacts]
    worse: list[MeasureFacts]
    level: list[MeasureFacts]
    n_prompts: tuple[int, ...]


def findings(report: RunReport) -> Findings:
    """The result of a run in plain sentences, from its comparisons over the headline measures."""
    results: list[str] = []
    anchors = ceilings(report)
    for system in systems(report):
        for ceiling in anchors[:1]:
            pair = _compare(report, system, ceiling)
            results += [_against_ceiling(system.label, ceiling.label, pair)] if pair is not None else []
    for index, one in enumerate(systems(report)):
        for other in systems(report)[index + 1 :]:
            pair = _compare(report, one, other)
            results += _between_systems(one.label, other.label, pair) if pair is not None else []
    if not results:
        results.append("No two generators of this run were compared; the table shows each by itself.")
    return Findings(tuple(results), tuple(_caveats(report)))


def _compare(report: RunReport, one: GeneratorFacts, other: GeneratorFacts) -> _Pair | None:
    better: list[MeasureFacts] = []
    worse: list[MeasureFacts] = []
    level: list[MeasureFacts] = []
    counts: list[int] = []
    for column in columns(report):
        if not column.measure.headline or column.measure.direction == "none":
            continue
        made = between(comparisons_in(report, column), one.name, other.name)
        if made is None or made.difference is None:
            continue
        counts.append(made.n_prompts)
        {one.name: better, other.name: worse}.get(made.better or "", level).append(column)
    return _Pair(better, worse, level, tuple(counts)) if counts else None


def _against_ceiling(label: str, ceiling: str, pair: _Pair) -> str:
    prompts = _prompts(pair)
    if not pair.worse and not pair.better:
        return f"{label}: no measure separates it from {ceiling} (ceiling) over {prompts}, which does not show that they are equal."
    said = f"{label} falls short of {ceiling} (ceiling) on {_measures(pair.worse)}" if pair.worse else label
    if pair.better:
        said += f"{', but' if pair.worse else ''} scores above {ceiling} (ceiling) on {_measures(pair.better)}"
    if pair.level:
        said += f"; {counted(len(pair.level), 'other headline measure')} {'does' if len(pair.level) == 1 else 'do'} not separate them"
    return f"{said} ({prompts}, paired)."


def _between_systems(one: str, other: str, pair: _Pair) -> list[str]:
    prompts = _prompts(pair)
    if pair.better and pair.worse:
        return [f"{one} is better than {other} on {_measures(pair.better)}, {other} on {_measures(pair.worse)} ({prompts}, paired)."]
    if pair.better:
        return [f"{one} is better than {other} on {_measures(pair.better)} ({prompts}, paired)."]
    if pair.worse:
        return [f"{other} is better than {one} on {_measures(pair.worse)} ({prompts}, paired)."]
    return [f"No headline measure separates {one} from {other} over {prompts}."]


def _prompts(pair: _Pair) -> str:
    low, high = min(pair.n_prompts), max(pair.n_prompts)
    return counted(high, "prompt") if low == high else f"{low} to {high} prompts"


def _measures(found: list[MeasureFacts]) -> str:
    """Metric titles, each with the measures it lost or won on."""
    grouped: dict[str, list[str]] = {}
    for column in found:
        grouped.setdefault(column.metric_title.lower() if column.metric_title[1:].islower() else column.metric_title, []).append(
            column.measure.title
        )
    return listed([f"{metric} ({', '.join(dict.fromkeys(titles))})" for metric, titles in grouped.items()])


def _caveats(report: RunReport) -> list[str]:
    said: list[str] = []
    if report.comparisons:
        said.append(
            "“Better” and “falls short” are said only where the paired difference over prompts holds after adjustment for the number of "
            "comparisons; all else is undecided, not equal."
        )
    if len(report.seeds) == 1:
        said.append("One seed a prompt: luck of the seed and quality of the generator are not told apart.")
    for generator in report.generators:
        thin = [
            column.measure.title
            for column in columns(report)
            if column.measure.headline
            and (row := row_of(report, generator.name, column)) is not None
            and (asked := row.n_scored + row.n_unscored + row.n_failed)
            and row.n_scored < THIN_COVERAGE * asked
        ]
        if thin:
            said.append(f"{generator.label} has no answer on more than a quarter of its clips for {listed(list(dict.fromkeys(thin)))}.")
        lost = [(generator.n_refused, "refused"), (generator.n_failed, "failed"), (generator.n_other, "not finished")]
        if any(n for n, _ in lost):
            counts = listed([f"{n} {word}" for n, word in lost if n])
            said.append(f"{generator.label}: of {counted(generator.n_cells, 'request')} {counts}; its means rest on the others.")
    return said
