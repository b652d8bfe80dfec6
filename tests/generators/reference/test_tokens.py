"""Scripts as padded tensors, and what is not known in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from seedbench.generators.reference.script import Script, Sound, Stretch
from seedbench.generators.reference.sound import BANDS, FLOOR, RATE, log_mel
from seedbench.generators.reference.tokens import GRAM_BUCKETS, TOKEN_S, VOICE, Vocabulary, batch_scripts, grams, n_tokens, voice_of

VOCABULARY = Vocabulary(("a", "man"), ("a", "h", "ɪ"), {"": 0.08})


def test_an_unknown_word_is_0() -> None:
    assert [VOCABULARY.word(word) for word in ("a", "man", "Man", "pirate")] == [1, 2, 0, 0]


def test_a_sound_is_at_most_four_of_its_characters() -> None:
    assert VOCABULARY.sound("aɪ") == [1, 3, 0, 0]
    assert VOCABULARY.sound("aʘ") == [1, 0, 0, 0]
    assert VOCABULARY.sound("hahaha") == [2, 1, 2, 1]


def test_similar_words_share_trigrams() -> None:
    assert len(set(grams("greyish")) & set(grams("grey"))) >= 2
    assert set(grams("grey")) & set(grams("blond")) <= {0}


@pytest.mark.parametrize("word", ["", "a", "red", "extraordinarily", "女", "1.5"])
def test_every_word_has_five_buckets_some_0(word: str) -> None:
    buckets = grams(word)
    assert len(buckets) == 5
    assert buckets[0] > 0
    assert max(buckets) < GRAM_BUCKETS


def test_a_long_word_is_known_by_its_beginning_and_its_end() -> None:
    buckets, other = grams("extraordinarily"), grams("extra")
    assert buckets[0] == other[0]
    assert buckets[-1] == grams("daily")[-1]


@pytest.mark.parametrize(("frames", "tokens"), [(2, 1), (3, 2), (20, 10), (21, 11)])
def test_tokens_of_eighty_milliseconds_cover_all_frames(make_script: Callable[..., Script], frames: int, tokens: int) -> None:
    script = make_script(frames)
    assert n_tokens(script) == tokens
    assert batch_scripts([script], VOCABULARY).tokens.sum() == tokens


def test_masks_separate_content_from_padding(make_script: Callable[..., Script]) -> None:
    short = make_script(10, words=("a",), sounds=())
    long = make_script(20, cuts=(8,), words=("a", "man", "pirate"))
    two = make_script(12, n_people=2)
    batch = batch_scripts([short, long, two], VOCABULARY)
    assert batch.word_mask.sum(1).tolist() == [1, 3, 2]
    assert batch.sound_mask.sum(1).tolist() == [0, 2, 2]
    assert batch.people.sum(1).tolist() == [1, 1, 2]
    assert batch.shots.sum(1).tolist() == [1, 2, 1]
    assert batch.tokens.sum(1).tolist() == [5, 10, 6]
    for mask in (batch.word_mask, batch.sound_mask, batch.people, batch.shots, batch.tokens):
        assert (mask.int().diff(dim=1) <= 0).all()  # padding comes last
    assert batch.words[1].tolist() == [1, 2, 0]


def test_scripts_without_words_sounds_or_people_make_a_batch_all_the_same() -> None:
    batch = batch_scripts([Script((), (), (Stretch(0, 4, -1),), 0, 4)], VOCABULARY)
    assert batch.words.shape == (1, 1)
    assert not batch.word_mask.any()
    assert not batch.sound_mask.any()
    assert not batch.people.any()
    assert batch.shot_person.tolist() == [[0]]


def test_every_token_knows_its_shot_and_who_is_seen() -> None:
    script = Script((), (), (Stretch(0, 5, 0), Stretch(5, 12, 1)), 2, 12)
    batch = batch_scripts([script], VOCABULARY)
    assert batch.token_shot.tolist() == [[0, 0, 1, 1, 1, 1]]  # the token of frames 4 and 5 belongs to the later shot
    assert batch.token_person.tolist() == [[1, 1, 2, 2, 2, 2]]
    assert batch.shot_s[0].tolist() == pytest.approx([0.1, 0.34])


def test_the_time_of_a_token_is_the_middle_of_its_frames(make_script: Callable[..., Script]) -> None:
    assert batch_scripts([make_script(6)], VOCABULARY).token_s.tolist() == pytest.approx([0.04, 0.12, 0.2])
    assert pytest.approx(0.08) == TOKEN_S


def test_sounds_keep_time_and_speaker() -> None:
    script = Script((), (Sound("h", 0.5, 1), Sound("*", 0.7, -1)), (Stretch(0, 25, 0),), 2, 25)
    batch = batch_scripts([script], VOCABULARY)
    assert batch.sound_s[0].tolist() == pytest.approx([0.5, 0.7])
    assert batch.speaker.tolist() == [[2, 0]]


def test_stills_have_no_tokens_of_pictures_and_sound(make_script: Callable[..., Script]) -> None:
    batch = batch_scripts([make_script(2), make_script(4, cuts=(2,))], VOCABULARY, timed=False)
    assert batch.tokens.shape == (2, 0)
    assert batch.shots.sum(1).tolist() == [1, 2]


def test_a_voice_stands_in_its_own_row(make_script: Callable[..., Script]) -> None:
    voice = np.arange(VOICE, dtype=np.float32)
    batch = batch_scripts([make_script(), make_script()], VOCABULARY, [None, voice])
    assert batch.has_voice.tolist() == [False, True]
    assert not batch.voice[0].any()
    assert torch.equal(batch.voice[1], torch.from_numpy(voice))


def test_silence_has_no_voice() -> None:
    assert voice_of(np.full((100, BANDS), FLOOR, np.float32)) is None
    assert voice_of(np.zeros((0, BANDS), np.float32)) is None


def test_a_voice_is_that_of_the_loud_part() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32) * 0.1
    bands = log_mel(noise, RATE)
    quiet_first = np.concatenate([np.full((60, BANDS), FLOOR, np.float32), bands])
    voice, later = voice_of(bands), voice_of(quiet_first)
    assert voice is not None
    assert later is not None
    assert voice.shape == (VOICE,)
    assert np.abs(voice - later).mean() < 0.1


def test_a_constant_sound_has_a_finite_voice() -> None:
    voice = voice_of(np.full((40, BANDS), -3.0, np.float32))
    assert voice is not None
    assert np.isfinite(voice).all()


def test_all_of_a_batch_moves_to_a_device(make_script: Callable[..., Script]) -> None:
    moved = batch_scripts([make_script()], VOCABULARY).to("cpu")
    assert torch.equal(moved.words, batch_scripts([make_script()], VOCABULARY).words)
