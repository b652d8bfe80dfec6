"""Tasks, noise, the loss and the sampler, on models whose velocity is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from seedbench.generators.reference.flow import (
    ACTING_WEIGHT,
    LOOKS_GUIDANCE_SHARE,
    Sampling,
    acting_weights,
    all_noisy,
    draw_states,
    loss_of,
    noise_like,
    sample,
)
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.script import Script
from seedbench.generators.reference.tokens import Scripts, Vocabulary, batch_scripts
from seedbench.generators.reference.transformer import ABSENT, GIVEN, KINDS, NOISY, Latents, TransformerConfig

VOCABULARY = Vocabulary(("a", "man"), ("a", "h"), {"": 0.08})
CODES = {"person": 16, "shot": 32, "video": 48, "sound": 16}
ALIKE = 1e-4


def filled(scripts: Scripts, value: float, codes: dict[str, int] = CODES) -> Latents:
    sizes = (scripts.people.shape[1], scripts.shots.shape[1], scripts.tokens.shape[1], scripts.tokens.shape[1])
    return Latents(*(torch.full((len(scripts.words), size, codes[kind]), value) for kind, size in zip(KINDS, sizes, strict=True)))


class Straight:
    """A model whose velocity leads straight to ``data``; it notes the states and the number of rows of every call."""

    config = TransformerConfig(codes=CODES, told=2)

    def __init__(self, data: Latents) -> None:
        self.data = data
        self.calls: list[SimpleNamespace] = []

    def read(self, scripts: Scripts, *, blank: Tensor | None = None) -> Any:
        return SimpleNamespace(blank=blank)

    def __call__(self, tokens: Latents, states: Latents, time: Tensor, scripts: Scripts, context: Any) -> Latents:
        self.calls.append(SimpleNamespace(states=states, tokens=tokens, rows=len(time), blank=context.blank, time=time))
        left = (1 - time)[:, None, None]
        rows = [torch.cat([tokens_of_kind] * (len(time) // len(tokens_of_kind))) for tokens_of_kind in self.data.each()]
        return Latents(*((goal - now) / left for goal, now in zip(rows, tokens.each(), strict=True)))


class Still(Straight):
    """A model with which nothing moves: what comes out is what was begun with."""

    def __call__(self, tokens: Latents, *_: Any) -> Latents:
        return Latents(*(torch.zeros_like(kind) for kind in tokens.each()))


@pytest.fixture
def scripts(make_script: Callable[..., Script]) -> Scripts:
    return batch_scripts([make_script(20, cuts=(9,)), make_script(12)], VOCABULARY)


@pytest.fixture
def many(make_script: Callable[..., Script]) -> Scripts:
    return batch_scripts([make_script(50, cuts=(21,))] * 600, VOCABULARY)


def drawn(scripts: Scripts, twin: str, seed: int = 0) -> Latents:
    return draw_states(scripts, twin, torch.Generator().manual_seed(seed))  # type: ignore[arg-type]


def test_the_joint_model_always_has_pictures_and_sound(many: Scripts) -> None:
    states = drawn(many, "joint")
    assert not any((state == ABSENT).any() for state in states.each())


def test_the_cascaded_model_makes_pictures_without_sound_or_sound_to_finished_pictures(many: Scripts) -> None:
    states = drawn(many, "cascaded")
    first = (states.sound == ABSENT).all(1)
    second = ~first
    assert first.float().mean().item() == pytest.approx(0.5, abs=0.08)
    assert not (states.sound[second] == ABSENT).any()
    for state in (states.person, states.shot, states.video):
        assert (state[second] == GIVEN).all()
        assert not (state == ABSENT).any()


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
def test_most_tasks_leave_all_time_open_and_some_give_a_beginning(many: Scripts, twin: str) -> None:
    states = drawn(many, twin)
    video = states.video if twin == "joint" else states.video[(states.sound == ABSENT).all(1)]
    share = (video == GIVEN).float().mean(1)
    assert (share == 0).float().mean() > 0.6
    partly = (share > 0) & (share < 1)
    assert 0.02 < partly.float().mean() < 0.2
    for row in video[partly]:
        assert (row.diff() <= 0).all()  # what is given comes first


def test_people_are_given_in_some_tasks(many: Scripts) -> None:
    assert 0.3 < (drawn(many, "joint").person == GIVEN).float().mean() < 0.6


def test_the_joint_model_has_something_to_make_in_every_task(many: Scripts) -> None:
    states = drawn(many, "joint")
    assert torch.cat([(state == NOISY) for state in states.each()], 1).any(1).all()


def test_the_same_generator_draws_the_same_tasks(many: Scripts) -> None:
    same = zip(drawn(many, "cascaded", 3).each(), drawn(many, "cascaded", 3).each(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert not torch.equal(drawn(many, "cascaded", 3).video, drawn(many, "cascaded", 4).video)


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
def test_stills_have_tasks_without_time(make_script: Callable[..., Script], twin: str) -> None:
    states = drawn(batch_scripts([make_script(2)] * 50, VOCABULARY, timed=False), twin)
    assert states.video.shape == states.sound.shape == (50, 0)
    assert (states.shot == NOISY).any()


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_sampling_with_an_exact_velocity_lands_on_the_data(scripts: Scripts, twin: Any, steps: int, guidance: float) -> None:
    data = noise_like(scripts, CODES, [5, 6])
    sampled = sample(
        Straight(data),  # type: ignore[arg-type]
        scripts,
        noise_like(scripts, CODES, [1, 2]),
        filled(scripts, 0.0),
        all_noisy(scripts),
        sampling=Sampling(steps, guidance),
        twin=twin,
    )
    for kind, goal in zip(sampled.each(), data.each(), strict=True):
        assert torch.allclose(kind, goal, atol=ALIKE)


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
def test_given_tokens_come_back_as_they_were(model: ReferenceModel, make_script: Callable[..., Script], twin: Any) -> None:
    scripts = batch_scripts([make_script(20, cuts=(9,))], model.vocabulary)
    codes = model.transformer.config.codes
    states, given = all_noisy(scripts), filled(scripts, 0.5, codes)
    states.person[:], states.video[:, :3], states.sound[:, 7:] = GIVEN, GIVEN, GIVEN
    sampled = sample(model.transformer, scripts, noise_like(scripts, codes, [0]), given, states, sampling=Sampling(3, 2.0), twin=twin)
    for tokens, state in zip(sampled.each(), states.each(), strict=True):
        assert (tokens[state == GIVEN] == 0.5).all()
        assert (tokens[state == NOISY] != 0.5).all()


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
def test_with_everything_given_the_model_is_not_called(scripts: Scripts, twin: Any) -> None:
    model = Straight(filled(scripts, 0.0))
    states = Latents(*(torch.full_like(state, GIVEN) for state in all_noisy(scripts).each()))
    given = filled(scripts, 2.0)
    sampled = sample(model, scripts, filled(scripts, 1.0), given, states, sampling=Sampling(4, 2.0), twin=twin)  # type: ignore[arg-type]
    assert not model.calls
    assert all(torch.equal(a, b) for a, b in zip(sampled.each(), given.each(), strict=True))


def test_the_cascaded_twin_makes_pictures_without_sound(scripts: Scripts) -> None:
    data = filled(scripts, 0.7)
    model = Straight(data)
    sample(
        model,
        scripts,
        filled(scripts, 0.0),
        filled(scripts, 0.0),
        all_noisy(scripts),
        sampling=Sampling(2, 1.0),
        twin="cascaded",  # type: ignore[arg-type]
    )
    first, second = model.calls[:2], model.calls[2:]
    assert len(second) == 2
    for call in first:
        assert (call.states.sound == ABSENT).all()
        assert (call.states.video == NOISY).all()
    for call in second:
        assert (call.states.sound == NOISY).all()
        for state, tokens, goal in zip(call.states.each()[:3], call.tokens.each()[:3], data.each()[:3], strict=True):
            assert (state == GIVEN).all()
            assert torch.allclose(tokens, goal, atol=ALIKE)


def test_the_joint_twin_makes_both_at_once(scripts: Scripts) -> None:
    model = Straight(filled(scripts, 0.7))
    sample(
        model,
        scripts,
        filled(scripts, 0.0),
        filled(scripts, 0.0),
        all_noisy(scripts),
        sampling=Sampling(4, 1.0),
        twin="joint",  # type: ignore[arg-type]
    )
    assert len(model.calls) == 4
    assert all((state == NOISY).all() for call in model.calls for state in call.states.each())


@pytest.mark.parametrize(("guidance", "rows"), [(1.0, 2), (2.0, 4)])
def test_without_guidance_there_is_no_second_pass(scripts: Scripts, guidance: float, rows: int) -> None:
    model = Straight(filled(scripts, 0.0))
    sample(
        model,
        scripts,
        filled(scripts, 1.0),
        filled(scripts, 0.0),
        all_noisy(scripts),
        sampling=Sampling(3, guidance),
        twin="joint",  # type: ignore[arg-type]
    )
    assert {call.rows for call in model.calls} == {rows}
    if guidance != 1:
        assert model.calls[0].blank.tolist() == [False, False, True, True]


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_guidance_extrapolates_from_the_velocity_without_a_script(scripts: Scripts, guidance: float) -> None:
    class Guided(Straight):
        def __call__(self, tokens: Latents, states: Latents, time: Tensor, scripts: Scripts, context: Any) -> Latents:
            n = len(self.data.person)
            return Latents(*(torch.where(torch.arange(len(kind))[:, None, None] < n, 3.0, 1.0).expand_as(kind) for kind in tokens.each()))

    scripts = replace(scripts, shot_person=torch.tensor([[1, 0], [1, 0]]))  # the second shot of each shows nobody
    start = filled(scripts, 0.0)
    sampled = sample(Guided(start), scripts, start, start, all_noisy(scripts), sampling=Sampling(7, guidance), twin="joint")  # type: ignore[arg-type]
    looks = 1 + LOOKS_GUIDANCE_SHARE * (guidance - 1)  # as trained where nothing is guided, and less than the rest where it is
    for tokens, strengths in zip(sampled.each(), ([looks], [looks, guidance], [guidance], [guidance]), strict=True):
        assert torch.allclose(tokens, 1 + 2 * torch.tensor(strengths)[:, None], atol=1e-4)


@pytest.mark.parametrize("twin", ["joint", "cascaded"])
@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_the_temperature_scales_the_first_noise(scripts: Scripts, twin: Any, temperature: float) -> None:
    start, states = filled(scripts, 2.0), all_noisy(scripts)
    states.video[:, 0] = GIVEN
    given = filled(scripts, 7.0)
    model = Still(start)
    sampled = sample(model, scripts, start, given, states, sampling=Sampling(3, 1.0, temperature), twin=twin)  # type: ignore[arg-type]
    assert sampled.sound.unique().tolist() == [2 * temperature]
    assert sampled.video[:, 1:].unique().tolist() == [2 * temperature]
    assert sampled.video[:, 0].unique().tolist() == [7.0]  # what is given is not noise


@pytest.mark.parametrize(("twin", "with_people"), [("joint", 0.5), ("cascaded", 1.0)])
def test_the_default_temperature_depends_on_the_twin_and_on_people(scripts: Scripts, twin: Any, with_people: float) -> None:
    scripts = replace(scripts, people=torch.tensor([[True], [False]]))
    start = filled(scripts, 2.0)
    sampled = sample(Still(start), scripts, start, start, all_noisy(scripts), sampling=Sampling(3, 1.0), twin=twin)  # type: ignore[arg-type]
    for tokens in (sampled.video, sampled.sound):
        assert [row.unique().tolist() for row in tokens] == [[2 * with_people], [2.0]]


def test_flow_times_go_from_noise_to_data(scripts: Scripts) -> None:
    model = Straight(filled(scripts, 0.0))
    sample(
        model,
        scripts,
        filled(scripts, 1.0),
        filled(scripts, 0.0),
        all_noisy(scripts),
        sampling=Sampling(8, 1.0),
        twin="joint",  # type: ignore[arg-type]
    )
    times = [float(call.time[0]) for call in model.calls]
    assert times[0] == 0
    assert times == sorted(times)
    assert times[-1] < 1


def test_an_exact_velocity_has_no_loss(scripts: Scripts) -> None:
    clean = noise_like(scripts, CODES, [3, 4])
    losses = loss_of(Straight(clean), clean, scripts, all_noisy(scripts), torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    assert set(losses.each) == set(KINDS)
    assert losses.total.item() < 1e-6


def test_only_noisy_tokens_count(scripts: Scripts) -> None:
    class Wrong(Straight):
        def __call__(self, tokens: Latents, states: Latents, time: Tensor, scripts: Scripts, context: Any) -> Latents:
            exact = super().__call__(tokens, states, time, scripts, context)
            with_noise = [
                torch.where((state == NOISY)[..., None], kind, kind + 9) for kind, state in zip(exact.each(), states.each(), strict=True)
            ]
            with_noise[2][1, 6:] += 9  # padding of the shorter row
            return Latents(*with_noise)

    clean = noise_like(scripts, CODES, [3, 4])
    states = all_noisy(scripts)
    states.person[:], states.video[:, :4], states.sound[:] = GIVEN, GIVEN, ABSENT
    losses = loss_of(Wrong(clean), clean, scripts, states, torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    assert set(losses.each) == {"shot", "video"}
    assert losses.total.item() < 1e-6


def test_acting_counts_more_in_both_pictures_of_a_token() -> None:
    weights = acting_weights(TransformerConfig(codes={**CODES, "video": 8}, told=1), torch.zeros(1))
    assert weights.mean().item() == pytest.approx(1.0)
    assert (weights / weights[1]).tolist() == pytest.approx([ACTING_WEIGHT, 1, 1, 1] * 2)
    assert acting_weights(TransformerConfig(codes=CODES, told=0), torch.zeros(1)).tolist() == [1.0] * CODES["video"]


def test_given_tokens_reach_the_model_clean(scripts: Scripts) -> None:
    clean = noise_like(scripts, CODES, [3, 4])
    states = all_noisy(scripts)
    states.video[:] = GIVEN
    model = Straight(clean)
    loss_of(model, clean, scripts, states, torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    assert torch.equal(model.calls[0].tokens.video, clean.video)
    assert not torch.allclose(model.calls[0].tokens.sound, clean.sound, atol=0.1)


def test_training_lowers_the_loss(make_model: Callable[..., ReferenceModel], make_script: Callable[..., Script]) -> None:
    model = make_model(3)
    transformer = model.transformer.train().requires_grad_(True)
    scripts = batch_scripts([make_script(12)] * 4, model.vocabulary)
    clean = filled(scripts, 0.5, transformer.config.codes)
    optimizer = torch.optim.Adam(transformer.parameters(), 3e-3)
    losses = []
    for step in range(40):
        loss = loss_of(transformer, clean, scripts, all_noisy(scripts), torch.Generator().manual_seed(step % 4)).total
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])


def test_noise_of_a_row_does_not_depend_on_its_batch(make_script: Callable[..., Script]) -> None:
    script = make_script(20)
    alone = noise_like(batch_scripts([script], VOCABULARY), CODES, [7])
    batch = noise_like(batch_scripts([make_script(60, cuts=(9, 20)), script], VOCABULARY), CODES, [3, 7])
    for single, other in zip(alone.each(), batch.each(), strict=True):
        assert torch.equal(single[0], other[1, : single.shape[1]])


@pytest.mark.parametrize("frames", [2, 4, 20])
def test_noise_of_a_longer_clip_begins_as_that_of_a_shorter_one(make_script: Callable[..., Script], frames: int) -> None:
    short, long = (noise_like(batch_scripts([make_script(count)], VOCABULARY), CODES, [7]) for count in (frames, 90))
    assert torch.equal(short.video[0], long.video[0, : frames // 2])
    assert torch.equal(short.sound[0], long.sound[0, : frames // 2])


def test_every_seed_and_kind_has_noise_of_its_own(scripts: Scripts) -> None:
    noise = noise_like(scripts, dict.fromkeys(KINDS, 16), [0, 1])
    first = [tokens[0, 0] for tokens in noise.each()] + [noise.video[1, 0]]
    assert all(not torch.equal(a, b) for index, a in enumerate(first) for b in first[index + 1 :])
    assert noise.video.std().item() == pytest.approx(1, abs=0.2)


def test_states_begin_as_noisy_everywhere(scripts: Scripts) -> None:
    states = all_noisy(scripts)
    assert [state.shape for state in states.each()] == [(2, 1), (2, 2), (2, 10), (2, 10)]
    assert replace(states).person.sum() == 0
