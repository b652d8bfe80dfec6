"""Contacts of whole bodies matched one to one with onsets within 120 ms. Pure functions of times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.metrics.analyses.contacts import SeenContact
from seedbench.metrics.analyses.onsets import Onsets

WINDOW_S = 0.12
"""A contact and a sound further apart than this do not match: at about this distance people perceive two events (ITU-R BT.1359: -125
ms)."""
SOFT_CONTACT = 0.15
"""A contact slower than this share of the fastest need not be heard."""
SOFT_SOUND = 0.1
"""A sound fainter than this share of the loudest counts only if a contact matches it."""
SETTLING_S = 0.6
"""Ever fainter sounds within this time after the last seen contact are small last bounces, which the picture cannot resolve."""


@dataclass(frozen=True)
class ImpactPairs:
    """Contacts and sounds matched one to one.

    Attributes:
        contact: (m,) index of the contact of each pair.
        sound: (m,) index of its sound.
        offset_s: (m,) contact less sound in seconds, positive: sound early.
    """

    contact: np.ndarray
    sound: np.ndarray
    offset_s: np.ndarray


@dataclass(frozen=True)
class PairShares:
    """How contacts and sounds agree.

    Attributes:
        precision: Share 0..1 of sounds that are seen; None without a sound that counts.
        recall: Share 0..1 of contacts that are heard.
        f1: Their harmonic mean, 0..1.
        offset_s: Median offset in seconds (positive: sound early); None without a pair.
        mad_s: Median absolute deviation of the offsets; None without a pair.
    """

    precision: float | None
    recall: float
    f1: float
    offset_s: float | None
    mad_s: float | None


def match_impacts(contact_s: np.ndarray, sound_s: np.ndarray, *, window_s: float = WINDOW_S) -> ImpactPairs:
    """Match contacts and sounds one to one: as many pairs as possible, with the least total distance.

    Args:
        contact_s: Times (n,) of the contacts in seconds.
        sound_s: Times (m,) of the onsets in seconds.
        window_s: Largest distance of a pair in seconds.

    >>> pairs = match_impacts(np.array([1.0, 2.0, 3.0]), np.array([1.02, 2.5, 3.03]))
    >>> pairs.contact.tolist(), pairs.sound.tolist(), pairs.offset_s.round(3).tolist()
    ([0, 2], [0, 2], [-0.02, -0.03])
    """
    from scipy.optimize import linear_sum_assignment

    empty = np.zeros(0, int)
    if not len(contact_s) or not len(sound_s):
        return ImpactPairs(empty, empty, np.zeros(0))
    apart = np.abs(sound_s[None, :] - contact_s[:, None])
    too_far = (min(apart.shape) + 1) * window_s + 1.0
    # rounded, so that of two sounds equally near a contact the earlier is taken whatever the last bits are
    rows, columns = linear_sum_assignment(np.where(apart <= window_s, apart.round(10), too_far))
    near = apart[rows, columns] <= window_s
    rows, columns = rows[near], columns[near]
    return ImpactPairs(rows, columns, contact_s[rows] - sound_s[columns])


def shares_of(pairs: ImpactPairs, *, contact_counts: np.ndarray, sound_counts: np.ndarray) -> PairShares:
    """Precision, recall, F1 and offset of matched pairs.

    Args:
        pairs: The matched pairs.
        contact_counts: (n,) bool: which contacts count if they are not matched; matched ones always count.
        sound_counts: (m,) bool: the same for sounds.

    >>> times = np.array([1.0, 2.0, 3.0, 4.0])
    >>> heard = np.array([1.04, 2.04, 3.06, 7.0])
    >>> shares = shares_of(match_impacts(times, heard), contact_counts=np.ones(4, bool), sound_counts=np.ones(4, bool))
    >>> shares.precision, shares.recall, shares.f1, round(shares.offset_s, 3), round(shares.mad_s, 3)
    (0.75, 0.75, 0.75, -0.04, 0.0)
    """
    contact_counts, sound_counts = contact_counts.copy(), sound_counts.copy()
    contact_counts[pairs.contact] = True
    sound_counts[pairs.sound] = True
    n_contacts, n_sounds, n_pairs = int(contact_counts.sum()), int(sound_counts.sum()), len(pairs.offset_s)
    recall = n_pairs / n_contacts if n_contacts else 0.0
    precision = n_pairs / n_sounds if n_sounds else None
    f1 = 2.0 * n_pairs / (n_contacts + n_sounds) if n_contacts + n_sounds else 0.0
    if not n_pairs:
        return PairShares(precision, recall, f1, None, None)
    offset = float(np.median(pairs.offset_s))
    return PairShares(precision, recall, f1, offset, float(np.median(np.abs(pairs.offset_s - offset))))


def sounds_that_count(heard: Onsets, contacts: list[SeenContact], pairs: ImpactPairs) -> np.ndarray:
    """Which sounds must have a contact: not the faint ones, nor those of a body that comes to rest in bounces too small to see.

    Args:
        heard: M sounds.
        contacts: The contacts.
        pairs: Which sounds and contacts belong together.

    Returns:
        (M,) bool.
    """
    if not len(heard.time_s):
        return np.zeros(0, bool)
    counts = heard.level >= SOFT_SOUND * heard.level.max()
    last = {contact.body: index for index, contact in enumerate(contacts)}
    for index in last.values():
        partner = np.flatnonzero(pairs.contact == index)
        if not len(partner):
            continue
        sound = int(pairs.sound[partner[0]])
        since = heard.time_s - heard.time_s[sound]
        counts &= ~((since > 0) & (since <= SETTLING_S) & (heard.level < heard.level[sound]))
    return counts
