"""The sound tokenizer's shapes and losses."""

from __future__ import annotations

import pytest
import torch

from seedbench.generators.reference.codec import COLUMNS, CodecConfig, SoundCodec, sound_loss, with_noise
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.sound import BANDS


def test_a_code_covers_80_ms(model: ReferenceModel) -> None:
    codec = model.tokenizers.sound
    codes = codec.encode(torch.randn(3, 5 * COLUMNS, BANDS))
    assert COLUMNS * 10 == 80
    assert codes.shape == (3, 5, codec.config.code)
    assert codec.decode(codes).shape == (3, 5 * COLUMNS, BANDS)


def test_the_codes_of_a_sound_do_not_depend_on_its_batch(model: ReferenceModel) -> None:
    bands = torch.randn(4, 3 * COLUMNS, BANDS) - 6
    together = model.tokenizers.sound.encode(bands)
    assert torch.allclose(together[2:3], model.tokenizers.sound.encode(bands[2:3]), atol=1e-5)


def test_a_code_does_not_depend_on_much_later_sound(model: ReferenceModel) -> None:
    bands = torch.randn(1, 20 * COLUMNS, BANDS)
    changed = bands.clone()
    changed[:, 15 * COLUMNS :] += 3
    before, after = model.tokenizers.sound.encode(bands), model.tokenizers.sound.encode(changed)
    assert torch.allclose(before[:, :5], after[:, :5], atol=1e-6)
    assert not torch.allclose(before[:, 15:], after[:, 15:], atol=1e-2)


def test_the_loss_is_0_for_equal_bands_and_grows_with_the_error() -> None:
    bands = torch.randn(2, 16, BANDS)
    assert sound_loss(bands, bands).item() == 0
    assert sound_loss(bands + 2, bands) > sound_loss(bands + 1, bands) > 0


def test_a_late_onset_costs_more_than_a_wrong_level_of_the_same_size() -> None:
    asked = torch.zeros(1, 16, BANDS)
    asked[:, 8:] = 1
    late = torch.zeros(1, 16, BANDS)
    late[:, 9:] = 1
    level = asked + 1 / 16  # as far from what is asked in the mean
    assert sound_loss(late, asked) > 2 * sound_loss(level, asked)


def test_noise_of_the_requested_amount_is_added_to_codes() -> None:
    torch.manual_seed(0)
    codes = torch.zeros(50, 40, 16)
    assert torch.equal(with_noise(codes, 0.0), codes)
    assert with_noise(codes, 0.3).std().item() == pytest.approx(0.3, rel=0.05)


def test_sizes_are_those_of_the_config() -> None:
    codec = SoundCodec(CodecConfig(code=12, channels=8))
    assert codec.encode(torch.zeros(1, COLUMNS, BANDS)).shape == (1, 1, 12)
