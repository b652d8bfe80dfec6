"""Who should be seen when: the prompt's shots aligned with the cuts that are seen in the clip.

Generators do not keep the declared times exactly, so shots correspond by order. A cut that was not declared makes two shots of the same
cast. A declared cut that is not seen still says who is expected from then on, but both its shots belong to one take: likeness is never
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
"""A declared cut that is not seen is ignored when it is nearer than this to a seen cut."""


@dataclass(frozen=True)
class PlannedShot:
    """A declared shot on the clip's own clock.

    Attributes:
        start_s: Start in seconds, after declared cuts were matched with seen ones.
        end_s: End in seconds.
        cast: The people, left to right.
    """

    start_s: float
    end_s: float
    cast: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """What the clip should show.

    Attributes:
        cuts_s: The cuts that are seen.
        bounds_s: (n, 2) start and end of the shots, seconds.
        take: (n,) the stretch between seen cuts in which each shot lies.
        expected: The cast of each shot, left to right.
        planned: The declared shots.
        cuts_declared: The number of declared cuts.
        cuts_matched: How many of these are seen within two frames.
        cuts_seen: The number of cuts that are seen.
    """

    cuts_s: np.ndarray
    bounds_s: np.ndarray
    take: np.ndarray
    expected: tuple[tuple[str, ...], ...]
    planned: tuple[PlannedShot, ...]
    cuts_declared: int
    cuts_matched: int
    cuts_seen: int

    def shot_of(self, time_s: np.ndarray) -> np.ndarray:
        """Index of the shot at each time."""
        return np.searchsorted(self.bounds_s[1:, 0], time_s + 1e-6, side="right")


def count_matched_cuts(declared_s: Sequence[float], seen_s: Sequence[float], tolerance_s: float = CUT_TOLERANCE_S) -> int:
    """How many declared cuts have a seen cut of their own within a tolerance.

    Args:
        declared_s: Ascending times in seconds.
        seen_s: Ascending times in seconds.
        tolerance_s: Seconds.

    Returns:
        The number.

    >>> count_matched_cuts([1.0, 2.0], [1.05, 1.06, 3.0])
    1
    """
    matched = position = 0
    for time in declared_s:
        while position < len(seen_s) and seen_s[position] < time - tolerance_s - 1e-9:
            position += 1
        if position < len(seen_s) and seen_s[position] <= time + tolerance_s + 1e-9:
            matched += 1
            position += 1
    return matched


def align_cuts(declared_s: Sequence[float], seen_s: Sequence[float]) -> list[tuple[int, int]]:
    """Pairs (declared, seen) of corresponding cuts: by order when there are as many, else the order-keeping choice nearest in time.

    As many pairs as the shorter list has cuts.

    >>> align_cuts([1.0, 2.0], [1.4, 2.9])
    [(0, 0), (1, 1)]
    >>> align_cuts([1.0, 2.0, 3.0], [2.1])
    [(1, 0)]
    """
    n, m = len(declared_s), len(seen_s)
    if n > m:
        return [(i, j) for j, i in align_cuts(seen_s, declared_s)]
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


def confirm_faint_cuts(seen_s: np.ndarray, faint_s: np.ndarray, declared_s: Sequence[float]) -> np.ndarray:
    """Seen cuts plus those faint changes that lie where a cut was declared and none was seen.

    Args:
        seen_s: The cuts in seconds.
        faint_s: The faint changes in seconds.
        declared_s: The declared cuts in seconds.

    Returns:
        Ascending times in seconds.

    >>> confirm_faint_cuts(np.array([1.0]), np.array([1.02, 2.0, 2.5]), [1.0, 2.04]).tolist()
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


def build_schedule(
    declared: Sequence[tuple[float, float, tuple[str, ...]]], seen_s: np.ndarray, faint_s: np.ndarray, *, end_s: float
) -> Schedule:
    """Align declared shots with the cuts seen in a clip. Between corresponding cuts declared times are stretched linearly.

    Args:
        declared: Start and end in seconds and cast of each declared shot.
        seen_s: Times of the cuts that are seen.
        faint_s: Times of fainter changes, which are cuts where one is declared.
        end_s: Length of the clip in seconds.
    """
    declared_cuts_s = [start for start, _, _ in declared[1:]]
    cuts = confirm_faint_cuts(seen_s, faint_s, declared_cuts_s)
    pairs = align_cuts(declared_cuts_s, cuts.tolist())
    declared_s = [0.0, *(declared_cuts_s[i] for i, _ in pairs), declared[-1][1]]
    clip_s = [0.0, *(float(cuts[j]) for _, j in pairs), end_s]
    planned = tuple(
        PlannedShot(float(np.interp(start, declared_s, clip_s)), float(np.interp(end, declared_s, clip_s)), cast)
        for start, end, cast in declared
    )
    unseen = [shot.start_s for shot in planned[1:] if np.abs(np.array([0.0, *cuts, end_s]) - shot.start_s).min() >= LEAST_SHOT_S]
    edges = np.array([0.0, *sorted([*cuts.tolist(), *unseen]), end_s])
    bounds_s = np.stack([edges[:-1], edges[1:]], axis=1)
    middle = bounds_s.mean(axis=1)
    owner = np.searchsorted([shot.start_s for shot in planned[1:]], middle, side="right")
    take = np.searchsorted(cuts, middle, side="right")
    expected = tuple(planned[int(index)].cast for index in owner)
    return Schedule(
        cuts, bounds_s, take, expected, planned, len(declared_cuts_s), count_matched_cuts(declared_cuts_s, cuts.tolist()), len(cuts)
    )


def schedule_of_prompt(prompt: Prompt, seen_s: np.ndarray, faint_s: np.ndarray, *, end_s: float) -> Schedule:
    """The schedule of a prompt; without declared shots its whole cast is expected in one take.

    Args:
        prompt: The prompt.
        seen_s: The cuts that are seen, seconds.
        faint_s: Fainter changes, seconds.
        end_s: The end of the clip in seconds.

    Returns:
        The schedule.
    """
    if prompt.shots:
        declared = [(shot.start_s, shot.end_s, shot.cast) for shot in prompt.shots]
    else:
        declared = [(0.0, prompt.duration_s, tuple(character.id for character in prompt.cast))]
    return build_schedule(declared, seen_s, faint_s, end_s=end_s)


def schedule_of_cuts(seen_s: np.ndarray, *, end_s: float) -> Schedule:
    """The schedule of a clip without a prompt: its shots, with nobody declared.

    Args:
        seen_s: The cuts that are seen, seconds.
        end_s: The end of the clip in seconds.

    Returns:
        The schedule.
    """
    edges = np.concatenate([[0.0], seen_s, [end_s]])
    return build_schedule([(float(a), float(b), ()) for a, b in pairwise(edges)], seen_s, np.zeros(0), end_s=end_s)
