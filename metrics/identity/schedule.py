"""Who should be seen when: the prompt's shots laid over the cuts that are really there.

Times asked for and times made differ between generators, so shots correspond by order. A cut nobody declared makes two shots of the same
cast. A declared cut that cannot be seen still says who is due from then on, but both its shots belong to one take: likeness is never
compared within a take, so that a clip without cuts cannot score for keeping a face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from seedbench.ties import first_least

if TYPE_CHECKING:
    from seedbench.suites.prompt import Prompt

CUT_TOLERANCE_S = 2 / 25
"""Declared and seen cuts within two frames at 25 fps are the same."""
SAME_S = 1e-9
"""Distances in time that differ by less are equal: the earlier cut is taken."""
LEAST_SHOT_S = 0.2
"""A declared cut that cannot be seen parts nothing this near to one that can."""


@dataclass(frozen=True)
class Planned:
    """A declared shot on the clip's own clock: ``start_s``, ``end_s`` after correspondence, ``cast`` left to right."""

    start_s: float
    end_s: float
    cast: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """What the clip should show.

    ``cuts_s`` the cuts that are seen; ``bounds_s`` (n, 2) of the shots, and ``take`` (n,) which stretch between seen cuts each lies in;
    ``expected`` the cast of each shot, left to right; ``planned`` the declared shots. Of ``cuts_declared`` cuts ``cuts_met`` are seen
    within two frames, out of ``cuts_seen``.
    """

    cuts_s: np.ndarray
    bounds_s: np.ndarray
    take: np.ndarray
    expected: tuple[tuple[str, ...], ...]
    planned: tuple[Planned, ...]
    cuts_declared: int
    cuts_met: int
    cuts_seen: int

    def shot_of(self, time_s: np.ndarray) -> np.ndarray:
        """Index of the shot at each time."""
        return np.searchsorted(self.bounds_s[1:, 0], time_s + 1e-6, side="right")


def count_met(declared_s: Sequence[float], seen_s: Sequence[float], tolerance_s: float = CUT_TOLERANCE_S) -> int:
    """How many declared cuts have a seen one of their own within the tolerance. Both ascending.

    >>> count_met([1.0, 2.0], [1.05, 1.06, 3.0])
    1
    """
    met = position = 0
    for time in declared_s:
        while position < len(seen_s) and seen_s[position] < time - tolerance_s - 1e-9:
            position += 1
        if position < len(seen_s) and seen_s[position] <= time + tolerance_s + 1e-9:
            met += 1
            position += 1
    return met


def align(declared_s: Sequence[float], seen_s: Sequence[float]) -> list[tuple[int, int]]:
    """Pairs (declared, seen) of corresponding cuts: by order when there are as many, else the order-keeping choice nearest in time.

    As many pairs as the shorter list has cuts.

    >>> align([1.0, 2.0], [1.4, 2.9])
    [(0, 0), (1, 1)]
    >>> align([1.0, 2.0, 3.0], [2.1])
    [(1, 0)]
    """
    n, m = len(declared_s), len(seen_s)
    if n > m:
        return [(i, j) for j, i in align(seen_s, declared_s)]
    # cost[i, j]: the first i declared cuts all paired, with seen cuts among the first j
    cost = np.full((n + 1, m + 1), np.inf)
    cost[0] = 0.0
    for i in range(1, n + 1):
        for j in range(i, m + 1):
            cost[i, j] = min(cost[i, j - 1], cost[i - 1, j - 1] + abs(declared_s[i - 1] - seen_s[j - 1]))
    pairs: list[tuple[int, int]] = []
    i, j = n, m
    while i > 0:
        if cost[i, j] >= cost[i, j - 1] - SAME_S:
            j -= 1
        else:
            i, j = i - 1, j - 1
            pairs.append((i, j))
    return pairs[::-1]


def confirm(seen_s: np.ndarray, faint_s: np.ndarray, declared_s: Sequence[float]) -> np.ndarray:
    """Seen cuts plus those faint changes that lie where a cut was declared and none was seen.

    >>> confirm(np.array([1.0]), np.array([1.02, 2.0, 2.5]), [1.0, 2.04]).tolist()
    [1.0, 2.0]
    """
    cuts = list(seen_s)
    for time in declared_s:
        if any(abs(cut - time) <= CUT_TOLERANCE_S + 1e-9 for cut in cuts):
            continue
        near = [faint for faint in faint_s if abs(faint - time) <= CUT_TOLERANCE_S + 1e-9]
        if near:
            cuts.append(near[first_least([abs(faint - time) for faint in near], tolerance=SAME_S)])
    return np.sort(np.array(cuts, dtype=float))


def lay(declared: Sequence[tuple[float, float, tuple[str, ...]]], seen_s: np.ndarray, faint_s: np.ndarray, *, end_s: float) -> Schedule:
    """Lay declared shots (start, end, cast) over the cuts seen in a clip that ends at ``end_s``.

    Between corresponding cuts declared times are stretched linearly.
    """
    asked = [start for start, _, _ in declared[1:]]
    cuts = confirm(seen_s, faint_s, asked)
    pairs = align(asked, cuts.tolist())
    knots = [0.0, *(asked[i] for i, _ in pairs), declared[-1][1]]
    places = [0.0, *(float(cuts[j]) for _, j in pairs), end_s]
    planned = tuple(
        Planned(float(np.interp(start, knots, places)), float(np.interp(end, knots, places)), cast) for start, end, cast in declared
    )
    unseen = [shot.start_s for shot in planned[1:] if np.abs(np.array([0.0, *cuts, end_s]) - shot.start_s).min() >= LEAST_SHOT_S]
    edges = np.array([0.0, *sorted([*cuts.tolist(), *unseen]), end_s])
    bounds_s = np.stack([edges[:-1], edges[1:]], axis=1)
    middle = bounds_s.mean(axis=1)
    owner = np.searchsorted([shot.start_s for shot in planned[1:]], middle, side="right")
    take = np.searchsorted(cuts, middle, side="right")
    expected = tuple(planned[int(index)].cast for index in owner)
    return Schedule(cuts, bounds_s, take, expected, planned, len(asked), count_met(asked, cuts.tolist()), len(cuts))


def of_prompt(prompt: Prompt, seen_s: np.ndarray, faint_s: np.ndarray, *, end_s: float) -> Schedule:
    """The schedule of a prompt with a cast; one that declares no shots asks for its whole cast in one take."""
    if prompt.shots:
        declared = [(shot.start_s, shot.end_s, shot.cast) for shot in prompt.shots]
    else:
        declared = [(0.0, prompt.duration_s, tuple(character.id for character in prompt.cast))]
    return lay(declared, seen_s, faint_s, end_s=end_s)


def of_one_face(seen_s: np.ndarray, *, end_s: float, name: str = "the face") -> Schedule:
    """The schedule of a clip about which nothing is known but that one person is seen in it: that person, in every shot."""
    edges = np.concatenate([[0.0], seen_s, [end_s]])
    return lay([(float(a), float(b), (name,)) for a, b in pairwise(edges)], seen_s, np.zeros(0), end_s=end_s)
