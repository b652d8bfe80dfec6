"""Numbers and truth values as people and spreadsheets write them."""

from __future__ import annotations

import math
import re

#: Blanks that people do not see: all spaces of Unicode, and marks of no width that text copied from pages brings along.
BLANKS = " \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
#: Digits in groups of three, with another decimal separator after them: 1,234.5 and 1.234,5.
_GROUPED = (re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+"), re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"))
#: A comma before three digits: 1,500 is one and a half in half of the world, and fifteen hundred in the other.
_COMMA_OR_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_POINT_OR_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_WHOLE_WITH_ZEROS = re.compile(r"([+-]?[0-9]+)[.,]0*")
#: What R, databases and Excel write where a number or a truth value is missing. "nan" is not among them: it may be a result that went
#: wrong.
MISSING = frozenset({"na", "n/a", "#n/a", "null"})
#: True and false, also as Excel writes them in German, French, Spanish, Portuguese, Italian and Dutch.
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1", "1.0", "1,0", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0", "0.0", "0,0", "falsch", "faux", "falso", "onwaar"})


def without_blanks(text: str) -> str:
    """A text without blanks at its ends, no-break spaces and marks of no width among them.

    >>> without_blanks("\\xa0clip.mp4 \\u200b")
    'clip.mp4'
    """
    return text.strip(BLANKS)


def plain_name(name: str) -> str:
    """A name of a column in small letters, with underscores for blanks and hyphens, to compare it with others.

    >>> plain_name(" Prompt ID")
    'prompt_id'
    """
    return re.sub(r"[\s-]+", "_", without_blanks(name).casefold())


def number_in(text: str, *, decimal_comma: bool = False, decimal_point: bool = True) -> float:
    """A number in a text.

    Args:
        text: The text; blanks around it are allowed.
        decimal_comma: Whether the table is known to write decimal commas, so that ``1,500`` is one and a half.
        decimal_point: Whether ``1.500`` can only be one and a half; False where other numbers of the column have decimal commas.

    Returns:
        The number, finite.

    Raises:
        ValueError: The text is no number, or it may be two; the message says so.

    >>> number_in("0,5"), number_in("1,234.5"), number_in("1,500", decimal_comma=True)
    (0.5, 1234.5, 1.5)
    >>> number_in("1,500")
    Traceback (most recent call last):
    ValueError: '1,500' may be 1.5 or 1500: write one of these
    """
    shown = _shown(text)
    plain = without_blanks(text).replace("\u2212", "-")  # the sign of typographers
    doubtful = (not decimal_comma and _COMMA_OR_GROUP.fullmatch(plain)) or (not decimal_point and _POINT_OR_GROUP.fullmatch(plain))
    if doubtful and len(re.split("[.,]", plain)) == 2:
        digits = re.sub("[.,]", "", plain)
        raise ValueError(f"{shown} may be {float(re.sub(',', '.', plain)):g} or {digits}: write one of these")
    if _GROUPED[0].fullmatch(plain):
        plain = plain.replace(",", "")
    elif _GROUPED[1].fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    elif _DECIMAL_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    if not _NUMBER.fullmatch(plain) or not math.isfinite(float(plain)):
        raise ValueError(f"{shown} is not a number")
    return float(plain)


def whole_number_in(text: str) -> int:
    """A whole number in a text, exact however long; a zero after a point or comma is allowed (``1.0``).

    Raises:
        ValueError: The text is no whole number, or a spreadsheet has rounded it (``1.23E+15``); the message says so.

    >>> whole_number_in("7"), whole_number_in("7.0")
    (7, 7)
    """
    plain = without_blanks(text).replace("\u2212", "-")
    with_zeros = _WHOLE_WITH_ZEROS.fullmatch(plain)
    if with_zeros and (_COMMA_OR_GROUP.fullmatch(plain) or _POINT_OR_GROUP.fullmatch(plain)):
        raise ValueError(f"{_shown(text)} may be {with_zeros[1]} or {re.sub('[.,]', '', plain)}: write one of these")
    digits = with_zeros[1] if with_zeros else plain
    if _WHOLE.fullmatch(digits) and len(digits) < 4000:  # Python reads no longer ones
        return int(digits)
    if "e" in plain.lower() and (_NUMBER.fullmatch(plain) or _DECIMAL_COMMA.fullmatch(plain)):
        sentence = "was rounded by a spreadsheet: format the column as text and write all digits"
        raise ValueError(f"{_shown(text)} {sentence}")
    raise ValueError(f"{_shown(text)} is not a whole number")


def truth_in(text: str) -> bool:
    """A truth value in a text: true, yes, on, 1, 1.0 and false, no, off, 0, 0.0, in any case; Excel's words in other languages as well.

    Raises:
        ValueError: The text is none of them.

    >>> truth_in("TRUE"), truth_in("0.0")
    (True, False)
    """
    word = without_blanks(text).casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"{_shown(text)} is neither true nor false (write true or false, yes or no, 1 or 0)")


def _shown(text: str, length: int = 60) -> str:
    """A text in quotes, cut where it is long."""
    return repr(text if len(text) <= length else f"{text[: length - 3]}...")
