"""Identity from synthetic embeddings: known people in known shots, every number known beforehand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.metrics.analyses.face_embeddings import FaceSamples
from seedbench.metrics.identity.appearances import appearances_by_shot, split_half, unit, weighted_mean
from seedbench.metrics.identity.assign import match_faces, nearest_character
from seedbench.metrics.identity.calibrate import FACE_SCALES, FaceScale, drawn_face_bank, face_scale
from seedbench.metrics.identity.judge import IdentityJudgement, judge
from seedbench.metrics.identity.schedule import Schedule, build_schedule
from seedbench.metrics.identity.summary import theil_sen

SHOT_S = 1.0
EMPTY = np.zeros((0, 0))
ARCFACE = FACE_SCALES["arcface"]
P, Q, R = np.eye(8)[0], np.eye(8)[1], np.eye(8)[2]


def between(cosine: float, start: np.ndarray = P, towards: np.ndarray = R) -> np.ndarray:
    """A unit vector at the given cosine to ``start``."""
    return cosine * start + math.sqrt(1 - cosine**2) * towards


def samples_of(shots: Sequence[Sequence[np.ndarray]], *, backend: str = "arcface", pictures: int = 6) -> FaceSamples:
    """Samples of a clip of one-second shots, each showing the given faces from left to right, all equally large."""
    rows = []
    track = 0
    for shot, faces in enumerate(shots):
        for position, vector in enumerate(faces):
            rows += [(track, round((shot + 0.1 + 0.12 * k) * 25), position, vector) for k in range(pictures)]
            track += 1
    frame = np.array([row[1] for row in rows], dtype=np.int32)
    corner = np.array([[100.0 * row[2], 0.0] for row in rows]).reshape(-1, 2)
    random = np.random.default_rng(0)
    return FaceSamples(
        backend=backend,
        track=np.array([row[0] for row in rows], dtype=np.int32),
        frame=frame,
        time_s=frame / 25.0,
        box=np.hstack([corner, corner + 80.0]).astype(np.float32),
        embedding=np.array([row[3] for row in rows], dtype=np.float32).reshape(-1, 8),
        weight=np.ones(len(rows), np.float32),
        yaw_deg=np.zeros(len(rows), np.float32),
        phash=random.integers(0, 256, (len(rows), 8), dtype=np.uint8),
        movement=np.full(len(rows), 0.2, np.float32),
        dropped={},
    )


def schedule_for(casts: Sequence[Sequence[str]], *, seen: int | None = None) -> Schedule:
    """A schedule of one-second shots; ``seen`` shots are really cut (default: all)."""
    declared = [(shot * SHOT_S, (shot + 1) * SHOT_S, tuple(cast)) for shot, cast in enumerate(casts)]
    cuts = np.arange(1, len(casts) if seen is None else seen) * SHOT_S
    return build_schedule(declared, cuts, np.zeros(0), end_s=len(casts) * SHOT_S)


def judged(shots: Sequence[Sequence[np.ndarray]], casts: Sequence[Sequence[str]], **more: object) -> IdentityJudgement:
    samples = samples_of(shots, **more)  # type: ignore[arg-type]
    count = np.repeat([len(faces) for faces in shots], 25)
    return judge(samples, schedule_for(casts), count, drawn=EMPTY)


def values(result: IdentityJudgement) -> dict[str, float | None]:
    return {name: answer.value for name, answer in result.answers.items()}


def test_the_same_face_in_every_shot_scores_one() -> None:
    result = values(judged([[P], [P], [P]], [["ann"], ["ann"], ["ann"]]))
    assert result["similarity"] == pytest.approx(1.0)
    assert result["raw_cosine"] == pytest.approx(1.0)
    assert result["worst_pair"] == pytest.approx(1.0)
    assert result["presence"] == 1.0
    assert result["drift_per_shot"] == pytest.approx(0.0)
    assert result["extra_faces"] == 0.0
    assert result["swap_rate"] is None


def test_another_person_in_one_of_two_shots_scores_zero() -> None:
    result = judged([[P], [Q]], [["ann"], ["ann"]])
    assert result.answers["similarity"].value == 0.0
    assert result.answers["presence"].value == 0.5
    assert result.answers["swap_rate"].value is None


def test_similarity_is_the_mean_over_pairs_of_shots_not_to_a_centroid() -> None:
    # two shots at cosine .5: the cosine to their centroid would be sqrt((1 + .5) / 2) = .866
    result = values(judged([[P], [between(0.5)]], [["ann"], ["ann"]]))
    assert result["raw_cosine"] == pytest.approx(0.5, abs=1e-6)
    assert float(unit(P + between(0.5)) @ P) == pytest.approx(math.sqrt(0.75))


def test_three_shots_give_three_pairs_and_their_worst() -> None:
    least = ARCFACE.similarity(0.5)
    result = judged([[P], [P], [between(0.5)]], [["ann"]] * 3)
    assert result.answers["similarity"].value == pytest.approx((1 + 2 * least) / 3, abs=1e-6)
    assert result.answers["worst_pair"].value == pytest.approx(least, abs=1e-6)
    assert result.details()["subjects"]["ann"]["by_gap"] == pytest.approx({"1": (1 + least) / 2, "2": least})


def test_swapped_people_are_all_swaps_and_score_low() -> None:
    casts = [["ann"], ["bob"], ["ann"], ["bob"]]
    straight = values(judged([[P], [Q], [P], [Q]], casts))
    crossed = values(judged([[P], [Q], [Q], [P]], casts))
    assert straight["swap_rate"] == 0.0
    assert straight["similarity"] == pytest.approx(1.0)
    assert straight["margin"] == pytest.approx(1 / 0.7)  # one recording to another: cosine 0.7
    assert crossed["swap_rate"] == 1.0
    assert crossed["similarity"] == 0.0
    assert crossed["presence"] == 0.5
    assert crossed["margin"] == pytest.approx(-0.5 / 0.7)


def test_two_people_who_change_sides_are_no_swap() -> None:
    result = values(judged([[P, Q], [Q, P]], [["ann", "bob"], ["ann", "bob"]]))
    assert result["swap_rate"] == 0.0
    assert result["similarity"] == pytest.approx(1.0)
    assert result["presence"] == 1.0


def test_a_face_that_matches_neither_person_is_a_swap_when_nearer_to_the_other() -> None:
    turned_away = between(0.3, P)
    result = judged([[P], [Q], [P], [turned_away]], [["ann"], ["bob"], ["ann"], ["bob"]])
    assert result.answers["swap_rate"].value == pytest.approx(0.5)
    assert result.casting.roles[-1].looks_like == "ann"


def test_a_person_outside_the_cast_is_no_swap() -> None:
    result = values(judged([[P], [Q], [P], [R]], [["ann"], ["bob"], ["ann"], ["bob"]]))
    assert result["swap_rate"] == 0.0
    assert result["presence"] == 0.75


def test_one_face_for_both_characters_is_a_swap() -> None:
    result = values(judged([[P], [P]], [["ann"], ["bob"]]))
    assert result["swap_rate"] == 1.0
    assert result["presence"] == 0.5


def test_two_people_who_look_alike_are_no_swap_when_each_comes_back() -> None:
    twin = between(ARCFACE.threshold + 0.05)
    result = values(judged([[P], [twin], [P], [twin]], [["p"], ["q"], ["p"], ["q"]]))
    assert (result["swap_rate"], result["presence"]) == (0.0, 1.0)


def test_two_people_who_look_alike_are_still_seen_to_be_swapped() -> None:
    twin = between(ARCFACE.threshold + 0.05)
    assert values(judged([[P], [twin], [twin], [P]], [["p"], ["q"], ["p"], ["q"]]))["swap_rate"] == 1.0


def test_one_face_doubled_beside_itself_is_a_swap() -> None:
    result = values(judged([[P], [Q], [P, P]], [["ann"], ["bob"], ["ann", "bob"]]))
    assert result["swap_rate"] == pytest.approx(0.5)
    assert result["presence"] == pytest.approx(3 / 4)


def test_names_come_from_the_shots_that_show_one_person() -> None:
    result = judged([[Q, P], [P], [Q]], [["ann", "bob"], ["ann"], ["bob"]])
    assert result.answers["swap_rate"].value == 0.0
    assert result.casting.gallery["ann"] @ P == pytest.approx(1.0)


def test_people_never_seen_alone_are_named_from_left_to_right() -> None:
    result = judged([[P, Q], [P, Q]], [["ann", "bob"], ["ann", "bob"]])
    assert result.casting.gallery["ann"] @ P == pytest.approx(1.0)
    assert result.casting.gallery["bob"] @ Q == pytest.approx(1.0)


def test_a_person_whose_face_is_not_seen_is_unknown_and_not_absent() -> None:
    result = judged([[P, Q], [P], [P, Q]], [["ann", "bob"]] * 3).answers
    assert (result["presence"].value, result["presence"].used, result["presence"].total) == (1.0, 5, 6)
    assert result["similarity"].value == pytest.approx(1.0)
    assert result["face_frames"].value == pytest.approx(2 / 3)


def test_another_face_in_a_persons_place_lowers_presence_and_not_similarity() -> None:
    result = values(judged([[P, Q], [P, R], [P, Q]], [["ann", "bob"], ["ann", "bob"], ["ann", "bob"]]))
    assert result["presence"] == pytest.approx(5 / 6)


def test_of_two_people_who_are_due_the_one_who_is_seen_is_judged() -> None:
    result = judged([[P], [between(0.6)]], [["ann", "bob"]] * 2).answers
    assert result["similarity"].value == pytest.approx(ARCFACE.similarity(0.6), abs=1e-6)
    assert (result["presence"].value, result["presence"].used, result["presence"].total) == (1.0, 2, 4)


def test_a_passer_by_is_an_extra_face_and_nobody_of_the_cast() -> None:
    result = judged([[P], [P, R]], [["ann"], ["ann"]])
    assert result.answers["extra_faces"].value == pytest.approx(0.5)
    assert result.answers["similarity"].value == pytest.approx(1.0)
    assert [role.subject for role in result.casting.roles] == ["ann", "ann"]


def test_face_frames_counts_frames_with_as_many_faces_as_expected() -> None:
    assert judged([[P], [P, R]], [["ann"], ["ann"]]).answers["face_frames"].value == 1.0
    assert judged([[P], [P, Q]], [["ann", "bob"], ["ann", "bob"]]).answers["face_frames"].value == pytest.approx(0.5)


def test_a_linear_drift_is_recovered() -> None:
    shots = [[P], *([between(0.7 - 0.07 * k)] for k in range(6))]
    result = values(judged(shots, [["ann"]] * 7))
    assert result["drift_per_shot"] == pytest.approx(-0.1, abs=1e-6)


def test_the_order_of_the_cast_does_not_matter() -> None:
    faces = [[P, Q], [between(0.8), Q], [P], [Q]]
    first = judged(faces, [["ann", "bob"], ["ann", "bob"], ["ann"], ["bob"]])
    second = judged(faces, [["zoe", "abe"], ["zoe", "abe"], ["zoe"], ["abe"]])
    assert values(first) == pytest.approx(values(second), nan_ok=False)


def test_pasted_faces_are_flagged() -> None:
    samples = samples_of([[P], [P]])
    pasted = replace(samples, phash=np.zeros_like(samples.phash))
    schedule, count = schedule_for([["ann"], ["ann"]]), np.ones(50, int)
    assert judge(samples, schedule, count, drawn=EMPTY).answers["copied_pairs"].value == 0.0
    assert judge(pasted, schedule, count, drawn=EMPTY).answers["copied_pairs"].value == 1.0


@pytest.mark.parametrize(
    ("shots", "casts", "reason"),
    [
        ([[P]], [["ann"]], "one shot: nothing to compare"),
        ([[P], [Q]], [["ann"], ["bob"]], "ann is seen in 1 shot, two are needed; bob is seen in 1 shot, two are needed"),
        ([[], []], [["ann"], ["ann"]], "no face is seen"),
        ([[P], [Q]], [[], []], "nobody is seen in two shots; only a declared cast says who should be"),
    ],
)
def test_no_similarity_without_two_shots_of_somebody(shots: list[list[np.ndarray]], casts: list[list[str]], reason: str) -> None:
    answer = judged(shots, casts).answers["similarity"]
    assert answer.value is None
    assert answer.reason == reason


def test_a_take_without_the_declared_cuts_has_no_similarity() -> None:
    answer = judge(samples_of([[P]]), schedule_for([["ann"], ["ann"]], seen=1), np.ones(50, int), drawn=EMPTY).answers["similarity"]
    assert answer.value is None
    assert answer.reason == "none of the declared cuts is seen: one shot"


def test_one_face_in_an_uncut_take_of_two_parts_is_a_swap() -> None:
    schedule = schedule_for([["ann"], ["bob"]], seen=1)
    result = judge(samples_of([[P], [P]]), schedule, np.ones(50, int), drawn=EMPTY).answers
    assert (result["swap_rate"].value, result["presence"].value) == (1.0, 0.5)
    assert result["cut_recall"].value == 0.0


def test_likeness_is_not_compared_within_a_take() -> None:
    schedule = build_schedule([(0.0, 1.0, ("ann",)), (1.0, 2.0, ("ann",)), (2.0, 3.0, ("ann",))], np.array([2.0]), np.zeros(0), end_s=3.0)
    result = judge(samples_of([[P], [P], [between(0.5)]]), schedule, np.ones(75, int), drawn=EMPTY)
    assert result.answers["similarity"].value == pytest.approx(ARCFACE.similarity(0.5), abs=1e-6)
    assert [(pair.first, pair.second) for pair in result.subjects[0].pairs] == [(0, 2), (1, 2)]


def test_unusable_faces_leave_presence_unanswered() -> None:
    nobody = samples_of([[], []])
    schedule = schedule_for([["ann"], ["ann"]])
    result = judge(nobody, schedule, np.ones(50, int), drawn=EMPTY)
    assert result.answers["presence"].value is None
    assert result.answers["similarity"].reason == "every face is too small, turned away, uncertain, blurred or noisy"
    assert judge(nobody, schedule, np.zeros(50, int), drawn=EMPTY).answers["presence"].value is None


def test_a_clip_without_faces_scores_nothing() -> None:
    result = values(judged([[], []], [["ann"], ["ann"]]))
    assert result.pop("face_frames") == 0.0
    assert result.pop("cut_recall") == result.pop("cut_precision") == 1.0
    assert set(result.values()) == {None}


def test_a_face_lost_and_found_again_is_one_appearance() -> None:
    samples = samples_of([[P], [Q]])
    cut_in_two = replace(samples, track=np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 2], dtype=np.int32))
    shot = np.repeat([0, 1], 6)
    assert [len(face.rows) for face in appearances_by_shot(cut_in_two, shot, lambda first, second: bool(first @ second > 0.5))] == [6, 6]


def test_two_faces_seen_together_are_never_joined() -> None:
    samples = samples_of([[P, P]])
    assert len(appearances_by_shot(samples, np.zeros(12, int), lambda first, second: True)) == 2


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_more_cosine_is_never_less_similarity(first: float, second: float) -> None:
    scale = FACE_SCALES["dlib-resnet128"]
    low, high = sorted((first, second))
    assert 0.0 <= scale.similarity(low) <= scale.similarity(high) <= 1.0
    assert scale.is_same(high) == (scale.similarity(high) >= 0.5)


def test_the_scale_runs_from_different_people_over_the_threshold_to_one_person() -> None:
    scale = FaceScale(0.8, 0.9, 0.98, "photographs")
    assert [scale.similarity(cosine) for cosine in (0.8, 0.9, 0.98)] == [0.0, 0.5, 1.0]


def test_a_photographed_face_is_not_compared_with_drawn_ones() -> None:
    drawn = np.stack([between(0.90), between(0.92)])
    assert face_scale(P, "dlib-resnet128", drawn) is FACE_SCALES["dlib-resnet128"]


def test_a_drawn_face_has_the_scale_of_its_nearest_drawn_ones() -> None:
    drawn = np.stack([between(0.5), between(0.94), between(0.95), between(0.96)])
    scale = face_scale(P, "dlib-resnet128", drawn)
    assert (scale.strangers, scale.source) == (pytest.approx(0.95), "drawn faces")
    assert scale.strangers < scale.threshold < scale.same < 1.0


@given(st.floats(0.85, 0.999))
def test_between_photographed_and_drawn_faces_the_scale_has_no_jump(level: float) -> None:
    def threshold(cosine: float) -> float:
        return face_scale(P, "dlib-resnet128", between(cosine)[None]).threshold

    assert abs(threshold(level + 1e-6) - threshold(level)) < 1e-4


def test_a_backend_without_a_bank_has_none() -> None:
    assert drawn_face_bank("arcface").shape == (0, 0)


def test_split_half_needs_four_pictures() -> None:
    assert split_half(np.tile(P, (3, 1)), np.ones(3)) is None
    assert split_half(np.tile(P, (4, 1)), np.ones(4)) == pytest.approx(1.0)
    assert weighted_mean(np.stack([P, Q]), np.array([3.0, 4.0])) == pytest.approx(0.6 * P + 0.8 * Q)


def test_theil_sen_ignores_one_outlier() -> None:
    assert theil_sen([0, 1, 2, 3, 4], [1.0, 0.9, 0.0, 0.7, 0.6]) == pytest.approx(-0.1)


cosines = st.integers(1, 4).flatmap(
    lambda faces: st.integers(1, 4).flatmap(
        lambda people: st.lists(st.lists(st.floats(-1, 1), min_size=people, max_size=people), min_size=faces, max_size=faces)
    )
)


@given(cosines, st.floats(-1, 1))
def test_matching_is_one_to_one_and_above_the_threshold(table: list[list[float]], least: float) -> None:
    cosine = np.array(table)
    pairs = match_faces(cosine, np.full(cosine.shape[1], least))
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(cosine[i, j] >= least for i, j in pairs)


@given(cosines)
def test_matching_with_dummies_is_the_best_of_all_partial_matchings(table: list[list[float]]) -> None:
    cosine, least = np.array(table), 0.2

    def best(face: int, free: frozenset[int]) -> float:
        if face == len(cosine):
            return 0.0
        options = [best(face + 1, free)]
        options += [cosine[face, j] - least + best(face + 1, free - {j}) for j in free]
        return max(options)

    people = cosine.shape[1]
    gain = sum(cosine[i, j] - least for i, j in match_faces(cosine, np.full(people, least)))
    assert gain == pytest.approx(best(0, frozenset(range(people))), abs=1e-9)


def test_fewer_faces_than_people_leave_people_unmatched() -> None:
    assert match_faces(np.array([[0.2, 0.9, 0.3]]), np.full(3, 0.5)) == [(0, 1)]


@given(st.integers(0, 2**32 - 1))
def test_rounding_does_not_assign_two_characters_with_one_face(seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-1e-13, 1e-13, (2, 2))
    assert match_faces(0.97 + noise, np.array([0.5, 0.5])) == match_faces(np.full((2, 2), 0.97), np.array([0.5, 0.5]))
    face = np.array([1.0, 0.0])
    gallery = {"a": np.array([0.99 + noise[0, 0], 0.1]), "b": np.array([0.99 + noise[0, 1], 0.1])}
    assert nearest_character(face, gallery, lambda _vector: FACE_SCALES["dlib-resnet128"]) == "a"
