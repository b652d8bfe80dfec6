"""espeak-ng in this process, by ctypes: text in, samples and timed events out.

The library comes with the package ``espeakng-loader`` (extra ``tts``; GPL-3).
"""

from __future__ import annotations

import ctypes
import threading
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from seedbench.errors import GeneratorError

RATE = 22050
NO_TTS = "the simulator needs a voice for prompts that talk: pip install 'seedbench[tts]'"

_one_at_a_time = threading.Lock()

_SYNCHRONOUS, _PHONEME_EVENTS, _IPA, _DO_NOT_EXIT = 2, 1, 2, 0x8000
_UTF8, _PACE, _PITCH = 1, 1, 3
_LAST, WORD, PHONEME = 0, 1, 7


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _EspeakEvent(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_EspeakEvent))


class SpeechEvent(NamedTuple):
    """What espeak-ng reports: ``kind`` :data:`WORD` or :data:`PHONEME` or other, and where in sound and text (from 1) it is."""

    kind: int
    time_s: float
    position: int
    length: int
    ipa: str


class VoiceSettings(NamedTuple):
    """How to speak: voice names to try in turn, words a minute, pitch 0..99, and the seed of breath and hiss."""

    names: list[str]
    words_per_minute: int
    pitch: int
    seed: int


def loader() -> ModuleType:
    """The package that carries the library; GeneratorError without it."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise GeneratorError(NO_TTS) from error
    return espeakng_loader


def synthesise(text: str, *, language: str, settings: VoiceSettings) -> tuple[np.ndarray, list[SpeechEvent]]:
    """Samples (N,) int16 at :data:`RATE`, and the events in order. One thread at a time: espeak-ng lives in global variables.

    The library is loaded and unloaded for each text: its noise source and phase live in static variables that neither
    espeak_Terminate nor its own seed resets, so a second text would otherwise depend on the first.
    """
    package = loader()
    with _one_at_a_time:
        return _spoken(package, text, language, settings)


def _spoken(package: Any, text: str, language: str, settings: VoiceSettings) -> tuple[np.ndarray, list[SpeechEvent]]:
    espeak = ctypes.CDLL(package.get_library_path())
    chunks: list[np.ndarray] = []
    events: list[SpeechEvent] = []
    try:
        rate = espeak.espeak_Initialize(_SYNCHRONOUS, 0, str(package.get_data_path()).encode(), _PHONEME_EVENTS | _IPA | _DO_NOT_EXIT)
        if rate != RATE:
            raise GeneratorError(f"espeak-ng does not start (code {rate}): reinstall it with pip install 'seedbench[tts]'")

        def collect(samples: Any, count: int, pointer: Any) -> int:
            if samples and count > 0:
                chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
            index = 0
            while pointer[index].type != _LAST:
                event = pointer[index]
                name = ctypes.string_at(ctypes.addressof(event.id), 8).split(b"\0")[0] if event.type == PHONEME else b""
                events.append(
                    SpeechEvent(event.type, event.sample / rate, event.text_position, event.length, name.decode("utf-8", "ignore"))
                )
                index += 1
            return 0

        callback = _Callback(collect)
        espeak.espeak_SetSynthCallback(callback)
        if not any(espeak.espeak_SetVoiceByName(name.encode()) == 0 for name in settings.names):
            raise GeneratorError(f"espeak-ng has no voice for the language {language!r}: name another BCP 47 tag, such as en, de or cmn")
        espeak.espeak_SetParameter(_PACE, settings.words_per_minute, 0)
        espeak.espeak_SetParameter(_PITCH, settings.pitch, 0)
        espeak.espeak_ng_SetRandSeed(ctypes.c_long(settings.seed))
        data = text.encode()
        status = espeak.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, 1, 0, _UTF8, None, None)
        espeak.espeak_Terminate()
    finally:
        _unload(espeak)
    if status != 0:
        raise GeneratorError(f"espeak-ng could not speak {text!r} ({language}), code {status}")
    return np.concatenate(chunks) if chunks else np.zeros(0, np.int16), events


def _unload(library: ctypes.CDLL) -> None:
    import _ctypes

    close = getattr(_ctypes, "dlclose", None) or _ctypes.FreeLibrary  # type: ignore[attr-defined]
    close(library._handle)
