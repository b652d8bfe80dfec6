"""Sound as the lip-sync metric hears it: a log-mel spectrogram, and where there is speech.

Speech is found by silero-vad (MIT). The package ships the weights of a small network; it is computed here in numpy, so that torch is
not imported (the results equal torch's to 2e-6).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seedbench.plugins.analysis import analysis
from seedbench.plugins.weights import package_file

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

RATE = 16000
"""Samples a second of everything here."""
MEL_BANDS = 40
MEL_WINDOW = 400
MEL_FLOOR = 1e-6

_HOP = 160
_FFT = 512
_CHUNK = 512
_CONTEXT = 64
CHUNK_S = _CHUNK / RATE
"""Seconds covered by one value of the speech probability."""

SPEECH_ON, SPEECH_OFF = 0.5, 0.35
"""Speech begins above the first probability and ends below the second (silero's own two thresholds)."""
MIN_PAUSE_S = 0.1
MIN_SPEECH_S = 0.1


@dataclass(frozen=True)
class SpeechAnalysis:
    """Speech in a clip.

    Attributes:
        segments_s: (n, 2) start and end of each stretch of speech, seconds.
        probability: (m,) 0..1, one value for each ``CHUNK_S`` seconds.
        level_dbfs: RMS level of the whole sound, at least -120.
    """

    segments_s: np.ndarray
    probability: np.ndarray
    level_dbfs: float

    @property
    def duration_s(self) -> float:
        """Seconds of speech."""
        return float((self.segments_s[:, 1] - self.segments_s[:, 0]).sum())


@functools.cache
def mel_bank() -> np.ndarray:
    """Triangular mel filters (257, 40), 60..7600 Hz, Slaney's scale and area norm."""
    import librosa

    return librosa.filters.mel(sr=RATE, n_fft=_FFT, n_mels=MEL_BANDS, fmin=60, fmax=7600).T.astype(np.float64)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Natural logarithm of mel power + 1e-6.

    Args:
        samples: Mono sound at 16 kHz.

    Returns:
        (N, 40) at 100 Hz; window n is centred at 12.5 ms + n x 10 ms.

    >>> log_mel(np.zeros(16000)).shape
    (98, 40)
    """
    n = 1 + (len(samples) - MEL_WINDOW) // _HOP
    if n < 1:
        return np.empty((0, MEL_BANDS))
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float64), MEL_WINDOW)[::_HOP][:n]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(MEL_WINDOW) / MEL_WINDOW)
    power = np.abs(np.fft.rfft(windows * hann, _FFT, axis=1)) ** 2
    return np.log(power @ mel_bank() + MEL_FLOOR)


@functools.cache
def _vad_weights() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(package_file("silero-vad", "data/silero_vad_16k.safetensors"))


def _conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, stride: int) -> np.ndarray:
    """Rectified 1-D convolution of width 3, padded by one: (B, C, T) to (B, D, T')."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=2)[:, :, ::stride]
    return np.maximum(np.einsum("bctk,dck->bdt", windows, weight, optimize=True) + bias[:, None], 0.0)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # exp of a large number is infinite, and the quotient 0
        return 1.0 / (1.0 + np.exp(-x))


def speech_probability(samples: np.ndarray) -> np.ndarray:
    """Probability of speech in each 32 ms (silero-vad 16 kHz, github.com/snakers4/silero-vad, computed in numpy).

    Args:
        samples: (N,) mono sound at 16 kHz.

    Returns:
        (m,) 0..1.

    Raises:
        WeightsError: If silero-vad's weights are missing or cannot be read.
    """
    if len(samples) == 0:
        return np.empty(0)
    w = _vad_weights()
    n = -(-len(samples) // _CHUNK)
    padded = np.concatenate([np.zeros(_CONTEXT), samples, np.zeros(n * _CHUNK - len(samples))]).astype(np.float32)
    chunks = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT + _CHUNK)[::_CHUNK]
    chunks = np.pad(chunks, ((0, 0), (0, 64)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(chunks, 256, axis=1)[:, ::128]
    spectrum = np.einsum("btk,dk->bdt", frames, w["stft_conv.weight"][:, 0], optimize=True)
    x = np.sqrt(spectrum[:, :129] ** 2 + spectrum[:, 129:] ** 2)
    for layer, stride in (("conv1", 1), ("conv2", 2), ("conv3", 2), ("conv4", 1)):
        x = _conv(x, w[f"{layer}.weight"], w[f"{layer}.bias"], stride)
    given = x[:, :, 0] @ w["lstm_cell.weight_ih"].T + w["lstm_cell.bias_ih"] + w["lstm_cell.bias_hh"]
    hidden, cell = np.zeros(128, np.float32), np.zeros(128, np.float32)
    states = np.empty((n, 128), np.float32)
    for k in range(n):
        enter, forget, new, leave = np.split(given[k] + w["lstm_cell.weight_hh"] @ hidden, 4)
        cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(new)
        hidden = _sigmoid(leave) * np.tanh(cell)
        states[k] = hidden
    return _sigmoid(np.maximum(states, 0.0) @ w["final_conv.weight"][0, :, 0] + w["final_conv.bias"][0]).astype(np.float64)


def speech_segments(probability: np.ndarray, step_s: float = CHUNK_S) -> np.ndarray:
    """Stretches of speech from its probability over time.

    Args:
        probability: (m,) 0..1.
        step_s: Seconds between two values.

    Returns:
        (n, 2) start and end in seconds.

    >>> speech_segments(np.array([0, 0.9, 0.4, 0.9, 0, 0, 0, 0]), 0.1).round(3).tolist()
    [[0.1, 0.4]]
    """
    stretches: list[list[float]] = []
    speaking = False
    for k, value in enumerate([*probability.tolist(), 0.0]):
        if not speaking and value >= SPEECH_ON:
            speaking = True
            start = k * step_s
            if stretches and start - stretches[-1][1] < MIN_PAUSE_S - 1e-9:
                continue
            stretches.append([start, start])
        elif speaking and value < SPEECH_OFF:
            speaking = False
            stretches[-1][1] = k * step_s
    kept = [stretch for stretch in stretches if stretch[1] - stretch[0] >= MIN_SPEECH_S - 1e-9]
    return np.array(kept, dtype=float).reshape(-1, 2)


def speech_of(samples: np.ndarray) -> SpeechAnalysis:
    """Speech in sound.

    Args:
        samples: (N,) mono at 16 kHz.

    Returns:
        The stretches of speech, their probabilities and the level.

    Raises:
        WeightsError: If silero-vad's weights are missing or cannot be read.
    """
    level = 10.0 * float(np.log10(max(float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0, 1e-12)))
    probability = speech_probability(samples)
    return SpeechAnalysis(speech_segments(probability), probability, level)


@analysis(version=1, weights=("silero-vad",))
def speech(clip: Clip) -> SpeechAnalysis:
    """Where the clip's sound has speech.

    Args:
        clip: The clip.

    Returns:
        The stretches of speech, their probabilities and the level.

    Raises:
        ClipError: If the clip has no sound.
        WeightsError: If silero-vad's weights are missing or cannot be read.
    """
    return speech_of(clip.audio(RATE).samples)


@analysis(version=1)
def mel(clip: Clip) -> np.ndarray:
    """Log-mel bands of a clip's sound (see :func:`log_mel`).

    Args:
        clip: The clip.

    Returns:
        (N, 40).

    Raises:
        ClipError: If the clip has no sound.
    """
    return log_mel(clip.audio(RATE).samples)
