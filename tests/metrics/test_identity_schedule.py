"""Declared shots are aligned with the cuts that are seen."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.metrics.identity.schedule import (
    align_cuts,
    build_schedule,
    confirm_faint_cuts,
    count_matched_cuts,
    schedule_of_cuts,
    schedule_of_prompt,
)
from seedbench.suites.prompt import Character, Prompt, Shot

NONE = np.zeros(0)
DECLARED = [(0.0, 2.0, ("ann",)), (2.0, 4.0, ("bob",)), (4.0, 6.0, ("ann", "bob"))]


def test_cuts_where_they_were_declared() -> None:
    plan = build_schedule(DECLARED, np.array([2.0, 4.04]), NONE, end_s=6.0)
    assert plan.expected == (("ann",), ("bob",), ("ann", "bob"))
    assert (plan.cuts_declared, plan.cuts_matched, plan.cuts_seen) == (2, 2, 2)


def test_equally_many_cuts_correspond_by_order() -> None:
    plan = build_schedule(DECLARED, np.array([0.8, 1.9]), NONE, end_s=6.0)
    assert plan.expected == (("ann",), ("bob",), ("ann", "bob"))
    assert [shot.start_s for shot in plan.planned] == [0.0, 0.8, 1.9]
    assert plan.cuts_matched == 0


def test_a_declared_cut_that_is_not_seen_divides_the_cast_and_not_the_take() -> None:
    plan = build_schedule(DECLARED, np.array([4.0]), NONE, end_s=6.0)
    assert plan.expected == (("ann",), ("bob",), ("ann", "bob"))
    assert plan.take.tolist() == [0, 0, 1]
    assert plan.cuts_s.tolist() == [4.0]
    assert [shot.start_s for shot in plan.planned] == [0.0, 2.0, 4.0]


def test_a_declared_cut_next_to_another_divides_nothing() -> None:
    plan = build_schedule([(0.0, 2.0, ("ann",)), (2.0, 2.1, ("bob",)), (2.1, 4.0, ("ann",))], np.array([2.0]), NONE, end_s=4.0)
    assert plan.bounds_s.tolist() == [[0.0, 2.0], [2.0, 4.0]]


def test_an_undeclared_cut_makes_two_shots_of_one_cast() -> None:
    plan = build_schedule(DECLARED, np.array([2.0, 3.0, 4.0]), NONE, end_s=6.0)
    assert plan.expected == (("ann",), ("bob",), ("bob",), ("ann", "bob"))
    assert plan.take.tolist() == [0, 1, 2, 3]


def test_a_shorter_clip_is_stretched() -> None:
    plan = build_schedule(DECLARED, NONE, NONE, end_s=3.0)
    assert [(shot.start_s, shot.end_s) for shot in plan.planned] == [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)]


def test_a_faint_change_is_a_cut_only_where_one_is_declared() -> None:
    plan = build_schedule(DECLARED, np.array([4.0]), np.array([2.04, 3.0]), end_s=6.0)
    assert plan.cuts_s.tolist() == [2.04, 4.0]


def test_cuts_match_within_two_frames() -> None:
    assert count_matched_cuts([2.0], [2.08]) == 1
    assert count_matched_cuts([2.0], [2.12]) == 0
    assert count_matched_cuts([1.0, 1.1], [1.05]) == 1


def test_a_prompt_without_shots_declares_one_take() -> None:
    prompt = Prompt(id="x", text="x", task="talking", duration_s=4, cast=(Character(id="ann"), Character(id="bob")))
    plan = schedule_of_prompt(prompt, np.array([1.0]), NONE, end_s=4.0)
    assert plan.cuts_declared == 0
    assert plan.expected == (("ann", "bob"), ("ann", "bob"))


def test_the_shots_of_a_prompt_are_used() -> None:
    shots = (Shot(start_s=0, end_s=1, cast=("ann",)), Shot(start_s=1, end_s=4, cast=()))
    prompt = Prompt(id="x", text="x", task="multi_shot", duration_s=4, cast=(Character(id="ann"),), shots=shots)
    assert schedule_of_prompt(prompt, np.array([1.0]), NONE, end_s=4.0).expected == (("ann",), ())


def test_without_a_prompt_nobody_is_declared_in_any_shot() -> None:
    plan = schedule_of_cuts(np.array([1.0, 2.0]), end_s=3.0)
    assert plan.expected == ((),) * 3


def test_confirm_takes_the_nearest_faint_change() -> None:
    assert confirm_faint_cuts(NONE, np.array([0.96, 1.01]), [1.0]).tolist() == [1.01]


times = st.lists(st.floats(0.1, 9.9), max_size=6, unique=True).map(sorted)


@given(times, times)
def test_alignment_keeps_order_and_pairs_all_of_the_shorter(declared: list[float], seen: list[float]) -> None:
    pairs = align_cuts(declared, seen)
    assert len(pairs) == min(len(declared), len(seen))
    assert pairs == sorted(pairs)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)


@given(times, times)
def test_alignment_is_the_same_from_both_sides(declared: list[float], seen: list[float]) -> None:
    def cost(pairs: list[tuple[int, int]]) -> float:
        return sum(abs(declared[i] - seen[j]) for i, j in pairs)

    turned = [(i, j) for j, i in align_cuts(seen, declared)]
    assert cost(align_cuts(declared, seen)) == pytest.approx(cost(turned))


@given(times, times)
def test_planned_shots_cover_the_clip_in_order(declared: list[float], seen: list[float]) -> None:
    edges = [0.0, *declared, 10.0]
    shots = [(a, b, ("ann",)) for a, b in pairwise(edges)]
    plan = build_schedule(shots, np.array(seen), NONE, end_s=8.0 if not seen else max(seen) + 1)
    starts = [shot.start_s for shot in plan.planned]
    assert starts == sorted(starts)
    assert len(plan.expected) == len(plan.take) >= len(seen) + 1
    assert plan.take.tolist() == sorted(plan.take.tolist())
    assert (np.diff(plan.bounds_s.ravel()) >= 0).all()


@pytest.mark.parametrize("start_s", np.arange(0, 3, 0.3).tolist())
def test_of_two_equally_near_cuts_the_earlier_is_taken(start_s: float) -> None:
    assert align_cuts([start_s + 1.0], [start_s + 0.9, start_s + 1.1]) == [(0, 0)]
    cuts_s = confirm_faint_cuts(np.zeros(0), np.array([start_s + 0.96, start_s + 1.04]), [start_s + 1.0])
    assert cuts_s.tolist() == [start_s + 0.96]
