"""Names of systems, voters and prompts: as they are compared, and when they name nobody."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from seedbench.files.cell_values import without_blanks

_PLACEHOLDERS = {
    *("", "-", "--", "?", ".", "n/a", "n.a.", "na", "nan", "#n/a", "<na>", "nat", "none", "null", "nil", "undefined", "missing"),
    *("unknown", "unspecified", "blank", "(blank)", "not known", "not available", "not given", "unknown user", "unknown voter"),
    *("anonymous", "anonymus", "anon", "anonym", "anonymous user", "anonymous_user", "anonymous-user", "guest", "no name"),
}


def clean_name(text: str) -> str:
    """A name as it is compared with others.

    Args:
        text: The name as it was written.

    Returns:
        The name in Unicode's composed form, without outer blanks (no-break spaces and zero-width characters are blanks too).

    >>> clean_name("\u00a0 alpha\u200b ")
    'alpha'
    """
    return without_blanks(unicodedata.normalize("NFC", text))


def known_name(text: str) -> str | None:
    """The name of a voter or a prompt, where it names any.

    Args:
        text: The name as it was written.

    Returns:
        The name as it is compared; None for an empty one and for words that stand for "nobody knows" (``anonymous``, ``unknown``, ``n/a``,
        ``null``, ``nan`` and the like, in capitals or not). People who share such a word are not one person, and not independent either.

    >>> known_name(" w7 "), known_name("Anonymous"), known_name("N/A"), known_name("")
    ('w7', None, None, None)
    """
    name = clean_name(text)
    return None if name.casefold() in _PLACEHOLDERS else name


def near_equal_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Names that differ only in capitals, blanks, hyphens or underscores: perhaps the same thing, written in two ways.

    Args:
        names: The names; equal ones count once.

    Returns:
        The groups of two names or more, sorted.

    >>> near_equal_names(["Alpha", "alpha", "beta", "model 1", "model-1"])
    [('Alpha', 'alpha'), ('model 1', 'model-1')]
    """
    groups: dict[str, set[str]] = defaultdict(set)
    for name in names:
        groups["".join(name.casefold().replace("-", " ").replace("_", " ").split())].add(name)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)
