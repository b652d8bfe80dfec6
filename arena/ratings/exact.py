"""Fisher's exact test, for counts too small for a normal approximation; and which of many tests can be significant at all.

Sources: Fisher 1935 (the exact test); Tarone 1990, "A modified Bonferroni method for discrete data".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammaln

_ALIKE = 1 + 1e-7  # chances that differ by less are one chance, as in R's fisher.test


@dataclass(frozen=True)
class ExactTest:
    """The result of an exact test.

    Attributes:
        p: The p-value, 0..1.
        least: The smallest p that any outcome with these totals could have had.
    """

    p: float
    least: float


def fisher(hits: int, n: int, others_hits: int, others_n: int, *, tail: Literal["fewer", "two_sided"] = "two_sided") -> ExactTest:
    """Fisher's exact test (Fisher 1935) of ``hits`` of ``n`` against ``others_hits`` of ``others_n``.

    Args:
        hits: Hits of one group, 0 to ``n``.
        n: The size of that group.
        others_hits: Hits of the other group.
        others_n: The size of the other group.
        tail: ``fewer`` tests whether the first group has fewer hits, ``two_sided`` whether it has fewer or more.

    Returns:
        The p-value, and the smallest one that is possible with these totals.

    >>> found = fisher(1, 10, 11, 14)
    >>> round(found.p, 6)
    0.002759
    """
    total, all_hits = n + others_n, hits + others_hits
    lowest, highest = max(0, all_hits - others_n), min(n, all_hits)
    possible = np.arange(lowest, highest + 1)
    chance = np.exp(_choices(n, possible) + _choices(others_n, all_hits - possible) - _choices(total, np.array(all_hits)))
    index = hits - lowest
    if tail == "fewer":
        p, least = chance[: index + 1].sum(), chance[0]
    else:
        p, least = (chance[chance <= limit * _ALIKE].sum() for limit in (chance[index], chance.min()))
    return ExactTest(float(min(1.0, p)), float(min(1.0, least)))


def _choices(n: int, k: np.ndarray) -> np.ndarray:
    """Logarithm of the number of ways to choose ``k`` of ``n``."""
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def at_most(p: float, level: float) -> bool:
    """Whether a p-value is at most ``level``, also where it exceeds the level by rounding only.

    Args:
        p: The p-value.
        level: The level of the test.

    Returns:
        True for p up to the level, with a small tolerance.

    >>> at_most(0.05 * (1 + 1e-12), 0.05), at_most(0.0501, 0.05)
    (True, False)
    """
    return p <= level * _ALIKE


def can_be_significant(least: Sequence[float], *, level: float = 0.05) -> list[bool]:
    """Which of several tests can be significant at all (Tarone 1990). The others need not be corrected for.

    Args:
        least: The smallest p-value that each test can have.
        level: The level of all tests together.

    Returns:
        For each test whether it can be significant.

    >>> can_be_significant([1e-6, 0.2, 0.03])
    [True, False, False]
    """
    for k in range(1, len(least) + 1):
        possible = [at_most(p, level / k) for p in least]
        if sum(possible) <= k:
            return possible
    return []
