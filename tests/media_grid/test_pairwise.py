"""Each possible pair of values occurs in a row, each impossible one has a reason."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations, product

from tests.media_grid.kinds import CROSSED, FACTORS, grid, reason_against
from tests.media_grid.pairwise import Row, cover_pairs

TINY = {"a": ("1", "2", "3"), "b": ("x", "y"), "c": ("u", "v")}


def never(_: Row) -> str:
    return ""


def test_every_pair_of_values_occurs() -> None:
    rows, impossible = cover_pairs(TINY, never)
    assert not impossible
    for first, second in combinations(TINY, 2):
        assert {(row[first], row[second]) for row in rows} == set(product(TINY[first], TINY[second]))
    assert len(rows) < 12


def test_pairs_without_a_crossed_factor_need_not_occur() -> None:
    rows, _ = cover_pairs(TINY, never, crossed=("c",))
    assert len(rows) == 6


def test_values_that_exclude_each_other_are_listed_with_the_reason() -> None:
    def no_3_with_x(row: Row) -> str:
        return "3 has no x" if (row.get("a"), row.get("b")) == ("3", "x") else ""

    rows, impossible = cover_pairs(TINY, no_3_with_x)
    assert impossible == {(("a", "3"), ("b", "x")): "3 has no x"}
    assert not any(no_3_with_x(row) for row in rows)


def test_a_pair_that_only_a_third_factor_forbids_is_impossible_too() -> None:
    rows, impossible = cover_pairs(TINY, lambda row: "no third" if {"a", "b", "c"} <= row.keys() and row["a"] == "1" else "")
    assert all(reason == "no value of the other factors fits" for reason in impossible.values())
    assert all(("a", "1") in pair for pair in impossible)
    assert {row["a"] for row in rows} == {"2", "3"}


def test_the_grid_holds_each_container_and_codec_with_each_trait_or_says_why_not() -> None:
    kinds, impossible = grid()
    held = {(name, getattr(kind, name), other, getattr(kind, other)) for kind in kinds for name in CROSSED for other in FACTORS}
    for name, other in product(CROSSED, FACTORS):
        if name == other:
            continue
        for value, trait in product(FACTORS[name], FACTORS[other]):
            excluded = impossible.get(((name, value), (other, trait))) or impossible.get(((other, trait), (name, value)))
            assert bool(excluded) != ((name, value, other, trait) in held), (value, trait)
    assert all(reason for reason in impossible.values())


def test_no_file_of_the_grid_is_impossible() -> None:
    assert {reason_against(asdict(kind)) for kind in grid()[0]} == {""}
