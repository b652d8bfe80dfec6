"""A share of some trials with its interval, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Proportion:
    """A share with its 95% interval.

    Attributes:
        count, total: ``count`` of ``total``; ``total`` may be 0.
        low, high: the interval of the share, 0..1; None where ``total`` is 0.
    """

    count: int
    total: int
    low: float | None = None
    high: float | None = None


def share_words(share: Proportion) -> str:
    """A proportion in words.

    >>> share_words(Proportion(count=9, total=10, low=0.555, high=0.997)), share_words(Proportion(count=0, total=0))
    ('9 of 10 (90%, 56 to 100%)', 'none')
    """
    if not share.total or share.low is None or share.high is None:
        return "none"
    return f"{share.count} of {share.total} ({share.count / share.total:.0%}, {100 * share.low:.0f} to {100 * share.high:.0f}%)"
