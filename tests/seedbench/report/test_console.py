"""Summaries on the terminal: readable at any width, with any number of systems; nothing is cut and nothing is left out in silence."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from seedbench.plugins.metric import Measure
from seedbench.report.console import summary_of
from seedbench.results.data import GeneratorFacts, MeasureFacts, RunReport, SuiteFacts, SummaryRow

LONG = "laboratories/checkpoint-of-step-{:04d}-of-a-training-run-with-a-long-name"
MEASURES = tuple(
    MeasureFacts(
        metric=metric,
        measure=Measure(name=f"m{index}", title=title, unit=unit, direction=direction, meaning="", headline=index < 9),
        metric_title=metric.capitalize(),
        version=1,
        backend="b",
    )
    for index, (metric, title, unit, direction) in enumerate(
        (
            ("lips", "In sync", "%", "up"),
            ("lips", "Audio-visual offset", "ms", "zero"),
            ("lips", "Lips fit the sound", "", "up"),
            ("faces", "Same face across shots", "", "up"),
            ("motion", "Energy gained", "J/kg", "zero"),
            ("motion", "Falls with the measured gravity", "m/s2", "none"),
            ("sets", "Fréchet video distance", "", "down"),
            ("sounds", "Contacts that are heard when they are seen", "ms", "zero"),
            ("sounds", "Found", "", "up"),
            ("sounds", "Not a headline", "", "up"),
        )
    )
)


def value_of(system: int, measure: int) -> float:
    return (system + 1.37) * 10.0 ** (measure - 3) * (-1) ** measure


def row(generator: str, system: int, facts: MeasureFacts) -> SummaryRow:
    names = {"generator": generator, "metric": facts.metric, "measure": facts.measure.name}
    measure = MEASURES.index(facts)
    if measure == 2 or (system + measure) % 7 == 0:
        reason = "no face is seen" if measure == 2 else "only 0.0 s of speech, at least 1.5 s are needed"
        return SummaryRow(**names, value=None, n_scored=0, n_unscored=6, reason=reason)
    value = value_of(system, measure)
    return SummaryRow(
        **names, value=value, low=value - abs(value) / 9, high=value + abs(value) / 7, n_scored=5, n_refused=system % 2, backend="b"
    )


def report_of(n_systems: int, label: str = "model-{}") -> RunReport:
    generators = tuple(
        GeneratorFacts(name=f"g{index}", label=label.format(index), role="ceiling" if index == 0 else "system")
        for index in range(n_systems)
    )
    return RunReport(
        name="a run",
        created_at="2026-01-01",
        suite=SuiteFacts(name="core", version="1", sha256="", n_prompts=6),
        seeds=(0,),
        generators=generators,
        measures=MEASURES,
        summary=tuple(row(generator.name, index, facts) for index, generator in enumerate(generators) for facts in MEASURES),
    )


def printed(report: RunReport, width: int, *, every_measure: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width)
    for part in summary_of(report, width=width, every_measure=every_measure):
        console.print(part)
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("n_systems", [1, 2, 3, 7, 34])
@pytest.mark.parametrize("label", ["m{}", "model-{}", LONG])
def test_no_line_is_longer_than_the_terminal_and_no_number_is_cut(width: int, n_systems: int, label: str) -> None:
    from seedbench.report.wording import value_and_interval

    report = report_of(n_systems, label)
    text = printed(report, width)
    assert max(map(len, text.splitlines())) <= width
    known = {"5/6", "1", "0.0", "1.5", "0", "95", *(f"{n}" for n in range(n_systems + 10))}
    for summary in report.summary:
        if summary.value is not None:
            measure = next(facts.measure for facts in MEASURES if facts.measure.name == summary.measure)
            value, interval = value_and_interval(measure, summary.value, summary.low, summary.high)
            known |= {value, *interval.split(" to ")}
    table = text.split("value [95%")[0]
    for number in re.findall(r"(?<![\w.…-])[−]?\d[\d.]*(?:e[+-]?\d+)?(?![\w.…-])", table.replace("m/s2", "").replace("/", " ")):
        assert number in known, f"{number} is a part of a number\n{text}"


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("label", ["model-{}", LONG])
def test_every_system_is_a_row_with_a_name_of_its_own(width: int, label: str) -> None:
    lines = printed(report_of(34, label), width).splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("──"))
    names = [line.split("  ")[0].removesuffix(" (ceiling)") for line in lines[first + 1 : first + 35]]
    assert len(set(names)) == 34
    assert "(ceiling)" in lines[first + 1]


def test_measures_that_do_not_fit_are_counted_and_the_report_is_named() -> None:
    text = " ".join(printed(report_of(34), 80).split())
    assert "In sync" in text
    assert "Contacts that are heard" not in text
    assert re.search(r"[1-7] of 9 measures are not shown for want of room; the report has them all: seedbench report 'a run'", text)


def test_few_systems_have_all_measures_whatever_the_width() -> None:
    for width in (80, 120, 200):
        text = printed(report_of(4), width)
        assert "not shown" not in text
        assert all(facts.measure.title.split()[-1] in text for facts in MEASURES[:9])


def test_a_reason_stands_below_the_table_once() -> None:
    text = printed(report_of(34), 120)
    assert text.count("only 0.0 s of speech, at least 1.5 s are needed") == 1
    assert "Lips, Lips fit the sound ↑: no value of any generator" in text
    assert text.count("no face is seen") == 1


def test_two_systems_stand_beside_each_other_with_their_reasons_in_full() -> None:
    text = printed(report_of(2), 80)
    assert "Measure" in text
    assert "no face is seen" in text


def test_the_terminal_table_shows_values_reasons_and_marks(report: RunReport) -> None:
    odd = replace(report.generators[1], label="[bold]odd[/bold]")
    odd_report = replace(report, generators=(report.generators[0], odd, *report.generators[2:]))
    for width in (200, 80):
        text = printed(odd_report, width)
        assert "276 [259 to 292] ▼" in text
        assert "[bold]odd[/bold]" in text
        assert "Signed offset" not in text
        assert "Signed offset" in printed(odd_report, width, every_measure=True)


def test_systems_without_any_value_are_rows_all_the_same() -> None:
    report = report_of(34)
    empty = tuple(
        SummaryRow(generator=row.generator, metric=row.metric, measure=row.measure, value=None, n_scored=0, reason="no face is seen")
        for row in report.summary
    )
    text = printed(replace(report, summary=empty), 80)
    assert all(f"model-{index} " in text for index in range(34))
    assert text.count("no face is seen") == 1
