"""The transformer: what may influence what, and positions in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from seedbench.generators.reference.flow import all_noisy
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.script import Script, Sound, Stretch
from seedbench.generators.reference.tokens import VOICE, Scripts, batch_scripts
from seedbench.generators.reference.transformer import ABSENT, GIVEN, KINDS, JointTransformer, Latents, TransformerConfig, rotated

CLOSE = 1e-5


def noise(scripts: Scripts, seed: int = 0) -> Latents:
    sizes = (scripts.people.shape[1], scripts.shots.shape[1], scripts.tokens.shape[1], scripts.tokens.shape[1])
    generator = torch.Generator().manual_seed(seed)
    return Latents(*(torch.randn(len(scripts.words), size, 16, generator=generator) for size in sizes))


def velocity(
    model: ReferenceModel, scripts: Scripts, tokens: Latents, states: Latents | None = None, *, time: float = 0.4, blank: bool = False
) -> Latents:
    n = len(scripts.words)
    context = model.transformer.read(scripts, blank=torch.full((n,), blank) if blank else None)
    return model.transformer(tokens, states or all_noisy(scripts), torch.full((n,), time), scripts, context)


def far(first: Latents, second: Latents) -> dict[str, float]:
    """The largest difference for each kind."""
    return {kind: float((a - b).abs().max()) if a.numel() else 0.0 for kind, a, b in zip(KINDS, first.each(), second.each(), strict=True)}


@pytest.fixture
def scripts(model: ReferenceModel, make_script: Callable[..., Script]) -> Scripts:
    return batch_scripts([make_script(20, cuts=(9,))], model.vocabulary)


def test_velocities_have_the_shape_of_the_tokens(model: ReferenceModel, scripts: Scripts) -> None:
    output = velocity(model, scripts, noise(scripts))
    assert [kind.shape for kind in output.each()] == [(1, 1, 16), (1, 2, 16), (1, 10, 16), (1, 10, 16)]


def test_padding_does_not_change_a_row(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    short = make_script(13, cuts=(5,))
    long_sounds = tuple(Sound("ə", 0.1 * index, 1) for index in range(9))
    long = make_script(44, cuts=(9, 21, 33), words=("a", "woman", "with", "red", "hair"), sounds=long_sounds, n_people=3)
    alone = batch_scripts([short], model.vocabulary)
    together = batch_scripts([short, long], model.vocabulary, [None, np.ones(VOICE, np.float32)])
    tokens = noise(together)
    sizes = [kind.shape[1] for kind in noise(alone).each()]
    own = Latents(*(kind[:1, :size] for kind, size in zip(tokens.each(), sizes, strict=True)))
    output, padded = velocity(model, alone, own), velocity(model, together, tokens)
    cut = Latents(*(kind[:1, :size] for kind, size in zip(padded.each(), sizes, strict=True)))
    assert max(far(output, cut).values()) < CLOSE


def test_the_content_of_padding_has_no_effect(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    scripts = batch_scripts([make_script(10), make_script(30, cuts=(9,), n_people=2)], model.vocabulary)
    tokens = noise(scripts)
    other = Latents(*(kind.clone() for kind in tokens.each()))
    other.person[0, 1:], other.shot[0, 1:], other.video[0, 5:], other.sound[0, 5:] = 9.0, 9.0, 9.0, 9.0
    before, after = velocity(model, scripts, tokens), velocity(model, scripts, other)
    for tokens_before, tokens_after, size in zip(before.each(), after.each(), (1, 1, 5, 5), strict=True):
        assert (tokens_before[0, :size] - tokens_after[0, :size]).abs().max() < CLOSE


@pytest.mark.parametrize("kind", ["video", "sound"])
def test_an_absent_token_influences_nothing(model: ReferenceModel, scripts: Scripts, kind: str) -> None:
    states = all_noisy(scripts)
    getattr(states, kind)[:] = ABSENT
    tokens = noise(scripts)
    other = replace(tokens, **{kind: getattr(tokens, kind) + 5})
    differences = far(velocity(model, scripts, tokens, states), velocity(model, scripts, other, states))
    assert differences.pop(kind) > 0.01  # of itself it is
    assert max(differences.values()) == 0


@pytest.mark.parametrize(("kind", "influenced"), [("sound", "video"), ("video", "sound"), ("person", "video"), ("shot", "video")])
def test_a_given_token_influences_the_others(model: ReferenceModel, scripts: Scripts, kind: str, influenced: str) -> None:
    states = all_noisy(scripts)
    getattr(states, kind)[:] = GIVEN
    tokens = noise(scripts)
    other = replace(tokens, **{kind: getattr(tokens, kind) + 1})
    assert far(velocity(model, scripts, tokens, states), velocity(model, scripts, other, states))[influenced] > 1e-3


def test_one_given_sound_token_changes_the_pictures(model: ReferenceModel, scripts: Scripts) -> None:
    states = all_noisy(scripts)
    states.sound[:, 4] = GIVEN
    tokens = noise(scripts)
    other = replace(tokens, sound=tokens.sound.clone())
    other.sound[:, 4] += 2
    assert far(velocity(model, scripts, tokens, states), velocity(model, scripts, other, states))["video"] > 1e-4


def test_given_and_noisy_tokens_have_different_effects(model: ReferenceModel, scripts: Scripts) -> None:
    states = all_noisy(scripts)
    states.person[:] = GIVEN
    tokens = noise(scripts)
    assert far(velocity(model, scripts, tokens), velocity(model, scripts, tokens, states))["video"] > 1e-4


def test_the_flow_time_matters(model: ReferenceModel, scripts: Scripts) -> None:
    tokens = noise(scripts)
    assert far(velocity(model, scripts, tokens, time=0.1), velocity(model, scripts, tokens, time=0.9))["video"] > 1e-3


@pytest.mark.parametrize(
    "changed",
    [
        {"words": ("a", "woman")},
        {"words": ("a", "pirate")},
        {"sounds": (Sound("h", 0.1, 0), Sound("ə", 0.2, 0))},
        {"sounds": (Sound("h", 0.1, 0), Sound("aɪ", 0.6, 0))},
        {"sounds": (Sound("h", 0.1, 0), Sound("aɪ", 0.2, -1))},
    ],
    ids=["a word", "a word never seen", "a sound", "its time", "its speaker"],
)
def test_the_script_is_read(model: ReferenceModel, make_script: Callable[..., Script], changed: dict[str, object]) -> None:
    before, after = batch_scripts([make_script()], model.vocabulary), batch_scripts([make_script(**changed)], model.vocabulary)
    tokens = noise(before)
    assert far(velocity(model, before, tokens), velocity(model, after, tokens))["shot"] > 1e-5


def test_words_reach_pictures_only_through_people_and_shots(
    make_model: Callable[..., ReferenceModel], model: ReferenceModel, make_script: Callable[..., Script]
) -> None:
    before, after = batch_scripts([make_script()], model.vocabulary), batch_scripts([make_script(words=("red", "hair"))], model.vocabulary)
    tokens = noise(before)
    one_layer = make_model(depth=1)
    shallow = far(velocity(one_layer, before, tokens), velocity(one_layer, after, tokens))
    assert min(shallow["person"], shallow["shot"]) > 1e-5
    # One layer of reading mixes words into sounds, which pictures do see; without sounds nothing is left.
    silent, other = (batch_scripts([make_script(sounds=(), words=words)], model.vocabulary) for words in (("a", "man"), ("red", "hair")))
    quiet = far(velocity(one_layer, silent, tokens), velocity(one_layer, other, tokens))
    assert quiet["video"] == quiet["sound"] == 0
    deep = far(velocity(model, silent, tokens), velocity(model, other, tokens))
    assert min(deep["video"], deep["sound"]) > 0


def test_a_voice_changes_the_sound(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    voice = np.ones(VOICE, np.float32)
    without, low, high = (batch_scripts([make_script()], model.vocabulary, [features]) for features in (None, voice, -voice))
    tokens = noise(without)
    assert far(velocity(model, without, tokens), velocity(model, low, tokens))["sound"] > 1e-4
    assert far(velocity(model, high, tokens), velocity(model, low, tokens))["sound"] > 1e-4


def test_a_blank_context_is_no_context(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    full = batch_scripts([make_script(20)], model.vocabulary, [np.ones(VOICE, np.float32)])
    empty = batch_scripts([make_script(20, words=(), sounds=())], model.vocabulary)
    tokens = noise(full)
    assert max(far(velocity(model, full, tokens, blank=True), velocity(model, empty, tokens)).values()) < CLOSE
    assert far(velocity(model, full, tokens, blank=True), velocity(model, full, tokens))["video"] > 1e-4


def test_a_row_may_be_blank_and_the_next_not(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    twice = batch_scripts([make_script(), make_script()], model.vocabulary)
    tokens = Latents(*(kind[:1].expand(2, -1, -1) for kind in noise(twice).each()))
    context = model.transformer.read(twice, blank=torch.tensor([False, True]))
    output = model.transformer(tokens, all_noisy(twice), torch.full((2,), 0.4), twice, context)
    once = batch_scripts([make_script()], model.vocabulary)
    own = Latents(*(kind[:1] for kind in tokens.each()))
    for row, blank in enumerate((False, True)):
        expected = velocity(model, once, own, blank=blank)
        assert max(far(expected, Latents(*(kind[row : row + 1] for kind in output.each()))).values()) < CLOSE


def test_who_is_seen_matters(model: ReferenceModel) -> None:
    def output(order: tuple[int, int]) -> Scripts:
        return batch_scripts([Script((), (), (Stretch(0, 10, order[0]), Stretch(10, 20, order[1])), 2, 20)], model.vocabulary)

    tokens = noise(output((0, 1)))
    assert far(velocity(model, output((0, 1)), tokens), velocity(model, output((1, 0)), tokens))["video"] > 1e-4


def test_a_still_has_people_and_a_shot_and_no_other_tokens(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    scripts = batch_scripts([make_script(2)], model.vocabulary, timed=False)
    output = velocity(model, scripts, noise(scripts))
    assert [kind.shape[1] for kind in output.each()] == [1, 1, 0, 0]
    assert all(torch.isfinite(kind).all() for kind in output.each())


def test_a_row_depends_on_no_other(model: ReferenceModel, make_script: Callable[..., Script]) -> None:
    first_script, second_script = make_script(20), make_script(20, words=("red", "hair"))
    first = batch_scripts([first_script, second_script], model.vocabulary)
    tokens = noise(first)
    swapped = Scripts(**{field.name: getattr(first, field.name).flip(0) for field in fields(first)})
    turned_round = Latents(*(tensor.flip(0) for tensor in tokens.each()))
    back = Latents(*(tensor.flip(0) for tensor in velocity(model, swapped, turned_round).each()))
    assert max(far(velocity(model, first, tokens), back).values()) < CLOSE


def test_an_untrained_transformer_gives_velocity_0() -> None:
    scripts = Script(("a",), (), (Stretch(0, 10, 0),), 1, 10)
    config = TransformerConfig(width=32, depth=1, heads=1, text_depth=1, codes=dict.fromkeys(KINDS, 16))
    fresh = JointTransformer(config)
    from seedbench.generators.reference.tokens import Vocabulary

    batch = batch_scripts([scripts], Vocabulary((), (), {"": 0.1}))
    output = fresh(noise(batch), all_noisy(batch), torch.zeros(1), batch, fresh.read(batch))
    assert all((kind == 0).all() for kind in output.each())


def angles(model: ReferenceModel, seconds: Tensor) -> tuple[Tensor, Tensor]:
    return model.transformer._angles(seconds)


@pytest.mark.parametrize("shift_s", [0.08, 1.6, 30.0])
def test_rotary_positions_depend_only_on_differences_of_time(model: ReferenceModel, shift_s: float) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(1, 1, 6, 32, generator=generator), torch.randn(1, 1, 6, 32, generator=generator)
    seconds = 3 * torch.rand(1, 6, generator=generator)

    def products(at: Tensor) -> Tensor:
        return rotated(q, angles(model, at)) @ rotated(k, angles(model, at)).transpose(-1, -2)

    assert torch.allclose(products(seconds), products(seconds + shift_s), atol=2e-3)
    assert not torch.allclose(products(seconds), products(seconds * 2), atol=0.1)


def test_rotation_keeps_lengths_and_the_second_half(model: ReferenceModel) -> None:
    x = torch.randn(2, 1, 5, 32, generator=torch.Generator().manual_seed(0))
    y = rotated(x, angles(model, torch.rand(2, 5)))
    assert torch.allclose(y.norm(dim=-1), x.norm(dim=-1), atol=1e-5)
    assert torch.equal(y[..., 16:], x[..., 16:])


def test_at_time_0_nothing_is_rotated(model: ReferenceModel) -> None:
    x = torch.randn(1, 1, 3, 32)
    assert torch.equal(rotated(x, angles(model, torch.zeros(1, 3))), x)
