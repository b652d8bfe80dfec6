"""A board of a million votes: fit, intervals clustered by prompt and voter, and rank ranges, beside evalica with its bootstrap.

    python tests/benchmarks/arena_ratings.py [votes] [models] [bootstraps]

Both are timed one after the other in this process, after a first run of each on few votes. evalica's percentile bootstrap (of the votes,
which takes them to be independent) is run with few resamples and the time of as many as an interval needs is given in proportion.
"""

from __future__ import annotations

import sys
import time
import warnings

import evalica
import numpy as np

from seedbench.arena.ratings.bradley_terry import ELO, Votes, fit
from seedbench.arena.ratings.clustering import covariance
from seedbench.arena.ratings.ranks import ranks

NEEDED = 1_000
_WINNERS = np.array([evalica.Winner.X, evalica.Winner.Draw, evalica.Winner.Y])


def drawn(n: int, m: int, *, n_prompts: int = 500, n_voters: int = 20_000, seed: int = 0) -> Votes:
    """Votes by Davidson's model, with about one in eight tied."""
    rng = np.random.default_rng(seed)
    strengths = np.linspace(1.2, -1.2, m)
    left = rng.integers(m, size=n)
    right = (left + rng.integers(1, m, size=n)) % m
    s = strengths[left] - strengths[right]
    weights = np.exp(np.stack([s / 2, np.full(n, -1.2), -s / 2], 1))
    ends = np.cumsum(weights / weights.sum(1, keepdims=True), 1)
    outcome = (rng.random(n)[:, None] > ends).sum(1).clip(max=2)
    return Votes(m, left, right, outcome, rng.integers(n_prompts, size=n), rng.integers(n_voters, size=n))


def ours(votes: Votes) -> tuple[float, np.ndarray]:
    """Seconds from votes to ranks, and the ratings with halved ties, which evalica's are compared to."""
    begun = time.perf_counter()
    fitted = fit(votes)
    spread = covariance(votes, fitted)
    ranks(fitted.ratings, spread.values[: votes.n_models, : votes.n_models], quantile=spread.quantile)
    seconds = time.perf_counter() - begun
    return seconds, fit(votes, ties="half", side=False, ridge=0.0).ratings * ELO


def theirs(votes: Votes, resamples: int) -> tuple[float, float, np.ndarray]:
    """Seconds of one fit, of so many bootstraps, and evalica's Bradley-Terry on the Elo scale about 0."""
    columns = (votes.left.tolist(), votes.right.tolist(), _WINNERS[votes.outcome].tolist())
    begun = time.perf_counter()
    expected = evalica.bradley_terry(*columns, tie_weight=0.5, tolerance=1e-9, limit=10_000)
    fitted = time.perf_counter() - begun
    begun = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evalica.bootstrap(evalica.bradley_terry, *columns, n_resamples=resamples, bootstrap_method="percentile")
    booted = time.perf_counter() - begun
    scores = np.log(expected.scores.sort_index().to_numpy())
    return fitted, booted, (scores - scores.mean()) * ELO


def main() -> None:
    """Time both and print."""
    n, m, resamples = (int(value) for value in (*sys.argv[1:], *("1000000", "50", "5")[len(sys.argv) - 1 :]))
    few = drawn(2_000, m)
    ours(few)
    theirs(few, 2)
    votes = drawn(n, m)
    mine, my_ratings = ours(votes)
    fitted, booted, their_ratings = theirs(votes, resamples)
    print(f"{n} votes, {m} models: fit, two-way clustered intervals and rank ranges {mine:.2f} s")
    print(f"evalica: fit {fitted:.2f} s; {resamples} bootstraps {booted:.1f} s, so {NEEDED} take about {booted / resamples * NEEDED:.0f} s")
    whole = fitted + booted / resamples * NEEDED
    print(f"ratio at {resamples} bootstraps {(fitted + booted) / mine:.1f}, at {NEEDED} about {whole / mine:.0f}")
    print(f"largest difference of halved-tie ratings: {np.abs(my_ratings - their_ratings).max():.4f} points")


if __name__ == "__main__":
    main()
