"""Everyday sentences for training prompts: a small combinatorial grammar for each language, read from ``sentences.toml``.

A template has slots in braces, which are filled from lists whose entries may have slots too. Forms that must agree have lists of
their own, so that every drawn sentence is grammatical. :data:`HELD_OUT` are English sentences that the grammar cannot produce.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.errors import GeneratorError

_FILE = Path(__file__).with_name("sentences.toml")
_SLOT = re.compile(r"\{(\w+)\}")
_DRAWS = 2000  # sentences that are drawn before a range of lengths is refused


@cache
def _contents() -> dict[str, Any]:
    with _FILE.open("rb") as file:
        return tomllib.load(file)


@cache
def _grammars() -> dict[str, dict[str, list[str]]]:
    """The lists of each language's grammar, including ``templates``."""
    return {name: lists for name, lists in _contents().items() if isinstance(lists, dict)}


HELD_OUT: tuple[str, ...] = tuple(_contents()["held_out"])


def languages() -> tuple[str, ...]:
    """The languages that have a grammar, as the tags :func:`seedbench.generators.simulator.speech.speak` takes.

    >>> languages()
    ('en', 'es', 'de', 'fr', 'it', 'pt', 'cmn')
    """
    return tuple(_grammars())


def sentence(language: str, rng: np.random.Generator, *, words: tuple[int, int] = (3, 13)) -> str:
    """A random sentence. The same state of the random generator gives the same sentence.

    Args:
        language: Its language, one of :func:`languages`.
        rng: The random generator.
        words: The least and the largest number of words; see :func:`count_words`.

    Returns:
        The sentence.

    Raises:
        GeneratorError: The language has no grammar, or the grammar does not reach this range of lengths.

    >>> sentence("en", np.random.default_rng(0), words=(6, 8))
    'Surely, Ruth is eating fried fish.'
    """
    if language not in _grammars():
        raise GeneratorError(f"there are no sentences for the language {language!r}: name one of {', '.join(languages())}")
    lists = _grammars()[language]
    shortest, longest = words
    for _ in range(_DRAWS):
        text = _capitalised(_filled("{templates}", lists, rng))
        if shortest <= count_words(text, language) <= longest:
            return text
    raise GeneratorError(
        f"the grammar of {language!r} has no sentence of {shortest} to {longest} words: name a wider range, such as 3 to 13"
    )


def count_words(text: str, language: str) -> float:
    """The number of spoken words: two Chinese characters count as one word, a separate punctuation mark as none.

    >>> count_words("Où est-ce que tu vas ?", "fr"), count_words("明天见！", "cmn")
    (5, 1.5)
    """
    if language == "cmn":
        return sum(character.isalnum() for character in text) / 2
    return sum(any(character.isalnum() for character in word) for word in text.split())


def _filled(text: str, lists: dict[str, list[str]], rng: np.random.Generator) -> str:
    """``text`` with every slot filled, from left to right, including slots in the entries."""

    def choice(slot: re.Match[str]) -> str:
        entries = lists[slot[1]]
        return _filled(entries[int(rng.integers(len(entries)))], lists, rng)

    return _SLOT.sub(choice, text)


def _capitalised(text: str) -> str:
    """``text`` with its first letter as a capital, wherever it is.

    >>> _capitalised("¿mi hermano quiere pan?"), _capitalised("明天见！")
    ('¿Mi hermano quiere pan?', '明天见！')
    """
    return re.sub(r"[^\W\d_]", lambda letter: letter[0].upper(), text, count=1)
