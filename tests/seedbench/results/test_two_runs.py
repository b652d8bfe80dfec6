"""Two runs side by side: what is paired, tested and shown, and the message when they share nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from seedbench.cli.runs import app
from seedbench.plugins.metric import Measure
from seedbench.results import two_runs
from seedbench.results.data import CellReport, MeasureFacts, RunReport, ScoreReport, SuiteFacts, SummaryRow
from seedbench.results.two_runs import ComparedRow, compare_runs

SHARE = Measure(name="share", title="Share", unit="share", direction="up", low=0.0, high=1.0, headline=True, meaning="")
OFFSET = Measure(name="offset", title="Offset", unit="ms", direction="zero", headline=True, meaning="")
DETAIL = Measure(name="detail", title="Detail", unit="", direction="up", meaning="")


def run_report(generator: str, **values: list[float]) -> RunReport:
    """A run of one generator: ``values`` of each measure, one for each prompt."""
    measures = tuple(MeasureFacts(metric="m", measure=m, metric_title="M", version=1, backend="b") for m in (SHARE, OFFSET, DETAIL))
    cells = [
        CellReport(
            generator=generator,
            prompt_id=f"p{index}",
            prompt_text="",
            task="text",
            seed=0,
            status="succeeded",
            scores=(ScoreReport(metric="m", measure=measure, value=value, status="scored", backend="b"),),
        )
        for measure, of_prompts in values.items()
        for index, value in enumerate(of_prompts)
    ]
    summary = [
        SummaryRow(generator=generator, metric="m", measure=name, value=sum(v) / len(v), n_scored=len(v), backend="b")
        for name, v in values.items()
    ]
    suite = SuiteFacts(name="s", version="1", sha256="0", n_prompts=3)
    return RunReport(
        name="", created_at="", suite=suite, seeds=(0,), generators=(), measures=measures, summary=tuple(summary), cells=tuple(cells)
    )


def compared(monkeypatch: pytest.MonkeyPatch, first: RunReport, second: RunReport) -> list[ComparedRow]:
    reports = {"first": first, "second": second}
    monkeypatch.setattr(two_runs, "load_report", lambda store, workspace, name: reports[name])
    monkeypatch.setattr(two_runs, "spec_of", lambda store, name: SimpleNamespace(prompts=()))
    return compare_runs(None, None, "first", "second")  # type: ignore[arg-type]


def test_the_difference_is_second_minus_first_over_common_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = compared(monkeypatch, run_report("g", share=[0.5, 0.25, 0.75]), run_report("g", share=[0.75, 0.75]))
    assert (row.generator, row.measure, row.n_prompts, row.in_both) == ("g", "m.share", 2, True)
    assert row.difference.startswith("+0.375 [")
    assert (row.first, row.second) == ("0.5 (3/3)", "0.75 (2/2)")


def test_an_offset_is_compared_by_its_absolute_value(monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = compared(monkeypatch, run_report("g", offset=[-50.0, -70.0]), run_report("g", offset=[30.0, 40.0]))
    assert row.difference.startswith("-25 ")


def test_p_values_are_adjusted_over_the_tests_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = [0.1, 0.21, 0.32, 0.43], [0.5, 0.62, 0.73, 0.84]
    offsets = [10.0, 21.0, 32.0, 40.0], [50.0, 60.0, 73.0, 84.0]
    (alone,) = compared(monkeypatch, run_report("g", share=shares[0]), run_report("g", share=shares[1]))
    both = compared(monkeypatch, run_report("g", share=shares[0], offset=offsets[0]), run_report("g", share=shares[1], offset=offsets[1]))
    assert float(both[0].p) >= float(alone.p)
    one_prompt = compared(monkeypatch, run_report("g", share=[0.5]), run_report("g", share=[0.25]))
    assert one_prompt[0].p == "too few prompts"


def test_only_headline_measures_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compared(monkeypatch, run_report("g", detail=[0.5]), run_report("g", detail=[0.5])) == []


def test_a_generator_of_one_run_alone_is_shown_and_not_paired(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = compared(monkeypatch, run_report("a", share=[0.5, 0.7]), run_report("b", share=[0.5, 0.7]))
    assert [(row.generator, row.first, row.second, row.in_both) for row in rows] == [
        ("a", "0.6 (2/2)", "not in this run", False),
        ("b", "not in this run", "0.6 (2/2)", False),
    ]
    assert {row.difference for row in rows} == {"no common prompt"}


@pytest.mark.parametrize("in_both", [None, False, True])
def test_runs_with_nothing_in_common_are_one_sentence(in_both: bool | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    row = ComparedRow(generator="g", measure="m.share", first="1", second="2", difference="+1", p="0.5", n_prompts=2, in_both=True)
    rows = [] if in_both is None else [replace(row, in_both=in_both)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(two_runs, "compare_runs", lambda *_: rows)
    monkeypatch.setattr(two_runs, "changed_prompts", lambda *_: [])
    output = CliRunner().invoke(app, ["compare", "first", "second"]).output
    assert ("nothing to compare: no generator has answers on the same headline measure in both runs" in output) == (not in_both)
    assert ("m.share" in output) == bool(rows)
    if not rows:
        assert output.count("\n") == 1
