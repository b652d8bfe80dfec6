"""Synthetic speech with known phoneme times, and the mouth that goes with it.

The voice is espeak-ng (:mod:`seedbench.generators.simulator.espeak`): robotic, but it tells what is sounded when, to the millisecond, in
over a hundred languages. :func:`mouth_track` turns those phonemes into a mouth
that opens and rounds, with the lips shut on p, b and m.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seedbench.errors import GeneratorError
from seedbench.generators.simulator.espeak import PHONEME, WORD, SpeechEvent, VoiceSettings, synthesise
from seedbench.generators.simulator.espeak import RATE as ESPEAK_RATE

RATE = 48000
LOUDNESS = 0.1  # root mean square of what is spoken, pauses left out
PEAK = 0.9

# Tags whose espeak-ng name is not the tag in lower case.
_ESPEAK_NAMES = {
    "en": "en-us",
    "zh": "cmn",
    "zh-cn": "cmn",
    "zh-hans": "cmn",
    "zh-hk": "yue",
    "no": "nb",
    "pt-pt": "pt",
    "es-mx": "es-419",
}
_VARIANTS = {"low": ("m1", "m3", "m4", "m6", "m7"), "high": ("f1", "linda", "steph", "Annie", "anika")}  # none with an echo
_MEAN_PITCH = {"low": 38, "high": 56}


@dataclass(frozen=True)
class Phoneme:
    """One phoneme in IPA (empty: a pause), seconds from the start of the samples."""

    ipa: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Word:
    """One word as written, seconds from the start of the samples."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class SpokenText:
    """Spoken text: ``samples`` float32 mono at ``rate`` Hz within -1..1, and what is said when."""

    samples: np.ndarray
    rate: int
    phonemes: tuple[Phoneme, ...]
    words: tuple[Word, ...]

    @property
    def duration_s(self) -> float:
        """Length of the samples in seconds."""
        return len(self.samples) / self.rate


def speak(text: str, *, language: str = "en", voice: Literal["low", "high"] = "low", seed: int = 0) -> SpokenText:
    """Speak ``text``; ``seed`` picks one of five timbres, a pitch and a pace.

    The same arguments give the same samples, whatever was spoken before. ``language`` is a BCP 47 tag. Raises GeneratorError
    without the extra ``tts``, for a language espeak-ng lacks, and for text with nothing to say.
    """
    rng = np.random.default_rng([seed, int(voice == "high")])
    variant = _VARIANTS[voice][int(rng.integers(len(_VARIANTS[voice])))]
    settings = VoiceSettings(
        names=[f"{name}+{variant}" for name in _espeak_names(language)],
        words_per_minute=int(rng.integers(150, 172)),
        pitch=int(_MEAN_PITCH[voice] + rng.integers(-8, 9)),
        seed=int(rng.integers(1, 2**31)),
    )
    raw, events = synthesise(text, language=language, settings=settings)
    if not any(event.kind == PHONEME and event.ipa for event in events):
        raise GeneratorError(f"there is nothing to say in {text!r} ({language})")
    return SpokenText(_finished(raw), RATE, _phonemes_of(events), _words_of(events, text))


def phonemes_of_text(text: str, *, language: str = "en") -> tuple[str, ...]:
    """What is sounded when ``text`` is read, in IPA, pauses as empty strings; neither times nor a voice come with it.

    Raises GeneratorError as :func:`speak` does.

    >>> phonemes_of_text("Hello.")
    ('h', 'ə', 'l', 'ˈoʊ')
    """
    _, events = synthesise(text, language=language, settings=VoiceSettings(_espeak_names(language), 160, 50, 1))
    symbols = [sound.ipa for sound in _phonemes_of(events)]
    if not any(symbols):
        raise GeneratorError(f"there is nothing to say in {text!r} ({language})")
    while not symbols[-1]:
        symbols.pop()
    return tuple(symbols)


def _espeak_names(language: str) -> list[str]:
    """The names to try, best first.

    >>> _espeak_names("pt-BR"), _espeak_names("zh-CN"), _espeak_names("de-AT")
    (['pt-br', 'pt'], ['cmn'], ['de-at', 'de'])
    """
    tag = language.lower().replace("_", "-")
    base = tag.split("-")[0]
    return list(dict.fromkeys(_ESPEAK_NAMES.get(name, name) for name in (tag, base)))


