"""Faces painted in squares of their own: where the squares lie, what is laid back, what learns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seedbench.generators.reference.faces import EDGE, LOW, REACH, TALL, FaceSquarePainter, blended, cut_out, pixel_positions
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.tokenizer import TokenizerConfig, VideoTokenizer
from seedbench.generators.reference.training.batches import CodedPictures
from seedbench.generators.reference.training.tokenizers import FacesTraining

HEADS = torch.tensor([[1.0, 0.5, 0.5], [0.8, 0.4, 0.3]])


def slopes(n: int, height: int, width: int) -> Tensor:
    """Pictures whose red says how far right a pixel is and green how far down, in heights of the picture."""
    down, across = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return torch.stack([across / height, down / height, torch.zeros(height, width)]).expand(n, -1, -1, -1).contiguous()


def test_a_square_is_cut_out_around_the_head() -> None:
    squares = cut_out(slopes(2, 128, 256), HEADS, 16)
    positions = pixel_positions(16, torch.device("cpu"))
    for row, (x, y, size) in enumerate(HEADS.tolist()):
        assert torch.allclose(squares[row, 0], x + REACH * size * positions[..., 0], atol=1e-4)
        assert torch.allclose(squares[row, 1], y + REACH * size * positions[..., 1], atol=1e-4)


def test_blending_the_cut_out_square_changes_nothing() -> None:
    pictures = slopes(2, 128, 256)
    assert torch.allclose(blended(pictures, cut_out(pictures, HEADS, 32), HEADS), pictures, atol=5e-3)


@pytest.mark.parametrize("larger", [1, 2])
def test_a_square_is_blended_where_its_head_is_in_pictures_of_every_size(larger: int) -> None:
    height, width = 64 * larger, 112 * larger
    white = blended(torch.zeros(2, 3, height, width), torch.ones(2, 3, 8, 8), HEADS)[:, 0]
    for row, (x, y, size) in enumerate(HEADS.tolist()):
        down, across = slopes(1, height, width)[0, [1, 0]] - torch.tensor([y, x])[:, None, None]
        down, across = down / (REACH * size), across / (REACH * size)
        distance = (((down - LOW) / TALL).square() + across.square()).sqrt()
        assert (white[row][distance < EDGE - 0.3] > 0.999).all()
        assert (white[row][distance > EDGE + 0.02] == 0).all()
        assert (white[row][(across.abs() < 0.2) & (down > 0.4) & (down < 0.6)] > 0.8).all()  # the mouth


def test_a_head_beyond_the_edge_is_blended_as_far_as_it_is_visible() -> None:
    black, white = torch.zeros(1, 3, 64, 112), torch.ones(1, 3, 8, 8)
    half = blended(black, white, torch.tensor([[0.0, 0.5, 0.5]]))
    whole = blended(black, white, torch.tensor([[56 / 64, 0.5, 0.5]]))
    assert torch.allclose(half[..., :56], whole[..., 56:], atol=1e-6)
    assert half[..., :8].max() > 0.9
    assert torch.equal(blended(black, white, torch.tensor([[5.0, 0.5, 0.5]])), black)


def test_an_untrained_painter_leaves_faces_as_they_are() -> None:
    faces = FaceSquarePainter(16, (8, 8, 8), person=4, shot=4, motion=4, n_acting=2)
    squares = torch.rand(3, 3, 16, 16)
    assert torch.equal(faces(squares, torch.randn(3, 4), torch.randn(3, 4)), squares)
    heads = faces.heads(torch.randn(3, 4), torch.randn(3, 4), torch.randn(3, 4))
    assert torch.equal(heads, heads[:1].expand(3, -1))  # the place where heads stand on average


def test_a_painter_depends_on_the_acting_and_on_no_other_motion() -> None:
    torch.manual_seed(0)
    faces = FaceSquarePainter(16, (8, 8, 8), person=4, shot=4, motion=4, n_acting=2)
    torch.nn.init.normal_(faces.out.weight)
    squares, person, motion = torch.rand(1, 3, 16, 16), torch.randn(1, 4), torch.randn(1, 4)
    output = faces(squares, person, motion)
    assert torch.equal(faces(squares, person, motion + torch.tensor([0.0, 0.0, 1.0, 1.0])), output)
    assert not torch.allclose(faces(squares, person, motion + torch.tensor([1.0, 0.0, 0.0, 0.0])), output)


def test_half_of_the_training_pairs_exchange_the_motion_of_their_drafts() -> None:
    config = TokenizerConfig(64, 32, 4, 4, 4, 1, 4, (8, 8, 8), 8, 8, 1, face=16, face_channels=(8, 8, 8))
    video = VideoTokenizer(config).eval().requires_grad_(False)
    training = FacesTraining(video, steps=10).eval()
    motions: list[Tensor] = []

    def draft(person: Tensor, shot: Tensor, motion: Tensor) -> Tensor:
        motions.append(motion)
        return torch.rand(len(motion), 3, 32, 64)

    video.draft = draft  # type: ignore[method-assign]
    motion = 100.0 * torch.arange(15)[:, None] * torch.ones(15, 4)
    heads = torch.tensor([[1.0, 0.4, 0.4]]).repeat(15, 1)
    training.losses(training.net, CodedPictures(torch.rand(15, 3, 32, 64), torch.ones(15, 4), torch.ones(15, 4), motion, heads), 0)
    acting, other = (motions[0] / 100).round().int().split([1, 3], 1)  # without the noise
    assert acting[:, 0].tolist() == list(range(15))
    assert other[:, 0].tolist() == [1, 0, 2, 3, 5, 4, 6, 7, 9, 8, 10, 11, 12, 13, 14]  # five pairs, and five alone


def test_no_face_is_painted_where_nobody_is_seen(model: ReferenceModel) -> None:
    video = model.tokenizers.video
    person, shot, motion = torch.zeros(2, 16), torch.randn(2, 16), torch.randn(2, 8)
    person[1] = 1.0
    draft, output = video.draft(person, shot, motion), video.decode(person, shot, motion)
    assert torch.equal(output[0], draft[0])
    assert (output[1] - draft[1]).abs().max() > 1e-3


def test_pictures_are_decoded_at_a_requested_size(model: ReferenceModel) -> None:
    video = model.tokenizers.video
    codes = torch.ones(1, 16), torch.ones(1, 16), torch.ones(1, 8)
    plain, large = video.decode(*codes), video.decode(*codes, size=(128, 64))
    assert large.shape == (1, 3, 64, 128)
    small = torch.nn.functional.interpolate(large, (32, 64), mode="area")
    assert torch.corrcoef(torch.stack([small.flatten(), plain.flatten()]))[0, 1] > 0.9


def test_a_painter_learns_where_heads_are_and_what_is_missing() -> None:
    torch.manual_seed(0)
    config = TokenizerConfig(64, 32, 4, 4, 4, 0, 4, (8, 8, 8), 8, 8, 1, face=16, face_channels=(8, 8, 8))
    training = FacesTraining(VideoTokenizer(config).eval().requires_grad_(False), steps=10)
    heads = torch.tensor([[1.0, 0.4, 0.4]]).repeat(6, 1)
    batch = CodedPictures(slopes(6, 32, 64), torch.ones(6, 4), torch.randn(6, 4), torch.randn(6, 4), heads)
    optimizer = torch.optim.Adam(training.net.parameters(), 0.01)
    training.eval()  # no pictures go to a dashboard
    history = []
    for seed in range(60):
        losses = training.losses(training.net, batch, seed)
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
        history.append({name: value.item() for name, value in losses.items()})
    assert history[-1]["place_missed"] < 0.1 * history[0]["place_missed"]
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert all(weight.grad is None for weight in training.video.parameters())


def test_an_error_at_the_mouth_costs_most() -> None:
    torch.manual_seed(0)
    config = TokenizerConfig(64, 32, 4, 4, 4, 0, 4, (8, 8, 8), 8, 8, 1, face=32, face_channels=(8, 8, 8))
    training = FacesTraining(VideoTokenizer(config).eval().requires_grad_(False), steps=10).eval()
    x, y, size = 1.0, 0.5, 0.9

    def loss(across: float, down: float) -> float:
        """Of two pictures, no pair, that are grey but for a white patch at a place of the square."""
        at = slopes(2, 32, 64)[:, :2]
        patch = ((at[:, 0] - x - REACH * size * across).abs() < 0.08) & ((at[:, 1] - y - REACH * size * down).abs() < 0.08)
        pictures = 0.5 + 0.5 * patch[:, None].float().expand(-1, 3, -1, -1)
        torch.manual_seed(1)
        ones = torch.ones(2, 4)
        batch = CodedPictures(pictures, ones, ones, ones, torch.tensor([[x, y, size]]).repeat(2, 1))
        return training.losses(training.net, batch, 0)["loss"].item()

    without = loss(-9.0, -9.0)
    mouth, cheek, corner = (loss(*at) - without for at in ((0.0, 0.55), (0.5, 0.1), (-0.8, -0.6)))
    assert mouth > 1.5 * cheek
    assert cheek > corner


def test_a_head_has_a_positive_size_for_any_codes() -> None:
    faces = FaceSquarePainter(16, (8, 8, 8), person=4, shot=4, motion=4, n_acting=2)
    torch.nn.init.normal_(faces.where[2].weight, std=100.0)
    heads = faces.heads(*(100 * torch.randn(50, 4) for _ in range(3)))
    assert heads[:, 2].min() > 0.05
