"""The script of a prompt: the words, sounds with nominal times, and shots that the model reads.

Looks, places, light, framing, voices, bodies and heights are read from the prompt's *text*, word by word. Spoken lines become phonemes
by espeak-ng's rules for their language. Its timing is not used: each sound gets a nominal time from the mean length of such sounds, and
the model decides when exactly it is said. The storyboard (when shots begin and who is seen, when lines and events begin) is taken from
the prompt's fields, as in the APIs of services that make several shots.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from seedbench.suites.prompt import Prompt

FPS = 25
EVENT = "*"  # the symbol among the sounds where an event begins
PAUSE = "_"
MAX_WORDS = 128
MAX_SOUNDS = 160
_WORD = re.compile(r"\{\{[a-z]+:\d+\}\}|[^\W\d_]+|\d+(?:\.\d+)?|[.,:;()]")


@dataclass(frozen=True)
class Sound:
    """One sound of a script.

    Attributes:
        symbol: A phoneme in IPA, :data:`PAUSE` or :data:`EVENT`.
        time_s: Its nominal time in seconds.
        speaker: The index of its speaker in the cast.
    """

    symbol: str
    time_s: float
    speaker: int


@dataclass(frozen=True)
class Stretch:
    """The frames of one shot.

    Attributes:
        first: The first frame.
        last: The frame after the last.
        person: The index in the cast of the visible person; -1 for nobody.
    """

    first: int
    last: int
    person: int


@dataclass(frozen=True)
class Script:
    """Everything that the model reads of a prompt.

    Attributes:
        words: The words of its text.
        sounds: The sounds that it asks for.
        shots: Its shots.
        n_people: The number of people in its cast.
        n_frames: Its length in frames at 25 a second.
    """

    words: tuple[str, ...]
    sounds: tuple[Sound, ...]
    shots: tuple[Stretch, ...]
    n_people: int
    n_frames: int

    @property
    def speaks(self) -> bool:
        """Whether somebody says something in it."""
        return any(heard.symbol != EVENT for heard in self.sounds)


def words_of(text: str) -> tuple[str, ...]:
    """A text as lower-case words and marks. Text between double quotes is left out, references become their kind.

    Args:
        text: The text.

    Returns:
        At most :data:`MAX_WORDS` words.

    >>> words_of('A man (see {{image:1}}), close: "Hello, you." At 1.5 seconds, a cut.')
    ('a', 'man', '(', 'see', '<image>', ')', ',', 'close', ':', '"', '.', 'at', '1.5', 'seconds', ',', 'a', 'cut', '.')
    """
    words = []
    for index, part in enumerate(text.split('"')):
        if index % 2:
            words += ['"', "."]
            continue
        words += [f"<{word[2:].split(':')[0]}>" if word.startswith("{{") else word for word in _WORD.findall(part.lower())]
    return tuple(words[:MAX_WORDS])


def read(prompt: Prompt, durations: Mapping[str, float], *, fps: int = FPS) -> Script:
    """Read the script of a prompt.

    Args:
        prompt: the prompt.
        durations: mean lengths of sounds in seconds, with an entry ``""`` for all others.
        fps: frames a second.

    Raises:
        GeneratorError: espeak-ng is missing (extra ``tts``), or it does not know a language.
    """
    n_frames = max(2, round(prompt.duration_s * fps))
    order = {person.id: index for index, person in enumerate(prompt.cast)}
    sounds: list[Sound] = []
    for line in prompt.speech:
        at_s = line.start_s
        for symbol in pronounce(line.text, line.language):
            length_s = durations.get(symbol, durations[""])
            sounds.append(Sound(symbol, at_s + length_s / 2, order[line.character]))
            at_s += length_s
    sounds += [Sound(EVENT, event.start_s, -1) for event in prompt.events]
    shots = stretches(prompt, n_frames, fps=fps)
    return Script(words_of(prompt.text), tuple(sounds[:MAX_SOUNDS]), shots, len(prompt.cast), n_frames)


def stretches(prompt: Prompt, n_frames: int, *, fps: int = FPS) -> tuple[Stretch, ...]:
    """The shots of a prompt in frames.

    Args:
        prompt: The prompt.
        n_frames: The number of frames of the clip.
        fps: Frames a second.

    Returns:
        The shots, without those that have no frame; one shot if the prompt declares none.
    """
    order = {person.id: index for index, person in enumerate(prompt.cast)}
    shots: list[Stretch] = []
    for index, shot in enumerate(prompt.shots):
        first = round(shot.start_s * fps)
        last = n_frames if index == len(prompt.shots) - 1 else min(n_frames, round(shot.end_s * fps))
        if first < last:
            shots.append(Stretch(first, last, order[shot.cast[0]] if shot.cast else -1))
    return tuple(shots) or (Stretch(0, n_frames, 0 if prompt.cast else -1),)


def pronounce(text: str, language: str) -> tuple[str, ...]:
    """A sentence as phonemes in IPA, pauses as :data:`PAUSE`, without their lengths."""
    from seedbench.generators.simulator.speech import phonemes_of_text

    return tuple(symbol or PAUSE for symbol in phonemes_of_text(text, language=language))
