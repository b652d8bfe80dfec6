"""The figures of a set metric in words: what a report's badge says, from how many prompts a harm shows, whether generators rank."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seedbench.plugins.real_footage import RealFootageRecord, badge, details, from_json, separation_words, to_json
from seedbench.plugins.set_footage import RankingFigures, Section, SetTrialFigures, set_sentences, shown_from
from seedbench.plugins.shares import Proportion


def figures(
    section: Section, title: str, prompts: int, sure: int, *, draws: int = 100, value: float = 0.1, kind: str = ""
) -> SetTrialFigures:
    return SetTrialFigures(
        section=section,
        title=title,
        kind=kind,
        measure="kd",
        prompts=prompts,
        distance=value,
        moved=value if section == "harm" else None,
        low=0.05,
        high=0.2,
        sure=Proportion(count=sure, total=draws, low=0.0, high=0.5),
    )


TRIALS = (
    figures("equal", "two halves", 5, 9),
    figures("equal", "two halves", 17, 2),
    figures("equal", "two halves", 6, 50, kind="filmed"),
    figures("harm", "blurred", 5, 30),
    figures("harm", "blurred", 17, 95, value=0.3),
    figures("harm", "frozen", 17, 40),
    figures("scenes", "filmed against drawn", 8, 1, draws=1, value=0.2),
)
RANKING = RankingFigures(
    measure="kd",
    reference="filmed",
    generators=(("a", 4.0, 0.1), ("b", 3.0, 0.3)),
    prompts=6,
    concordant=Proportion(count=1, total=1, low=0.025, high=1.0),
)
RECORD = RealFootageRecord(
    metric="sets",
    title="Sets",
    metric_version=1,
    protocol_version=1,
    footage=("filmed: 10 files; mine (CC0): 10",),
    variants=(),
    set_trials=TRIALS,
    rankings=(RANKING,),
)


def test_a_record_of_sets_is_read_back_as_it_was_written() -> None:
    assert from_json(to_json(RECORD)) == RECORD


def test_the_badge_counts_the_largest_sets_of_all_kinds_together() -> None:
    words = "real footage: equal sets called different kd 2%; harms shown kd 1 of 2; other scenes called different kd 1 of 1"
    assert badge(RECORD, 1) == words
    assert badge(RECORD, 2) == "not validated since version 1"


def test_the_table_of_the_report_has_the_largest_sets_alone() -> None:
    titles, rows = details(RECORD)
    assert titles == ("Sets", "Right is", "Distance", "Called different")
    assert rows == [
        ("two halves (kd, 17 prompts)", "no difference", "0.1 (0.05 to 0.2)", "2 of 100 (2%, 0 to 50%)"),
        ("blurred (kd, 17 prompts)", "a difference", "moved by +0.3 (0.05 to 0.2)", "95 of 100 (95%, 0 to 50%)"),
        ("frozen (kd, 17 prompts)", "a difference", "moved by +0.1 (0.05 to 0.2)", "40 of 100 (40%, 0 to 50%)"),
        ("filmed against drawn (kd, 8 prompts)", "scenes differ, nothing is wrong", "0.2 (0.05 to 0.2)", "yes"),
    ]


@pytest.mark.parametrize(
    ("shares", "first"),
    [({5: 90, 10: 95, 20: 100}, 5), ({5: 10, 10: 80, 20: 99}, 10), ({5: 90, 10: 50, 20: 90}, 20), ({5: 90, 10: 79}, None), ({}, None)],
)
def test_a_harm_shows_from_the_number_of_prompts_after_which_it_is_never_missed(shares: dict[int, int], first: int | None) -> None:
    assert shown_from([figures("harm", "blurred", prompts, sure) for prompts, sure in shares.items()]) == first


def test_scenes_stand_beside_harms_and_the_worst_equal_sets_are_named() -> None:
    assert separation_words(RECORD) == [
        "kd: equal sets (two halves, 17 prompts a side) are called different in 2 of 100 (2%, 0 to 50%)",
        "kd: other scenes alone make a distance of 0.2; 1 of 2 harms move it by less than that",
        "kd: it does not rank 2 generators as people do: no order is shown with 1 reference set (Kendall's tau +1.00)",
    ]
    worse = figures("equal", "written anew", 17, 40)
    assert "(written anew, 17 prompts a side) are called different in 40 of 100" in set_sentences((*TRIALS, worse), ())[0]
    assert "equal sets called different kd 40%" in badge(replace(RECORD, set_trials=(*TRIALS, worse)), 1)
    assert set_sentences(TRIALS[3:5], ()) == []


@pytest.mark.parametrize(
    ("concordant", "says"),
    [
        ((10, 0.6, 1.0), ["kd: people's order of 2 generators shows with 1 of 2 reference sets (Kendall's tau +1.00 to +1.00)"]),
        (
            (0, 0.0, 0.4),
            ["kd: people's order of 2 generators shows with 0 of 2 reference sets, and the opposite with 1 (Kendall's tau -1.00 to +1.00)"],
        ),
    ],
)
def test_an_order_is_claimed_only_where_the_interval_holds_no_0(concordant: tuple[int, float, float], says: list[str]) -> None:
    count, low, high = concordant
    ranking = replace(RANKING, reference="drawn", concordant=Proportion(count=count, total=10, low=low, high=high))
    assert set_sentences((figures("harm", "blurred", 5, 30),), (RANKING, ranking)) == says


def test_pairs_without_ratings_that_differ_rank_nothing() -> None:
    ranking = replace(RANKING, concordant=Proportion(count=0, total=0))
    assert ranking.tau is None
    assert set_sentences((figures("harm", "blurred", 5, 30),), (ranking,)) == []
