"""What a run shows, in sentences: only what the paired comparisons support, and what limits it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from seedbench.report.wording import counted, listed
from seedbench.results.columns import between, ceilings, columns, comparisons_in, row_of, standing, systems
from seedbench.results.data import GeneratorFacts, MeasureFacts, RunReport

#: Below this share of scored clips a mean is called out as resting on a part of them.
THIN_COVERAGE = 0.75
#: Beyond so many pairs of systems their sentences would hide each other.
MOST_PAIRS = 3


@dataclass(frozen=True)
class Sentence:
    """One sentence; ``subject`` is the generator it begins with (may be empty), ``said`` the rest."""

    subject: str
    said: str

    def __str__(self) -> str:
        return self.subject + self.said


@dataclass(frozen=True)
class Findings:
    """``results`` say what is supported, ``caveats`` what weakens it."""

    results: tuple[Sentence, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    """Two generators over all columns: where the first is supported as better, as worse, and where neither is."""

    better: list[MeasureFacts]
    worse: list[MeasureFacts]
    level: list[MeasureFacts]
    n_prompts: tuple[int, ...]


def findings(report: RunReport) -> Findings:
    """The result of a run in plain sentences, from its comparisons over the headline measures.

    Every system is read against the first ceiling; systems are read against each other pair by pair, or, beyond ``MOST_PAIRS`` pairs,
    by who leads where.
    """
    tested = systems(report)
    against = [(system, ceiling, _compare(report, system, ceiling)) for ceiling in ceilings(report)[:1] for system in tested]
    results = [_against_ceiling(system.label, ceiling.label, pair) for system, ceiling, pair in against if pair is not None]
    pairs = [(one, other, _compare(report, one, other)) for one, other in combinations(tested, 2)]
    if len(pairs) <= MOST_PAIRS:
        results += [_between_systems(one.label, other.label, pair) for one, other, pair in pairs if pair is not None]
    elif any(pair is not None for _, _, pair in pairs):
        results += _leaders(report, tested)
    if not results:
        results.append(Sentence("", "No two generators of this run were compared; the table shows each by itself."))
    return Findings(tuple(results), tuple(_caveats(report)))


def _leaders(report: RunReport, tested: tuple[GeneratorFacts, ...]) -> list[Sentence]:
    headline = [column for column in columns(report) if column.measure.headline and column.measure.direction != "none"]
    led = [(system, [column for column in headline if standing(report, system, column).leads]) for system in tested]
    said = [Sentence(system.label, f" is better than every other system on {_measures(found)}.") for system, found in led if found]
    undecided = len(headline) - sum(len(found) for _, found in led)
    if undecided:
        said.append(Sentence("", f"No single system is best on {counted(undecided, 'headline measure')}."))
    return said


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


def _against_ceiling(label: str, ceiling: str, pair: _Pair) -> Sentence:
    prompts = _prompts(pair)
    if not pair.worse and not pair.better:
        said = f" is not separated from {ceiling} (ceiling) by any headline measure ({prompts}); that does not make them equal."
        return Sentence(label, said)
    said = f" falls short of {ceiling} (ceiling) on {_measures(pair.worse)}" if pair.worse else ""
    if pair.better:
        said += f"{', and' if pair.worse else ''} scores above {ceiling} (ceiling) on {_measures(pair.better)}"
    if pair.level:
        said += f"; {counted(len(pair.level), 'other headline measure')} {'does' if len(pair.level) == 1 else 'do'} not separate them"
    return Sentence(label, f"{said} ({prompts}, paired).")


def _between_systems(one: str, other: str, pair: _Pair) -> Sentence:
    prompts = _prompts(pair)
    if pair.better and pair.worse:
        said = f" is better than {other} on {_measures(pair.better)}, and worse on {_measures(pair.worse)} ({prompts}, paired)."
        return Sentence(one, said)
    if pair.better:
        return Sentence(one, f" is better than {other} on {_measures(pair.better)} ({prompts}, paired).")
    if pair.worse:
        return Sentence(other, f" is better than {one} on {_measures(pair.worse)} ({prompts}, paired).")
    return Sentence(one, f" and {other} are not separated by any headline measure ({prompts}).")


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
        rows = [(column, row_of(report, generator.name, column)) for column in columns(report) if column.measure.headline]
        thin = [column.measure.title for column, row in rows if row and row.n_scored < THIN_COVERAGE * (row.n_scored + row.n_unscored)]
        if thin:
            said.append(f"{generator.label}: more than a quarter of its clips have no answer for {listed(list(dict.fromkeys(thin)))}.")
        lost = [(generator.n_refused, "refused"), (generator.n_failed, "failed"), (generator.n_other, "not finished")]
        if any(n for n, _ in lost):
            counts = listed([f"{n} {word}" for n, word in lost if n])
            said.append(f"{generator.label}: of {counted(generator.n_cells, 'request')} {counts}; its means rest on the others.")
    return said
