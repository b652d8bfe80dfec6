"""What the model reads of a prompt: words without what is spoken, sounds at nominal times, shots that cover every frame."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.errors import GeneratorError
from seedbench.generators.reference.script import EVENT, MAX_SOUNDS, MAX_WORDS, PAUSE, Stretch, pronounce, read, words_of
from seedbench.suites.prompt import Character, Event, Line, Prompt, Shot

DURATIONS = {"": 0.08, "l": 0.05}
HELLO = Line(character="ann", text="Hello.", start_s=0.3)


def test_what_is_spoken_is_no_word_of_the_text() -> None:
    assert words_of('She says: "Red hair." No music.') == ("she", "says", ":", '"', ".", "no", "music", ".")


def test_a_reference_stays_as_its_kind() -> None:
    assert words_of("As in {{image:1}}, {{audio:12}}.") == ("as", "in", "<image>", ",", "<audio>", ".")


def test_words_are_lower_case_whatever_their_letters() -> None:
    assert words_of("Grün ÉTÉ 1.5 m") == ("grün", "été", "1.5", "m")


def test_a_quotation_that_never_ends_hides_the_rest() -> None:
    assert words_of('He says: "red') == ("he", "says", ":", '"', ".")


def test_a_text_without_words_has_none() -> None:
    assert words_of("") == ()
    assert words_of("-- ! --") == ()


def test_a_long_text_is_cut() -> None:
    assert words_of("a " * 500) == ("a",) * MAX_WORDS


def test_sounds_follow_one_another_from_the_start_of_their_line(talking: Callable[..., Prompt]) -> None:
    sounds = read(talking(speech=(HELLO,)), DURATIONS).sounds
    assert [sound.symbol for sound in sounds] == ["h", "ə", "l", "ˈoʊ"]
    assert [sound.time_s for sound in sounds] == pytest.approx([0.34, 0.42, 0.485, 0.55])
    assert {sound.speaker for sound in sounds} == {0}


def test_nominal_times_increase_through_every_line(talking: Callable[..., Prompt]) -> None:
    line = Line(character="ann", text="We will go home, and then we eat.", start_s=0.1)
    sounds = read(talking(duration_s=4, speech=(line,)), DURATIONS).sounds
    assert len(sounds) > 12
    assert all(a.time_s < b.time_s for a, b in pairwise(sounds))
    assert sounds[0].time_s > 0.1
    assert PAUSE in [sound.symbol for sound in sounds]


def test_each_line_has_the_place_of_its_speaker() -> None:
    prompt = Prompt(
        id="p",
        text="",
        task="dialogue",
        duration_s=2,
        cast=(Character(id="ann"), Character(id="bob")),
        shots=(Shot(start_s=0, end_s=1, cast=("bob",)), Shot(start_s=1, end_s=2, cast=("ann",))),
        speech=(Line(character="bob", text="No.", start_s=0.2), Line(character="ann", text="No.", start_s=1.2)),
    )
    script = read(prompt, DURATIONS)
    assert [sound.speaker for sound in script.sounds] == [1, 1, 0, 0]
    assert [shot.person for shot in script.shots] == [1, 0]
    assert script.n_people == 2


def test_an_event_stands_among_the_sounds_where_it_begins() -> None:
    prompt = Prompt(id="p", text="A ball.", task="impact", duration_s=2, events=(Event(kind="drop", start_s=0.4),))
    script = read(prompt, DURATIONS)
    assert [(sound.symbol, sound.time_s, sound.speaker) for sound in script.sounds] == [(EVENT, 0.4, -1)]
    assert script.n_people == 0


def test_sounds_beyond_the_most_that_are_read_are_left_out(talking: Callable[..., Prompt]) -> None:
    line = Line(character="ann", text="banana " * 60, start_s=0.1)
    assert len(read(talking(duration_s=7, speech=(line,)), DURATIONS).sounds) == MAX_SOUNDS


@given(st.lists(st.floats(0.01, 4.99).map(lambda at: round(at, 2)), max_size=6, unique=True))
def test_shots_cover_every_frame_once(cuts: list[float]) -> None:
    edges = [0.0, *sorted(cuts), 5.0]
    shots = tuple(Shot(start_s=a, end_s=b) for a, b in pairwise(edges))
    script = read(Prompt(id="p", text="", task="talking", duration_s=5, shots=shots), DURATIONS)
    assert [frame for shot in script.shots for frame in range(shot.first, shot.last)] == list(range(125))
    assert all(shot.first < shot.last for shot in script.shots)


def test_a_cut_may_fall_on_an_odd_frame(talking: Callable[..., Prompt]) -> None:
    assert read(talking(duration_s=1.2, cuts=(0.44,)), DURATIONS).shots == (Stretch(0, 11, 0), Stretch(11, 30, 0))


def test_a_shot_shorter_than_a_frame_is_not_there(talking: Callable[..., Prompt]) -> None:
    assert read(talking(duration_s=1.2, cuts=(0.4, 0.41)), DURATIONS).shots == (Stretch(0, 10, 0), Stretch(10, 30, 0))


@pytest.mark.parametrize(("cast", "person"), [((Character(id="ann"),), 0), ((), -1)])
def test_without_a_storyboard_there_is_one_shot(cast: tuple[Character, ...], person: int) -> None:
    script = read(Prompt(id="p", text="", task="talking", duration_s=2, cast=cast), DURATIONS)
    assert script.shots == (Stretch(0, 50, person),)


def test_the_shortest_clip_has_two_frames() -> None:
    prompt = Prompt(id="p", text="", task="talking", duration_s=0.04, shots=(Shot(start_s=0, end_s=0.04),))
    script = read(prompt, DURATIONS)
    assert script.n_frames == 2
    assert script.shots == (Stretch(0, 2, -1),)


def test_a_language_that_nobody_can_pronounce_is_told() -> None:
    with pytest.raises(GeneratorError, match="tlh"):
        pronounce("Qapla.", "tlh")
