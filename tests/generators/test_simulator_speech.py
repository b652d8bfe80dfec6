"""SpokenText with phoneme times, and the mouth that goes with it."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbench.errors import GeneratorError
from seedbench.generators.simulator import Simulator
from seedbench.generators.simulator.speech import BILABIALS, HOLD_S, LOUDNESS, RATE, REST, Phoneme, SpokenText, mouth_track, speak

SENTENCES = {
    "en": "Hello Bob, my mum buys paper.",
    "de": "Guten Morgen, wie geht es dir?",
    "fr": "Bonjour, comment allez-vous?",
    "es": "Buenos días, amigo mío.",
    "it": "Buongiorno, come stai?",
    "pt-BR": "Bom dia, tudo bem?",
    "ru": "Доброе утро, как дела?",
    "cmn": "你好，今天天气很好。",
    "ja": "これはペンです",
    "ko": "안녕하세요",
    "hi": "नमस्ते दुनिया",
    "ar": "مرحبا بالعالم",
    "tr": "Günaydın, nasılsın?",
    "vi": "Xin chào các bạn",
    "pl": "Dzień dobry, jak się masz?",
    "sw": "Habari za asubuhi",
}


@pytest.fixture(scope="module")
def english() -> SpokenText:
    return speak(SENTENCES["en"], language="en", voice="low", seed=1)


def mouth_opening(phonemes: tuple[Phoneme, ...], times_s: np.ndarray) -> np.ndarray:
    return mouth_track(phonemes, times_s)[0]


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("voice", ["low", "high"])
def test_every_language_is_spoken_with_phonemes_that_fill_the_sound(language: str, voice: str) -> None:
    speech = speak(SENTENCES[language], language=language, voice=voice, seed=3)  # type: ignore[arg-type]
    sounds = [phoneme for phoneme in speech.phonemes if phoneme.ipa]
    assert len(sounds) >= 8
    assert speech.words
    assert all(before.end_s == pytest.approx(after.start_s) for before, after in zip(speech.phonemes, speech.phonemes[1:], strict=False))
    assert speech.phonemes[-1].end_s == pytest.approx(speech.duration_s, abs=0.01)


def test_the_same_words_sound_the_same_whatever_was_spoken_before(english: SpokenText) -> None:
    speak("Etwas ganz anderes", language="de", voice="high", seed=9)
    again = speak(SENTENCES["en"], language="en", voice="low", seed=1)
    np.testing.assert_array_equal(again.samples, english.samples)
    assert again.phonemes == english.phonemes


def test_threads_do_not_disturb_each_other(english: SpokenText) -> None:
    spoken: list[SpokenText] = []
    threads = [threading.Thread(target=lambda: spoken.append(speak(SENTENCES["en"], language="en", seed=1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(spoken) == 4
    assert all(np.array_equal(speech.samples, english.samples) for speech in spoken)


def test_voices_and_seeds_differ(english: SpokenText) -> None:
    others = [speak(SENTENCES["en"], voice="high", seed=1), speak(SENTENCES["en"], voice="low", seed=2)]
    assert all(not np.array_equal(other.samples, english.samples) for other in others)


def test_high_voices_are_higher_than_low_ones() -> None:
    def pitch_hz(speech: SpokenText) -> float:
        vowel = max((phoneme for phoneme in speech.phonemes if phoneme.ipa), key=lambda phoneme: phoneme.end_s - phoneme.start_s)
        middle = (vowel.start_s + vowel.end_s) / 2
        piece = speech.samples[round((middle - 0.05) * RATE) : round((middle + 0.05) * RATE)]
        power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 4 * len(piece))) ** 2
        power[np.fft.rfftfreq(4 * len(piece), 1 / RATE) > 400] = 0  # above lie the formants
        correlation = np.fft.irfft(power)
        lags = np.arange(RATE // 400, RATE // 60)
        return RATE / float(lags[np.argmax(correlation[lags])])

    low = np.median([pitch_hz(speak("Aah", voice="low", seed=seed)) for seed in range(5)])
    high = np.median([pitch_hz(speak("Aah", voice="high", seed=seed)) for seed in range(5)])
    assert high > 1.2 * low


def test_speech_has_one_loudness_and_does_not_clip(english: SpokenText) -> None:
    loud = english.samples[np.abs(english.samples) > 0.01]
    assert np.sqrt(np.mean(loud**2)) == pytest.approx(LOUDNESS, rel=0.3)
    assert np.abs(english.samples).max() <= 0.9
    assert english.samples.dtype == np.float32
    assert english.rate == 48000


def test_words_come_in_order_and_inside_the_sound(english: SpokenText) -> None:
    assert [word.text for word in english.words] == ["Hello", "Bob", "my", "mum", "buys", "paper"]
    assert all(word.start_s < word.end_s <= english.duration_s for word in english.words)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in zip(english.words, english.words[1:], strict=False))


@pytest.mark.parametrize("text", ["", "   ", "..."])
def test_nothing_to_say_is_an_error(text: str) -> None:
    with pytest.raises(GeneratorError, match="nothing to say"):
        speak(text)


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(GeneratorError, match="'xx'"):
        speak("hello", language="xx")


def test_without_the_voice_package_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(GeneratorError, match=r"pip install 'seedbench\[tts\]'"):
        speak("hello")
    [missing] = Simulator.missing_requirements()
    assert missing.endswith("pip install 'seedbench[tts]'")


def test_with_the_voice_package_nothing_is_missing() -> None:
    assert Simulator.missing_requirements() == ()


@pytest.mark.parametrize("shift_s", [0.0, 0.011, 0.023, 0.037])
def test_lips_meet_on_every_bilabial_even_at_25_frames_a_second(english: SpokenText, shift_s: float) -> None:
    times = np.arange(0, english.duration_s, 0.04) + shift_s
    opening = mouth_opening(english.phonemes, times)
    bilabials = [phoneme for phoneme in english.phonemes if BILABIALS & set(phoneme.ipa)]
    assert len(bilabials) >= 8
    for phoneme in bilabials:
        near = (times >= min(phoneme.start_s, phoneme.end_s - HOLD_S)) & (times <= phoneme.end_s)
        assert near.any()
        assert np.all(opening[near] == 0.0)


def test_open_vowels_open_the_mouth_and_rounded_ones_round_it() -> None:
    syllables = (Phoneme("m", 0.0, 0.1), Phoneme("ɑː", 0.1, 0.4), Phoneme("b", 0.4, 0.5), Phoneme("uː", 0.5, 0.8), Phoneme("iː", 0.8, 1.1))
    opening, width = mouth_track(syllables, np.array([0.25, 0.65, 0.95]))
    assert opening[0] > 0.7 > 0.4 > opening[1]
    assert width[1] < 0.2
    assert width[2] > 0.8


def test_the_mouth_moves_smoothly(english: SpokenText) -> None:
    times = np.arange(0, english.duration_s, 0.005)
    opening, width = mouth_track(english.phonemes, times)
    assert np.abs(np.diff(opening)).max() < 0.16
    assert np.abs(np.diff(width)).max() < 0.10


def test_the_mouth_follows_the_sound_without_delay(english: SpokenText) -> None:
    times = np.arange(0.02, english.duration_s - 0.02, 0.01)
    opening = mouth_opening(english.phonemes, times)
    energy = np.array([np.sqrt(np.mean(english.samples[round((t - 0.02) * RATE) : round((t + 0.02) * RATE)] ** 2)) for t in times])
    lags = np.arange(-25, 26)
    match = [np.corrcoef(opening[25:-25], energy[25 + lag : len(energy) - 25 + lag])[0, 1] for lag in lags]
    assert match[25] > 0.4
    assert abs(int(lags[np.argmax(match)])) <= 4


def test_a_silent_mouth_rests() -> None:
    opening, width = mouth_track((), np.linspace(0, 1, 5))
    assert np.all(opening == REST[0])
    assert np.all(width == REST[1])


def test_long_before_and_after_the_words_the_mouth_rests(english: SpokenText) -> None:
    opening, width = mouth_track(english.phonemes, np.array([-3.0, english.duration_s + 3.0]))
    np.testing.assert_allclose(opening, REST[0], atol=0.02)
    np.testing.assert_allclose(width, REST[1], atol=0.02)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "p", "ˈaɪ", "t͡ʃ", "ɯᵝ", "θ", "7", "ʘ", "mʲ"]), st.floats(0.005, 0.4)), max_size=12))
def test_whatever_is_said_opening_and_width_stay_within_bounds(sounds: list[tuple[str, float]]) -> None:
    starts = np.concatenate([[0.0], np.cumsum([length for _, length in sounds])])
    phonemes = [Phoneme(ipa, float(start), float(start + length)) for (ipa, length), start in zip(sounds, starts, strict=False)]
    opening, width = mouth_track(phonemes, np.linspace(-1, 6, 200))
    for track in (opening, width):
        assert np.isfinite(track).all()
        assert track.min() >= 0.0
        assert track.max() <= 1.0
