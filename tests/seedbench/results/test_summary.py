"""The summary: every rule by which the scores of clips become rows and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.results.comparison import compare_all
from seedbench.results.data import SummaryRow
from seedbench.results.differences import paired_difference
from seedbench.results.intervals import mean_interval, rate_interval
from seedbench.results.summary import ClipScore, Coverage, summarise

SHARE = Measure(name="share", title="Share", unit="share", direction="up", low=0.0, high=1.0, headline=True, meaning="")
ERROR = Measure(name="error", title="Error", unit="px", direction="down", low=0.0, headline=True, meaning="")
OFFSET = Measure(name="offset", title="Offset", unit="ms", direction="zero", low=-600.0, high=600.0, headline=True, meaning="")
LEVEL = Measure(name="level", title="Level", unit="dB", direction="none", headline=True, meaning="")
RATE = Measure(name="rate", title="Rate", unit="share", direction="up", low=0.0, high=1.0, rate=True, headline=True, meaning="")
ASIDE = Measure(name="aside", title="Aside", unit="", direction="up", meaning="")


def info(*measures: Measure, min_n: int = 1) -> dict[str, MetricInfo]:
    return {"m": MetricInfo(name="m", title="M", meaning="", citation="", version=1, measures=measures, min_n=min_n)}


def line(prompt: str, value: float | None, measure: str = "share", generator: str = "g", **more: object) -> ClipScore:
    status = "unscored" if value is None else "scored"
    plain = ClipScore(generator=generator, prompt_id=prompt, seed=0, metric="m", measure=measure, value=value, status=status, backend="b")
    return replace(plain, **more)  # type: ignore[arg-type]


def row(lines: Sequence[ClipScore], measure: Measure = SHARE, without: tuple[str, ...] = (), other: int = 0, min_n: int = 1) -> SummaryRow:
    counts = Coverage(applicable=len(lines) + len(without), without_clip=without, not_applicable=other)
    (summary,) = summarise(lines, info(measure, min_n=min_n), ["g"], {("g", "m"): counts})
    return summary


def test_the_prompt_is_the_unit_however_many_seeds_it_has() -> None:
    summary = row([line("p", 0.0), line("p", 0.0), line("p", 0.0), line("q", 1.0)])
    assert summary.value == 0.5
    assert (summary.n_scored, summary.method) == (4, "mean-over-prompts/t95")


def test_a_prompt_without_clips_counts_once_in_the_worst_case() -> None:
    lines = [line(prompt, 1.0, seed=seed) for prompt in ("p", "q", "r") for seed in range(3)]
    summary = row(lines, without=("s", "s", "s"))
    assert (summary.value, summary.n_scored, summary.n_failed) == (1.0, 9, 3)
    assert summary.worst_case == 0.75


def test_what_a_generator_refused_is_counted_apart_from_what_failed() -> None:
    counts = Coverage(applicable=4, without_clip=("q", "r", "s"), not_applicable=0, n_refused=2)
    (summary,) = summarise([line("p", 1.0)], info(SHARE), ["g"], {("g", "m"): counts})
    assert (summary.n_scored, summary.n_failed, summary.n_refused, summary.n_asked) == (1, 1, 2, 4)
    assert summary.worst_case == 0.25
    refused = Coverage(applicable=2, without_clip=("q", "r"), not_applicable=0, n_refused=2)
    (summary,) = summarise([], info(SHARE), ["g"], {("g", "m"): refused})
    assert (summary.value, summary.reason) == (None, "no clip: the generator refused the prompts")


def test_a_missing_clip_counts_within_its_prompt() -> None:
    lines = [line("p", 1.0), line("p", 1.0), line("q", 1.0), line("q", 1.0)]
    assert row(lines, without=("q",)).worst_case == pytest.approx((1 + 2 / 3) / 2)


def test_a_missing_answer_counts_within_its_prompt_and_is_never_averaged() -> None:
    summary = row([line("p", 1.0), line("p", None, reason="no face"), line("q", 0.5), line("q", None, status="failed", reason="broke")])
    assert (summary.value, summary.n_scored, summary.n_unscored, summary.n_failed) == (0.75, 2, 1, 1)
    assert summary.worst_case == pytest.approx((0.5 + 0.25) / 2)


def test_the_worst_case_of_full_coverage_is_the_mean() -> None:
    summary = row([line("p", 0.25), line("q", 0.5)])
    assert summary.worst_case == summary.value == 0.375


def test_a_missing_answer_of_an_unbounded_error_counts_as_the_worst_error_observed() -> None:
    assert row([line("p", 2.0, "error"), line("q", 6.0, "error")], ERROR, without=("r",)).worst_case == pytest.approx((2 + 6 + 6) / 3)


def test_an_offset_is_summarised_by_its_absolute_value_and_a_missing_one_counts_as_its_bound() -> None:
    summary = row([line("p", 80.0, "offset"), line("q", -40.0, "offset")], OFFSET, without=("r",))
    assert summary.value == 60.0
    assert summary.low == 0.0  # a mean absolute value is never below 0, whatever its t interval says
    assert summary.method == "mean-absolute/mean-over-prompts/t95"
    assert summary.worst_case == pytest.approx((80 + 40 + 600) / 3)


def test_a_descriptive_measure_has_no_worst_case_once_a_clip_is_missing() -> None:
    lines = [line("p", -20.0, "level"), line("q", -30.0, "level")]
    assert row(lines, LEVEL).worst_case == -25.0
    assert row(lines, LEVEL, without=("r",)).worst_case is None


def test_an_interval_stays_within_the_range_of_its_measure() -> None:
    values = {"p": 0.9, "q": 1.0, "r": 0.2}
    summary = row([line(prompt, value) for prompt, value in values.items()])
    plain = mean_interval(list(values.values()), list(values))
    assert plain.low is not None
    assert plain.high is not None
    assert plain.low < 0
    assert plain.high > 1
    assert (summary.low, summary.high) == (0.0, 1.0)


def test_a_rate_has_the_interval_of_a_rate() -> None:
    lines = [line(prompt, value, "rate") for prompt, value in (("p", 1.0), ("p", 0.0), ("q", 1.0), ("r", 0.0))]
    expected = rate_interval([1, 0, 1, 0], ["p", "p", "q", "r"])
    summary = row(lines, RATE)
    assert (summary.value, summary.low, summary.high, summary.method) == (expected.value, expected.low, expected.high, expected.method)


def test_backends_are_never_pooled() -> None:
    lines = [line("p", 1.0), line("q", 0.0, backend="c"), line("r", None, reason="no face", backend="c")]
    counts = {("g", "m"): Coverage(applicable=3, without_clip=(), not_applicable=0)}
    rows = summarise(lines, info(SHARE), ["g"], counts)
    assert [(summary.backend, summary.value, summary.n_scored, summary.n_unscored) for summary in rows] == [
        ("b", 1.0, 1, 1),
        ("c", 0.0, 1, 1),
    ]


def test_rows_follow_the_order_of_measures_and_generators() -> None:
    lines = [line("p", 1.0, measure, generator) for generator in ("h", "g") for measure in ("error", "share")]
    counts = {(generator, "m"): Coverage(applicable=1, without_clip=(), not_applicable=0) for generator in ("g", "h")}
    rows = summarise(lines, info(SHARE, ERROR), ["h", "g"], counts)
    assert [(summary.generator, summary.measure) for summary in rows] == [("h", "share"), ("h", "error"), ("g", "share"), ("g", "error")]


def test_too_few_clips_give_the_count_and_no_value() -> None:
    summary = row([line("p", 1.0)], min_n=2)
    assert (summary.value, summary.low, summary.worst_case, summary.reason) == (None, None, None, "1 scored clip; 2 are needed")


@pytest.mark.parametrize(
    ("lines", "without", "reason"),
    [
        ([line("p", None, reason="no face"), line("q", None, reason="silent"), line("r", None, reason="no face")], (),
         "no face (and 1 other reason)"),
        ([], ("p",), "no clip"),
        ([], (), "no prompt asks for what it measures"),
    ],
)  # fmt: skip
def test_a_missing_summary_has_its_reason(lines: list[ClipScore], without: tuple[str, ...], reason: str) -> None:
    summary = row(lines, without=without, other=3)
    assert (summary.value, summary.worst_case, summary.reason, summary.n_not_applicable) == (None, None, reason, 3)


def test_a_score_without_a_value_is_an_error_in_the_table() -> None:
    with pytest.raises(ValueError, match=r"m\.share has the status scored but no value"):
        row([line("p", None, status="scored")])


def many(generator: str, *values: float, measure: str = "share", **more: object) -> list[ClipScore]:
    return [line(f"p{index}", value, measure, generator, **more) for index, value in enumerate(values)]


BETTER, WORSE = (0.91, 0.85, 0.88, 0.93, 0.9, 0.86), (0.31, 0.22, 0.29, 0.38, 0.24, 0.33)


def test_a_comparison_is_the_paired_difference_with_the_better_one_named() -> None:
    (comparison,) = compare_all([*many("a", *WORSE), *many("b", *BETTER)], info(SHARE), ["a", "b"])
    paired = paired_difference({f"p{i}": [v] for i, v in enumerate(WORSE)}, {f"p{i}": [v] for i, v in enumerate(BETTER)})
    assert (comparison.difference, comparison.low, comparison.high, comparison.n_prompts) == (paired.difference, paired.low, paired.high, 6)
    assert (comparison.p, comparison.p_adjusted) == (paired.p, 2 / 2**6)
    assert comparison.better == "b"
    assert comparison.method == f"{paired.method}/holm-1"


def test_a_comparison_follows_the_direction_of_its_measure_and_the_absolute_value_of_an_offset() -> None:
    (error,) = compare_all([*many("a", *WORSE, measure="error"), *many("b", *BETTER, measure="error")], info(ERROR), ["a", "b"])
    assert error.better == "a"
    signed = [-200.0, 210.0, -190.0, 205.0, -195.0, 202.0]
    near = [-20.0, 12.0, 8.0, -15.0, 11.0, 9.0]
    (offset,) = compare_all([*many("a", *signed, measure="offset"), *many("b", *near, measure="offset")], info(OFFSET), ["a", "b"])
    assert offset.better == "b"
    assert offset.difference == pytest.approx((sum(map(abs, signed)) - sum(map(abs, near))) / 6)


def test_a_rate_is_decided_by_sign_flips() -> None:
    ones, zeros = [1.0] * 6, [0.0] * 6
    (comparison,) = compare_all([*many("a", *ones, measure="rate"), *many("b", *zeros, measure="rate")], info(RATE), ["a", "b"])
    assert comparison.p_adjusted == 2 / 2**6
    assert comparison.better == "a"


def test_equal_differences_over_two_prompts_are_not_significant() -> None:
    (comparison,) = compare_all([*many("a", 1.0, 2 / 3), *many("b", 2 / 3, 1 / 3)], info(SHARE), ["a", "b"])
    assert (comparison.p_adjusted, comparison.better) == (0.5, None)


def test_an_interval_that_is_missing_has_its_reason() -> None:
    summary = row([line("p", 2.0, "error"), line("q", 2.0, "error"), line("r", 2.0, "error")], ERROR)
    assert (summary.value, summary.low, summary.high) == (2.0, None, None)
    assert summary.reason == "all 3 prompts have the same value, and the measure is not bounded on both sides"
    assert row([line("p", 0.5)]).reason == "one prompt: an interval needs two"
    (pair,) = compare_all([*many("a", 3.0, 4.0, measure="error"), *many("b", 1.0, 2.0, measure="error")], info(ERROR), ["a", "b"])
    assert (pair.difference, pair.low, pair.reason) == (
        2.0,
        None,
        "all 2 prompts have the same value, and the measure is not bounded on both sides",
    )


def test_equal_shares_have_the_interval_that_their_range_leaves_open() -> None:
    summary = row([line("p", 1.0), line("q", 1.0), line("r", 1.0)])
    assert (summary.low, summary.high, summary.method) == (pytest.approx(0.025 ** (1 / 3)), 1.0, "mean-over-prompts/range95")
    same = [-600.0, 600.0, 600.0]
    assert row([line(str(i), value, "offset") for i, value in enumerate(same)], OFFSET).low == pytest.approx(600 * 0.025 ** (1 / 3))


def test_pairs_of_one_measure_are_tested_together() -> None:
    lines = [*many("a", *BETTER), *many("b", *WORSE), *many("c", *WORSE[::-1])]
    comparisons = compare_all(lines, info(SHARE), ["a", "b", "c"])
    assert [(comparison.generator_a, comparison.generator_b) for comparison in comparisons] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [comparison.better for comparison in comparisons] == ["a", "a", None]
    assert all(comparison.method.endswith("/permuted-within-prompts/20000-seed0/holm-1") for comparison in comparisons)


def test_one_failure_on_every_prompt_among_four_generators_is_decided() -> None:
    lines = [score for name in "abc" for score in many(name, *[1.0] * 6, measure="rate")] + many("d", *[0.0] * 6, measure="rate")
    comparisons = compare_all(lines, info(RATE), list("abcd"))
    better = {(c.generator_a, c.generator_b): c.better for c in comparisons}
    assert better == {pair: pair[0] if "d" in pair else None for pair in better}
    assert all(c.p is not None and c.p < 0.003 for c in comparisons if "d" in (c.generator_a, c.generator_b))


def test_measures_are_corrected_for_each_other_and_only_the_primary_one_is_tested() -> None:
    infos = {name: replace(info(RATE, SHARE)["m"], name=name) for name in ("m", "n")}
    lines = [
        replace(score, metric=metric)
        for metric in infos
        for measure in ("rate", "share")
        for name, value in (("a", 1.0), ("b", 0.0))
        for score in many(name, *[value] * 6, measure=measure)
    ]
    comparisons = compare_all(lines, infos, ["a", "b"])
    assert [(c.metric, c.measure, c.exploratory) for c in comparisons] == [
        ("m", "rate", False), ("m", "share", True), ("n", "rate", False), ("n", "share", True)
    ]  # fmt: skip
    tested = [c for c in comparisons if not c.exploratory]
    assert [(c.p, c.p_adjusted, c.better) for c in tested] == [(0.03125, 0.0625, None)] * 2
    assert {c.undecidable for c in tested} == {"6 prompts cannot decide this; 7 are the fewest that could"}
    assert [(c.p, c.p_adjusted, c.better) for c in comparisons if c.exploratory] == [(0.03125, None, None)] * 2


def test_where_the_first_measure_has_no_answers_the_next_is_tested() -> None:
    lines = [*many("a", *[1.0] * 6, measure="rate"), *many("b", *[0.0] * 6, measure="rate"), line("p0", None, "share", "a")]
    assert [(c.measure, c.better) for c in compare_all(lines, info(SHARE, RATE), ["a", "b"])] == [("rate", "a")]
    lines += [*many("a", *BETTER), *many("b", *WORSE)]
    assert [c.exploratory for c in compare_all(lines, info(SHARE, RATE), ["a", "b"])] == [False, True]
    named = {"m": replace(info(SHARE, RATE)["m"], primary="rate")}
    assert [c.exploratory for c in compare_all(lines, named, ["a", "b"])] == [True, False]


def test_against_one_generator_the_other_pairs_are_exploratory() -> None:
    lines = [*many("a", *BETTER), *many("b", *WORSE), *many("c", *WORSE[::-1])]
    comparisons = compare_all(lines, info(SHARE), ["a", "b", "c"], against="a")
    assert [c.exploratory for c in comparisons] == [False, False, True]
    assert [c.better for c in comparisons] == ["a", "a", None]


def test_without_a_common_prompt_there_is_no_difference_and_a_reason() -> None:
    (comparison,) = compare_all([line("p", 1.0, generator="a"), line("q", 1.0, generator="b")], info(SHARE), ["a", "b"])
    assert (comparison.difference, comparison.p_adjusted, comparison.better, comparison.n_prompts) == (None, None, None, 0)
    assert comparison.reason == "no prompt on which both have an answer"


def test_only_headline_measures_with_a_direction_are_compared_each_within_its_backend() -> None:
    lines = [*many("a", 1.0, 0.5), *many("b", 0.5, 0.5), *many("b", 0.0, 0.0, backend="c")]
    lines += [score for measure in ("level", "aside") for generator in "ab" for score in many(generator, 1.0, 2.0, measure=measure)]
    comparisons = compare_all(lines, info(SHARE, LEVEL, ASIDE), ["a", "b"])
    assert [(c.measure, c.backend, c.n_prompts) for c in comparisons] == [("share", "b", 2), ("share", "c", 0)]


def test_a_rate_stored_with_other_values_than_0_and_1_has_the_interval_of_a_mean() -> None:
    summary = row([line("p", 0.5, "rate"), line("q", 1.0, "rate"), line("r", 0.0, "rate")], RATE)
    assert (summary.value, summary.method) == (0.5, "mean-over-prompts/t95")
    assert (summary.low, summary.high) == (0.0, 1.0)
