"""Scripts as tensors: the words, sounds and layout that the transformer reads, padded into a batch."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from seedbench.generators.reference.script import FPS, Script

SYMBOLS_PER_SOUND = 4
GRAMS_PER_WORD = 5
GRAM_BUCKETS = 512
FRAMES_PER_TOKEN = 2
TOKEN_S = FRAMES_PER_TOKEN / FPS
MAX_PEOPLE, MAX_SHOTS = 3, 8
VOICE = 160
"""Numbers that describe a voice: mean and deviation of its log mel bands."""


@dataclass(frozen=True)
class Vocabulary:
    """The words and sounds that the model knows.

    Attributes:
        words: The words.
        symbols: The characters of sounds.
        durations: The mean length of each sound in seconds (``""``: of any sound).
    """

    words: tuple[str, ...]
    symbols: tuple[str, ...]
    durations: dict[str, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", {word: index + 1 for index, word in enumerate(self.words)})
        object.__setattr__(self, "_symbols", {symbol: index + 1 for index, symbol in enumerate(self.symbols)})

    def word(self, word: str) -> int:
        """The number of a word, 0 for an unknown word."""
        return int(self._words.get(word, 0))  # type: ignore[attr-defined]

    def sound(self, symbol: str) -> list[int]:
        """The numbers of the first four characters of a sound, 0 for none or an unknown one."""
        numbers = [int(self._symbols.get(character, 0)) for character in symbol[:SYMBOLS_PER_SOUND]]  # type: ignore[attr-defined]
        return numbers + [0] * (SYMBOLS_PER_SOUND - len(numbers))


def grams(word: str) -> list[int]:
    """Hash buckets 1..511 of a word's letter trigrams, at most five at equal steps; unknown words share them with known ones.

    >>> len(grams("red")), grams("red") == grams("red")
    (5, True)
    """
    padded = f"<{word}>"
    trigrams = [padded[start : start + 3] for start in range(max(1, len(padded) - 2))]
    if len(trigrams) > GRAMS_PER_WORD:
        trigrams = [trigrams[round(index * (len(trigrams) - 1) / (GRAMS_PER_WORD - 1))] for index in range(GRAMS_PER_WORD)]
    buckets = [1 + zlib.crc32(trigram.encode()) % (GRAM_BUCKETS - 1) for trigram in trigrams]
    return buckets + [0] * (GRAMS_PER_WORD - len(buckets))


@dataclass(frozen=True)
class Scripts:
    """A batch of B scripts; masks are True where something is.

    Attributes:
        words: (B, W) numbers of words.
        word_mask: (B, W).
        grams: (B, W, 5) hash buckets of the letters of each word.
        symbols: (B, S, 4) numbers of the characters of each sound.
        sound_mask: (B, S).
        sound_s: (B, S) times of the sounds in seconds.
        speaker: (B, S) 0 for nobody, 1.. for the cast.
        people: (B, P) mask.
        shots: (B, K) mask.
        shot_s: (B, K) middle of each shot in seconds.
        shot_person: (B, K) 0 for nobody, 1.. for the cast.
        tokens: (B, T) mask of the tokens of 80 ms.
        token_shot: (B, T) the shot of each token.
        token_person: (B, T) the visible person of each token.
        voice: (B, 160) features of a given voice.
        has_voice: (B,) whether a voice is given.
    """

    words: Tensor
    word_mask: Tensor
    grams: Tensor
    symbols: Tensor
    sound_mask: Tensor
    sound_s: Tensor
    speaker: Tensor
    people: Tensor
    shots: Tensor
    shot_s: Tensor
    shot_person: Tensor
    tokens: Tensor
    token_shot: Tensor
    token_person: Tensor
    voice: Tensor
    has_voice: Tensor

    def to(self, device: torch.device | str) -> Scripts:
        """The same on another device."""
        return Scripts(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    @property
    def token_s(self) -> Tensor:
        """Times (T,) of the middle of each token in seconds."""
        return (torch.arange(self.tokens.shape[1], device=self.tokens.device) + 0.5) * TOKEN_S


def n_tokens(script: Script) -> int:
    """Tokens of 80 ms that cover a script's frames."""
    return -(-script.n_frames // FRAMES_PER_TOKEN)


def batch_scripts(
    scripts: Sequence[Script], vocabulary: Vocabulary, voices: Sequence[np.ndarray | None] | None = None, *, timed: bool = True
) -> Scripts:
    """Scripts as one padded batch.

    Args:
        scripts: B scripts.
        vocabulary: The words and sounds that the model knows.
        voices: (160,) features of a voice, or None, for each; None for no voices.
        timed: Whether there are tokens in time; False for stills.

    Returns:
        The batch.
    """
    n = len(scripts)
    n_words = max(1, max(len(script.words) for script in scripts))
    n_sounds = max(1, max(len(script.sounds) for script in scripts))
    n_people = max(1, max(script.n_people for script in scripts))
    n_shots = max(len(script.shots) for script in scripts)
    n_time = max(n_tokens(script) for script in scripts) if timed else 0
    words, gram = np.zeros((n, n_words), np.int64), np.zeros((n, n_words, GRAMS_PER_WORD), np.int64)
    symbols = np.zeros((n, n_sounds, SYMBOLS_PER_SOUND), np.int64)
    sound_s, speaker = np.zeros((n, n_sounds), np.float32), np.zeros((n, n_sounds), np.int64)
    word_mask, sound_mask = np.zeros((n, n_words), bool), np.zeros((n, n_sounds), bool)
    people, shots = np.zeros((n, n_people), bool), np.zeros((n, n_shots), bool)
    shot_s, shot_person = np.zeros((n, n_shots), np.float32), np.zeros((n, n_shots), np.int64)
    tokens = np.zeros((n, n_time), bool)
    token_shot, token_person = np.zeros((n, n_time), np.int64), np.zeros((n, n_time), np.int64)
    voice, has_voice = np.zeros((n, VOICE), np.float32), np.zeros(n, bool)
    for row, script in enumerate(scripts):
        for index, word in enumerate(script.words):
            words[row, index], gram[row, index] = vocabulary.word(word), grams(word)
        word_mask[row, : len(script.words)] = True
        for index, sound in enumerate(script.sounds):
            symbols[row, index], sound_s[row, index] = vocabulary.sound(sound.symbol), sound.time_s
            speaker[row, index] = sound.speaker + 1
        sound_mask[row, : len(script.sounds)] = True
        people[row, : script.n_people] = True
        for index, shot in enumerate(script.shots):
            shots[row, index] = True
            shot_s[row, index], shot_person[row, index] = (shot.first + shot.last) / 2 / FPS, shot.person + 1
            if timed:
                of_shot = slice(shot.first // FRAMES_PER_TOKEN, -(-shot.last // FRAMES_PER_TOKEN))
                token_shot[row, of_shot], token_person[row, of_shot] = index, shot.person + 1
        if timed:
            tokens[row, : n_tokens(script)] = True
        if voices is not None and voices[row] is not None:
            voice[row], has_voice[row] = voices[row], True
    arrays = (words, word_mask, gram, symbols, sound_mask, sound_s, speaker, people, shots, shot_s, shot_person)
    return Scripts(*(torch.from_numpy(array) for array in (*arrays, tokens, token_shot, token_person, voice, has_voice)))


def voice_of(bands: np.ndarray) -> np.ndarray | None:
    """The features of a voice: mean and deviation of log mel bands over the louder columns.

    Args:
        bands: (T, 80) log mel bands.

    Returns:
        (160,) float32; None for silence.
    """
    loud = bands.mean(1)
    if not len(bands) or loud.max() < -9.5:
        return None
    kept = bands[loud >= max(-9.5, np.quantile(loud, 0.5))]
    return np.concatenate([kept.mean(0) / 3 + 2, kept.std(0) / 2]).astype(np.float32)
