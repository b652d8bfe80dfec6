"""How the metrics are tried on real footage: which answers are right, which file is the partner, what the copies hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.changed_copies import degraded
from seedbench.clips.clip import Clip
from seedbench.clips.degradations import ClipArrays
from seedbench.clips.writing import write_clip
from seedbench.metrics.identity import validation as identity
from seedbench.metrics.impact import validation as impact
from seedbench.metrics.lipsync import validation as lipsync
from seedbench.metrics.physics import validation as physics
from seedbench.metrics.video_distance import validation as video_distance
from seedbench.plugins import registry
from seedbench.plugins.metric import Score
from seedbench.plugins.validation import TruthRow, ValidationProtocol, Variant, protocol_of

PROTOCOLS = {"lipsync": lipsync.PROTOCOL, "identity": identity.PROTOCOL, "physics": physics.PROTOCOL, "impact": impact.PROTOCOL}


def row(name: str = "a", kind: str = "filmed", **facts: str) -> TruthRow:
    return TruthRow(file=Path(f"/{name}.mp4"), name=name, kind=kind, facts=facts)


def scores(**values: float | None) -> dict[str, Score]:
    return {name: Score.none(name, "not seen") if value is None else Score.of(name, value, backend="b") for name, value in values.items()}


def variant(protocol: ValidationProtocol, name: str) -> Variant:
    return next(variant for variant in protocol.variants if variant.name == name)


def right(
    protocol: ValidationProtocol, name: str, of: TruthRow, given: dict[str, Score], before: dict[str, Score] | None = None
) -> bool | None:
    return protocol.answer(variant(protocol, name), of, None, given, before or {}).right


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_metric_names_its_protocol_and_the_protocol_only_what_the_metric_measures(name: str) -> None:
    kind = registry.load("metrics", name)
    protocol = protocol_of(kind)
    assert protocol is PROTOCOLS[name]
    measures = {measure.name for measure in kind.info.measures}
    names = [variant.name for variant in protocol.variants]
    assert len(names) == len(set(names))
    assert protocol.variants[0].change is None
    for separation in protocol.separations:
        assert separation.measure in measures
        assert {*separation.higher, *separation.lower} <= set(names)


def lip_scores(matched: float | None, offset_ms: float | None, in_sync: float | None = None) -> dict[str, Score]:
    return scores(matched=matched, offset_ms=offset_ms, in_sync=in_sync)


@pytest.mark.parametrize(
    ("facts", "given", "is_right"),
    [
        ({}, lip_scores(1, 30, 1), True),
        ({}, lip_scores(1, 90, 0), False),
        ({}, lip_scores(0, None, 0), False),
        ({}, lip_scores(None, None), True),
        ({"offset_ms": "80.0"}, lip_scores(1, 90, 0), True),
        ({"offset_ms": "80.0"}, lip_scores(1, 30, 1), False),
        ({"expect": "apart"}, lip_scores(0, None, 0), True),
        ({"expect": "apart"}, lip_scores(1, 0, 1), False),
        ({"expect": "no-answer"}, lip_scores(0, None, 0), False),
        ({"expect": "no-answer"}, lip_scores(None, None), True),
        ({"expect": "unknown"}, lip_scores(0, None, 0), None),
    ],
)
def test_lip_sync_of_a_file_is_right_by_its_truth(facts: dict[str, str], given: dict[str, Score], is_right: bool | None) -> None:
    assert right(lipsync.PROTOCOL, "as it is", row(**facts), given) is is_right


def test_a_shifted_sound_is_compared_with_the_offset_of_the_file_as_it_is() -> None:
    before = lip_scores(1, 47, 0)
    answer = lipsync.PROTOCOL.answer(variant(lipsync.PROTOCOL, "sound 120 ms later"), row(), None, lip_scores(1, -70, 1), before)
    assert (answer.right, answer.error) == (True, pytest.approx(3))
    answer = lipsync.PROTOCOL.answer(variant(lipsync.PROTOCOL, "sound 240 ms earlier"), row(), None, lip_scores(1, 350, 0), before)
    assert (answer.right, answer.error) == (False, pytest.approx(63))


def test_covered_mouths_other_voices_and_changed_pictures() -> None:
    apart, none, same = lip_scores(0, None, 0), lip_scores(None, None), lip_scores(1, 10, 1)
    assert [right(lipsync.PROTOCOL, "mouth covered", row(), given, same) for given in (apart, none, same)] == [False, True, False]
    assert [right(lipsync.PROTOCOL, "another voice", row(), given, same) for given in (apart, none, same)] == [True, True, False]
    assert [right(lipsync.PROTOCOL, "compressed (crf 42)", row(), given, same) for given in (apart, none, same)] == [False, True, True]


def test_another_voice_is_of_the_same_kind_and_of_other_words() -> None:
    rows = [row("a", voice="x"), row("b", voice="x"), row("c", "drawn", voice="y"), row("d", voice="z")]
    assert [other.name for other in (lipsync.another_voice(file, rows) for file in rows) if other] == ["d", "d", "d", "a"]
    assert lipsync.another_voice(rows[0], rows[:2]) is None


def test_a_second_voice_is_as_loud_as_the_first() -> None:
    clip = ClipArrays([np.zeros((4, 4, 3), np.uint8)] * 2, np.array([0.0, 0.5]), np.full((1, 48000), 0.1, np.float32), 48000)
    other = ClipArrays([np.zeros((4, 4, 3), np.uint8)] * 2, np.array([0.0, 0.5]), np.full((2, 48000), 0.4, np.float32), 48000)
    mixed = lipsync.with_second_voice(clip, None, other).sound
    assert mixed is not None
    assert mixed[0, 100] == pytest.approx(0.2)


def test_an_uneven_pace_is_right_where_it_lowers_plausibility() -> None:
    before, name = scores(plausibility=0.9), "a pause of 0.5 s"
    given = [scores(plausibility=value) for value in (0.5, 0.95, None)]
    assert [right(physics.PROTOCOL, name, row(event="drop"), values, before) for values in given] == [True, False, None]


def test_a_file_without_an_event_is_not_to_be_answered() -> None:
    answer = physics.PROTOCOL.answer(physics.PROTOCOL.variants[0], row(), None, scores(plausibility=0.9), {})
    assert (answer.right, answer.due) == (False, False)
    assert [right(physics.PROTOCOL, "as it is", row(event="drop"), scores(plausibility=value)) for value in (0.9, 0.2, None)] == [
        True,
        False,
        True,
    ]


def test_the_prompt_of_physics_has_the_event_unless_the_copy_is_without_one() -> None:
    prompt = physics.PROTOCOL.prompt(physics.PROTOCOL.variants[0], row(event="throw"), None, 0.7)
    assert prompt is not None
    assert [event.motion for event in prompt.events] == ["flight"]
    assert physics.PROTOCOL.prompt(variant(physics.PROTOCOL, "without a declared event"), row(event="throw"), None, 0.7) is None


def names(rows: Sequence[TruthRow | None]) -> list[str]:
    return [file.name if file else "" for file in rows]


def test_strangers_and_recordings_of_one_person_are_paired() -> None:
    rows = [row("a", people="x"), row("b", people="x"), row("c", people="x y"), row("d", "drawn", people="z")]
    assert names([identity.another_recording(file, rows) for file in rows]) == ["b", "a", "", ""]
    assert names([identity.a_stranger(file, rows) for file in rows[:2]]) == ["d", "d"]


def test_one_person_must_be_recognised_and_a_stranger_must_not() -> None:
    cases = [(0.8, 1.0), (0.8, 0.5), (0.3, 1.0), (None, None)]
    given = [scores(similarity=similarity, presence=presence) for similarity, presence in cases]
    assert [right(identity.PROTOCOL, identity.SAME, row(people="x"), values) for values in given] == [True, False, False, True]
    assert [right(identity.PROTOCOL, identity.STRANGER, row(people="x"), values) for values in given] == [False, False, True, True]


def test_a_copy_of_two_shots_declares_one_person_in_both() -> None:
    prompt = identity.PROTOCOL.prompt(variant(identity.PROTOCOL, identity.STRANGER), row(people="x"), row("b", people="y"), 4.0)
    assert prompt is not None
    assert [(shot.start_s, shot.end_s, shot.cast) for shot in prompt.shots] == [(0, 2, ("person",)), (2, 4, ("person",))]


def hit_scores(alignment: float | None, offset_ms: float | None = None) -> dict[str, Score]:
    return scores(alignment=alignment, offset_ms=offset_ms)


def test_moved_sounds_and_sounds_of_others_are_to_fit_less_than_the_own_sound() -> None:
    before, of = hit_scores(0.4), row(event="knock")
    for name in (impact.LATER, impact.EARLIER, impact.OTHER):
        assert [right(impact.PROTOCOL, name, of, hit_scores(value), before) for value in (0.1, 0.5, None)] == [True, False, None]
    assert [right(impact.PROTOCOL, "as it is", of, hit_scores(value)) for value in (0.4, -0.1, None)] == [True, False, True]
    assert [right(impact.PROTOCOL, "as it is", of, hit_scores(0.4, offset)) for offset in (-80, 120)] == [True, False]
    assert [right(impact.PROTOCOL, "as it is", row(), hit_scores(value)) for value in (0.4, None)] == [False, True]


def test_the_prompt_of_impacts_says_that_something_hits_and_is_heard() -> None:
    prompt = impact.PROTOCOL.prompt(impact.PROTOCOL.variants[0], row(event="knock"), None, 2.0)
    assert prompt is not None
    assert [(event.impact, event.sound) for event in prompt.events] == [(True, True)]
    assert impact.PROTOCOL.prompt(impact.PROTOCOL.variants[0], row(), None, 2.0) is None
    rows = [row("a", event="knock"), row("b"), row("c", "drawn", event="drop")]
    assert names([impact.another_sound(file, rows) for file in rows]) == ["c", "a", "a"]


@pytest.mark.parametrize("name", ["video_distance", "fvd"])
def test_distances_of_sets_name_their_protocol_and_copies_that_change_nothing(name: str) -> None:
    protocol = protocol_of(registry.load("metrics", name))
    assert protocol is video_distance.PROTOCOL
    names = [variant.name for variant in protocol.variants]
    assert len(names) == len(set(names))
    assert protocol.variants[0].change is None
    assert set(video_distance.PROTOCOL.controls) < set(names[1:])


@pytest.fixture
def still(tmp_path: Path) -> Clip:
    """A grey clip of 64 x 64."""
    return Clip.open(write_clip(tmp_path / "grey.mp4", [np.full((64, 64, 3), 100, np.uint8)] * 2, 25))


def arrays(*pictures: np.ndarray) -> ClipArrays:
    return ClipArrays(list(pictures), np.arange(len(pictures)) / 25, None, 48000)


def test_noise_is_as_large_as_stated_and_another_in_each_picture(still: Clip) -> None:
    grey = np.full((64, 64, 3), 100, np.uint8)
    first, second = video_distance.noisy(arrays(grey, grey), still, None).pictures
    assert float(first.mean()) == pytest.approx(100, abs=1)
    assert float(first.std()) == pytest.approx(video_distance.NOISE_LEVELS, abs=0.5)
    assert abs(float(np.corrcoef(first.ravel(), second.ravel())[0, 1])) < 0.05


def test_shuffled_pictures_stay_near_their_place(still: Clip) -> None:
    copy = video_distance.shuffled(arrays(*(np.full((2, 2, 3), level, np.uint8) for level in range(25))), still, None)
    levels = [int(rgb[0, 0, 0]) for rgb in copy.pictures]
    assert levels == [int(rgb[0, 0, 0]) for rgb in copy.pictures]
    assert levels != sorted(levels)
    for start in (0, 10, 20):
        assert sorted(levels[start : start + 10]) == list(range(start, min(start + 10, 25)))


def test_the_blur_grows_with_the_size_of_the_picture(still: Clip) -> None:
    edge = np.zeros((64, 64, 3), np.uint8)
    edge[:, 32:] = 200
    [rgb] = video_distance.blurred(arrays(edge), still, None).pictures
    [expected] = degraded(arrays(edge), "blur", 0.5).pictures  # 2 px of 256
    assert np.array_equal(rgb, expected)
    assert not np.array_equal(rgb, edge)
