"""The sentences of a report say what the comparisons support and nothing else."""

from __future__ import annotations

from dataclasses import replace

from seedbench.report.findings import findings
from seedbench.results.data import RunReport
from seedbench.results.table import tabulate


def sentences(report: RunReport) -> list[str]:
    return [str(sentence) for sentence in findings(tabulate(report)).results]


def test_a_degraded_system_is_worse_on_the_degraded_measure_alone(report: RunReport) -> None:
    of_degraded = [sentence for sentence in sentences(report) if sentence.startswith("Simulator, sound 280 ms late")]
    assert of_degraded == ["Simulator, sound 280 ms late is worse than Simulator (ceiling) on lip sync (Audio offset) (3 prompts, paired)."]


def test_what_was_seen_is_said_apart_from_what_was_tested(report: RunReport) -> None:
    seen = [str(sentence) for sentence in findings(tabulate(report)).seen]
    assert seen[0] == (
        "Lip sync, audio offset: Simulator 12.0 ms, Simulator, sound 280 ms late 276 ms, Hosted model 58 ms, Clips of my own folder 40 ms."
    )


def test_without_comparisons_no_system_is_called_better(report: RunReport) -> None:
    assert sentences(replace(report, comparisons=())) == [
        "No two generators of this run were compared; the table shows each on its own.",
    ]


def test_undecided_is_not_called_equal(report: RunReport) -> None:
    level = replace(report, comparisons=tuple(replace(c, better=None) for c in report.comparisons))
    (sentence,) = sentences(level)
    assert sentence.startswith("No significant difference on lip sync (Audio offset)")
    assert sentence.endswith("this does not show that they are equal.")


def test_too_few_prompts_to_decide_anything_are_named(report: RunReport) -> None:
    why = "3 prompts cannot decide this; 8 are the fewest that could"
    few = replace(report, comparisons=tuple(replace(c, better=None, undecidable=why) for c in report.comparisons))
    (sentence,) = sentences(few)
    assert sentence.startswith("Not decided: lip sync (Audio offset)")
    assert sentence.endswith(f". {why}.")


def test_one_that_is_worse_than_all_others_is_named_once(report: RunReport) -> None:
    names = [generator.name for generator in report.generators]
    offset = next(facts.measure.name for facts in report.measures if facts.metric == "lipsync")
    pairs = [c for c in report.comparisons if c.measure == offset]
    apart = tuple(
        replace(c, exploratory=False, better=next((n for n in (c.generator_a, c.generator_b) if n != names[1]), None))
        if names[1] in (c.generator_a, c.generator_b)
        else replace(c, exploratory=False, better=None)
        for c in pairs
    )
    label = report.generators[1].label
    assert sentences(replace(report, comparisons=apart)) == [
        f"{label} is worse than every other generator on lip sync (Audio offset) (3 prompts, paired)."
    ]


def test_caveats_name_seeds_refusals_and_thin_coverage(report: RunReport) -> None:
    caveats = " ".join(findings(tabulate(report)).caveats)
    assert "One seed per prompt" in caveats
    assert "Hosted model: 1 refused and 1 failed of 4 requests" in caveats
    assert "Clips of my own folder: more than a quarter of its clips have no answer for Same face across shots." in caveats
    assert "One seed" not in " ".join(findings(tabulate(replace(report, seeds=(0, 1)))).caveats)


def test_a_title_that_metric_and_measure_share_is_said_once(report: RunReport) -> None:
    alike = tuple(replace(facts, metric_title=facts.measure.title) if facts.metric == "lipsync" else facts for facts in report.measures)
    assert findings(tabulate(replace(report, measures=alike))).seen[0].subject == "Audio offset"
