"""Each voter's votes compared with what all other votes make likely: how unlikely they are, and whether one system is favoured.

A voter is compared with ratings made without their votes, and with simulated voters who saw the same pairs. Simulated voters have tastes,
since real ones do: each likes a system more or less by a normal deviate. Its spread is chosen so that the median voter looks ordinary; with
a median a few rigged voters cannot hide. Only decided votes are used: how often somebody calls a tie is a habit and says nothing. By
Davidson's model the chance of left among decided votes is the logistic of s.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from seedbench.arena.ratings.bradley_terry import ELO, LEFT, RIDGE, TIE, Votes, fit
from seedbench.arena.ratings.connectivity import vote_graph

LEAST_VOTES = 20
"""The least number of decided votes on models that others rate with which a voter is compared."""
LEAST_OTHERS = 5
_LEAST_INFORMATION = 1.0  # of a voter's votes on a system, in squared logits, below which they say nothing about the taste for it
_CHI2_MEDIAN = 0.454936  # of the square of a normal deviate
_DRAWS = (999, 9_999, 99_999, 999_999)
_ENOUGH_HITS = 10  # a p-value that rests on fewer simulated voters is computed again with more of them
_SAME = 1e-9
_CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class VoterComparison:
    """A voter compared with the others.

    Attributes:
        n: The number of decided votes.
        likelier: How many chose the side that the others' ratings favour (half of the votes on equal models count).
        likelier_expected: How many were expected to.
        p_contrary: The share of simulated voters whose votes are as unlikely.
        system: The index of the system whose wins are the least likely, too many or too few.
        n_system: The number of votes on it.
        won: How many of these it won.
        won_expected: How many it was expected to win.
        p_partisan: Twice the share of simulated voters with as many wins of it, or as few, times the number of systems tested.
    """

    n: int
    likelier: int
    likelier_expected: float
    p_contrary: float
    system: int
    n_system: int
    won: int
    won_expected: float
    p_partisan: float


@dataclass(frozen=True)
class VoterComparisons:
    """The comparisons of all voters.

    Attributes:
        voters: A comparison for each voter; None where the others rate too few of their votes.
        taste_elo: The spread of honest tastes in Elo points.
        least: The smallest p-value that so many simulated voters can give; for ``p_partisan`` twice that, times the number of systems.
    """

    voters: tuple[VoterComparison | None, ...]
    taste_elo: float
    least: float


@dataclass(frozen=True)
class _VotesSeen:
    """A voter's decided votes: ``s`` (n,) in logits for the left, ``wins`` (n,) of the left, ``design`` (n, K): 1 for the system on the
    left, -1 for the system on the right."""

    s: np.ndarray
    wins: np.ndarray
    design: np.ndarray

    @property
    def p(self) -> np.ndarray:
        return np.asarray(expit(self.s))

    @property
    def information(self) -> np.ndarray:
        """The information of the votes on each system (K,)."""
        return np.asarray((self.p * (1 - self.p)) @ np.abs(self.design))

    def surplus(self, wins: np.ndarray) -> np.ndarray:
        """Wins (..., n) beyond expectation by system (..., K)."""
        return np.asarray((wins - self.p) @ self.design)


def against_others(
    votes: Votes, system: np.ndarray, trusted: np.ndarray, *, ridge: float = RIDGE, level: float = 0.05, seed: int = 0
) -> VoterComparisons:
    """Compare every voter with all others who are trusted.

    Args:
        votes: The votes; ``votes.voter`` is an index 0..V-1.
        system: The index of each model's system (M,), since one system may be rated twice, with and without sound.
        trusted: Whether a voter is among the others (V,).
        ridge: The ridge of the ratings.
        level: p-values are fine enough to be corrected at this level for as many tests as there are voters.
        seed: The seed of the simulated voters.

    Returns:
        A comparison for each voter.
    """
    n_voters, m = len(trusted), votes.n_models
    if np.count_nonzero(trusted[np.unique(votes.voter)]) <= LEAST_OTHERS:
        return VoterComparisons((None,) * n_voters, 0.0, 1.0)
    cell = (votes.left * m + votes.right) * 3 + votes.outcome
    counts = np.bincount(cell[trusted[votes.voter]], minlength=m * m * 3)
    order = np.argsort(votes.voter, kind="stable")
    mine = np.split(order, np.cumsum(np.bincount(votes.voter, minlength=n_voters))[:-1])
    seen = [
        _seen(votes, of, counts - trusted[voter] * np.bincount(cell[of], minlength=len(counts)), system, ridge)
        for voter, of in enumerate(mine)
    ]
    taste = _taste([votes_seen for votes_seen, believed in zip(seen, trusted, strict=True) if votes_seen is not None and believed])
    enough = int(10 * n_voters * (int(system.max()) + 1) / level)
    draws = tuple(sorted({min(n, enough) for n in _DRAWS}))
    held = [
        None if votes_seen is None else _compared(votes_seen, taste, draws, np.random.default_rng([seed, voter]))
        for voter, votes_seen in enumerate(seen)
    ]
    return VoterComparisons(tuple(held), float(ELO * taste), 1 / (1 + max(draws)))


def _seen(votes: Votes, of: np.ndarray, counts: np.ndarray, system: np.ndarray, ridge: float) -> _VotesSeen | None:
    """The decided votes at the places ``of``, by ratings from ``counts`` (M * M * 3,) of the others; None for fewer than LEAST_VOTES."""
    m = votes.n_models
    cells = np.flatnonzero(counts)
    of = of[votes.outcome[of] != TIE]
    if not len(cells) or len(of) < LEAST_VOTES:
        return None
    pair, outcome = np.divmod(cells, 3)
    zeros = np.zeros(len(cells), np.int64)
    others = Votes(m, pair // m, pair % m, outcome, zeros, zeros, weight=counts[cells].astype(np.float64))
    component = vote_graph(others).component
    left, right = votes.left[of], votes.right[of]
    known = (component[left] == component[right]) & (component[left] >= 0)
    of, left, right = of[known], left[known], right[known]
    if len(of) < LEAST_VOTES:
        return None
    fitted = fit(others, ridge=ridge)
    design = np.zeros((len(of), int(system.max()) + 1))
    rows = np.arange(len(of))
    design[rows, system[left]] += 1
    design[rows, system[right]] -= 1
    return _VotesSeen(fitted.ratings[left] - fitted.ratings[right] + fitted.side, (votes.outcome[of] == LEFT).astype(np.float64), design)


def _taste(seen: list[_VotesSeen]) -> float:
    """The standard deviation of tastes in logits at which the median of squared surplus over its variance is that of a normal deviate."""
    if not seen:
        return 0.0
    information = np.concatenate([voter.information for voter in seen])
    squared = np.concatenate([voter.surplus(voter.wins) for voter in seen]) ** 2
    telling = information >= _LEAST_INFORMATION - _SAME
    information, squared = information[telling], squared[telling]
    if not len(squared):
        return 0.0

    def middle_of(variance: float) -> float:
        return float(np.median(squared / (information + information**2 * variance)))

    low, high = 0.0, 4.0
    if middle_of(low) <= _CHI2_MEDIAN:
        return 0.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if middle_of(middle) > _CHI2_MEDIAN else (low, middle)
    return float(np.sqrt(high))


def _compared(seen: _VotesSeen, taste: float, draws: tuple[int, ...], rng: np.random.Generator) -> VoterComparison:
    telling = np.flatnonzero(seen.information >= _LEAST_INFORMATION - _SAME)
    for n in draws:
        as_unlikely, tails = _simulated(seen, taste, telling, n, rng)
        if min([as_unlikely, *tails]) >= _ENOUGH_HITS:
            break
    each = np.minimum(1.0, 2 * (1 + tails) / (1 + n))
    system = int(telling[each.argmin()]) if len(telling) else 0
    side = seen.design[:, system]
    even = np.abs(seen.s) <= _SAME
    won, hoped = seen.wins == (side > 0), np.where(side > 0, seen.p, 1 - seen.p)
    return VoterComparison(
        n=len(seen.s),
        likelier=int(((seen.s > 0) == (seen.wins > 0))[~even].sum() + even.sum() // 2),
        likelier_expected=float(np.maximum(seen.p, 1 - seen.p).sum()),
        p_contrary=(1 + as_unlikely) / (1 + n),
        system=system,
        n_system=int((side != 0).sum()),
        won=int(won[side != 0].sum()),
        won_expected=float(hoped[side != 0].sum()),
        p_partisan=float(min(1.0, len(telling) * each.min(initial=1.0))),
    )


def _simulated(seen: _VotesSeen, taste: float, telling: np.ndarray, n: int, rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """How many of ``n`` simulated voters have votes as unlikely, and, of each of the ``telling`` systems (T,), how many have as many wins,
    or as few, whichever is fewer."""
    likelihood, surplus = seen.wins @ seen.s, seen.surplus(seen.wins)[telling]
    as_unlikely, as_many, as_few = 0, np.zeros(len(telling), np.int64), np.zeros(len(telling), np.int64)
    at_once = max(1, _CELLS_AT_ONCE // len(seen.s))
    for start in range(0, n, at_once):
        size = min(at_once, n - start)
        tastes = taste * rng.standard_normal((size, seen.design.shape[1]))
        wins = (rng.random((size, len(seen.s))) < expit(seen.s + tastes @ seen.design.T)).astype(np.float64)
        as_unlikely += int((wins @ seen.s <= likelihood + _SAME).sum())
        drawn = seen.surplus(wins)[:, telling]
        as_many += (drawn >= surplus - _SAME).sum(0)
        as_few += (drawn <= surplus + _SAME).sum(0)
    return as_unlikely, np.minimum(as_many, as_few)
