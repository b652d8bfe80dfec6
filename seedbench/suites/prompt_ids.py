"""Ids of prompts made from names and texts that people wrote, always in the same way."""

from __future__ import annotations

import hashlib
import re
import unicodedata

#: The longest id that the database stores.
LONGEST_ID = 200
_DIGITS = 6


def slug(name: str, longest: int = LONGEST_ID) -> str:
    """A name as a prompt id: lower case letters, digits, dots, dashes and underscores.

    Args:
        name: The name, file stem or text.
        longest: The most letters of the id, above 7.

    Returns:
        The id. Six digits of the name's hash are added where letters are lost, so that other names have other ids; capital letters and
        blanks do not count as lost.

    >>> slug("Talk 01"), slug("talk-01"), slug("Grüße!"), slug("A very long name", 14)
    ('talk-01', 'talk-01', 'grusse-9c7755', 'a-very-17a023')
    """
    folded = unicodedata.normalize("NFKD", name.strip().casefold()).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9._-]+", "-", folded).strip("-._")
    if plain and len(plain) <= longest and plain == re.sub(r"\s+", "-", name.strip().lower()):
        return plain
    return slug_with_hash(name, longest)


def slug_with_hash(name: str, longest: int = LONGEST_ID) -> str:
    """A name as a prompt id with six digits of its hash, which tell it from names that differ only in capital letters or blanks.

    >>> slug_with_hash("A cat"), slug_with_hash("a cat")
    ('a-cat-a7a837', 'a-cat-51e467')
    """
    folded = unicodedata.normalize("NFKD", name.strip().casefold()).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9._-]+", "-", folded).strip("-._")
    room = longest - _DIGITS - 1
    if len(plain) > room:
        cut = plain[: room + 1].rpartition("-")[0]
        plain = (cut or plain[:room]).strip("-._")
    return f"{plain or 'clip'}-{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"
