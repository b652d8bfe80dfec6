"""People found by likeness where no cast is declared."""

from __future__ import annotations

import numpy as np
import pytest

from seedbench.metrics.identity.calibrate import FACE_SCALES
from seedbench.metrics.identity.judge import IdentityJudgement, judge
from seedbench.metrics.identity.people import group_faces
from seedbench.metrics.identity.schedule import schedule_of_cuts
from tests.metrics.test_identity import EMPTY, P, Q, R, between, judged, samples_of

ARCFACE = FACE_SCALES["arcface"]


def without_cast(shots: list[list[np.ndarray]]) -> IdentityJudgement:
    return judged(shots, [[] for _ in shots])


def test_a_dialogue_is_two_people_who_come_back() -> None:
    result = without_cast([[P], [Q], [P], [Q]])
    assert result.answers["similarity"].value == pytest.approx(1.0)
    assert [role.subject for role in result.casting.roles] == ["person 1", "person 2", "person 1", "person 2"]


def test_two_people_in_every_shot_are_told_apart() -> None:
    result = without_cast([[P, Q], [Q, P]])
    assert result.answers["similarity"].value == pytest.approx(1.0)
    assert result.answers["similarity"].total == 2


def test_a_face_that_changed_between_shots_lowers_similarity() -> None:
    changed = between(0.3)
    result = without_cast([[P], [changed]])
    assert result.answers["similarity"].value == pytest.approx(ARCFACE.similarity(0.3), abs=1e-6)
    assert ARCFACE.similarity(0.3) < 0.5


def test_different_people_in_every_shot_give_no_answer() -> None:
    answer = without_cast([[P], [Q]]).answers["similarity"]
    assert (answer.value, answer.reason) == (None, "nobody is seen in two shots; only a declared cast says who should be")


def test_somebody_who_does_not_come_back_changes_nothing() -> None:
    assert without_cast([[P], [P, R], [P]]).answers["similarity"].value == pytest.approx(1.0)
    assert without_cast([[P], [Q], [P]]).answers["similarity"].value == pytest.approx(1.0)


def test_two_faces_of_one_shot_are_two_people() -> None:
    result = judge(samples_of([[P, P]]), schedule_of_cuts(np.zeros(0), end_s=1.0), np.full(25, 2), drawn=EMPTY)
    assert group_faces(result.faces, np.ones((2, 2))).tolist() == [0, 1]


def test_slow_drift_over_shots_keeps_one_person_and_is_seen() -> None:
    result = without_cast([[between(0.7 - 0.03 * k)] if k else [P] for k in range(5)])
    assert {role.subject for role in result.casting.roles} == {"person 1"}
    drift = result.answers["drift_per_shot"].value
    assert drift is not None
    assert drift < 0
