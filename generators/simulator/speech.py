"""Synthetic speech with known phoneme times, and the mouth that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

RATE = 48000


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
class Speech:
    """Spoken text: ``samples`` float32 mono at ``rate`` Hz within -1..1, and what is said when."""

    samples: np.ndarray
    rate: int
    phonemes: tuple[Phoneme, ...]
    words: tuple[Word, ...]

    @property
    def duration_s(self) -> float:
        """Length of the samples in seconds."""
        return len(self.samples) / self.rate


def speak(text: str, *, language: str = "en", voice: Literal["low", "high"] = "low", seed: int = 0) -> Speech:
    """Speak ``text``. ``seed`` varies pitch, pace and timbre a little."""
    raise NotImplementedError


def mouth_track(phonemes: Sequence[Phoneme], times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Opening and width of the mouth, each (T,) within 0..1, at ``times_s`` (T,) seconds on the phonemes' clock."""
    raise NotImplementedError
