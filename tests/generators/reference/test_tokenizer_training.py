"""What the tokenizers' losses weigh."""

from __future__ import annotations

import pytest
import torch

from generators.reference.training.data import Views, pairs_of
from generators.reference.training.tokenizers import lively_pixels, motion_missed


def views(targets: torch.Tensor, stretch: list[int]) -> Views:
    n = max(stretch) + 1
    return Views(targets, torch.tensor(stretch), targets[:1], torch.tensor([0]), torch.ones(n))


def test_pixels_that_differ_in_a_pair_weigh_more() -> None:
    pictures = torch.zeros(6, 3, 32, 32)
    pictures[1, :, 8:12, 8:12] = 1.0  # the second of the first pair
    pictures[5, :, 20:, 20:] = 1.0  # a single picture
    weight = lively_pixels(pictures)
    assert pairs_of(6) == 2
    assert weight[0, 0, 10, 10] == weight[1, 0, 10, 10] == 9.0
    assert weight[0, 0, 28, 28] == 1.0
    assert torch.equal(weight[2:], torch.ones_like(weight[2:]))


def test_motion_is_all_missed_by_a_still_and_none_by_the_truth() -> None:
    torch.manual_seed(0)
    targets = torch.randn(4, 2, 3, 3)
    given = views(targets, [0, 0, 0, 1])
    still = torch.cat([targets[:3].mean(0, keepdim=True).expand(3, -1, -1, -1), targets[3:]])
    assert motion_missed(targets, given).item() == pytest.approx(0.0, abs=1e-6)
    assert motion_missed(still, given).item() == pytest.approx(1.0, abs=1e-5)
    assert motion_missed(targets + 5.0, given).item() == pytest.approx(0.0, abs=1e-5)  # what is the same in all pictures does not count


def test_nothing_moves_where_all_are_alone() -> None:
    targets = torch.randn(2, 2, 3, 3)
    assert motion_missed(targets + 1, views(targets, [0, 1])).item() == pytest.approx(0.0, abs=1e-5)
