"""Steadiness of a face within one shot, from synthetic embeddings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seedbench.metrics.analyses.face_embeddings import FaceSamples
from seedbench.metrics.identity.calibrate import DRAWN, FACE_SCALES, FaceScale
from seedbench.metrics.identity.within_shot import Course, courses_of
from tests.metrics.test_identity import P, Q, between, samples_of

ARCFACE = FACE_SCALES["arcface"]


def scale_of(_vector: np.ndarray) -> FaceScale:
    return ARCFACE


def of_pictures(vectors: list[np.ndarray], *, still: slice = slice(0, 0), **changes: np.ndarray) -> FaceSamples:
    """A face in one shot with these vectors, one every 0.2 s. It moves a little from picture to picture, but not in the ``still`` ones."""
    samples = samples_of([[P]], pictures=len(vectors))
    time_s = 0.1 + 0.2 * np.arange(len(vectors))
    aside = 0.1 * np.eye(8)[6 + np.arange(len(vectors)) % 2]
    aside[still] = 0.0
    embedding = np.array(vectors) + aside
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    frame = np.round(time_s * 25).astype(np.int32)
    return replace(samples, embedding=embedding.astype(np.float32), time_s=time_s, frame=frame, **changes)


def course(samples: FaceSamples) -> Course:
    (only,) = courses_of(samples, np.zeros(len(samples), int), scale_of)
    return only


def test_a_face_that_stays_the_same_is_steady() -> None:
    result = course(of_pictures([P] * 10))
    assert (result.similarity, result.changes_s) == (1.0, ())
    assert result.drift_per_s == pytest.approx(0.0)


def test_a_face_seen_for_one_second_has_an_answer_and_a_shorter_one_has_not() -> None:
    assert course(of_pictures([P] * 4)).similarity == 1.0
    assert course(of_pictures([P] * 3)).reason == "no face is seen clearly for one second"


def test_a_face_that_is_replaced_is_seen_with_its_time() -> None:
    result = course(of_pictures([P] * 5 + [Q] * 5))
    assert result.similarity == pytest.approx(0.0, abs=0.02)
    assert result.changes_s == pytest.approx((1.0,))


def test_a_face_that_is_replaced_and_comes_back_changes_twice() -> None:
    assert course(of_pictures([P] * 4 + [Q] * 4 + [P] * 4)).changes_s == pytest.approx((0.8, 1.6))


def test_a_face_that_is_lost_and_replaced_in_its_position_is_one_course() -> None:
    samples = of_pictures([P] * 5 + [Q] * 5, track=np.repeat([0, 1], 5).astype(np.int32))
    assert course(samples).changes_s == pytest.approx((1.0,))
    elsewhere = replace(samples, box=np.where(samples.track[:, None] == 1, samples.box + 500, samples.box))
    assert [face.changes_s for face in courses_of(elsewhere, np.zeros(10, int), scale_of)] == [(), ()]


def test_a_face_that_drifts_away_has_the_slope_of_its_similarity() -> None:
    # cosine to the first picture falls by 0.035 in every picture, that is similarity by 0.05 in 0.2 s once it is below 1
    start = [between(0.7 - 0.035 * k) for k in range(9)]
    result = course(of_pictures([P, P, P, *start]))
    assert result.drift_per_s is not None
    assert -0.3 < result.drift_per_s < -0.15
    assert result.changes_s == ()


def test_a_still_picture_gets_no_answer() -> None:
    result = course(of_pictures([P] * 10, still=slice(0, 10)))
    assert result.similarity is None
    assert "still picture" in result.reason


def test_a_face_that_freezes_is_judged_by_the_pictures_in_which_it_moves() -> None:
    slow = [P, between(0.9), between(0.8), between(0.7), between(0.6)]
    frozen = course(of_pictures([*slow, *[between(0.6)] * 20], still=slice(4, 25)))
    assert frozen.similarity == course(of_pictures(slow, still=slice(4, 5))).similarity
    assert frozen.time_s[-1] < 1.0


def test_pictures_of_a_turned_head_are_left_out() -> None:
    yaw = np.array([0.0] * 7 + [40.0] * 3, np.float32)
    assert course(of_pictures([P] * 7 + [Q] * 3, yaw_deg=yaw)).similarity == 1.0


def test_a_photograph_whose_vectors_jitter_has_no_answer() -> None:
    jittering = of_pictures([P] * 10)
    assert course(jittering).similarity == 1.0
    assert "still picture" in course(replace(jittering, movement=np.full(10, 0.02, np.float32))).reason


def test_a_drawn_face_that_hardly_moves_has_an_answer() -> None:
    quiet = replace(of_pictures([P] * 10), movement=np.full(10, 0.02, np.float32))
    drawn = replace(ARCFACE, source=DRAWN)
    (only,) = courses_of(quiet, np.zeros(10, int), lambda _: drawn)
    assert only.similarity == 1.0
