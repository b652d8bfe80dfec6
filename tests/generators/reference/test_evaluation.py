"""The table of an evaluation: shares of all clips, means over clips with an answer, twins paired by prompt."""

from __future__ import annotations

from pathlib import Path

from seedbench.generators.reference import heldout
from seedbench.generators.reference.evaluation import likeness_of
from seedbench.generators.reference.evaluation_table import EvaluatedClip, SeedResults, table_of
from seedbench.generators.simulator import Simulator
from seedbench.plugins.generator import Request
from seedbench.results.data import SummaryRow
from seedbench.suites.prompt import Prompt, Shot


def prompt(name: str, task: str) -> Prompt:
    return Prompt.model_validate(
        {"id": name, "text": "", "task": task, "duration_s": 2.0, "shots": [Shot(start_s=0, end_s=2.0).model_dump()]}
    )


def cell(generator: str, name: str, **values: float) -> EvaluatedClip:
    return EvaluatedClip(generator, name, {key.replace("__", "."): value for key, value in values.items()}, None, None)


def table(prompts: list[Prompt], cells: list[EvaluatedClip], likeness: dict[tuple[str, str], float] | None = None) -> str:
    return table_of([SeedResults(0, prompts, cells, {}, likeness or {})], trained="")


def column(text: str, row: str, of: str) -> str:
    lines = [[part.strip() for part in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    cells = next(line for line in lines if line[0] == row)
    return cells[lines[0].index(of)]


def test_shares_are_of_all_clips_and_means_of_those_with_an_answer() -> None:
    prompts = [prompt(f"talk-{n}", "talking") for n in range(4)]
    cells = [cell("joint", "talk-0", lipsync__offset_ms=10.0), cell("joint", "talk-1", lipsync__offset_ms=-90.0)]
    cells += [cell("joint", "talk-2"), cell("joint", "talk-3"), cell("cascaded", "talk-0", lipsync__offset_ms=110.0)]
    text = table(prompts, cells)
    assert column(text, "lip sync: answered", "joint").endswith("(2 of 4)")
    assert column(text, "lip sync: within 1 frame of zero, of those answered", "joint").endswith("(1 of 2)")
    assert column(text, "lip sync: mean absolute offset, ms", "joint").startswith("50 ")
    assert column(text, "lip sync: answered", "untrained") == "no clip"
    assert column(text, "distance to the simulator's clips (fd)", "joint") == "no answer"


def test_the_twins_are_compared_on_the_prompts_that_both_answer() -> None:
    prompts = [prompt(f"talk-{n}", "talking") for n in range(3)]
    cells = [cell("joint", asked.id, lipsync__offset_ms=10.0 + n) for n, asked in enumerate(prompts)]
    cells += [cell("cascaded", asked.id, lipsync__offset_ms=-(60.0 + 3 * n)) for n, asked in enumerate(prompts[:2])]
    text = table(prompts, cells)
    comparison = next(line for line in text.splitlines() if line.startswith("- absolute lip-sync offset"))
    assert "-51.00" in comparison  # means of 10 - 60 and 11 - 63
    assert comparison.endswith("2 prompts")
    assert "precision of sounds (positive: joint is better): no prompt on which both have an answer" in text


def test_likeness_is_read_by_strength() -> None:
    prompts = [prompt("strength-0-025", "strength"), prompt("strength-0-100", "strength")]
    text = table(prompts, [], {("joint", "strength-0-025"): 0.25, ("joint", "strength-0-100"): 0.75})
    assert column(text, "likeness to the picture at strength 0.25", "joint").startswith("0.25")
    assert column(text, "likeness to the picture at strength 1", "joint").startswith("0.75")
    assert column(text, "likeness to the picture at strength 0.5", "joint") == "no answer"


def test_equal_values_have_the_interval_of_their_range() -> None:
    prompts = [prompt(f"drop-{n}", "impact") for n in range(3)]
    cells = [cell("joint", asked.id, impact__recall=1.0) for asked in prompts]
    cells += [cell("cascaded", asked.id, impact__recall=0.25 * n) for n, asked in enumerate(prompts)]
    text = table(prompts, cells)
    row = "contacts with a sound within 120 ms (recall)"
    assert column(text, row, "joint") == "1.00 [0.29, 1.00] (n 3)"
    assert column(text, row, "cascaded").startswith("0.25 [")


def distance(value: float, low: float, high: float) -> SummaryRow:
    return SummaryRow(generator="joint", metric="video_distance", measure="fd", value=value, low=low, high=high, n_scored=4)


def test_prompts_of_several_seeds_are_different_prompts_though_they_share_ids() -> None:
    prompts = [prompt("talk-0", "talking"), prompt("talk-1", "talking")]
    seeds = [
        SeedResults(
            seed, prompts, [cell("joint", "talk-0", lipsync__offset_ms=offset), cell("joint", "talk-1")], {("joint", "fd"): row}, {}
        )
        for seed, offset, row in ((1, 10.0, distance(0.5, 0.2, 0.8)), (2, 30.0, distance(1.5, 1.1, 1.9)))
    ]
    text = table_of(seeds, trained="")
    assert text.startswith("| on 4 held-out prompts of 2 seeds |")
    assert column(text, "lip sync: answered", "joint").endswith("(2 of 4)")
    assert column(text, "lip sync: mean absolute offset, ms", "joint").startswith("20 ")
    assert column(text, "distance to the simulator's clips (fd)", "joint") == "1 [0.75, 1.25]"  # half widths .3 and .4: .5 / 2
    assert "| 1 | 1 of 2 |" in text
    assert "| 2 | 1 of 2 |" in text


def test_a_distance_that_one_seed_lacks_is_no_answer() -> None:
    prompts = [prompt("talk-0", "talking")]
    seeds = [SeedResults(1, prompts, [], {("joint", "fd"): distance(0.5, 0.2, 0.8)}, {}), SeedResults(2, prompts, [], {}, {})]
    assert column(table_of(seeds, trained=""), "distance to the simulator's clips (fd)", "joint") == "no answer"


def test_a_clip_that_looks_just_like_its_picture_has_a_likeness(tmp_path: Path) -> None:
    suite = heldout.write_suite(tmp_path / "held-out", prompts=1, seed=4242)
    (full,) = (p for p in suite.prompts if p.task == "strength" and p.references[0].strength == 1.0)
    Simulator().generate(Request(prompt=full, seed=4242, root=suite.file.parent), tmp_path)
    clip = EvaluatedClip("simulator", full.id, {}, tmp_path / "clip.mp4", None)
    reasons: list[str] = []
    likeness = likeness_of(suite, [clip], tmp_path, reasons.append)
    assert reasons == []
    assert likeness["simulator", full.id] > 0.9