def _phonemes_of(events: Sequence[SpeechEvent]) -> tuple[Phoneme, ...]:
    """Every stretch from the first sound to the end, pauses merged; a phoneme lasts until the next one begins."""
    marks = [event for event in events if event.kind == PHONEME]
    end_s = max(event.time_s for event in events)
    phonemes: list[Phoneme] = []
    for mark, following_s in zip(marks, [*(mark.time_s for mark in marks[1:]), end_s], strict=True):
        if phonemes and not mark.ipa and not phonemes[-1].ipa:
            phonemes[-1] = Phoneme("", phonemes[-1].start_s, following_s)
        elif following_s > mark.time_s:
            phonemes.append(Phoneme(mark.ipa, mark.time_s, following_s))
    return tuple(phonemes)


def _words_of(events: Sequence[SpeechEvent], text: str) -> tuple[Word, ...]:
    """Words with the time from their first sound to the end of their last."""
    words: list[Word] = []
    sounds = _phonemes_of(events)
    marks = [event for event in events if event.kind == WORD and event.length > 0]
    for index, mark in enumerate(marks):
        until_s = marks[index + 1].time_s if index + 1 < len(marks) else float("inf")
        inside = [sound for sound in sounds if sound.ipa and mark.time_s <= sound.start_s < until_s]
        if inside:
            words.append(Word(text[mark.position - 1 : mark.position - 1 + mark.length], inside[0].start_s, inside[-1].end_s))
    return tuple(words)


