"""Lip and sound features: what must not change them, and what must."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.metrics.lipsync.features import (
    MEL_DEPTH,
    MESH_POINTS,
    fill_bad_frames,
    limit_outliers,
    lip_aperture,
    lip_features,
    mesh_points,
    sound_features,
    speech_band,
    upright,
    voice_energy,
)

AT = {point: k for k, point in enumerate(MESH_POINTS)}


def face(opening: np.ndarray, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Points (T, 50, 2) of a face 100 px between the eyes whose lips open by ``opening`` (T,) px."""
    rng = np.random.default_rng(1)
    mesh = rng.uniform(-40, 40, (50, 2)) + np.array([0, 60])
    fixed = {
        33: (-50, 0),
        263: (50, 0),
        1: (0, 50),
        6: (0, 10),
        10: (0, -70),
        234: (-80, 20),
        454: (80, 20),
        152: (0, 140),
        148: (-15, 138),
        377: (15, 138),
    }
    lips = {
        13: (0, 85),
        14: (0, 85),
        82: (-8, 85),
        87: (-8, 85),
        312: (8, 85),
        317: (8, 85),
        61: (-25, 85),
        291: (25, 85),
        0: (0, 75),
        17: (0, 97),
    }
    for point, position in {**fixed, **lips}.items():
        mesh[AT[point]] = position
    points = np.repeat(mesh[None], len(opening), axis=0)
    for point in (14, 87, 317, 17, 152, 148, 377):
        points[:, AT[point], 1] += opening
    return points + noise * np.random.default_rng(seed).normal(size=points.shape)


OPENING = 6 + 6 * np.sin(np.arange(100) * 0.9)
GOOD = np.ones(100)


def test_the_points_are_picked_from_the_full_mesh_in_order() -> None:
    mesh = np.zeros((2, 468, 3))
    mesh[:, 263, 0] = 7.0
    assert mesh_points(mesh)[:, AT[263], 0].tolist() == [7.0, 7.0]


def test_the_aperture_follows_the_lips() -> None:
    aperture = lip_features(face(OPENING), GOOD).aperture
    assert np.corrcoef(aperture, OPENING)[0, 1] > 0.999
    assert aperture.max() == pytest.approx(0.12, abs=0.01)  # 12 px of 100 px between the eyes


@pytest.mark.parametrize(("scale", "turn", "shift"), [(2.0, 0.0, 0.0), (1.0, 0.4, 0.0), (0.5, -0.3, 300.0)])
def test_size_roll_and_position_of_the_head_do_not_matter(scale: float, turn: float, shift: float) -> None:
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    plain, moved = lip_features(face(OPENING), GOOD), lip_features(scale * face(OPENING) @ rotation.T + shift, GOOD)
    assert moved.shape == pytest.approx(plain.shape, abs=1e-6)


def test_upright_levels_the_eyes() -> None:
    rotation = np.array([[0.0, -1.0], [1.0, 0.0]])
    level = upright(face(OPENING) @ rotation.T)
    assert level[:, AT[33], 1] == pytest.approx(level[:, AT[263], 1])


def test_frames_with_a_poor_mesh_are_filled_in() -> None:
    points, score = face(OPENING * 0 + 5), GOOD.copy()
    points[40:43] += 500 * np.random.default_rng(0).normal(size=(3, 50, 2))
    score[40:43] = 0.2
    assert lip_features(points, score).aperture == pytest.approx(0.05, abs=1e-6)


def test_nothing_is_filled_in_when_no_frame_is_good() -> None:
    values = np.arange(6.0).reshape(3, 2)
    assert fill_bad_frames(values, np.zeros(3, bool)) is values


def test_slow_motion_is_removed_and_speech_stays() -> None:
    time = np.arange(200.0)
    assert np.abs(speech_band((time / 100)[:, None])[30:-30]).max() < 0.01
    assert speech_band(np.sin(time * 0.9)[:, None])[50:150].std() > 0.5


def test_an_outlier_is_limited() -> None:
    values = np.random.default_rng(0).normal(size=(500, 1))
    values[7] = 1e6
    assert abs(limit_outliers(values)[7, 0]) < 4


def test_loudness_does_not_change_the_sound_features() -> None:
    log_mel = np.random.default_rng(0).uniform(-6, 0, (300, 40))
    assert sound_features(log_mel + 3.0, 70) == pytest.approx(sound_features(log_mel, 70))


def test_sound_far_below_the_loudest_is_floored() -> None:
    log_mel = np.zeros((300, 40))
    log_mel[100:200] = -MEL_DEPTH
    deeper = np.where(log_mel < 0, -50.0, 0.0)
    assert sound_features(deeper, 70) == pytest.approx(sound_features(log_mel, 70))


def test_sound_is_sampled_at_its_time() -> None:
    log_mel = np.full((300, 40), -8.0)
    log_mel[150:] = 0.0  # from 1.5125 s on
    energy = voice_energy(sound_features(log_mel, 75))
    assert abs(int(np.abs(np.diff(energy)).argmax()) - 1.5125 * 25) <= 1
    assert len(energy) == 75


def test_sound_that_ends_early_repeats_its_last_window() -> None:
    assert sound_features(np.random.default_rng(0).normal(size=(50, 40)), 50)[120:].std(axis=0) == pytest.approx(0.0)


def test_lip_aperture_is_zero_for_closed_lips() -> None:
    assert lip_aperture(face(np.zeros(3))) == pytest.approx(0.0)
