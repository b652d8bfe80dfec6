"""How many failed cells a run may have before its exit code says so."""

from __future__ import annotations

from seedbench.errors import SeedBenchError, TooManyFailuresError


def allowed_failures(limit: str, total: int) -> int:
    """The number of failed cells that ``--max-failures LIMIT`` allows among ``total``.

    ``LIMIT`` is a count (``3``), a share (``0.05`` or ``5%``), ``all`` or ``none``.

    >>> [allowed_failures(text, 40) for text in ("3", "5%", "0.05", "none", "all", "1.0")]
    [3, 2, 2, 0, 40, 40]
    """
    text = limit.strip().lower()
    if text in {"all", "none"}:
        return total if text == "all" else 0
    try:
        if text.endswith("%"):
            share = float(text[:-1]) / 100
        elif "." in text:
            share = float(text)
        else:
            count = int(text)
            if count < 0:
                raise ValueError
            return count
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SeedBenchError(f"--max-failures {limit!r} is neither a count, a share such as 0.05 or 5%, 'all' nor 'none'")
    return int(share * total + 1e-9)


def check_failures(limit: str, *, failed: int, total: int) -> None:
    """Raise TooManyFailuresError where more of ``total`` cells ``failed`` than ``limit`` allows."""
    allowed = allowed_failures(limit, total)
    if failed > allowed:
        raise TooManyFailuresError(f"{failed} of {total} cells failed; --max-failures {limit} allows {allowed}")