def _finished(raw: np.ndarray) -> np.ndarray:
    """(N,) int16 from espeak-ng to float32 at :data:`RATE`, at one loudness for all voices."""
    from scipy.signal import resample_poly

    samples = resample_poly(raw / 32768.0, RATE // 150, ESPEAK_RATE // 150)
    loud = samples[np.abs(samples) > 0.01]
    level = float(np.sqrt(np.mean(loud**2))) if loud.size else 1.0
    gain = min(LOUDNESS / level, PEAK / max(float(np.abs(samples).max()), 1e-9))
    return (samples * gain).astype(np.float32)


# --- the mouth ----------------------------------------------------------------------------------------------------------------------------

REST = (0.02, 0.5)  # opening and width of a silent mouth
HOLD_S = 0.06  # lips stay shut at least this long on a bilabial, so that each is seen at 25 frames a second
RAMP_S = 0.055  # closing and opening again
SETTLE_S = 0.14  # from rest to the first sound, and back after the last
BILABIALS = frozenset("pbmɓʙ")

# IPA symbol: opening 0..1, width 0 (rounded) .. 1 (spread), how much it insists on them.
_SHAPES: dict[str, tuple[float, float, float]] = {
    **dict.fromkeys("pbmɓʙ", (0.0, 0.5, 1.0)),
    **dict.fromkeys("fvʋɱ", (0.07, 0.55, 1.0)),
    **dict.fromkeys("ɸβ", (0.08, 0.35, 1.0)),
    **dict.fromkeys("θð", (0.22, 0.55, 0.6)),
    **dict.fromkeys("tdnɾɗʈɖɳ", (0.20, 0.58, 0.45)),
    **dict.fromkeys("lɫɭʎɬɮ", (0.32, 0.55, 0.5)),
    **dict.fromkeys("szɕʑ", (0.12, 0.72, 0.7)),
    **dict.fromkeys("ʃʒʂʐ", (0.18, 0.18, 0.9)),
    **dict.fromkeys("rɹɻɽʀʁ", (0.26, 0.34, 0.5)),
    **dict.fromkeys("kɡgŋxɣqɢχcɟɲç", (0.26, 0.55, 0.3)),
    **dict.fromkeys("hɦħʕʔ", (0.35, 0.5, 0.12)),
    **dict.fromkeys("jʝ", (0.20, 0.85, 0.6)),
    **dict.fromkeys("wʍɥ", (0.12, 0.0, 1.0)),
    **dict.fromkeys("iɪ", (0.30, 0.95, 0.9)),
    **dict.fromkeys("eɛ", (0.55, 0.82, 1.0)),
    **dict.fromkeys("æa", (0.92, 0.72, 1.0)),
    **dict.fromkeys("ɑɐʌɶ", (1.0, 0.52, 1.0)),
    **dict.fromkeys("ɒɔ", (0.75, 0.16, 1.0)),
    **dict.fromkeys("oɵɤ", (0.52, 0.08, 1.0)),
    **dict.fromkeys("uʊɯ", (0.24, 0.02, 1.0)),
    **dict.fromkeys("yʏøœ", (0.32, 0.04, 1.0)),
    **dict.fromkeys("əɜɚɝɨʉɘᵻᵊ", (0.42, 0.5, 0.6)),
}
_UNKNOWN = (0.25, 0.5, 0.3)


def mouth_track(phonemes: Sequence[Phoneme], times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Opening and width of the mouth, each (T,) float64 within 0..1, at ``times_s`` (T,) seconds on the phonemes' clock.

    Neighbouring sounds shape each other: every target pulls with a weight that fades with its distance in time (dominance functions,
    Cohen & Massaro 1993). On a bilabial the opening is exactly 0 for at least :data:`HOLD_S`; without phonemes the mouth rests.

    >>> opening, width = mouth_track([Phoneme("m", 0.0, 0.1), Phoneme("ɑː", 0.1, 0.4)], np.array([0.05, 0.25]))
    >>> float(opening[0]), bool(opening[1] > 0.7)
    (0.0, True)
    """
    times = np.asarray(times_s, dtype=np.float64)
    pulls = [pull for phoneme in phonemes for pull in _pulls(phoneme)]
    if not pulls:
        return np.full(times.shape, REST[0]), np.full(times.shape, REST[1])
    centre, reach, opening, width, strength = np.array(pulls).T
    weight = strength * np.exp(-np.abs(times[:, None] - centre) / reach) + 1e-12
    total = weight.sum(axis=1)
    resting = _outside(times, phonemes)
    opened = (1 - resting) * (weight @ opening) / total + resting * REST[0]
    wide = (1 - resting) * (weight @ width) / total + resting * REST[1]
    for phoneme in phonemes:
        opened *= _closure(phoneme, times)
    return np.clip(opened, 0.0, 1.0), np.clip(wide, 0.0, 1.0)


def _pulls(phoneme: Phoneme) -> list[tuple[float, float, float, float, float]]:
    """(centre_s, reach_s, opening, width, strength) of each symbol of a phoneme, which share its time (diphthongs, affricates)."""
    length_s = phoneme.end_s - phoneme.start_s
    if not phoneme.ipa:
        count = max(1, round(length_s / 0.05))
        middles = phoneme.start_s + (np.arange(count) + 0.5) * length_s / count
        return [(float(middle), 0.03, *REST, 0.8) for middle in middles]
    symbols = [symbol for symbol in phoneme.ipa if unicodedata.category(symbol) in ("Ll", "Lo")] or ["ə"]
    stressed = 1.1 if "ˈ" in phoneme.ipa else 0.95
    part_s = length_s / len(symbols)
    pulls = []
    for index, symbol in enumerate(symbols):
        opening, width, strength = _SHAPES.get(symbol, _UNKNOWN)
        reach_s = float(np.clip(0.4 * part_s, 0.018, 0.05))
        pulls.append((phoneme.start_s + (index + 0.5) * part_s, reach_s, min(1.0, opening * stressed), width, strength))
    return pulls


def _outside(times: np.ndarray, phonemes: Sequence[Phoneme]) -> np.ndarray:
    """0 while something is said, rising smoothly to 1 within :data:`SETTLE_S` before and after."""
    away_s = np.maximum(phonemes[0].start_s - times, times - phonemes[-1].end_s)
    share = np.clip(away_s / SETTLE_S, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _closure(phoneme: Phoneme, times: np.ndarray) -> np.ndarray:
    """Factor on the opening: 0 from the lips' meeting to the sound's end (the release), smoothly 1 beyond; 1 for any other sound."""
    if not BILABIALS.intersection(phoneme.ipa):
        return np.ones(times.shape)
    shut_s = min(phoneme.start_s, phoneme.end_s - HOLD_S)
    away_s = np.maximum(shut_s - times, times - phoneme.end_s)
    ramp = np.clip(away_s / RAMP_S, 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)
