"""What a run shows, in sentences: only what the paired comparisons support, and what limits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from seedbench.report.wording import counted, listed
from seedbench.results.data import GeneratorFacts, MeasureFacts, SummaryRow
from seedbench.results.table import ResultsTable

#: Below this share of scored clips the caveats name the measure.
THIN_COVERAGE = 0.75
#: For more pairs of systems than this, the findings name the leader of each measure instead of one sentence for each pair.
MOST_PAIRS = 3


@dataclass(frozen=True)
class Sentence:
    """One sentence on the result.

    Attributes:
        subject: The label of the generator that it begins with; may be empty.
        text: The rest, with the space that follows the subject.
    """

    subject: str
    text: str

    def __str__(self) -> str:
        return self.subject + self.text


@dataclass(frozen=True)
class Findings:
    """The result of a run in sentences.

    Attributes:
        results: What the comparisons support.
        caveats: What weakens it.
    """

    results: tuple[Sentence, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    """Two generators over all columns: where the first is supported as better, as worse, and where neither is."""

    better: list[MeasureFacts]
    worse: list[MeasureFacts]
    level: list[MeasureFacts]
    n_prompts: tuple[int, ...]


def findings(table: ResultsTable) -> Findings:
    """The result of a run in plain sentences, from its comparisons over the headline measures.

    Every system is compared with the first ceiling. Systems are compared with each other pair by pair, or, where there are more than
    ``MOST_PAIRS`` pairs, by who leads on each measure.

    Args:
        table: The results of the run.

    Returns:
        The sentences. None of them says "better" or "worse" unless a comparison supports it.
    """
    tested = table.systems
    against = [(system, ceiling, _pair(table, system, ceiling)) for ceiling in table.ceilings[:1] for system in tested]
    results = [_against_ceiling(system.label, ceiling.label, pair) for system, ceiling, pair in against if pair is not None]
    pairs = [(a, b, _pair(table, a, b)) for a, b in combinations(tested, 2)]
    if len(pairs) <= MOST_PAIRS:
        results += [_between_systems(a.label, b.label, pair) for a, b, pair in pairs if pair is not None]
    elif any(pair is not None for _, _, pair in pairs):
        results += _leaders(table)
    results += _distances(table)
    if not results:
        results.append(Sentence("", "No two generators of this run were compared; the table shows each on its own."))
    return Findings(tuple(results), tuple(_caveats(table)))


def _distances(table: ResultsTable) -> list[Sentence]:
    """Which set of clips is nearer to the reference set: never that a generator is better."""
    labels = {generator.name: generator.label for generator in table.report.generators}
    columns: dict[tuple[str, str], list[MeasureFacts]] = {}
    undecided = False
    for column in table.headline:
        for comparison in table.comparisons[column.key]:
            undecided |= comparison.of_sets and comparison.difference is not None
            if comparison.of_sets and comparison.better:
                other = comparison.generator_b if comparison.better == comparison.generator_a else comparison.generator_a
                columns.setdefault((comparison.better, other), []).append(column)
    if undecided and not columns:
        return [Sentence("", "No generator's clips, as a set, are significantly nearer to the reference set than another's.")]
    not_better = "this does not say that they are better"
    return [
        Sentence(
            labels[nearer], f"'s clips are nearer to the reference set than those of {labels[other]} by {_measures(of_pair)}; {not_better}."
        )
        for (nearer, other), of_pair in columns.items()
    ]


def _compared_columns(table: ResultsTable) -> list[MeasureFacts]:
    return [column for column in table.headline if column.measure.direction != "none"]


def _leaders(table: ResultsTable) -> list[Sentence]:
    columns = _compared_columns(table)
    led = [(system, [column for column in columns if table.standing(system.name, column).leads]) for system in table.systems]
    sentences = [
        Sentence(system.label, f" is better than every other system on {_measures(best_on)}.") for system, best_on in led if best_on
    ]
    undecided = len(columns) - sum(len(best_on) for _, best_on in led)
    if undecided:
        sentences.append(Sentence("", f"No single system is best on {counted(undecided, 'headline measure')}."))
    return sentences


def _pair(table: ResultsTable, a: GeneratorFacts, b: GeneratorFacts) -> _Pair | None:
    """Two generators over the columns in which they were compared; None where there is none."""
    better: list[MeasureFacts] = []
    worse: list[MeasureFacts] = []
    level: list[MeasureFacts] = []
    n_prompts: list[int] = []
    for column in _compared_columns(table):
        comparison = table.comparison(column, a.name, b.name)
        if comparison is None or comparison.difference is None or comparison.of_sets:
            continue
        n_prompts.append(comparison.n_prompts)
        {a.name: better, b.name: worse}.get(comparison.better or "", level).append(column)
    return _Pair(better, worse, level, tuple(n_prompts)) if n_prompts else None


def _against_ceiling(label: str, ceiling: str, pair: _Pair) -> Sentence:
    ceiling = f"{ceiling} (ceiling)"
    if not pair.worse and not pair.better:
        not_equal = "this does not show that they are equal"
        return Sentence(label, f" does not differ significantly from {ceiling} on any headline measure ({_prompts(pair)}); {not_equal}.")
    parts = [f" is worse than {ceiling} on {_measures(pair.worse)}"] if pair.worse else []
    parts += [f" is better than {ceiling} on {_measures(pair.better)}"] if pair.better else []
    text = ", and".join(parts)
    if pair.level:
        verb = "shows" if len(pair.level) == 1 else "show"
        text += f"; {counted(len(pair.level), 'other headline measure')} {verb} no significant difference"
    return Sentence(label, f"{text} ({_prompts(pair)}, paired).")


def _between_systems(a: str, b: str, pair: _Pair) -> Sentence:
    prompts = _prompts(pair)
    if pair.better and pair.worse:
        text = f" is better than {b} on {_measures(pair.better)}, and worse on {_measures(pair.worse)} ({prompts}, paired)."
        return Sentence(a, text)
    if pair.better:
        return Sentence(a, f" is better than {b} on {_measures(pair.better)} ({prompts}, paired).")
    if pair.worse:
        return Sentence(b, f" is better than {a} on {_measures(pair.worse)} ({prompts}, paired).")
    return Sentence(a, f" and {b} do not differ significantly on any headline measure ({prompts}).")


def _prompts(pair: _Pair) -> str:
    low, high = min(pair.n_prompts), max(pair.n_prompts)
    return counted(high, "prompt") if low == high else f"{low} to {high} prompts"


def _measures(columns: Sequence[MeasureFacts]) -> str:
    """Metric titles, each with the titles of its measures among ``columns``."""
    titles: dict[str, list[str]] = {}
    for column in columns:
        metric = column.metric_title.lower() if column.metric_title[1:].islower() else column.metric_title
        titles.setdefault(metric, []).append(column.measure.title)
    return listed([f"{metric} ({', '.join(dict.fromkeys(measures))})" for metric, measures in titles.items()])


def _caveats(table: ResultsTable) -> list[str]:
    caveats: list[str] = []
    if table.report.comparisons:
        caveats.append(
            "“Better” and “worse” are used only where the paired difference over prompts is significant after Holm's correction for the "
            "number of comparisons. Every other difference is undecided, which does not mean equal."
        )
    if len(table.report.seeds) == 1:
        caveats.append("One seed per prompt: the effect of the seed cannot be separated from the quality of the generator.")
    for generator in table.report.generators:
        rows = [(column, table.row(generator.name, column)) for column in table.headline]
        thin = [column.measure.title for column, row in rows if row is not None and _is_thin(row)]
        if thin:
            caveats.append(f"{generator.label}: more than a quarter of its clips have no answer for {listed(list(dict.fromkeys(thin)))}.")
        without_clip = [(generator.n_refused, "refused"), (generator.n_failed, "failed"), (generator.n_other, "not finished")]
        if any(n for n, _ in without_clip):
            counts = listed([f"{n} {word}" for n, word in without_clip if n])
            caveats.append(f"{generator.label}: {counts} of {counted(generator.n_cells, 'request')}; its means are over the other clips.")
    return caveats


def _is_thin(row: SummaryRow) -> bool:
    return row.n_scored < THIN_COVERAGE * (row.n_scored + row.n_unscored)
