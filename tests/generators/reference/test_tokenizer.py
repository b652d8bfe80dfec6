"""The video tokenizer: shapes, pictures that do not depend on how they are grouped, losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from seedbench.generators.reference.layers import Conv
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.tokenizer import CELL, TokenizerConfig, VideoTokenizer, picture_loss, sharpness_loss, without_shot_mean


@pytest.fixture
def pictures() -> Tensor:
    return torch.rand(6, 3, 32, 64, generator=torch.Generator().manual_seed(0))


def test_codes_have_the_sizes_of_the_config(model: ReferenceModel, pictures: Tensor) -> None:
    person, shot, motion = model.tokenizers.video.encode(pictures)
    assert (person.shape, shot.shape, motion.shape) == ((6, 16), (6, 16), (6, 8))


@pytest.mark.parametrize(("width", "height"), [(64, 32), (96, 64), (224, 128)])
def test_decoded_pictures_have_their_size(width: int, height: int) -> None:
    config = TokenizerConfig(width=width, height=height, channels=(8, 8, 8), seen=8, hidden=8, blocks=1)
    tokenizer = VideoTokenizer(config)
    pictures = torch.rand(2, 3, height, width)
    assert tokenizer.cells(pictures).shape == (2, config.cell, height // CELL, width // CELL)
    assert tokenizer.decode(*tokenizer.encode(pictures)).shape == (2, 3, height, width)


def test_the_codes_of_a_picture_do_not_depend_on_its_batch(model: ReferenceModel, pictures: Tensor) -> None:
    together = model.tokenizers.video.encode(pictures)
    alone = model.tokenizers.video.encode(pictures[4:5])
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a[4:5], b, atol=1e-5)


def test_pictures_do_not_depend_on_how_they_are_grouped(model: ReferenceModel) -> None:
    video = model.tokenizers.video
    codes = torch.randn(5, 16), torch.randn(5, 16), torch.randn(5, 8)
    together = video.decode(*codes)
    in_parts = torch.cat([video.decode(*(code[part] for code in codes)) for part in (slice(0, 3), slice(3, 5))])
    each_alone = torch.cat([video.decode(*(code[index : index + 1] for code in codes)) for index in range(5)])
    assert torch.allclose(together, in_parts, atol=1e-4)
    assert torch.allclose(together, each_alone, atol=1e-4)


def test_a_person_may_be_taken_from_other_pictures(model: ReferenceModel, pictures: Tensor) -> None:
    video = model.tokenizers.video
    person, shot, motion = video.encode(pictures)
    elsewhere, someone_else = person[1:4].mean(0, keepdim=True), person[4:].mean(0, keepdim=True)
    picture = video.decode(elsewhere, shot[:1], motion[:1])
    assert picture.shape == (1, 3, 32, 64)
    assert (picture - video.decode(someone_else, shot[:1], motion[:1])).abs().max() > 1e-4


@pytest.mark.parametrize("changed", ["person", "shot", "motion"])
def test_every_code_changes_the_picture(model: ReferenceModel, changed: str) -> None:
    codes = {"person": torch.zeros(1, 16), "shot": torch.zeros(1, 16), "motion": torch.zeros(1, 8)}
    other = {**codes, changed: codes[changed] + 1}
    video = model.tokenizers.video
    assert (video.decode(**codes) - video.decode(**other)).abs().max() > 1e-3


def test_the_coder_gets_scaled_cells(model: ReferenceModel, pictures: Tensor) -> None:
    tokenizer = VideoTokenizer(model.tokenizers.video.config)
    raw = tokenizer.cells(pictures)
    tokenizer.mean.copy_(raw.mean((0, 2, 3))[:, None, None])
    tokenizer.deviation.copy_(raw.std((0, 2, 3))[:, None, None])
    scaled = tokenizer.cells(pictures)
    assert scaled.mean((0, 2, 3)).abs().max() < 1e-4
    assert torch.allclose(scaled.std((0, 2, 3)), torch.ones(4), atol=1e-3)
    assert torch.allclose(tokenizer.grid.decode(scaled * tokenizer.deviation + tokenizer.mean), tokenizer.grid.decode(raw), atol=1e-4)


@pytest.mark.parametrize(("size", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (4, 2, 1)])
def test_a_convolution_stored_as_a_matrix_equals_a_convolution(size: int, stride: int, padding: int) -> None:
    ours, theirs = Conv(3, 5, size, stride=stride, padding=padding), nn.Conv2d(3, 5, size, stride=stride, padding=padding)
    assert ours.weight.shape == (5, 3 * size * size)
    theirs.weight.data, theirs.bias.data = ours.weight.data.view_as(theirs.weight), ours.bias.data
    x = torch.randn(2, 3, 8, 8)
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)


def test_losses_are_0_for_equal_pictures_and_grow_with_the_error(pictures: Tensor) -> None:
    assert picture_loss(pictures, pictures).item() == 0
    assert sharpness_loss(pictures, pictures).item() == 0
    assert picture_loss(pictures + 0.2, pictures) > picture_loss(pictures + 0.1, pictures) > 0


def test_the_sharpness_loss_ignores_brightness_and_counts_blur(pictures: Tensor) -> None:
    assert sharpness_loss(pictures + 0.3, pictures).item() == pytest.approx(0, abs=1e-5)
    assert sharpness_loss(nn.functional.avg_pool2d(pictures, 3, 1, 1), pictures) > 0.1


def test_the_mean_of_a_shot_is_subtracted_except_from_the_acting() -> None:
    motion = torch.arange(12.0).view(3, 4)
    centred = without_shot_mean(motion, 1)
    assert torch.equal(centred[:, 0], motion[:, 0])
    assert torch.equal(centred[:, 1:], torch.tensor([-4.0, 0.0, 4.0])[:, None].expand(-1, 3))
    assert torch.equal(without_shot_mean(centred, 1), centred)
