"""What a run shows, in sentences: what was seen, what the tests of the run support, and what limits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seedbench.report.wording import counted, listed, unit_of, value_and_interval
from seedbench.results.data import GeneratorFacts, MeasureFacts, SummaryRow
from seedbench.results.table import ResultsTable

#: Below this share of scored clips the caveats name the measure.
THIN_COVERAGE = 0.75


@dataclass(frozen=True)
class Sentence:
    """One sentence on the result.

    Attributes:
        subject: The label of the generator, or the title of the measure, that it begins with; may be empty.
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
        results: What the tests support, and what they cannot decide.
        seen: What was seen under the primary measure of each metric: described, not tested.
        caveats: What weakens it.
    """

    results: tuple[Sentence, ...]
    seen: tuple[Sentence, ...]
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class _Result:
    """What the tests support of one generator against some others, the same in some columns."""

    subject: str
    verb: str
    others: tuple[str, ...]


def findings(table: ResultsTable) -> Findings:
    """The result of a run in plain sentences, from the tests of its primary measures.

    Args:
        table: The results of the run.

    Returns:
        The sentences. None of those in ``results`` says "better" or "worse" unless a test supports it.
    """
    columns = [column for column in table.headline if any(not c.exploratory for c in table.comparisons[column.key])]
    supported: dict[_Result, list[MeasureFacts]] = {}
    for column in columns:
        for result in _supported(table, column):
            supported.setdefault(result, []).append(column)
    results = [_sentence(table, result, of_result) for result, of_result in supported.items()]
    results += _undecided(table, columns)
    if not results:
        results.append(Sentence("", "No two generators of this run were compared; the table shows each on its own."))
    seen = tuple(sentence for column in columns if (sentence := _description(table, column)) is not None)
    return Findings(tuple(results), seen, tuple(_caveats(table)))


def _supported(table: ResultsTable, column: MeasureFacts) -> list[_Result]:
    """Who is better or worse than whom in a column, said of the one that is apart from most others."""
    pairs = [c for c in table.comparisons[column.key] if c.better is not None]
    sets = any(c.of_sets for c in pairs)
    better, worse = ("nearer", "further") if sets else ("better", "worse")
    wins: dict[str, list[str]] = {}
    losses: dict[str, list[str]] = {}
    for pair in pairs:
        winner = pair.better or ""
        loser = pair.generator_b if winner == pair.generator_a else pair.generator_a
        wins.setdefault(winner, []).append(loser)
        losses.setdefault(loser, []).append(winner)
    ceilings = {ceiling.name for ceiling in table.ceilings}
    left = {(winner, loser) for winner, losers in wins.items() for loser in losers}
    named = [
        (name, verb, others) for verb, sides in ((better, wins), (worse, losses)) for name, others in sides.items() if name not in ceilings
    ]
    results = []
    for name, verb, others in sorted(named, key=lambda item: -len(item[2])):
        open_pairs = [other for other in others if ((other, name) if verb == worse else (name, other)) in left]
        if open_pairs:
            results.append(_Result(name, verb, tuple(open_pairs)))
            left -= {(other, name) if verb == worse else (name, other) for other in open_pairs}
    return results


def _sentence(table: ResultsTable, result: _Result, columns: Sequence[MeasureFacts]) -> Sentence:
    labels = {generator.name: generator.label for generator in table.report.generators}
    ceilings = {ceiling.name for ceiling in table.ceilings}
    everyone = len(result.others) == len(labels) - 1 > 1
    others = "every other generator" if everyone else listed([labels[n] + (" (ceiling)" if n in ceilings else "") for n in result.others])
    prompts = _prompts(table, columns, (result.subject, *result.others))
    if result.verb in ("better", "worse"):
        return Sentence(labels[result.subject], f" is {result.verb} than {others} on {_measures(columns)} ({prompts}, paired).")
    than, not_said = ("nearer to", "better") if result.verb == "nearer" else ("further from", "worse")
    text = (
        f"'s clips are {than} the reference set than those of {others} by {_measures(columns)}; this does not say that they are {not_said}."
    )
    return Sentence(labels[result.subject], text)


def _undecided(table: ResultsTable, columns: Sequence[MeasureFacts]) -> list[Sentence]:
    """What no test decided: how many prompts could where these are too few, and that the others show no equality."""
    open_columns = [column for column in columns if not any(c.better for c in table.comparisons[column.key])]
    reasons: dict[str, list[MeasureFacts]] = {}
    for column in open_columns:
        reason = next((c.undecidable for c in table.comparisons[column.key] if c.undecidable), "")
        reasons.setdefault(reason, []).append(column)
    level = reasons.pop("", [])
    sentences = [Sentence("", f"Not decided: {_measures(of_reason)}. {reason}.") for reason, of_reason in reasons.items()]
    if level:
        prompts = _prompts(table, level, None)
        sentences.append(
            Sentence("", f"No significant difference on {_measures(level)} ({prompts}, paired); this does not show that they are equal.")
        )
    return sentences


def _prompts(table: ResultsTable, columns: Sequence[MeasureFacts], generators: Sequence[str] | None) -> str:
    counts = [
        comparison.n_prompts
        for column in columns
        for comparison in table.comparisons[column.key]
        if not comparison.exploratory and comparison.difference is not None
        if generators is None or {comparison.generator_a, comparison.generator_b} <= set(generators)
    ]
    low, high = min(counts), max(counts)
    return counted(high, "prompt") if low == high else f"{low} to {high} prompts"


def _description(table: ResultsTable, column: MeasureFacts) -> Sentence | None:
    """The values of all generators in a column; None where it has fewer than two."""
    rows = [(generator, table.row(generator.name, column)) for generator in table.report.generators]
    shown = [
        f"{generator.label} {_value(table, column, generator, row)}" for generator, row in rows if row is not None and row.value is not None
    ]
    if len(shown) < 2:
        return None
    metric, measure = column.metric_title, column.measure.title
    subject = metric if measure == metric else f"{metric}, {measure[0].lower()}{measure[1:]}"
    return Sentence(subject, f": {', '.join(shown)}.")


def _value(table: ResultsTable, column: MeasureFacts, generator: GeneratorFacts, row: SummaryRow) -> str:
    """A value in words: of a share the clips that have it, else the summary."""
    if column.measure.rate:
        position = table.positions[column.key]
        scores = [score for cell in table.report.cells if cell.generator == generator.name for score in cell.scores]
        values = [score.value for score in scores if score.value is not None and table.position(score) == position]
        if values:
            return f"{sum(value == 1 for value in values)} of {len(values)}"
    shown = value_and_interval(column.measure, row.value or 0.0, row.low, row.high)[0]
    unit = unit_of(column.measure)
    tells_nothing = not unit or unit == "0..1" or "unit" in unit
    return shown if tells_nothing else shown + unit if unit == "%" else f"{shown} {unit}"


def _measures(columns: Sequence[MeasureFacts]) -> str:
    """Metric titles, each with the titles of its measures among ``columns``."""
    titles: dict[str, list[str]] = {}
    for column in columns:
        metric = column.metric_title.lower() if column.metric_title[1:].islower() else column.metric_title
        titles.setdefault(metric, []).append(column.measure.title)
    return listed([f"{metric} ({', '.join(dict.fromkeys(measures))})" for metric, measures in titles.items()])


def _caveats(table: ResultsTable) -> list[str]:
    caveats: list[str] = []
    if any(not comparison.exploratory for comparison in table.report.comparisons):
        against = f"against {table.ceilings[0].label}" if table.ceilings else "over all pairs of generators"
        caveats.append(
            f"Tested is one measure of each metric, {against}, paired by prompt, with Holm's correction for the number of metrics. "
            "“Better” and “worse” are said of nothing else. Other measures and pairs are exploratory: their p-values count no other test."
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
