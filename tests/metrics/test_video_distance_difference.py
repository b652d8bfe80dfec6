"""Two sets of clips of the same prompts against one reference set: which is further away, and is that chance?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from seedbench.metrics.video_distance.difference import distance_differences
from seedbench.metrics.video_distance.distance import set_distances
from seedbench.plugins.metric import Features
from seedbench.plugins.set_difference import SetDifference

WIDTH = 32
SPREAD = 1 / np.sqrt(np.arange(1, WIDTH + 1))


def made_for(scenes: np.ndarray, rng: np.random.Generator, *, shift: float = 0.0) -> Features:
    """Clips of scenes (P, D): most of their features are the scene's."""
    own = rng.normal(size=scenes.shape)
    prompts = [f"prompt {index}" for index in range(len(scenes))]
    return Features((np.sqrt(0.7) * scenes + np.sqrt(0.3) * own + shift) * SPREAD, prompts)


def three_sets(prompts: int, *, seed: int = 0, shift: float = 0.0) -> tuple[Features, Features, Features]:
    rng = np.random.default_rng(seed)
    scenes = rng.normal(size=(prompts, WIDTH))
    return made_for(scenes, rng, shift=shift), made_for(scenes, rng), made_for(scenes, rng)


def differences(first: Features, second: Features, reference: Features) -> dict[str, SetDifference]:
    return {item.measure: item for item in distance_differences(first, second, reference, backend="test")}


def test_a_set_is_as_far_as_itself() -> None:
    first, _, reference = three_sets(12)
    for item in differences(first, first, reference).values():
        assert item.value == pytest.approx(0.0, abs=1e-9)
        assert item.p is None or item.p > 0.05


def test_the_other_way_round_has_the_opposite_sign() -> None:
    first, second, reference = three_sets(12, shift=0.5)
    there, back = differences(first, second, reference), differences(second, first, reference)
    for measure in ("fd", "kd"):
        assert there[measure].value == pytest.approx(-back[measure].value)
        assert there[measure].p == pytest.approx(back[measure].p)


def test_the_set_that_is_shifted_is_further_away() -> None:
    for item in differences(*three_sets(24, shift=0.5)).values():
        assert item.low > 0
        assert item.p < 0.05
        assert (item.n_prompts, item.remark) == (24, "")


def test_the_difference_of_large_sets_is_that_of_their_distances() -> None:
    first, second, reference = three_sets(400, shift=0.5)
    apart = [set_distances(side, reference) for side in (first, second)]
    both = differences(first, second, reference)
    assert both["kd"].value == pytest.approx(apart[0].kd.value - apart[1].kd.value, rel=1e-6)
    assert both["fd"].value == pytest.approx(apart[0].fd.value - apart[1].fd.value, rel=0.02)


def test_only_prompts_of_both_count_in_whatever_order_the_clips_come() -> None:
    first, second, reference = three_sets(16, shift=0.5)
    whole = differences(Features(first.values[:12], first.groups[:12]), Features(second.values[:12], second.groups[:12]), reference)
    backwards = Features(second.values[11::-1], list(second.groups[11::-1]))
    mixed = differences(first, backwards, reference)
    for measure in ("fd", "kd"):
        assert mixed[measure].n_prompts == 12
        assert mixed[measure].value == pytest.approx(whole[measure].value)


def test_several_seeds_of_a_prompt_are_one_prompt() -> None:
    first, second, reference = three_sets(8, shift=0.5)
    doubled = Features(np.concatenate([first.values, first.values + 0.01]), [*first.groups, *first.groups])
    assert differences(doubled, second, reference)["kd"].n_prompts == 8


def test_a_reference_set_of_other_prompts_may_be_given() -> None:
    first, second, reference = three_sets(24, shift=0.8)
    elsewhere = Features(reference.values, [f"film {index}" for index in range(24)])
    assert differences(first, second, elsewhere)["kd"].value > 0


@pytest.mark.parametrize("measure", ["fd", "kd"])
def test_equal_generators_are_rarely_told_apart(measure: str) -> None:
    """At most one in twenty, and a few more by chance of 60 draws."""
    told_apart = sum(differences(*three_sets(12, seed=seed))[measure].p < 0.05 for seed in range(60))
    assert told_apart <= 7


def test_an_undecided_difference_says_how_many_prompts_it_would_take() -> None:
    remarks = [item.remark for seed in range(6) for item in differences(*three_sets(6, seed=seed, shift=0.2)).values() if item.remark]
    assert remarks
    assert all("would" in remark and "prompts" in remark for remark in remarks)


def test_too_few_common_prompts_have_no_difference() -> None:
    first, second, reference = three_sets(3)
    assert {item.reason for item in differences(first, second, reference).values()} == {
        "3 prompts have clips of both; a comparison needs at least 4"
    }


def test_more_prompts_give_narrower_intervals() -> None:
    widths = [item.high - item.low for item in (differences(*three_sets(n, shift=0.5))["kd"] for n in (8, 32, 128))]
    assert all(wide > narrow for wide, narrow in pairwise(widths))
