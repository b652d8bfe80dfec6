"""Whether a mouth is seen: pictures of drawn mouths, and of what may cover them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from seedbench.metrics.lipsync.visible_mouth import HEIGHT, INNER, OUTER, SCALE, WIDTH, MouthPictures, mouth_evidence, mouth_matrix

SKIN, LIPS, INSIDE = (205, 165, 140), (165, 90, 85), (45, 15, 15)
N = 75


def mesh(opening: np.ndarray) -> np.ndarray:
    """Meshes (T, 468, 2) of a mouth of 30 pixels whose lower lip drops by up to 8."""
    points = np.full((len(opening), 468, 2), [WIDTH / 2, HEIGHT / 2])
    for outline, width, height in ((OUTER, 15.0, 6.0), (INNER, 12.0, 1.0)):
        angle = np.pi + np.arange(20) / 20 * 2 * np.pi
        x, y = width * np.cos(angle), -height * np.sin(angle)
        for point, px, py in zip(outline, x, y, strict=True):
            points[:, point] += [px, py]
            points[:, point, 1] += 8 * opening * (py > 0) * (1 - abs(px) / 16)
    return points


def speech(seed: int = 0) -> np.ndarray:
    """An opening (T,), 0..1, that changes as fast as speech."""
    rough = np.convolve(np.random.default_rng(seed).normal(size=N + 6), np.hanning(7), "valid")
    return np.clip(0.4 + 0.3 * rough / rough.std(), 0, 1)


def mouth(points: np.ndarray) -> np.ndarray:
    """Pictures (T, 48, 64, 3) of lips on skin."""
    pictures = np.empty((len(points), HEIGHT, WIDTH, 3), np.uint8)
    pictures[:] = SKIN
    for picture, own in zip(pictures, np.rint(points * 16).astype(np.int32), strict=True):
        cv2.fillPoly(picture, [own[list(OUTER)]], LIPS, cv2.LINE_AA, 4)
        cv2.fillPoly(picture, [own[list(INNER)]], INSIDE, cv2.LINE_AA, 4)
    return pictures


def noisy(pictures: np.ndarray, amount: float = 3.0) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(1).normal(size=pictures.shape[1:]), (0, 0), 1.0) * amount * 3
    return np.clip(pictures + noise, 0, 255).astype(np.uint8)


def is_seen(pictures: np.ndarray, points: np.ndarray) -> bool:
    lab = np.stack([cv2.cvtColor(picture, cv2.COLOR_RGB2LAB) for picture in noisy(pictures)])
    return mouth_evidence(MouthPictures(lab, points)).seen


def test_a_speaking_mouth_is_seen() -> None:
    points = mesh(speech())
    assert is_seen(mouth(points), points)


def test_a_speaking_mouth_without_colour_is_seen() -> None:
    points = mesh(speech())
    grey = mouth(points).mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    assert is_seen(grey, points)


def test_a_still_mouth_is_seen() -> None:
    points = mesh(np.full(N, 0.2))
    assert is_seen(mouth(points), points)


@pytest.mark.parametrize("colour", [(235, 235, 235), (30, 30, 30), (120, 160, 200), (150, 60, 60), SKIN])
def test_cloth_is_no_mouth_whatever_lips_a_mesh_invents(colour: tuple[int, int, int]) -> None:
    cloth = np.empty((N, HEIGHT, WIDTH, 3), np.uint8)
    cloth[:] = colour
    assert not is_seen(cloth, mesh(0.3 * speech()))
    assert not is_seen(cloth, mesh(np.full(N, 0.2)))


def test_a_blurred_mouth_is_not_seen() -> None:
    points = mesh(speech())
    blurred = np.stack([cv2.GaussianBlur(picture, (0, 0), 9.0) for picture in mouth(points)])
    assert not is_seen(blurred, mesh(0.3 * speech()))


def test_a_mouth_whose_mesh_moves_otherwise_is_not_seen_to_follow() -> None:
    evidence = [
        mouth_evidence(MouthPictures(np.stack([cv2.cvtColor(p, cv2.COLOR_RGB2LAB) for p in mouth(mesh(speech(seed)))]), mesh(speech(9))))
        for seed in (9, 1, 2)
    ]
    assert evidence[0].following > 1.5 * max(other.following for other in evidence[1:])


def test_a_turned_face_is_made_upright() -> None:
    points = np.zeros((468, 2))
    points[33], points[263] = (10, 10), (10, 110)  # the line of the eyes is upright in the picture
    points[[61, 291, 0, 17]] = (-60, 60)
    matrix = mouth_matrix(points, 100.0)
    eyes = points[[33, 263]] @ matrix[:, :2].T + matrix[:, 2]
    assert eyes[0, 1] == pytest.approx(eyes[1, 1])
    assert eyes[1, 0] - eyes[0, 0] == pytest.approx(SCALE)
    assert points[61] @ matrix[:, :2].T + matrix[:, 2] == pytest.approx([WIDTH / 2, HEIGHT / 2])
