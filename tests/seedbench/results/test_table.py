"""The results table: which columns a run has, what they contain, and what the comparisons support."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seedbench.plugins.metric import Measure
from seedbench.results.data import Comparison, GeneratorFacts, MeasureFacts, RunReport, ScoreReport, SuiteFacts, SummaryRow
from seedbench.results.table import ResultsTable, SystemStanding, tabulate

SHARE = Measure(name="share", title="Share", unit="share", direction="up", headline=True, meaning="")
DETAIL = Measure(name="detail", title="Detail", unit="", direction="up", meaning="")
CEILING = GeneratorFacts(name="real", label="Real", role="ceiling")
SYSTEMS = tuple(GeneratorFacts(name=name, label=name.upper()) for name in ("a", "b", "c"))


def facts(measure: Measure = SHARE, backend: str = "x") -> MeasureFacts:
    return MeasureFacts(metric="m", measure=measure, metric_title="M", version=1, backend=backend)


def row(generator: str, value: float | None = 0.5, backend: str = "x") -> SummaryRow:
    reason = "" if value is not None else "no face"
    return SummaryRow(generator=generator, metric="m", measure="share", value=value, n_scored=3, backend=backend, reason=reason)


def pair(a: str, b: str, better: str | None = None, difference: float | None = 0.1) -> Comparison:
    return Comparison(
        metric="m", measure="share", generator_a=a, generator_b=b, difference=difference, n_prompts=3, better=better, backend="x"
    )


def table(
    *comparisons: Comparison,
    generators: tuple[GeneratorFacts, ...] = (CEILING, *SYSTEMS),
    measures: tuple[MeasureFacts, ...] = (facts(),),
    summary: tuple[SummaryRow, ...] = (),
) -> ResultsTable:
    suite = SuiteFacts(name="s", version="1", sha256="0", n_prompts=3)
    return tabulate(
        RunReport(
            name="",
            created_at="",
            suite=suite,
            seeds=(0,),
            generators=generators,
            measures=measures,
            summary=summary,
            comparisons=comparisons,
        )
    )


def test_backends_have_columns_of_their_own_after_their_measure() -> None:
    results = table(measures=(facts(backend=""), facts(DETAIL)), summary=(row("a"), row("b", backend="y")))
    assert [column.key for column in results.columns] == [("m", "share", "x"), ("m", "share", "y"), ("m", "detail", "x")]
    assert [column.key for column in results.headline] == [("m", "share", "x"), ("m", "share", "y")]


def test_a_measure_without_any_backend_keeps_its_column() -> None:
    results = table(measures=(facts(backend=""),), summary=(row("a", None, backend=""),))
    assert [column.key for column in results.columns] == [("m", "share", "")]
    assert results.position(row("a", None, backend="")) == 0


def test_a_row_without_a_backend_appears_in_every_column_of_its_measure() -> None:
    no_answer = row("b", None, backend="")
    results = table(summary=(row("a"), row("a", 0.7, backend="y"), no_answer))
    assert [results.row("b", column) for column in results.columns] == [no_answer, no_answer]
    assert [results.row("c", column) for column in results.columns] == [None, None]
    assert results.row("a", results.columns[1]) == row("a", 0.7, backend="y")


def test_a_score_without_a_backend_belongs_to_the_first_column_of_its_measure() -> None:
    results = table(measures=(facts(DETAIL), facts(), facts(backend="y")))
    score = ScoreReport(metric="m", measure="share", value=None, status="unscored", reason="no face")
    assert [results.position(replace(score, backend=backend)) for backend in ("", "x", "y")] == [1, 1, 2]


def test_a_comparison_is_known_whichever_generator_it_names_first() -> None:
    results = table(pair("a", "b"))
    (column,) = results.columns
    assert results.comparison(column, "b", "a") == results.comparison(column, "a", "b") == pair("a", "b")
    assert results.comparison(column, "a", "c") is None


@pytest.mark.parametrize(
    ("better", "difference", "expected"), [("real", 0.1, "worse"), ("a", 0.1, "better"), (None, 0.1, "level"), (None, None, "")]
)
def test_the_standing_against_the_ceiling_is_what_the_comparison_supports(
    better: str | None, difference: float | None, expected: str
) -> None:
    results = table(pair("real", "a", better, difference))
    (column,) = results.columns
    assert results.standing("a", column) == SystemStanding(expected)
    assert results.standing("real", column) == SystemStanding()


def test_a_system_leads_only_where_it_is_better_than_every_other_system() -> None:
    (column,) = table().columns
    won = (pair("a", "b", "a"), pair("c", "a", "a"))
    assert table(*won).standing("a", column).leads
    assert not table(won[0]).standing("a", column).leads
    assert not table(won[0], pair("c", "a", None)).standing("a", column).leads
    assert not table(generators=SYSTEMS[:1]).standing("a", column).leads


def test_a_measure_without_a_direction_has_no_standing() -> None:
    level = facts(replace(SHARE, direction="none"))
    results = table(pair("real", "a", "real"), measures=(level,))
    assert results.standing("a", level) == SystemStanding()


def test_a_value_of_an_undeclared_measure_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"m\.share has a score but is not among the report's measures"):
        table(measures=(facts(DETAIL),), summary=(row("a"),))
