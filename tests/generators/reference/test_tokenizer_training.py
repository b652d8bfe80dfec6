"""What the tokenizers' losses weigh."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from seedbench.generators.reference.tokenizer import picture_loss, sharpness_loss
from seedbench.generators.reference.training.batches import CodedPictureBatches, ShotViews, n_pairs
from seedbench.generators.reference.training.cells import RowCells
from seedbench.generators.reference.training.losses import (
    FACE_WEIGHT,
    acting_missed,
    change_missed,
    change_weights,
    darkness_weights,
    face_weights,
    motion_missed,
    moved_nearest,
)


def views(targets: torch.Tensor, stretch: list[int]) -> ShotViews:
    n = max(stretch) + 1
    return ShotViews(
        targets, torch.tensor(stretch), targets[:1], torch.tensor([0]), torch.ones(n), torch.full((len(targets), 4), torch.nan)
    )


def test_pixels_that_differ_in_a_pair_weigh_more() -> None:
    pictures = torch.zeros(6, 3, 32, 32)
    pictures[1, :, 8:12, 8:12] = 1.0  # the second of the first pair
    pictures[5, :, 20:, 20:] = 1.0  # a single picture
    weight = change_weights(pictures)
    assert n_pairs(6) == 2
    assert weight[0, 0, 10, 10] == weight[1, 0, 10, 10] == 9.0
    assert weight[0, 0, 28, 28] == 1.0
    assert torch.equal(weight[2:], torch.ones_like(weight[2:]))


def test_all_motion_is_missed_by_a_still_and_none_by_the_target() -> None:
    torch.manual_seed(0)
    targets = torch.randn(4, 2, 3, 3)
    given = views(targets, [0, 0, 0, 1])
    still = torch.cat([targets[:3].mean(0, keepdim=True).expand(3, -1, -1, -1), targets[3:]])
    assert motion_missed(targets, given).item() == pytest.approx(0.0, abs=1e-6)
    assert motion_missed(still, given).item() == pytest.approx(1.0, abs=1e-5)
    assert motion_missed(targets + 5.0, given).item() == pytest.approx(0.0, abs=1e-5)  # what is the same in all pictures does not count


def test_single_pictures_have_no_motion_to_miss() -> None:
    targets = torch.randn(2, 2, 3, 3)
    assert motion_missed(targets + 1, views(targets, [0, 1])).item() == pytest.approx(0.0, abs=1e-5)


def test_all_change_is_missed_by_equal_pictures_and_none_by_the_target() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(6, 3, 8, 8)
    assert change_missed(pictures + 0.2, pictures).item() == pytest.approx(0.0, abs=1e-6)
    means = torch.stack([pictures[0:4:2], pictures[1:4:2]]).mean(0).repeat_interleave(2, 0)
    assert change_missed(torch.cat([means, pictures[4:]]), pictures).item() == pytest.approx(1.0, abs=1e-5)
    assert change_missed(torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8)).item() == 0.0  # too few for pairs


def test_with_weights_a_change_counts_the_same_in_dark_and_light_pictures() -> None:
    torch.manual_seed(0)
    pictures = torch.rand(6, 3, 8, 8)
    pictures[2:4] *= 0.1
    half = pictures.clone()
    half[2:4] = half[2:4].mean(0, keepdim=True)  # nothing of what changes in the dark pair
    weight = torch.ones(8, 8)
    assert change_missed(half, pictures, weight).item() == pytest.approx(0.5, abs=1e-5)
    assert change_missed(half, pictures).item() < 0.02
    weight[:, 4:] = 0.0
    elsewhere = pictures.clone()
    elsewhere[..., 4:] = 0.0
    assert change_missed(elsewhere, pictures, weight).item() == pytest.approx(0.0, abs=1e-6)
    assert change_missed(torch.zeros(2, 3, 8, 8), torch.ones(2, 3, 8, 8), weight).item() == 0.0
    still = torch.full((6, 3, 8, 8), 0.5)
    assert change_missed(still + 1e-4 * pictures, still, weight).item() < 1e-3  # no change is asked for, and hardly any made


def test_targets_move_by_a_few_pixels_alike_in_both_of_a_pair() -> None:
    torch.manual_seed(0)
    target = torch.rand(6, 3, 96, 96)  # two pairs, and two alone
    moves = [(2, 1), (2, 1), (-3, 0), (-3, 0), (0, -1), (1, 0)]
    output = torch.stack([square.roll(move, (1, 2)) for square, move in zip(target, moves, strict=True)])
    weight = torch.zeros(96, 96)
    weight[60:80, 30:60] = 1.0
    assert torch.equal(moved_nearest(output, target, weight), output)
    output[1] = target[1].roll((3, 0), (1, 2)) + 1.0  # the second of the first pair fits nowhere
    assert torch.equal(moved_nearest(output, target, weight)[0], output[0])
    assert torch.equal(moved_nearest(output, target, weight)[1], target[1].roll((2, 1), (1, 2)))
    output[:, :, :50] = torch.rand(6, 3, 50, 96)  # what is not weighed does not count
    assert torch.equal(moved_nearest(output, target, weight)[2:, :, 55:85], output[2:, :, 55:85])
    far = target.roll(20, 2)
    assert (moved_nearest(far, target, weight) - far).abs().mean() > 0.2


def test_dark_faces_weigh_more_than_light_ones() -> None:
    pictures = torch.cat([torch.full((1, 3, 8, 8), 0.1), torch.full((1, 3, 8, 8), 0.6)])
    pictures[:, :, 4:] = 1.0
    face = torch.zeros(8, 8)
    face[:4] = 1.0
    weight = darkness_weights(pictures, face)
    assert weight.shape == (2, 1, 1, 1)
    assert weight.mean().item() == pytest.approx(1.0)
    assert (weight[0] / weight[1]).item() == pytest.approx(0.75 / 0.25, rel=1e-5)


def test_the_second_of_a_pair_of_faces_differs_most_in_its_lips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "seedbench.generators.reference.training.batches.decoded_pictures", lambda stored: torch.tensor([int(square) for square in stored])
    )
    clip = SimpleNamespace(pictures=[str(frame) for frame in range(40)], extras=["40"], heads=np.zeros((40, 3)))
    codes = torch.zeros(41, 2)
    codes[:, 0] = torch.arange(41) % 2  # open in every second picture
    columns = (torch.zeros(41, 1), torch.zeros(41, 1), codes)

    def unlike(**more: bool) -> float:
        batches = CodedPictureBatches([clip], [RowCells(0, 40, 1, 1, ((0, 40, 0),))], columns, n_acting=1, batch=60, **more)  # type: ignore[arg-type]
        drawn = batches.batch(0, np.random.default_rng(0)).pictures[:40]
        return float(((drawn[0::2] - drawn[1::2]) % 2).float().mean())

    assert unlike() < 0.6
    assert unlike(faces_only=True) > 0.85


def test_pictures_have_the_codes_that_the_twins_decode_from(monkeypatch: pytest.MonkeyPatch) -> None:
    # A clip of ten pictures in two shots of one person with two extras, and a still of nobody. Codes are the places of the pictures.
    monkeypatch.setattr(
        "seedbench.generators.reference.training.batches.decoded_pictures", lambda stored: torch.tensor([int(square) for square in stored])
    )
    clip = SimpleNamespace(
        pictures=[str(frame) for frame in range(10)], extras=["10", "11"], heads=np.arange(10.0).repeat(3).reshape(10, 3)
    )
    still = SimpleNamespace(pictures=["12"], extras=[], heads=np.full((1, 3), np.nan))
    places = [RowCells(0, 10, 2, 1, ((0, 4, 0), (4, 10, 0))), RowCells(12, 1, 0, 0, ((0, 1, -1),))]
    codes = torch.arange(13.0)[:, None]
    batch = CodedPictureBatches([clip, still], places, (codes + 100, codes, codes), n_acting=0, batch=6).batch(0, np.random.default_rng(0))  # type: ignore[arg-type]
    drawn = batch.pictures.float()
    assert len(drawn) == 6
    assert (drawn[:4] < 10).all()
    assert drawn[4:].tolist() == [12.0, 12.0]
    first = drawn[:4] < 4
    assert torch.equal(first[0:4:2], first[1:4:2])  # both of a pair are of one shot
    middle = torch.where(first, 1.5, 6.5)
    assert torch.equal(batch.shot[:4, 0], middle)
    assert torch.equal(batch.motion[:4, 0], drawn[:4] - middle)
    assert (batch.person[:4, 0] >= 100).all()
    assert batch.person[4:].tolist() == batch.motion[4:].tolist() == [[0.0], [0.0]]
    assert torch.equal(batch.heads[:4, 0], drawn[:4].double())
    assert batch.heads[4:].isnan().all()
    people = CodedPictureBatches([clip, still], places, (codes + 100, codes, codes), n_acting=0, batch=6, faces_only=True)  # type: ignore[arg-type]
    assert not people.batch(0, np.random.default_rng(0)).heads.isnan().any()


def test_faces_of_all_sizes_have_the_same_total_weight_and_nobody_has_none() -> None:
    pictures = torch.zeros(3, 3, 64, 112)
    weight = face_weights(torch.tensor([[1.25, 0.5, 0.4], [1.25, 0.5, 0.2], [torch.nan] * 3]), pictures)
    assert weight.shape == (3, 1, 64, 112)
    most = FACE_WEIGHT / 0.4**2
    assert weight[0, 0, 32, 80].item() == pytest.approx(most, rel=0.01)
    assert weight[0, 0, 32 - 11, 80].item() > most / 2 > weight[0, 0, 32 - 14, 80].item()  # half a head above the middle, and beyond
    assert weight[0, 0, 32, 80 + 8].item() > most / 2 > weight[0, 0, 32, 80 + 12].item()
    assert weight[0, 0, :, :40].max().item() < 0.01
    assert weight[1].sum().item() == pytest.approx(weight[0].sum().item(), rel=0.05)
    assert weight[2].max().item() < 1e-6


def test_the_sharpness_loss_uses_its_weight() -> None:
    target = torch.zeros(1, 3, 4, 4)
    output = target.clone()
    output[..., 3:] = 1.0  # a step down the right side
    weight = torch.ones(1, 1, 4, 4)
    assert sharpness_loss(output, target, weight) == sharpness_loss(output, target)
    weight[..., 3] = 3.0
    assert sharpness_loss(output, target, weight).item() == pytest.approx(3 * sharpness_loss(output, target).item())
    assert picture_loss(output, target, None, weight) > picture_loss(output, target)


def test_acting_is_missed_only_in_faces_and_lips_count_three_times() -> None:
    estimate = torch.zeros(3, 4)
    acting = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1.0], [torch.nan] * 4])
    assert acting_missed(estimate, acting).item() == pytest.approx((3 + 1) / 8)
    assert acting_missed(estimate[:, :2], acting[:, :2]).item() == pytest.approx(3 / 4)
    assert acting_missed(estimate[2:], acting[2:]).item() == 0.0
    assert acting_missed(estimate[:, :0], acting[:, :0]).item() == 0.0
