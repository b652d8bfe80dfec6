"""Which pictures of a face are embedded, how it is aligned, and both networks' plumbing; the ArcFace one is made here."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbench.errors import WeightsError
from seedbench.metrics.analyses.face_embedders import ArcFaceEmbedder, five_points, similarity_transform
from seedbench.metrics.analyses.face_embeddings import MapPictures, embed_faces
from seedbench.metrics.analyses.face_selection import CUT_MARGIN_S, choose_pictures, near_cut, perceptual_hash, sharpness, yaw_deg
from seedbench.metrics.analyses.faces import FPS, FaceTrack

NO_CUTS = np.zeros(0)


def mesh(side: float = 100.0, *, yaw: float = 0.0) -> np.ndarray:
    """A made-up mesh (468, 3) in a square of ``side`` pixels at (50, 50), turned by ``yaw`` degrees."""
    points = np.random.default_rng(3).uniform(0.2, 0.8, (468, 3)) * side
    for number, (x, y) in {33: (0.25, 0.4), 133: (0.4, 0.4), 362: (0.6, 0.4), 263: (0.75, 0.4), 4: (0.5, 0.6)}.items():
        points[number] = (x * side, y * side, 0)
    points[61], points[291] = (0.35 * side, 0.8 * side, 0), (0.65 * side, 0.8 * side, 0)
    half = 0.5 * side
    turn = np.radians(yaw)
    points[234] = (half - half * np.cos(turn), half, -half * np.sin(turn))
    points[454] = (half + half * np.cos(turn), half, half * np.sin(turn))
    points[:, :2] += 50.0
    return points


def track(frames: int, *, side: float = 100.0, yaw: float = 0.0, score: float = 0.9, first: int = 0) -> FaceTrack:
    box = np.array([50.0, 50.0, 50.0 + side, 50.0 + side])
    return FaceTrack(
        frames=np.arange(first, first + frames, dtype=np.int32),
        boxes=np.tile(box, (frames, 1)).astype(np.float32),
        landmarks=np.tile(mesh(side, yaw=yaw), (frames, 1, 1)).astype(np.float32),
        mesh_score=np.full(frames, 0.99, np.float32),
        det_score=np.full(frames, score, np.float32),
    )


def test_one_frame_in_five_is_looked_at_and_ten_a_shot_are_kept() -> None:
    chosen, dropped = choose_pictures([track(25)], NO_CUTS, 5.0)
    assert [choice.row for choice in chosen] == [2, 7, 12, 17, 22]
    assert dropped == {}
    assert len(choose_pictures([track(125)], NO_CUTS, 5.0)[0]) == 10


def test_each_shot_of_a_track_gets_its_share_and_frames_at_the_cut_none() -> None:
    chosen, dropped = choose_pictures([track(50)], np.array([27 / 25]), 2.0)
    assert [choice.row for choice in chosen] == [2, 7, 12, 17, 22, 29, 34, 39, 44, 49]
    assert not any(abs(choice.row - 27) < 2 for choice in chosen)
    assert set(dropped) <= {"near a cut"}


@pytest.mark.parametrize(
    ("bad", "reason"), [(track(20, side=30.0), "small"), (track(20, yaw=70.0), "turned away"), (track(20, score=0.3), "uncertain")]
)
def test_poor_pictures_are_left_out_and_counted(bad: FaceTrack, reason: str) -> None:
    chosen, dropped = choose_pictures([bad], NO_CUTS, 5.0)
    assert chosen == []
    assert dropped == {reason: 4}


def test_a_crowd_does_not_cost_more_than_the_budget() -> None:
    crowd = [track(125, side=60.0 + number) for number in range(30)]
    chosen, dropped = choose_pictures(crowd, NO_CUTS, 5.0)
    assert len(chosen) <= 36
    assert min(choice.track for choice in chosen) > 20
    assert dropped["more faces than the budget"] > 0


@pytest.mark.parametrize("angle", [-40.0, 0.0, 25.0])
def test_the_turn_of_a_head_is_measured_from_its_sides(angle: float) -> None:
    assert yaw_deg(mesh(yaw=angle)[None])[0] == pytest.approx(angle, abs=1e-4)


def test_alignment_undoes_turn_scale_and_shift() -> None:
    points = five_points(mesh())
    angle = 0.3
    turn = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points @ turn.T + [5, -9]
    matrix = similarity_transform(moved, points)
    assert moved @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(points)


def test_a_blurred_face_is_less_sharp() -> None:
    import cv2

    face = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    assert sharpness(cv2.GaussianBlur(face, (0, 0), 4)) < 0.1 * sharpness(face)
    assert sharpness(np.full((150, 150, 3), 90, np.uint8)) == 0.0


def test_the_hash_ignores_brightness_and_differs_between_pictures() -> None:
    import cv2

    def face(seed: int) -> np.ndarray:
        coarse = np.random.default_rng(seed).integers(40, 200, (9, 9, 3), dtype=np.uint8)
        return cv2.resize(coarse, (150, 150), interpolation=cv2.INTER_CUBIC)

    def bits_apart(first: np.ndarray, second: np.ndarray) -> int:
        return int(np.bitwise_count(perceptual_hash(first) ^ perceptual_hash(second)).sum())

    assert bits_apart(face(1), cv2.add(face(1), 12)) <= 2
    assert bits_apart(face(1), face(2)) > 15


def scripted(module: Any, file: Path) -> str:
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
        torch.jit.save(torch.jit.script(module), str(file))
    return str(file)


@pytest.fixture
def arcface(tmp_path: Path) -> ArcFaceEmbedder:
    """A tiny torchscript network: the mean colours of the four quarters of the crop."""
    import torch

    class Quarters(torch.nn.Module):
        def forward(self, faces: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.adaptive_avg_pool2d(faces, 2).flatten(1)

    return ArcFaceEmbedder(scripted(Quarters(), tmp_path / "tiny.pt"))


def test_an_arcface_network_sees_aligned_crops_from_minus_one_to_one(arcface: ArcFaceEmbedder) -> None:
    white = np.full((2, 112, 112, 3), 255, np.uint8)
    assert arcface.embed(white) == pytest.approx(np.ones((2, 12)))
    picture = np.zeros((200, 200, 3), np.uint8)
    eye = five_points(mesh())[0].round().astype(int)
    picture[eye[1] - 3 : eye[1] + 4, eye[0] - 3 : eye[0] + 4] = 255
    aligned = arcface.align(picture, np.zeros(4), mesh())
    rows, columns = np.nonzero(aligned[:, :, 0] > 128)
    assert (columns.mean(), rows.mean()) == pytest.approx((38.3, 51.7), abs=4.0)


def pictures_of(picture: np.ndarray) -> MapPictures:
    """A clip that shows one picture all the time."""
    return lambda frames, use: [use(position, picture) for position in range(len(frames))]


def test_noisy_pictures_are_left_out_and_counted(arcface: ArcFaceEmbedder) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    samples = embed_faces(pictures_of(noise), [track(30)], NO_CUTS, arcface, duration_s=5.0)
    assert len(samples) == 0
    assert samples.dropped == {"noisy": 6}


def test_samples_are_unit_vectors_with_weights(arcface: ArcFaceEmbedder) -> None:
    import cv2

    coarse = np.random.default_rng(1).integers(0, 256, (25, 25, 3), dtype=np.uint8)
    textured = cv2.resize(coarse, (200, 200), interpolation=cv2.INTER_CUBIC)
    samples = embed_faces(pictures_of(textured), [track(30, first=10)], NO_CUTS, arcface, duration_s=5.0)
    assert samples.backend == "arcface"
    assert samples.frame.tolist() == [12, 17, 22, 27, 32, 37]
    assert np.linalg.norm(samples.embedding, axis=1) == pytest.approx(1.0, abs=1e-6)
    assert samples.weight == pytest.approx(0.9 * 100.0)
    assert samples.phash.shape == (6, 8)


def test_blurred_faces_are_not_embedded(arcface: ArcFaceEmbedder) -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    samples = embed_faces(pictures_of(flat), [track(30)], NO_CUTS, arcface, duration_s=5.0)
    assert len(samples) == 0
    assert samples.dropped == {"blurred": 6}


def test_a_file_that_is_not_torchscript_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "bad.pt"
    file.write_bytes(b"not a network")
    with pytest.raises(WeightsError, match="not a torchscript file"):
        ArcFaceEmbedder(str(file))


def test_a_network_of_another_shape_is_refused(tmp_path: Path) -> None:
    import torch

    class Flat(torch.nn.Module):
        def forward(self, faces: torch.Tensor) -> torch.Tensor:
            return faces

    embedder = ArcFaceEmbedder(scripted(Flat(), tmp_path / "flat.pt"))
    with pytest.raises(WeightsError, match="one vector per face"):
        embedder.embed(np.zeros((1, 112, 112, 3), np.uint8))


@pytest.mark.parametrize("fps", [25.0, 30.0, 50.0, 60.0])
def test_a_picture_exactly_at_the_margin_of_a_cut_is_not_near_it(fps: float) -> None:
    frames = np.arange(200) / FPS
    cuts = np.arange(1, 100) / fps
    for cut in cuts:
        near = near_cut(frames, np.array([cut]))
        at_margin = np.abs(np.abs(frames - cut) - CUT_MARGIN_S) < 1e-7
        assert not near[at_margin].any()
        assert near[np.abs(frames - cut) < CUT_MARGIN_S - 1e-5].all()
