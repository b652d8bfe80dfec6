"""The sentences of a report say what the comparisons support and nothing else."""

from __future__ import annotations

from dataclasses import replace

from seedbench.report.findings import findings
from seedbench.results.data import RunReport
from seedbench.results.table import tabulate


def sentences(report: RunReport) -> list[str]:
    return [str(sentence) for sentence in findings(tabulate(report)).results]


def test_a_degraded_system_is_worse_on_the_degraded_measures_alone(report: RunReport) -> None:
    sentence = next(s for s in sentences(report) if s.startswith("Simulator, sound 280 ms late is worse than Simulator"))
    assert sentence == (
        "Simulator, sound 280 ms late is worse than Simulator (ceiling) on lip sync (Audio offset, In sync); "
        "2 other headline measures show no significant difference (3 prompts, paired)."
    )


def test_without_comparisons_no_system_is_called_better(report: RunReport) -> None:
    assert sentences(replace(report, comparisons=())) == [
        "No two generators of this run were compared; the table shows each on its own.",
    ]


def test_undecided_is_not_called_equal(report: RunReport) -> None:
    level = replace(report, comparisons=tuple(replace(c, better=None) for c in report.comparisons))
    assert all("not differ significantly" in sentence for sentence in sentences(level))
    assert "this does not show that they are equal" in sentences(level)[0]


def test_many_systems_are_described_by_who_leads(report: RunReport) -> None:
    more = tuple(replace(report.generators[3], name=f"x{i}", label=f"X{i}") for i in range(3))
    of_many = sentences(replace(report, generators=(*report.generators, *more)))
    assert not any(" is better than Hosted model" in sentence for sentence in of_many)
    assert of_many[-1] == "No single system is best on 5 headline measures."


def test_caveats_name_seeds_refusals_and_thin_coverage(report: RunReport) -> None:
    caveats = " ".join(findings(tabulate(report)).caveats)
    assert "One seed per prompt" in caveats
    assert "Hosted model: 1 refused and 1 failed of 4 requests" in caveats
    assert "Clips of my own folder: more than a quarter of its clips have no answer for Same face across shots." in caveats
    assert "One seed" not in " ".join(findings(tabulate(replace(report, seeds=(0, 1)))).caveats)
