"""From codes to pictures and sound: counts at every rate, cuts that stay cuts, what is skipped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.painting import paint_frames, synthesise_sound
from seedbench.generators.reference.script import Script, Stretch

Codes = tuple[Tensor, Tensor, Tensor]


def codes_of(script: Script, seed: int = 0) -> Codes:
    generator = torch.Generator().manual_seed(seed)
    tokens = -(-script.n_frames // 2)
    sizes = (max(1, script.n_people), len(script.shots), tokens)
    return tuple(torch.randn(size, 16, generator=generator) for size in sizes)  # type: ignore[return-value]


def painted(
    model: ReferenceModel, script: Script, codes: Codes, *, fps: int = 25, skip: int = 0, size: tuple[int, int] = (64, 32)
) -> np.ndarray:
    return np.stack(list(paint_frames(model, script, *codes, width=size[0], height=size[1], fps=fps, skip=skip))).astype(int)


@pytest.mark.parametrize(("fps", "count"), [(25, 30), (12, 14), (50, 60), (24, 29), (30, 36), (5, 6)])
def test_the_number_of_pictures_follows_the_rate(model: ReferenceModel, make_script: Callable[..., Script], fps: int, count: int) -> None:
    script = make_script(30, cuts=(11,))
    assert len(painted(model, script, codes_of(script), fps=fps)) == count


def test_an_odd_number_of_frames_is_kept(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    script = make_script(29)
    assert len(painted(model, script, codes_of(script))) == 29


@pytest.mark.parametrize("size", [(64, 32), (128, 64), (97, 55)])
def test_pictures_have_the_requested_size(model: ReferenceModel, make_script: Callable[..., Script], size: tuple[int, int]) -> None:
    script = make_script(4)
    (first, *_) = paint_frames(model, script, *codes_of(script), width=size[0], height=size[1])
    assert first.shape == (size[1], size[0], 3)
    assert first.dtype == np.uint8


def test_at_twice_the_rate_every_second_picture_is_the_same_and_the_others_lie_between(
    model: ReferenceModel, make_script: Callable[..., Script]
) -> None:
    script = make_script(20)
    codes = codes_of(script)
    plain, twice = painted(model, script, codes), painted(model, script, codes, fps=50)
    assert np.abs(twice[::2] - plain).max() <= 1
    motion = codes[2].reshape(20, -1)
    between = torch.cat([(motion[:-1] + motion[1:]) / 2, motion[-1:]])
    other = painted(model, script, (codes[0], codes[1], between.reshape(10, -1)))
    assert np.abs(twice[1::2] - other).max() <= 1


def test_no_picture_is_blended_over_a_cut(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    script = make_script(20, cuts=(9,))
    codes = codes_of(script)
    plain, twice = painted(model, script, codes), painted(model, script, codes, fps=50)
    assert np.abs(twice[17] - plain[8]).max() <= 1
    assert np.abs(twice[18] - plain[9]).max() <= 1
    assert np.abs(plain[8] - plain[9]).max() > 3


def test_each_shot_has_its_own_code(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    script = make_script(20, cuts=(9,))
    codes = codes_of(script)
    other = (codes[0], codes[1].clone(), codes[2])
    other[1][1] += 1
    before, after = painted(model, script, codes), painted(model, script, other)
    assert np.abs(before - after)[:9].max() == 0
    assert np.abs(before - after)[9:].max() > 0


def test_each_shot_shows_its_own_person(model: ReferenceModel) -> None:
    script = Script((), (), (Stretch(0, 6, 1), Stretch(6, 12, 0)), 2, 12)
    codes = codes_of(script)
    other = (codes[0].clone(), *codes[1:])
    other[0][1] += 1
    difference = np.abs(painted(model, script, codes) - painted(model, script, other))
    assert difference[:6].max() > 0
    assert difference[6:].max() == 0


def test_where_nobody_is_seen_the_person_code_has_no_effect(model: ReferenceModel) -> None:
    script = Script((), (), (Stretch(0, 6, -1),), 0, 6)
    codes = codes_of(script)
    assert np.array_equal(painted(model, script, codes), painted(model, script, (codes[0] + 1, *codes[1:])))


@pytest.mark.parametrize(("fps", "left_out"), [(25, 8), (50, 16)])
def test_skipped_pictures_are_left_out(model: ReferenceModel, make_script: Callable[..., Script], fps: int, left_out: int) -> None:
    script = make_script(20, cuts=(9,))
    codes = codes_of(script)
    whole, later = painted(model, script, codes, fps=fps), painted(model, script, codes, fps=fps, skip=8)
    assert len(later) == len(whole) - left_out
    assert np.abs(whole[left_out:] - later).max() <= 1


def test_a_clip_longer_than_what_is_painted_at_once_has_no_seam(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    script = make_script(60)
    codes = codes_of(script)
    held = (codes[0], codes[1], codes[2][:1].repeat(30, 1))
    motion = held[2].reshape(60, -1)[::2].repeat_interleave(2, 0).reshape(30, -1)
    output = painted(model, script, (held[0], held[1], motion))
    assert np.abs(output - output[0]).max() <= 1


@pytest.mark.parametrize(("n_frames", "skip"), [(20, 0), (21, 0), (40, 16)])
def test_sound_lasts_as_long_as_the_pictures(model: ReferenceModel, make_script: Callable[..., Script], n_frames: int, skip: int) -> None:
    script = make_script(n_frames)
    output = synthesise_sound(model, script, torch.randn(-(-n_frames // 2), 16), seed=0, skip=skip)
    assert len(output) == (n_frames - skip) * 640
    assert np.abs(output).max() <= 1


@pytest.mark.parametrize("seed", [0, 7, 2**40 + 1])
def test_sound_depends_only_on_its_seed(model: ReferenceModel, make_script: Callable[..., Script], seed: int) -> None:
    codes = torch.randn(10, 16, generator=torch.Generator().manual_seed(0))
    script = make_script(20)
    assert np.array_equal(synthesise_sound(model, script, codes, seed=seed), synthesise_sound(model, script, codes, seed=seed))
