"""The sentences of a report say what the comparisons support and nothing else."""

from __future__ import annotations

from dataclasses import replace

from seedbench.report.findings import findings
from seedbench.results.data import RunReport
from seedbench.results.table import tabulate


def sentences(report: RunReport) -> list[str]:
    return [str(sentence) for sentence in findings(tabulate(report)).results]


def test_the_broken_one_is_said_to_lose_where_it_was_broken_and_only_there(report: RunReport) -> None:
    said = next(s for s in sentences(report) if s.startswith("Simulator, sound 280 ms late falls short of Simulator"))
    assert said == (
        "Simulator, sound 280 ms late falls short of Simulator (ceiling) on lip sync (Audio offset, In sync); "
        "2 other headline measures do not separate them (3 prompts, paired)."
    )


def test_without_comparisons_nobody_is_better(report: RunReport) -> None:
    assert sentences(replace(report, comparisons=())) == [
        "No two generators of this run were compared; the table shows each by itself.",
    ]


def test_undecided_is_not_called_equal(report: RunReport) -> None:
    level = replace(report, comparisons=tuple(replace(c, better=None) for c in report.comparisons))
    assert all("not separated" in sentence for sentence in sentences(level))
    assert "that does not make them equal" in sentences(level)[0]


def test_many_systems_are_told_by_who_leads(report: RunReport) -> None:
    more = tuple(replace(report.generators[3], name=f"x{i}", label=f"X{i}") for i in range(3))
    said = sentences(replace(report, generators=(*report.generators, *more)))
    assert not any(" is better than Hosted model" in sentence for sentence in said)
    assert said[-1] == "No single system is best on 5 headline measures."


def test_caveats_name_seeds_refusals_and_thin_coverage(report: RunReport) -> None:
    said = " ".join(findings(tabulate(report)).caveats)
    assert "One seed a prompt" in said
    assert "Hosted model: of 4 requests 1 refused and 1 failed" in said
    assert "Clips of my own folder: more than a quarter of its clips have no answer for Same face across shots." in said
    assert "One seed" not in " ".join(findings(tabulate(replace(report, seeds=(0, 1)))).caveats)
